"""Files: [http] docroot and what a plugin mounts."""
import gzip
import os
import socket
import threading

import pytest

from patchbay import SLOW, wait_until
from streams import speaker  # noqa: F401 (a fixture)


@pytest.fixture
def site(speaker, tmp_path):
    """A daemon with a docroot of some files, and the same folder mounted by a plugin; d.root is the folder."""
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "bare").mkdir()
    (root / ".git").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (root / "index.html").write_text("<h1>home</h1>")
    (root / "sub/index.html").write_text("<h1>sub</h1>")
    (root / "app.js").write_text("let x = 1;\n" * 200)
    (root / "app.js.gz").write_bytes(gzip.compress(b"let x = 1;\n" * 200))
    (root / "app.js.br").write_bytes(b"(not really brotli)")
    (root / "Caf\u00e9 menu.txt").write_text("espresso")
    (root / "empty.txt").write_text("")
    (root / "digits.txt").write_text("0123456789")
    (root / "big.bin").write_bytes(os.urandom(3 << 20))
    (root / ".env").write_text("secret")
    (root / ".git/config").write_text("secret")
    (root / "inside.txt").symlink_to("digits.txt")
    (root / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (root / "up.txt").symlink_to("../secret.txt")
    (root / "etc").symlink_to("/etc")
    (root / "loop").symlink_to("loop")
    os.mkfifo(root / "pipe")
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(root / "sock"))
    s.close()
    d = speaker(http={"docroot": str(root)}, plugins={"speaker": {"folder": str(root)}})
    d.root = root
    return d


def raw(d, target, headers="", method="GET"):
    """(status, body) for a target that no client library would send."""
    out = d.exchange(f"{method} {target} HTTP/1.1\r\nHost: {d.host}\r\nConnection: close\r\n{headers}\r\n".encode("latin-1"))
    head, _, body = out.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def test_files_come_with_their_types(site):
    for path, kind, text in (("/", "text/html; charset=utf-8", "<h1>home</h1>"), ("/index.html", "text/html; charset=utf-8", "<h1>home</h1>"), ("/sub/", "text/html; charset=utf-8", "<h1>sub</h1>"),
                             ("/digits.txt", "text/plain; charset=utf-8", "0123456789"), ("/Caf%C3%A9%20menu.txt", "text/plain; charset=utf-8", "espresso"), ("/empty.txt", "text/plain; charset=utf-8", "")):
        r = site.get(path)
        assert (r.status, r.headers["Content-Type"], r.text) == (200, kind, text), path
        assert r.headers["X-Content-Type-Options"] == "nosniff" and r.headers["Cache-Control"] == "no-cache"
        h = site.request("HEAD", path)
        assert (h.status, h.headers["Content-Length"], h.body) == (200, str(len(r.body)), b""), path
        assert h.headers["ETag"] == r.headers["ETag"]
    assert site.get("/big.bin").body == (site.root / "big.bin").read_bytes()
    assert site.request("HEAD", "/big.bin").headers["Content-Length"] == str(3 << 20)


def test_a_folder_without_its_slash_is_redirected(site):
    r = site.get("/sub?x=1")
    assert (r.status, r.headers["Location"]) == (301, "/sub/?x=1")


@pytest.mark.parametrize("target", [
    "/../secret.txt", "/sub/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt", "/sub/%2e%2e/%2e%2e/secret.txt", "/..\\secret.txt", "/..%5csecret.txt",
    "//secret.txt", "/.//../secret.txt", "/%00", "/digits.txt%00", "/digits.txt%00.html", "/.env", "/%2eenv", "/.git/config", "/sub/../.env", "/outside.txt", "/up.txt", "/etc/passwd",
    "/loop", "/pipe", "/sock", "/bare/", "/bare", "/none", "/digits.txt/", "/digits.txt/x", "/sub%2findex.html", "/%ff", "/caf\xe9", "/./digits.txt", "/sub/./", "/con\x01trol", "/%0d%0aX:y",
    "/" + "a" * 300, "/" + "a/" * 2000, "/mounted/../secret.txt", "/mounted/outside.txt", "/mounted/.env", "/open/%2e%2e/secret.txt", "/mounted", "http://127.0.0.1/../secret.txt"])
