"""run-script, stop-script and script-status of the contract, and their flat kin, with real processes."""
import pathlib
import threading

import pytest

from patchbay import wait_until
from procs import nasty
from webhook import CHAIN, GROUPS, ISO, REST, ask, check_error, check_invalid, kit, webhook_settings  # noqa: F401 (kit is a fixture)


def run(k, script, status=200, prefix="/api/webhook", **options):
    return ask(k.daemon, "POST", f"{prefix}/run-script", status, {"script": script, **({"options": options} if options else {})}, timeout=60)


def stop(k, script, status=200, **more):
    return ask(k.daemon, "POST", "stop-script", status, {"script": script, **more}, timeout=60)


def status_of(k, script):
    return ask(k.daemon, "GET", f"script-status?script={script}", 200)["status"]


def environment(pid):
    return dict(e.split("=", 1) for e in pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in e)


def arguments(pid):
    return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]


@pytest.mark.parametrize("prefix", ["/api/webhook", "/api/webhooks"])
def test_a_script_is_run_shown_and_stopped(kit, prefix):
    k = kit()
    r = run(k, "kismet", prefix=prefix)
    assert r == {"success": True, "message": "Script started successfully", "script": "kismet", "pid": r["pid"], "timestamp": r["timestamp"]}
    k.wait_state("kismet", "ready")
    s = ask(k.daemon, "GET", f"{prefix}/script-status", 200)
    assert set(s) == {"success", "status", "timestamp"} and list(s["status"])[:3] == ["kismet", "gps", "both"]
    one = wait_until(lambda: (x := status_of(k, "kismet"))["memory"]["rss"] > 0 and x, why="the tree has been measured")
    assert one["running"] is True and one["pid"] == k.get("kismet")["pid"] and one["uptime"] >= 0 and ISO.fullmatch(one["startTime"])
    assert set(one["memory"]) == {"rss", "vms", "percentage"} and 0 < one["memory"]["percentage"] < 100 and one["cpu"] >= 0
    assert r["pid"] in (k.get("kismet")["pid"], k.get("gpsd")["pid"])  # gpsd was started first, since kismet requires it
    pid = one["pid"]
    r = stop(k, "kismet")
    assert r == {"success": True, "message": "Script stopped successfully", "script": "kismet", "pid": pid, "method": "graceful", "timestamp": r["timestamp"]}
    gone = status_of(k, "kismet")
    assert {n: gone[n] for n in ("running", "pid", "lastExitCode", "lastSignal")} == {"running": False, "pid": None, "lastExitCode": None, "lastSignal": "SIGTERM"}
    assert ISO.fullmatch(gone["lastRunTime"])
    assert status_of(k, "gps")["running"] is True


def test_the_chain_is_started_in_order_and_stopped_whole(kit):
    k = kit()
    r = run(k, "both")
    assert r["script"] == "both" and r["pid"] == k.get("gpsd")["pid"]
    k.wait_state("wigletotak", "ready")
    assert status_of(k, "both")["running"] and status_of(k, "both")["pid"] == r["pid"]
    assert stop(k, "both")["pid"] == r["pid"]
    assert k.alive() == [] and status_of(k, "both")["running"] is False


def test_what_ended_is_known_after_a_restart(kit):
    k = kit({"kismet": [nasty(), "exit", "3"]}, {"kismet": ["kismet"]})
    fresh = status_of(k, "kismet")
    assert fresh == {"running": False, "pid": None, "lastRunTime": None, "lastExitCode": None, "lastSignal": None}
    assert status_of(k, "gps")["running"] is False and status_of(k, "both")["pid"] is None  # not configured
    e = run(k, "kismet", 500)
    check_error(e, "EXECUTION_FAILED", "exited with status 3")
    before = status_of(k, "kismet")
    assert before["lastExitCode"] == 3 and ISO.fullmatch(before["lastRunTime"])
    k.daemon.restart()
    assert status_of(k, "kismet") == before


