"""The event bus of the stand-in: a WebSocket server of the few frames that Kismet's uses."""
import asyncio
import base64
import hashlib
import json
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload, fin=True):
    first = (0x80 if fin else 0) | opcode
    n = len(payload)
    if n < 126:
        return bytes((first, n)) + payload
    if n < 65536:
        return bytes((first, 126)) + struct.pack(">H", n) + payload
    return bytes((first, 127)) + struct.pack(">Q", n) + payload


async def read_frame(reader):
    a, b = await reader.readexactly(2)
    n = b & 127
    if n == 126:
        n = struct.unpack(">H", await reader.readexactly(2))[0]
    elif n == 127:
        n = struct.unpack(">Q", await reader.readexactly(8))[0]
    if not b & 128:
        raise OSError("a client's frame must be masked")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(n)
    return a & 15, bytes(c ^ mask[i % 4] for i, c in enumerate(data))


async def refuse(writer, status):
    body = b"<html>%d</html>" % status
    writer.write(b"HTTP/1.1 %d X\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)
    await writer.drain()


async def serve(server, reader, writer, headers, query):
    f = server.faults
    if f.has("bus_mute"):
        await asyncio.sleep(60)
    if f.has("no_bus"):
        return await refuse(writer, 404)
    if f.has("bus_plain"):
        return await refuse(writer, 200)
    if f.has("bus_refused") or f.has("unauthorized") or not server.is_known(headers, query):
        return await refuse(writer, 401)
    key = headers.get("sec-websocket-key", "") + ("x" if f.has("bus_wrong_key") else "")
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    writer.write(f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    topics = set()
    server.buses.add(writer)

    def hear(topic, value):
        if topic in topics or "*" in topics:
            push(server, writer, topic, value)

    server.world.listeners.append(hear)
    try:
        while True:
            opcode, data = await read_frame(reader)
            if opcode == TEXT:
                order = json.loads(data)
                topics |= {order["SUBSCRIBE"]} if "SUBSCRIBE" in order else set()
                topics -= {order.get("UNSUBSCRIBE")}
                server.subscribed |= topics
            elif opcode == PING and not f.has("bus_dead"):
                writer.write(frame(PONG, data))
            elif opcode == CLOSE:
                writer.write(frame(CLOSE, data))
                return
            await writer.drain()
    finally:
        server.world.listeners.remove(hear)
        server.buses.discard(writer)


def push(server, writer, topic, value):
    f = server.faults
    if writer.transport.get_write_buffer_size() > 64 << 20:
        writer.transport.abort()
        return
    data = json.dumps({topic: value}).encode()
    if f.has("bus_no_json"):
        data = b"{" + data
    if f.has("bus_long"):
        data = b'{"NEW_DEVICE":"' + b"x" * (4 << 20) + b'"}'
    if f.has("bus_binary"):
        writer.write(b"\xff\xff\xff\xff" + data)
        return
    if f.has("bus_fragments"):
        pieces = [data[i:i + 10] for i in range(0, len(data), 10)]
        for i, piece in enumerate(pieces):
            writer.write(frame(TEXT if i == 0 else 0, piece, fin=i == len(pieces) - 1))
        return
    writer.write(frame(TEXT, data))
    if f.has("bus_drop"):
        writer.transport.abort()
