"""patchbayctl's figures: `status` with all plugins beside `systemctl status`, where systemd runs; and what a start alone costs."""
import json
import os
import pathlib
import subprocess
import tempfile

from bench import ROOT, Row
from patchbay import Daemon

TOOL = pathlib.Path(os.environ.get("PATCHBAYCTL", ROOT / "build-bench/ctl/patchbayctl"))
RUNS = os.environ.get("BENCH_RUNS", "200")


def median_ms(*command):
    """By hyperfine, without a shell."""
    with tempfile.NamedTemporaryFile(suffix=".json") as f:
        subprocess.run(["hyperfine", "-N", "-i", "-w", "10", "-r", RUNS, "--export-json", f.name, " ".join(str(c) for c in command)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return json.load(f)["results"][0]["median"] * 1000


def rows():
    with tempfile.TemporaryDirectory() as t:
        d = Daemon(pathlib.Path(t) / "d")
        d.start()
        try:
            ours = median_ms(TOOL, "--host", f"{d.host}:{d.port}", "status")
            theirs = median_ms("systemctl", "status") if os.path.isdir("/run/systemd/system") else None
            start = median_ms(TOOL, "--version")
            true = median_ms("/bin/true")
            yield Row("patchbayctl status, all plugins, median", f"{ours:.1f} ms", f"systemctl status {theirs:.1f} ms" if theirs else "no systemd here", f"{theirs / ours:.1f} times" if theirs else "", "")
            yield Row("patchbayctl --version, median", f"{start:.1f} ms", f"/bin/true {true:.1f} ms")
        finally:
            d.stop()
