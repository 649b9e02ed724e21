"""Strangers choose names, makers, alerts and what processes print. All of it is text, in the page and in what it exports."""
import csv
import io
import json
import xml.etree.ElementTree as xml

import pytest

from browser import DESKTOP
from kit import script, settings
from patchbay import wait_until
from standin import Standin

RAN = "window.ran = 1"
HOSTILE = [
    f"<script>{RAN}</script>", f"<img src=x onerror='{RAN}'>", f"\"><svg onload={RAN}>", f"javascript:{RAN}", f"{{{{constructor.constructor('{RAN}')()}}}}", f"</title><iframe srcdoc='<script>parent.ran=1</script>'>",
    "=cmd|'/c calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1", " =1+1", "＝1+1", "%0A=1", "a,b\"c\nd", "<b>&amp;]]></name>", "\u202egnp.exe", "\x00\x01\x1b[31mred", "🦊" * 20, "%s%n", "${7*7}", "__proto__", "constructor",
]


@pytest.fixture(scope="module")
def air(tmp_path_factory, request):
    s = Standin("--wall")
    for i, name in enumerate(HOSTILE):
        s.order("/device", mac=f"0E:00:00:00:00:{i:02X}", name=name, last_time=int(__import__("time").time()))
    yield s
    s.kill()


@pytest.fixture
def shown(air, patchbayd, browser, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text("\n".join(n.replace("\n", " ") for n in HOSTILE) + "\n", encoding="utf-8")
    talk = script(tmp_path / "talk.sh", f"#!/bin/sh\ncat {lines}\ncat {lines} >&2\nexec sleep 100\n")
    named = f"<img src=x onerror='{RAN}'>"
    d = patchbayd(settings=settings(tmp_path, kismet=air.settings(), procs={"process": {"talk": {"command": [talk]}, "dies": {"command": ["/bin/sh", "-c", f'echo "{named}" >&2; exit 9']}}}))
    wait_until(lambda: d.topic("kismet/link")["state"] == "up", 30, "Kismet is up")
    air.order("/event", topic="ALERT", value=alert(named))
    d.post("procs/talk/start")
    d.post("procs/dies/start")
    page = browser.open(f"http://127.0.0.1:{d.port}/#/devices", {**DESKTOP, "viewport": {"width": 1360, "height": 1600}})
    page.live()
    page.until(f"[...document.querySelectorAll('.vrow')].length >= {len(HOSTILE)}")
    yield d, page
    page.close()


def alert(text):
    return {"kismet.alert.class": "OTHER", "kismet.alert.header": text, "kismet.alert.severity": 15, "kismet.alert.text": text, "kismet.alert.hash": 1, "kismet.alert.timestamp": 1795000000.5,
            "kismet.alert.source_mac": "00:00:00:00:00:00", "kismet.alert.dest_mac": "00:00:00:00:00:00", "kismet.alert.other_mac": "00:00:00:00:00:00", "kismet.alert.transmitter_mac": "00:00:00:00:00:00",
            "kismet.alert.channel": "6", "kismet.alert.frequency": 2437000}


def test_nothing_of_it_runs_in_any_view(shown):
    d, p = shown
    p.fill(at="input[type=search]", text="script")
    p.until("[...document.querySelectorAll('.vrow .name')].some(e => e.textContent.startsWith('<script>'))")
    p.fill(at="input[type=search]", text="")
    views = ["now", "devices", *[f"devices/0E%3A00%3A00%3A00%3A00%3A{i:02X}" for i in range(6)], "map", "processes/talk", "processes/dies", "recovery", "plugins", "log", "interfaces", "locks", "ports", "plots"]
    for view in views:
        p.js(f"location.hash = '#/{view}'")
        p.until("document.querySelector('main .card, main canvas, main .empty')")
        if view == "processes/talk":
            p.until("[...document.querySelectorAll('.log p')].filter(e => e.textContent.includes('<img src=x')).length === 2")
        if view == "now":
            p.until("document.querySelector('[data-wrong=proc-dies]')?.textContent.includes('<img src=x')")
        assert p.js("[window.ran, document.querySelectorAll('img, iframe, script:not([src]), svg[onload], [onerror]').length]") == [None, 0], view
    assert p.errors() == []


def test_the_page_forbids_what_it_does_not_do(shown):
    """Even a mistake of ours would not run: neither markup made of text, nor code in the page, nor another host."""
    _, p = shown
    assert "TrustedHTML" in p.js("(() => { try { document.body.innerHTML = '<b>x</b>'; return 'done'; } catch (e) { return String(e); } })()")
    p.js("(() => { const s = document.createElement('style'); s.textContent = 'body { opacity: 0.5 }'; document.head.append(s); })()")
    assert p.js("getComputedStyle(document.body).opacity") == "1"
    assert p.js("fetch('http://127.0.0.1:9/').then(() => 'went', () => 'refused')") == "refused"


def test_exports_hold_the_names_and_no_formula(shown):
    d, p = shown
    names = {x["mac"]: x["name"] for x in d.json("kismet/devices?limit=1000")["devices"]}
    p.click(at=".menu:last-of-type summary")
    table = p.download(at="[data-export=csv]")
    assert table["name"].endswith(".csv")
    rows = list(csv.DictReader(io.StringIO(table["text"], newline="")))
    assert {r["mac"] for r in rows} == set(names)
    for r in rows:
        name = names[r["mac"]].replace("\x00", "")
        assert r["name"] in (name, "'" + name)
        for cell in ("name", "manufacturer", "type", "channel"):
            assert r[cell].lstrip(" ﻿ ")[:1] not in tuple("=+-@\t\r＝＋－＠"), r
    assert all(float(r["signal_dbm"]) < 0 for r in rows if r["signal_dbm"])  # numbers stay numbers
    p.click(at=".menu:last-of-type summary")
    p.click(at=".menu:last-of-type summary")
    kml = xml.fromstring(p.download(at="[data-export=kml]")["text"])
    space = "{http://www.opengis.net/kml/2.2}"
    marks = kml.findall(f".//{space}Placemark")
    assert len(marks) >= len(HOSTILE) and not kml.findall(f".//{space}script")
    told = {m.find(f"{space}name").text for m in marks}
    assert f"<script>{RAN}</script>" in told and "<b>&amp;]]></name>" in told
    features = json.loads(p.download(at="[data-export=geojson]")["text"])["features"]
    assert {f["properties"]["name"] for f in features} <= set(names.values()) and len(features) == len(marks)
