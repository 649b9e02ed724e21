"""The dashboard's plugin without a browser: files and their headers, own tiles, the last hour, the way driven."""
import subprocess
import sys
import zlib

import pytest

from patchbay import ROOT, wait_until


@pytest.fixture
def page(tmp_path):
    """A built page in small."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>x</title>")
    (folder / "assets/main-1.js").write_text("let a;\n" * 200)
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    (folder / "assets/main-1.js.gz").write_bytes(packed.compress((folder / "assets/main-1.js").read_bytes()) + packed.flush())
    (tmp_path / "secret").write_text("secret")
    (folder / "assets/out").symlink_to(tmp_path / "secret")
    return folder


@pytest.fixture
def dashboard(patchbayd, page, tmp_path):
    tiles = tmp_path / "tiles"
    (tiles / "3/4").mkdir(parents=True)
    (tiles / "3/4/2.png").write_bytes(b"\x89PNG not really")
    return patchbayd(plugins=["dashboard"], settings={"plugins": {"dashboard": {"folder": str(page), "tiles": str(tiles), "interval": "2s"}}})


def test_the_page_and_its_files_come_with_strict_headers(dashboard):
    for path in ("/", "/index.html", "/assets/main-1.js", "/tiles/3/4/2.png"):
        r = dashboard.get(path)
        assert r.status == 200, path
        policy = dict(d.strip().split(" ", 1) for d in r.headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'none'" and policy["script-src"] == "'self'" and policy["style-src"] == "'self'" and policy["frame-ancestors"] == "'none'"
        assert "unsafe" not in r.headers["Content-Security-Policy"] and policy["require-trusted-types-for"] == "'script'"
        assert r.headers.get_all("X-Content-Type-Options") == ["nosniff"]
        assert r.headers["Referrer-Policy"] == "no-referrer" and r.headers["X-Frame-Options"] == "DENY"
    assert dashboard.get("/").headers["Content-Type"].startswith("text/html")
    assert dashboard.get("/assets/main-1.js").headers["Content-Type"].startswith("text/javascript")


def test_files_are_cached_and_packed(dashboard):
    r = dashboard.get("/assets/main-1.js", headers={"Accept-Encoding": "gzip"})
    assert r.headers["Content-Encoding"] == "gzip" and "immutable" in r.headers["Cache-Control"] and "Accept-Encoding" in r.headers["Vary"]
    first = dashboard.get("/")
    assert first.headers["Cache-Control"] == "no-cache"
    assert dashboard.get("/", headers={"If-None-Match": first.headers["ETag"]}).status == 304


def test_there_is_no_way_out_of_the_folders(dashboard):
    for path in ("/../secret", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret", "/assets/..%2f..%2fsecret", "/assets/out", "/tiles/../secret", "/tiles/%2e%2e/secret", "/tiles//etc/passwd", "/.hidden"):
        answer = dashboard.exchange(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        assert b"secret" not in answer.split(b"\r\n\r\n", 1)[-1] or b"nothing is served" in answer, path
        assert answer.split(b" ", 2)[1] in (b"400", b"404"), (path, answer[:80])


def test_routes_come_before_files(dashboard, page):
    (page / "metrics").write_text("not these")
    assert "patchbay_info" in dashboard.get("/metrics").body.decode()


def test_the_last_hour_is_sampled_and_told(dashboard):
    columns = wait_until(lambda: (c := dashboard.json("dashboard/history")["columns"]) and len(c["time"]) >= 3 and c, 20, "three samples")
    assert {len(v) for v in columns.values()} == {len(columns["time"])}
    assert columns["time"] == sorted(columns["time"])
    for name in ("memory_percent", "disk_percent", "cpu_percent"):
        assert 0 <= columns[name][-1] <= 100, name
    assert columns["daemon_bytes"][-1] > 1e6 and 0 <= columns["loop_lag_ms"][-1] < 10_000
    assert columns["satellites_used"][-1] is None and columns["devices"][-1] is None  # nobody who knows is there
    sample = dashboard.topic("dashboard/sample")
    assert sample["disk_total"] > sample["disk_free"] >= 0 and sample["memory_total"] > 0
    assert dashboard.topic("dashboard/host") | {"name": "", "version": "", "processors": 0} == {"name": "", "version": "", "tiles": True, "processors": 0}
    assert dashboard.call("dashboard.history")["columns"]["time"]


def test_the_way_driven_is_kept(patchbayd, page, gpsd):
    g = gpsd(receivers=1)
    g.receivers[0].step = 2e-4  # 22 m an epoch
    d = patchbayd(plugins=["dashboard", "gpsd"], settings={"plugins": {"dashboard": {"folder": str(page), "interval": "2s"}, "gpsd": {"port": g.port}}})
    points = wait_until(lambda: len(p := d.json("dashboard/track")["points"]) >= 4 and p, 30, "four points")
    assert points[0][3:] == [1] and all(p[3:] == [] for p in points[1:])
    lats = [p[1] for p in points]
    assert lats == sorted(lats) and lats[-1] > lats[0]
    wait_until(lambda: d.topic("dashboard/sample")["satellites_used"] == 8, 20, "satellites are sampled")
    assert d.call("dashboard.clear_track") == {"cleared": True}
    assert len(d.json("dashboard/track")["points"]) < len(points)


def test_nothing_is_measured_for_it(patchbayd, page):
    """What it looks at for its samples does not count as somebody who looks."""
    d = patchbayd(plugins=["dashboard", "kismet"], settings={"plugins": {"dashboard": {"folder": str(page)}, "kismet": {"url": "http://127.0.0.1:9"}}})
    wait_until(lambda: d.topic("dashboard/sample"), 20)
    watchers = {t["name"]: t["watchers"] for t in d.json("topics")["topics"]}
    assert watchers["kismet/summary"] == 0 and watchers["dashboard/sample"] == 0


def test_a_folder_without_a_page_is_told(patchbayd, tmp_path):
    d = patchbayd(plugins=["dashboard"], settings={"plugins": {"dashboard": {"folder": str(tmp_path / "none")}}})
    assert "there is no page in" in d.log
    assert d.get("/").status == 404
    assert d.json("dashboard/history")["columns"]["time"] is not None


def test_settings_that_cannot_be_are_refused(patchbayd, tmp_path):
    d = patchbayd(plugins=["dashboard"], settings={"plugins": {"dashboard": {"folder": "page"}}})
    p = d.wait_plugin("dashboard", "failed")
    assert "absolute" in p["reason"]
    d.write({"plugins": {"dashboard": {"folder": str(tmp_path), "interval": "100ms"}}})
    d.signal(1)
    wait_until(lambda: "interval must be between" in d.plugin("dashboard").get("reason", ""), 10, "100 ms is refused")


def build_page(tmp_path, mode, path):
    """web/build.py as meson calls it."""
    out = tmp_path / mode
    script = ROOT / "plugins/dashboard/web/build.py"
    done = subprocess.run([sys.executable, str(script), "--out", str(out), "--depfile", str(tmp_path / "d"), "--work", str(tmp_path / "work"), "--mode", mode],
                          env={"PATH": path}, capture_output=True, text=True, timeout=60)
    return done, out / "index.html"


def test_without_npm_a_page_says_so_and_the_build_goes_on(tmp_path):
    done, page = build_page(tmp_path, "auto", "/nowhere")
    assert done.returncode == 0 and "no npm" in done.stderr
    assert "no npm" in page.read_text() and "/openapi.json" in page.read_text()
    assert page.parent.stat().st_mtime < 100  # tried again by the next build
    done, page = build_page(tmp_path, "enabled", "/nowhere")
    assert done.returncode == 1 and "no npm" in done.stderr and not page.exists()
    done, page = build_page(tmp_path, "disabled", "/nowhere")
    assert done.returncode == 0 and "-Ddashboard=disabled" in page.read_text()


def test_an_npm_that_fails_is_told_with_its_words(tmp_path):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'network <b>is</b> unreachable' >&2\nexit 7\n")
    npm.chmod(0o755)
    done, page = build_page(tmp_path, "auto", f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 0 and "unreachable" in done.stderr
    assert "&lt;b&gt;is" in page.read_text()


@pytest.mark.parametrize("end", ["kill", "stop", "reload"])
def test_the_way_outlives_what_ends_the_plugin(patchbayd, page, gpsd, end):
    g = gpsd(receivers=1)
    g.receivers[0].step = 2e-4
    d = patchbayd(plugins=["dashboard", "gpsd"], settings={"plugins": {"dashboard": {"folder": str(page), "interval": "2s"}, "gpsd": {"port": g.port}}})
    wait_until(lambda: len(d.json("dashboard/track")["points"]) >= 4 and len(d.json("dashboard/history")["columns"]["time"]) > 2, 30, "some of both")
    began, first = d.json("dashboard/track")["points"][0], d.json("dashboard/history")["columns"]["time"][0]
    if end == "reload":
        assert d.post("plugins/dashboard/reload").status == 200
    else:
        getattr(d, end)()
        d.start()
    wait_until(lambda: (p := d.json("dashboard/track")["points"]) and p[0] == began and len(p) > 4, 20, "the way begins where it began")
    if end != "kill":  # the hour is written when the plugin stops
        wait_until(lambda: d.json("dashboard/history")["columns"]["time"][0] == first, 20, "the hour begins where it began")


def test_it_is_replaced_in_place(dashboard):
    before = dashboard.json("dashboard/history")
    assert dashboard.post("plugins/dashboard/reload").status == 200
    assert dashboard.get("/").status == 200 and dashboard.get("/assets/main-1.js").status == 200
    assert dashboard.json("dashboard/history")["interval_ms"] == before["interval_ms"]