def test_refusals(kit, tmp_path):
    (tmp_path / "plain").write_text("no program\n")
    k = kit({"kismet": REST, "gone": ["/nowhere/x"], "plain": [str(tmp_path / "plain")], "needy": {"command": REST, "requires": ["sleeper"]}, "sleeper": {"command": REST, "on_demand": False},
             "talker": ["/bin/sh", "-c", "echo last words >&2; exit 4"]}, {"kismet": ["kismet"], "gone": ["gone"], "plain": ["plain"], "needy": ["needy"], "talker": ["talker"]})
    pid = run(k, "kismet")["pid"]
    e = run(k, "kismet", 409)
    check_error(e, "ALREADY_RUNNING")
    assert e["details"] == f"PID: {pid}"
    check_error(run(k, "gone", 500), "EXECUTION_FAILED", "/nowhere/x")
    check_error(run(k, "plain", 500), "EXECUTION_FAILED", str(tmp_path / "plain"))
    check_error(run(k, "talker", 500), "EXECUTION_FAILED", "last words")
    e = run(k, "needy", 424)
    check_error(e, "DEPENDENCY_NOT_RUNNING", "sleeper")
    check_error(stop(k, "needy", 404), "NOT_RUNNING")
    check_error(stop(k, "gps", 404), "NOT_RUNNING")
    check_invalid(ask(k.daemon, "GET", "script-status?script=nobody", 400), "script")


def test_a_start_under_way_is_not_begun_twice(kit):
    k = kit({"kismet": {"command": REST, "requires": ["slow"]}, "slow": {"command": REST, "ready": {"file": str("/nowhere/at/all"), "timeout": "20s"}}}, {"kismet": ["kismet"]})
    first = run(k, "kismet")
    assert first["pid"] == k.get("slow")["pid"]  # the first process that runs
    check_error(run(k, "kismet", 409), "START_IN_PROGRESS")
    stop(k, "kismet")
    k.stop("slow")


@pytest.mark.parametrize("body, field", [
    ({}, "script"), ({"script": 5}, "script"), ({"script": ""}, "script"), ({"script": "rm -rf /"}, "script"), ({"script": "x" * 65}, "script"), ({"script": "kismet", "options": 5}, "options"),
    ({"script": "kismet", "options": {"interface": 7}}, "options.interface"), ({"script": "kismet", "options": {"interface": "wlan99"}}, "options.interface"),
    ({"script": "kismet", "options": {"interface": "lo; reboot"}}, "options.interface"), ({"script": "kismet", "options": {"config": ""}}, "options.config"),
    ({"script": "kismet", "options": {"config": "missing.conf"}}, "options.config"), ({"script": "kismet", "options": {"config": "../outside.conf"}}, "options.config"),
    ({"script": "kismet", "options": {"config": "/etc/passwd"}}, "options.config"), ({"script": "kismet", "options": {"config": "link.conf"}}, "options.config"),
    ({"script": "kismet", "options": {"config": "."}}, "options.config")])
def test_a_bad_order_is_refused_and_starts_nothing(kit, tmp_path, body, field):
    folder = tmp_path / "conf"
    folder.mkdir()
    (tmp_path / "outside.conf").write_text("")
    (folder / "link.conf").symlink_to("/etc/passwd")
    k = kit({"kismet": REST}, {"kismet": ["kismet"]}, plugins=["netif"], settings=webhook_settings(folder))
    check_invalid(ask(k.daemon, "POST", "run-script", 400, body), field)
    assert k.alive() == [] and k.state("kismet") == "stopped"


@pytest.mark.parametrize("with_netif", [True, False])
def test_options_reach_the_child(kit, tmp_path, with_netif):
    folder = tmp_path / "conf"
    folder.mkdir()
    (folder / "site.conf").write_text("")
    k = kit(settings=webhook_settings(folder), plugins=["netif"] if with_netif else [])
    run(k, "both", interface="lo", config="site.conf")
    k.wait_state("wigletotak", "ready")
    for name in CHAIN:
        e = environment(k.get(name)["pid"])
        assert e["KISMET_INTERFACE"] == e["WIRELESS_INTERFACE"] == "lo"
        assert arguments(k.get(name)["pid"])[2:] == (["--config", str(folder / "site.conf")] if name == "kismet" else [])
    stop(k, "both")
    run(k, "kismet", config=str(folder / "site.conf"))
    pid = k.wait_state("kismet", "ready")["pid"]
    assert arguments(pid)[2:] == ["--config", str(folder / "site.conf")] and "KISMET_INTERFACE" not in environment(pid)
    assert arguments(k.get("gpsd")["pid"])[2:] == []


def test_a_deaf_script_is_killed_after_its_time_or_at_once(kit):
    deaf = [nasty(), "deaf"]
    k = kit({"kismet": {"command": deaf, "stop_timeout": "300ms"}, "gps": {"command": deaf, "stop_timeout": "60s"}}, {"kismet": ["kismet"]})
    run(k, "kismet")
    assert stop(k, "kismet")["method"] == "force"
    run(k, "gps")  # a process that no group has is a script as well
    assert stop(k, "gps", force=True)["method"] == "force"
    assert k.alive() == [] and status_of(k, "gps")["lastSignal"] == "SIGKILL"


