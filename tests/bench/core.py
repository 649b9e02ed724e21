"""The core's figures: retained JSON beside nginx, memory and wake-ups at rest, memory of an idle stream client, exec to first answer."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import time

from bench import Row
from patchbay import Daemon, executable, free_port, plugin_folder, wait_until

WEB = plugin_folder().parent / "tests/integration/web/web.so"
BODY_BYTES = 200
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))


def rss_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def daemon(folder, **kw):
    d = Daemon(folder, **kw)
    return d


def wrk(url, seconds=1):
    out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}s", url], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), int(re.search(r"(\d+) requests in", out)[1])


def nginx(folder, port, body):
    config = folder / "nginx.conf"
    config.write_text(f"""daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; default_type application/json;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }} }}
""")
    p = subprocess.Popen(["nginx", "-c", str(config), "-e", f"{folder}/error.log"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: socket.create_connection(("127.0.0.1", port), 1).close() is None, 10, "nginx listens")
    worker = wait_until(lambda: subprocess.run(["ps", "-o", "pid=", "--ppid", str(p.pid)], capture_output=True, text=True).stdout.split(), 5)[0]
    return p, int(worker)


def retained_json():
    with tempfile.TemporaryDirectory() as t:
        folder = pathlib.Path(t)
        d = daemon(folder / "d", plugins=[])
        d.put_plugin("web", WEB)
        d.start()
        body = json.dumps({"text": "x" * (BODY_BYTES - len('{"text": ""}'))})
        assert d.post("web/value", body).status == 204 and len(d.get("web/value").body) == BODY_BYTES
        port = free_port()
        peer, worker = nginx(folder, port, body)
        try:
            ours, theirs, our_cpu, their_cpu = [], [], [], []
            for _ in range(ROUNDS):
                for url, pid, rates, costs in ((f"http://127.0.0.1:{d.port}/api/webhook/web/value", d.pid, ours, our_cpu), (f"http://127.0.0.1:{port}/", worker, theirs, their_cpu)):
                    before = cpu_seconds(pid)
                    rate, count = wrk(url)
                    rates.append(rate)
                    costs.append((cpu_seconds(pid) - before) / count * 1e6)
            ratio = statistics.median(a / b for a, b in zip(ours, theirs))
            cpu = statistics.median(b / a for a, b in zip(our_cpu, their_cpu) if a > 0)
            yield Row(f"retained JSON GET, {len(body)} bytes, requests/s", f"{statistics.median(ours):,.0f}", f"nginx {statistics.median(theirs):,.0f}", f"{ratio:.2f}", "1.0 / 0.8")
            yield Row("the same, CPU µs a request", f"{statistics.median(our_cpu):.2f}", f"nginx {statistics.median(their_cpu):.2f}", f"{cpu:.2f}", "")
        finally:
            peer.send_signal(signal.SIGTERM)
            peer.wait()
            d.stop()


def at_rest():
    with tempfile.TemporaryDirectory() as t:
        d = daemon(pathlib.Path(t) / "d")
        d.start()
        try:
            time.sleep(3)
            yield Row(f"RSS idle, {len(d.json('plugins')['plugins'])} plugins", f"{rss_kib(d.pid) / 1024:.1f} MiB", "", "", "12 MiB")
            def switches():
                total = 0
                for task in pathlib.Path(f"/proc/{d.pid}/task").iterdir():
                    total += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", (task / "status").read_text(), re.M)[1])
                return total
            before = switches()
            time.sleep(20)
            yield Row("wake-ups a second at rest", f"{(switches() - before) / 20:.2f}", "", "", "under 1")
        finally:
            d.stop()


def idle_stream_client(count=1000):
    with tempfile.TemporaryDirectory() as t:
        d = daemon(pathlib.Path(t) / "d", plugins=[], settings={"http": {"max_connections": 4096}})
        d.start()
        clients = []
        try:
            def connect():
                s = socket.create_connection(("127.0.0.1", d.port))
                s.sendall(b"GET /api/webhook/events?topics=core/** HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
                s.recv(65536)
                clients.append(s)
            for _ in range(50):
                connect()
            before = rss_kib(d.pid)
            for _ in range(count):
                connect()
            yield Row(f"memory of an idle SSE client ({count})", f"{(rss_kib(d.pid) - before) / count:.1f} KiB", "", "", "8 KiB")
        finally:
            for s in clients:
                s.close()
            d.stop()


def first_answer(rounds=15):
    times = []
    with tempfile.TemporaryDirectory() as t:
        for n in range(rounds):
            d = daemon(pathlib.Path(t) / f"d{n}")
            began = time.monotonic()
            d.start(is_ready=False)
            while True:
                try:
                    with socket.create_connection(("127.0.0.1", d.port), 1) as s:
                        s.sendall(b"GET /api/webhook/plugins HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                        if s.recv(100):
                            break
                except OSError:
                    time.sleep(0.001)
            times.append((time.monotonic() - began) * 1000)
            d.stop()
    yield Row("exec to first answer, all plugins, median", f"{statistics.median(times):.0f} ms", "", "", "50 ms")


def rows():
    yield from retained_json()
    yield from at_rest()
    yield from idle_stream_client()
    yield from first_answer()
