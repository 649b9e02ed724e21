"""The csv plugin on real files: growth, rotation, truncation, what is not right, restarts and kill -9."""
import datetime
import json
import os
import pathlib
import random
import re
import threading
import time
import urllib.parse

import pytest

from patchbay import wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests/data/kismet/kismet.wiglecsv"
HEAD = ("WigleWifi-1.6,appRelease=Kismet2026110-non-git-release,model=Kismet,release=2026.11.0-non-git-release,device=kismet,display=kismet,board=kismet,brand=Kismet,star=Sol,body=3,subBody=0\n"
        "MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n")
KILLS = int(os.environ.get("PATCHBAY_KILLS", "6"))


def row(n, dbm=-60, at=1763900000, ssid=None, mac=None):
    mac = mac or "02:5E:00:%02X:%02X:%02X" % (n >> 16 & 255, n >> 8 & 255, n & 255)
    when = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    return f"{mac},{ssid if ssid is not None else f'net-{n}'},[WPA2-PSK-CCMP][ESS],{when},6,2437000,{dbm},47.370000,8.540000,410.000000,0,WIFI\n"


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def follow(patchbayd, logs):
    def make(**settings):
        return patchbayd(plugins=["csv"], settings={"plugins": {"csv": {"directories": [str(logs)], **settings}}})

    return make


def files(d):
    return d.json("csv")["files"]


def wait_read(d, path, limit=20):
    """The file, read to its end."""
    def read():
        f = [f for f in files(d) if f["path"] == str(path)][0]
        return f["offset"] == os.path.getsize(path) and f
    return wait_until(read, limit, f"{path} is read: {files(d)}")


def everything(d, **query):
    out, cursor = [], None
    while True:
        p = d.json("csv/devices?" + urllib.parse.urlencode({"limit": 1000, **query, **({"cursor": cursor} if cursor else {})}))
        out += p["devices"]
        cursor = p["next"]
        if not cursor:
            assert len(out) == p["total"] and p["source"] == "csv"
            return out


def unescaped(ssid):
    return re.sub(rb"\\([0-3][0-7]{2})", lambda m: bytes([int(m[1], 8)]), ssid.encode()).decode(errors="replace")


def table_of(text):
    """What a wiglecsv says, by a plain reader of its own: MAC → (name, rows, last, min, max)."""
    out = {}
    for line in text.split("\n")[2:-1]:
        f = line.split(",")
        mac, ssid, dbm = f[0], unescaped(f[1]), int(f[6])
        name, rows, _, low, high = out.get(mac, (mac, 0, None, dbm, dbm))
        out[mac] = (ssid or name, rows + 1, dbm, min(low, dbm), max(high, dbm))
    return out


def table_in(d):
    return {x["mac"]: (x["name"], x["packets"], x["signal"]["last"], x["signal"]["min"], x["signal"]["max"]) for x in everything(d)}


# ---- reading -----------------------------------------------------------------------------------------------------------------


def test_the_recorded_log_is_read_whole(follow, logs):
    path = logs / "Kismet-1.wiglecsv"
    path.write_bytes(RECORDED.read_bytes())
    d = follow()
    f = wait_read(d, path)
    assert (f["format"], f["rows"], f["rejected"], f["lag_ms"]) == ("wiglecsv", 73, {}, 0)
    assert table_in(d) == table_of(RECORDED.read_text())
    one = d.json("csv/devices/60:60:1f:00:00:04")
    assert one["name"] == '\\"quoted, comma\\"' and one["type"] == "Access Point" and one["frequency"] == 2412000
    assert one["location"] == {"lat": 47.37, "lon": 8.54, "alt": 410, "accuracy": None}
    assert one["firstSeen"] == "2025-11-23T12:13:20.000Z" and len(one["history"]) == 1
    topic = wait_until(lambda: (x := d.topic("csv/file"))["rows"] == 73 and x, why="the topic has it")
    assert topic["name"] == "Kismet-1.wiglecsv" and topic["offset"] == topic["size"] and topic["rejected"] == 0 and topic["age_ms"] >= 0
    assert d.call("csv.devices", {"limit": 3}) == d.json("csv/devices?limit=3")
    networks = d.call("csv.networks", {"limit": 1000})["networks"]
    assert {"FieldNet", "<Hidden>", "Café Gratuit"} <= {n["ssid"] for n in networks}
    assert next(n for n in networks if n["ssid"] == "FieldNet")["encryption"] == "Open"


