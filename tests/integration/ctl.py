"""patchbayctl for a test: in pipes (run), in a pseudo-terminal (Terminal), or as a process that goes on (Going)."""
import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time

from patchbay import ROOT, SANITIZER_MARKS, SLOW, die_with_parent, executable, wait_until


def tool():
    build = pathlib.Path(os.environ.get("PATCHBAY_BUILD", ROOT / "build"))
    return (build / "ctl/patchbayctl").resolve()


def environment(**more):
    """Ours without what would choose another daemon or colours. None takes a variable away."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PATCHBAY_") and k != "NO_COLOR"}
    env = {**env, "TERM": "xterm", "PATCHBAYD": str(executable()), "TZ": "UTC", **more}
    return {k: v for k, v in env.items() if v is not None}


def no_sanitizer(text):
    assert not any(m in text for m in SANITIZER_MARKS), text


class Done:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"<exit {self.code}\n{self.out}\n--\n{self.err}>"


def where(d):
    """The option that names the daemon of a test."""
    return [] if d is None else ["--host", f"{d.host}:{d.port}"]


def run(d, *words, expect=0, limit=30.0, stdin=subprocess.DEVNULL, wrap=(), **env):
    """Runs it to its end, in pipes; expect=None: any exit code."""
    p = subprocess.run([*wrap, str(tool()), *where(d), *[str(w) for w in words]], stdin=stdin, capture_output=True, timeout=limit * SLOW, env=environment(**env), preexec_fn=die_with_parent)
    done = Done(p.returncode, p.stdout.decode(errors="surrogateescape"), p.stderr.decode(errors="replace"))
    no_sanitizer(done.err)
    assert expect is None or done.code == expect, f"{words}: not {expect}: {done}"
    return done


class Going:
    """One that goes on, in pipes. lines: what it has written so far."""

    def __init__(self, d, *words, **env):
        self.process = subprocess.Popen([str(tool()), *where(d), *[str(w) for w in words]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**env),
                                        preexec_fn=die_with_parent)
        self.lines, self.notes = [], []
        self._readers = [threading.Thread(target=self._read, args=a, daemon=True) for a in ((self.process.stdout, self.lines), (self.process.stderr, self.notes))]
        for r in self._readers:
            r.start()

    @staticmethod
    def _read(pipe, into):
        for line in pipe:
            into.append(line.decode(errors="replace").rstrip("\n"))
        pipe.close()

    def wait_line(self, part, limit=15.0):
        return wait_until(lambda: next((line for line in self.lines if part in line), None), limit, f"a line with {part!r} in {self.lines[-5:]}, {self.notes[-5:]}")

    def wait_note(self, part, limit=15.0):
        return wait_until(lambda: next((line for line in self.notes if part in line), None), limit, f"a note with {part!r} in {self.notes[-5:]}")

    def wait(self, limit=15.0):
        """Its exit code; negative for a signal."""
        code = self.process.wait(limit * SLOW)
        for r in self._readers:
            r.join(5)
        no_sanitizer("\n".join(self.notes))
        return code

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Terminal:
    """One in a pseudo-terminal of its own: it is the session's leader, and what it starts is in its group."""

    def __init__(self, d, *words, columns=100, rows=40, command=None, **env):
        argv = [str(c) for c in command] if command else [str(tool()), *where(d), *[str(w) for w in words]]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            die_with_parent()
            try:
                os.execve(argv[0], argv, environment(**env))
            finally:
                os._exit(126)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen, self.code = b"", None

    def _more(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:  # the other side has gone
                piece = b""
            self.seen += piece
            return bool(piece)
        return None

    @property
    def text(self):
        return self.seen.decode(errors="replace")

    def wait_text(self, part, limit=15.0):
        end = time.monotonic() + limit * SLOW
        while part not in self.text:
            assert time.monotonic() < end and self._more(0.1) is not False, f"no {part!r} in {self.text[-2000:]!r}"
        return self.text

    def key(self, keys):
        os.write(self.fd, keys.encode())

    def wait(self, limit=15.0):
        """Its exit code, negative for a signal; all that it wrote is in text."""
        end = time.monotonic() + limit * SLOW
        while self._more(0.1) is not False:
            assert time.monotonic() < end, f"it does not end: {self.text[-2000:]!r}"
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        no_sanitizer(self.text)
        return self.code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)