def test_without_procs_the_reply_names_the_plugin(patchbayd):
    d = patchbayd(plugins=["webhook"])
    for method, path, body in ("GET", "script-status", None), ("POST", "run-script", {"script": "kismet"}), ("POST", "stop-script", {"script": "kismet"}), ("POST", "run-script", {"script": "kismet", "options": {"interface": "lo"}}):
        check_error(ask(d, method, path, 503, body), "SERVICE_UNAVAILABLE", "procs")
    flat = ask(d, "GET", "/script-status", 200)
    assert flat["running"] is False and "procs" in flat["message"]
    assert ask(d, "POST", "/run-script", 503, {})["status"] == "error"


def test_two_who_start_at_once_get_one_process(kit):
    k = kit()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(k.daemon.post("run-script", {"script": "gps"}, timeout=60))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(r.status for r in answers) == [200] + [409] * 7
    assert {r.json()["error"] for r in answers if r.status == 409} <= {"ALREADY_RUNNING", "START_IN_PROGRESS"}
    assert len(k.alive()) == 1


# ---- flat ---------------------------------------------------------------------------------------------------------------


def flat(k, method, path, status=200, body=None):
    return ask(k.daemon, method, path, status, body, timeout=60)


def test_the_flat_routes_speak_both_generations(kit):
    k = kit()
    assert set(flat(k, "GET", "/script-status")) == {"running", "message", "kismet_running", "kismet_api_responding", "wigle_running", "gps_running", "timestamp"}
    r = flat(k, "POST", "/run-script")  # no body: the whole chain
    assert (r["success"], r["status"], r["script"], r["pid"]) == (True, "success", "both", k.get("gpsd")["pid"]) and r["message"]
    k.wait_state("wigletotak", "ready")
    s = flat(k, "GET", "/script-status")
    assert s["running"] and s["kismet_running"] and s["wigle_running"] and s["gps_running"] and s["kismet_api_responding"] is False
    again = flat(k, "POST", "/run-script", body={"script_name": "gps_kismet_wigle.sh"})
    assert (again["success"], again["status"]) == (True, "success") and "running already" in again["message"] and again["pid"] > 0
    r = flat(k, "POST", "/stop-script")
    assert (r["success"], r["status"], r["script"], r["errors"]) == (True, "success", "both", [])
    assert sorted(r["stopped"]) == sorted(CHAIN) and sorted(x["name"] for x in r["results"]) == sorted(CHAIN)
    r = flat(k, "POST", "/stop-script", body={"script": "kismet"})
    assert (r["success"], r["status"], r["stopped"]) == (True, "warning", [])
    assert flat(k, "GET", "/script-status")["running"] is False


def test_flat_arguments_are_words_and_no_paths(kit):
    k = kit()
    for bad in "../x", "/etc/passwd", "a b", "$(reboot)", "--x=/y", "a\nb", "`id`":
        check_invalid(flat(k, "POST", "/run-script", 400, {"script": "gps", "args": ["-v", bad]}), "args[1]")
    assert k.alive() == []
    flat(k, "POST", "/run-script", body={"script": "gps", "args": ["-v", "--rate=5"]})
    assert arguments(k.get("gpsd")["pid"])[2:] == ["-v", "--rate=5"]
    r = flat(k, "POST", "/run-script", 400, {"script": "nobody"})
    check_invalid(r, "script")


def test_a_flat_stop_that_takes_long_answers_504_and_goes_on(kit, tmp_path):
    k = kit({"kismet": {"command": [nasty(), "deaf"], "stop_timeout": "3s"}}, {"kismet": ["kismet"]}, settings=webhook_settings(tmp_path, stop_patience="200ms"))
    flat(k, "POST", "/run-script", body={"script": "kismet"})
    r = flat(k, "POST", "/stop-script", 504, {"script": "kismet"})
    assert r["success"] is False and r["status"] == "error"
    k.wait_state("kismet", "stopped")
    assert k.alive() == []


def test_a_flat_start_that_fails_says_why_in_both_generations(kit):
    k = kit({"kismet": [nasty(), "exit", "3"]}, {"kismet": ["kismet"]})
    r = flat(k, "POST", "/run-script", 500, {"script": "kismet"})
    assert (r["success"], r["status"], r["error"]) == (False, "error", "EXECUTION_FAILED") and "status 3" in r["message"]
