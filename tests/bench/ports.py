"""A scan of the port table with 300 further processes: its time, and the longest hold of the loop."""
import re
import statistics
import subprocess
import tempfile
import time

from bench import Row
from patchbay import Daemon

PROCESSES = 300


def rows():
    others = [subprocess.Popen(["sleep", "600"]) for _ in range(PROCESSES)]
    try:
        with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as t:
            d = Daemon(f"{t}/d", plugins=["ports"])
            d.start()
            try:
                times = []
                for _ in range(15):
                    began = time.perf_counter()
                    d.json("ports")
                    times.append((time.perf_counter() - began) * 1000)
                longest = float(re.search(r'patchbay_longest_callback_seconds\{plugin="ports"\} ([\d.e-]+)', d.get("/metrics").text)[1])
                yield Row(f"GET ports, {PROCESSES} further processes", f"{statistics.median(times):.0f} ms, the first {times[0]:.0f} ms")
                yield Row("longest hold of the loop by it", f"{longest * 1000:.2f} ms", "", "", "20 ms")
            finally:
                d.stop()
    finally:
        for p in others:
            p.kill()
            p.wait()
