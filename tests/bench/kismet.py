"""The kismet plugin with 20,000 devices of the stand-in: memory, lists, and the longest hold of the loop while 10,000 arrive at once."""
import re
import statistics
import tempfile
import time

from bench import Row
from patchbay import Daemon, wait_until
from standin import Standin

DEVICES = 20_000


def longest(d):
    """Seconds: the longest callback of the plugin and of the core so far."""
    found = re.findall(r'patchbay_longest_callback_seconds\{plugin="(\w+)"\} ([\d.e-]+)', d.get("/metrics").text)
    return {name: float(v) for name, v in found}


def total(d):
    return d.json("kismet/devices?limit=1")["total"]


def seconds(f, times=9):
    out = []
    for _ in range(times):
        begin = time.monotonic()
        f()
        out.append(time.monotonic() - begin)
    return statistics.median(out)


def pages(d):
    cursor, n = "", 0
    while cursor is not None:
        p = d.json(f"kismet/devices?limit=1000&cursor={cursor}")
        n += len(p["devices"])
        cursor = p["next"]
    return n


def rows():
    s = Standin(speed=0)
    with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as folder:
        d = Daemon(f"{folder}/d", plugins=["kismet"], settings={"plugins": {"kismet": s.settings(poll_interval="1s", max_devices=30_000, timeout="60s")}})
        try:
            d.start()
            wait_until(lambda: total(d) == 141, 20)
            idle, before = d.rss(), longest(d)
            s.order("/devices", count=10_000)
            wait_until(lambda: total(d) == 10_141, 120)
            time.sleep(3)  # its changes are told
            after = longest(d)
            yield Row("longest hold of the loop, 10,000 devices at once", f"{after['kismet'] * 1000:.1f} ms (before: {before['kismet'] * 1000:.1f} ms)", "", "", "under 20 ms")
            s.order("/devices", count=10_000, begin=10_000)
            wait_until(lambda: total(d) == DEVICES + 141, 120)
            time.sleep(3)
            yield Row("RSS with 20,000 devices", f"{d.rss() / 2**20:.1f} MiB", f"{idle / 2**20:.1f} MiB (141 devices)")
            assert pages(d) == DEVICES + 141
            yield Row("full list of 20,000, in pages of 1,000", f"{seconds(lambda: pages(d)) * 1000:.0f} ms")
            keys = [k for k in s.devices() if k.startswith("IEEE")][:10]
            s.order("/touch", keys=keys, signal=-31)
            wait_until(lambda: d.json("kismet/devices?limit=10")["devices"][9]["signal"]["last"] == -31, 30)
            since = d.json("kismet/devices?limit=10")["devices"][9]["lastSeen"]
            assert d.json(f"kismet/devices?since={since}")["total"] == 10
            yield Row("list of the 10 that changed `since`", f"{seconds(lambda: d.get(f'kismet/devices?since={since}'), 99) * 1e6:.0f} µs", "", "", "")
            yield Row("search for a part of a name among 20,000", f"{seconds(lambda: d.get('kismet/devices?q=many-19'), 9) * 1e6:.0f} µs", "", "", "")
        finally:
            d.kill()
            s.kill()
