"""The plugin host: plugins dropped in, taken out, replaced, switched, failing, crashing, in the order of their needs."""
import concurrent.futures
import json
import os
import pathlib
import signal
import time

import pytest

from patchbay import SLOW, Daemon, plugin_folder, wait_until

PROBES = plugin_folder().parent / "tests/integration/probe"


def put(d, name, source=None):
    """probe.so in the folder becomes the built file `source`."""
    d.put_plugin(name, PROBES / f"{source or name}.so")


def entry(d, name):
    found = [p for p in d.json("plugins")["plugins"] if p["name"] == name]
    return found[0] if found else None


def wait_state(d, name, state, limit=10):
    return wait_until(lambda: (e := entry(d, name)) and e["state"] == state and e, limit, f"{name} {state}: {entry(d, name)}")


def version(d):
    return d.json("probe")["version"]


@pytest.fixture
def daemon(patchbayd):
    """A daemon with these probes in its folder: daemon("probe-1") or daemon(probe="probe-1")."""

    def make(*files, settings=None, start=True, **named):
        d = patchbayd(plugins=[], settings=settings or {}, start=False)
        for f in files:
            put(d, f)
        for name, f in named.items():
            put(d, name, f)
        return d.start() if start else d

    return make


def test_dropped_in_serves_and_taken_out_is_gone(daemon):
    d = daemon()
    assert d.get("probe").status == 404
    put(d, "probe", "probe-1")
    wait_until(lambda: d.get("probe").status == 200, 5, "the dropped plugin serves")
    e = entry(d, "probe")
    assert e["state"] == "running" and e["version"] == "1.0" and e["scope"]["routes"] == 11 and e["scope"]["methods"] == 3
    d.remove_plugin("probe")
    wait_until(lambda: d.get("probe").status == 404, 5, "its routes are gone")
    wait_until(lambda: entry(d, "probe") is None, 5, "its entry is gone")
    assert not any("probe" in line for line in pathlib.Path(f"/proc/{d.pid}/maps").read_text().splitlines()), "its code is unmapped"


def test_requests_in_flight_get_503_when_their_plugin_is_taken_out(daemon):
    d = daemon(probe="probe-1", settings={"plugins": {"probe": {"delay": "10s"}}})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        slow = pool.submit(d.get, "probe/slow")
        time.sleep(0.2)
        d.remove_plugin("probe")
        r = slow.result(20 * SLOW)
    assert r.status == 503 and r.json()["success"] is False


def test_replaced_in_place_no_request_is_lost(daemon):
    d = daemon(probe="probe-1", settings={"plugins": {"probe": {"delay": "300ms"}}})
    results = []

    def ask(n):
        out = []
        for _ in range(40):
            r = d.get("probe/slow" if n % 2 else "probe")
            out.append((r.status, r.json().get("version")))
        return out

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        askers = [pool.submit(ask, n) for n in (0, 1, 2, 3)]
        time.sleep(0.3)
        for n in range(6):
            put(d, "probe", "probe-2" if n % 2 == 0 else "probe-1")
            time.sleep(0.4)
        put(d, "probe", "probe-2")
        for a in askers:
            results += a.result(120 * SLOW)
    assert {s for s, _ in results} == {200}
    assert {v for _, v in results} == {"1.0", "2.0"}
    wait_until(lambda: version(d) == "2.0", 5)
    wait_until(lambda: sum("/probe-" in line and "r-xp" in line for line in pathlib.Path(f"/proc/{d.pid}/maps").read_text().splitlines()) == 1, 10, "one instance is left")


def test_replaced_by_one_that_does_not_start_the_old_goes_on(daemon):
    d = daemon(probe="probe-1")
    put(d, "probe", "probe-throws")
    e = wait_until(lambda: (e := entry(d, "probe")).get("reason") and e, 5)
    assert e["state"] == "running" and "it never starts" in e["reason"] and "goes on" in e["reason"]
    assert version(d) == "1.0"
    (d.plugins / "probe.so").write_bytes(b"not a plugin")
    wait_until(lambda: "shared object" in entry(d, "probe")["reason"], 5)
    assert version(d) == "1.0"
    put(d, "probe", "probe-2")
    wait_until(lambda: version(d) == "2.0", 5)
    assert "reason" not in entry(d, "probe")


def test_exclusive_plugins_change_places(daemon):
    d = daemon(probe="probe-exclusive-1")
    put(d, "probe", "probe-exclusive-2")
    wait_until(lambda: version(d) == "2.0", 5)
    put(d, "probe", "probe-exclusive-throws")
    e = wait_until(lambda: (e := entry(d, "probe")).get("reason") and e, 5)
    assert e["state"] == "running" and "goes on" in e["reason"]
    assert version(d) == "2.0"


