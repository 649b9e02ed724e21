"""kismet-data of the contract and its flat kin: Kismet's stand-in, CSV logs, and neither."""
import csv
import datetime
import io
import os
import time

import pytest

from patchbay import wait_until
from standin import Standin
from webhook import ISO, ask, check_error, check_invalid

LOG_HEAD = "WigleWifi-1.6,appRelease=Kismet,model=x,release=1,device=kismet,display=kismet,board=kismet,brand=kismet\nMAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n"
LOG_ROW = "02:00:00:00:00:01,logged,[WPA2-PSK-CCMP][ESS],2026-11-24 10:00:00,6,2437,-60,52.5,13.4,30,5,,,WIFI\n"
D = {"mac", "name", "firstSeen", "lastSeen", "manufacturer", "type", "channel", "frequency", "packets", "dataBytes", "signal", "location"}
N = {"ssid", "bssid", "channel", "frequency", "encryption", "firstSeen", "lastSeen", "clients", "packets", "signal"}
A = {"id", "type", "severity", "timestamp", "message", "details"}
HOSTILE = '<img src=x onerror=alert(1)>"\'&'


@pytest.fixture
def air(patchbayd, tmp_path):
    """air(kismet=stand-in or None, log=text or None) → a daemon with webhook, kismet and csv."""
    made = []

    def make(*args, log=None, up=True, plugins=("webhook", "kismet", "csv"), **kw):
        logs = tmp_path / "logs"
        logs.mkdir()
        if log:
            (logs / "Kismet-1.wiglecsv").write_text(log)
        s = Standin(*args, start=up, **kw)
        made.append(s)
        d = patchbayd(plugins=list(plugins), settings={"plugins": {"kismet": s.settings(), "csv": {"directories": [str(logs)]}} if len(plugins) > 1 else {}})
        d.standin, d.logs = s, logs
        if up and "kismet" in plugins:
            wait_until(lambda: d.json("kismet")["state"] == "up", 20, "Kismet answers")
        if log:
            wait_until(lambda: d.json("csv")["files"][0]["lag_ms"] == 0, 20, "the log is read")
        return d

    yield make
    for s in made:
        s.kill()


def data(d, query="", status=200):
    return ask(d, "GET", f"kismet-data{query}", status)


@pytest.mark.parametrize("prefix", ["/api/webhook", "/api/webhooks"])
def test_data_comes_from_kismet(air, prefix):
    d = air("--speed", "0")
    wait_until(lambda: data(d)["data"]["alerts"], 20, "alerts have come")
    r = ask(d, "GET", f"{prefix}/kismet-data?limit=1000", 200)
    assert set(r) == {"success", "data", "source", "timestamp"} and r["success"] is True and r["source"] == "kismet"
    assert set(r["data"]) == {"devices", "networks", "alerts", "summary"}
    assert r["data"]["devices"] and all(set(x) == D for x in r["data"]["devices"])
    assert r["data"]["networks"] and all(set(x) == N for x in r["data"]["networks"])
    assert all(set(x) == A and set(x["details"]) == {"source", "dest", "channel", "additional"} for x in r["data"]["alerts"])
    s = r["data"]["summary"]
    assert set(s) == {"totalDevices", "totalNetworks", "activeAlerts", "dataRange"} and s["totalDevices"] == len(r["data"]["devices"]) and s["activeAlerts"] == len(r["data"]["alerts"])
    assert ISO.fullmatch(s["dataRange"]["start"]) and s["dataRange"]["start"] <= s["dataRange"]["end"]


def test_only_what_is_asked_for_is_there(air):
    d = air("--speed", "0")
    for kind in "devices", "networks", "alerts":
        assert set(data(d, f"?type={kind}")["data"]) == {kind, "summary"}
    assert len(data(d, "?type=devices&limit=3")["data"]["devices"]) == 3
    newest = data(d, "?type=devices&limit=1")["data"]["devices"][0]["lastSeen"]
    some = data(d, f"?type=devices&since={newest}")["data"]["devices"]
    assert some and all(x["lastSeen"] >= newest for x in some)
    assert data(d, "?type=devices&since=2099-01-01T00:00:00Z")["data"]["devices"] == []
    assert data(d, "?type=devices&since=2099-01-01T00:00:00%2B02:00&limit=1000&format=json")["data"]["devices"] == []


@pytest.mark.parametrize("query, field", [
    ("type=foo", "type"), ("type=", "type"), ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("limit=1.5", "limit"), ("limit=-1", "limit"),
    ("since=yesterday", "since"), ("since=2026-13-01", "since"), ("format=xml", "format"), ("limit=5&limit=6", "limit")])
def test_a_bad_query_is_refused(air, query, field):
    d = air(up=False)
    check_invalid(data(d, f"?{query}", 400), field)


def sections(text):
    """{name: [row as dict]} of a CSV reply."""
    assert "\n" not in text.replace("\r\n", "") or '"' in text
    out, rows = {}, csv.reader(io.StringIO(text, newline=""))
    name, head = None, None
    for row in rows:
        if not row:
            name = head = None
        elif name is None:
            name = row[0]
            out[name] = []
        elif head is None:
            head = row
        else:
            assert len(row) == len(head)
            out[name].append(dict(zip(head, row)))
    return out


