"""info, health and cache/clear of the contract, and their flat kin, against real gpsd and the machine itself."""
import json
import os
import platform
import socket

import pytest

from patchbay import wait_until
from standin import Standin
from webhook import REST, ask, check_error, check_invalid, kit  # noqa: F401 (kit is a fixture)

FLAT_GPS = {"lat", "lon", "alt", "mode", "time", "speed", "track", "status"}


def info(d):
    return ask(d, "GET", "info", 200)


def flat(d):
    out = ask(d, "GET", "/info", 200)
    assert set(out) == {"ip", "gps", "kismet", "wigle", "timestamp"} and set(out["gps"]) == FLAT_GPS
    return out


@pytest.mark.parametrize("prefix", ["/api/webhook", "/api/webhooks"])
def test_info_is_read_from_the_machine(patchbayd, prefix):
    d = patchbayd(plugins=["webhook", "netif", "ports"])
    ask(d, "GET", f"{prefix}/info", 200)  # makes the ports be scanned
    i = wait_until(lambda: (x := ask(d, "GET", f"{prefix}/info", 200))["ports"] and x["system"]["disk"]["total"] and x["network"]["interfaces"] and x, 10, "all has been read")
    assert set(i) == {"success", "system", "services", "network", "ports", "timestamp"} and i["success"] is True
    s = i["system"]
    assert set(s) == {"hostname", "platform", "arch", "uptime", "loadAverage", "memory", "disk"}
    assert (s["hostname"], s["platform"]) == (socket.gethostname(), "linux")
    assert s["arch"] == {"x86_64": "x64", "aarch64": "arm64", "armv7l": "arm", "i686": "ia32", "riscv64": "riscv64"}[platform.machine()]
    assert len(s["loadAverage"]) == 3 and abs(s["uptime"] - float(open("/proc/uptime").read().split()[0])) < 30
    for kind in "memory", "disk":
        m = s[kind]
        assert set(m) == {"total", "free", "used", "percentage"} and 0 < m["used"] <= m["total"] and 0 <= m["percentage"] <= 100
    assert s["disk"]["total"] == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize
    assert set(i["services"]) == {"kismet", "gps", "spectrum"}
    assert set(i["services"]["kismet"]) == {"version", "configPath", "dataPath", "interfaces"} and set(i["services"]["gps"]) == {"device", "baudRate", "protocol"}
    assert set(i["services"]["spectrum"]) == {"version", "port", "openwebrxConnected"} and i["services"]["spectrum"]["port"] == 8092
    names = {x["name"]: x for x in i["network"]["interfaces"]}
    assert set(names) == set(os.listdir("/sys/class/net")) - {"lo"}
    for name, x in names.items():
        assert set(x) == {"name", "address", "mac", "type", "monitoring"} and x["type"] in ("wireless", "ethernet") and x["monitoring"] is False
        assert x["mac"] == open(f"/sys/class/net/{name}/address").read().strip()
    assert {p["name"] for p in i["ports"]} >= {"gpsd", "kismet", "webhook"}


def test_what_is_not_known_is_null(patchbayd):
    i = info(patchbayd(plugins=["webhook"]))
    assert i["services"]["kismet"] == {"version": None, "configPath": None, "dataPath": None, "interfaces": None}
    assert i["services"]["gps"] == {"device": None, "baudRate": None, "protocol": None}
    assert i["network"]["interfaces"] is None and i["ports"] is None


def test_the_receiver_is_gpsds(patchbayd, gpsd, tmp_path):
    g = gpsd()
    d = patchbayd(plugins=["webhook", "gpsd"], settings={"plugins": {"gpsd": {"port": g.port}, "webhook": {"config_dir": str(tmp_path)}}})
    gps = wait_until(lambda: (x := info(d)["services"]["gps"])["protocol"] and x, 20, "gpsd has told of its receiver")
    assert gps["device"] == g.receivers[0].device and gps["protocol"] == "NMEA0183"
    assert wait_until(lambda: info(d)["services"]["kismet"]["configPath"], 10) == str(tmp_path)


