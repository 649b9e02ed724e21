"""TLS on the TCP listeners: what a client sees, renewal, what is no TLS, and that the gate's rules hold behind it."""
import http.client
import json
import os
import signal
import socket
import ssl
import struct
import subprocess

import pytest

from certificates import Authority
from patchbay import SLOW, executable, plugin_folder, wait_until

WEB = plugin_folder().parent / "tests/integration/web/web.so"


class Secure:
    """A daemon with a certificate, and clients that trust its authority."""

    def __init__(self, make, folder, settings=None):
        self.authority = Authority(folder / "tls")
        self.certificate, self.key = folder / "tls/server.pem", folder / "tls/server.key"
        self.serial = self.authority.sign("first", self.certificate, self.key)
        self.settings = {"http": {"certificate": str(self.certificate), "key": str(self.key), **(settings or {})}}
        self.daemon = make(plugins=[], start=False, settings=self.settings)
        self.daemon.put_plugin("web", WEB)
        self.daemon.start()
        wait_until(lambda: self.ask("/api/webhook/web/args/1")[0] == 200, why="the web plugin runs")

    def context(self):
        c = ssl.create_default_context(cafile=str(self.authority.certificate))
        return c

    def connect(self, context=None):
        raw = socket.create_connection(("127.0.0.1", self.daemon.port), 10 * SLOW)
        return (context or self.context()).wrap_socket(raw, server_hostname="127.0.0.1")

    def serial_seen(self):
        with self.connect() as s:
            return int(s.getpeercert()["serialNumber"], 16)

    def ask(self, path, method="GET", body=None, headers=None):
        c = http.client.HTTPSConnection("127.0.0.1", self.daemon.port, timeout=10 * SLOW, context=self.context())
        try:
            c.request(method, path, body, headers or {})
            r = c.getresponse()
            return r.status, r.read(), r.headers
        finally:
            c.close()

    def topic(self, name):
        return json.loads(self.ask(f"/api/webhook/topics/{name}")[1])["value"]


@pytest.fixture
def secure(patchbayd, tmp_path):
    return Secure(patchbayd, tmp_path)


def read_all(s):
    out = b""
    try:
        while piece := s.recv(65536):
            out += piece
    except (ConnectionResetError, TimeoutError):
        pass
    return out