def test_written_over_in_place_while_it_runs(daemon):
    d = daemon(probe="probe-1")
    with open(d.plugins / "probe.so", "r+b") as f:  # as `cp` does: same inode
        f.truncate(0)
        f.write((PROBES / "probe-2.so").read_bytes())
    wait_until(lambda: version(d) == "2.0", 5)


def test_half_copied_is_not_loaded(daemon):
    d = daemon()
    whole = (PROBES / "probe-1.so").read_bytes()
    with open(d.plugins / "probe.so", "wb") as f:
        f.write(whole[: len(whole) // 2])
        f.flush()
        time.sleep(0.5)
        assert entry(d, "probe") is None
        f.write(whole[len(whole) // 2:])
    wait_until(lambda: d.get("probe").status == 200, 5)


def test_replaced_100_times_a_second(daemon):
    d = daemon(probe="probe-1")
    end = time.monotonic() + 2
    n = 0
    while time.monotonic() < end:
        put(d, "probe", f"probe-{n % 2 + 1}")
        n += 1
        assert d.get("probe").status == 200
        time.sleep(0.005)
    put(d, "probe", "probe-2")
    wait_until(lambda: version(d) == "2.0", 10)
    assert n > 50


def test_what_is_no_plugin_is_failed_with_a_reason_and_the_rest_runs(daemon, tmp_path):
    marker = tmp_path / "constructor-ran"
    d = daemon("constructor", "no-plugin", "probe-1", start=False)
    d.env["PROBE_CONSTRUCTOR"] = str(marker)
    (d.plugins / "text.so").write_text("hello")
    (d.plugins / "empty.so").write_bytes(b"")
    (d.plugins / "folder.so").mkdir()
    os.mkfifo(d.plugins / "fifo.so")
    foreign = bytearray((PROBES / "probe-1.so").read_bytes())
    foreign[18] = 0xF3  # e_machine: RISC-V
    (d.plugins / "foreign.so").write_bytes(foreign)
    (d.plugins / "cut.so").write_bytes(bytes(foreign[:3000]))
    put(d, "twice", "probe-2")
    (d.plugins / "open.so").write_bytes((PROBES / "base.so").read_bytes())
    (d.plugins / "open.so").chmod(0o666)
    d.start()
    states = {p["name"]: p for p in d.json("plugins")["plugins"]}
    for name, why in {"constructor": "ABI", "no-plugin": "not a Patchbay plugin", "text": "ELF", "empty": "empty", "folder": "regular", "fifo": "regular",
                      "foreign": "architecture", "twice": "there already", "open": "everybody"}.items():
        assert states[name]["state"] == "failed", states[name]
        assert why in states[name]["reason"], states[name]
    assert states["cut"]["state"] == "failed"
    assert states["probe"]["state"] == "running"
    assert not marker.exists(), "code of a foreign ABI has run"
    (d.plugins / "open.so").chmod(0o644)  # mended
    wait_state(d, "base", "running")


def test_a_folder_that_everybody_can_write_to_is_not_used(daemon):
    d = daemon(start=False)
    d.plugins.chmod(0o777)
    put(d, "probe", "probe-1")
    d.start()
    assert d.get("probe").status == 404
    assert "everybody" in d.log


def test_needs_order_starts_stops_and_waiting(daemon):
    d = daemon("top", "middle", "base")
    for name in ("base", "middle", "top"):
        assert wait_state(d, name, "running")
    starts = [line for line in d.stderr if "plugin runs" in line]
    assert [n for line in starts for n in ("base", "middle", "top") if f'name="{n}"' in line] == ["base", "middle", "top"]
    d.post("plugins/base/disable")
    assert entry(d, "base")["state"] == "disabled"
    assert "base" in wait_state(d, "middle", "waiting")["reason"]
    assert "middle" in wait_state(d, "top", "waiting")["reason"]
    stops = [line for line in d.stderr if "plugin has stopped" in line]
    assert [n for line in stops for n in ("base", "middle", "top") if f'name="{n}"' in line] == ["top", "middle", "base"]
    d.post("plugins/base/enable")
    wait_state(d, "top", "running")


def test_a_missing_need_is_waited_for(daemon):
    d = daemon("middle")
    assert "base" in wait_state(d, "middle", "waiting")["reason"]
    put(d, "base")
    wait_state(d, "middle", "running")


def test_a_cycle_of_needs_is_printed(daemon):
    d = daemon("ring-a", "ring-b", "base")
    assert "ring-a → ring-b → ring-a" in wait_state(d, "ring-a", "failed")["reason"] or "ring-b → ring-a → ring-b" in entry(d, "ring-a")["reason"]
    wait_state(d, "ring-b", "failed")
    wait_state(d, "base", "running")


def test_disabled_by_configuration_enabled_by_hand_until_its_line_changes(daemon):
    d = daemon(probe="probe-1", settings={"plugins": {"probe": {"enabled": False}}})
    assert d.get("probe").status == 404
    assert entry(d, "probe")["state"] == "disabled"
    r = d.post("plugins/probe/enable")
    assert r.status == 200 and r.json()["state"] == "running" and r.json()["by_hand"] is True
    assert d.get("probe").status == 200
    d.restart()
    assert entry(d, "probe")["state"] == "running" and entry(d, "probe")["by_hand"] is True
    r = d.post("plugins/probe/disable")
    assert r.json()["state"] == "disabled" and d.get("probe").status == 404
    d.restart()
    assert entry(d, "probe")["state"] == "disabled" and "by hand" in entry(d, "probe")["reason"]
    d.write({"plugins": {"probe": {"enabled": True}}})  # its line changes
    wait_state(d, "probe", "running")
    assert entry(d, "probe")["by_hand"] is False
    assert d.post("plugins/nothing/enable").status == 404


def test_a_watched_change_applies_what_changed_and_a_bad_one_nothing(daemon):
    d = daemon("base", probe="probe-1", settings={"plugins": {"probe": {"greeting": "one"}}})
    assert d.json("probe")["greeting"] == "one"
    d.write({"plugins": {"probe": {"greeting": "two"}}})
    wait_until(lambda: d.json("probe")["greeting"] == "two", 5)
    assert sum("plugin runs" in line for line in d.stderr) == 2, "nothing was stopped"
    d.write({"plugins": {"probe": {"greeting": "far too long for a greeting"}}})
    c = wait_until(lambda: (c := d.json("plugins")["config"])["ok"] is False and c, 5)
    assert "greeting" in c["error"] and "patchbay.toml:" in c["error"]
    assert d.json("probe")["greeting"] == "two"
    d.write({"plugins": {"probe": {"greting": "x"}}})
    wait_until(lambda: "greeting" in d.json("plugins")["config"]["error"] and "greting" in d.json("plugins")["config"]["error"], 5)
    d.write({"plugins": {"probe": {"greeting": "three", "refuse": True}}})
    wait_until(lambda: "refused" in entry(d, "probe").get("reason", ""), 5)
    assert d.json("probe")["greeting"] == "two" and entry(d, "probe")["state"] == "running"
    d.write({"plugins": {"probe": {"greeting": "four"}}})
    d.signal(signal.SIGHUP)
    wait_until(lambda: d.json("probe")["greeting"] == "four", 5)
    assert d.json("plugins")["config"]["ok"] is True


def test_wrong_settings_at_the_start_end_it_with_2_and_all_problems(daemon):
    d = daemon("base", probe="probe-1", start=False, settings={"plugins": {"probe": {"greeting": 5, "delay": "1h"}, "base": {"loud": 1}}})
    d.start(is_ready=False)
    assert d.wait_exit() == 2
    for part in ("greeting", "delay", "loud", "load"):
        assert part in d.log
    d.process = None


def test_reload_by_route(daemon):
    d = daemon(probe="probe-1")
    r = d.post("plugins/probe/reload")
    assert r.status == 200 and r.json()["state"] == "running"
    wait_until(lambda: sum("upgraded" in line for line in d.stderr) == 1, 5)


def test_a_handler_that_throws_fails_its_request(daemon):
    d = daemon(probe="probe-1")
    r = d.get("probe/throw")
    assert r.status == 500 and "thrown by the probe" in r.json()["message"]
    assert d.get("probe").status == 200


def test_methods_over_http(daemon):
    d = daemon(probe="probe-1")
    assert d.post("call/probe.echo", {"text": "x"}).json() == {"result": {"text": "x"}}
    assert d.post("probe/echo", {"text": "x"}).json() == {"text": "x"}
    assert d.post("call/probe.work", {"text": "x"}).json() == {"result": {"text": "x from a worker"}}
    r = d.post("call/probe.echo", {"text": "x", "txt": 1})
    assert r.status == 400 and r.json()["error"]["code"] == "VALIDATION_ERROR" and r.json()["error"]["details"][0]["field"] == "txt"
    assert d.post("call/probe.echo", {}).status == 400
    assert d.post("call/probe.ecko", {}).status == 404
    assert "probe.echo" in d.post("call/probe.ecko", {}).json()["message"]
    m = {m["name"]: m for m in d.json("methods")["methods"]}["probe.echo"]
    assert m["plugin"] == "probe" and m["parameters"][0]["name"] == "text" and m["parameters"][0]["required"] is True and m["role"] == "operator"


def test_topics_over_http(daemon):
    d = daemon(probe="probe-1")
    t = d.json("topics/probe/value")
    assert t["value"] == {"greeting": "hello", "version": "1.0"} and t["seq"] > 0
    assert d.get("topics/probe/nothing").status == 404
    names = {x["name"]: x for x in d.json("topics")["topics"]}
    assert names["probe/value"]["plugin"] == "probe" and "core/plugins" in names
    before = t["seq"]
    d.restart()
    assert d.json("topics/probe/value")["seq"] > before, "the sequence grows over restarts"


def test_a_request_that_nobody_answers_gets_504(daemon):
    d = daemon(probe="probe-1")
    assert d.get("probe/never").status == 504
    wait_until(lambda: d.json("probe/gone")["cancelled"] == 1, 5)


def test_a_client_that_leaves_is_told_of(daemon):
    d = daemon(probe="probe-1", settings={"plugins": {"probe": {"delay": "5s"}}})
    s = d.raw()
    s.sendall(b"GET /api/webhook/probe/slow HTTP/1.1\r\nHost: localhost\r\n\r\n")
    time.sleep(0.2)
    s.close()
    wait_until(lambda: d.json("probe/gone")["cancelled"] == 1, 5)
    s = d.raw()
    s.sendall(b"GET /api/webhook/probe/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200" in s.recv(200)
    s.close()
    wait_until(lambda: d.json("probe/gone")["closed"] == 1, 5)


def test_time_is_charged_to_the_plugin_and_a_hold_is_named(daemon):
    d = daemon(probe="probe-1")
    assert d.post("probe/hold").json() == {"held": True}
    line = wait_until(lambda: [x for x in d.stderr if "held the loop" in x], 5)[0]
    assert 'of="probe"' in line
    metrics = d.get("/metrics").text
    assert 'patchbay_slow_callbacks_total{plugin="probe"} 1' in metrics
    assert entry(d, "probe")["cpu_ms"] >= 50


def test_a_plugin_that_crashes_the_daemon_three_times_is_left_off(daemon):
    d = daemon("base", probe="probe-1")
    for _ in range(3):
        with pytest.raises(Exception):
            d.post("probe/crash", timeout=10)
        d.wait_exit()
        assert d.exit_code not in (0, None)
        assert "crashed" in d.log and "probe" in d.log
        d.process = None
        d.start()
    e = entry(d, "probe")
    assert e["state"] == "failed" and "3 crashes" in e["reason"]
    assert d.get("probe").status == 404 and entry(d, "base")["state"] == "running"
    d.restart()
    assert entry(d, "probe")["state"] == "failed"
    assert d.post("plugins/probe/enable").json()["state"] == "running"
    assert d.get("probe").status == 200
    d.restart()
    assert entry(d, "probe")["state"] == "running"


def test_a_callback_that_never_returns_ends_the_daemon_and_is_named(daemon):
    d = daemon(probe="probe-1")
    with pytest.raises(Exception):
        d.post("probe/hang", timeout=30)
    d.wait_exit()
    assert d.exit_code not in (0, None)
    assert "held for more than 10 s by probe" in d.log
    assert "probe-" in d.log, "the backtrace names its file"
    d.process = None


def test_cycles_of_load_use_and_unload_leave_nothing(daemon):
    rounds = int(os.environ.get("PATCHBAY_CYCLES", "1000"))
    d = daemon(probe="probe-1")

    def one():
        assert d.post("plugins/probe/enable").json()["state"] == "running"
        assert d.get("probe").status == 200
        assert d.post("call/probe.work", {"text": "x"}).status == 200
        with d.events("probe/*") as s:
            s.next()
        assert d.post("plugins/probe/disable").json()["state"] == "disabled"

    def figures():
        rss = int(next(line for line in pathlib.Path(f"/proc/{d.pid}/status").read_text().splitlines() if line.startswith("VmRSS")).split()[1])
        return rss, len(os.listdir(f"/proc/{d.pid}/fd")), len(pathlib.Path(f"/proc/{d.pid}/maps").read_text().splitlines())

    for _ in range(20):
        one()
    time.sleep(0.3)
    rss, fds, maps = figures()
    for _ in range(rounds):
        one()
    time.sleep(0.3)
    rss2, fds2, maps2 = figures()
    assert fds2 <= fds + 1 and maps2 <= maps + (3 if SLOW == 1 else 60), (fds, fds2, maps, maps2)
    assert rss2 - rss < 300 + rounds * (100 if SLOW > 1 else 2), f"{rss} → {rss2} KiB in {rounds} rounds"
