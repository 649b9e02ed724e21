"""Further listeners: opened by a plugin, marked, closed with it; a taken one names its holder and is taken over once it is free."""
import http.client
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from patchbay import SLOW, die_with_parent, free_port, plugin_folder, wait_until

FURTHER = plugin_folder().parent / "tests/integration/further/further.so"


def start(patchbayd, listen, **kw):
    d = patchbayd(plugins=[], start=False, **kw)
    d.put_plugin("further", FURTHER)
    set_listen(d, listen)
    d.start()
    d.wait_plugin("further")
    return d


def set_listen(d, listen, **more):
    d.write({"plugins": {"further": {"listen": listen}}, **more})


def ask(port, path="/whence", method="GET", headers=None, host="127.0.0.1"):
    c = http.client.HTTPConnection(host, port, timeout=10 * SLOW)
    try:
        c.request(method, path, headers=headers or {})
        r = c.getresponse()
        return r.status, json.loads(r.read() or b"null")
    finally:
        c.close()


def is_refused(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def holder():
    """holder(port) → a process that listens there."""
    started = []

    def make(port):
        p = subprocess.Popen([sys.executable, "-c", "import socket,sys,time\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
                              "s.bind(('127.0.0.1', int(sys.argv[1])))\ns.listen()\nprint('listens', flush=True)\ntime.sleep(600)", str(port)],
                             stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        assert p.stdout.readline() == b"listens\n"
        started.append(p)
        return p

    yield make
    for p in started:
        p.kill()
        p.wait()
        p.stdout.close()


def test_a_request_tells_which_listener_it_came_by(patchbayd):
    port = free_port()
    d = start(patchbayd, [f"127.0.0.1:{port}"])
    assert wait_until(lambda: ask(port), why="it listens") == (200, {"by": f"127.0.0.1:{port}"})
    assert d.json("/whence") == {"by": ""}
    assert ask(port, "/api/webhook/plugins")[0] == 200, "all routes are there"
    assert d.topic("further/listen") == {f"127.0.0.1:{port}": None}
    assert d.topic("core/http")["further"] == [f"127.0.0.1:{port}"]


def test_the_same_rules_hold_there(patchbayd):
    port = free_port()
    start(patchbayd, [f"127.0.0.1:{port}"])
    wait_until(lambda: ask(port), why="it listens")
    assert ask(port, headers={"Host": "elsewhere.example"})[0] == 421
    status, body = ask(port, "/api/webhook/call/further.drop", "POST", {"Origin": "http://elsewhere.example"})
    assert (status, body["error"]) == (403, "ORIGIN_FORBIDDEN")


def test_it_closes_with_its_item_and_with_its_plugin(patchbayd):
    port = free_port()
    d = start(patchbayd, [f"127.0.0.1:{port}"])
    wait_until(lambda: ask(port), why="it listens")
    d.call("further.drop")
    wait_until(lambda: is_refused(port), why="its item is gone")
    assert d.topic("core/http")["further"] == []
    d.post("plugins/further/reload")
    wait_until(lambda: ask(port)[0] == 200, why="the plugin's next instance listens")
    assert d.post("plugins/further/disable").status == 200
    wait_until(lambda: is_refused(port), why="its plugin is off")
    assert d.json("plugins")["plugins"][0]["state"] == "disabled"


def test_a_taken_port_names_its_holder_and_is_taken_over_once_it_is_free(patchbayd, holder):
    port = free_port()
    other = holder(port)
    d = start(patchbayd, [f"127.0.0.1:{port}"])
    why = wait_until(lambda: d.topic("further/listen").get(f"127.0.0.1:{port}"), why="it is told")
    assert f"127.0.0.1:{port} is taken by pid {other.pid} (" in why and "import socket" in why
    assert d.json("/whence") == {"by": ""}, "the daemon goes on"
    other.kill()
    other.wait()
    assert wait_until(lambda: ask(port), 15, "it is taken over") == (200, {"by": f"127.0.0.1:{port}"})
    assert d.topic("further/listen") == {f"127.0.0.1:{port}": None}


def test_its_own_main_port_is_no_further_one(patchbayd):
    d = start(patchbayd, [])
    set_listen(d, [f"127.0.0.1:{d.port}"])
    d.signal(signal.SIGHUP)
    why = wait_until(lambda: d.topic("further/listen").get(f"127.0.0.1:{d.port}"), why="it is told")
    assert f"pid {d.pid} " in why
    assert d.json("/whence") == {"by": ""}


def test_an_upgrade_in_place_keeps_the_port(patchbayd):
    port = free_port()
    d = start(patchbayd, [f"127.0.0.1:{port}"])
    wait_until(lambda: ask(port), why="it listens")
    assert d.post("plugins/further/reload").json()["state"] == "running"
    assert ask(port) == (200, {"by": f"127.0.0.1:{port}"})
    wait_until(lambda: d.topic("further/listen") == {f"127.0.0.1:{port}": None}, why="the new instance has it too")
    d.call("further.drop")
    wait_until(lambda: is_refused(port), why="the new instance alone held it")


def test_malformed_ones_fail_the_plugin_alone(patchbayd):
    d = patchbayd(plugins=[], start=False)
    d.put_plugin("further", FURTHER)
    set_listen(d, ["localhost:5000"])
    d.start()
    assert 'listen: "localhost:5000" is no address' in d.wait_plugin("further", "failed")["reason"]


def test_beyond_loopback_it_needs_auth_written(patchbayd):
    port = free_port()
    d = start(patchbayd, [f"0.0.0.0:{port}"])
    why = wait_until(lambda: d.topic("further/listen").get(f"0.0.0.0:{port}"), why="it is told")
    assert "[auth] mode" in why and is_refused(port)
    set_listen(d, [f"0.0.0.0:{port}"], auth={"mode": "none"})
    d.signal(signal.SIGHUP)
    wait_until(lambda: ask(port)[0] == 200, why="now it may")
    assert any(f"0.0.0.0:{port}" in w for w in d.topic("core/http")["warnings"]), "everybody may come in, and that is said"
    set_listen(d, [f"0.0.0.0:{port}"])
    d.signal(signal.SIGHUP)
    wait_until(lambda: is_refused(port), why="not any more")
    assert "not written any more" in d.topic("further/listen")[f"0.0.0.0:{port}"]
    assert d.topic("core/http")["warnings"] == []


def test_no_descriptor_stays_behind(patchbayd):
    port = free_port()
    d = start(patchbayd, [f"127.0.0.1:{port}"])
    wait_until(lambda: ask(port), why="it listens")
    before = wait_until(lambda: len(os.listdir(f"/proc/{d.pid}/fd")), why="counted")
    for _ in range(20):
        d.post("plugins/further/reload")
    wait_until(lambda: len(os.listdir(f"/proc/{d.pid}/fd")) <= before, why="as many as before")
    assert ask(port)[0] == 200


def test_webhook_serves_the_older_services_port(patchbayd, holder):
    port, taken = free_port(), free_port()
    other = holder(taken)
    d = patchbayd(plugins=["webhook"], settings={"plugins": {"webhook": {"legacy_listen": [f"127.0.0.1:{port}", f"127.0.0.1:{taken}"]}}})
    d.wait_plugin("webhook")
    assert wait_until(lambda: ask(port, "/health"), why="it listens")[1]["service"] == "webhook"
    told = wait_until(lambda: len(t := d.topic("webhook/listen")) == 2 and t, why="both are told of")
    assert told[f"127.0.0.1:{port}"] is None and f"pid {other.pid} " in told[f"127.0.0.1:{taken}"]
    assert f"pid {other.pid} " in d.log, "the log names the holder as well"
