"""Helpers for the process coordinator's tests: a daemon with processes of ours, and what /proc and the disk say of them."""
import os
import pathlib
import secrets
import shutil
import signal
import tempfile

from keeper import marked, nasty, starttime, state
from patchbay import Daemon, EventStream, merged, wait_until

__all__ = ["Kit", "nasty", "starttime", "state"]


class Kit:
    """A daemon with the procs plugin (and others) whose processes are all marked, so that none can remain unseen."""

    def __init__(self, folder, processes, groups=None, plugins=(), settings=None, start=True, **procs):
        self.mark = f"KIT={secrets.token_hex(8)}"
        self.folder = pathlib.Path(folder)
        self.short = pathlib.Path(tempfile.mkdtemp(prefix="kit-"))  # sockets have 108 bytes for their path
        self.short.chmod(0o755)
        self.keep, self.pids, self.logs = self.short / "keep", self.short / "pids", self.folder / "logs"
        self.extra = settings or {}
        self.procs = procs
        self.daemon = Daemon(self.folder / "patchbayd", plugins=["procs", *plugins], settings={})
        self.configure(processes, groups)
        if start:
            self.daemon.start()

    def configure(self, processes, groups=None, **procs):
        self.procs.update(procs)
        name, value = self.mark.split("=")
        table = {}
        for n, p in processes.items():
            p = {"command": p} if isinstance(p, (list, tuple)) else dict(p)
            if "command" in p:
                p["environment"] = {name: value, "NASTY_LIFE": "120", **p.get("environment", {})}
            table[n] = p
        own = {"plugins": {"procs": {"pid_dir": str(self.pids), "keep_dir": str(self.keep), "log_dir": str(self.logs), "process": table, "group": groups or {}, **self.procs}}}
        self.daemon.write(merged(own, self.extra))

    # -- asking

    def get(self, name=""):
        return self.daemon.json(f"procs/{name}" if name else "procs")

    def post(self, name, what, query="", expect=200, **kw):
        r = self.daemon.post(f"procs/{name}/{what}{query}", timeout=60, **kw)
        assert r.status == expect, f"POST {name}/{what}: {r}"
        return r.json()

    def start(self, name, query="", expect=200):
        return self.post(name, "start", query, expect)

    def stop(self, name, expect=200, force=False):
        return self.post(name, "stop", "?force=true" if force else "", expect)

    def restart(self, name, expect=200):
        return self.post(name, "restart", "", expect)

    def state(self, name):
        return self.get(name)["state"]

    def wait_state(self, name, *states, limit=15.0):
        return wait_until(lambda: (e := self.get(name))["state"] in states and e, limit, f"{name} is {' or '.join(states)}")

    def log(self, name, lines=100):
        return [(entry["stream"], entry["text"]) for entry in self.daemon.json(f"procs/{name}/log?lines={lines}")["lines"]]

    def daemon_stream(self, path):
        return EventStream(self.daemon.host, self.daemon.port, f"/api/webhook/{path}")

    # -- what is really there

    def alive(self):
        return marked(self.mark)

    def keepers(self):
        """{name: PID of its keeper} as the folders say, those that live."""
        out = {}
        for folder in self.keep.glob("*.*"):
            if (folder / "id").exists():
                pid, start = (int(n) for n in (folder / "id").read_text().split("\n")[0].split()[1:])
                if state(pid) not in (None, "Z") and starttime(pid) == start:
                    out[folder.name.rpartition(".")[0]] = pid
        return out

    def pid_file(self, name):
        path = self.pids / f"{name}.pid"
        return [int(n) for n in path.read_text().split()] if path.exists() else None

    def wait_gone(self, limit=20.0):
        wait_until(lambda: not self.alive(), limit, "no process of the kit is left")

    # -- ending

    def close(self):
        """Stops the daemon, and whatever it was told to leave; returns what should not have been left."""
        wrong = []
        try:
            self.daemon.stop()
        except AssertionError as e:
            wrong.append(str(e))
        left = self.alive()
        for pid in self.keepers().values():
            _kill(pid, signal.SIGCONT)
        for pid in [*self.keepers().values(), *self.alive()]:
            _kill(pid, signal.SIGKILL)
        wait_until(lambda: [_kill(pid, signal.SIGKILL) for pid in self.alive()] == [], 20, "everything can be killed")
        shutil.rmtree(self.short, ignore_errors=True)
        return wrong, left


def _kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
