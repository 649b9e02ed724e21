"""GET events as Server-Sent Events."""
import json
import os
import re
import socket
import struct
import time

import pytest

from patchbay import SLOW, wait_until
from streams import say, speaker  # noqa: F401 (a fixture)
from websocket import PING, WebSocket

LIMIT = 64 * 1024


def request(d, path, headers="", receive_buffer=None):
    """A socket that has asked, and reads only when told to."""
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(20 * SLOW)
    s.connect((d.host, d.port))
    s.sendall(f"GET {d.url(path)} HTTP/1.0\r\nHost: {d.host}\r\n{headers}\r\n".encode())
    return s


def read_until(s, end, data=b""):
    """Reads until `end` (bytes) stands in what came."""
    while end not in data:
        piece = s.recv(65536)
        assert piece, f"the stream has ended before {end!r}"
        data += piece
    return data


def parse(text):
    """[(event, id, value)] of what came, the head left out."""
    out = []
    for block in text.decode().split("\r\n\r\n", 1)[-1].split("\n\n"):
        fields = [line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":")]
        if not fields or fields[-1][0] != "data":
            continue
        named = dict(fields)
        out.append((named["event"], int(named.get("id", 0)), json.loads("".join(v for k, v in fields if k == "data"))))
    return out


def test_kept_values_come_first_in_the_order_of_their_sequence(speaker):
    d = speaker()
    say(d, "b")
    say(d, "a")
    say(d, "flash")
    e = d.events("speaker/*")
    first, second = e.next(), e.next()
    assert (first.topic, second.topic) == ("speaker/b", "speaker/a")
    assert first.id < second.id
    assert first.value == {"n": 1, "text": ""}
    say(d, "flash", text="now")
    assert (e.next().value)["text"] == "now"
    assert e.headers["Content-Type"] == "text/event-stream" and e.headers["Cache-Control"] == "no-store"


def test_only_what_was_asked_for_comes(speaker):
    d = speaker()
    e = d.events("speaker/b,core/plugins")
    say(d, "a")
    say(d, "b")
    seen = {e.next().topic, e.next().topic}
    assert seen == {"core/plugins", "speaker/b"}


@pytest.mark.parametrize("topics", ["a%20b", "gps//fix", "/gps", "gps/", "gps/f*", "%ff", ",".join(f"t{i}" for i in range(40))])
def test_what_is_no_pattern_is_refused(speaker, topics):
    r = speaker().get(f"events?topics={topics}")
    assert r.status == 400
    if topics != "%ff":
        assert r.json()["error"]["code"] == "VALIDATION_ERROR" and r.json()["error"]["details"][0]["field"] == "topics"


def test_last_event_id_resumes(speaker):
    d = speaker()
    say(d, "a")
    say(d, "b")
    ids = {t["name"]: t["seq"] for t in d.json("topics")["topics"]}
    only_b = d.events("speaker/*", last_id=ids["speaker/a"])
    assert only_b.next().topic == "speaker/b"
    nothing = d.events("speaker/*", last_id=ids["speaker/b"])
    say(d, "a", text="new")
    assert nothing.next().value["text"] == "new"
    by_query = request(d, f"events?topics=speaker/*&last_event_id={ids['speaker/a']}")
    assert b"speaker/b" in read_until(by_query, b"new")
    for strange in 2**63 - 1, "x", -5, 2**70:
        e = d.events("speaker/*", last_id=strange)
        assert e.next().topic == "speaker/b", strange


def test_sequences_grow_over_a_restart(speaker):
    d = speaker()
    say(d, "a")
    before = d.events("speaker/a").next().id
    d.restart()
    say(d, "a")
    assert d.events("speaker/a", last_id=before).next().id > before


