"""The kismet plugin against the stand-in, or a real Kismet where KISMET_URL names one: the link, the devices, the alerts."""
import json
import os
import pathlib
import urllib.parse

import pytest

from patchbay import wait_until
from standin import Namesake, Standin

REAL = os.environ.get("KISMET_URL")


@pytest.fixture
def standin():
    made = []

    def make(*args, **kw):
        made.append(Standin(*args, **kw))
        return made[-1]

    yield make
    for s in made:
        s.kill()


@pytest.fixture
def follow(patchbayd):
    """follow(standin, **settings) → a daemon with the kismet plugin, asking it."""

    def make(where, **settings):
        return patchbayd(plugins=["kismet"], settings={"plugins": {"kismet": where.settings(**settings)}})

    return make


def link(d):
    return d.json("kismet")


def wait_link(d, state, limit=20, **members):
    return wait_until(lambda: (x := link(d))["state"] == state and all(x[k] == v for k, v in members.items()) and x, limit, f"the link is {state} {members or ''}")


def page(d, **query):
    return d.json("kismet/devices?" + urllib.parse.urlencode(query))


def everything(d, **query):
    """All pages."""
    out, cursor = [], None
    while True:
        p = page(d, limit=1000, **query, **({"cursor": cursor} if cursor else {}))
        out += p["devices"]
        cursor = p["next"]
        if not cursor:
            assert len(out) == p["total"]
            return out


def wait_total(d, n, limit=30):
    return wait_until(lambda: page(d, limit=1)["total"] == n, limit, f"{n} devices; there are {page(d, limit=1)['total']}")


def expected(k):
    """D of a device as Kismet has it, by the contract."""
    def get(*path):
        v = k
        for p in path:
            v = v.get(p, 0) if isinstance(v, dict) else 0
        return v

    signal = {n: get("kismet.device.base.signal", f"kismet.common.signal.{n}_signal") or None for n in ("last", "min", "max")}
    last = get("kismet.device.base.location", "kismet.common.location.last")
    location = None
    if isinstance(last, dict) and last["kismet.common.location.fix"] >= 2:
        lon, lat = last["kismet.common.location.geopoint"]
        location = {"lat": lat, "lon": lon, "alt": last["kismet.common.location.alt"] if last["kismet.common.location.fix"] == 3 else None, "accuracy": None}
    return {
        "mac": get("kismet.device.base.macaddr"), "name": get("kismet.device.base.commonname"), "firstSeen": iso(get("kismet.device.base.first_time")),
        "lastSeen": iso(get("kismet.device.base.last_time")), "manufacturer": get("kismet.device.base.manuf"),
        "type": {"Wi-Fi AP": "Access Point", "BLE": "Bluetooth LE"}.get(get("kismet.device.base.type"), get("kismet.device.base.type")),
        "channel": get("kismet.device.base.channel") or None, "frequency": get("kismet.device.base.frequency") or None,
        "packets": get("kismet.device.base.packets.total"), "dataBytes": get("kismet.device.base.datasize"), "signal": signal, "location": location,
    }


def iso(seconds):
    import datetime
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def wait_same(d, s, limit=20):
    """The table is Kismet's: each device, each field."""
    def same():
        want = sorted((expected(k) for k in s.devices().values()), key=lambda x: (x["mac"], x["type"]))
        have = sorted(everything(d), key=lambda x: (x["mac"], x["type"]))
        assert have == want, next(((h, w) for h, w in zip(have, want) if h != w), (len(have), len(want)))
        return True
    wait_until(same, limit, "the table is Kismet's", every=0.2)


# ---- what is served --------------------------------------------------------------------------------------------------------


def test_the_recorded_session_becomes_the_table(standin, follow):
    s = standin(speed=12)
    d = follow(s)
    up = wait_link(d, "up", events="pushed")
    assert up["version"] == "2026.11.0-non-git-release" and up["server_id"] and up["reason"] is None and up["next_attempt"] is None
    wait_total(d, 141)
    wait_until(lambda: s.state()["is_over"], why="the session is over")
    wait_same(d, s)
    hostile = {x["name"] for x in everything(d)}
    assert {"<script>alert(1)</script>", '\\"quoted, comma\\"', "Café Gratuit", "=cmd|'/c calc'!A0"} <= hostile
    assert s.state()["subscriptions"] == ["ALERT", "MESSAGE", "NEW_DEVICE"]
    assert set(s.state()["requests"]) <= {"/system/status.json", "/devices/last-time/T/devices.json", "/alerts/all_alerts.json", "/alerts/last-time/T/alerts.json",
                                          "/datasource/all_sources.json", "/messagebus/all_messages.json"}


