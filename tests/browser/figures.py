#!/usr/bin/env python3
"""The page's figures: bytes and time to first paint on a throttled line, time a frame among 20,000 devices, memory after an hour at 60 times its speed.

    PATCHBAYD=build/core/patchbayd PATCHBAY_PLUGINS=build/plugins tests/browser/figures.py NODE_MODULES
"""
import pathlib
import sys
import tempfile
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(pathlib.Path(__file__).resolve().parents[1] / "integration")]

from browser import DESKTOP, PHONE, Browser  # noqa: E402
from kit import Kit, settings  # noqa: E402
from patchbay import Daemon, wait_until  # noqa: E402
from standin import Standin  # noqa: E402

LINES = {"no limit": None, "3G fast (1.6 Mbit/s, 150 ms)": (1.6e6, 150), "3G slow (400 kbit/s, 400 ms)": (4e5, 400)}


def first_paint(browser, kit):
    for name, line in LINES.items():
        times, size = [], 0
        for _ in range(5):
            p = browser.open("about:blank", PHONE)
            p.cdp(method="Network.enable")
            p.cdp(method="Emulation.setCPUThrottlingRate", params={"rate": 4})
            if line:
                p.cdp(method="Network.emulateNetworkConditions", params={"offline": False, "latency": line[1], "downloadThroughput": line[0] / 8, "uploadThroughput": line[0] / 16})
            p.goto(url=kit.url)
            p.until("document.querySelector('.position [data-lat]')", 60)
            position = p.js("performance.now()")
            paint = p.until("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
            size = p.js("performance.getEntriesByType('resource').filter(e => !e.name.includes('/api/')).reduce((s, e) => s + e.transferSize, 0) + performance.getEntriesByType('navigation')[0].transferSize")
            times.append((paint, position))
            p.close()
        times.sort()
        print(f"first paint, {name}, a phone's processor: {times[2][0]:.0f} ms; first position {sorted(t[1] for t in times)[2]:.0f} ms; {size / 1000:.1f} kB")


def frames(browser, folder):
    standin = Standin("--wall", devices=20000)
    d = Daemon(folder, settings=settings(folder, kismet=standin.settings(max_devices=20000, timeout="30s", poll_interval="1s"))).start()
    try:
        wait_until(lambda: d.topic("kismet/link")["state"] == "up", 60)
        p = browser.open(f"http://127.0.0.1:{d.port}/#/devices", DESKTOP)
        p.live()
        p.until("Number(document.querySelector('.virtual')?.getAttribute('aria-rowcount')) > 19900", 60)
        ended = threading.Event()

        def change():
            n = 0
            while not ended.wait(1):
                standin.order("/touch", keys=[f"IEEE802.11_0A{(n + i) % 20000:010X}" for i in range(50)], signal=-40 - n % 40)
                n += 50

        changing = threading.Thread(target=change)
        changing.start()
        measure = "new Promise(done => { const t = []; let last = performance.now(); (function f() { const n = performance.now(); t.push(n - last); last = n; t.length < 900 ? requestAnimationFrame(f) : done(t.slice(1).sort((a, b) => a - b)); })(); })"
        for view in ("devices", "map"):
            p.go(view)
            time.sleep(3)
            t = p.js(measure)
            print(f"{view}, 50 of 20,000 change a second, ms a frame: median {t[len(t) // 2]:.1f}, 99 % {t[len(t) * 99 // 100]:.1f}, longest {t[-1]:.1f}")
        ended.set()
        changing.join()
        p.close()
    finally:
        d.stop()
        standin.kill()


def memory(browser, folder):
    kit = Kit(folder, speed=60)
    try:
        p = browser.open(f"{kit.url}#/map", DESKTOP)
        p.live()

        def heap():
            p.cdp(method="HeapProfiler.collectGarbage")
            return p.cdp(method="Runtime.getHeapUsage")["usedSize"] / 1e6

        time.sleep(5)
        before = heap()
        for view in ("map", "devices", "now", "plots", "processes", "log"):
            p.go(view)
            time.sleep(10)
        p.go("map")
        time.sleep(2)
        print(f"memory of the page: {before:.1f} MB after 5 s, {heap():.1f} MB after an hour at 60 times its speed; {p.js('document.querySelectorAll(`*`).length')} elements")
        p.close()
    finally:
        kit.stop()


def main():
    browser = Browser(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="patchbay-figures-") as d:
        folder = pathlib.Path(d)
        folder.chmod(0o755)
        for n in ("a", "b", "c"):
            (folder / n).mkdir()
        kit = Kit(folder / "a")
        first_paint(browser, kit)
        kit.stop()
        frames(browser, folder / "b")
        memory(browser, folder / "c")
    browser.close()


if __name__ == "__main__":
    main()