def test_a_slow_reader_gets_the_newest_and_hears_what_it_missed(speaker):
    d = speaker()
    s = request(d, "events?topics=speaker/*", receive_buffer=4096)
    data = read_until(s, b"\n\n")
    memory = rss(d)
    for _ in range(20):
        say(d, "a", size=10000, times=40)
        say(d, "b", times=40)
    last = say(d, "a", text="the end"), say(d, "b", text="the end of b")
    assert rss(d) - memory < 8 << 20, "what a slow reader leaves behind is not kept"
    while data.count(b"the end") < 2 or data.count(b"the end of b") < 1:
        data += s.recv(65536)
    events = parse(data)
    values = [e for e in events if e[0] != "lag"]
    missed = sum(e[2]["missed"] for e in events if e[0] == "lag")
    assert missed > 0
    for topic in "speaker/a", "speaker/b":
        ids = [i for t, i, _ in values if t == topic]
        assert ids == sorted(set(ids)), "in order, none twice"
    assert {v["n"] for _, _, v in values[-2:]} == set(last)
    assert len(values) + missed == 20 * 80 + 2, "each is sent or counted"


def rss(d):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{d.pid}/status").read()).group(1)) << 10


def test_a_value_larger_than_the_buffer_arrives_whole(speaker):
    d = speaker()
    say(d, "a", size=3000000)
    s = request(d, "events?topics=speaker/a", receive_buffer=4096)
    (event,) = parse(read_until(s, b"}\n\n"))
    assert len(event[2]["text"]) == 3000000
    say(d, "a", text="after")
    assert b"after" in read_until(s, b"after")


def test_a_topic_is_watched_while_somebody_looks(speaker):
    d = speaker()
    assert d.json("speaker")["watched"] is False
    one, two = d.events("speaker/a"), d.events("speaker/*")
    wait_until(lambda: d.json("speaker")["watched"], why="watched by two")
    one.close()
    time.sleep(0.1)
    assert d.json("speaker")["watched"] is True
    two.close()
    wait_until(lambda: not d.json("speaker")["watched"], why="watched by none")


def test_a_plugin_that_goes_is_told(speaker):
    d = speaker()
    say(d, "a")
    e = d.events("speaker/*")
    e.next()
    d.post("plugins/speaker/disable")
    gone = e.next()
    assert (gone.topic, gone.value) == ("gone", {"topic": "speaker/a"})
    d.post("plugins/speaker/enable")
    wait_until(lambda: d.get("speaker").status == 200)
    say(d, "a", text="again")
    assert e.wait_for(lambda x: x.topic == "speaker/a").value["text"] == "again"


def test_a_reload_in_place_is_not_seen(speaker):
    d = speaker()
    say(d, "a")
    e = d.events("speaker/a")
    e.next()
    d.post("plugins/speaker/reload")
    say(d, "a", text="of the new one")
    assert e.next().value["text"] == "of the new one"


def test_a_head_asks_for_no_stream(speaker):
    r = speaker().request("HEAD", "events")
    assert (r.status, r.headers["Content-Type"]) == (200, "text/event-stream")


def test_many_clients_cost_little_and_all_hear(speaker):
    """The figure itself is the bench's; here it must not be out of all proportion."""
    count = 400
    d = speaker(http={"max_connections": count + 50})
    warm = [request(d, "events?topics=speaker/*") for _ in range(20)]
    before = rss(d)
    clients = [request(d, "events?topics=speaker/*") for _ in range(count)]
    for c in clients:
        read_until(c, b":\n\n")
    if "Sanitizer" not in os.environ.get("PATCHBAY_BUILD_KIND", "") and SLOW == 1:
        assert (rss(d) - before) / count < 16 * 1024
    say(d, "a", text="to all of you")
    for c in warm + clients:
        read_until(c, b"to all of you")
    for c in warm + clients:
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # half of them by reset would be kind
        c.close()
    wait_until(lambda: 'patchbay_event_clients 0' in d.get("/metrics").text, why="all clients are gone")


def test_a_stop_ends_the_streams(speaker):
    d = speaker()
    e = d.events("speaker/*")
    say(d, "a")
    e.next()
    d.signal(15)
    with pytest.raises(EOFError):
        while True:
            e.next()
    assert d.wait_exit() == 0


def test_silent_streams_show_that_they_live(speaker):
    """A comment every 15 s, a ping every 30 s: the one test here that takes as long as that."""
    d = speaker()
    sse = d.events("speaker/*")
    with WebSocket(d, "events", limit=40) as ws:
        fin, opcode, payload = ws.receive_frame()
        assert (fin, opcode, payload) == (True, PING, b"")
    wait_until(lambda: sse.comments >= 3, 25, "the first comment and two of 15 s each")
