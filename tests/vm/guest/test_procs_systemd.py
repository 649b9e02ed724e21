"""Inside, under systemd: units as processes, patchbayd as a unit (delegated cgroup, socket activation, keepers that outlive it), and
a clock that jumps."""
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
from patchbay import ROOT, Daemon, executable, plugin_folder, to_toml, wait_until  # noqa: E402
from procs import nasty, state  # noqa: E402

UNITS = pathlib.Path("/usr/local/lib/systemd/system")  # below /run, so that a unit can be masked
REST = ["/bin/sleep", "6000"]


def systemctl(*arguments, check=True):
    return subprocess.run(["systemctl", *arguments], check=check, timeout=300, capture_output=True, text=True).stdout.strip()


def unit(name, text):
    UNITS.mkdir(parents=True, exist_ok=True)
    (UNITS / name).write_text(text)


# ---- units ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def units():
    unit("pb-rest.service", "[Service]\nExecStart=/bin/sleep 6000\n")
    unit("pb-fails.service", "[Service]\nType=oneshot\nExecStart=/bin/false\n")
    systemctl("daemon-reload")


@pytest.fixture
def daemon(tmp_path, units):
    processes = {"rest": {"unit": "pb-rest.service"}, "fails": {"unit": "pb-fails.service"}, "none": {"unit": "pb-none.service"},
                 "after": {"command": REST, "requires": ["rest"]}}
    d = Daemon(tmp_path / "d", plugins=["procs"], settings={"plugins": {"procs": {"keep_dir": "/run/kit/keep", "pid_dir": "/run/kit/pids", "process": processes}}})
    yield d.start()
    d.stop()
    systemctl("stop", "pb-rest.service")
    print(d.log)


def entry(d, name):
    return d.json(f"procs/{name}")


def post(d, name, what, expect=200):
    r = d.post(f"procs/{name}/{what}", timeout=120)
    assert r.status == expect, r
    return r.json()


def test_units_are_started_and_stopped_over_the_bus(daemon):
    e = post(daemon, "after", "start")
    assert e["state"] == "ready", "with what it requires"
    rest = entry(daemon, "rest")
    assert (rest["state"], rest["kind"], str(rest["pid"])) == ("ready", "unit", systemctl("show", "-P", "MainPID", "pb-rest.service"))
    assert rest["memory"]["rss"] > 0
    s = post(daemon, "rest", "stop")
    assert s["state"] == "stopped" and s["stopped_by"] == "person" and entry(daemon, "after")["state"] == "stopped"
    assert systemctl("is-active", "pb-rest.service", check=False) == "inactive"
    post(daemon, "rest", "start")
    old = entry(daemon, "rest")["pid"]
    assert post(daemon, "rest", "restart")["pid"] != old


def test_what_others_do_to_a_unit_is_seen(daemon):
    systemctl("start", "pb-rest.service")
    e = wait_until(lambda: (e := entry(daemon, "rest"))["state"] == "ready" and e, 30, "it is seen to run")
    os.kill(e["pid"], signal.SIGKILL)
    e = wait_until(lambda: (e := entry(daemon, "rest"))["state"] == "failed" and e, 30, "it is seen to fail")
    assert e["last_exit"]["signal"] == "SIGKILL" and "journalctl -u pb-rest.service" in e["reason"]
    systemctl("start", "pb-rest.service")
    wait_until(lambda: entry(daemon, "rest")["state"] == "ready", 30)
    systemctl("stop", "pb-rest.service")
    e = wait_until(lambda: (e := entry(daemon, "rest"))["state"] == "stopped" and e, 30, "it is seen to stop")
    assert e["stopped_by"] is None, "in others' hands"


def test_units_that_do_not_start_say_why(daemon):
    r = post(daemon, "none", "start", expect=500)
    assert "pb-none.service" in r["message"] and r["error"] == "EXECUTION_FAILED"
    r = post(daemon, "fails", "start", expect=500)
    assert "journalctl -u pb-fails.service" in r["message"]
    systemctl("mask", "--runtime", "pb-rest.service")
    try:
        assert "masked" in post(daemon, "rest", "start", expect=500)["message"]
    finally:
        systemctl("unmask", "--runtime", "pb-rest.service")


# ---- a clock that jumps ----------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_moves_no_uptime_and_no_timer(daemon):
    post(daemon, "after", "start")
    before = entry(daemon, "after")["uptime"]
    subprocess.run(["date", "-s", "+2 days"], check=True, stdout=subprocess.DEVNULL)
    try:
        assert before <= entry(daemon, "after")["uptime"] < before + 300
        s = post(daemon, "after", "stop")
        assert s["stopped"]["took_ms"] < 100_000 and s["state"] == "stopped"
        subprocess.run(["date", "-s", "-4 days"], check=True, stdout=subprocess.DEVNULL)
        assert post(daemon, "after", "start")["state"] == "ready" and 0 <= entry(daemon, "after")["uptime"] < 300
        assert post(daemon, "after", "stop")["state"] == "stopped"
    finally:
        subprocess.run(["date", "-s", "+2 days"], check=True, stdout=subprocess.DEVNULL)


# ---- patchbayd as a unit ---------------------------------------------------------------------------------------------------