def test_the_flat_position_with_every_kind_of_fix(patchbayd, gpsd):
    g = gpsd()
    d = patchbayd(plugins=["webhook", "gpsd"], settings={"plugins": {"gpsd": {"port": g.port}}})
    fix = wait_until(lambda: (x := flat(d)["gps"])["status"] == "3D Fix" and x, 20, "there is a fix")
    assert fix["mode"] == 3 and abs(fix["lat"] - 52.52) < 0.1 and abs(fix["lon"] - 13.4) < 0.1 and fix["speed"] > 0 and fix["track"] == pytest.approx(45, abs=5) and fix["alt"] is not None and fix["time"]
    assert flat(d)["ip"] == "127.0.0.1"
    g.receivers[0].mode = 2
    assert wait_until(lambda: (x := flat(d)["gps"])["status"] == "2D Fix" and x, 20)["mode"] == 2
    g.receivers[0].mode = 1
    none = wait_until(lambda: (x := flat(d)["gps"])["status"] == "No Fix" and x, 20, "the fix is lost")
    assert none["lat"] is none["lon"] is none["alt"] is none["speed"] is None
    g.kill()
    gone = wait_until(lambda: (x := flat(d)["gps"])["status"] == "GPS Timeout" and x, 20, "gpsd has gone")
    assert all(gone[name] is None for name in FLAT_GPS - {"status"})


def test_the_client_is_the_one_behind_a_trusted_proxy(patchbayd):
    d = patchbayd(plugins=["webhook"], settings={"http": {"trusted_proxies": ["127.0.0.1"]}})
    assert d.get("/info", {"X-Forwarded-For": "192.0.2.7, 10.0.0.1"}).json()["ip"] == "192.0.2.7"


def test_kismet_and_wigle_run_or_not(kit):
    k = kit()
    assert (flat(k.daemon)["kismet"], flat(k.daemon)["wigle"]) == ("Not Running", "Not Running")
    k.start("wigletotak")
    assert (flat(k.daemon)["kismet"], flat(k.daemon)["wigle"]) == ("Running", "Running")


# ---- health -------------------------------------------------------------------------------------------------------------


def health(d):
    out = ask(d, "GET", "health", 200)
    assert set(out) - {"warnings"} == {"success", "service", "status", "checks", "timestamp"} and out["service"] == "webhook" and out["success"] is True
    return out


def test_health_is_that_of_kismet_and_of_every_plugin(patchbayd, tmp_path):
    s = Standin()
    try:
        d = patchbayd(plugins=["webhook", "procs", "kismet", "gpsd"], settings={"plugins": {"kismet": s.settings(), "procs": {"pid_dir": str(tmp_path / "p"), "keep_dir": str(tmp_path / "k")}}})
        h = wait_until(lambda: (x := health(d))["status"] == "healthy" and x, 20, "all is well")
        assert h["checks"] == {"scriptManager": True, "kismetClient": True, "cache": True, "webhook": True, "procs": True, "kismet": True, "gpsd": True}
        d.post("plugins/gpsd/disable")
        assert health(d)["status"] == "degraded" and health(d)["checks"]["gpsd"] is False
        d.post("plugins/gpsd/enable")
        d.post("plugins/procs/disable")
        assert (health(d)["status"], health(d)["checks"]["scriptManager"]) == ("degraded", False)
        d.post("plugins/procs/enable")
        wait_until(lambda: health(d)["status"] == "healthy", 20, "all is well again")
        s.kill()
        down = wait_until(lambda: (x := health(d))["status"] == "degraded" and x, 20, "Kismet is down")
        assert down["checks"]["kismetClient"] is False and down["checks"]["kismet"] is True
    finally:
        s.kill()


