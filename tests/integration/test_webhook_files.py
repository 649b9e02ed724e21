"""/api/start-script and its kin: script files that the settings allow, as processes of procs; and /list_wigle_files."""
import os
import pathlib

import pytest

from patchbay import wait_until
from procs import nasty
from webhook import ISO, REST, ask, check_error, check_invalid, kit, webhook_settings  # noqa: F401 (kit is a fixture)


@pytest.fixture
def files(kit, tmp_path):
    """A kit whose webhook may run x.sh, y.sh, plain.sh (not executable) and gone.sh (not there), all marked as the kit's."""
    folder = tmp_path / "Scripts"
    folder.mkdir()
    k = kit({}, {}, start=False)

    def script(name, text, mode=0o755):
        (folder / name).write_text(text)
        (folder / name).chmod(mode)

    mark = f"export {k.mark} NASTY_LIFE=120\n"
    script("x.sh", f"#!/bin/sh\n{mark}exec {nasty()} rest\n")
    script("y.sh", f"#!/bin/sh\n{mark}{nasty()} rest &\nwait\n")
    script("bad.sh", "#!/bin/sh\necho it went wrong >&2\nexit 3\n")
    script("plain.sh", "#!/bin/sh\n", 0o644)
    script("secret.sh", f"#!/bin/sh\n{mark}exec {nasty()} rest\n")
    k.extra = webhook_settings(tmp_path, scripts=[str(folder / n) for n in ("x.sh", "y.sh", "bad.sh", "plain.sh", "gone.sh")])
    k.configure({}, {})
    k.scripts = folder
    k.daemon.start()
    return k


def start(k, name, status=200):
    return ask(k.daemon, "POST", "/api/start-script", status, {"scriptName": name}, timeout=60)


def stop(k, status=200, body=None):
    return ask(k.daemon, "POST", "/api/stop-script", status, body, timeout=60)


def status(k):
    return ask(k.daemon, "GET", "/api/script-status", 200)


def test_a_script_runs_as_a_process_of_procs(files):
    k = files
    none = status(k)
    assert none == {"success": True, "isRunning": False, "activeProcess": None, "timestamp": none["timestamp"]}
    r = start(k, "x.sh")
    assert set(r) == {"success", "message", "processId", "scriptPath", "startTime", "timestamp"} and r["success"] is True
    assert r["scriptPath"] == str(k.scripts / "x.sh") and ISO.fullmatch(r["startTime"]) and pathlib.Path(f"/proc/{r['processId']}").exists()
    assert k.get("x.sh")["pid"] == r["processId"] and k.pid_file("x.sh") == [r["processId"]]
    s = status(k)
    assert (s["isRunning"], s["activeProcess"]) == (True, {"pid": r["processId"]})
    e = start(k, "x.sh", 409)
    check_error(e, "ALREADY_RUNNING")
    assert e["details"] == f"PID: {r['processId']}"
    assert stop(k)["success"] is True and k.alive() == []
    assert status(k)["isRunning"] is False and status(k)["activeProcess"] is None
    check_error(stop(k, 404), "NOT_RUNNING")
    assert start(k, "x.sh")["processId"] != r["processId"]  # and again
    stop(k, body={"scriptName": "x.sh"})


def test_the_whole_tree_goes_and_others_stay(files):
    k = files
    start(k, "y.sh")
    x = start(k, "x.sh")["processId"]
    assert len(k.alive()) >= 2
    stop(k, body={"scriptName": "y.sh"})
    assert k.alive() == [x]
    check_error(stop(k, 404, {"scriptName": "y.sh"}), "NOT_RUNNING")
    start(k, "y.sh")
    stop(k)
    assert k.alive() == []


@pytest.mark.parametrize("name", ["secret.sh", "../Scripts/x.sh", "/bin/sh", "x.sh; reboot", "x.sh\n", "X.SH", "."])
def test_what_is_not_on_the_list_is_forbidden(files, name):
    check_error(start(files, name, 403), "FORBIDDEN")
    assert files.alive() == [] and files.get()["processes"] == []


def test_refusals(files):
    k = files
    check_error(start(k, "gone.sh", 404), "NOT_FOUND", "No such file")
    check_error(start(k, "plain.sh", 404), "NOT_FOUND", "not executable")
    check_error(start(k, "bad.sh", 500), "EXECUTION_FAILED", "it went wrong")
    check_invalid(ask(k.daemon, "POST", "/api/start-script", 400, {}), "scriptName")
    check_invalid(ask(k.daemon, "POST", "/api/start-script", 400, {"scriptName": ""}), "scriptName")
    check_error(ask(k.daemon, "POST", "call/procs.run", 403, {"name": "evil", "command": ["/bin/sh"]}), "FORBIDDEN")


def test_a_script_outlives_the_daemon(files):
    k = files
    pid = start(k, "x.sh")["processId"]
    k.daemon.kill()
    assert k.alive() == [pid]
    k.daemon.start()
    wait_until(lambda: status(k)["activeProcess"] == {"pid": pid}, 15, "it is known again")
    assert stop(k)["success"] and k.alive() == []
    k.daemon.restart()
    assert status(k)["isRunning"] is False


def test_it_goes_with_an_orderly_stop(files):
    k = files
    start(k, "y.sh")
    k.daemon.stop()
    assert k.alive() == []
    k.daemon.start()


def test_a_reload_of_procs_keeps_it(files):
    k = files
    pid = start(k, "x.sh")["processId"]
    assert k.daemon.post("plugins/procs/reload").status == 200
    wait_until(lambda: status(k)["activeProcess"] == {"pid": pid}, 15, "it is known again")
    stop(k)


def test_without_procs_the_replies_name_it(patchbayd, tmp_path):
    script = tmp_path / "x.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    d = patchbayd(plugins=["webhook"], settings=webhook_settings(tmp_path, scripts=[str(script)]))
    for method, path, body in ("POST", "/api/start-script", {"scriptName": "x.sh"}), ("POST", "/api/stop-script", {}), ("GET", "/api/script-status", None):
        check_error(ask(d, method, path, 503, body), "SERVICE_UNAVAILABLE", "procs")


# ---- /list_wigle_files --------------------------------------------------------------------------------------------------


def test_wigle_files_are_listed_newest_first(patchbayd, tmp_path):
    logs, more, other = tmp_path / "logs", tmp_path / "more", tmp_path / "other"
    for folder in logs, more, other:
        folder.mkdir()
    for age, name in enumerate(("new.wiglecsv", "older.wiglecsv", "oldest.wiglecsv", "x.csv", "secret.txt")):
        (logs / name).write_text("")
        os.utime(logs / name, (1_700_000_000 - age, 1_700_000_000 - age))
    (logs / "folder.wiglecsv").mkdir()
    d = patchbayd(plugins=["webhook"], settings=webhook_settings(tmp_path, wigle_directories=[str(logs), str(more), str(tmp_path / "gone")]))
    r = ask(d, "GET", "/list_wigle_files", 200)
    assert r == {"files": ["new.wiglecsv", "older.wiglecsv", "oldest.wiglecsv"], "directory": str(logs), "count": 3, "timestamp": r["timestamp"]}
    assert ask(d, "GET", f"/list_wigle_files?directory={more}/", 200)["files"] == []
    for bad in str(other), "/etc", f"{logs}/../other", "..", "/":
        check_error(ask(d, "GET", f"/list_wigle_files?directory={bad}", 403), "FORBIDDEN")
    check_error(ask(d, "GET", f"/list_wigle_files?directory={tmp_path / 'gone'}", 404), "NOT_FOUND")
