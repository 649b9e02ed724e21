"""patchbayctl doctor: what usually goes wrong in the field, made to go wrong."""
import os
import pty
import socket
import subprocess
import tty

import pytest

from ctl import run
from gpsd import Gpsd, Receiver

from patchbay import free_port, to_toml
from standin import Standin

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: users, namespaces and mounts of its own")


@pytest.fixture
def machine(tmp_path):
    """machine(settings) → a configuration file; nothing in it runs."""
    def write(plugins=None, **core):
        file = tmp_path / "patchbay.toml"
        settings = {"http": {"listen": [f"127.0.0.1:{free_port()}"]}, "state": {"directory": str(tmp_path / "state")}, **core,
                    "plugins": {"gpsd": {"port": free_port()}, "kismet": {"url": f"http://127.0.0.1:{free_port()}"}, "netif": {"interfaces": ["lo"]}, **(plugins or {})}}
        file.write_text(to_toml(settings))
        return file
    return write


def findings(d, *words, wrap=(), **env):
    """{text: finding} of doctor's JSON; its exit code must fit to what it found."""
    done = run(d, "doctor", "--json", *words, expect=None, wrap=wrap, **env)
    found = done.json()["findings"]
    assert done.code == (1 if any(f["grade"] == "bad" for f in found) else 0), done
    for f in found:
        assert f["grade"] == "good" or f["mend"], f"what mends it? {f}"
    return found


def about(found, *parts):
    """The one finding with all these parts in its text."""
    those = [f for f in found if all(p in f["text"] for p in parts)]
    assert len(those) == 1, (parts, found)
    return those[0]


def test_no_daemon_is_found_and_told_once_a_line(machine):
    file = machine()
    done = run(None, "--host", f"127.0.0.1:{free_port()}", "doctor", "--config", file, expect=1)
    lines = done.out.splitlines()
    assert any("no Patchbay at" in line and "→ sudo systemctl start patchbay" in line for line in lines)
    assert all(line[0] in "✗!✓" for line in lines)
    assert [line[0] for line in lines] == sorted((line[0] for line in lines), key="✗!✓".index)


def test_a_taken_port_names_the_taker(machine):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        found = findings(None, "--host", f"127.0.0.1:{free_port()}", "--config", machine(http={"listen": [f"127.0.0.1:{port}"]}))
    f = about(found, f"port {port} is taken by ")
    assert f"PID {os.getpid()}" in f["text"] and f["mend"] == f"sudo kill {os.getpid()}"


def test_a_wrong_configuration_is_told_with_its_place(machine, tmp_path):
    file = machine()
    file.write_text(file.read_text() + "\n[log]\nlevl = 'info'\nformat = 'xml'\n")
    f = about(findings(None, "--offline", "--config", file), f"{file}:", "did you mean level?")
    assert f["grade"] == "bad" and "(and 1 more)" in f["text"]


def test_gpsd_that_does_not_run(machine):
    assert "start gpsd" in about(findings(None, "--offline", "--config", machine()), "gpsd does not answer")["mend"]


def test_gpsd_without_a_device(machine, gpsd):
    g = gpsd(receivers=0)
    f = about(findings(None, "--offline", "--config", machine({"gpsd": {"port": g.port}})), "gpsd has no device")
    assert f["grade"] == "bad"


def test_gpsd_with_a_receiver_is_fine_and_so_is_the_clock(machine, gpsd):
    g = gpsd(receivers=[Receiver()])
    found = findings(None, "--offline", "--config", machine({"gpsd": {"port": g.port}}))
    assert about(found, "gpsd has udp://")["grade"] == "good"
    assert about(found, "the clock agrees")["grade"] == "good"


@root_only
def test_a_device_without_rights(machine):
    master, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.chown(path, 0, 0)
    os.chmod(path, 0o600)
    g = Gpsd(receivers=0, devices=[path])
    try:
        g.start()
        f = about(findings(None, "--offline", "--config", machine({"gpsd": {"port": g.port}})), "has no right to", path)
        assert f["mend"] == f"sudo chgrp dialout {path} && sudo chmod 660 {path}"
    finally:
        g.stop()
        os.close(master)
        os.close(slave)


