"""The state file that older tools read: its shape, its truth, how often it is written."""
import json
import os
import pathlib
import signal

from patchbay import wait_until
from procs import nasty
from webhook import REST, kit, webhook_settings  # noqa: F401 (kit is a fixture)


def state_kit(kit, tmp_path, processes, **kw):
    path = tmp_path / "webhook-state.json"
    k = kit(processes, {"kismet": ["kismet"]}, settings=webhook_settings(tmp_path, state_file=str(path)), **kw)
    k.path = path
    return k


def read(k):
    return json.loads(k.path.read_text())


def wait_running(k, name, is_running):
    return wait_until(lambda: (s := read(k))["processes"][name]["running"] is is_running and s, 15, f"{name} is {is_running} in the file")


def lives(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def test_the_shape_and_what_runs(kit, tmp_path):
    k = state_kit(kit, tmp_path, {"kismet": REST, "other": REST}, plugins=["netif", "gpsd", "kismet"])
    s = wait_until(lambda: read(k), 10, "it is written at the start")
    assert set(s) == {"processes", "interfaces", "services", "lastUpdate"} and isinstance(s["lastUpdate"], int)
    assert s["processes"]["kismet"] == {"pid": None, "running": False, "state": "stopped", "lastCheck": s["lastUpdate"]}
    pid = k.start("kismet")["pid"]
    s = wait_running(k, "kismet", True)
    assert s["processes"]["kismet"]["pid"] == pid and s["processes"]["other"]["running"] is False
    wait_until(lambda: read(k)["interfaces"]["lo"] and read(k)["services"]["gpsd"]["running"] is False, 15, "interfaces and services are there")
    assert (k.path.stat().st_mode & 0o777) == 0o644
    assert not [p for p in tmp_path.iterdir() if p.name.startswith("webhook-state") and p != k.path]  # no half one is left
    k.stop("kismet")
    s = wait_running(k, "kismet", False)
    assert s["processes"]["kismet"]["pid"] is None


def test_it_is_written_only_where_something_changed_and_at_most_every_five_seconds(kit, tmp_path):
    k = state_kit(kit, tmp_path, {"kismet": REST})
    wait_until(lambda: read(k), 10)
    written = []
    last = None
    for _ in range(8):
        k.start("kismet")
        k.stop("kismet")
        now = read(k)["lastUpdate"]
        if now != last:
            written.append(now)
            last = now
    k.start("kismet")
    s = wait_running(k, "kismet", True)
    written += [s["lastUpdate"]] if s["lastUpdate"] != last else []
    assert all(b - a >= 4900 for a, b in zip(written, written[1:])), written
    k.stop("kismet")


def test_a_killed_process_is_not_said_to_run(kit, tmp_path):
    k = state_kit(kit, tmp_path, {"kismet": REST})
    pid = k.start("kismet")["pid"]
    wait_running(k, "kismet", True)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: read(k)["processes"]["kismet"]["running"] is False, 15, "the file knows that it is dead")


def test_after_the_daemon_has_stopped_nothing_is_said_to_run(kit, tmp_path):
    k = state_kit(kit, tmp_path, {"kismet": REST, "stays": {"command": REST, "on_exit": "leave"}})
    k.start("kismet")
    stays = k.start("stays")["pid"]
    wait_running(k, "stays", True)
    k.daemon.stop()
    s = read(k)
    assert s["processes"]["kismet"]["running"] is False and s["processes"]["stays"]["running"] is True and lives(stays)
    k.daemon.start()
    k.wait_state("stays", "ready")
    k.stop("stays")


def test_a_place_that_cannot_be_written_is_said_and_does_no_harm(kit, tmp_path):
    k = kit({"kismet": REST}, {"kismet": ["kismet"]}, settings=webhook_settings(tmp_path, state_file="/nowhere/at/all/state.json"))
    wait_until(lambda: "/nowhere/at/all/state.json" in k.daemon.log, 10, "the log says so")
    assert k.daemon.plugin("webhook")["state"] == "running"


def test_a_link_in_its_place_is_not_followed(kit, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine\n")
    (tmp_path / "webhook-state.json").symlink_to(victim)
    k = state_kit(kit, tmp_path, {"kismet": [nasty(), "rest"]})
    wait_until(lambda: "symbolic link" in k.daemon.log, 10, "the log says why it is not written")
    assert victim.read_text() == "mine\n"
