"""Readiness of every kind, what comes of one that does not come, and restarts by policy."""
import os
import signal
import socket

import pytest

from patchbay import free_port, wait_until
from procs import nasty

REST = [nasty(), "rest"]


# ---- readiness ----------------------------------------------------------------------------------------------------------


def serve(path, answer):
    """A process that waits a little, listens and answers every connection with these bytes."""
    return ["/usr/bin/python3", "-c",
            "import socket,sys,time\ntime.sleep(0.2)\ns=socket.socket()\ns.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1)\ns.bind(('127.0.0.1',int(sys.argv[1])))\ns.listen()\n"
            "while True:\n c,_=s.accept()\n c.recv(1000)\n c.sendall(sys.argv[2].encode())\n c.close()", str(path), answer]


def test_ready_by_tcp_http_file_log_and_notify(kit, tmp_path):
    tcp, web, flag = free_port(), free_port(), tmp_path / "flag"
    k = kit({
        "tcp": {"command": serve(tcp, ""), "ready": {"tcp": f"127.0.0.1:{tcp}", "timeout": "20s"}},
        "http": {"command": serve(web, "HTTP/1.1 204 No Content\r\n\r\n"), "ready": {"http": f"http://localhost:{web}/health", "timeout": "20s"}},
        "file": {"command": [nasty(), "touch", "200", str(flag)], "ready": {"file": str(flag), "timeout": "20s"}},
        "log": {"command": ["/bin/sh", "-c", "echo not yet; sleep 0.2; echo server 12 is up now; exec sleep 60"], "ready": {"log": "server * is ?p", "timeout": "20s"}},
        "notify": {"command": [nasty(), "notify", "200"], "ready": "notify"},
        "none": {"command": REST, "ready": "none"},
    })
    for name in ("tcp", "http", "file", "log", "notify", "none"):
        assert k.start(name, "?wait=started")["state"] in ("running", "ready")
        assert k.wait_state(name, "ready", limit=20), name
    assert k.get("notify")["status"] == "at work"


@pytest.mark.parametrize("ready, words", [
    ({"tcp": "127.0.0.1:1"}, "tcp 127.0.0.1:1: Connection refused"),
    ({"http": "http://127.0.0.1:{port}/x"}, "answered 503"),
    ({"file": "/nowhere/ready"}, "file /nowhere/ready: No such file"),
    ({"log": "never"}, '"never" in its output'),
    ({"notify": True}, "READY=1"),
], ids=lambda r: next(iter(r)) if isinstance(r, dict) else "")
def test_a_readiness_that_does_not_come_says_what_was_awaited(kit, ready, words):
    port = free_port()
    ready = {key: v.format(port=port) if isinstance(v, str) else v for key, v in ready.items()}
    k = kit({"a": {"command": serve(port, "HTTP/1.1 503 No\r\n\r\n"), "ready": {**ready, "timeout": "1s"}}})
    r = k.start("a", expect=504)
    assert r["error"] == "READY_TIMEOUT" and words in r["message"], r
    e = k.wait_state("a", "failed")
    assert words in e["reason"] and k.alive() == []


def test_an_observed_process_is_probed_and_never_touched(kit):
    port = free_port()
    k = kit({"box": {"observed": True, "ready": {"tcp": f"127.0.0.1:{port}", "timeout": "300ms"}}, "a": {"command": REST, "requires": ["box"]}})
    assert k.start("box", expect=409)["error"] == "CONFLICT"
    assert k.start("a", expect=424)["details"] == {"dependency": "box"}
    with socket.socket() as s:
        s.bind(("127.0.0.1", port))
        s.listen(100)
        assert k.start("a")["state"] == "ready"
        assert k.state("box") == "ready" and k.stop("box", expect=409)["error"] == "CONFLICT"
    wait_until(lambda: k.state("box") == "stopped", 10)
    assert k.state("a") == "ready"


def test_settle_holds_the_reply_until_it_has_run_for_a_while(kit):
    k = kit({"a": [nasty(), "say", "5", "gone at once"], "b": REST})
    r = k.daemon.call("procs.start", {"name": "a", "wait": "started", "settle": "500ms"}, expect=500)
    assert r["error"] == "EXECUTION_FAILED" and "gone at once" in r["message"]
    assert k.daemon.call("procs.start", {"name": "b", "wait": "started", "settle": "100ms"})["uptime"] >= 0.1


# ---- restarts -----------------------------------------------------------------------------------------------------------