def test_rows_come_as_they_are_written_in_blocks_and_halves(follow, logs):
    path = logs / "a.wiglecsv"
    d = follow()
    text = HEAD + "".join(row(i % 150, -30 - i % 60, 1763900000 + i // 10) for i in range(400))
    with d.events("csv/changes") as events:
        dice = random.Random(1)
        with open(path, "a") as f:
            at = 0
            while at < len(text):
                n = dice.choice((1, 7, 60, 512, 4096))
                f.write(text[at:at + n])
                f.flush()
                at += n
        wait_read(d, path)
        came = set()
        while len(came) < 150:
            e = events.wait_for(lambda e: e.value["added"])
            came |= {x["mac"] for x in e.value["added"]}
    assert table_in(d) == table_of(text)
    assert wait_read(d, path)["rows"] == 400


def test_a_half_line_waits_for_its_end(follow, logs):
    path = logs / "a.csv"
    path.write_text(HEAD + row(1) + row(2)[:40])
    d = follow()
    wait_until(lambda: files(d)[0]["rows"] == 1, why="the whole line")
    assert files(d)[0]["offset"] == len(HEAD + row(1))
    with open(path, "a") as f:
        f.write(row(2)[40:])
    wait_read(d, path)
    assert table_in(d).keys() == table_of(HEAD + row(1) + row(2)).keys()


def test_rotation_truncation_and_removal(follow, logs):
    path = logs / "a.csv"
    path.write_text(HEAD + row(1))
    d = follow()
    wait_read(d, path)
    with open(path, "a") as late:
        late.write(row(2))
        late.flush()
        path.rename(logs / "a.csv.1")
        path.write_text(HEAD + row(3))
        wait_read(d, path)
        late.write(row(4))
    wait_until(lambda: len(everything(d)) == 4, why="the late row of the rotated file too")
    path.write_text(HEAD + row(5))  # truncated and written anew
    wait_read(d, path)
    wait_until(lambda: len(everything(d)) == 5, why="the rewritten file's row")
    path.unlink()
    (logs / "b.csv").write_text(HEAD + row(6))
    wait_read(d, logs / "b.csv")
    assert len(everything(d)) == 6


def test_a_folder_that_comes_later(patchbayd, tmp_path):
    folder = tmp_path / "not" / "yet"
    d = patchbayd(plugins=["csv"], settings={"plugins": {"csv": {"directories": [str(folder)]}}})
    wait_until(lambda: "No such file" in (d.topic("csv/file")["reason"] or ""), why="it says what is missing")
    assert d.call("csv.data", expect=503)["error"] == "KISMET_UNAVAILABLE"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text(HEAD + row(1))
    wait_read(d, folder / "a.csv")


def test_the_newest_matching_file_is_followed(follow, logs):
    for i, name in enumerate(("old.csv", "new.csv", "newest.log")):
        (logs / name).write_text(HEAD + row(i))
        os.utime(logs / name, (1763900000 + i, 1763900000 + i))
    d = follow(patterns=["*.csv"])
    wait_read(d, logs / "new.csv")
    assert [f["path"] for f in files(d)] == [str(logs / "new.csv")] and files(d)[0]["newest"] is True
    (logs / "old.csv").write_text(HEAD + row(7) + row(8))
    wait_read(d, logs / "old.csv")
    assert files(d)[0]["path"] == str(logs / "old.csv")
    assert len(everything(d)) == 3


def test_other_formats_are_told_by_their_first_lines(follow, logs):
    (logs / "airodump-01.csv").write_text(
        "\r\nBSSID, First time seen, Last time seen, channel, speed, Privacy, Cipher, Authentication, Power, # beacons, # IV, LAN IP, ID-length, ESSID, Key\r\n"
        "00:17:F2:00:00:00, 2025-11-23 12:13:20, 2025-11-23 12:14:20,  6,  54, WPA2, CCMP, PSK, -48,       35,        0,   0.  0.  0.  0,   8, FieldNet, \r\n\r\n"
        "Station MAC, First time seen, Last time seen, Power, # packets, BSSID, Probed ESSIDs\r\n"
        "02:00:5E:00:00:01, 2025-11-23 12:13:20, 2025-11-23 12:14:20, -51,       12, 00:17:F2:00:00:00,FieldNet,other\r\n\r\n")
    d = follow()
    assert wait_read(d, logs / "airodump-01.csv")["format"] == "airodump"
    assert {(x["name"], x["type"]) for x in everything(d)} == {("FieldNet", "Access Point"), ("02:00:5E:00:00:01", "Wi-Fi Client")}
    (logs / "Kismet-2013.csv").write_text(
        "Network;NetType;ESSID;BSSID;Info;Channel;Encryption;Total;FirstTime;LastTime;BestSignal;GPSBestLat;GPSBestLon;GPSBestAlt;DataSize;\n"
        "1;infrastructure;Field;Net;00:17:F2:00:00:02;;11;WPA2,AES-CCM;35;Sun Nov 23 12:13:20 2025;Sun Nov 23 12:14:20 2025;-48;47.2;8.2;410;1234;\n")
    assert wait_read(d, logs / "Kismet-2013.csv")["format"] == "kismet-2013"
    assert d.json("csv/devices/00:17:F2:00:00:02")["name"] == "Field;Net"
    # airodump-ng writes its file again and again, from its beginning
    text = (logs / "airodump-01.csv").read_text()
    (logs / "airodump-01.csv").write_text(text.replace("-48,       35", "-44,       99"))
    wait_until(lambda: d.json("csv/devices/00:17:F2:00:00:00")["packets"] == 99, why="the rewritten row")


def test_wrong_rows_are_counted_shown_and_left_behind(follow, logs):
    path = logs / "a.csv"
    with open(path, "wb") as f:
        f.write(HEAD.encode() + b"nonsense\n" + row(1).encode() + b"zz" + row(2).encode() + b"\x00\xff\xfe" + row(3).encode())
        f.write(row(4).replace("net-4", '"open').encode() + row(5).encode() + b'02:00:00:00:00:01,"' + b"x" * 300_000 + b"\n" + row(6).encode())
        for i in range(20):
            f.write(row(7).replace("-60", "loud").encode())
        f.write(row(8).encode())
    d = follow()
    f = wait_read(d, path)
    assert f["rows"] == 4 and {x["name"] for x in everything(d)} == {"net-1", "net-5", "net-6", "net-8"}
    assert f["rejected"] == {"fields": 1, "mac": 1, "binary": 1, "open quote": 1, "line too long": 1, "signal": 20}
    assert len(f["last_rejected"]) == 10 and f["last_rejected"][-1]["reason"] == "signal" and "loud" in f["last_rejected"][-1]["text"]
    before = d.rss()
    with open(path, "ab") as out:
        for _ in range(64):
            out.write(b'"' * (1 << 20))
        out.write(b"\n" + row(9).encode())
    wait_read(d, path, 30)
    assert d.rss() < before + (24 << 20), "an open quote cannot grow the daemon"
    assert {x["name"] for x in everything(d, q="net-9")} == {"net-9"}


def test_a_stale_log_serves_no_contract(follow, logs):
    path = logs / "a.csv"
    path.write_text(HEAD + row(1))
    d = follow(max_age="30s")
    wait_read(d, path)
    assert d.call("csv.data", {"type": "devices"})["devices"][0]["name"] == "net-1"
    os.utime(path, (time.time() - 120, time.time() - 120))
    r = wait_until(lambda: d.call("csv.data", expect=503), why="it is too old")
    assert "max_age" in r["message"]
    assert len(everything(d)) == 1


def test_devices_are_bounded_and_the_oldest_go(follow, logs):
    path = logs / "a.csv"
    path.write_text(HEAD + "".join(row(i, at=1763900000 + i) for i in range(500)))
    d = follow(max_devices=100)
    wait_read(d, path)
    assert {x["name"] for x in everything(d)} == {f"net-{i}" for i in range(400, 500)}
    assert d.json("csv")["evicted"] == 400


# ---- restarts ------------------------------------------------------------------------------------------------------------------


def test_nothing_is_told_twice_after_a_restart(follow, logs):
    path = logs / "a.csv"
    path.write_text(HEAD + row(1) + row(2))
    d = follow()
    wait_read(d, path)
    wait_until(lambda: d.topic("csv/changes")["added"], why="they are told")
    d.stop()
    with open(path, "a") as f:
        f.write(row(3))
    d.start()
    wait_read(d, path)
    told = wait_until(lambda: d.topic("csv/changes"), why="the new one is told")
    assert [x["name"] for x in told["added"]] == ["net-3"] and told["changed"] == []
    assert {x["name"]: x["packets"] for x in everything(d)} == {"net-1": 1, "net-2": 1, "net-3": 1}
    assert wait_read(d, path)["rows"] == 3


def test_rotation_while_nobody_was_there(follow, logs):
    path = logs / "a.csv"
    path.write_text(HEAD + row(1))
    d = follow()
    wait_read(d, path)
    wait_until(lambda: d.topic("csv/changes")["added"], why="it is told, so the offset is kept")
    d.stop()
    with open(path, "a") as f:
        f.write(row(2))
    path.rename(logs / "a-old.csv")
    path.write_text(HEAD + row(3))
    d.start()
    wait_read(d, path)
    assert {x["name"]: x["packets"] for x in everything(d)} == {"net-1": 1, "net-2": 1, "net-3": 1}


def test_kill_9_at_random_moments_loses_and_doubles_nothing(follow, logs):
    """A writer appends as Kismet does, in blocks that end in half rows; the daemon is killed and started again."""
    path = logs / "a.wiglecsv"
    text = HEAD + "".join(row(i % 2000, -30 - i * 7 % 60, 1763900000 + i // 50) for i in range(20_000))
    over = threading.Event()

    def write():
        with open(path, "ab", buffering=0) as f:
            for at in range(0, len(text), 4096):
                f.write(text[at:at + 4096].encode())
                if over.wait(0.01):
                    break
            f.write(text[at + 4096:].encode())

    dice = random.Random(2)
    d = follow()
    writer = threading.Thread(target=write)
    writer.start()
    told = []
    try:
        for _ in range(KILLS):
            with d.events("csv/changes") as events:
                end = time.monotonic() + dice.uniform(0.05, 0.7)
                while (left := end - time.monotonic()) > 0:
                    try:
                        told.append(events.next(left).value)
                    except TimeoutError:
                        break
            d.kill()
            d.start()
    finally:
        over.set()
        writer.join()
    f = wait_read(d, path)
    assert f["rows"] == 20_000 and f["rejected"] == {}
    assert table_in(d) == table_of(text)
    added = [x["mac"] for t in told for x in t["added"]]
    assert len(added) == len(set(added)), "no device came twice"
    assert json.dumps(told)