def test_nothing_else_comes_out(site, target):
    status, body = raw(site, target)
    assert status in (400, 404) or (status, target) in ((301, "/bare"),), (status, body[:200])
    assert b"secret" not in body.replace(b"secret.txt", b"") and b"root:" not in body


def test_a_link_that_stays_inside_is_followed(site):
    assert site.get("/inside.txt").text == "0123456789"


def test_an_unchanged_file_is_not_sent_again(site):
    r = site.get("/digits.txt")
    etag, modified = r.headers["ETag"], r.headers["Last-Modified"]
    for headers in {"If-None-Match": etag}, {"If-None-Match": f'"x", W/{etag}'}, {"If-None-Match": "*"}, {"If-Modified-Since": modified}:
        n = site.get("/digits.txt", headers)
        assert (n.status, n.body, n.headers["ETag"]) == (304, b"", etag), headers
    for headers in {"If-None-Match": '"x"'}, {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, {"If-None-Match": '"x"', "If-Modified-Since": modified}:
        assert site.get("/digits.txt", headers).status == 200, headers
    half = site.root / ".half"
    half.write_text("9876543210")
    half.rename(site.root / "digits.txt")
    assert site.get("/digits.txt", {"If-None-Match": etag}).text == "9876543210"


def test_packed_twins_serve_who_takes_them(site):
    plain = site.get("/app.js")
    assert plain.text == "let x = 1;\n" * 200 and plain.headers["Content-Encoding"] is None
    packed = site.get("/app.js", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == plain.body
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert site.get("/app.js", {"Accept-Encoding": "gzip, br"}).headers["Content-Encoding"] == "br"
    assert site.get("/app.js", {"Accept-Encoding": "br;q=0, gzip;q=0.1"}).headers["Content-Encoding"] == "gzip"
    assert site.get("/app.js", {"Accept-Encoding": "gzip;q=0"}).headers["Content-Encoding"] is None
    assert len({plain.headers["ETag"], packed.headers["ETag"]}) == 2
    for r in plain, packed:
        assert "Accept-Encoding" in r.headers.get_all("Vary")


@pytest.mark.parametrize("path, size", [("/digits.txt", 10), ("/big.bin", 3 << 20)])
def test_ranges(site, path, size):
    whole = (site.root / path[1:]).read_bytes()
    for value, first, last in (("0-0", 0, 0), ("2-4", 2, 4), ("5-", 5, size - 1), ("-3", size - 3, size - 1), (f"0-{size * 2}", 0, size - 1), (f"-{size * 2}", 0, size - 1)):
        r = site.get(path, {"Range": f"bytes={value}", "Accept-Encoding": "gzip"})
        assert (r.status, r.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{size}"), value
        assert r.body == whole[first:last + 1] and r.headers["Accept-Ranges"] == "bytes"
    for value in f"{size}-", "-0":
        r = site.get(path, {"Range": f"bytes={value}"})
        assert (r.status, r.headers["Content-Range"]) == (416, f"bytes */{size}"), value
        assert r.json()["error"] == "RANGE_NOT_SATISFIABLE"
    for value in "bytes=0-1,3-4", "lines=1-2", "bytes=x", "bytes=4-2":
        assert (site.get(path, {"Range": value}).status, site.get(path, {"Range": value}).body) == (200, whole), value
    etag = site.get(path).headers["ETag"]
    assert site.get(path, {"Range": "bytes=1-1", "If-Range": etag}).status == 206
    assert site.get(path, {"Range": "bytes=1-1", "If-Range": '"old"'}).status == 200


def test_other_methods_are_not_for_files(site):
    assert site.post("/digits.txt", "x").status == 404
    assert site.request("DELETE", "/digits.txt").status == 404
    assert (site.root / "digits.txt").exists()


def test_routes_come_before_files(site):
    (site.root / "metrics").write_text("mine")
    assert "patchbay_" in site.get("/metrics").text


def test_a_large_file_waits_for_its_reader_and_others_do_not(site):
    """The reader takes nothing while 100 other requests are served; then it gets every byte."""
    (site.root / "huge.bin").write_bytes(os.urandom(1 << 20) * 64)
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(30 * SLOW)
        s.connect((site.host, site.port))
        s.sendall(f"GET /huge.bin HTTP/1.1\r\nHost: {site.host}\r\nConnection: close\r\n\r\n".encode())
        s.recv(1)
        before = rss(site)
        assert {site.get("/digits.txt").status for _ in range(100)} == {200}
        assert rss(site) - before < 8 << 20
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        got = 1
        while piece := s.recv(1 << 20):
            got += len(piece)
    assert got > 64 << 20
    assert site.get("/huge.bin").body == (site.root / "huge.bin").read_bytes()


def test_readers_that_leave_leave_nothing(site):
    (site.root / "huge.bin").write_bytes(b"x" * (32 << 20))
    site.get("/digits.txt")
    before = len(os.listdir(f"/proc/{site.pid}/fd"))
    for _ in range(30):
        with site.raw() as s:
            s.sendall(f"GET /huge.bin HTTP/1.1\r\nHost: {site.host}\r\n\r\n".encode())
            s.recv(1000)
    wait_until(lambda: len(os.listdir(f"/proc/{site.pid}/fd")) <= before, why="the files and sockets are closed")


def test_a_file_that_shrinks_ends_the_connection_short(site):
    path = site.root / "shrinks.bin"
    path.write_bytes(b"x" * (32 << 20))
    with site.raw() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.sendall(f"GET /shrinks.bin HTTP/1.1\r\nHost: {site.host}\r\n\r\n".encode())
        s.recv(1000)
        os.truncate(path, 1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        got = 1000
        while piece := s.recv(1 << 20):
            got += len(piece)
    assert got < 32 << 20
    assert site.get("/digits.txt").status == 200


def rss(d):
    return next(int(line.split()[1]) << 10 for line in open(f"/proc/{d.pid}/status") if line.startswith("VmRSS"))


def test_a_plugins_folder_comes_and_goes_with_it(site):
    r = site.get("/mounted/digits.txt")
    assert (r.status, r.text, r.headers["X-Speaker"], r.headers["Cache-Control"]) == (200, "0123456789", "yes", "max-age=31536000, immutable")
    assert site.get("/mounted/").text == "<h1>home</h1>"
    site.post("plugins/speaker/disable")
    assert site.get("/mounted/digits.txt").status == 404
    site.post("plugins/speaker/enable")
    wait_until(lambda: site.get("/mounted/digits.txt").status == 200)


def test_roles_hold_for_files(speaker, tmp_path):
    (tmp_path / "page.html").write_text("page")
    d = speaker(http={"docroot": str(tmp_path)}, auth={"mode": "token"}, plugins={"speaker": {"folder": str(tmp_path)}})
    assert d.get("/open/page.html").status == 200
    for path in "/page.html", "/mounted/page.html", "/none":
        assert d.get(path).status == 401, path


def test_a_docroot_that_is_replaced_or_gone(site):
    new = site.root.parent / "new"
    new.mkdir()
    (new / "index.html").write_text("new")
    site.root.rename(site.root.parent / "old")
    assert site.get("/").status == 404
    new.rename(site.root)
    assert site.get("/").text == "new"


def test_many_ask_at_once(site):
    wrong = []

    def ask():
        for _ in range(20):
            r = site.get("/app.js")
            if r.status != 200 or len(r.body) != 2200:
                wrong.append(r)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60 * SLOW)
    assert not wrong
