"""RFC 6455 on /webhook, in the manner of Autobahn's sections: framing, pings, opcodes, fragments, UTF-8, close, limits, handshake."""
import json
import struct

import pytest

from patchbay import Daemon
from websocket import BINARY, CLOSE, PING, PONG, TEXT, Refused, WebSocket, frame


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    d = Daemon(tmp_path_factory.mktemp("rfc6455"), plugins=["webhook"]).start()
    yield d
    d.stop()


@pytest.fixture
def connect(daemon):
    opened = []

    def make(**kw):
        opened.append(WebSocket(daemon, "/webhook", **kw))
        assert opened[-1].receive()["event"] == "connected"
        return opened[-1]

    yield make
    for ws in opened:
        ws.close()


def order(padding=0, channel="alerts"):
    """A message that is answered with `unsubscribed`, as long as is wanted."""
    return json.dumps({"event": "unsubscribe", "data": {"channels": [channel]}, "padding": "x" * padding}).encode()


def answer(ws):
    return ws.receive()["event"]


def close_frame(code=None, reason=b"", **kw):
    return frame(CLOSE, (struct.pack(">H", code) if code is not None else b"") + reason, **kw)


# ---- 1: framing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 125, 126, 127, 128, 1000, 65000])
def test_text_of_every_length_is_read(connect, size):
    ws = connect()
    ws.send_raw(frame(TEXT, order(size)))
    assert answer(ws) == "unsubscribed"


def test_every_length_form_that_is_right_and_none_that_is_not(connect):
    ws = connect()
    body = order()
    assert len(body) < 126
    ws.send_raw(frame(TEXT, body))
    assert answer(ws) == "unsubscribed"
    for wrong in 126, 127:
        ws = connect()
        ws.send_raw(frame(TEXT, body, length=wrong))
        assert ws.receive_close() == 1002
    ws = connect()
    ws.send_raw(frame(TEXT, order(200), length=127))
    assert ws.receive_close() == 1002
    ws = connect()
    ws.send_raw(b"\x81\xff" + b"\x80" + b"\0" * 7 + b"\x11\x22\x33\x44")
    assert ws.receive_close() == 1002


def test_an_empty_text_is_no_json_and_the_connection_stays(connect):
    ws = connect()
    ws.send(b"")
    assert answer(ws) == "error"
    ws.send(order())
    assert answer(ws) == "unsubscribed"


def test_binary_is_refused_with_1003(connect):
    for payload in b"", b"\0\xff", order():
        ws = connect()
        ws.send_raw(frame(BINARY, payload))
        assert ws.receive_close() == 1003


def test_frames_arrive_in_any_pieces(connect):
    ws = connect()
    data = frame(TEXT, order(200)) + frame(PING, b"p") + frame(TEXT, order(), mask=b"\xff\0\x55\xaa")
    for i in range(len(data)):
        ws.send_raw(data[i:i + 1])
    assert sorted(ws.receive_message()[0] for _ in range(3)) == [TEXT, TEXT, PONG]  # a pong may overtake, and be overtaken
    ws.send_raw(data * 30)
    assert sorted(ws.receive_message()[0] for _ in range(90)) == [TEXT] * 60 + [PONG] * 30


# ---- 2: pings and pongs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"Hello", b"\0\xff\xfe", b"\xfe" * 125])
def test_a_ping_is_answered_with_its_payload(connect, payload):
    ws = connect()
    ws.send_raw(frame(PING, payload))
    assert ws.receive_message() == (PONG, payload)


def test_a_ping_too_long_or_in_pieces_closes_with_1002(connect):
    for bad in frame(PING, b"x" * 126), frame(PING, b"x", fin=False), frame(PONG, b"x" * 126), frame(PONG, b"", fin=False):
        ws = connect()
        ws.send_raw(bad)
        assert ws.receive_close() == 1002


def test_pings_in_a_row_and_pongs_that_nobody_asked_for(connect):
    ws = connect()
    ws.send_raw(b"".join(frame(PING, b"%d" % i) for i in range(10)) + frame(PONG, b"late") * 10)
    assert [ws.receive_message() for _ in range(10)] == [(PONG, b"%d" % i) for i in range(10)]
    ws.send(order())
    assert answer(ws) == "unsubscribed"


# ---- 3, 4: reserved bits and opcodes, masks -----------------------------------------------------------------------------


@pytest.mark.parametrize("rsv", range(1, 8))
def test_reserved_bits_close_with_1002(connect, rsv):
    ws = connect()
    ws.send_raw(frame(TEXT, order(), rsv=rsv))
    assert ws.receive_close() == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def test_reserved_opcodes_close_with_1002_and_what_came_before_is_answered(connect, opcode):
    ws = connect()
    ws.send_raw(frame(TEXT, order()) + frame(opcode, b"x"))
    assert answer(ws) == "unsubscribed"
    assert ws.receive_close() == 1002


def test_what_is_not_masked_closes_with_1002(connect):
    for opcode in TEXT, PING, CLOSE:
        ws = connect()
        ws.send_raw(frame(opcode, b"", mask=None))
        assert ws.receive_close() == 1002


# ---- 5: fragments -------------------------------------------------------------------------------------------------------


def test_fragments_are_one_message(connect):
    ws = connect()
    body = order(500)
    ws.send_raw(frame(TEXT, body[:7], fin=False) + frame(0, b"", fin=False) + frame(0, body[7:300], fin=False) + frame(0, body[300:]))
    assert answer(ws) == "unsubscribed"
    ws.send_raw(frame(TEXT, body[:1], fin=False) + b"".join(frame(0, body[i:i + 1], fin=i == len(body) - 1) for i in range(1, len(body))))
    assert answer(ws) == "unsubscribed"