def test_a_clock_that_is_off(machine, gpsd):
    g = gpsd(receivers=[Receiver(behind=600)])
    f = about(findings(None, "--offline", "--config", machine({"gpsd": {"port": g.port}})), "the clock is", "ahead of the satellites'")
    assert f["grade"] == "bad" and f["mend"].startswith("sudo date -u -s")


def test_kismet_without_a_password(machine):
    s = Standin()
    try:
        f = about(findings(None, "--offline", "--config", machine({"kismet": {"url": f"http://127.0.0.1:{s.port}"}})), "wants a password")
        assert f["grade"] == "bad" and "password_file" in f["mend"]
        found = findings(None, "--offline", "--config", machine({"kismet": {"url": f"http://127.0.0.1:{s.port}", "username": "admin", "password": "admin"}}))
        assert about(found, "Kismet answers")["grade"] == "good"
    finally:
        s.kill()


def test_a_plugin_that_is_off_is_not_looked_after(machine):
    found = findings(None, "--offline", "--config", machine({"gpsd": {"enabled": False}, "kismet": {"enabled": False}, "netif": {"enabled": False}}))
    assert {f["about"] for f in found} <= {"configuration", "disk"}


def test_an_interface_that_is_not_there(machine):
    assert about(findings(None, "--offline", "--config", machine({"netif": {"interfaces": ["nowhere0"]}})), "no interface nowhere0")["grade"] == "bad"


@root_only
def test_network_manager_that_holds_an_interface(machine, tmp_path):
    """The real question (nmcli) with a stand-in's answer, and a process that is called so."""
    manager, nmcli = tmp_path / "NetworkManager", tmp_path / "nmcli"
    manager.write_bytes(open("/bin/sleep", "rb").read())
    nmcli.write_text("#!/bin/sh\n[ \"$*\" = '-g GENERAL.STATE device show lo' ] && echo '100 (connected)'\n")
    manager.chmod(0o755)
    nmcli.chmod(0o755)
    p = subprocess.Popen([manager, "60"])
    try:
        f = about(findings(None, "--offline", "--config", machine(), PATH=f"{tmp_path}:{os.environ['PATH']}"), "NetworkManager holds lo (100 (connected))")
        assert f["mend"] == "nmcli device set lo managed no"
        nmcli.write_text("#!/bin/sh\necho '10 (unmanaged)'\n")
        assert not [f for f in findings(None, "--offline", "--config", machine(), PATH=f"{tmp_path}:{os.environ['PATH']}") if "NetworkManager" in f["text"]]
    finally:
        p.kill()
        p.wait()


@root_only
def test_a_full_disk_and_a_read_only_one(machine, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    for option, part in (("size=8m", "is full"), ("ro,size=1m", "is mounted read-only")):
        inside = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o {option} tmpfs {disk} && exec "$@"', "sh"]
        f = about(findings(None, "--offline", "--config", machine(state={"directory": str(disk / "state")}), wrap=inside), str(disk), part)
        assert f["grade"] == "bad"


def test_what_the_daemon_knows_is_told_as_well(patchbayd):
    d = patchbayd(plugins=["procs"], settings={"plugins": {"procs": {"process": {"bad": {"command": ["/bin/false"], "ready": {"file": "/nonexistent/ready", "timeout": "50s"}}}}}})
    run(d, "start", "bad", expect=1)
    found = findings(d)
    assert about(found, "process bad failed")["mend"].startswith("patchbayctl logs bad")
    assert about(found, "Patchbay answers")["grade"] == "good"
    assert about(found, f"{d.config} is right")["grade"] == "good"


def test_a_file_that_may_not_be_read_is_said(machine):
    if os.geteuid() != 0:
        pytest.skip("needs another user")
    file = machine()
    file.chmod(0o600)
    done = run(None, "doctor", "--offline", "--config", file, expect=2, wrap=["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"])
    assert "cannot be read" in done.err
