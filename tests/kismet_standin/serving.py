"""The HTTP side of the stand-in: logins, routes, chunked replies on kept connections, and the faults among them."""
import asyncio
import base64
import http
import json
import secrets
import struct
import urllib.parse

import bus

HTML = b"<!DOCTYPE html><html><head><title>Kismet</title></head><body><h1>%s</h1></body></html>"


class Server:
    def __init__(self, world, faults, options):
        self.world, self.faults, self.options = world, faults, options
        self.port = options.port
        self.listener = None
        self.writers = set()
        self.buses = set()
        self.subscribed = set()
        self.cookies = set()
        self.connections = 0
        self.requests = {}
        self.player = None

    async def listen(self):
        self.listener = await asyncio.start_server(self.serve, self.options.host, self.port, limit=1 << 20)
        self.port = self.listener.sockets[0].getsockname()[1]
        if self.player is None:
            self.player = asyncio.create_task(self.play())

    async def close(self):
        if self.listener:
            self.listener.close()
            self.listener = None
        for w in list(self.writers):
            w.transport.abort()
        await asyncio.sleep(0)

    async def play(self):
        while True:
            left = self.world.advance()
            await asyncio.sleep(min(0.2, left if left is not None else 0.2))

    async def serve(self, reader, writer):
        self.connections += 1
        self.writers.add(writer)
        try:
            while await self.one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        finally:
            self.writers.discard(writer)
            writer.close()

    async def one(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = head.split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers = {n.strip().lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path, _, query = target.partition("?")
        query = {n: v[0] for n, v in urllib.parse.parse_qs(query).items()}
        if path == "/eventbus/events.ws":
            await bus.serve(self, reader, writer, headers, query)
            return False
        # One number a template: /devices/last-time/17/devices.json counts as /devices/last-time/T/devices.json.
        name = "/".join("T" if part.lstrip("-").replace(".", "").isdigit() else part for part in path.split("/"))
        self.requests[name] = self.requests.get(name, 0) + 1
        return await self.answer(writer, method, path, headers, query, body)

    def is_known(self, headers, query):
        o = self.options
        if query.get("KISMET") in (o.api_key, *self.cookies) or (query.get("user"), query.get("password")) == (o.user, o.password):
            return True
        cookies = dict(c.strip().partition("=")[::2] for c in headers.get("cookie", "").split(";"))
        if cookies.get("KISMET") in (o.api_key, *self.cookies):
            return True
        basic = base64.b64encode(f"{o.user}:{o.password}".encode()).decode()
        return headers.get("authorization", "") == "Basic " + basic

    async def answer(self, writer, method, path, headers, query, body):
        f = self.faults
        if f.has("reset", path):
            sock = writer.get_extra_info("socket")
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: a reset in place of an end
            writer.transport.abort()
            return False
        if f.has("garbage", path):
            writer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20)
            await writer.drain()
            return False
        if f.has("long_head", path):
            writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 300_000)
            await writer.drain()
            await asyncio.sleep(60)
            return False
        if f.has("hang", path):
            await asyncio.sleep(60)
            return False
        if (seconds := f.has("slow", path)) is not None:
            await asyncio.sleep(float(seconds))
        if not self.is_known(headers, query) or f.has("unauthorized", path):
            return await self.send(writer, path, 401, HTML % b"401", "text/html")
        if (status := f.has("status", path)) is not None:
            status = 500 if status is True else int(status)
            return await self.send(writer, path, status, HTML % b"%d" % status, "text/html")
        if f.has("html", path):
            return await self.send(writer, path, 200, HTML % b"Welcome", "text/html")
        if f.has("html_typed", path):
            return await self.send(writer, path, 200, HTML % b"Welcome", "application/json")
        if f.has("empty", path):
            return await self.send(writer, path, 200, b"", "application/json")
        text = self.route(method, path, headers, body)
        if text is None:
            return await self.send(writer, path, 404, HTML % b"404", "text/html")
        return await self.send(writer, path, 200, text, "application/json")

    def route(self, method, path, headers, body):
        w = self.world
        w.advance()
        parts = path.strip("/").split("/")
        if path == "/session/check_session":
            return b"{}"
        if path == "/system/status.json":
            return json.dumps(w.status_now()).encode()
        if path == "/system/timestamp.json":
            return json.dumps({"kismet.system.timestamp.sec": int(w.now()), "kismet.system.timestamp.usec": 0}).encode()
        if path == "/datasource/all_sources.json":
            return json.dumps(w.sources_now()).encode()
        if path == "/alerts/all_alerts.json":
            return json.dumps(w.alerts).encode()
        if parts[:2] == ["alerts", "last-time"] and len(parts) == 4:
            return json.dumps([a for a in w.alerts if a["kismet.alert.timestamp"] > float(parts[2])]).encode()
        if path == "/messagebus/all_messages.json":
            return json.dumps(w.messages).encode()
        if parts[:2] == ["messagebus", "last-time"] and len(parts) == 4:
            return json.dumps([m for m in w.messages if m["kismet.messagebus.message_time"] > float(parts[2])]).encode()
        if parts[:2] == ["devices", "last-time"] and len(parts) == 4 and parts[3] == "devices.json":
            return self.devices(float(parts[2]), headers, body)
        return None

    def devices(self, since, headers, body):
        if since < 0:
            since = self.world.now() + since
        fields = None
        try:
            text = body.decode()
            if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                text = urllib.parse.parse_qs(text)["json"][0]
            fields = json.loads(text).get("fields") if text else None
        except (ValueError, KeyError):
            since = 0  # a body that is not JSON: all devices, unfiltered, as Kismet does
        if self.faults.has("all_devices"):
            since, fields = 0, None
        if self.faults.has("nonsense"):
            return b'[0,null,[1],{"kismet.device.base.macaddr":7},{"kismet.device.base.macaddr":"nonsense"},"text"]'
        text = "[" + ",".join(self.world.device_texts(since, fields)) + "]"
        if self.faults.has("zero"):
            devices = json.loads(text)
            for d in devices:
                for name in list(d):
                    if name in ("geopoint", "last_signal", "min_signal", "max_signal", "ssid", "clients", "fix", "alt") or isinstance(d[name], dict):
                        d[name] = 0
            text = json.dumps(devices + [0])
        return text.encode()

    async def send(self, writer, path, status, body, kind):
        f = self.faults
        cookie = ""
        if status == 200:
            token = secrets.token_hex(16)
            self.cookies = set(list(self.cookies)[-7:]) | {token}
            cookie = f"Set-Cookie: KISMET={token}; Path=/\r\n"
        head = f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\nServer: Kismet\r\nContent-Type: {kind}\r\n{cookie}"
        if f.has("half_json", path):
            body = body[:len(body) // 2]
        if f.has("length", path):
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
            return True
        size = 1 if f.has("byte_chunks", path) else max(1, len(body)) if f.has("one_chunk", path) else 8192
        ends = f.has("half", path), f.has("hang_body", path)
        whole = len(body) // 2 if any(ends) else len(body)
        writer.write(f"{head}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for at in range(0, whole, size):
            piece = body[at:min(at + size, whole)]
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if at % (1 << 16) < size:
                await writer.drain()
        await writer.drain()
        if ends[1]:
            await asyncio.sleep(60)
        if any(ends):
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return not f.has("close", path)
