"""A real patchbayd for a test: its own folders and port, a written configuration, helpers for HTTP, SSE and raw sockets.

    def test_something(patchbayd):
        d = patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"port": 12947}}})
        assert d.json("gps")["link"]["state"] == "down"

The environment chooses what is tested: PATCHBAYD (the executable), PATCHBAY_PLUGINS (a folder with the built plugins),
PATCHBAY_SLOW (a factor for all limits; sanitizer builds take 3). Without them: build/ of this source tree.
"""
import ctypes
import http.client
import json
import os
import pathlib
import queue
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLOW = float(os.environ.get("PATCHBAY_SLOW", "1"))
READY_LIMIT = 20.0
STOP_LIMIT = 40.0
SANITIZER_MARKS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "UndefinedBehaviorSanitizer", ": runtime error: ")


def executable():
    return pathlib.Path(os.environ.get("PATCHBAYD", ROOT / "build/core/patchbayd")).resolve()


def plugin_folder():
    return pathlib.Path(os.environ.get("PATCHBAY_PLUGINS", ROOT / "build/plugins")).resolve()


def wait_until(condition, limit=10.0, why="", every=0.02):
    """Returns the first true value of condition(); fails with `why` past the limit. Exceptions count as "not yet"."""
    end = time.monotonic() + limit * SLOW
    last = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (OSError, AssertionError, LookupError, TypeError, ValueError, StopIteration, http.client.HTTPException) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError(f"not within {limit * SLOW:g} s: {why or condition} (last: {last!r})")
        time.sleep(every)


_given_ports = set()


def free_port(kind=socket.SOCK_STREAM):
    """A port that was free on loopback a moment ago, never the same twice in this run. From below those that the kernel gives
    to outgoing connections, so that none of them takes it before the daemon does."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        below = int(f.read().split()[0])
    ports = random.SystemRandom()
    for _ in range(1000):
        port = ports.randrange(10000, below) if below > 20000 else 0
        try:
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", port))
                port = s.getsockname()[1]
        except OSError:
            continue
        if port not in _given_ports:
            _given_ports.add(port)
            return port
    raise AssertionError("no free port on loopback")


_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent():
    """For preexec_fn: the child is killed when the test run dies, however that happens."""
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# ---- TOML ---------------------------------------------------------------------------------------------------------------


def _key(k):
    return k if k and all(c.isascii() and (c.isalnum() or c in "-_") for c in k) else json.dumps(k)


def _value(v):
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (int, float)):
        return repr(v)
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(_value(x) for x in v) + "]"
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_value(x)}" for k, x in v.items()) + " }"
    return json.dumps(str(v), ensure_ascii=False).replace("\x7f", "\\u007f")


def to_toml(table, path=""):
    """A dict as TOML: dicts are tables, everything else values."""
    out = [f"{_key(k)} = {_value(v)}" for k, v in table.items() if not isinstance(v, dict)]
    for k, v in table.items():
        if isinstance(v, dict):
            name = f"{path}.{_key(k)}" if path else _key(k)
            out += ["", f"[{name}]", to_toml(v, name)]
    return "\n".join(out)


def merged(a, b):
    """a with b's values over it, tables merged."""
    out = dict(a)
    for k, v in b.items():
        out[k] = merged(out[k], v) if isinstance(v, dict) and isinstance(out.get(k), dict) else v
    return out


# ---- HTTP ---------------------------------------------------------------------------------------------------------------


class Response:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Event:
    def __init__(self, name, id, text, at):
        self.topic, self.id, self.text, self.at = name, id, text, at  # at: time.monotonic() of its arrival

    @property
    def value(self):
        return json.loads(self.text)

    def __repr__(self):
        return f"<{self.topic} {self.id} {self.text[:200]}>"


