"""GET events over a WebSocket."""

import pytest

from patchbay import wait_until
from streams import say, speaker  # noqa: F401 (a fixture)
from websocket import Refused, WebSocket


def test_what_is_subscribed_comes(speaker):
    d = speaker()
    say(d, "a", text="kept")
    with WebSocket(d, "events") as ws:
        ws.send({"subscribe": ["speaker/a"]})
        m = ws.receive()
        assert m["topic"] == "speaker/a" and m["value"]["text"] == "kept" and isinstance(m["seq"], int)
        say(d, "b")
        say(d, "a", text="new")
        assert ws.receive()["value"]["text"] == "new"
        ws.send({"subscribe": ["speaker/b"]})
        assert ws.receive()["topic"] == "speaker/b"
        ws.send({"unsubscribe": ["speaker/a"], "subscribe": []})
        ws.send({"subscribe": ["core/plugins"]})
        assert ws.receive()["topic"] == "core/plugins"
        say(d, "a")
        say(d, "b", text="last")
        assert ws.receive()["value"]["text"] == "last"


def test_topics_can_be_named_in_the_address(speaker):
    d = speaker()
    say(d, "a")
    with WebSocket(d, "events?topics=speaker/*") as ws:
        seq = ws.receive()["seq"]
    with WebSocket(d, f"events?topics=speaker/*&last_event_id={seq}") as ws:
        say(d, "b")
        assert ws.receive()["topic"] == "speaker/b"
    with pytest.raises(Refused) as refused:
        WebSocket(d, "events?topics=a//b")
    assert refused.value.status == 400


@pytest.mark.parametrize("text, code", [
    ("{", "INVALID_JSON"), ("[1,2]", "VALIDATION_ERROR"), ("{}", "VALIDATION_ERROR"), ('{"subscribe":5}', "VALIDATION_ERROR"), ('{"subscribe":[5]}', "VALIDATION_ERROR"),
    ('{"subscribe":["a b"]}', "VALIDATION_ERROR"), ('{"subscribe":["a"],"subscribe":["b"]}', "INVALID_JSON"), ("[" * 6000, "INVALID_JSON"),
    ('{"subscribe":[%s]}' % ",".join(f'"t{i}"' for i in range(33)), "VALIDATION_ERROR")])
def test_what_is_not_understood_is_said_and_the_connection_stays(speaker, text, code):
    d = speaker()
    with WebSocket(d, "events") as ws:
        ws.send(text)
        m = ws.receive()
        assert m["error"] == code and m["message"]
        say(d, "a")
        ws.send({"subscribe": ["speaker/a"]})
        assert ws.receive()["topic"] == "speaker/a"


def test_a_slow_reader_is_told_what_it_missed(speaker):
    d = speaker()
    with WebSocket(d, "events", receive_buffer=4096) as ws:
        ws.send({"subscribe": ["speaker/*"]})
        wait_until(lambda: d.json("speaker")["watched"])
        for _ in range(20):
            say(d, "a", size=10000, times=40)
        last = say(d, "b")
        values, missed, is_last = [], 0, False
        while not is_last:
            m = ws.receive()
            if "lag" in m:
                missed += m["lag"]["missed"]
            else:
                values.append(m)
                is_last = m["value"]["n"] == last
        assert missed > 0 and len(values) + missed == 801
        assert [v["seq"] for v in values] == sorted(v["seq"] for v in values)


def test_a_large_value_comes_in_fragments(speaker):
    d = speaker()
    with WebSocket(d, "events?topics=speaker/a", receive_buffer=4096) as ws:
        say(d, "a", size=1000000)
        fin, opcode, payload = ws.receive_frame()
        assert (fin, opcode) == (False, 1) and len(payload) <= 16384
        total = len(payload)
        while not fin:
            fin, opcode, payload = ws.receive_frame()
            assert opcode == 0
            total += len(payload)
        assert total > 1000000


def test_a_foreign_page_gets_no_socket(speaker):
    d = speaker(http={"cors_origins": ["http://localhost:8000"]})
    with pytest.raises(Refused) as refused:
        WebSocket(d, "events", {"Origin": "http://evil.example"})
    assert refused.value.status == 403 and b"ORIGIN_FORBIDDEN" in refused.value.body
    for origin in "http://localhost:8000", f"http://127.0.0.1:{d.port}":
        WebSocket(d, "events", {"Origin": origin}).close()


def test_topics_are_not_watched_for_those_who_have_left(speaker):
    d = speaker()
    ws = WebSocket(d, "events?topics=speaker/*")
    wait_until(lambda: d.json("speaker")["watched"])
    ws.send({"unsubscribe": ["speaker/*"]})
    wait_until(lambda: not d.json("speaker")["watched"])
    ws.send({"subscribe": ["**"]})
    wait_until(lambda: d.json("speaker")["watched"])
    ws.close()
    wait_until(lambda: not d.json("speaker")["watched"])