def test_a_process_that_keeps_failing_is_given_up_with_its_last_lines(kit, tmp_path):
    runs = tmp_path / "runs"
    k = kit({"a": {"command": ["/bin/sh", "-c", f"echo run >> {runs}; sleep 0.05; echo oh no >&2; exit 9"], "restart": "on-failure", "restart_delay": "20ms", "restart_limit": 3}})
    k.start("a")
    e = k.wait_state("a", "failed")
    assert "given up after 3 restarts" in e["reason"] and "oh no" in e["reason"] and e["restarts"] == 3
    assert runs.read_text().count("run") == 4
    k.start("a")  # by hand: counted anew
    k.wait_state("a", "failed")
    assert runs.read_text().count("run") == 8


def test_restart_always_and_on_failure(kit):
    k = kit({"always": {"command": [nasty(), "exit", "0"], "restart": "always", "restart_delay": "20ms", "restart_limit": 2},
             "failure": {"command": [nasty(), "exit", "0"], "restart": "on-failure"}, "no": [nasty(), "late-exit", "10"]})
    for n in ("always", "failure", "no"):
        k.start(n, "?wait=started")
    assert k.wait_state("always", "failed")["restarts"] == 2
    assert k.wait_state("failure", "stopped")["restarts"] == 0
    assert k.wait_state("no", "failed")["restarts"] == 0


def test_a_killed_process_comes_back_and_a_stop_ends_the_waiting(kit):
    k = kit({"a": {"command": REST, "restart": "on-failure", "restart_delay": "50ms"}, "b": {"command": REST, "restart": "always", "restart_delay": "1h", "restart_delay_max": "1h"}})
    old = k.start("a")["pid"]
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: (e := k.get("a"))["state"] == "ready" and e["pid"] != old, 10)
    assert k.get("a")["last_exit"]["signal"] == "SIGKILL"
    os.kill(k.start("b")["pid"], signal.SIGKILL)
    assert "started again in 3600 s" in k.wait_state("b", "starting")["reason"]
    k.stop("b")
    assert k.state("b") == "stopped"
    os.kill(k.start("b")["pid"], signal.SIGKILL)
    k.wait_state("b", "starting")
    assert k.start("b")["state"] == "ready"  # by hand: at once


def counting(tmp_path, ready_at):
    """A command that is ready, by a file, in its ready_at-th run, and never before."""
    runs, flag = tmp_path / "runs", tmp_path / "ready"
    script = f"echo run >> {runs}; [ $(wc -l < {runs}) -lt {ready_at} ] || touch {flag}; exec sleep 100"
    return runs, {"command": ["/bin/sh", "-c", script], "ready": {"file": str(flag), "timeout": "300ms"}, "restart_delay": "20ms"}


def test_one_that_is_not_ready_in_time_is_tried_again_by_its_policy(kit, tmp_path):
    runs, settings = counting(tmp_path, 3)
    k = kit({"a": {**settings, "restart": "on-failure"}})
    assert k.start("a", expect=504)["error"] == "READY_TIMEOUT"  # who asked hears of the first
    e = k.wait_state("a", "ready", limit=20)
    assert e["restarts"] == 2 and runs.read_text().count("run") == 3 and len(k.alive()) == 1


def test_one_that_is_never_ready_is_given_up_at_the_limit(kit, tmp_path):
    runs, settings = counting(tmp_path, 99)
    k = kit({"a": {**settings, "restart": "always", "restart_limit": 2}})
    k.start("a", expect=504)
    e = k.wait_state("a", "failed", limit=20)
    assert "given up after 2 restarts" in e["reason"] and "was not ready in time: file" in e["reason"]
    assert runs.read_text().count("run") == 3 and k.alive() == []


def test_a_stop_ends_the_tries_of_one_that_is_not_ready(kit, tmp_path):
    runs, settings = counting(tmp_path, 99)
    k = kit({"a": {**settings, "restart": "always", "restart_delay": "1h", "restart_delay_max": "1h"}})
    k.start("a", expect=504)
    assert "started again in 3600 s" in k.wait_state("a", "starting")["reason"]
    k.stop("a")
    e = k.get("a")
    assert (e["state"], e["stopped_by"]) == ("stopped", "person") and runs.read_text().count("run") == 1


def test_a_restart_that_finds_no_program_is_tried_again_too(kit, tmp_path):
    program = tmp_path / "program"
    script = "#!/bin/sh\nexec sleep 100\n"
    program.write_text(script)
    program.chmod(0o755)
    k = kit({"a": {"command": [str(program)], "restart": "on-failure", "restart_delay": "100ms", "restart_limit": 100, "restart_delay_max": "200ms"}})
    old = k.start("a")["pid"]
    program.unlink()  # it is being replaced
    os.kill(old, signal.SIGKILL)
    wait_until(lambda: "not found" in k.get("a")["reason"], 10)
    program.write_text(script)
    program.chmod(0o755)
    assert k.wait_state("a", "ready")["pid"] != old
    program.unlink()
    k.stop("a")
    assert k.start("a", expect=500)["error"] == "EXECUTION_FAILED"  # a person's start fails at once
    assert k.state("a") == "failed"
