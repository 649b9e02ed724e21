"""Locks: an uncontended acquire and release beside Redis (SET NX, DEL) and the flock program, and a line of 1,000 waiters.

All three are driven by the same bare sockets, so that the client costs each of them the same."""
import json
import pathlib
import selectors
import socket
import statistics
import subprocess
import tempfile
import time

from bench import Row
from patchbay import Daemon, free_port, wait_until

ROUNDS = 2000
WAITERS = 1000


class Wire:
    """One kept connection: bytes out, one reply in."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def post(self, path, body):
        body = json.dumps(body).encode()
        self.socket.sendall(b"POST /api/webhook/%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (path.encode(), len(body), body))

    def reply(self):
        """The body of the next reply."""
        while True:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if end:
                length = int(head.lower().split(b"content-length:")[1].split()[0])
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    assert head.startswith(b"HTTP/1.1 200"), head
                    return json.loads(rest[:length])
            self.buffer += self.read()

    def read(self):
        piece = self.socket.recv(65536)
        assert piece, "the connection has ended"
        return piece

    def redis(self, *words):
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        while not self.buffer.endswith(b"\r\n"):
            self.buffer += self.read()
        line, self.buffer = self.buffer, b""
        return line


def each_us(f, rounds):
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        f()
        times.append((time.perf_counter() - began) * 1e6)
    return statistics.median(times)


def uncontended(folder, d):
    wire = Wire(d.port)

    def ours():
        wire.post("locks/bench/acquire", {"owner": "bench", "ttl_ms": 60000})
        wire.post("locks/bench/release", {"token": wire.reply()["token"]})
        wire.reply()

    port = free_port()
    peer = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "no", "--dir", str(folder)],
                            stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, 10, "redis listens")
        other = Wire(port)

        def redis():
            assert other.redis(b"SET", b"bench", b"me", b"NX", b"PX", b"60000") == b"+OK\r\n"
            assert other.redis(b"DEL", b"bench") == b":1\r\n"

        def flock():
            subprocess.run(["flock", "-n", str(folder / "flock"), "true"], check=True)

        a, b, c = each_us(ours, ROUNDS), each_us(redis, ROUNDS), each_us(flock, 200)
        yield Row("acquire and release over HTTP, recorded on disk", f"{a:.0f} µs", f"Redis with its log {b:.0f} µs", f"{b / a:.2f}")
        yield Row("the same", f"{a:.0f} µs", f"flock FILE true {c:.0f} µs", f"{c / a:.1f}")
    finally:
        peer.terminate()
        peer.wait()


def line_of_waiters(d):
    first = Wire(d.port)
    first.post("locks/line/acquire", {"owner": "first", "ttl_ms": 600000})
    token = first.reply()["token"]
    waiters = []
    for i in range(WAITERS):
        w = Wire(d.port)
        w.post("locks/line/acquire", {"owner": f"w{i}", "ttl_ms": 600000, "timeout_ms": 600000})
        waiters.append(w)
    wait_until(lambda: len(d.json("locks")["locks"][0]["waiting"]) == WAITERS, 60, "all stand in line")
    line = [w["owner"] for w in d.json("locks")["locks"][0]["waiting"]]
    ready = selectors.DefaultSelector()
    for w in waiters:
        ready.register(w.socket, selectors.EVENT_READ, w)
    began, served = time.perf_counter(), []
    while True:
        first.post("locks/line/release", {"token": token})
        first.reply()
        if len(served) == WAITERS:
            break
        (key, _), = ready.select(60)
        grant = key.data.reply()
        served.append(grant["owner"])
        token = grant["token"]
    took = time.perf_counter() - began
    late = sum(a != b for a, b in zip(line, served))
    yield Row(f"{WAITERS} waiters on one lock, a full round", f"{took * 1000:.0f} ms, {took / WAITERS * 1e6:.0f} µs each", "", "", "")
    yield Row("of them out of turn", str(late), "", "", "0")


def rows():
    with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as t:
        folder = pathlib.Path(t)
        d = Daemon(folder / "d", plugins=["locks"], settings={"http": {"max_connections": 2 * WAITERS}})
        d.start()
        try:
            yield from uncontended(folder, d)
            yield from line_of_waiters(d)
        finally:
            d.stop()