def test_lists_are_filtered_sorted_and_paged(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    aps = everything(d, type="access point")
    assert len(aps) == 50 and {x["type"] for x in aps} == {"Access Point"}
    assert [x["name"] for x in everything(d, q="fieldnet")] == ["FieldNet"]
    assert everything(d, q="raspberry PI")
    strongest = [x["signal"]["last"] for x in everything(d, sort="-signal") if x["signal"]["last"] is not None]
    assert strongest == sorted(strongest, reverse=True)
    times = [x["lastSeen"] for x in everything(d)]
    assert times == sorted(times, reverse=True)
    late = times[20]
    assert {x["mac"] for x in everything(d, since=late)} == {x["mac"] for x in everything(d) if x["lastSeen"] >= late}
    small = page(d, limit=3)
    assert len(small["devices"]) == 3 and small["source"] == "kismet" and small["total"] == 141
    assert page(d, limit=3, cursor=small["next"])["devices"] != small["devices"]
    for bad in ("limit=0", "limit=1001", "sort=colour", "since=yesterday", "cursor=nonsense"):
        r = d.get("kismet/devices?" + bad)
        assert r.status == 400 and r.json()["error"]["code"] == "VALIDATION_ERROR", (bad, r)


def test_one_device_has_its_history(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    key = next(k for k, v in s.devices().items() if v["kismet.device.base.macaddr"] == "00:17:F2:00:00:00")
    one = d.json("kismet/devices/00-17-f2-00-00-00")
    assert one["name"] == "FieldNet" and len(one["history"]) == 1 and "others" not in one
    for i in range(3):
        s.order("/touch", keys=[key], signal=-40 - i)
        wait_until(lambda: d.json("kismet/devices/00:17:F2:00:00:00")["signal"]["last"] == -40 - i, why="the change came")
    history = d.json("kismet/devices/00:17:F2:00:00:00")["history"]
    assert history[-1]["signal"] == -42 and history[-1]["lat"] == 47.37
    assert [h["time"] for h in history] == sorted(h["time"] for h in history)
    assert d.get("kismet/devices/00:00:00:00:00:99").status == 404
    assert d.get("kismet/devices/nonsense").status in (400, 404)


def test_alerts_come_pushed_and_are_listed(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_link(d, "up", events="pushed")
    first = wait_until(lambda: (x := d.json("kismet/alerts"))["total"] == 3 and x, why="the recorded alerts")
    newest = next(a for a in first["alerts"] if a["type"] == "BCASTDISCON")
    assert newest["severity"] == "medium" and newest["details"]["source"] == "00:17:F2:00:00:00"
    with d.events("kismet/alerts") as events:
        events.next()
        s.order("/event", topic="ALERT", value={
            "kismet.alert.header": "NEW", "kismet.alert.class": "SPOOF", "kismet.alert.hash": 7, "kismet.alert.severity": 20, "kismet.alert.timestamp": 1795557600.5,
            "kismet.alert.source_mac": "02:00:00:00:00:01", "kismet.alert.dest_mac": "02:00:00:00:00:02", "kismet.alert.channel": "6", "kismet.alert.text": "<b>bold</b>"})
        pushed = events.wait_for(lambda e: e.value["total"] == 4).value["alerts"][0]
    assert pushed == {"id": "7", "type": "NEW", "severity": "critical", "timestamp": "2026-11-24T22:00:00.500Z", "message": "<b>bold</b>",
                      "details": {"source": "02:00:00:00:00:01", "dest": "02:00:00:00:00:02", "channel": "6", "additional": {"class": "SPOOF", "transmitter": None}}}
    assert [a["id"] for a in d.json("kismet/alerts?type=new")["alerts"]] == ["7"]
    assert d.json("kismet/alerts?sort=-severity&limit=1")["alerts"][0]["id"] == "7"
    assert d.json("kismet/alerts?limit=1")["next"]
    wait_until(lambda: d.topic("kismet/messages")["messages"], why="messages of Kismet's log")


def test_summary_counts_and_names_the_sources(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    summary = wait_until(lambda: (x := d.topic("kismet/summary"))["devices"] == 141 and x["sources"] and x, why="a summary with sources")
    assert summary["by_type"] == {"Access Point": 50, "Wi-Fi Client": 91} or sum(summary["by_type"].values()) == 141
    assert summary["networks"] == 50 and summary["by_encryption"] == {"Open": 34, "WPA2": 16}
    assert summary["sources"][0]["interface"] == "/data/air.pcap" and summary["sources"][0]["error"] is None
    d.events("kismet/summary")
    keys = list(s.devices())[:50]
    s.order("/touch", keys=keys)
    wait_until(lambda: d.topic("kismet/summary")["packets_per_second"] is not None, 15, "packets a second")


def test_changes_are_told_in_batches_and_nothing_is_left_out(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    with d.events("kismet/changes") as events:
        s.order("/devices", count=1700, push=True)
        came = set()
        at = []
        while len(came) < 1700:
            e = events.wait_for(lambda e: e.value["added"])
            at.append(e.at)
            assert len(e.value["added"]) <= 500 and e.value["omitted"] == 0
            came |= {x["mac"] for x in e.value["added"]}
        assert all(mac.startswith("0A:") for mac in came) or len(came) >= 1700
        assert at[-1] - at[0] > 0.25 * (len(at) - 1), "at most two a second"
        key = next(iter(s.devices()))
        s.order("/touch", keys=[key], signal=-33)
        mac = s.devices()[key]["kismet.device.base.macaddr"]
        events.wait_for(lambda e: any(x["mac"] == mac for x in e.value["changed"]))


def test_methods_give_the_same_as_the_routes(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    assert d.call("kismet.devices", {"limit": 5}) == page(d, limit=5)
    networks = d.call("kismet.networks", {"limit": 1000})
    assert networks["total"] == 50 and "<Hidden>" in {n["ssid"] for n in networks["networks"]}
    field_net = next(n for n in networks["networks"] if n["ssid"] == "FieldNet")
    assert (field_net["bssid"], field_net["frequency"], field_net["encryption"]) == ("00:17:F2:00:00:00", 2437, "Open")
    data = d.call("kismet.data", {})
    assert set(data) == {"devices", "networks", "alerts", "summary"} and len(data["devices"]) == 100
    assert data["summary"]["totalDevices"] == 141 and data["summary"]["totalNetworks"] == 50
    assert set(d.call("kismet.data", {"type": "alerts"})) == {"alerts", "summary"}
    s.order("/device", mac="02:AA:00:00:00:01", name="quiet", last_time=1)  # long ago: no poll for changes finds it
    assert d.call("kismet.refresh")["devices"] == 142
    assert everything(d, q="02:AA:00:00:00:01")


# ---- logins ---------------------------------------------------------------------------------------------------------------


def test_each_login_works_and_none_is_shown(standin, follow, tmp_path):
    s = standin(speed=0, user="pi", password="S3cret&more", api_key="KEY/VALUE")
    plain = tmp_path / "password"
    plain.write_text("S3cret&more\n")
    conf = tmp_path / "kismet_httpd.conf"
    conf.write_text("httpd_username=pi\nhttpd_password=S3cret&more\n")
    for login in ({"username": "pi", "password": "S3cret&more"}, {"username": "", "password": "", "api_token": "KEY/VALUE"},
                  {"username": "pi", "password": "", "password_file": str(plain)}, {"username": "", "password": "", "password_file": str(conf)}):
        d = follow(s, **login)
        wait_link(d, "up", events="pushed")
        wait_total(d, 141)
        shown = d.log + d.get("topics").text + d.get("kismet").text + d.get("plugins").text + d.get("/metrics").text + d.get("/openapi.json").text
        for name in ("cmdline", "environ"):
            shown += pathlib.Path(f"/proc/{d.pid}/{name}").read_text(errors="replace")
        for secret in ("S3cret", "KEY/VALUE", "KEY%2FVALUE", "cGk6UzNjcmV0Jm1vcmU"):
            assert secret not in shown
        d.stop()


def test_a_wrong_login_is_unauthorized_until_it_is_right(standin, follow, tmp_path):
    s = standin(speed=0, password="right")
    secret = tmp_path / "password"
    secret.write_text("wrong\n")
    d = follow(s, password="", password_file=str(secret))
    x = wait_link(d, "unauthorized")
    assert "401" in x["reason"] and "password" in x["hint"] and x["next_attempt"] and x["version"] is None
    assert d.call("kismet.data", expect=503)["error"] == "KISMET_UNAVAILABLE"
    secret.unlink()
    wait_until(lambda: "No such file" in link(d)["reason"], why="the file is missed")
    secret.write_text("right\n")
    wait_link(d, "up")


# ---- what goes wrong --------------------------------------------------------------------------------------------------------


def test_refused_is_down_and_with_a_process_starting(standin, follow, tmp_path):
    s = standin(speed=0, start=False)
    d = follow(s)
    x = wait_link(d, "down")
    assert "connection refused" in x["reason"] and x["next_attempt"] > x["since"] and x["hint"]
    assert d.call("kismet.data", expect=503)["error"] == "KISMET_UNAVAILABLE"
    assert page(d)["total"] == 0
    p = Namesake(tmp_path, f"kismet-{s.port}")
    try:
        wait_link(d, "starting")
        s.start()
        wait_link(d, "up")
    finally:
        p.kill()
    wait_total(d, 141)
    s.kill()
    down = wait_link(d, "down")
    assert down["version"] is None and down["events"] == "polled"
    assert page(d)["total"] == 141, "what was known stays"


@pytest.mark.parametrize("fault, word", [
    ({"name": "hang"}, "no answer in time"), ({"name": "status"}, "500"), ({"name": "status", "value": 503}, "503"), ({"name": "html"}, "JSON"),
    ({"name": "html_typed"}, "JSON"), ({"name": "garbage"}, ""), ({"name": "reset"}, ""), ({"name": "long_head"}, ""), ({"name": "empty"}, "JSON"),
    ({"name": "half_json"}, ""), ({"name": "html", "path": "/devices"}, "<!DOCTYPE"), ({"name": "half", "path": "/devices"}, "half way"),
    ({"name": "half_json", "path": "/devices"}, "half way"), ({"name": "hang_body", "path": "/devices"}, "in time"), ({"name": "slow", "path": "/devices", "value": 30}, "in time"),
    ({"name": "status", "path": "/devices", "value": 404}, "404"), ({"name": "empty", "path": "/devices"}, "half way")])
def test_answers_that_are_not_kismets_are_unhealthy_and_heal(standin, follow, fault, word):
    s = standin(speed=0)
    s.order("/fault", **fault)
    d = follow(s, timeout="700ms")
    x = wait_link(d, "unhealthy")
    assert word in x["reason"] and x["hint"] and x["next_attempt"]
    s.clear()
    assert d.call("kismet.refresh") == {"devices": 141, "alerts": 3} or link(d)["state"] == "up"
    wait_same(d, s)


def test_it_is_tried_again_and_again_with_growing_pauses(standin, follow):
    s = standin(speed=0)
    s.fault("status")
    d = follow(s)
    first = wait_link(d, "unhealthy")
    wait_until(lambda: s.state()["requests"]["/system/status.json"] >= 3, why="two more attempts")
    x = link(d)
    assert x["state"] == "unhealthy" and x["since"] == first["since"], "it has been so all the time"
    assert x["next_attempt"] > first["next_attempt"]
    s.clear()
    wait_link(d, "up")


@pytest.mark.parametrize("fault", ["hang", "status", "html", "half", "reset", "hang_body"])
def test_a_link_that_was_up_becomes_unhealthy_and_keeps_its_table(standin, follow, fault):
    s = standin(speed=0)
    d = follow(s, timeout="700ms")
    wait_total(d, 141)
    wait_link(d, "up", events="pushed")
    s.fault(fault)
    wait_link(d, "unhealthy")
    assert page(d, limit=1)["total"] == 141
    s.clear()
    d.call("kismet.refresh")
    wait_link(d, "up", events="pushed")
    wait_same(d, s)


@pytest.mark.parametrize("fault", ["byte_chunks", "one_chunk", "length", "close", "all_devices"])
def test_replies_of_any_shape_make_the_right_table(standin, follow, fault):
    s = standin(speed=0)
    s.fault(fault)
    d = follow(s)
    wait_total(d, 141)
    wait_same(d, s)
    s.order("/devices", count=20)
    wait_total(d, 161)
    wait_same(d, s)
    assert link(d)["state"] == "up"


def test_zero_where_an_object_is_expected_is_unknown(standin, follow):
    s = standin(speed=0)
    s.fault("zero")
    d = follow(s, event_bus=False)
    wait_total(d, 141)
    assert all(x["location"] is None and x["signal"] == {"last": None, "min": None, "max": None} for x in everything(d))
    assert link(d)["state"] == "up"
    s.clear()
    s.order("/touch", keys=list(s.devices()))
    wait_same(d, s)


def test_nonsense_objects_are_left_out(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    s.fault("nonsense")
    x = wait_link(d, "unhealthy")  # an array and a text among the devices
    assert "not what Kismet answers" in x["reason"]
    assert page(d, limit=1)["total"] == 141
    s.clear()
    wait_link(d, "up")
    wait_same(d, s)


@pytest.mark.parametrize("fault, word", [("no_bus", "404"), ("bus_refused", "401"), ("bus_plain", "200"), ("bus_wrong_key", "WebSocket"), ("bus_mute", "in time")])
def test_without_the_event_bus_polls_carry_all_and_the_link_says_so(standin, follow, fault, word):
    s = standin(speed=0)
    s.fault(fault)
    d = follow(s)
    wait_until(lambda: word in (link(d)["events_reason"] or ""), why="the link says why")
    x = link(d)
    assert x["state"] == "up" and x["events"] == "polled"
    s.order("/devices", count=5)
    wait_total(d, 146)
    s.order("/event", topic="ALERT", value={"kismet.alert.header": "NEW", "kismet.alert.hash": 9, "kismet.alert.severity": 5, "kismet.alert.timestamp": 1795999999.5, "kismet.alert.text": "polled"})
    wait_until(lambda: any(a["message"] == "polled" for a in d.json("kismet/alerts")["alerts"]), why="the alert came by a poll")


@pytest.mark.parametrize("fault", ["bus_drop", "bus_binary", "bus_long", "bus_no_json", "bus_fragments"])
def test_a_broken_event_bus_loses_nothing(standin, follow, fault):
    s = standin(speed=0)
    d = follow(s)
    wait_link(d, "up", events="pushed")
    s.fault(fault)
    s.order("/devices", count=3, push=True)
    wait_total(d, 144)
    s.clear()
    wait_link(d, "up", events="pushed")
    s.order("/devices", count=3, begin=10, push=True)
    wait_total(d, 147)
    wait_same(d, s)


def test_a_restarted_kismet_replaces_the_old_devices(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    s.order("/devices", count=30)
    wait_total(d, 171)
    old = link(d)["server_id"]
    s.order("/restart")
    wait_until(lambda: link(d)["server_id"] not in (old, None), why="another Kismet is seen")
    wait_total(d, 141)
    wait_same(d, s)


def test_the_clock_may_jump_both_ways(standin, follow):
    s = standin(speed=0)
    d = follow(s, health_interval="300ms")
    wait_total(d, 141)
    s.order("/jump", seconds=-86400)
    s.order("/device", mac="02:BB:00:00:00:01", name="yesterday", last_time=1763900000 - 86400, push=True)
    wait_total(d, 142)
    s.order("/device", mac="02:BB:00:00:00:02", name="yesterday too", last_time=1763900001 - 86400)
    wait_total(d, 143)
    s.order("/jump", seconds=2 * 86400)
    s.order("/device", mac="02:BB:00:00:00:03", name="tomorrow", last_time=1763900000 + 86400)
    wait_total(d, 144)
    s.order("/device", mac="02:BB:00:00:00:04", name="the day after", last_time=1763900001 + 86400)
    wait_total(d, 145)
    wait_same(d, s)


def test_what_kismet_forgets_goes(standin, follow):
    s = standin(speed=0)
    d = follow(s, health_interval="200ms")
    wait_total(d, 141)
    gone = list(s.devices())[:41]
    s.order("/forget", keys=gone)
    assert d.call("kismet.refresh")["devices"] == 100
    wait_same(d, s)


def test_one_mac_on_two_phys_is_two_devices(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_total(d, 141)
    s.order("/device", mac="00:17:F2:00:00:00", name="the same", last_time=1763900100, phy="Bluetooth", kind="BLE")
    wait_total(d, 142)
    one = d.json("kismet/devices/00:17:F2:00:00:00")
    assert one["type"] == "Bluetooth LE" and [x["type"] for x in one["others"]] == ["Access Point"]
    wait_same(d, s)


def test_the_table_is_bounded_and_the_oldest_go(standin, follow):
    s = standin(speed=0)
    d = follow(s, max_devices=100, max_alerts=2)
    wait_total(d, 100)
    newest = sorted((k["kismet.device.base.last_time"] for k in s.devices().values()), reverse=True)[:100]
    assert min(x["lastSeen"] for x in everything(d)) == iso(newest[-1])
    s.order("/devices", count=10, last_time=1763999999)
    wait_until(lambda: len(everything(d, q="many-")) == 10, why="the new ones are there")
    assert page(d, limit=1)["total"] == 100
    assert d.json("kismet/alerts")["total"] == 2
    wait_until(lambda: d.topic("kismet/summary")["evicted"] >= 42, why="those that went are counted")


def test_twenty_thousand_devices_at_once(standin, follow):
    s = standin(speed=0, devices=20000)
    d = follow(s, max_devices=30000, timeout="60s")
    wait_total(d, 20141, 120)
    assert link(d)["state"] == "up"
    assert len({x["mac"] for x in everything(d)}) == 20141
    assert len(everything(d, q="many-00001")) == 1


def test_nobody_looks_and_the_poll_slows(standin, follow):
    s = standin(speed=0)
    d = follow(s, poll_interval="100ms", idle_interval="60s", health_interval="60s")
    wait_until(lambda: d.topic("kismet/summary")["devices"] == 141, why="all is there; a topic's kept value is no look at the list")

    def polls():
        return s.state()["requests"]["/devices/last-time/T/devices.json"]

    def is_quiet():
        n = polls()
        try:
            wait_until(lambda: polls() > n, 0.8)
        except AssertionError:
            return True
        return False

    wait_until(is_quiet, 20, "polls end while nobody looks")
    n = polls()
    with d.events("kismet/changes"):
        wait_until(lambda: polls() > n + 5, why="somebody looks: it polls")
    wait_until(is_quiet, 20, "and ends again")
    n = polls()
    page(d, limit=1)
    wait_until(lambda: polls() > n, why="a look at the list asks anew")


def test_unloading_frees_its_connections(standin, follow):
    s = standin(speed=0)
    d = follow(s)
    wait_link(d, "up", events="pushed")
    wait_until(lambda: s.state()["buses"] == 1, why="the bus is taken")
    for _ in range(5):
        assert d.post("plugins/kismet/disable").status == 200
        wait_until(lambda: s.state()["buses"] == 0, why="the bus is let go")
        assert d.get("kismet/devices").status == 404
        assert d.post("plugins/kismet/enable").status == 200
        wait_link(d, "up", events="pushed")


@pytest.mark.parametrize("settings", [{"url": "https://127.0.0.1:2501"}, {"url": "nonsense"}, {"url": "http://admin:S3cret@127.0.0.1:2501"}])
def test_a_url_that_cannot_be_is_refused_with_its_reason(patchbayd, settings):
    d = patchbayd(plugins=["kismet"], settings={"plugins": {"kismet": settings}})
    p = d.wait_plugin("kismet", "failed")
    assert "url" in p["reason"] and "S3cret" not in json.dumps(p) and "S3cret" not in d.log


@pytest.mark.skipif(not REAL, reason="KISMET_URL names no real Kismet")
def test_a_real_kismet(patchbayd):
    """KISMET_URL=http://host:2501, KISMET_USER and KISMET_PASSWORD, or KISMET_TOKEN."""
    login = {"api_token": os.environ["KISMET_TOKEN"]} if "KISMET_TOKEN" in os.environ else {"username": os.environ.get("KISMET_USER", ""), "password": os.environ.get("KISMET_PASSWORD", "")}
    d = patchbayd(plugins=["kismet"], settings={"plugins": {"kismet": {"url": REAL, "poll_interval": "500ms", **login}}})
    x = wait_link(d, "up", events="pushed")
    assert x["version"] and x["server_id"]
    wait_until(lambda: page(d)["total"] > 0, 60, "devices")
    assert all(set(v) == {"mac", "name", "firstSeen", "lastSeen", "manufacturer", "type", "channel", "frequency", "packets", "dataBytes", "signal", "location"} for v in everything(d))
    d.topic("kismet/summary")
    d.json("kismet/alerts")
