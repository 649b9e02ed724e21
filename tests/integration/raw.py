"""A raw HTTP client: sends bytes as they are and reads one reply after another."""
import json
import socket

from patchbay import SLOW


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:300]!r}>"


class Raw:
    """One connection. headers: names in lower case; a name that comes twice is an error."""

    def __init__(self, d, timeout=10.0, address=None):
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout * SLOW)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address or (d.host, d.port), timeout * SLOW)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def _more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise EOFError(f"closed; left over: {self.buffer!r}")
        self.buffer += piece

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        out, self.buffer = self.buffer.split(mark, 1)
        return out

    def take(self, n):
        while len(self.buffer) < n:
            self._more()
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def head(self):
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        assert version == "HTTP/1.1", lines[0]
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            assert name.lower() not in headers, f"{name} twice: {lines}"
            headers[name.lower()] = value.strip()
        return int(status), headers

    def reply(self, is_head=False):
        status, headers = self.head()
        if is_head or status in (204, 304) or status < 200:
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b""
            while size := int(self._until(b"\r\n"), 16):
                body += self.take(size)
                assert self.take(2) == b"\r\n"
            assert self.take(2) == b"\r\n"
        elif "content-length" in headers:
            body = self.take(int(headers["content-length"]))
        else:
            body = self.rest()
        return Reply(status, headers, body)

    def rest(self):
        """All that still comes, until the end."""
        try:
            while True:
                self._more()
        except EOFError:
            out, self.buffer = self.buffer, b""
            return out

    def is_closed(self):
        """Whether the other end closes, with nothing more said."""
        try:
            return self.rest() == b""
        except ConnectionResetError:
            return False

    def ask(self, data, is_head=False):
        self.send(data)
        return self.reply(is_head)


def get(path, *headers, method="GET", version="HTTP/1.1"):
    return f"{method} {path} {version}\r\nHost: localhost\r\n" + "".join(h + "\r\n" for h in headers) + "\r\n"


def post(path, body, *headers, kind="application/json"):
    return get(path, f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, method="POST") + body
