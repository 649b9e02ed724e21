"""What happens while somebody looks: the kit moves, processes and plugins come and go, the daemon dies."""
import json
import os
import struct
import zlib

import pytest

from browser import DESKTOP, Browser
from kit import Drive, page_folder, processes, settings
from netns import WITH_OWN_SYS, ip, own_network
from patchbay import merged, wait_until


def url(d, view="now"):
    return f"http://127.0.0.1:{d.port}/#/{view}"


def test_the_marker_moves_with_the_kit(kit, browser):
    p = browser.open(f"{kit.url}#/map", DESKTOP)
    p.live()
    p.until("document.querySelector('canvas.map')?.map.kit")
    p.js("document.querySelector('canvas.map').map.follows = false")
    # what is drawn: the marker's colour is where the kit is, and follows it
    at = """(() => { const c = document.querySelector('canvas.map'), m = c.map, k = m.kit; if (!k) return null;
        const [x, y] = m.screen(k.lon / 360 + 0.5, 0.5 - Math.log((1 + Math.sin(k.lat * Math.PI / 180)) / (1 - Math.sin(k.lat * Math.PI / 180))) / (4 * Math.PI));
        const r = c.width / c.clientWidth, d = c.getContext('2d').getImageData(Math.round(x * r), Math.round(y * r), 1, 1).data; return {x, y, rgb: [...d].slice(0, 3)}; })()"""
    first = p.js(at)
    assert first["rgb"] != p.js("[...document.querySelector('canvas.map').getContext('2d').getImageData(3, 300, 1, 1).data].slice(0, 3)")
    p.until(f"(() => {{ const a = {at}; return Math.hypot(a.x - {first['x']}, a.y - {first['y']}) > 8 && JSON.stringify(a.rgb) === JSON.stringify({json.dumps(first['rgb'])}); }})()", 25)
    camera = p.js("document.querySelector('canvas.map').map.camera")
    p.click(at=".mapbuttons button[aria-label=Follow]")
    p.until(f"Math.abs(document.querySelector('canvas.map').map.camera.x - {camera['x']}) > 1e-7")
    p.until("document.querySelector('canvas.map').map.track.length > 2")
    assert p.errors() == []
    p.close()


def test_a_click_starts_a_process_and_another_stops_it(patchbayd, browser, tmp_path):
    d = patchbayd(settings=settings(tmp_path, procs={"process": processes(tmp_path), "group": {"both": ["feed", "kismet"]}}))
    p = browser.open(url(d, "processes"))
    p.live()
    state = "document.querySelector('.node[data-process={}]')?.dataset.state"
    p.until(state.format("kismet") + " === 'stopped'")
    p.click(at=".node[data-process=kismet] .do.first")
    p.until(state.format("kismet") + " === 'ready' && " + state.format("feed") + " === 'ready'")  # with what it needs
    assert d.json("procs/kismet")["state"] == "ready"
    p.click(at=".node[data-process=kismet] a")
    p.until("document.querySelectorAll('.proclog .log p').length > 2 && document.querySelector('.proclog .log p.stderr')")
    p.fill(at=".proclog input[type=search]", text="dropped")
    p.until("[...document.querySelectorAll('.proclog .log p')].every(x => x.textContent.includes('dropped')) && document.querySelector('.proclog mark')")
    p.click(at=".node[data-process=kismet] .do")
    p.click(at=".node[data-process=kismet] .do.asked")  # what hurts is asked for twice
    p.until(state.format("kismet") + " === 'stopped'")
    assert p.errors() == []
    p.close()


def test_what_fails_stands_first_with_the_button_that_mends_it(patchbayd, browser, tmp_path):
    flag = tmp_path / "mended"
    mended = {"flaky": {"command": ["/bin/sh", "-c", f"[ -e {flag} ] || {{ echo it is not plugged in >&2; exit 4; }}; exec sleep 100"]}}
    d = patchbayd(settings=settings(tmp_path, procs={"process": mended}, recovery={"enabled": False}))
    p = browser.open(url(d))
    p.live()
    d.post("procs/flaky/start")
    p.until("document.querySelector('[data-wrong=proc-flaky]')?.textContent.includes('it is not plugged in')")
    assert p.js("document.querySelector('main .view').firstElementChild.matches('.wrong')")
    flag.touch()
    p.click(at="[data-wrong=proc-flaky] .do.first")
    p.until("!document.querySelector('[data-wrong=proc-flaky]')")
    wait_until(lambda: d.json("procs/flaky")["state"] == "ready")
    p.close()


