"""tools/run: a live position by one command, and nothing left of it afterwards."""
import os
import signal
import subprocess
import threading

import pytest

from gpsd import Receiver
from patchbay import ROOT, die_with_parent, free_port, wait_until


def descendants(pid):
    """Of a process, as (pid, start time): the number alone may be used again."""
    out = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                out += [(int(entry), fields[19])] + descendants(int(entry))
        except OSError:
            continue
    return out


def is_alive(process):
    try:
        with open(f"/proc/{process[0]}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
        return fields[19] == process[1] and fields[0] != "Z"
    except OSError:
        return False


class Run:
    def __init__(self, prefix, gpsd_port):
        self.port = free_port()
        self.process = subprocess.Popen([str(ROOT / "tools/run"), "--listen", f"127.0.0.1:{self.port}", "--gpsd", str(gpsd_port), "--prefix", str(prefix)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent)
        self.lines = []
        threading.Thread(target=lambda: self.lines.extend(self.process.stdout), daemon=True).start()

    def gps(self):
        import http.client
        import json
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            c.request("GET", "/api/webhook/gps")
            return json.loads(c.getresponse().read())
        finally:
            c.close()

    def wait_fix(self):
        def fix():
            assert self.process.poll() is None, "".join(self.lines)
            return (v := self.gps())["fix"]["mode"] == 3 and v["fix"]
        return wait_until(fix, 60, "a fix")


@pytest.fixture
def run(installed):
    made = []

    def make(gpsd_port):
        made.append(Run(installed.prefix, gpsd_port))
        return made[-1]

    yield make
    for r in made:
        print("".join(r.lines))
        r.process.kill()  # its children are tied to it
        r.process.wait()


@pytest.mark.parametrize("how, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_a_position_that_moves_and_nothing_left_afterwards(run, how, code):
    r = run(free_port())
    first = r.wait_fix()
    wait_until(lambda: r.gps()["fix"]["lat"] != first["lat"], 20, "it moves")
    wait_until(lambda: any("curl" in line and f":{r.port}" in line for line in r.lines), 10, "it says what to curl")
    started = descendants(r.process.pid)
    assert len(started) >= 3, "patchbayd, gpsd and the replay"
    r.process.send_signal(how)
    assert r.process.wait(60) == code
    wait_until(lambda: not any(map(is_alive, started)), 40, "all of them end")


def test_a_gpsd_that_is_there_is_used(run, gpsd):
    g = gpsd(receivers=[Receiver(lat=47.5)])
    r = run(g.port)
    assert 47 < r.wait_fix()["lat"] < 48
    assert len(descendants(r.process.pid)) == 1, "patchbayd alone"
    r.process.send_signal(signal.SIGTERM)
    r.process.wait(60)
    assert g.is_listening()
