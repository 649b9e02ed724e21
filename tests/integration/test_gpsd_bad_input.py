"""The gpsd plugin against servers that are broken, mute, flooding or no gpsd at all. The daemon serves all the while."""
import time

import pytest

from fake_gpsd import BANNER, DEVICES, GREETING, WATCH, FakeGpsd, tpv
from patchbay import wait_until


@pytest.fixture
def against(patchbayd):
    """against(serve, **settings) → (daemon, server)."""
    servers = []

    def make(serve, **settings):
        server = FakeGpsd(serve)
        servers.append(server)
        return patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"port": server.port, **settings}}}), server

    yield make
    for s in servers:
        s.stop()


def link(d):
    return d.json("gps")["link"]


def wait_reason(d, text, limit=30):
    return wait_until(lambda: (x := link(d))["state"] == "down" and text in x["reason"] and x, limit, f"down, because: {text}")


def wait_lat(d, lat, limit=20):
    return wait_until(lambda: d.json("gps")["fix"]["lat"] == lat, limit, f"the fix is at {lat}")


BAD_LINES = [
    "", "   ", "garbage", "{", "}", "[]", "null", "3", "{}", '{"class":3}', '{"class":""}', "HTTP/1.1 400 Bad Request", "$GPRMC,020000.00,A*5E",
    '{"class":"TPV"} x {"class":"TPV"}', '{"lat":"x","class":"TPV"}', '{"class":"TPV","mode":3,"lat":1',
    '{"class":"TPV","mode":3,"lat":NaN,"lon":1}', '{"class":"TPV","mode":3,"lat":1e999,"lon":1}', '{"class":"TPV","mode":3,"lat":1,"lon":-1e999}',
    '{"class":"TPV","mode":3}', '{"class":"TPV","mode":3,"lat":91,"lon":1}', '{"class":"TPV","mode":99999999999,"lat":1,"lon":1}',
    '{"class":"TPV","mode":"3","lat":1,"lon":1}', '{"class":"TPV","mode":3,"lat":null,"lon":1}', '{"class":"TPV","mode":3,"lat":[1],"lon":1}',
    '{"class":"SKY","satellites":3}', '{"class":"SKY","satellites":[' + ",".join('{"PRN":%d,"used":true}' % i for i in range(200)) + "]}",
    '{"class":"DEVICES"}', '{"class":"DEVICES","devices":[3]}', '{"class":"DEVICE"}', '{"class":"POLL","tpv":[{"class":"POLL"}]}',
    "[" * 5000, "\x01\x02\x03", '{"class":"TPV","device":"\\u0000","mode":3,"lat":1,"lon":1}',
]


def test_bad_lines_change_nothing_and_good_ones_between_them_count(against):
    def serve(c):
        c.greet()
        for i, line in enumerate(BAD_LINES):
            c.send(line.encode() + b"\r\n" + tpv(10 + i).encode())
        c.send(b"\xff\xfe\x80\r\n" + tpv(77.5).encode())
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 77.5)
    g = d.json("gps")
    assert g["link"]["state"] == "up" and g["fix"]["lon"] == 13.4 and g["fix"]["mode"] == 3


def test_out_of_range_numbers_are_null(against):
    def serve(c):
        c.greet()
        c.send(tpv(5.5, more=',"speed":-1,"track":1e9,"altMSL":1e20,"time":"garbage","eph":-5'))
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 5.5)
    fix = d.json("gps")["fix"]
    assert all(fix[k] is None for k in ("speed", "track", "altMSL", "time", "eph"))


def test_lines_cut_anywhere_are_put_together(against):
    text = GREETING[len(BANNER):].encode() + tpv(1.25).encode() + tpv(2.25).encode()

    def serve(c):
        c.send(BANNER)
        for byte in text:
            c.send(bytes([byte]))
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 2.25)


def test_half_a_line_at_the_end_is_no_line(against):
    def serve(c):
        c.greet()
        c.send(tpv(3.5))
        c.send(tpv(4.5).rstrip()[:-1])

    d, _ = against(serve)
    wait_reason(d, "closed the connection")
    assert d.json("gps")["fix"]["lat"] == 3.5


@pytest.mark.parametrize("size", [70_000, 1_000_000])
def test_a_line_without_end_ends_the_connection(against, size):
    def serve(c):
        c.greet()
        c.send('{"class":"TPV","device":"' + "x" * size)
        c.wait()

    d, _ = against(serve)
    wait_reason(d, "longer than 64 KiB")


def test_a_whole_line_of_a_megabyte_ends_the_connection_too(against):
    def serve(c):
        c.greet()
        c.send('{"class":"TPV","device":"' + "x" * 1_000_000 + '","mode":1}\r\n')
        c.wait()

    d, _ = against(serve)
    wait_reason(d, "longer than 64 KiB")


def test_nothing_but_garbage_ends_the_connection(against):
    def serve(c):
        c.greet()
        c.send("garbage\r\n" * 5000)
        c.wait()

    d, _ = against(serve)
    wait_reason(d, "useless lines in a row")