def test_control_frames_come_between_fragments(connect):
    ws = connect()
    body = order()
    ws.send_raw(frame(TEXT, body[:5], fin=False) + frame(PING, b"now"))
    assert ws.receive_message() == (PONG, b"now")
    ws.send_raw(frame(PONG, b"") + frame(0, body[5:]))
    assert answer(ws) == "unsubscribed"


def test_fragments_out_of_order_close_with_1002(connect):
    for bad in frame(0, b"x"), frame(0, b"x", fin=False), frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), frame(TEXT, order()) + frame(0, b"x"):
        ws = connect()
        ws.send_raw(bad)
        if bad.startswith(frame(TEXT, order())):
            assert answer(ws) == "unsubscribed"
        assert ws.receive_close() == 1002


# ---- 6: UTF-8 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["\u03ba\u1f79\u03c3\u03bc\u03b5", "\U0001f6f0", "\ud7ff", "\ue000", "\ufffd", "\U0010ffff", "\x7f\x80\u07ff\u0800\uffff\U00010000"])
def test_good_text_is_read_however_it_is_cut(connect, text):
    body = ('{"event":"subscribe","data":{"channels":["%s"]}}' % text).encode()
    for cut in (len(body), 1, 3):
        ws = connect()
        pieces = [body[i:i + cut] for i in range(0, len(body), cut)]
        ws.send_raw(b"".join(frame(TEXT if i == 0 else 0, p, fin=i == len(pieces) - 1) for i, p in enumerate(pieces)))
        m = ws.receive()
        assert m["event"] == "error" and text in m["message"]


@pytest.mark.parametrize("data", [b"\xff", b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\xf0\x9f\x9b", b"a\xc3("])
def test_broken_text_closes_with_1007(connect, data):
    for bad in frame(TEXT, b'{"event":"' + data), frame(TEXT, data[:1], fin=False) + frame(0, data[1:]):
        ws = connect()
        ws.send_raw(bad)
        assert ws.receive_close() == 1007


def test_broken_text_is_seen_before_its_message_ends(connect):
    ws = connect()
    ws.send_raw(frame(TEXT, b"ok\xf8", fin=False))
    assert ws.receive_close() == 1007


# ---- 7: close -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
def test_a_close_is_answered_with_its_code(connect, code):
    ws = connect()
    ws.send_raw(close_frame(code, "sch\u00f6n".encode()))
    assert ws.receive_close() == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535])
def test_a_code_that_is_none_closes_with_1002(connect, code):
    ws = connect()
    ws.send_raw(close_frame(code))
    assert ws.receive_close() == 1002


def test_closes_that_are_short_long_or_broken(connect):
    for data, code in (close_frame(), None), (frame(CLOSE, b"\x03"), 1002), (close_frame(1000, b"x" * 123), 1000), (frame(CLOSE, struct.pack(">H", 1000) + b"x" * 124), 1002), (close_frame(1000, b"\xce\xba\xff"), 1007):
        ws = connect()
        ws.send_raw(data)
        assert ws.receive_close() == code


def test_nothing_is_read_behind_a_close(connect):
    ws = connect()
    ws.send_raw(close_frame(1000) + frame(TEXT, order()) + frame(PING, b"x") + b"\xff" * 50)
    assert ws.receive_close() == 1000
    ws = connect()
    ws.send_raw(frame(TEXT, order()[:9], fin=False) + close_frame(1001))
    assert ws.receive_close() == 1001


# ---- 9: limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [
    pytest.param(frame(TEXT, "x" * 65537), id="one frame"), pytest.param(frame(TEXT, "x" * 40000, fin=False) + frame(0, "x" * 40000), id="in pieces"),
    pytest.param(b"\x81\xff" + struct.pack(">Q", 1 << 40) + b"\x11\x22\x33\x44x", id="announced")])
def test_what_is_too_long_closes_with_1009(connect, data):
    ws = connect()
    ws.send_raw(data)
    assert ws.receive_close() == 1009


def test_the_longest_message_is_read(connect):
    ws = connect()
    body = order()
    ws.send(order(65536 - len(body)))
    assert answer(ws) == "unsubscribed"


def test_clients_that_vanish_leave_nothing(connect, daemon):
    for data in frame(TEXT, order(), fin=False), frame(TEXT, order())[:9], frame(PING, b"x" * 100)[:50], b"":
        for _ in range(10):
            ws = connect()
            ws.send_raw(data)
            ws.close()
    ws = connect()
    ws.send(order())
    assert answer(ws) == "unsubscribed"


# ---- the handshake ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers, status", [
    ({"Upgrade": None}, 426), ({"Upgrade": "h2c"}, 426), ({"Sec-WebSocket-Version": "8"}, 426), ({"Sec-WebSocket-Version": None}, 426), ({"Connection": "keep-alive"}, 400),
    ({"Sec-WebSocket-Key": None}, 400), ({"Sec-WebSocket-Key": "short"}, 400)])
def test_a_handshake_that_is_none_is_refused(daemon, headers, status):
    with pytest.raises(Refused) as refused:
        WebSocket(daemon, "/webhook", headers=headers)
    assert refused.value.status == status and json.loads(refused.value.body)["success"] is False


def test_other_methods_and_extensions(daemon, connect):
    assert daemon.post("/webhook").status == 405
    ws = connect(headers={"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "soap"})
    assert "sec-websocket-extensions" not in ws.head.lower() and "sec-websocket-protocol" not in ws.head.lower()
