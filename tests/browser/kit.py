"""The whole kit as a test sees it: gpsd fed by the recorded drive, the stand-in for Kismet, some processes, all plugins."""
import os
import pathlib
import shutil
import subprocess

from gpsd import _prepare
from patchbay import ROOT, Daemon, die_with_parent, free_port, plugin_folder, wait_until
from standin import Standin

TALK = """#!/bin/sh
i=0
while :; do
	i=$((i + 1))
	echo "line $i: all is well"
	[ $((i % 7)) != 0 ] || echo "warning $i: dropped a packet" >&2
	sleep 0.5
done
"""


def build_folder():
    return pathlib.Path(os.environ.get("PATCHBAY_BUILD", plugin_folder().parent))


def page_folder():
    return plugin_folder() / "dashboard" / "dashboard"


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def processes(folder):
    talk = script(folder / "talk.sh", TALK)
    return {"feed": {"command": [talk]}, "kismet": {"command": [talk], "requires": ["feed"]}, "wigletotak": {"command": [talk], "requires": ["kismet"]}, "mavgps": {"command": [talk], "requires": ["feed"]}}


def settings(folder, kismet=None, procs=None, **more):
    """Settings of a daemon with the built page; everything that it writes lies in `folder`."""
    return {"plugins": {
        "dashboard": {"folder": str(page_folder()), "interval": "2s"},
        "kismet": kismet or {"enabled": False}, "csv": {"enabled": False},
        "netif": {"record_dir": str(folder / "netif"), "state_file": "", "network_manager": False},
        "procs": {"pid_dir": str(folder / "pid"), "keep_dir": str(folder / "keep"), "log_dir": str(folder / "log"), "keeper": str(plugin_folder() / "procs/keeper/keeper"), **(procs or {})},
        **more}}


class Drive:
    """The real gpsd, fed by tools/replay with the recorded drive."""

    def __init__(self):
        self.replay = subprocess.Popen([str(ROOT / "tools/replay"), str(ROOT / "etc/demo/drive.nmea")], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        device = self.replay.stdout.readline().strip()
        self.port = free_port()
        self.gpsd = subprocess.Popen([shutil.which("gpsd", path=os.environ["PATH"] + ":/usr/sbin") or "gpsd", "-N", "-n", "-S", str(self.port), device],
                                     stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_prepare)

    def stop(self):
        for p in (self.gpsd, self.replay):
            p.kill()
            p.wait()
        self.replay.stdout.close()


class Kit:
    def __init__(self, folder, devices=400):
        folder.chmod(0o755)
        self.drive = Drive()
        self.standin = Standin("--wall", "--loop", devices=devices)
        procs = {"process": {**processes(folder), "broken": {"command": ["/bin/sh", "-c", "echo no device >&2; exit 3"]}}, "group": {"both": ["feed", "kismet", "wigletotak"], "gps": ["feed", "mavgps"]}}
        self.daemon = Daemon(folder / "d", settings=settings(folder, kismet=self.standin.settings(), procs=procs, gpsd={"port": self.drive.port})).start()
        self.url = f"http://127.0.0.1:{self.daemon.port}/"
        self.daemon.post("procs/wigletotak/start")
        self.daemon.post("procs/broken/start")
        wait_until(lambda: self.daemon.topic("kismet/link")["state"] == "up" and self.daemon.topic("gps/fix")["mode"] == 3, 30, "Kismet and gpsd are there")

    def stop(self):
        self.daemon.stop()
        self.standin.kill()
        self.drive.stop()
