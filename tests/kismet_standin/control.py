"""Orders for the stand-in, as JSON over HTTP: POST /fault, /clear, /restart, /stop, /start, /devices, /device, /touch, /forget, /jump; GET /state."""
import asyncio
import json


class Control:
    def __init__(self, server, world, faults):
        self.server, self.world, self.faults = server, world, faults
        self.port = None

    async def listen(self, host, port):
        self.listener = await asyncio.start_server(self.serve, host, port)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
            body = json.loads(await reader.readexactly(length) or b"{}")
            status, answer = 200, None
            try:
                answer = await self.obey(head.split()[1], body)
            except (KeyError, ValueError, TypeError) as e:
                status, answer = 400, {"error": repr(e)}
            text = json.dumps(answer).encode()
            writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(text)) + text)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def obey(self, path, order):
        w = self.world
        if path == "/fault":
            self.faults.order(**order)
        elif path == "/clear":
            self.faults.clear(order.get("name"))
        elif path == "/stop":
            await self.server.close()
        elif path == "/start":
            await self.server.listen()
        elif path == "/restart":
            w.restart()
            await self.server.close()
            await self.server.listen()
        elif path == "/devices":
            w.add_devices(**order)
        elif path == "/device":
            return w.add_device(**order)
        elif path == "/touch":
            w.touch(**order)
        elif path == "/forget":
            w.forget(order["keys"])
        elif path == "/jump":
            w.jump += order["seconds"]
        elif path == "/event":
            w.event(order["topic"], order["value"])
        elif path != "/state":
            raise ValueError(f"no such order: {path}")
        return {"devices": {k: d for k, d in w.devices.items()} if order.get("full") else len(w.devices), "alerts": len(w.alerts), "requests": self.server.requests,
                "connections": self.server.connections, "buses": len(self.server.buses), "subscriptions": sorted(self.server.subscribed), "is_over": w.next >= len(w.session)}
