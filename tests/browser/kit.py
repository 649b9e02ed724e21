"""The whole kit as a test sees it: gpsd fed by the recorded drive, the stand-in for Kismet, some processes, all plugins."""
import os
import pathlib
import random
import shutil
import subprocess
import time

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

    def __init__(self, speed=1):
        self.replay = subprocess.Popen([str(ROOT / "tools/replay"), "--rate", str(speed), str(ROOT / "etc/demo/drive.nmea")], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        device = self.replay.stdout.readline().strip()
        self.port = free_port()
        self.gpsd = subprocess.Popen([shutil.which("gpsd", path=os.environ["PATH"] + ":/usr/sbin") or "gpsd", "-N", "-n", "-S", str(self.port), device],
                                     stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_prepare)

    def stop(self):
        for p in (self.gpsd, self.replay):
            p.kill()
            p.wait()
        self.replay.stdout.close()


NAMES = ["FRITZ!Box 7590 {}", "Vodafone-{}", "eduroam", "Cafe am Ring", "o2-WLAN{}", "TP-Link_{}", "HotelGuest", "DIRECT-{}-HP Envy", "AndroidAP{}", "Freifunk", "MagentaWLAN-{}", "Printer {}"]
KINDS = [("Wi-Fi AP", 5), ("Wi-Fi Client", 4), ("BLE", 3), ("Bluetooth", 1), ("Wi-Fi Bridged", 1)]
MAKERS = ["AVM GmbH", "Apple, Inc.", "Samsung Electronics", "TP-Link Technologies", "Espressif Inc.", "Intel Corporate", "Unknown", "HP Inc.", "Sonos, Inc."]


def scatter(standin, count):
    """Devices round the recorded drive, always the same ones; the nearer to the way the stronger."""
    rng = random.Random(8092)
    way = [(float(f[3][:2]) + float(f[3][2:]) / 60, float(f[5][:3]) + float(f[5][3:]) / 60)
           for f in (line.split(",") for line in (ROOT / "etc/demo/drive.nmea").read_text().splitlines()) if f[0].endswith("RMC") and f[3]]
    for i in range(count):
        lat, lon = rng.choice(way)
        north, east = rng.gauss(0, 60), rng.gauss(0, 60)
        kind = rng.choices([k for k, _ in KINDS], [n for _, n in KINDS])[0]
        mac = f"0C:{rng.randrange(256):02X}:{rng.randrange(256):02X}:{rng.randrange(256):02X}:{i >> 8:02X}:{i & 255:02X}"
        name = rng.choice(NAMES).format(f"{rng.randrange(65536):04X}") if kind == "Wi-Fi AP" or rng.random() < 0.2 else ""
        standin.order("/device", mac=mac, name=name, kind=kind, last_time=int(time.time()) - rng.randrange(300), signal=int(-38 - (north * north + east * east) ** 0.5 / 3 - rng.random() * 15),
                      manuf=rng.choice(MAKERS), channel=rng.choice(["1", "6", "11", "36", "44", "100"]), point=[lon + east / 67_900, lat + north / 111_320])


class Kit:
    def __init__(self, folder, devices=240, speed=1):
        folder.chmod(0o755)
        self.drive = Drive(speed)
        self.standin = Standin("--wall", "--loop", speed=speed)
        scatter(self.standin, devices)
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