def test_a_plugin_dropped_in_appears_and_is_switched(patchbayd, browser, tmp_path):
    d = patchbayd(plugins=["dashboard"], settings={"plugins": {"dashboard": {"folder": str(page_folder())}}})
    p = browser.open(url(d, "locks"))
    p.live()
    p.until("document.querySelector('main').textContent.includes('locks does not run')")
    d.put_plugin("locks")
    p.until("document.querySelector('main .card')")  # the view itself, without a reload
    p.go("plugins")
    p.until("document.querySelector('[data-row=locks] .state')?.textContent.includes('running')")
    p.click(at="[data-row=locks] .do")
    p.click(at="[data-row=locks] .do.asked")
    p.until("document.querySelector('[data-row=locks] .state')?.textContent.includes('disabled')")
    p.click(at="[data-row=locks] .do.first")
    p.until("document.querySelector('[data-row=locks] .state')?.textContent.includes('running')")
    d.remove_plugin("locks")
    p.until("!document.querySelector('[data-row=locks]')")
    assert p.errors() == []
    p.close()


def test_a_daemon_that_dies_and_comes_back(tmp_path, patchbayd, browser):
    drive = Drive()
    try:
        d = patchbayd(settings=settings(tmp_path, gpsd={"port": drive.port}))
        p = browser.open(url(d))
        p.live()
        p.until("document.querySelector('.position [data-lat]')")
        p.js("window.same = true")
        d.kill()
        p.until("document.querySelector('.lost')?.textContent.match(/No link to Patchbay for [0-9]/) && document.querySelector('[data-link=lost]')")
        old = p.until("document.querySelector('.position .age')?.textContent.match(/[2-9].s ago/)?.[0]")  # what is still seen says how old it is
        assert old
        d.start()
        p.live()
        p.until("!document.querySelector('.lost') && document.querySelector('.position .age')?.textContent === 'now'", 30)
        assert p.js("window.same") is True, "it was reloaded"
        lat = p.js("document.querySelector('.position [data-lat]').dataset.lat")
        p.until(f"document.querySelector('.position [data-lat]').dataset.lat !== {json.dumps(lat)}")
        assert [m for m in p.errors() if m["type"] == "pageerror"] == []
        p.close()
    finally:
        drive.stop()


def png(rgb, size=256):
    """A picture of one colour."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = (b"\0" + bytes(rgb) * size) * size
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_own_tiles_are_drawn_where_there_are_any(patchbayd, browser, tmp_path):
    for x in range(16):
        for y in range(16):
            (tmp_path / f"tiles/4/{x}").mkdir(parents=True, exist_ok=True)
            (tmp_path / f"tiles/4/{x}/{y}.png").write_bytes(png((200, 30, 60 + x)))
    d = patchbayd(settings=merged(settings(tmp_path), {"plugins": {"dashboard": {"tiles": str(tmp_path / "tiles")}}}))
    p = browser.open(url(d, "map"))
    p.live()
    p.until("document.querySelector('canvas.map')?.map.hasTiles")
    pixel = "[...document.querySelector('canvas.map').getContext('2d').getImageData(420, 520, 1, 1).data].slice(0, 3)"
    for zoom in (4, 5.5):  # its own scale, and a nearer one for which there are none
        p.js(f"document.querySelector('canvas.map').map.look(51, 10, {zoom})")
        p.until(f"(() => {{ const [r, g] = {pixel}; return r === 200 && g === 30; }})()")
    assert p.errors() == []
    p.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_an_interface_is_taken_and_given_back(patchbayd, modules, tmp_path):
    with own_network():
        ip("link add dummy9 type veth peer name dummy8")
        browser = Browser(modules)  # in there as well
        try:
            d = patchbayd(settings=merged(settings(tmp_path), {"plugins": {"netif": {"interfaces": ["dummy9"]}}}), wrap=WITH_OWN_SYS)
            p = browser.open(url(d, "interfaces"))
            p.live()
            p.click(at="[data-row=dummy9] td.actions button")
            p.fill(at=".dialog input[name=owner]", text="me")
            p.click(at=".dialog button.first")
            p.until("document.querySelector('[data-row=dummy9] .state.good')?.textContent.includes('me')")
            assert d.json("interfaces/dummy9")["owner"]["owner"] == "me"
            p.click(at="[data-row=dummy9] td.actions .do")
            p.click(at="[data-row=dummy9] td.actions .do.asked")
            p.until("document.querySelector('[data-row=dummy9] td.actions button')?.textContent === 'Take'")
            assert d.json("interfaces/dummy9")["owner"] is None
            assert p.errors() == []
            p.close()
        finally:
            browser.close()
            d.stop()


def test_a_second_load_brings_the_last_hour(kit, browser):
    wait_until(lambda: len(kit.daemon.json("dashboard/history")["columns"]["time"]) > 2, 20, "some samples")
    p = browser.open(f"{kit.url}#/plots", DESKTOP)
    p.until("document.querySelectorAll('.plot').length > 4")
    assert p.js("document.querySelector('.plot output').textContent") != "– / –"
    p.close()