class EventStream:
    """Server-Sent Events, read by a thread as fast as they come (a slow reader: use Daemon.raw). Comments are counted in `comments`."""

    def __init__(self, host, port, path, headers=None):
        self.connection = http.client.HTTPConnection(host, port, timeout=30 * SLOW)
        self.connection.request("GET", path, headers={"Accept": "text/event-stream", **(headers or {})})
        self.response = self.connection.getresponse()
        self.status, self.headers = self.response.status, self.response.headers
        self.comments = 0
        if self.status != 200:
            raise AssertionError(f"GET {path}: {self.status} {self.response.read()[:300]!r}")
        self.socket = self.connection.sock or self.response.fp.raw._sock
        self.socket.settimeout(None)
        self._events = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        name, id, data = "message", None, []
        try:
            while line := self.response.readline():
                line = line.decode().rstrip("\r\n")
                if line.startswith(":"):
                    self.comments += 1
                elif not line:
                    if data:
                        self._events.put(Event(name, id, "\n".join(data), time.monotonic()))
                    name, id, data = "message", None, []
                else:
                    field, _, value = line.partition(":")
                    value = value[1:] if value.startswith(" ") else value
                    if field == "event":
                        name = value
                    elif field == "id":
                        id = int(value)
                    elif field == "data":
                        data.append(value)
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass
        self._events.put(None)

    def next(self, limit=10.0):
        """The next event; TimeoutError past the limit, EOFError where the stream has ended."""
        try:
            event = self._events.get(timeout=limit * SLOW)
        except queue.Empty:
            raise TimeoutError(f"no event within {limit * SLOW:g} s") from None
        if event is None:
            self._events.put(None)
            raise EOFError("the event stream has ended")
        return event

    def wait_for(self, condition, limit=10.0, why=""):
        """The first event for which condition(event) is true; what comes before is given up."""
        end = time.monotonic() + limit * SLOW
        seen = []
        try:
            while (left := end - time.monotonic()) > 0:
                event = self.next(left / SLOW)
                if condition(event):
                    return event
                seen.append(event)
        except TimeoutError:
            pass
        raise AssertionError(f"no such event within {limit * SLOW:g} s: {why or condition}; seen: {seen[-5:]}")

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._thread.join(5)
        self.response.close()
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- the daemon ---------------------------------------------------------------------------------------------------------


