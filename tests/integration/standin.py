"""The stand-in for Kismet (tests/kismet_standin) as a process of a test: `Standin(...)`, and a process that is called like Kismet."""
import http.client
import json
import pathlib
import shutil
import subprocess
import sys

from patchbay import die_with_parent, free_port, wait_until

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "kismet_standin"


class Standin:
    """A running stand-in. Its port stays the same over stop() and start(). settings(): what [plugins.kismet] needs for it."""

    def __init__(self, *args, port=None, start=True, **options):
        self.port = port or free_port()
        self.args = [str(a) for a in args]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            self.args += [flag] if value is True else [flag, str(value)]
        self.process = None
        if start:
            self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(FOLDER), "--port", str(self.port), *self.args], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        told = json.loads(self.process.stdout.readline())
        assert told["port"] == self.port
        self.control = told["control"]
        return self

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    def order(self, path, /, **values):
        c = http.client.HTTPConnection("127.0.0.1", self.control, timeout=60)
        try:
            c.request("POST", path, json.dumps(values), {"Content-Type": "application/json"})
            r = c.getresponse()
            answer = json.loads(r.read())
            assert r.status == 200, answer
            return answer
        finally:
            c.close()

    def fault(self, name, /, **options):
        self.order("/fault", name=name, **options)

    def clear(self):
        self.order("/clear")

    def state(self, **options):
        return self.order("/state", **options)

    def devices(self):
        return self.state(full=True)["devices"]

    def settings(self, **more):
        return {"url": f"http://127.0.0.1:{self.port}", "username": "admin", "password": "admin", "process": f"kismet-{self.port}", "poll_interval": "200ms", **more}


class Namesake:
    """A process with a name."""

    def __init__(self, folder, name):
        copy = pathlib.Path(folder) / name
        shutil.copyfile(shutil.which("sleep"), copy)
        copy.chmod(0o755)
        self.process = subprocess.Popen([str(copy), "600"], preexec_fn=die_with_parent)
        wait_until(lambda: pathlib.Path(f"/proc/{self.process.pid}/comm").read_text().strip() == name[:15], why="it has its name")

    def kill(self):
        self.process.kill()
        self.process.wait()