def test_csv_says_the_same(air):
    d = air("--speed", "0")
    d.standin.order("/device", mac="02:AA:00:00:00:01", name='a "quoted", name\nin two lines', last_time=int(time.time()))
    wait_until(lambda: d.get("kismet/devices/02:AA:00:00:00:01").status == 200, 20, "it has been seen")
    wait_until(lambda: data(d)["data"]["alerts"], 20, "alerts have come")
    r = d.get("kismet-data?format=csv&limit=1000")
    assert r.status == 200 and r.headers["Content-Type"].startswith("text/csv")
    s, j = sections(r.text), data(d, "?limit=1000")["data"]
    assert list(s) == ["devices", "networks", "alerts"]
    assert [x["mac"] for x in s["devices"]] == [x["mac"] for x in j["devices"]] and [x["name"] for x in s["devices"]] == [x["name"] for x in j["devices"]]
    for given, said in zip(j["devices"], s["devices"]):
        assert said["signalLast"] == ("" if given["signal"]["last"] is None else str(given["signal"]["last"]))
        assert said["lat"] == ("" if given["location"] is None else said["lat"]) and said["firstSeen"] == (given["firstSeen"] or "")
    assert [x["ssid"] for x in s["networks"]] == [x["ssid"] for x in j["networks"]]
    assert [x["message"] for x in s["alerts"]] == [x["message"] for x in j["alerts"]]
    assert list(sections(d.get("kismet-data?format=csv&type=networks").text)) == ["networks"]


def test_the_log_serves_where_kismet_does_not(air):
    d = air(up=False, log=LOG_HEAD + LOG_ROW)
    r = data(d)
    assert r["source"] == "csv" and [x["name"] for x in r["data"]["devices"]] == ["logged"] and r["data"]["alerts"] == []
    flat = ask(d, "GET", "/kismet-data", 200)
    assert flat["devices_count"] == 1 and flat["error"] and flat["feed_items"][0]["type"] == "Error"
    d.standin.start()
    wait_until(lambda: data(d)["source"] == "kismet", 40, "Kismet has come")
    assert "error" not in ask(d, "GET", "/kismet-data", 200)


def test_503_says_what_was_tried(air):
    d = air(up=False, log=LOG_HEAD + LOG_ROW)
    old = time.time() - 3 * 3600
    os.utime(d.logs / "Kismet-1.wiglecsv", (old, old))
    wait_until(lambda: d.get("kismet-data").status == 503, 20, "the log is too old")
    e = data(d, status=503)
    check_error(e, "KISMET_UNAVAILABLE", "refused")
    kismet, log = e["details"]
    assert (kismet["source"], kismet["state"], log["source"]) == ("kismet", "down", "csv") and kismet["message"] and log["message"]
    assert data(d, "?format=csv", 503)["error"] == "KISMET_UNAVAILABLE"
    flat = ask(d, "GET", "/kismet-data", 200)
    assert (flat["devices_count"], flat["networks_count"], flat["recent_devices"]) == (0, 0, []) and flat["error"]
    assert [i["type"] for i in flat["feed_items"]] == ["Error"]


def test_503_names_the_plugins_that_are_not_there(air):
    d = air(up=False, plugins=["webhook"])
    e = data(d, status=503)
    check_error(e, "KISMET_UNAVAILABLE", "plugin kismet is not installed")
    assert [x["message"] for x in e["details"]] == ["plugin kismet is not installed", "plugin csv is not installed"]


def test_the_flat_data_is_escaped_and_only_there(air):
    d = air("--speed", "0")
    d.standin.order("/device", mac="02:AA:00:00:00:02", name=HOSTILE, last_time=int(time.time()) + 1000)
    wait_until(lambda: d.get("kismet/devices/02:AA:00:00:00:02").status == 200, 20, "it has been seen")
    flat = ask(d, "GET", "/kismet-data", 200)
    assert set(flat) == {"devices_count", "networks_count", "recent_devices", "feed_items", "last_update", "timestamp"}
    assert len(flat["recent_devices"]) == 10 and len(flat["feed_items"]) == 10 and datetime.datetime.strptime(flat["last_update"], "%H:%M:%S")
    first = flat["recent_devices"][0]
    assert set(first) == {"name", "mac", "manufacturer", "type", "channel", "signal", "lastSeen"}
    assert first["name"] == "&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;" and first["signal"] == -50
    assert all("<" not in i["message"] and set(i) == {"type", "message", "timestamp"} and i["type"] in ("System", "Device", "Network", "Error") for i in flat["feed_items"])
    assert any("&lt;img" in i["message"] for i in flat["feed_items"])
    assert data(d, "?type=devices&limit=1")["data"]["devices"][0]["name"] == HOSTILE
    total = data(d)["data"]["summary"]
    assert (flat["devices_count"], flat["networks_count"]) == (total["totalDevices"], total["totalNetworks"])
