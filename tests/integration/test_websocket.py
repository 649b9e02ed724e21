"""RFC 6455 through a plugin's socket (patchbay/websocket.hpp): framing, fragments, UTF-8, close, limits, handshake."""
import struct

import pytest

from streams import speaker  # noqa: F401 (a fixture)
from websocket import BINARY, CLOSE, PING, PONG, TEXT, Refused, WebSocket, frame


@pytest.fixture
def echo(speaker):
    d = speaker()
    opened = []

    def make(**kw):
        opened.append(WebSocket(d, "speaker/echo", **kw))
        return opened[-1]

    make.daemon = d
    yield make
    for ws in opened:
        ws.close()


def close_frame(code=None, reason=b"", **kw):
    return frame(CLOSE, (struct.pack(">H", code) if code is not None else b"") + reason, **kw)


# ---- framing ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65535, 65536])
def test_messages_of_all_sizes_come_back(echo, size):
    ws = echo()
    ws.send("x" * size)
    assert ws.receive_message() == (TEXT, b"x" * size)


def test_messages_come_back_whatever_the_cuts(echo):
    ws = echo()
    data = frame(TEXT, "one") + frame(TEXT, "zw\u00f6") + frame(TEXT, "x" * 300)
    for i in range(len(data)):
        ws.send_raw(data[i:i + 1])
    assert [ws.receive_message()[1] for _ in range(3)] == [b"one", "zw\u00f6".encode(), b"x" * 300]
    ws.send_raw(data * 50)
    assert [ws.receive_message()[1] for _ in range(150)][::3] == [b"one"] * 50


@pytest.mark.parametrize("bad", [
    pytest.param(frame(TEXT, "x", mask=None), id="not masked"),
    pytest.param(frame(TEXT, "x", rsv=4), id="rsv1"), pytest.param(frame(TEXT, "x", rsv=2), id="rsv2"), pytest.param(frame(TEXT, "x", rsv=1), id="rsv3"),
    pytest.param(frame(3, "x"), id="opcode 3"), pytest.param(frame(7, "x"), id="opcode 7"), pytest.param(frame(11, "x"), id="opcode 11"), pytest.param(frame(15, "x"), id="opcode 15"),
    pytest.param(frame(TEXT, "x" * 5, length=126), id="5 in 16 bits"), pytest.param(frame(TEXT, "x" * 200, length=127), id="200 in 64 bits"),
    pytest.param(b"\x81\xff" + b"\x80" + b"\0" * 7 + b"\x11\x22\x33\x44", id="length with its top bit"),
    pytest.param(frame(PING, "x" * 126), id="long ping"), pytest.param(frame(PING, "x", fin=False), id="fragmented ping"), pytest.param(frame(CLOSE, "x" * 126), id="long close"),
])
def test_a_broken_frame_closes_with_1002(echo, bad):
    ws = echo()
    ws.send_raw(frame(TEXT, "before") + bad)
    assert ws.receive_message() == (TEXT, b"before")
    assert ws.receive_close() == 1002


# ---- pings and pongs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))])
def test_a_ping_is_answered(echo, payload):
    ws = echo()
    ws.send_raw(frame(PING, payload))
    assert ws.receive_message() == (PONG, payload)


def test_pongs_nobody_asked_for_are_ignored(echo):
    ws = echo()
    ws.send_raw(frame(PONG, "x") * 10 + frame(TEXT, "y"))
    assert ws.receive_message() == (TEXT, b"y")


def test_a_ping_between_fragments_is_answered_at_once(echo):
    ws = echo()
    ws.send_raw(frame(TEXT, "a", fin=False) + frame(PING, "p"))
    assert ws.receive_message() == (PONG, b"p")
    ws.send_raw(frame(0, "b"))
    assert ws.receive_message() == (TEXT, b"ab")


# ---- fragments ----------------------------------------------------------------------------------------------------------


def test_fragments_are_put_together(echo):
    ws = echo()
    ws.send_raw(frame(TEXT, "", fin=False) + frame(0, "a", fin=False) + frame(0, "", fin=False) + frame(0, "b", fin=False) + frame(0, ""))
    assert ws.receive_message() == (TEXT, b"ab")
    ws.send_raw(frame(TEXT, "", fin=False) + frame(0, "", fin=False) * 5000 + frame(0, "z"))
    assert ws.receive_message() == (TEXT, b"z")


@pytest.mark.parametrize("bad", [
    pytest.param(frame(0, "x"), id="continuation of nothing"), pytest.param(frame(0, "x", fin=False), id="open continuation of nothing"),
    pytest.param(frame(TEXT, "a", fin=False) + frame(TEXT, "b"), id="text in a text"), pytest.param(frame(TEXT, "a", fin=False) + frame(BINARY, "b"), id="binary in a text"),
])
def test_fragments_out_of_order_close_with_1002(echo, bad):
    ws = echo()
    ws.send_raw(bad)
    assert ws.receive_close() == 1002


# ---- UTF-8 --------------------------------------------------------------------------------------------------------------

