"""The process coordinator with real processes: starts, stops, orders, refusals, requests that cross each other."""
import os
import signal
import threading

import pytest

from patchbay import SLOW, wait_until
from procs import nasty

REST = [nasty(), "rest"]


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


def is_deaf(pid):
    ignored = next(line.split()[1] for line in open(f"/proc/{pid}/status") if line.startswith("SigIgn"))
    return int(ignored, 16) >> (signal.SIGTERM - 1) & 1


def test_crossing_requests_end_in_one_state(kit):
    k = kit({"a": {"command": [nasty(), "deaf"], "stop_timeout": "300ms"}})
    for first, second, states in (("stop", "start", {"ready"}), ("restart", "stop", {"stopped"}), ("stop", "restart", {"ready"}), ("restart", "restart", {"ready"})):
        if k.state("a") == "stopped":
            k.start("a")
        wait_until(lambda: is_deaf(k.get("a")["pid"]), 10)
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
