"""The process coordinator with real processes: orders, refusals, readiness, restarts, identity, logs."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from patchbay import SLOW, free_port, wait_until
from procs import Kit, nasty


@pytest.fixture
def kit(tmp_path):
    """kit({name: command or settings}, …) → a Kit. Ended with the test; nothing of it may then be left (leaves=True: it may)."""
    made = []

    def make(processes, *args, leaves=False, **kw):
        k = Kit(tmp_path / f"kit{len(made)}", processes, *args, **kw)
        made.append((k, leaves))
        return k

    yield make
    for k, leaves in made:
        wrong, left = k.close()
        print(f"---- log of the daemon\n{k.daemon.log}")
        assert not wrong, "\n".join(wrong)
        assert leaves or not left, f"processes are left: {left}"


REST = [nasty(), "rest"]


# ---- start and stop -----------------------------------------------------------------------------------------------------


def test_start_and_stop(kit):
    k = kit({"a": REST})
    assert k.state("a") == "stopped" and k.pid_file("a") is None
    e = k.start("a")
    assert e["state"] == "ready" and os.readlink(f"/proc/{e['pid']}/exe") == os.path.realpath(nasty())
    assert k.pid_file("a") == [e["pid"]] and k.alive() == [e["pid"]]
    r = k.start("a", expect=409)
    assert (r["error"], r["details"]) == ("ALREADY_RUNNING", f"PID: {e['pid']}")
    s = k.stop("a")
    assert s["state"] == "stopped" and s["pid"] is None and s["stopped"]["pid"] == e["pid"] and s["stopped"]["method"] == "graceful"
    assert s["last_exit"]["signal"] == "SIGTERM" and s["last_exit"]["code"] is None
    assert k.alive() == [] and k.pid_file("a") is None
    assert k.stop("a", expect=404)["error"] == "NOT_RUNNING"
    assert k.start("nobody", expect=404)["error"] == "NOT_FOUND"


def test_the_exit_status_stays_over_restarts_of_the_daemon(kit):
    k = kit({"a": [nasty(), "late-exit", "50"]})
    k.start("a")
    e = k.wait_state("a", "failed")
    assert e["last_exit"]["code"] == 7 and "exited with status 7" in e["reason"]
    k.daemon.restart()
    assert k.get("a")["last_exit"] == e["last_exit"]


@pytest.mark.parametrize("settings, words", [
    ({"command": ["/nowhere/at/all"]}, "/nowhere/at/all: not found"),
    ({"command": ["no-such-command"]}, "not found in PATH"),
    ({"command": ["/etc/passwd"]}, "not executable"),
    ({"command": ["{tmp}/script"]}, "its interpreter /nowhere/sh is not"),
    ({"command": ["{tmp}/garbage"]}, "no program"),
    ({"command": ["/bin/true"], "directory": "/nowhere"}, "working directory /nowhere"),
    ({"command": ["/bin/true"], "user": "nobody-of-this-name"}, "there is no such user"),
    ({"command": ["/bin/true"], "group": "nobody-of-this-name"}, "there is no such group"),
    ({"command": ["/bin/sh", "-c", "echo first; echo the reason >&2; exit 4"], "ready": {"tcp": "127.0.0.1:1", "timeout": "20s"}}, "exited with status 4"),
])
def test_a_failed_start_says_why_at_once(kit, tmp_path, settings, words):
    for name, text in (("script", "#!/nowhere/sh\n"), ("garbage", "garbage\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    k = kit({"a": {**settings, "command": [c.format(tmp=tmp_path) for c in settings["command"]]}})
    r = k.start("a", expect=500)
    assert r["error"] == "EXECUTION_FAILED" and words in r["message"], r
    if "exit 4" in settings["command"][-1]:
        assert "the reason" in r["message"] and r["details"]["code"] == 4
    e = k.get("a")
    assert e["state"] == "failed" and words in e["reason"] and k.pid_file("a") is None
    assert list(k.keep.glob("a.*")) == []


def test_dependencies_come_first_and_dependents_go_first(kit, tmp_path):
    order = tmp_path / "order"
    say = 'echo up $0 >> {o}; trap "echo down $0 >> {o}; exit 0" TERM; touch {o}.$0; while :; do sleep 0.02; done'.format(o=order)
    k = kit({n: {"command": ["/bin/sh", "-c", say, n], "requires": r, "ready": {"file": f"{order}.{n}", "timeout": "20s"}} for n, r in
             {"gpsd": [], "mavgps": ["gpsd"], "kismet": ["gpsd"], "wigle": ["kismet"], "other": []}.items()})
    assert k.start("wigle")["state"] == "ready"
    assert order.read_text().split("\n")[:-1] == ["up gpsd", "up kismet", "up wigle"]
    assert k.state("mavgps") == "stopped" and k.state("other") == "stopped"
    k.start("mavgps")
    k.stop("gpsd")
    assert {k.state(n) for n in ("gpsd", "kismet", "wigle", "mavgps")} == {"stopped"}
    down = order.read_text().split("\n")[4:-1]
    assert down[-1] == "down gpsd" and down.index("down wigle") < down.index("down kismet") and len(down) == 4


def test_a_dependency_that_fails_fails_its_dependents_by_name(kit):
    k = kit({"a": ["/nowhere/a"], "b": {"command": REST, "requires": ["a"]}, "c": {"command": REST, "requires": ["b"]}})
    r = k.start("c", expect=424)
    assert r["error"] == "DEPENDENCY_NOT_RUNNING" and "needs" in r["message"]
    assert [k.state(n) for n in "abc"] == ["failed"] * 3 and "a" in k.get("b")["reason"]


def test_a_dependency_that_may_not_be_started_is_named(kit):
    k = kit({"a": {"command": REST, "on_demand": False}, "b": {"command": REST, "requires": ["a"]}})
    r = k.start("b", expect=424)
    assert r["error"] == "DEPENDENCY_NOT_RUNNING" and r["details"] == {"dependency": "a"} and k.state("b") == "stopped"
    k.start("a")
    assert k.start("b")["state"] == "ready"


def test_conflicts_name_the_holder(kit):
    k = kit({"a": {"command": REST, "conflicts": ["b"]}, "b": REST, "c": {"command": REST, "requires": ["b"]}})
    pid = k.start("a")["pid"]
    for name in ("b", "c"):
        r = k.start(name, expect=409)
        assert r["error"] == "CONFLICT" and f"PID {pid}" in r["message"] and r["details"] == {"holder": "a"}
    k.stop("a")
    k.start("c")
    assert k.start("a", expect=409)["details"] == {"holder": "b"}


def test_groups_start_and_stop_whole(kit):
    k = kit({"a": REST, "b": {"command": REST, "requires": ["a"]}, "c": REST}, {"both": ["a", "b", "c"], "a": ["a", "c"]})
    g = k.start("both")
    assert g["group"] and g["state"] == "ready" and [e["state"] for e in g["processes"]] == ["ready"] * 3
    assert k.start("both", expect=409)["error"] == "ALREADY_RUNNING"
    k.stop("c")
    assert k.start("both")["state"] == "ready"  # what is left of it
    assert k.stop("both")["state"] == "stopped" and k.alive() == []
    assert k.daemon.call("procs.start", {"group": "a"})["name"] == "a"
    assert [k.state(n) for n in "abc"] == ["ready", "stopped", "ready"]
    assert k.daemon.call("procs.start", {"name": "a", "group": "a"}, expect=400)["error"]


def test_two_starts_at_once_never_make_two_processes(kit):
    k = kit({"a": {"command": [nasty(), "touch", "300", "{f}"], "ready": {"file": "/tmp/none", "timeout": "10s"}}}, start=False)
    path = k.folder / "go"
    k.configure({"a": {"command": [nasty(), "touch", "300", str(path)], "ready": {"file": str(path), "timeout": "20s"}}})
    k.daemon.start()
    results = []
    threads = [threading.Thread(target=lambda: results.append(k.daemon.post("procs/a/start", timeout=60))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60 * SLOW)
    codes = sorted(r.status for r in results)
    assert codes == [200] + [409] * 7
    assert {r.json()["error"] for r in results if r.status == 409} <= {"START_IN_PROGRESS", "ALREADY_RUNNING"}
    assert len(k.alive()) == 1


@pytest.mark.parametrize("tree", [("fork", "100"), ("deep", "10"), ("deaf",), ("stop-self",), ("daemon-closed",), ("thread",), ("rename",), ("close-out",), ("bomb", "60"), ("chains", "20"), ("pair",)], ids=lambda t: t[0])
def test_stop_leaves_nothing_of_the_tree(kit, tree):
    k = kit({"a": {"command": [nasty(), *tree], "stop_timeout": "200ms"}})
    k.start("a")
    if tree[0] in ("fork", "deep", "deaf", "thread"):
        wait_until(lambda: k.log("a"), 20)
    s = k.stop("a")
    assert s["state"] == "stopped" and k.alive() == []
    if tree[0] in ("deep", "deaf", "bomb"):
        assert s["stopped"]["method"] == "force" and s["stopped"]["killed"]


def test_force_kills_at_once(kit):
    k = kit({"a": {"command": [nasty(), "deaf"], "stop_timeout": "10m"}, "b": {"command": [nasty(), "deaf"], "requires": ["a"], "stop_timeout": "10m"}})
    k.start("b")
    s = k.stop("a", force=True)
    assert s["stopped"]["method"] == "force" and k.alive() == []


def test_restart_gives_a_new_process_and_brings_dependents_back(kit):
    k = kit({"a": REST, "b": {"command": REST, "requires": ["a"]}})
    k.start("b")
    old = {n: k.get(n)["pid"] for n in "ab"}
    assert k.restart("a")["state"] == "ready"
    k.wait_state("b", "ready")
    assert all(k.get(n)["pid"] != old[n] for n in "ab") and len(k.alive()) == 2
    k.stop("a")
    assert k.restart("b")["state"] == "ready"  # of a stopped one: a start


def test_crossing_requests_end_in_one_state(kit):
    k = kit({"a": {"command": [nasty(), "deaf"], "stop_timeout": "300ms"}})
    for first, second, states in (("stop", "start", {"ready"}), ("restart", "stop", {"stopped"}), ("stop", "restart", {"ready"}), ("restart", "restart", {"ready"})):
        if k.state("a") == "stopped":
            k.start("a")
        results = {}
        threads = [threading.Thread(target=lambda w=w, i=i: results.setdefault(i, k.daemon.post(f"procs/a/{w}", timeout=60))) for i, w in enumerate((first, second))]
        threads[0].start()
        wait_until(lambda: k.state("a") == "stopping", 10)
        threads[1].start()
        for t in threads:
            t.join(60 * SLOW)
        assert k.wait_state("a", *states), (first, second)
        assert len(k.alive()) == (1 if "ready" in states else 0), (first, second)
        assert results[1].status == 200, (first, second, results)


def test_a_stop_ends_a_start_under_way(kit):
    k = kit({"a": {"command": REST, "ready": {"file": "/nowhere/ready", "timeout": "60s"}}, "b": {"command": REST, "requires": ["a"]}})
    got = []
    t = threading.Thread(target=lambda: got.append(k.daemon.post("procs/b/start", timeout=60)))
    t.start()
    k.wait_state("a", "running")
    k.stop("a")
    t.join(60 * SLOW)
    assert got[0].status in (409, 424) and [k.state(n) for n in "ab"] == ["stopped", "stopped"] and k.alive() == []


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


# ---- logs ---------------------------------------------------------------------------------------------------------------


def test_logs_are_read_and_followed(kit):
    k = kit({"a": ["/bin/sh", "-c", "echo one; echo two >&2; while read x; do :; done < /dev/zero & while [ ! -e $0 ]; do sleep 0.02; done; echo three; exec sleep 60", "/nowhere/go"]}, start=False)
    go = k.folder / "go"
    k.configure({"a": ["/bin/sh", "-c", "echo one; echo two >&2; while [ ! -e $0 ]; do sleep 0.02; done; i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; exec sleep 60", str(go)]})
    k.daemon.start()
    k.start("a")
    wait_until(lambda: sorted(k.log("a")) == [("stderr", "two"), ("stdout", "one")], 10)
    assert len(k.log("a", lines=1)) == 1
    with k.daemon_stream("procs/a/log?lines=1&follow=1") as stream:
        assert stream.next().topic == "line"
        go.touch()
        got = [stream.next().value["text"] for _ in range(500)]
    assert got == [f"line {i}" for i in range(500)]
    assert k.daemon.call("procs.tail", {"name": "a", "lines": 2})["lines"][1]["text"] == "line 499"
    assert k.daemon.get("procs/b/log").status == 404


def test_a_log_is_followed_over_rotations_and_survives_binary(kit):
    k = kit({"a": {"command": ["/bin/sh", "-c", "i=0; while [ $i -lt 3000 ]; do printf 'line %d \\377\\000 %0100d\\n' $i 0; i=$((i+1)); done; exec sleep 60"], "log_size": 65536, "log_files": 20}})
    k.start("a")
    wait_until(lambda: k.log("a", 1) and k.log("a", 1)[0][1].startswith("line 2999 "), 30)
    lines = k.log("a", 10000)
    assert [int(text.split()[1]) for _, text in lines] == list(range(3000))
    assert "\ufffd" in lines[0][1]
    assert len(list(k.logs.glob("a.log*"))) > 3


def test_a_flood_stops_nothing(kit):
    k = kit({"flood": {"command": ["/bin/cat", "/dev/zero"], "log_size": 1000000, "log_files": 1, "stop_timeout": "200ms"}, "a": REST})
    k.start("flood")
    k.start("a")
    with k.daemon_stream("procs/flood/log?follow=1&lines=0") as stream:
        stream.next()
        for _ in range(20):
            k.get()
    k.stop("flood")
    assert sum(p.stat().st_size for p in k.logs.glob("flood.log*")) <= 2100000


# ---- identity -----------------------------------------------------------------------------------------------------------


HOSTILE = ["", "\n\n", "0\n", "-1\n", "1\n", "{own}\n", "{stranger}\n", "9" * 200, "x" * 3000000, "\0\xff garbage"]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_no_content_of_a_pid_file_is_believed(kit, tmp_path, content):
    with subprocess.Popen([nasty(), "rest"]) as stranger:
        k = kit({"a": {"command": REST, "pid_files": [str(tmp_path / "a.pid")]}}, start=False)
        k.pids.mkdir()
        text = content.format(own=os.getpid(), stranger=stranger.pid)
        for path in (k.pids / "a.pid", tmp_path / "a.pid"):
            path.write_text(text)
        k.daemon.start()
        assert k.state("a") == "stopped"
        assert k.stop("a", expect=404)["error"] == "NOT_RUNNING"
        e = k.start("a")
        assert (tmp_path / "a.pid").read_text() == f"{e['pid']}\n" and k.pid_file("a") == [e["pid"]]
        k.stop("a")
        assert not (tmp_path / "a.pid").exists() and k.pid_file("a") is None
        assert stranger.poll() is None
        stranger.kill()


def test_a_link_in_place_of_a_pid_file_is_replaced_not_followed(kit, tmp_path):
    target = tmp_path / "passwd"
    target.write_text("precious\n")
    k = kit({"a": {"command": REST, "pid_files": [str(tmp_path / "a.pid")]}}, start=False)
    k.pids.mkdir()
    for path in (k.pids / "a.pid", tmp_path / "a.pid"):
        path.symlink_to(target)
    k.daemon.start()
    pid = k.start("a")["pid"]
    assert target.read_text() == "precious\n" and not (tmp_path / "a.pid").is_symlink() and k.pid_file("a") == [pid]
    k.stop("a")
    assert target.read_text() == "precious\n"


def test_processes_that_name_the_same_pid_file_have_a_line_each(kit, tmp_path):
    path = tmp_path / "all.pids"
    k = kit({n: {"command": REST, "pid_files": [str(path)]} for n in "abc"}, {"all": ["a", "b", "c"]})
    k.start("all")
    assert sorted(int(n) for n in path.read_text().split()) == sorted(k.alive())
    k.stop("b")
    assert len(path.read_text().split()) == 2
    k.stop("all")
    assert not path.exists()


def test_a_pid_file_that_cannot_be_written_stops_nothing(kit):
    k = kit({"a": {"command": REST, "pid_files": ["/proc/nowhere/a.pid"]}})
    assert k.start("a")["state"] == "ready"
    assert "PID file not written" in k.daemon.log


# ---- what is shown ------------------------------------------------------------------------------------------------------


def test_topics_tell_states_and_samples_while_somebody_looks(kit):
    k = kit({"a": ["/bin/sh", "-c", "while :; do :; done"], "b": REST}, sample_interval="200ms")
    events = k.daemon.events("procs/*")
    k.start("a")
    assert events.wait_for(lambda e: e.topic == "procs/a" and e.value["state"] == "ready").value["pid"] == k.get("a")["pid"]
    busy = events.wait_for(lambda e: e.topic == "procs/a" and e.value["cpu"] > 10, 20).value
    assert busy["memory"]["rss"] > 100000 and busy["memory"]["vms"] > busy["memory"]["rss"] and busy["count"] == 1
    assert k.daemon.topic("procs/summary")["ready"] == 1
    k.stop("a")
    assert events.wait_for(lambda e: e.topic == "procs/a" and e.value["state"] == "stopped").value["pid"] is None


def test_memory_and_cpu_are_of_the_whole_tree(kit):
    k = kit({"a": [nasty(), "fork", "30"]})
    k.start("a")
    wait_until(lambda: k.log("a"), 10)
    time.sleep(1)  # a sample is fresh for a second
    assert k.get("a")["count"] == 31


def test_signals_by_name(kit):
    k = kit({"a": ["/bin/sh", "-c", "trap 'echo got it' USR1; echo set; while :; do sleep 0.02; done"]})
    assert k.daemon.call("procs.signal", {"name": "a", "signal": "USR1"}, expect=404)["error"] == "NOT_RUNNING"
    k.start("a")
    wait_until(lambda: ("stdout", "set") in k.log("a"), 10)
    assert k.daemon.call("procs.signal", {"name": "a", "signal": "SIGUSR1"})["signal"] == "SIGUSR1"
    wait_until(lambda: ("stdout", "got it") in k.log("a"), 10)
    assert k.daemon.call("procs.signal", {"name": "a", "signal": "SIGNOTHING"}, expect=400)


def test_no_client_adds_environment_or_arguments(kit):
    k = kit({"a": REST})
    assert k.daemon.call("procs.start", {"name": "a", "environment": {"LD_PRELOAD": "x"}}, expect=403)["error"] == "FORBIDDEN"
    assert k.daemon.post("procs/a/start", {"arguments": ["--evil"]}).status == 403
    assert k.state("a") == "stopped"


@pytest.mark.parametrize("processes, words", [
    ({"a": {"command": ["x"], "requires": ["b"]}, "b": {"command": ["x"], "requires": ["c"]}, "c": {"command": ["x"], "requires": ["a"]}}, "a → b → c → a"),
    ({"a": {"command": ["x"], "requires": ["nobody"]}}, "names nobody"),
    ({"a": {"command": ["x"], "unit": "x.service"}}, "one of command, unit and observed"),
    ({"a": {}}, "one of command, unit and observed"),
    ({"a": {"command": ["x"], "stop_signal": "SIGNOT"}}, "no signal"),
    ({"a": {"command": ["x"], "limits": {"what": 3}}}, "no resource limit"),
    ({"a": {"command": ["x"], "ready": {"tcp": "nowhere"}}}, "HOST:PORT"),
    ({"a": {"command": ["x"], "ready": {"tcp": "a:1", "file": "/x"}}}, "tcp and file"),
    ({"a/b": {"command": ["x"]}}, "is no name"),
    ({"a": {"observed": True}}, "observed needs ready"),
])
def test_settings_that_make_no_sense_are_all_named(kit, processes, words):
    k = kit(processes)
    assert words in k.daemon.wait_plugin("procs", "failed")["reason"]
