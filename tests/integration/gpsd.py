"""The real gpsd for a test, on a port of its own, with receivers that the test moves, stalls and unplugs."""
import datetime
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from patchbay import die_with_parent, free_port, wait_until


def nmea(fields):
    """A sentence with its checksum."""
    body = ",".join(str(f) for f in fields)
    check = 0
    for c in body.encode():
        check ^= c
    return f"${body}*{check:02X}\r\n"


class Receiver:
    """A GPS receiver on UDP: an epoch of RMC, GGA, GSA and GSV a period, stamped with the present time. Its attributes may
    be changed at any time: lat, lon (degrees), alt, speed (m/s), track, mode (1 none, 2, 3), hdop, period (s), is_silent, behind."""

    def __init__(self, lat=52.52, lon=13.4, **attributes):
        self.port = free_port(socket.SOCK_DGRAM)
        self.device = f"udp://127.0.0.1:{self.port}"
        self.lat, self.lon, self.alt, self.speed, self.track = lat, lon, 34.0, 12.0, 45.0
        self.mode, self.hdop, self.period, self.is_silent = 3, 0.95, 0.2, False
        self.behind = 0  # seconds that its clock is behind ours
        self.step = 1e-5  # degrees north an epoch
        self.__dict__.update(attributes)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()
        return self

    def stop(self):
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def epoch(self):
        now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=self.behind)
        clock = now.strftime("%H%M%S.") + f"{now.microsecond // 10000:02d}"
        position = [self._angle(self.lat, "NS", 2), self._angle(self.lon, "EW", 3)] if self.mode > 1 else [",", ","]
        used = 0 if self.mode < 2 else 4 if self.mode == 2 else 8
        return "".join((
            nmea(["GPRMC", clock, "A" if self.mode > 1 else "V", *position, f"{self.speed * 1.9438:.2f}", f"{self.track:.2f}", now.strftime("%d%m%y"), "", "", "A" if self.mode > 1 else "N"]),
            nmea(["GPGGA", clock, *position, 1 if self.mode > 1 else 0, f"{used:02d}", self.hdop, f"{self.alt:.1f}" if self.mode > 2 else "", "M", 44.9, "M", "", ""]),
            nmea(["GPGSA", "A", self.mode, *[f"{n:02d}" for n in range(2, 2 + used)], *[""] * (12 - used), 1.8, self.hdop, 1.53]),
            nmea(["GPGSV", 3, 1, 10, "02,30,045,38", "03,65,120,44", "04,40,200,41", "05,25,300,35"]),
            nmea(["GPGSV", 3, 2, 10, "06,15,080,30", "07,55,270,42", "08,70,010,45", "09,33,160,39"]),
            nmea(["GPGSV", 3, 3, 10, "29,05,350,", "12,08,220,18"]),
        ))

    @staticmethod
    def _angle(degrees, signs, digits):
        a = abs(degrees)
        return f"{int(a):0{digits}d}{(a % 1) * 60:09.6f},{signs[degrees < 0]}"

    def _run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while not self._ended.wait(self.period):
                if self.is_silent:
                    continue
                self.lat += self.step
                try:
                    s.sendto(self.epoch().encode(), ("127.0.0.1", self.port))
                except OSError:
                    pass  # gpsd is not there at the moment


def _prepare():
    """gpsd gives up root by itself, and with that the signal that ties it to us: give it up first."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    die_with_parent()


class Gpsd:
    """Debian's gpsd in the foreground. receivers: how many, or a list of Receiver. devices: further paths (a pseudo-terminal)."""

    def __init__(self, receivers=1, devices=(), port=None):
        self.port = port or free_port()
        self.receivers = [Receiver() for _ in range(receivers)] if isinstance(receivers, int) else list(receivers)
        self.devices = [r.device for r in self.receivers] + list(devices)
        self.folder = tempfile.mkdtemp(prefix="gpsd-test-")
        os.chmod(self.folder, 0o777)
        self.socket = f"{self.folder}/control"
        self.process = None

    def start(self):
        for r in self.receivers:
            if not r._thread.is_alive():
                r.start()
        self.start_daemon()
        return self

    def start_daemon(self):
        assert self.process is None or self.process.poll() is not None, "it runs already"
        self.process = subprocess.Popen(
            [shutil.which("gpsd", path=os.environ["PATH"] + ":/usr/sbin") or "gpsd", "-N", "-n", "-S", str(self.port), "-F", self.socket, *self.devices],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=_prepare)
        wait_until(self.is_listening, 20, f"gpsd listens on {self.port}")

    def is_listening(self):
        assert self.process.poll() is None, f"gpsd ended with {self.process.returncode}"
        with socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def control(self, command):
        """A line for the control socket ("+/dev/pts/3", "-udp://…"); the answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(10)
            s.connect(self.socket)
            s.sendall(f"{command}\r\n".encode())
            return s.recv(100).decode().strip()

    def stop(self):
        for r in self.receivers:
            r.stop()
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
