"""Drives a keeper alone, as the procs plugin does (plugins/procs/keeper/protocol.h)."""
import os
import pathlib
import secrets
import select
import signal
import socket
import struct
import subprocess
import time

from patchbay import SLOW, plugin_folder, wait_until

HELLO, STATE, EXIT, BUSY, DONE = 1, 2, 4, 5, 6
GET, SIGNAL, STOP, ROTATE, ACK = 16, 17, 18, 19, 20
READY, STOPPING, KILLING, MAIN_GONE, CGROUP, SUCCESSOR, TREE = 1, 2, 4, 8, 16, 32, 64
STEPS = {"spec": 1, "fork": 2, "nice": 3, "ioprio": 4, "limit": 5, "groups": 6, "gid": 7, "uid": 8, "directory": 9, "exec": 10, "oom": 11}
MAGIC, VERSION = 0x5065654B, 1
FORM = struct.Struct("=IHH16sIIiiiiiiIIQQqq128s")
FIELDS = "magic version type nonce seq flags pid signal code step error survivor ms killed start lost began_ms ended_ms text".split()


def executable():
    return pathlib.Path(os.environ.get("PATCHBAY_KEEPER", plugin_folder() / "procs/keeper/keeper"))


def nasty():
    return os.environ.get("PATCHBAY_NASTY", str(plugin_folder().parent / "tests/integration/nasty/nasty"))


def starttime(pid):
    return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def state(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None


def marked(mark):
    """PIDs of live processes whose environment has mark."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            if mark.encode() in pathlib.Path(f"/proc/{entry}/environ").read_bytes().split(b"\0") and state(int(entry)) not in ("Z", "X", None):
                found.append(int(entry))
        except OSError:
            pass
    return found


class Packet:
    def __init__(self, data):
        self.__dict__.update(zip(FIELDS, FORM.unpack(data)))
        self.text = self.text.split(b"\0")[0].decode()

    def __repr__(self):
        return f"Packet({ {k: v for k, v in vars(self).items() if k not in ('magic', 'version', 'nonce')} })"


class Link:
    """A controller's connection."""

    def __init__(self, sock, nonce):
        self.socket, self.nonce, self.seq = sock, nonce, 0

    def send(self, type_, *, number=0, ms=0, flags=0, nonce=None):
        self.seq += 1
        self.socket.send(FORM.pack(MAGIC, VERSION, type_, nonce or self.nonce, self.seq, flags, 0, number, 0, 0, 0, 0, ms, 0, 0, 0, 0, 0, b""))
        return self.seq

    def receive(self, limit=10.0):
        """The next packet; None: end of file."""
        ready, _, _ = select.select([self.socket], [], [], limit * SLOW)
        assert ready, f"no packet within {limit * SLOW:g} s"
        data = self.socket.recv(FORM.size + 1)
        return Packet(data) if data else None

    def await_(self, condition, limit=10.0):
        """The first packet for which condition holds."""
        end = time.monotonic() + limit * SLOW
        while time.monotonic() < end:
            p = self.receive(max(end - time.monotonic(), 0.01) / SLOW)
            assert p, "the keeper has closed the connection"
            if condition(p):
                return p
        raise AssertionError("not within the limit")

    def ask(self, type_, **kw):
        seq = self.send(type_, **kw)
        return self.await_(lambda p: p.seq == seq)

    def close(self):
        self.socket.close()


class Keeper:
    """One keeper with its folder. `with` ends it and all of its tree."""

    def __init__(self, folder, args, *, env=(), spec=(), log=True, controlled=True):
        self.nonce = secrets.token_bytes(16)
        self.mark = f"KEEP_TEST={self.nonce.hex()}"
        self.folder = pathlib.Path(folder) / f"t.{self.nonce.hex()}"
        self.folder.mkdir(mode=0o711)
        self.log = pathlib.Path(folder) / f"{self.nonce.hex()[:8]}.log"
        records = ["v=1", "name=t", f"nonce={self.nonce.hex()}", "boot=" + pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
                   *(f"arg={a}" for a in args), f"env={self.mark}", "env=PATH=/usr/local/bin:/usr/bin:/bin", *("env=" + e.replace("{folder}", str(self.folder)) for e in env),
                   *([f"log={self.log}"] if log else []), "stop_ms=500", *spec]
        (self.folder / "spec").write_bytes(b"".join(r.encode("utf-8", "surrogateescape") + b"\0" for r in records))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        script = f'exec 3<&{theirs.fileno()} {theirs.fileno()}<&-; exec "$0" "$1"' if controlled else f'exec {theirs.fileno()}<&-; exec "$0" "$1"'
        self.process = subprocess.Popen(["/bin/bash", "-c", script, str(executable()), str(self.folder)], pass_fds=[theirs.fileno()], env={})
        theirs.close()
        self.link = Link(ours, self.nonce)
        if not controlled:
            ours.close()

    def hello(self):
        p = self.link.receive()
        assert p and p.type == HELLO, p
        return p

    def connect(self):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here = os.open(self.folder, os.O_PATH)
        try:
            s.connect(f"/proc/self/fd/{here}/s")
        finally:
            os.close(here)
        return Link(s, self.nonce)

    def record(self, name):
        """id or exit, as {word: rest}."""
        return {word: rest for word, _, rest in (line.partition(" ") for line in (self.folder / name).read_text().splitlines())}

    def stop(self, ms=300, number=signal.SIGTERM, limit=20.0):
        self.link.send(STOP, number=number, ms=ms)
        return self.link.await_(lambda p: p.type == EXIT, limit)

    def left(self):
        return marked(self.mark)

    def lines(self, number=None):
        """Of the log: [(stream letter, bytes)]."""
        path = self.log if number is None else self.log.with_name(f"{self.log.name}.{number}")
        out = []
        for line in path.read_bytes().split(b"\n")[:-1]:
            stamp, letter, text = line.split(b" ", 2)
            assert abs(float(stamp) - time.time()) < 1000, line[:60]
            out.append((letter.decode(), text))
        return out

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        wrong = ""
        if self.process.poll() is None:
            try:
                self.link.close()
                link = self.connect()
                link.send(STOP, number=signal.SIGKILL, ms=0)
                link.await_(lambda p: p.type == EXIT, 20)
                link.send(ACK)
                link.close()
                self.process.wait(20 * SLOW)
            except ConnectionError:
                self.process.wait(20 * SLOW)  # it was ending already
            except (OSError, AssertionError, subprocess.TimeoutExpired) as e:
                self.process.send_signal(signal.SIGCONT)
                self.process.kill()
                self.process.wait(10)
                wrong = f"the keeper did not end: {e!r}"
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        if kind is None:
            assert not wrong, wrong


def gone(keeper, limit=10.0):
    """Waits until the keeper itself has ended; its exit status."""
    wait_until(lambda: keeper.process.poll() is not None, limit, "the keeper ends")
    return keeper.process.returncode


def ended(k):
    """Says ACK and waits for the keeper's own end; nothing of the tree may be left."""
    k.link.send(ACK)
    assert gone(k) == 0
    assert k.left() == []
