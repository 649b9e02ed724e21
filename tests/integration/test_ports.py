"""The port table, with real listeners."""
import socket
import subprocess
import sys

import pytest

from patchbay import die_with_parent, free_port, wait_until


def listener(port, kind="tcp", address="127.0.0.1", name=None):
    """A process of its own that holds a port; name: the script's name."""
    script = ("import socket, sys, time\n"
              "s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_STREAM if sys.argv[3] == 'tcp' else socket.SOCK_DGRAM)\n"
              "s.bind((sys.argv[1], int(sys.argv[2])))\n"
              "if sys.argv[3] == 'tcp': s.listen()\n"
              "print('there', flush=True)\n"
              "time.sleep(120)\n")
    if name:
        name.write_text(script)
    command = [sys.executable, str(name)] if name else [sys.executable, "-c", script]
    p = subprocess.Popen([*command, address, str(port), kind], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
    assert p.stdout.readline() == "there\n"
    return p


def row(d, name):
    return next(r for r in d.json("ports")["ports"] if r["name"] == name)


@pytest.fixture
def kit(patchbayd):
    ports = {"mine": free_port(), "other": free_port(), "nobody": free_port(), "udp": free_port(socket.SOCK_DGRAM), "self": 0}
    table = [{"name": "mine", "port": ports["mine"], "process": "tak.py"}, {"name": "other", "port": ports["other"], "process": "kismet"},
             {"name": "nobody", "port": ports["nobody"], "process": "gpsd"}, {"name": "udp", "port": ports["udp"], "protocol": "udp", "process": "python3"}]
    d = patchbayd(plugins=["ports"], settings={"plugins": {"ports": {"table": table}}})
    d.numbers = ports
    return d


def test_ok_free_and_conflict_with_who_it_is(kit, tmp_path):
    mine, other = listener(kit.numbers["mine"], name=tmp_path / "tak.py"), listener(kit.numbers["other"])
    udp = listener(kit.numbers["udp"], "udp", "0.0.0.0")
    assert row(kit, "mine")["state"] == "ok" and row(kit, "mine")["holder"]["pid"] == mine.pid
    bad = row(kit, "other")
    assert bad["state"] == "conflict" and bad["expected"] == "kismet" and bad["holder"]["pid"] == other.pid and bad["holder"]["address"] == "127.0.0.1"
    assert f"PID {other.pid}" in bad["message"] and "kismet" in bad["message"]
    assert row(kit, "nobody") == {"name": "nobody", "port": kit.numbers["nobody"], "protocol": "tcp", "expected": "gpsd", "state": "free", "holder": None, "holders": [], "message": None}
    assert row(kit, "udp")["state"] == "ok" and row(kit, "udp")["holder"]["pid"] == udp.pid
    assert kit.call("ports.list") == kit.json("ports") == kit.topic("ports/table")
    assert [c["name"] for c in kit.topic("ports/conflicts")["conflicts"]] == ["other"]
    other.kill()
    other.wait()
    assert row(kit, "other")["state"] == "free"
    assert kit.topic("ports/conflicts") == {"conflicts": []}
    for p in (mine, udp):
        p.kill()
        p.wait()


def test_before_a_start_it_is_asked_what_stands_in_the_way(kit):
    assert kit.call("ports.check", {"process": "kismet"})["conflicts"] == []
    other = listener(kit.numbers["other"], address="0.0.0.0")
    for asked in ("kismet", "other"):
        found = kit.call("ports.check", {"process": asked})
        assert [c["holder"]["pid"] for c in found["conflicts"]] == [other.pid], asked
    by_port = kit.call("ports.check", {"port": kit.numbers["other"]})
    assert by_port["free"] is False and by_port["holders"][0]["pid"] == other.pid
    assert kit.call("ports.check", {"port": kit.numbers["other"], "protocol": "udp"})["free"] is True
    assert kit.call("ports.check", {"port": kit.numbers["nobody"]}) == {"port": kit.numbers["nobody"], "protocol": "tcp", "free": True, "holders": []}
    assert kit.call("ports.check", {}, expect=400) and kit.call("ports.check", {"port": 1, "process": "x"}, expect=400)
    assert kit.call("ports.check", {"process": "unheard of"}) == {"process": "unheard of", "ports": [], "conflicts": []}
    other.kill()
    other.wait()


def test_wildcards_of_both_families_stand_in_the_way(kit):
    for address, asked, free in (("::", "127.0.0.1", False), ("127.0.0.1", "127.0.0.2", True), ("0.0.0.0", "127.0.0.2", False), ("::1", "127.0.0.1", True)):
        p = listener(kit.numbers["other"], address=address)
        assert kit.call("ports.check", {"port": kit.numbers["other"], "address": asked})["free"] is free, (address, asked)
        p.kill()
        p.wait()


def test_while_somebody_looks_a_change_is_seen(patchbayd):
    port = free_port()
    d = patchbayd(plugins=["ports"], settings={"plugins": {"ports": {"interval": "1s", "table": [{"name": "x", "port": port, "process": "nobody-else"}]}}})
    with d.events("ports/*") as events:
        events.wait_for(lambda e: e.topic == "ports/table")
        p = listener(port)
        seen = events.wait_for(lambda e: e.topic == "ports/conflicts" and e.value["conflicts"]).value["conflicts"][0]
        assert seen["holder"]["pid"] == p.pid
        p.kill()
        p.wait()
        events.wait_for(lambda e: e.topic == "ports/conflicts" and not e.value["conflicts"])


def test_the_table_that_comes_with_it_is_the_field_kits(patchbayd):
    d = patchbayd(plugins=["ports"])
    rows = {r["name"]: (r["port"], r["protocol"]) for r in d.json("ports")["ports"]}
    assert rows == {"gpsd": (2947, "tcp"), "kismet": (2501, "tcp"), "webhook": (5000, "tcp"), "wigletotak": (8000, "tcp"), "openwebrx": (8073, "tcp"),
                    "spectrum": (8092, "tcp"), "mavproxy": (14550, "udp")}


def test_new_settings_are_taken_while_it_runs(kit):
    port = free_port()
    kit.write({"plugins": {"ports": {"table": [{"name": "new", "port": port}]}}})
    wait_until(lambda: [r["name"] for r in kit.json("ports")["ports"]] == ["new"], why="the new table is shown")
    kit.write({"plugins": {"ports": {"table": [{"name": "bad", "port": port, "address": "nonsense"}]}}})
    wait_until(lambda: "nonsense" in kit.log, why="the fault is told")
    assert [r["name"] for r in kit.json("ports")["ports"]] == ["new"]
