"""20,000 devices, fifty of which change each second: the page stays what it is."""
import json
import time

import pytest

from browser import DESKTOP, PHONE
from kit import settings
from patchbay import wait_until
from standin import Standin


@pytest.fixture(scope="module")
def many():
    s = Standin("--wall", devices=20000)
    yield s
    s.kill()


@pytest.mark.parametrize("size", ["desk", "phone"])
def test_twenty_thousand_devices(many, patchbayd, browser, tmp_path, shots, size):
    d = patchbayd(settings=settings(tmp_path, kismet=many.settings(max_devices=20000, timeout="30s", poll_interval="1s")))
    wait_until(lambda: d.topic("kismet/link")["state"] == "up", 60, "Kismet is up")
    p = browser.open(f"http://127.0.0.1:{d.port}/#/devices", DESKTOP if size == "desk" else PHONE)
    p.live()
    p.until("Number(document.querySelector('.virtual')?.getAttribute('aria-rowcount')) > 19900", 60)
    assert p.js("document.querySelectorAll('.vrow').length") < 100
    p.fill(at="input[type=search]", text="many-12345")
    p.until("document.querySelectorAll('.vrow').length === 1 && document.querySelector('.vrow .name').textContent === 'many-12345'")
    p.fill(at="input[type=search]", text="")
    p.js("document.querySelector('.virtual').scrollTop = 1e9")
    p.until("[...document.querySelectorAll('.vrow')].some(e => e.id === 'row-' + (Number(document.querySelector('.virtual').getAttribute('aria-rowcount')) - 2))")
    if size == "desk":
        p.click(at=".vhead .sort")  # by name
        p.js("document.querySelector('.virtual').scrollTop = 0")
    frames = """new Promise(done => { const t = []; let last = performance.now(); (function f() { const n = performance.now(); t.push(n - last); last = n; t.length < 90 ? requestAnimationFrame(f) : done(t.sort((a, b) => a - b)); })(); })"""
    keys = [f"IEEE802.11_0A{i:010X}" for i in range(50)] if size == "desk" else []
    for _ in range(3 if keys else 0):
        many.order("/touch", keys=keys, signal=-41)
        time.sleep(0.3)
    t = p.js(frames)
    print(f"{size}: table, ms a frame: median {t[45]:.1f}, 95 % {t[85]:.1f}, longest {t[-1]:.1f}")
    p.go("map")
    p.until("document.querySelector('canvas.map')?.map.points.devices.length > 19900", 30)
    p.js("document.querySelector('.mapbuttons button:last-child').click()")
    p.until("document.querySelector('canvas.map').map.camera.zoom > 9")
    for layers in ({"clusters": True, "heat": False}, {"clusters": False, "heat": True}):
        p.js(f"(() => {{ const m = document.querySelector('canvas.map').map; Object.assign(m.layers, {json.dumps(layers)}); m.fresh(); m.frameTimes.length = 0; }})()")
        p.js("new Promise(done => { const m = document.querySelector('canvas.map').map; let n = 0; (function f() { m.move({...m.camera, x: m.camera.x + 1e-6}); ++n < 60 ? requestAnimationFrame(f) : done(); })(); })")
        t = p.js("document.querySelector('canvas.map').map.frameTimes.slice().sort((a, b) => a - b)")
        assert len(t) >= 30
        print(f"{size}: map with {layers}, ms to draw: median {t[len(t) // 2]:.2f}, longest {t[-1]:.2f}")
        p.shot(file=str(shots / f"many-map-{size}-{'heat' if layers['heat'] else 'clusters'}.png"))
    print(f"{size}: page memory {p.js('performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0'):.0f} MB")
    assert p.errors() == []
    p.close()