def test_curl_verifies_it(secure):
    url = f"https://127.0.0.1:{secure.daemon.port}/api/webhook/web/args/7"
    trusting = subprocess.run(["curl", "-sS", "--cacert", secure.authority.certificate, "-w", "%{http_code}", url], capture_output=True, text=True)
    assert trusting.returncode == 0 and trusting.stdout.endswith("200"), trusting
    assert subprocess.run(["curl", "-sS", url], capture_output=True).returncode == 60, "nobody else vouches for it"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_old_versions_are_refused_and_these_are_not(secure, version):
    c = secure.context()
    c.minimum_version = c.maximum_version = version
    with secure.connect(c) as s:
        s.sendall(b"GET /api/webhook/web/args/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert read_all(s).startswith(b"HTTP/1.1 200 ")
    old = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{secure.daemon.port}", "-tls1_1", "-cipher", "ALL@SECLEVEL=0"],
                         stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert old.returncode != 0


def test_http_1_1_is_chosen_where_it_is_offered(secure):
    c = secure.context()
    c.set_alpn_protocols(["h2", "http/1.1"])
    with secure.connect(c) as s:
        assert s.selected_alpn_protocol() == "http/1.1"


def test_keep_alive_and_pipelining(secure):
    one = "GET /api/webhook/web/args/{} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with secure.connect() as s:
        f = s.makefile("rb")
        s.sendall("".join(one.format(n) for n in range(1, 41)).encode())
        for n in range(1, 41):
            assert f.readline().startswith(b"HTTP/1.1 200 ")
            size = int(http.client.parse_headers(f)["Content-Length"])
            assert json.loads(f.read(size))["number"] == n


def test_a_request_cut_anywhere_is_answered(secure):
    request = b'POST /api/webhook/web/body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"name":"ab"}'
    for cut in range(1, len(request), 7):
        with secure.connect() as s:
            s.sendall(request[:cut])
            s.sendall(request[cut:])
            assert s.recv(13) == b"HTTP/1.1 200 ", cut


def test_large_bodies_both_ways(secure):
    data = os.urandom(900_000)
    status, body, _ = secure.ask("/api/webhook/web/echo", "POST", data, {"Content-Type": "application/octet-stream"})
    assert status == 200 and body == data
    status, body, _ = secure.ask("/api/webhook/web/stream?count=200&size=20000")
    assert status == 200 and len(body) >= 200 * 20000


def test_a_slow_reader_gets_all_of_it(secure):
    with secure.connect() as s:
        s.sendall(b"GET /api/webhook/web/stream?count=400&size=20000 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        got = 0
        while piece := s.recv(3000):
            got += len(piece)
        assert got > 400 * 20000


def test_the_end_is_said(secure):
    with secure.connect() as s:
        s.sendall(b"GET /api/webhook/web/stream?count=3 HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        s.suppress_ragged_eofs = False
        while s.recv(4096):  # an SSLEOFError where the end was not said
            pass


def test_events_over_tls(secure):
    secure.ask("/api/webhook/web/value", "POST", '{"n":1}', {"Content-Type": "application/json"})
    with secure.connect() as s:
        s.sendall(b"GET /api/webhook/events?topics=web/value HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        seen = b""
        while b'{"n":1}' not in seen:
            seen += s.recv(4096)
        secure.ask("/api/webhook/web/value", "POST", '{"n":2}', {"Content-Type": "application/json"})
        while b'{"n":2}' not in seen:
            seen += s.recv(4096)


def test_websocket_over_tls(secure):
    with secure.connect() as s:
        s.sendall(b"GET /api/webhook/events HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                  b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += s.recv(1)
        assert head.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
        text = b'{"subscribe":["core/http"]}'
        mask = os.urandom(4)
        s.sendall(struct.pack("!BB", 0x81, 0x80 | len(text)) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(text)))
        seen = b""
        while b'"topic":"core/http"' not in seen:
            seen += s.recv(4096)


def test_the_same_site_is_https(secure):
    own = f"https://127.0.0.1:{secure.daemon.port}"
    post = dict(method="POST", body='{"n":3}')
    assert secure.ask("/api/webhook/web/value", headers={"Origin": own, "Content-Type": "application/json"}, **post)[0] < 300
    status, body, _ = secure.ask("/api/webhook/web/value", headers={"Origin": own.replace("https", "http"), "Content-Type": "application/json"}, **post)
    assert status == 403 and b"ORIGIN_FORBIDDEN" in body


def test_plain_http_is_told_to_use_https(secure):
    r = secure.daemon.get("/health")
    assert r.status == 400 and "https" in r.text and r.headers["Connection"] == "close"


@pytest.mark.parametrize("noise", [b"\x16\x03\x01\x00\x05hello", b"\x00" * 300, b"\x16\x03\x01\xff\xff" + b"a" * 70000, b"\x80\x2e\x01", b"get / http"])
def test_noise_ends_its_connection_alone(secure, noise):
    with secure.daemon.raw() as s:
        s.settimeout(15 * SLOW)
        try:
            s.sendall(noise)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        read_all(s)
    assert secure.ask("/api/webhook/web/args/1")[0] == 200


def test_half_a_handshake_is_closed(secure):
    hello = bytearray()
    out = ssl.MemoryBIO()
    client = secure.context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello += out.read()
    with secure.daemon.raw(30) as s, secure.daemon.raw(30) as silent:
        s.sendall(hello[:50])
        assert wait_until(lambda: secure.topic("core/http"), why="others are served meanwhile")
        assert read_all(s) == b"" and read_all(silent) == b""


def test_connections_in_a_handshake_count(patchbayd, tmp_path):
    s = Secure(patchbayd, tmp_path, {"max_connections": 4})
    idle = [s.daemon.raw() for _ in range(4)]
    try:
        wait_until(lambda: is_shut_out(s), why="no fifth is let in")
    finally:
        for c in idle:
            c.close()
    wait_until(lambda: s.ask("/api/webhook/web/args/1")[0] == 200, why="there is room again")


def is_shut_out(secure):
    try:
        with secure.connect():
            return False
    except (OSError, ssl.SSLError):
        return True


def test_a_renewed_certificate_is_taken_on_sighup(secure):
    assert secure.serial_seen() == secure.serial
    with secure.connect() as kept:
        second = secure.authority.sign("second", secure.certificate, secure.key)
        assert secure.serial_seen() == secure.serial, "not before it is told"
        secure.daemon.signal(signal.SIGHUP)
        wait_until(lambda: secure.serial_seen() == second, why="new connections see it")
        kept.sendall(b"GET /api/webhook/web/args/1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        assert read_all(kept).startswith(b"HTTP/1.1 200 "), "open ones go on"


def test_bad_new_files_leave_the_old_ones_in_force(secure):
    secure.key.write_text("no key")
    secure.daemon.signal(signal.SIGHUP)
    wait_until(lambda: "holds no private key in PEM" in secure.daemon.log, why="it is said")
    assert secure.serial_seen() == secure.serial
    config = json.loads(secure.ask("/api/webhook/plugins")[1])["config"]
    assert not config["ok"] and "patchbay.toml:" in config["error"] and str(secure.key) in config["error"]
    renewed = secure.authority.sign("good again", secure.certificate, secure.key)
    secure.daemon.signal(signal.SIGHUP)
    wait_until(lambda: secure.serial_seen() == renewed, why="a good pair is taken after it")


def flaws(folder, certificate, key):
    file = folder / "check.toml"
    file.write_text(f'[http]\ncertificate = "{certificate}"\nkey = "{key}"\n[state]\ndirectory = "{folder}/state"\n[plugin_host]\ndirectories = ["{folder}"]\n')
    r = subprocess.run([str(executable()), "--check", "--config", str(file)], capture_output=True, text=True)
    return r.returncode, r.stderr


def test_the_check_finds_what_cannot_be_used(tmp_path):
    folder = tmp_path / "check"
    a = Authority(folder)
    good, key, other, other_key = folder / "a.pem", folder / "a.key", folder / "b.pem", folder / "b.key"
    a.sign("a", good, key)
    a.sign("b", other, other_key)
    assert flaws(folder, good, key) == (0, "")
    missing = folder / "none.pem"
    code, text = flaws(folder, missing, key)
    assert code == 2 and f"check.toml:2:1: http.certificate: {missing} cannot be read: No such file" in text
    code, text = flaws(folder, good, other_key)
    assert code == 2 and f"check.toml:3:1: http.key: {other_key} does not belong to the certificate in {good}" in text
    code, text = flaws(folder, key, key)
    assert code == 2 and "holds no certificate in PEM" in text
    code, text = flaws(folder, good, folder)
    assert code == 2 and "is no regular file" in text
    locked = folder / "locked.key"
    subprocess.run(["openssl", "pkey", "-in", key, "-out", locked, "-aes128", "-passout", "pass:secret"], check=True)
    code, text = flaws(folder, good, locked)
    assert code == 2 and "is encrypted" in text
    half = folder / "half.pem"
    half.write_text(good.read_text() + other.read_text()[:-200])
    code, text = flaws(folder, half, key)
    assert code == 2 and "chain" in text


def test_unix_sockets_and_further_listeners_stay_plain(patchbayd, tmp_path):
    s = Secure(patchbayd, tmp_path)
    path = tmp_path / "http.sock"
    s.daemon.write({"http": {**s.settings["http"], "listen": [f"127.0.0.1:{s.daemon.port}", f"unix:{path}"]}})
    s.daemon.signal(signal.SIGHUP)
    wait_until(path.exists, why="it listens there")
    assert s.daemon.get("/api/webhook/web/args/1", unix=path).status == 200


def test_tls_comes_and_goes_with_the_settings(secure):
    d = secure.daemon
    d.write({})
    d.signal(signal.SIGHUP)
    wait_until(lambda: d.get("web/args/1").status == 200, why="plain now")
    d.write(secure.settings)
    d.signal(signal.SIGHUP)
    wait_until(lambda: secure.ask("/api/webhook/web/args/1")[0] == 200, why="encrypted again")


def test_many_connections_leave_nothing_behind(secure):
    def round():
        for _ in range(100):
            assert secure.ask("/api/webhook/web/args/1")[0] == 200

    round()
    before = secure.daemon.rss()
    for _ in range(3):
        round()
    assert secure.daemon.rss() < before + (2 << 20)
    wait_until(lambda: secure.daemon.descriptors() < 40, why="descriptors are closed")
