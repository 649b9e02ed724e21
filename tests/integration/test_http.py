"""HTTP on the wire: framing, limits, order, bodies, streams, upgrades, clients that leave, out of connections and descriptors."""
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from patchbay import ROOT, SLOW, Daemon, executable, free_port, plugin_folder, wait_until
from raw import Raw, get, post

WEB = plugin_folder().parent / "tests/integration/web/web.so"
HOOK = "/api/webhook/"
KEPT = HOOK + "web/value"


def start(folder, settings=None, **kw):
    d = Daemon(folder, plugins=[], settings=settings or {}, **kw)
    d.put_plugin("web", WEB)
    d.start()
    wait_until(lambda: d.get("web/args/1").status == 200, why="the web plugin runs")
    d.post("web/value", '{"a":1}')
    return d


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """One daemon for all tests that leave nothing behind."""
    d = start(tmp_path_factory.mktemp("web"))
    yield d
    d.stop()


@pytest.fixture
def own(tmp_path):
    """own(settings) → a daemon for one test."""
    made = []

    def make(settings=None, **kw):
        made.append(start(tmp_path / f"own{len(made)}", settings, **kw))
        return made[-1]

    yield make
    for d in made:
        d.stop()


def happened(d, what):
    return d.json("web/events")["what"] == what if d.get("web/events").status == 200 else False


def error_of(reply):
    j = reply.json()
    assert j["success"] is False and j["message"] and j["timestamp"].endswith("Z"), j
    assert reply.headers["content-type"] == "application/json"
    return j["error"]


# ---- framing -------------------------------------------------------------------------------------------------------------


def test_a_request_cut_anywhere_is_answered(web):
    request = post(HOOK + "web/body?x=y", '{"name":"äß"}'.encode().decode("latin-1"), "X-Long: " + "y" * 50)
    for cut in range(1, len(request)):
        with Raw(web) as c:
            c.send(request[:cut])
            time.sleep(0.0005)
            assert c.ask(request[cut:]).json()["name"] == "äß"
    with Raw(web) as c:
        for byte in request * 2:
            c.send(byte)
        assert c.reply().json()["name"] == c.reply().json()["name"] == "äß"


def test_chunked_bodies_cut_anywhere(web):
    request = get(HOOK + "web/body", "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST") + '7\r\n{"name"\r\n5\r\n:"ab"\r\n1\r\n}\r\n0\r\n\r\n'
    for cut in range(1, len(request)):
        with Raw(web) as c:
            c.send(request[:cut])
            time.sleep(0.0005)
            c.send(request[cut:] + get(KEPT))
            assert c.reply().json()["name"] == "ab"
            assert c.reply().json() == {"a": 1}


def test_pipelined_requests_are_answered_in_order(web):
    with Raw(web) as c:
        paths = ["web/args/1", "web/later?wait=150ms", "web/args/2", "web/greet/x", "web/later?wait=20ms", "web/args/3", "web/stream?count=4", "web/args/4"]
        c.send("".join(get(HOOK + p) for p in paths))
        got = [c.reply() for _ in paths]
        assert [r.status for r in got] == [200] * len(paths)
        assert [r.json().get("number") for r in got if r.body.startswith(b'{"number"')] == [1, 2, 3, 4]
        assert got[1].json() == got[4].json() == {"late": True}
        assert got[3].json()["greeting"] == "x"
        assert got[6].body == b"x" * 20


def test_many_pipelined_requests(web):
    with Raw(web) as c:
        n = 3000
        sender = threading.Thread(target=c.send, args=(get(KEPT) * n,))
        sender.start()
        for _ in range(n):
            assert c.reply().status == 200
        sender.join()


def test_a_pipeline_behind_a_slow_request_waits_and_is_all_answered(web):
    with Raw(web) as c:
        n = 4000
        sender = threading.Thread(target=c.send, args=(get(HOOK + "web/later?wait=300ms") + get(KEPT) * n,))
        sender.start()
        assert c.reply().json() == {"late": True}
        for _ in range(n):
            assert c.reply().json() == {"a": 1}
        sender.join()


