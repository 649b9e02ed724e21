"""A WebSocket client of our own, so that it can also do what a client must not."""
import base64
import hashlib
import json
import os
import socket
import struct

from patchbay import SLOW

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(opcode, payload=b"", fin=True, rsv=0, mask=b"\x11\x22\x33\x44", length=None):
    """Bytes of one frame. mask None: not masked. length: 126 or 127 forces that form."""
    if isinstance(payload, str):
        payload = payload.encode()
    n = len(payload)
    form = length or (n if n < 126 else 126 if n < 65536 else 127)
    out = bytes([(0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if mask else 0) | form])
    if form == 126:
        out += struct.pack(">H", n)
    elif form == 127:
        out += struct.pack(">Q", n)
    if mask:
        out += mask
        payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if n < 4096 else (
            int.from_bytes(payload, "big") ^ int.from_bytes((mask * (n // 4 + 1))[:n], "big")).to_bytes(n, "big")
    return out + payload


class Refused(Exception):
    def __init__(self, status, head, body):
        super().__init__(f"{status}: {head!r} {body!r}")
        self.status, self.head, self.body = status, head, body


class WebSocket:
    """ws = WebSocket(d, "events"); ws.send({…}); ws.receive() → parsed JSON."""

    def __init__(self, daemon, path, headers=None, receive_buffer=None, limit=10):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(limit * SLOW)
        self.socket.connect((daemon.host, daemon.port))
        key = base64.b64encode(os.urandom(16)).decode()
        given = {"Host": f"{daemon.host}:{daemon.port}", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key, **(headers or {})}
        lines = "".join(f"{k}: {v}\r\n" for k, v in given.items() if v is not None)
        self.socket.sendall(f"GET {daemon.url(path)} HTTP/1.1\r\n{lines}\r\n".encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self._more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        self.head = head.decode()
        status = int(self.head.split()[1])
        if status != 101:
            self._refused(status)
        wanted = base64.b64encode(hashlib.sha1((given["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        assert f"sec-websocket-accept: {wanted.lower()}" in self.head.lower(), self.head

    def _refused(self, status):
        size = next((int(line.split(":")[1]) for line in self.head.lower().splitlines() if line.startswith("content-length:")), 0)
        while len(self.rest) < size:
            self._more()
        self.socket.close()
        raise Refused(status, self.head, self.rest[:size])

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError("the connection has ended")
        self.rest += piece

    def _take(self, n):
        while len(self.rest) < n:
            self._more()
        out, self.rest = self.rest[:n], self.rest[n:]
        return out

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, message):
        self.send_raw(frame(TEXT, message if isinstance(message, (str, bytes)) else json.dumps(message)))

    def receive_frame(self):
        """(fin, opcode, payload)"""
        first, second = self._take(2)
        assert not second & 0x80, "a server must not mask"
        assert not first & 0x70, "no extension was agreed on"
        n = second & 0x7F
        if n == 126:
            n = struct.unpack(">H", self._take(2))[0]
            assert n >= 126
        elif n == 127:
            n = struct.unpack(">Q", self._take(8))[0]
            assert n >= 65536
        return bool(first & 0x80), first & 0xF, self._take(n)

    def receive_message(self):
        """(opcode, payload) of the next whole message or control frame that is no ping."""
        opcode, whole = None, b""
        while True:
            fin, op, payload = self.receive_frame()
            if op == PING:
                self.send_raw(frame(PONG, payload))
                continue
            if op >= 8:
                return op, payload
            assert (op == 0) == (opcode is not None), "a fragment out of order"
            opcode = opcode or op
            whole += payload
            if fin:
                return opcode, whole

    def receive(self):
        opcode, payload = self.receive_message()
        assert opcode == TEXT, (opcode, payload)
        return json.loads(payload)

    def receive_close(self):
        """The code of the close frame (None: empty), after which the connection ends; None where it ends without one."""
        try:
            while True:
                opcode, payload = self.receive_message()
                if opcode == CLOSE:
                    break
        except (EOFError, ConnectionError):
            return "no close frame"
        code = struct.unpack(">H", payload[:2])[0] if payload else None
        try:
            assert self.socket.recv(1) == b"", "bytes behind the close frame"
        except ConnectionError:
            pass
        return code

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