def test_the_flat_health_needs_no_token(patchbayd):
    d = patchbayd(plugins=["webhook"], settings={"auth": {"mode": "token", "tokens": []}})
    h = d.json("/health")
    assert set(h) == {"status", "service", "timestamp", "uptime", "memory", "port", "version", "connected_clients"}
    assert (h["service"], h["port"], h["connected_clients"]) == ("webhook", d.port, 0) and h["uptime"] >= 0 and h["memory"]["rss"] > 1 << 20 and h["version"]
    for method, path in ("GET", "info"), ("GET", "health"), ("GET", "/info"), ("GET", "/kismet-data"), ("GET", "/script-status"), ("POST", "/run-script"), ("POST", "run-script"), ("GET", "/list_wigle_files"), ("POST", "/api/start-script"), ("GET", "/webhook"):
        assert d.request(method, path, {} if method == "POST" else None).status == 401, path


def test_an_open_door_is_told(patchbayd):
    d = patchbayd(plugins=["webhook"], listen=["0.0.0.0:0"], settings={"auth": {"mode": "none"}}, start=False)
    d.settings = {**d.settings, "http": {"listen": [f"0.0.0.0:{d.port}"]}}
    d.write()
    d.start()
    assert any("other machines" in w for w in health(d)["warnings"])


def test_cache_clear(patchbayd):
    d = patchbayd(plugins=["webhook"])
    for body in None, {}, {"key": "info"}, {"key": "no-such"}:
        r = ask(d, "POST", "cache/clear", 200, body)
        assert set(r) == {"success", "message", "timestamp"} and r["success"] is True
    check_invalid(ask(d, "POST", "cache/clear", 400, {"key": 5}), "key")


# ---- the conventions of section 1, on routes of this plugin ----------------------------------------------------------------


def test_conventions(patchbayd):
    d = patchbayd(plugins=["webhook"], settings={"http": {"cors_origins": ["http://localhost:8000"], "max_body": 2048}})
    e = d.get("nothing-there")
    check_error(e.json(), "NOT_FOUND")
    e = d.request("DELETE", "run-script")
    check_error(e.json(), "METHOD_NOT_ALLOWED")
    assert e.status == 405 and "POST" in e.headers["Allow"]
    for path in "run-script", "/run-script", "stop-script", "/api/start-script", "cache/clear":
        e = d.request("POST", path, '{"script":', {"Content-Type": "application/json"})
        check_error(e.json(), "INVALID_JSON", "byte")
        assert e.status == 400
        e = d.request("POST", path, "script=kismet", {"Content-Type": "application/x-www-form-urlencoded"})
        assert e.status == 415 and e.json()["success"] is False
        e = d.request("POST", path, json.dumps({"script": "x" * 4096}), {"Content-Type": "application/json"})
        check_error(e.json(), "PAYLOAD_TOO_LARGE")
        assert e.status == 413
        e = d.post(path, {"script": "kismet"}, {"Origin": "http://evil.example"})
        check_error(e.json(), "ORIGIN_FORBIDDEN")
        assert e.status == 403 and "Access-Control-Allow-Origin" not in e.headers
        o = d.request("OPTIONS", path, headers={"Origin": "http://localhost:8000", "Access-Control-Request-Method": "POST"})
        assert o.status == 204 and o.headers["Access-Control-Allow-Origin"] == "http://localhost:8000" and o.headers["Access-Control-Max-Age"] == "86400"
    for path in "info", "/info", "health", "/health", "/script-status", "/kismet-data":
        h = d.request("HEAD", path)
        assert h.status == 200 and h.body == b"" and int(h.headers["Content-Length"]) > 0
        assert d.get(path, {"Origin": "http://localhost:8000"}).headers["Access-Control-Allow-Origin"] == "http://localhost:8000"
        assert "Access-Control-Allow-Origin" not in d.get(path, {"Origin": "http://evil.example"}).headers


def test_every_route_of_the_contract_is_described(patchbayd):
    paths = patchbayd(plugins=["webhook"]).json("/openapi.json")["paths"]
    for prefix in "/api/webhook", "/api/webhooks":
        for path in "run-script", "stop-script", "script-status", "info", "kismet-data", "health", "cache/clear":
            assert f"{prefix}/{path}" in paths, path
    for path in "/info", "/kismet-data", "/script-status", "/run-script", "/stop-script", "/api/start-script", "/api/stop-script", "/api/script-status", "/health", "/list_wigle_files", "/webhook":
        assert path in paths, path