MALFORMED = {
    "two lengths": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
    "length and chunked": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked and length": ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n", 400),
    "blank before the colon": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 1\r\n\r\na", 400),
    "negative length": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    "signed length": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na", 400),
    "list of lengths": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\na", 400),
    "huge length": ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
    "other coding": ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "hidden coding": ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked in 1.0": ("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "bare LF": ("GET / HTTP/1.1\nHost: a\n\n", 400),
    "bare LF in headers": ("GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
    "bare CR": ("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400),
    "folded": ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
    "no colon": ("GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400),
    "NUL in a header": ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400),
    "NUL in the path": ("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no Host": ("GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "HTTP/0.9": ("GET /\r\n\r\n", 505),
    "HTTP/2": ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "no version": ("GET / HTTQ/1.1\r\nHost: a\r\n\r\n", 400),
    "two blanks": ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "blank in the path": ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "fragment": ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "star": ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "small letters": ("get / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
    "CONNECT": ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "TRACE": ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "expectation": ("POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nContent-Length: 1\r\n\r\na", 417),
    "TLS": ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "\0" * 200, 400),
    "SSH": ("SSH-2.0-OpenSSH_9.2\r\n", None),
    "binary": ("\x80\xff\xfe", 400),
    "chunk extension": ("POST /api/webhook/web/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\na\r\n0\r\n\r\n", 400),
    "chunk size": ("POST /api/webhook/web/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    "chunk too long": ("POST /api/webhook/web/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", 400),
    "trailer": ("POST /api/webhook/web/echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n", 400),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_requests_are_told_what_is_wrong_and_closed(web, name):
    data, status = MALFORMED[name]
    if status is None:  # an end is needed to see that it is none
        data, status = data + "\r\n", 400
    with Raw(web) as c:
        # What stands behind must never be answered: that would be the smuggled request.
        r = c.ask(data + get("/smuggled"))
        assert r.status == status
        error_of(r)
        assert r.headers["connection"] == "close"
        assert c.is_closed()


def test_form_posts_and_multipart_names_are_ordinary(web):
    body = "a" * 900_000  # libevhtp alone puts such a body on its stack
    with Raw(web) as c:
        r = c.ask(post(HOOK + "web/echo", body, kind="application/x-www-form-urlencoded"))
        assert r.body == body.encode()
        r = c.ask(get(KEPT, "Content-Type: multipart"))
        assert r.json() == {"a": 1}


def test_http_1_0(web):
    with Raw(web) as c:
        r = c.ask(get(KEPT, version="HTTP/1.0"))
        assert r.status == 200 and r.headers["connection"] == "close" and c.is_closed()
    with Raw(web) as c:
        for _ in range(2):
            assert c.ask(get(KEPT, "Connection: Keep-Alive", version="HTTP/1.0")).headers["connection"] == "keep-alive"
    with Raw(web) as c:
        c.send("GET /api/webhook/web/stream?count=4&size=3 HTTP/1.0\r\n\r\n")
        status, headers = c.head()
        assert status == 200 and "transfer-encoding" not in headers and headers["connection"] == "close"
        assert c.rest() == b"x" * 12


def test_connection_close_in_any_writing(web):
    for value in ("close", "CLOSE", "foo, Close", "keep-alive, close"):
        with Raw(web) as c:
            assert c.ask(get(KEPT, "Connection: " + value)).headers["connection"] == "close"
            assert c.is_closed()


def test_a_client_that_closes_its_half_early_gets_what_is_ready(web):
    with Raw(web) as c:
        c.send(get(KEPT) + get(KEPT))
        c.socket.shutdown(socket.SHUT_WR)
        assert c.reply().json() == c.reply().json() == {"a": 1}
        assert c.is_closed()


def test_empty_lines_before_a_request_are_passed_over(web):
    with Raw(web) as c:
        assert c.ask("\r\n\r\n" + get(KEPT)).status == 200
        c.send("\r")
        time.sleep(0.02)
        assert c.ask("\n" + get(KEPT)).status == 200


def test_absolute_targets(web):
    with Raw(web) as c:
        assert c.ask(get(f"http://localhost:{web.port}{KEPT}")).json() == {"a": 1}
        assert c.ask(get("HTTP://localhost")).status == 404
        assert c.ask(get("http://evil.example/")).status == 421


# ---- limits --------------------------------------------------------------------------------------------------------------


def test_limits_of_the_head(web):
    for data, status in (
        (get("/" + "a" * 9000), 414),
        ("G" * 9000, 414),
        (get("/", "X: " + "a" * 17000), 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "a: b\r\n" * 101, 431),
        ("GET / HTTP/1.1\r\n" + "a: " + "b" * 1_000_000, 431),
    ):
        with Raw(web) as c:
            try:
                c.send(data)
            except (BrokenPipeError, ConnectionResetError):
                pass
            r = c.reply()
            assert r.status == status and r.headers["connection"] == "close"
            error_of(r)
    with Raw(web) as c:
        assert c.ask(get(KEPT, *["a: b"] * 99)).status == 200
        assert c.ask(get(KEPT + "?" + "a" * 8000)).status == 200
        assert c.ask(get(KEPT, "X: " + "a" * 16000)).status == 200


def test_a_body_over_the_limit(own):
    d = own({"http": {"max_body": 1000}})
    with Raw(d) as c:
        r = c.ask(post(HOOK + "web/echo", "a" * 1001))
        assert r.status == 413 and error_of(r) == "PAYLOAD_TOO_LARGE"
    with Raw(d) as c:  # refused by its length, before it comes
        r = c.ask(get(HOOK + "web/echo", "Content-Length: 1000000000", method="POST"))
        assert r.status == 413 and r.headers["connection"] == "close" and c.is_closed()
    with Raw(d) as c:
        assert c.ask(post(HOOK + "web/echo", "a" * 1000)).status == 200
        assert c.ask(post(HOOK + "web/small", "a" * 10)).status == 200
        assert c.ask(post(HOOK + "web/small", "a" * 11)).status == 413
    with Raw(d) as c:  # chunked: counted
        c.send(get(HOOK + "web/echo", "Transfer-Encoding: chunked", method="POST"))
        try:
            for _ in range(100):
                c.send("64\r\n" + "a" * 100 + "\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert c.reply().status == 413
    with Raw(d) as c:
        c.send(get(HOOK + "web/big", "Content-Length: 20000000", method="POST") + "a" * 20_000_000)
        assert c.reply().json() == {"bytes": 20_000_000}


def test_expect_continue(web):
    with Raw(web) as c:
        c.send(get(HOOK + "web/echo", "Content-Length: 3", "Expect: 100-continue", method="POST"))
        assert c.head() == (100, {})
        assert c.ask("abc").body == b"abc"
        r = c.ask(get(HOOK + "web/small", "Content-Length: 30", "Expect: 100-continue", method="POST"))
        assert r.status == 413 and c.is_closed()


def test_slow_heads_and_bodies_are_ended_and_slow_but_steady_ones_are_not(web):
    began = time.monotonic()
    with Raw(web, 30) as silent, Raw(web, 30) as head, Raw(web, 30) as trickle, Raw(web, 30) as body, Raw(web, 30) as steady, Raw(web, 30) as second:
        head.send("GET / HTTP/1.1\r\nHost: a\r\nX")
        body.send(get(HOOK + "web/echo", "Content-Length: 100", method="POST") + "abc")
        steady.send(get(HOOK + "web/big", "Content-Length: 1300000", method="POST"))
        assert second.ask(get(KEPT)).status == 200
        second.send("GET ")
        end = threading.Event()

        def drip():
            while not end.wait(0.5):
                try:
                    trickle.send("X")
                except OSError:
                    return

        def flow():
            for _ in range(13):
                steady.send("a" * 100_000)
                end.wait(0.95)

        threads = [threading.Thread(target=f) for f in (drip, flow)]
        for t in threads:
            t.start()
        for c in (head, trickle, body, second):
            r = c.reply()
            assert r.status == 408 and r.headers["connection"] == "close"
            error_of(r)
            assert time.monotonic() - began > 9
        assert silent.is_closed()
        assert steady.reply().json() == {"bytes": 1_300_000}
        end.set()
        for t in threads:
            t.join()
        for c in (head, body):
            assert c.is_closed()


def test_past_the_cap_a_client_is_told_to_come_again(own):
    d = own({"http": {"max_connections": 10}})
    held = [Raw(d) for _ in range(10)]
    for c in held:
        assert c.ask(get(KEPT)).status == 200
    told = 0
    for _ in range(40):
        with Raw(d) as c:
            c.send(get(KEPT))
            r = c.reply()
            assert r.status == 503 and int(r.headers["retry-after"]) > 0
            error_of(r)
            told += c.is_closed()
    assert told >= 35  # a reset may cut one short, an answer comes all the same
    for c in held:
        assert c.ask(get(KEPT)).status == 200
        c.socket.close()
    wait_until(lambda: Raw(d).ask(get(KEPT)).status == 200)


def test_out_of_descriptors_it_rests_and_recovers(own):
    d = own()
    limit = d.descriptors() + 20
    resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (limit, limit))
    held = [Raw(d) for _ in range(40)]
    wait_until(lambda: "accept has failed" in d.log, why="it says so")
    before = sum(os.times()[:0]) or cpu(d)
    lines = len(d.stderr)
    time.sleep(1)
    assert cpu(d) - before < 0.3, "it spins"
    assert len(d.stderr) - lines < 30
    assert held[0].ask(get(KEPT)).status == 200
    for c in held[:30]:
        c.socket.close()
    for c in held[30:]:
        assert c.ask(get(KEPT)).status == 200
        c.socket.close()


def cpu(d):
    fields = open(f"/proc/{d.pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- routes --------------------------------------------------------------------------------------------------------------


def test_methods_and_paths(web):
    r = web.request("PUT", "web/value")
    assert r.status == 405 and sorted(r.headers["Allow"].split(", ")) == ["GET", "HEAD", "OPTIONS", "POST"] and r.json()["error"] == "METHOD_NOT_ALLOWED"
    assert web.request("DELETE", "web/value").status == 405
    assert web.get("nothing/here").status == 404
    assert web.get("nothing/here").json()["error"] == "NOT_FOUND"
    assert web.get("/api/webhooks/web/value").json() == {"a": 1}
    r = web.request("OPTIONS", "web/value")
    assert r.status == 204 and "GET" in r.headers["Allow"] and not r.body
    assert web.request("BREW", "web/pot").text == "BREW"
    assert web.request("BREW", "web/value").status == 405
    r = web.request("DELETE", "web/nothing")
    assert r.status == 204 and not r.body and "Content-Length" not in r.headers
    with Raw(web) as c:
        assert c.ask("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 204
        assert c.ask(get(KEPT)).status == 200


def test_head_is_get_without_a_body(web):
    for path in ("web/value", "web/args/3", "nothing", "web/large?size=100000", "web/stream", "web/counted", "web/throws"):
        with Raw(web) as c:
            whole = c.ask(get(HOOK + path))
            bare = c.ask(get(HOOK + path, method="HEAD"), is_head=True)
            assert bare.status == whole.status
            assert bare.headers.get("content-length") == whole.headers.get("content-length")
            assert c.ask(get(KEPT)).json() == {"a": 1}  # nothing of a body came before


def test_paths_are_decoded_once_and_what_cannot_be_is_refused(web):
    show = lambda p: web.get("web/show/" + p)
    assert show("a%20b/%C3%A4?q=x+y%26").json()["path"] == HOOK + "web/show/a b/ä"
    assert show("a?q=x+y%26%C3%A4").json()["q"] == "x y&ä"
    assert show("%2561").json()["path"].endswith("/%61")
    for bad in ("%00", "a%0", "%zz", "%ff", "%c0%af", "a/../b", "..", "%2e%2e/a", "a?q=%00", "a?q=%ff", "a?%"):
        r = show(bad)
        assert r.status == 400, bad
        assert r.json()["error"] == "BAD_REQUEST"
    r = web.post("web/greet/a%2F..%2Fb")
    assert r.json()["greeting"] == "a/../b"
    with Raw(web) as c:
        assert c.ask(get(HOOK + "web/show/\xff")).status == 400


def test_what_a_handler_sees(web):
    with Raw(web) as c:
        r = c.ask(get(HOOK + "web/show/x?q=1&q=2&z", "X-One: a", "X-One:  b ", "X-Empty:", "x-two: c\td")).json()
    assert r["method"] == "GET" and r["target"] == HOOK + "web/show/x?q=1&q=2&z" and r["q"] == "1" and r["address"] == "127.0.0.1"
    assert r["headers"] == [["Host", "localhost"], ["X-One", "a"], ["X-One", "b"], ["X-Empty", ""], ["x-two", "c\td"]]


def test_parameters_are_checked_before_a_handler_sees_them(web):
    assert web.json("web/args/5?word=x&limit=7&wait=250ms") == {"number": 5, "word": "x", "limit": 7, "wait_ms": 250}
    assert web.json("web/args/5?other=1") == {"number": 5, "word": "none", "limit": None, "wait_ms": 0}
    r = web.get("web/args/0?limit=no&wait=5")
    assert r.status == 400
    j = r.json()
    assert j["success"] is False and j["error"]["code"] == "VALIDATION_ERROR" and j["message"] == j["error"]["message"]
    assert sorted(d["field"] for d in j["error"]["details"]) == ["limit", "number", "wait"]
    assert web.get("web/strict/5?other=1").status == 400
    assert web.get("web/strict/5?word=b").status == 200


def test_json_bodies(web):
    post_body = lambda body, kind="application/json", path="web/body": web.post(path, body, {"Content-Type": kind})
    assert post_body('{"name":"a","loud":true,"more":1}').json() == {"name": "a", "loud": True}
    assert post_body('{"name":"a"}', "application/json; charset=utf-8").status == 200
    assert post_body('{"name":"a"}', "application/vnd.x+json").status == 200
    assert web.request("POST", "web/body", '{"name":"a"}').status == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        r = post_body('{"name":"a"}', kind)
        assert r.status == 415 and r.json()["error"] == "UNSUPPORTED_MEDIA_TYPE"
    for bad, at in (('{"name":}', 9), ("{", 1), ('{"a":1,"a":2}', 10), ("[1,]", 4), ('{"a":"\x80"}', None), ('{"a":"\\u0000"}', None), ("nonsense", None), ('{"name":"a"} x', None), ("[" * 10000, None)):
        r = post_body(bad.encode("latin-1"))
        assert r.status == 400 and r.json()["error"] == "INVALID_JSON", bad
        assert "byte" in r.json()["message"]
        assert at is None or f"byte {at}" in r.json()["message"], (bad, r.json())
    for bad in ("", "[]", '"text"', "5", "{}", '{"name":5}', '{"name":""}', '{"name":null}'):
        assert post_body(bad).json()["error"]["code"] == "VALIDATION_ERROR", bad
    assert post_body('{"name":"a","more":1}', path="web/strict-body").status == 400
    assert post_body(b"\0\xff\x80", "image/png", "web/echo").body == b"\0\xff\x80"


def test_methods_as_routes(web):
    r = web.post("web/greet/ann", {"times": 2, "loud": True, "name": "bob", "other": 1})
    assert r.json() == {"greeting": "ann ann", "loud": True, "by": "127.0.0.1"}
    assert web.json("web/greet/ann?times=3&loud=true")["greeting"] == "ann ann ann"
    assert web.post("web/greet/ann?times=2&wait=10ms").json() == {"greeting": "late"}
    assert web.get("web/greet/ann?times=10").status == 400
    assert web.get("web/greet/ann?other=1").status == 400
    r = web.post("web/greet/nobody")
    assert r.status == 404 and r.json()["error"] == "NOBODY"
    assert web.post("web/missing").status == 404
    r = web.post("web/greet/ann?wait=5s")
    assert r.status == 504


def test_errors_of_handlers(web):
    r = web.get("web/throws")
    assert r.status == 409 and r.json()["error"] == "ALREADY_SO" and r.json()["details"] == {"since": 1}
    assert web.get("web/drops").status == 500
    r = web.get("web/bad-header")
    assert r.status == 500 and "Injected" not in r.headers


def test_kept_values_have_etags(web):
    with Raw(web) as c:
        r = c.ask(get(KEPT))
        tag = r.headers["etag"]
        assert c.ask(get(KEPT, f"If-None-Match: {tag}")).status == 304
        assert c.ask(get(KEPT, f'If-None-Match: "x", W/{tag}')).headers["etag"] == tag
        assert c.ask(get(KEPT, 'If-None-Match: "x"')).json() == {"a": 1}
        assert c.ask(get(KEPT, f"If-None-Match: {tag}", method="HEAD"), is_head=True).status == 304
        assert c.ask(post(KEPT, '{"a":2}')).status == 204
        r = c.ask(get(KEPT, f"If-None-Match: {tag}"))
        assert r.json() == {"a": 2} and r.headers["etag"] != tag
        assert c.ask(post(KEPT, '{"a":1}')).status == 204
        r = c.ask(get(HOOK + "web/fresh"))
        assert "etag" not in r.headers and r.headers["cache-control"] == "no-store"
        r = c.ask(get(HOOK + "web/empty"))
        assert r.status == 404 and error_of(r) == "NOT_FOUND"
        r = c.ask(get(HOOK + "web/tagged", 'If-None-Match: "one"'))
        assert r.status == 304
        r = c.ask(get(HOOK + "web/tagged"))
        assert r.body == b"tagged" and "connection" not in r.headers
        assert c.ask(get(KEPT)).status == 200


def test_every_reply_says_when(web):
    with Raw(web) as c:
        for path in (KEPT, "/nothing", HOOK + "web/args/1"):
            assert c.ask(get(path)).headers["date"].endswith("GMT")


# ---- later, never, gone --------------------------------------------------------------------------------------------------


def test_nobody_answers(web):
    with Raw(web) as c:
        r = c.ask(get(HOOK + "web/never") + get(KEPT))
        assert r.status == 504 and error_of(r) == "TIMEOUT"
        assert c.reply().json() == {"a": 1}
    wait_until(lambda: happened(web, "request cancelled"), why="the plugin is told")


def test_a_client_that_leaves_cancels_its_request(web):
    for path, what in (("web/later?wait=8s", "request cancelled"), ("web/greet/x?wait=900ms", "call cancelled"), ("web/upload", "upload cancelled")):
        before = web.json("web/events")["count"] if web.get("web/events").status == 200 else 0
        c = Raw(web)
        c.send(get(HOOK + path, "Content-Length: 100", method="POST") if "upload" in path else get(HOOK + path))
        time.sleep(0.1)
        c.socket.close()
        wait_until(lambda: happened(web, what) and web.json("web/events")["count"] > before, why=what)


def test_a_late_answer_never_reaches_another_client(web):
    gone = [Raw(web) for _ in range(20)]
    for c in gone:
        c.send(get(HOOK + "web/later?wait=200ms"))
    time.sleep(0.05)
    for c in gone:
        c.socket.close()
    here = [Raw(web) for _ in range(20)]
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        for c in here:
            assert c.ask(get(KEPT)).json() == {"a": 1}
    for c in here:
        c.socket.close()


def test_large_replies_to_slow_readers(web):
    with Raw(web, 30) as c:
        c.send(get(HOOK + "web/large?count=40&size=1000000") + get(KEPT))
        time.sleep(0.5)
        assert len(c.reply().body) == 40_000_000
        assert c.reply().json() == {"a": 1}


# ---- streams -------------------------------------------------------------------------------------------------------------


def test_streamed_bodies(web):
    for size in (0, 1, 100_000, 5_000_000):
        with Raw(web) as c:
            c.send(get(HOOK + "web/upload", f"Content-Length: {size}", method="POST") + "u" * size + get(KEPT))
            assert c.reply().json()["bytes"] == size
            assert c.reply().json() == {"a": 1}
    with Raw(web) as c:
        c.send(get(HOOK + "web/upload", "Transfer-Encoding: chunked", method="POST") + "3\r\nabc\r\n" * 1000 + "0\r\n\r\n" + get(KEPT))
        assert c.reply().json() == {"bytes": 3000, "pieces": 1000}
        assert c.reply().json() == {"a": 1}


def test_a_paused_body_holds_the_sender_back(web):
    before = web.rss()
    with Raw(web, 30) as c:
        c.send(get(HOOK + "web/upload?wait=400ms", f"Content-Length: {60_000_000}", method="POST"))
        c.socket.settimeout(0.3)
        sent = 0
        with pytest.raises(TimeoutError):
            while True:
                sent += c.socket.send(b"u" * 1_000_000)
        assert sent < 30_000_000  # the kernel's buffers took this, no more
        assert web.rss() - before < 4_000_000


def test_an_upload_that_is_refused_early(web):
    with Raw(web) as c:
        c.send(get(HOOK + "web/refuses", "Content-Length: 50000000", method="POST") + "u" * 1000)
        r = c.reply()
        assert r.status == 403 and r.headers["connection"] == "close" and c.is_closed()
    with Raw(web) as c:
        r = c.ask(get(HOOK + "nothing", "Content-Length: 5", method="POST") + "abcde" + get(KEPT))
        assert r.status == 404
        assert c.reply().json() == {"a": 1}  # the body was passed over


def test_streamed_answers(web):
    for path, length in (("web/stream?count=100&size=1000", 100_000), ("web/stream?count=0", 0), ("web/counted?count=10&size=100000", 1_000_000), ("web/stream?count=50&size=1000000", 50_000_000)):
        with Raw(web, 30) as c:
            c.send(get(HOOK + path) + get(KEPT))
            r = c.reply()
            assert len(r.body) == length
            assert ("content-length" in r.headers) == path.startswith("web/counted")
            assert c.reply().json() == {"a": 1}


def test_a_stream_whose_client_leaves_is_told(web):
    before = web.json("web/events")["count"] if web.get("web/events").status == 200 else 0
    c = Raw(web)
    c.send(get(HOOK + "web/stream?count=100000&size=1000"))
    c.take(1000)
    c.socket.close()
    wait_until(lambda: happened(web, "download closed") and web.json("web/events")["count"] > before)


def test_a_client_that_does_not_read_is_thrown_out_and_the_daemon_does_not_grow(web):
    before = web.rss()
    with Raw(web) as c:
        c.send(get(HOOK + "web/flood"))
        wait_until(lambda: happened(web, "flood closed"))
        assert web.rss() - before < 6_000_000


def test_upgrades(web):
    up = ("Connection: keep-alive, Upgrade", "Upgrade: shout")
    with Raw(web) as c:
        c.send(get(HOOK + "web/shout", *up) + "glued ")
        status, headers = c.head()
        assert status == 101 and headers["upgrade"] == "shout" and headers["connection"] == "Upgrade"
        assert c.take(6) == b"GLUED "
        c.send("more")
        assert c.take(4) == b"MORE"
        big = "ab" * 500_000
        sender = threading.Thread(target=c.send, args=(big,))
        sender.start()
        assert c.take(1_000_000) == big.upper().encode()
        sender.join()
        c.send("bye")
        assert c.rest() == b"BYE"
    with Raw(web) as c:
        r = c.ask(get(HOOK + "web/shout"))
        assert r.status == 426 and r.headers["upgrade"] == "shout"
    before = web.json("web/events")["count"]
    c = Raw(web)
    c.send(get(HOOK + "web/shout", *up))
    c.head()
    c.socket.close()
    wait_until(lambda: happened(web, "upgrade closed") and web.json("web/events")["count"] > before)


# ---- listeners -----------------------------------------------------------------------------------------------------------


def test_listens_on_ipv6_and_unix_sockets_and_more_at_run_time(own):
    second = free_port()
    d = own({"log": {"level": "debug"}})
    path = str(d.folder / "http.sock")
    d.listen = [f"127.0.0.1:{d.port}", f"[::1]:{d.port}", f"unix:{path}"]
    d.write()
    d.signal(signal.SIGHUP)
    wait_until(lambda: d.request("GET", "web/value", unix=path).json() == {"a": 1})
    assert os.stat(path).st_mode & 0o777 == 0o660
    with Raw(d, address=("::1", d.port)) as c:
        assert c.ask(get(HOOK + "web/show/x")).json()["address"] == "::1"
    kept = Raw(d, address=path)
    assert kept.ask(get(KEPT)).status == 200
    d.listen = [f"127.0.0.1:{d.port}", f"127.0.0.1:{second}"]
    d.write()
    d.signal(signal.SIGHUP)
    wait_until(lambda: Raw(d, address=("127.0.0.1", second)).ask(get(KEPT)).status == 200)
    with pytest.raises(OSError):
        Raw(d, address=("::1", d.port))
    assert not os.path.exists(path)
    assert kept.ask(get(KEPT)).status == 200  # what is open stays
    kept.socket.close()


def test_a_stale_socket_file_is_taken_over_and_one_in_use_is_not(tmp_path):
    path = tmp_path / "http.sock"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    d = Daemon(tmp_path / "d", plugins=[], listen=[f"unix:{path}"])
    d.start()
    other = Daemon(tmp_path / "other", plugins=[], listen=[f"unix:{path}"])
    other.start(is_ready=False)
    assert other.wait_exit() == 3
    assert f"pid {d.pid}" in other.log
    other.process = None
    assert d.request("GET", "nothing", unix=path).status == 404
    d.stop()
    assert not path.exists()


def test_a_taken_port_names_its_holder(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',0)); s.listen(); print(s.getsockname()[1],flush=True); time.sleep(60)"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(holder.stdout.readline())
        d = Daemon(tmp_path / "d", plugins=[], listen=[f"127.0.0.1:{port}"])
        d.start(is_ready=False)
        assert d.wait_exit() == 3
        assert f"pid {holder.pid}" in d.log and "python" in d.log and str(port) in d.log
        d.process = None
    finally:
        holder.kill()
        holder.wait()


def test_sockets_handed_over_by_systemd(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        wrap = [sys.executable, "-c", "import os,sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid())); os.execv(sys.argv[2], sys.argv[2:])", str(s.fileno())]
        os.set_inheritable(s.fileno(), True)
        d = Daemon(tmp_path / "d", plugins=[], wrap=wrap, listen=[f"127.0.0.1:{port}"])
        popen = subprocess.Popen
        subprocess.Popen = lambda *a, **kw: popen(*a, close_fds=False, **kw)
        try:
            d.start()
        finally:
            subprocess.Popen = popen
        assert Raw(d, address=("127.0.0.1", port)).ask(get("/nothing")).status == 404
        d.stop()


# ---- the end -------------------------------------------------------------------------------------------------------------


def test_a_stop_answers_what_is_in_flight_and_takes_nothing_new(own):
    d = own()
    with Raw(d) as c, Raw(d) as idle, Raw(d) as stream:
        assert idle.ask(get(KEPT)).status == 200
        stream.send(get(HOOK + "web/stream?count=100000&size=100"))
        stream.take(100)
        c.send(get(HOOK + "web/greet/x?wait=600ms") + get(KEPT))
        time.sleep(0.2)
        d.signal(signal.SIGTERM)
        r = c.reply()
        assert r.status in (200, 503)
        assert idle.is_closed()
        d.wait_exit()


def test_while_it_stops_each_reply_says_that_its_connection_ends(own):
    d = own()
    d.call("web.greet", {"name": "x"})
    with Raw(d) as held, Raw(d) as kept, Raw(d) as late:
        kept.ask(get(KEPT))
        late.ask(get(KEPT))
        held.send(get(HOOK + "web/never"))
        d.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in d.log, why="it has been told")
        for c, target in ((kept, KEPT), (late, HOOK + "no/such/route")):
            try:
                r = c.ask(get(target))
            except (EOFError, OSError, AssertionError):
                continue  # it has gone already
            assert r.headers["connection"] == "close", r.head
            if r.status != 200:
                assert r.status == 503, r.head
        d.wait_exit()


def test_metrics_count_what_was_answered(web):
    def total(d):
        text = d.get("/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("patchbay_http_requests_total") and 'code="200"' in line and "web/value" in line)

    before = total(web)
    for _ in range(5):
        web.get("web/value")
    assert total(web) == before + 5


# ---- hostile -------------------------------------------------------------------------------------------------------------


def test_mutated_requests(web):
    """Random mutations, cuts and ends; the daemon answers good requests after."""
    rng = random.Random(int(os.environ.get("PATCHBAY_SEED", "7")))
    seeds = [get(KEPT), post(HOOK + "web/body", '{"name":"x"}'), get(HOOK + "web/later?wait=5ms"), get(HOOK + "web/stream?count=3"), get(HOOK + "web/upload", "Transfer-Encoding: chunked", method="POST") + "3\r\nabc\r\n0\r\n\r\n",
             get(HOOK + "web/shout", "Connection: Upgrade", "Upgrade: shout") + "hello", get(HOOK + "web/greet/a?times=2", "Expect: 100-continue"), data_of("two lengths"), data_of("chunk extension")]
    words = ["\r\n", "\n", "\0", " ", ":", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "%00", "/../", "HTTP/1.0", "\xff", "0\r\n\r\n", "A" * 9000]
    for _ in range(int(os.environ.get("PATCHBAY_HTTP_RUNS", "1500"))):
        data = "".join(rng.choice(seeds) for _ in range(rng.randint(1, 4)))
        for _ in range(rng.randint(0, 4)):
            at = rng.randrange(len(data))
            data = data[:at] + rng.choice(words + [chr(rng.randrange(256))]) + data[at + rng.randint(0, 8):]
        with Raw(web, 0.05) as c:
            try:
                cut = rng.randrange(len(data) + 1)
                c.send(data[:cut])
                c.send(data[cut:])
                if rng.random() < 0.3:
                    c.socket.shutdown(socket.SHUT_WR)
                if rng.random() < 0.5:
                    c.socket.recv(65536)
                if rng.random() < 0.3:
                    c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            except OSError:
                pass
    assert web.get("web/value").status == 200
    wait_until(lambda: web.json("web/live")["live"] == [], 20, "nothing is left open with the plugin")


def data_of(name):
    return MALFORMED[name][0]