class Service:
    """patchbay.service and patchbay.socket as they are installed, but for where the program and its configuration lie."""

    def __init__(self, folder, processes):
        plugins = folder / "plugins"
        plugins.mkdir()
        (plugins / "procs.so").write_bytes((plugin_folder() / "procs.so").read_bytes())
        config = folder / "patchbay.toml"
        config.write_text(to_toml({"http": {"listen": ["127.0.0.1:8092"]}, "plugin_host": {"directories": [str(plugins)]}, "plugins": {"procs": {"process": processes}}}))
        text = (ROOT / "etc/systemd/patchbay.service.in").read_text().replace("@bindir@/patchbayd", str(executable())).replace("@sysconfdir@/patchbay.toml", str(config))
        unit("patchbay.service", text)
        unit("patchbay.socket", (ROOT / "etc/systemd/patchbay.socket.in").read_text())
        subprocess.run(["systemd-tmpfiles", "--create", str(ROOT / "etc/systemd/patchbay.tmpfiles")], check=True, timeout=120)
        systemctl("daemon-reload")

    def request(self, method, path):
        r = subprocess.run(["curl", "-sS", "-m", "120", "-X", method, "-H", "Content-Type: application/json", *(["-d", "{}"] if method == "POST" else []),
                            f"http://127.0.0.1:8092/api/webhook/{path}"], capture_output=True, text=True, timeout=180, check=True)
        return json.loads(r.stdout)

    def get(self, name):
        return self.request("GET", f"procs/{name}")

    def main(self):
        return int(systemctl("show", "-P", "MainPID", "patchbay.service"))

    def wait_ready(self, name):
        return wait_until(lambda: (e := self.get(name))["state"] == "ready" and e, 60, f"{name} is ready")


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    s = Service(tmp_path_factory.mktemp("service"), {"stays": {"command": REST, "on_exit": "leave"}, "goes": {"command": REST},
                                                     "storm": {"command": [nasty(), "bomb", "40"], "environment": {"NASTY_LIFE": "900"}, "stop_timeout": "100ms"},
                                                     "busy": {"command": ["/bin/sh", "-c", "while :; do :; done"]}})
    systemctl("start", "patchbay.socket")
    assert systemctl("is-active", "patchbay.service", check=False) != "active"
    yield s
    systemctl("stop", "patchbay.socket", "patchbay.service", check=False)
    print(subprocess.run(["journalctl", "--no-pager", "-o", "cat", "-u", "patchbay.service"], capture_output=True, text=True, timeout=120).stdout[-8000:])


def test_the_socket_starts_the_daemon_and_keeps_the_port_while_it_restarts(service):
    assert {e["name"] for e in service.request("GET", "procs")["processes"]} == {"stays", "goes", "storm", "busy"}, "by the first request"
    assert systemctl("is-active", "patchbay.service") == "active"
    asked = subprocess.run(["curl", "-sS", "-m", "60", "--unix-socket", "/run/patchbay/http.sock", "http://localhost/health"], capture_output=True, text=True, timeout=120)
    assert asked.returncode == 0, asked.stderr
    old = service.main()
    systemctl("kill", "-s", "SIGKILL", "--kill-whom=main", "patchbay.service")
    assert service.request("GET", "procs")["processes"], "asked while it is down, answered when it is up"
    assert service.main() != old


def cgroups(name):
    return list(pathlib.Path("/sys/fs/cgroup/system.slice/patchbay.service").glob(f"{name}.*"))


def test_the_delegated_cgroup_is_used(service):
    service.request("POST", "procs/busy/start")
    folder = cgroups("busy")[0]
    assert folder.joinpath("cgroup.procs").read_text().split() == [str(service.get("busy")["pid"])]
    wait_until(lambda: service.get("busy")["cpu"] > 5, 60, "its time is counted")
    service.request("POST", "procs/busy/stop")
    service.request("POST", "procs/storm/start")
    wait_until(lambda: len(cgroups("storm")[0].joinpath("cgroup.procs").read_text().split()) > 20, 60, "the storm is under way")
    assert service.request("POST", "procs/storm/stop")["state"] == "stopped"
    assert cgroups("busy") == cgroups("storm") == []


def test_processes_outlive_the_daemons_death_and_restart_as_they_are_told_to(service):
    for name in ("stays", "goes"):
        service.request("POST", f"procs/{name}/start")
    pids = {name: service.get(name)["pid"] for name in ("stays", "goes")}
    systemctl("kill", "-s", "SIGKILL", "--kill-whom=main", "patchbay.service")
    assert {name: service.wait_ready(name)["pid"] for name in pids} == pids, "KillMode=process: nothing dies with the daemon"
    systemctl("restart", "patchbay.service")
    assert service.wait_ready("stays")["pid"] == pids["stays"]
    e = service.get("goes")
    assert (e["state"], e["stopped_by"]) == ("stopped", "daemon") and state(pids["goes"]) in (None, "Z")


def test_a_wanted_stop_ends_what_is_to_end(service):
    service.request("POST", "procs/goes/start")
    pid, stays = service.get("goes")["pid"], service.get("stays")["pid"]
    systemctl("stop", "patchbay.socket", "patchbay.service")
    assert state(pid) in (None, "Z") and state(stays) not in (None, "Z")
    systemctl("start", "patchbay.service")
    assert service.wait_ready("stays")["pid"] == stays
    service.request("POST", "procs/stays/stop")
    assert state(stays) in (None, "Z")