class Daemon:
    """One patchbayd. `plugins`: names to put into its own plugin folder (None: all that are built). `settings`: a dict over
    the harness's own ([http] listen, [state], [plugin_host]), or text to be used as it is. Does not start by itself."""

    def __init__(self, folder, plugins=None, settings=None, args=(), env=None, listen=None, wrap=()):
        self.folder = pathlib.Path(folder)
        self.plugins = self.folder / "plugins"
        self.state = self.folder / "state"
        self.config = self.folder / "patchbay.toml"
        for d in (self.folder, self.plugins, self.state):
            d.mkdir(parents=True, exist_ok=True)
            d.chmod(0o755)
        self.host = "127.0.0.1"
        self.port = free_port()
        self.listen = listen
        self.args = [str(a) for a in args]
        self.env = env or {}
        self.wrap = list(wrap)
        self.settings = settings if settings is not None else {}
        self.process = None
        self.stdout, self.stderr = [], []
        self.exit_code = None
        self._readers = []
        self._streams = []
        for name in [p.stem for p in plugin_folder().glob("*.so")] if plugins is None else plugins:
            self.put_plugin(name)
        self.write()

    # -- files

    def put_plugin(self, name, source=None):
        """Copies a built plugin (or the file `source`) into the plugin folder, whole or not at all."""
        source = pathlib.Path(source or plugin_folder() / f"{name}.so")
        half = self.plugins / f".{name}.so.half"
        shutil.copyfile(source, half)
        half.chmod(0o644)
        half.rename(self.plugins / f"{name}.so")

    def remove_plugin(self, name):
        (self.plugins / f"{name}.so").unlink()

    def write(self, settings=None):
        """Writes the configuration, whole or not at all. settings: as in the constructor; kept."""
        if settings is not None:
            self.settings = settings
        if isinstance(self.settings, str):
            text = self.settings
        else:
            own = {
                "http": {"listen": self.listen or [f"{self.host}:{self.port}"], "rate_limit": 0},
                "state": {"directory": str(self.state)},
                "plugin_host": {"directories": [str(self.plugins)]},
            }
            text = to_toml(merged(own, self.settings))
        half = self.config.with_suffix(".half")
        half.write_text(text)
        half.rename(self.config)

    # -- life

    def start(self, is_ready=True):
        """Starts it and waits for `ready` (unless told not to)."""
        assert not self.is_alive(), "it runs already"
        self.stdout, self.stderr, self.exit_code = [], [], None
        env = {**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1", **self.env}
        self.process = subprocess.Popen(
            [*self.wrap, str(executable()), "--config", str(self.config), *self.args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder, env=env, preexec_fn=die_with_parent)
        self._readers = [threading.Thread(target=self._read, args=(f, into), daemon=True)
                         for f, into in ((self.process.stdout, self.stdout), (self.process.stderr, self.stderr))]
        for r in self._readers:
            r.start()
        if is_ready:
            self.wait_ready()
        return self

    @staticmethod
    def _read(pipe, into):
        for line in pipe:
            into.append(line.decode(errors="replace").rstrip("\n"))
        pipe.close()

    def wait_ready(self, limit=READY_LIMIT):
        end = time.monotonic() + limit * SLOW
        while "ready" not in self.stdout and "ready" not in self.stderr:
            if self.process.poll() is not None:
                self._ended()
                raise AssertionError(f"patchbayd ended with {self.exit_code} before it was ready:\n{self.log}")
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"patchbayd was not ready within {limit * SLOW:g} s:\n{self.log}")
            time.sleep(0.005)

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self):
        return self.process.pid

    @property
    def log(self):
        return "\n".join(self.stderr)

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, limit=STOP_LIMIT):
        """Its exit code; negative for a signal."""
        try:
            self.process.wait(limit * SLOW)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.kill()
            raise AssertionError(f"patchbayd did not end within {limit * SLOW:g} s:\n{self.log}") from None
        self._ended()
        return self.exit_code

    def _ended(self):
        self.exit_code = self.process.wait()
        for r in self._readers:
            r.join(10)

    def stop(self, expect=0):
        """Asks it to stop and checks that it does, with this exit code and no sanitizer's report."""
        for s in self._streams:
            s.close()
        self._streams.clear()
        if self.process is None:
            return
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            self.wait_exit()
        elif self.exit_code is None:
            self._ended()
        code, self.process = self.exit_code, None
        self.check_sanitizers()
        assert code == expect, f"patchbayd ended with {code}, not {expect}:\n{self.log}"

    def kill(self):
        """kill -9, and nothing is checked but what sanitizers said before."""
        if self.process is None:
            return
        self.process.kill()
        self._ended()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def check_sanitizers(self):
        found = [line for line in self.stderr if any(m in line for m in SANITIZER_MARKS)]
        assert not found, f"a sanitizer reports: {found[0]}\n{self.log}"

    # -- talking to it

    @staticmethod
    def url(path):
        return path if path.startswith("/") else f"/api/webhook/{path}"

    def request(self, method, path, body=None, headers=None, timeout=30.0, unix=None):
        """body: bytes or text as they are, anything else as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        c = UnixConnection(unix, timeout * SLOW) if unix else http.client.HTTPConnection(self.host, self.port, timeout=timeout * SLOW)
        try:
            c.request(method, self.url(path), body, headers)
            r = c.getresponse()
            return Response(r.status, r.headers, r.read())
        finally:
            c.close()

    def get(self, path, headers=None, **kw):
        return self.request("GET", path, headers=headers, **kw)

    def post(self, path, body=None, headers=None, **kw):
        return self.request("POST", path, {} if body is None else body, headers=headers, **kw)

    def json(self, path, expect=200):
        r = self.get(path)
        assert r.status == expect, f"GET {path}: {r}"
        return r.json()

    def topic(self, name):
        """The kept value of a topic."""
        return self.json(f"topics/{name}")["value"]

    def call(self, method, args=None, expect=200):
        """Calls a method: its result, or the whole reply where another status is expected."""
        r = self.post(f"call/{method}", args or {})
        assert r.status == expect, f"call {method}: {r}"
        return r.json()["result"] if expect == 200 else r.json()

    def plugin(self, name):
        """Its entry in GET plugins."""
        return {p["name"]: p for p in self.json("plugins")["plugins"]}[name]

    def wait_plugin(self, name, state="running", limit=10.0):
        return wait_until(lambda: (p := self.plugin(name))["state"] == state and p, limit, f"plugin {name} is {state}")

    def events(self, topics="**", last_id=None, headers=None):
        """A Server-Sent Events stream; closed with the daemon."""
        h = dict(headers or {})
        if last_id is not None:
            h["Last-Event-ID"] = str(last_id)
        s = EventStream(self.host, self.port, f"/api/webhook/events?topics={topics}", h)
        self._streams.append(s)
        return s

    def raw(self, timeout=10.0):
        """A connected TCP socket."""
        return socket.create_connection((self.host, self.port), timeout * SLOW)

    def exchange(self, data, timeout=10.0):
        """Sends bytes and reads until the daemon closes or the time is over."""
        with self.raw(timeout) as s:
            s.sendall(data)
            out = b""
            try:
                while piece := s.recv(65536):
                    out += piece
            except (TimeoutError, ConnectionResetError):
                pass
            return out

    # -- what it uses

    def rss(self):
        """Bytes of resident memory."""
        with open(f"/proc/{self.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))
