"""tools/replay: what it feeds a gpsd with."""
import datetime
import os
import select
import signal
import socket
import subprocess

import pytest

from gpsd import Gpsd
from patchbay import ROOT, SLOW, die_with_parent, wait_until

DRIVE = ROOT / "etc/demo/drive.nmea"


@pytest.fixture
def replay():
    """replay(*arguments) → the running process, its first line read as .device."""
    made = []

    def make(*arguments):
        p = subprocess.Popen(["/usr/bin/python3", str(ROOT / "tools/replay"), *arguments, str(DRIVE)], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        made.append(p)
        p.device = p.stdout.readline().strip()
        return p

    yield make
    for p in made:
        p.kill()
        p.wait()
        p.stdout.close()


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        s.settimeout(10 * SLOW)
        yield s


def is_quiet(sock, seconds):
    return not select.select([sock], [], [], seconds)[0]


def drain(sock):
    while select.select([sock], [], [], 0)[0]:
        sock.recv(65536)


def checksum_is_right(sentence):
    body, _, given = sentence.strip().lstrip("$").partition("*")
    value = 0
    for c in body.encode():
        value ^= c
    return f"{value:02X}" == given


def test_epochs_are_of_now_and_whole(replay, receiver):
    replay("--rate", "20", "--udp", f"127.0.0.1:{receiver.getsockname()[1]}")
    positions = set()
    for _ in range(5):
        sentences = receiver.recv(65536).decode().splitlines()
        assert [s[3:6] for s in sentences] == ["RMC", "VTG", "GGA", "GSA", "GSV", "GSV", "GSV"]
        assert all(checksum_is_right(s) for s in sentences)
        rmc, gga = sentences[0].split(","), sentences[2].split(",")
        assert rmc[1] == gga[1]
        at = datetime.datetime.strptime(rmc[9] + rmc[1], "%d%m%y%H%M%S.%f").replace(tzinfo=datetime.timezone.utc)
        assert abs((datetime.datetime.now(datetime.timezone.utc) - at).total_seconds()) < 30
        positions.add(rmc[3])
    assert len(positions) == 5


def test_signals_silence_it_and_let_it_go_on(replay, receiver):
    p = replay("--rate", "20", "--udp", f"127.0.0.1:{receiver.getsockname()[1]}")
    receiver.recv(65536)
    p.send_signal(signal.SIGUSR1)
    wait_until(lambda: is_quiet(receiver, 0.5) or drain(receiver), 20, "it falls silent")
    p.send_signal(signal.SIGUSR2)
    receiver.recv(65536)
    p.send_signal(signal.SIGTERM)
    assert p.wait(10) == 0


def test_it_starts_again_at_the_end(replay, receiver):
    replay("--rate", "200", "--udp", f"127.0.0.1:{receiver.getsockname()[1]}")
    seen = [tuple(receiver.recv(65536).decode().split(",")[3:6]) for _ in range(130)]
    assert len(set(seen[:60])) == 60 and seen[:60] == seen[60:120]


def test_unplugged_and_plugged_in_again_under_another_path(replay, tmp_path):
    link = tmp_path / "gps0"
    p = replay("--rate", "20", "--link", str(link))
    assert os.readlink(link) == p.device
    with open(p.device, "rb", buffering=0) as tty:
        assert tty.read(1)
        p.send_signal(signal.SIGHUP)
        new = p.stdout.readline().strip()
        assert os.readlink(link) == new
        with open(new, "rb", buffering=0) as again:
            assert again.read(1)
    p.send_signal(signal.SIGTERM)
    assert p.wait(10) == 0 and not link.is_symlink()


def test_a_real_gpsd_takes_it_from_a_pseudo_terminal(replay, patchbayd):
    p = replay("--rate", "10")
    g = Gpsd(receivers=0, devices=[p.device])
    try:
        g.start()
        d = patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"port": g.port}}})
        first = wait_until(lambda: (v := d.json("gps"))["fix"]["mode"] == 3 and v["fix"], 40, "a fix from the replay")
        assert first["device"] == p.device
        wait_until(lambda: d.json("gps")["fix"]["lat"] != first["lat"], 20, "it moves")
    finally:
        g.stop()


def test_it_ends_with_its_parent(tmp_path):
    pid_file = tmp_path / "pid"
    shell = subprocess.Popen(["sh", "-c", f"/usr/bin/python3 {ROOT}/tools/replay --with-parent --udp 127.0.0.1:9 {DRIVE} & echo $! > {pid_file}; wait"], stdout=subprocess.PIPE)
    shell.stdout.readline()  # it runs, and is tied to the shell by now
    pid = int(wait_until(pid_file.read_text, 10))
    shell.kill()
    shell.wait()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}") or open(f"/proc/{pid}/stat").read().split()[2] == "Z", 10, "the replay ends")
    shell.stdout.close()


def test_files_that_are_none_are_named(tmp_path):
    for path, why in ((tmp_path / "none", "No such file"), (ROOT / "tools/replay", "no NMEA sentence")):
        r = subprocess.run(["/usr/bin/python3", str(ROOT / "tools/replay"), str(path)], capture_output=True, text=True, timeout=30)
        assert r.returncode == 1 and why in r.stderr and str(path) in r.stderr