@pytest.mark.parametrize("greeting", ["SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.0 400 Bad Request\r\n\r\n", '{"class":"TPV","mode":1}\r\n', "\x00\x00\x00\x04abcd\n"])
def test_what_is_no_gpsd_is_told_so(against, greeting):
    def serve(c):
        c.send(greeting)
        c.wait()

    d, server = against(serve)
    wait_reason(d, "is that its port?")
    assert b"?WATCH" not in server.received


def test_a_server_that_says_nothing(against):
    d, _ = against(lambda c: c.wait(), answer_within="1s")
    assert wait_until(lambda: link(d)["state"] == "connecting" or link(d), 5)
    wait_reason(d, "said nothing for 1 s")


def test_a_server_that_only_greets_is_asked_and_left(against):
    def serve(c):
        c.send(BANNER)
        c.wait()

    d, server = against(serve, silent_after="1s", answer_within="2s")
    wait_reason(d, "no answer to ?VERSION")
    assert b"?VERSION" in server.received


def test_a_link_that_falls_silent_and_answers_stays(against):
    def serve(c):
        c.greet()
        c.send(tpv(1.5))
        while data := c.receive():
            if b"?VERSION" in data:
                c.send(BANNER + DEVICES)

    d, server = against(serve, silent_after="1s", answer_within="2s")
    wait_until(lambda: server.received.count(b"?VERSION") >= 3, 20, "asked three times")
    assert link(d)["state"] == "up" and server.connections == 1


def test_a_server_that_closes_at_once(against):
    d, _ = against(lambda c: None)
    wait_reason(d, "closed the connection")


def test_a_server_that_resets(against):
    def serve(c):
        c.greet()
        c.send(tpv(1.5))
        wait_until(lambda: c.server.ended.is_set() or d and d.json("gps")["fix"]["lat"] == 1.5, 10)
        c.reset()

    d = None
    d, server = against(serve)
    wait_until(lambda: link(d)["state"] == "down" and link(d)["reason"], 30, "down")
    assert d.json("gps")["fix"]["lat"] == 1.5
    wait_until(lambda: server.connections >= 2, 20, "it comes again")


def test_a_flood_does_not_starve_the_daemon(against):
    lines = "".join(tpv(i % 80) for i in range(2000)).encode()

    def serve(c):
        c.greet()
        end = time.monotonic() + 60
        while not c.server.ended.is_set() and time.monotonic() < end:
            c.send(lines)

    d, _ = against(serve)
    wait_until(lambda: d.json("gps")["fix"]["mode"] == 3, 20, "a fix out of the flood")
    for _ in range(50):
        assert d.json("gps")["link"]["state"] == "up"
    rss = d.rss()
    wait_until(lambda: "more than 1 MiB a second" in d.log, 20, "the flood is named in the log")
    assert d.rss() < rss + 16 * 1024 * 1024, "what is not read yet waits in the kernel"


def test_a_flood_of_devices_is_bounded(against):
    def serve(c):
        c.greet()
        for i in range(3000):
            c.send(tpv(1.5, device=f"/dev/flood{i}"))
        c.send(DEVICES + tpv(8.5))
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 8.5)
    assert len(d.json("gps")["devices"]) == 1  # those that it lists


def test_several_answers_in_one_read_give_the_newest_fix_alone(against):
    def serve(c):
        c.greet()
        c.receive(0.1)
        c.send("".join(tpv(i) for i in range(40)))
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 39)


def test_a_sky_without_satellites_keeps_the_last(against):
    def serve(c):
        c.greet()
        c.send('{"class":"SKY","device":"/dev/fake0","hdop":1.5,"nSat":2,"uSat":1,"satellites":[{"PRN":2,"el":30,"az":45,"ss":38,"used":true},{"PRN":9,"used":false}]}\r\n')
        c.send('{"class":"SKY","device":"/dev/fake0","nSat":0,"uSat":0}\r\n')
        c.send(tpv(6.5))
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 6.5)
    sky = d.json("gps")["sky"]
    assert [s["PRN"] for s in sky["satellites"]] == [2, 9] and sky["nSat"] == 2 and sky["hdop"] == 1.5
    assert sky["satellites"][1]["el"] is None


def test_hostile_names_reach_clients_as_text(against):
    name = '</script><b>\\"\\u0007\\u00e9'

    def serve(c):
        c.send(BANNER)
        c.send('{"class":"DEVICES","devices":[{"class":"DEVICE","path":"' + name + '","driver":"' + "y" * 5000 + '"}]}\r\n' + WATCH)
        c.send(tpv(7.5, device=name))
        c.wait()

    d, _ = against(serve)
    wait_lat(d, 7.5)
    device = d.json("gps")["devices"][0]
    assert device["path"] == '</script><b>"\x07\u00e9' and device["leads"] and len(device["driver"]) == 255