GOOD = ["\u03ba\u1f79\u03c3\u03bc\u03b5", "\U0001f6f0", "\x00", "\ud7ff", "\ue000", "\ufffd", "\U0010ffff", "\x7f\x80\u07ff\u0800\uffff\U00010000"]
BAD = [b"\xff", b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\xf0\x9f\x9b", b"a\xc3("]


@pytest.mark.parametrize("text", GOOD)
def test_good_text_comes_back_however_it_is_cut(echo, text):
    ws = echo()
    data = text.encode()
    ws.send(data)
    assert ws.receive_message() == (TEXT, data)
    ws.send_raw(b"".join(frame(TEXT if i == 0 else 0, data[i:i + 1], fin=i == len(data) - 1) for i in range(len(data))))
    assert ws.receive_message() == (TEXT, data)


@pytest.mark.parametrize("data", BAD)
def test_broken_text_closes_with_1007(echo, data):
    for bytes_ in frame(TEXT, data), frame(TEXT, data[:1], fin=False) + frame(0, data[1:]), frame(TEXT, b"ok" + data):
        ws = echo()
        ws.send_raw(bytes_)
        assert ws.receive_close() == 1007


def test_broken_text_is_seen_before_its_message_ends(echo):
    ws = echo()
    ws.send_raw(frame(TEXT, b"\xff", fin=False))
    assert ws.receive_close() == 1007


# ---- close --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_a_close_is_answered_with_its_code(echo, code):
    ws = echo()
    ws.send_raw(close_frame(code, b"bye"))
    assert ws.receive_close() == code


def test_a_close_without_a_code_is_answered(echo):
    ws = echo()
    ws.send_raw(close_frame())
    assert ws.receive_close() is None


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_code_that_is_none_closes_with_1002(echo, code):
    ws = echo()
    ws.send_raw(close_frame(code))
    assert ws.receive_close() == 1002


def test_half_a_code_closes_with_1002_and_a_broken_reason_with_1007(echo):
    ws = echo()
    ws.send_raw(frame(CLOSE, b"\x03"))
    assert ws.receive_close() == 1002
    ws = echo()
    ws.send_raw(close_frame(1000, b"\xff"))
    assert ws.receive_close() == 1007


def test_what_follows_a_close_is_not_looked_at(echo):
    ws = echo()
    ws.send_raw(close_frame(1000) + frame(TEXT, "late") + b"\xff" * 100)
    assert ws.receive_close() == 1000


def test_the_daemons_close_has_its_code_and_takes_the_answer(echo):
    ws = echo()
    ws.send("close")
    opcode, payload = ws.receive_message()
    assert (opcode, payload) == (CLOSE, struct.pack(">H", 1001) + b"asked to")
    ws.send_raw(close_frame(1001))
    assert ws.socket.recv(1) == b""


def test_a_client_that_vanishes_leaves_nothing(echo):
    for _ in range(20):
        ws = echo()
        ws.send_raw(frame(TEXT, "half", fin=False)[:-2])
        ws.close()
    ws = echo()
    ws.send("there")
    assert ws.receive_message() == (TEXT, b"there")


# ---- limits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [
    pytest.param(frame(TEXT, "x" * 65537), id="one frame"),
    pytest.param(frame(TEXT, "x" * 40000, fin=False) + frame(0, "x" * 40000), id="in pieces"),
    pytest.param(b"\x81\xff" + struct.pack(">Q", 2**62) + b"\x11\x22\x33\x44" + b"x", id="announced"),
])
def test_what_is_too_long_closes_with_1009(echo, data):
    ws = echo()
    ws.send_raw(data)
    assert ws.receive_close() == 1009


def test_binary_is_not_taken_where_nobody_wants_it(echo):
    ws = echo()
    ws.send_raw(frame(BINARY, b"\0\1"))
    assert ws.receive_close() == 1003


# ---- the handshake ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers, status", [
    ({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426), ({"Sec-WebSocket-Version": "8"}, 426), ({"Sec-WebSocket-Version": None}, 426),
    ({"Connection": "keep-alive"}, 400), ({"Connection": None}, 400), ({"Sec-WebSocket-Key": None}, 400), ({"Sec-WebSocket-Key": "short"}, 400), ({"Sec-WebSocket-Key": "?" * 24}, 400),
])
def test_a_handshake_that_is_none_is_refused(echo, headers, status):
    with pytest.raises(Refused) as refused:
        echo(headers=headers)
    assert refused.value.status == status
    assert b'"success":false' in refused.value.body
    if status == 426:
        assert "sec-websocket-version: 13" in refused.value.head.lower()


def test_a_handshake_is_taken_in_any_case(echo):
    ws = echo(headers={"Upgrade": "WebSocket", "Connection": "keep-alive, upGRADE"})
    ws.send("x")
    assert ws.receive_message() == (TEXT, b"x")


def test_frames_glued_to_the_handshake_are_read(echo):
    d = echo.daemon
    with d.raw() as s:
        s.sendall(f"GET /api/webhook/speaker/echo HTTP/1.1\r\nHost: {d.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode() + frame(TEXT, "glued"))
        data = b""
        while not data.endswith(b"glued"):
            piece = s.recv(4096)
            assert piece
            data += piece
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in data
