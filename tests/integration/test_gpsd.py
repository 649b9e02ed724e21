"""The gpsd plugin against the real gpsd: position, sky, several receivers, and all the ways in which either of them goes away."""
import signal

import pytest

from gpsd import Gpsd, Receiver
from patchbay import wait_until


@pytest.fixture
def follow(patchbayd):
    """follow(gpsd or port, **settings) → a daemon with the gpsd plugin, following it."""

    def make(where, **settings):
        port = getattr(where, "port", where)
        return patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"port": port, **settings}}})

    return make


def gps(d):
    return d.json("gps")


def link(d):
    return gps(d)["link"]


def wait_fix(d, mode=3, limit=20):
    return wait_until(lambda: (g := gps(d))["fix"]["mode"] == mode and g, limit, f"a fix of mode {mode}")


def wait_link(d, state, limit=20):
    return wait_until(lambda: (x := link(d))["state"] == state and x, limit, f"the link is {state}")


def test_position_moves_and_is_gpsds(gpsd, follow):
    g = gpsd()
    d = follow(g)
    first = wait_fix(d)
    fix = first["fix"]
    assert fix["device"] == g.receivers[0].device
    assert fix["lon"] == pytest.approx(13.4, abs=1e-5)
    assert fix["altMSL"] == pytest.approx(34.0)
    assert fix["speed"] == pytest.approx(12.0, abs=0.1)
    assert fix["track"] == pytest.approx(45.0, abs=0.1)
    assert fix["time"].endswith("Z") and len(fix["time"]) == 24
    assert fix["status"] is None  # plain GPS: gpsd sends none
    assert first["stale"] is False and 0 <= first["age_ms"] < 5000
    assert first["link"]["state"] == "up" and first["link"]["reason"] is None and first["link"]["next_attempt"] is None
    assert first["link"]["release"].startswith("3.")
    assert [x["path"] for x in first["devices"]] == [g.receivers[0].device]
    assert first["devices"][0]["leads"] is True and first["devices"][0]["fix"]["mode"] == 3
    wait_until(lambda: gps(d)["fix"]["lat"] > fix["lat"], why="it moves north")


def test_sky_has_the_satellites(gpsd, follow):
    d = follow(gpsd())
    sky = wait_until(lambda: (s := gps(d)["sky"]) and s["satellites"] and s, why="a sky with satellites")
    assert (sky["nSat"], sky["uSat"], len(sky["satellites"])) == (10, 8, 10)
    first = next(s for s in sky["satellites"] if s["PRN"] == 2)
    assert (first["el"], first["az"], first["ss"], first["used"]) == (30, 45, 38, True)
    assert sky["hdop"] == pytest.approx(0.95)
    assert d.topic("gps/sky")["nSat"] == 10


def test_live_stream_carries_each_fix_once_and_in_order(gpsd, follow):
    g = gpsd()
    d = follow(g)
    wait_fix(d)
    with d.events("gps/fix") as events:
        seen = [events.next() for _ in range(10)]
    assert all(e.topic == "gps/fix" for e in seen)
    ids = [e.id for e in seen]
    assert ids == sorted(set(ids))
    lats = [e.value["lat"] for e in seen]
    assert lats == sorted(set(lats)), "each fix is new, and none comes twice"


def test_raw_lines_only_where_somebody_looks(gpsd, follow):
    d = follow(gpsd())
    wait_fix(d)
    with d.events("gps/raw") as events:
        assert events.wait_for(lambda e: e.value["class"] == "TPV").value["mode"] == 3
    assert d.get("topics/gps/raw").status == 404 or d.json("topics/gps/raw")["value"] is None  # nothing is kept


def test_without_gpsd_the_link_says_why_and_when_it_tries_again(follow, patchbayd):
    from patchbay import free_port
    port = free_port()
    d = follow(port)
    x = wait_link(d, "down")
    assert f"127.0.0.1:{port}" in x["reason"] and "refused" in x["reason"] and "systemctl start gpsd" in x["reason"]
    assert x["next_attempt"] > x["since"]
    g = gps(d)
    assert (g["fix"], g["sky"], g["devices"], g["age_ms"], g["stale"]) == (None, None, [], None, True)


def test_no_fix_is_an_object_with_its_mode_and_nulls(gpsd, follow):
    d = follow(gpsd(receivers=[Receiver(mode=1)]))
    fix = wait_fix(d, mode=1)["fix"]
    assert all(fix[k] is None for k in ("lat", "lon", "altHAE", "altMSL", "speed", "track", "climb", "eph"))


def test_a_fix_lost_and_found(gpsd, follow):
    g = gpsd()
    d = follow(g)
    wait_fix(d)
    g.receivers[0].mode = 1
    assert wait_fix(d, mode=1)["fix"]["lat"] is None
    g.receivers[0].mode = 3
    wait_fix(d)


def test_gpsd_killed_and_restarted(gpsd, follow):
    g = gpsd()
    d = follow(g)
    before = wait_fix(d)["fix"]
    g.kill()
    x = wait_link(d, "down")
    assert x["next_attempt"] is not None and x["reason"]
    gone = gps(d)
    assert gone["fix"]["mode"] == 3 and gone["devices"] == [], "the last fix outlives the link"
    wait_until(lambda: gps(d)["stale"] and link(d)["stale"], 15, "the fix grows old")
    g.start_daemon()
    wait_link(d, "up", 30)
    wait_until(lambda: (v := gps(d))["fix"]["lat"] > before["lat"] and not v["stale"], 20, "it moves again")


def test_gpsd_stopped_is_seen_as_silent_and_left(gpsd, follow):
    g = gpsd()
    d = follow(g, silent_after="1s", answer_within="3s")
    wait_fix(d)
    with d.events("gps/link") as events:
        g.signal(signal.SIGSTOP)
        silent = events.wait_for(lambda e: e.value["state"] == "silent", 20).value
        assert "no line for" in silent["reason"]
        down = events.wait_for(lambda e: e.value["state"] == "down", 20).value
        assert "no answer" in down["reason"]
        # connect() to a stopped gpsd succeeds: it is the greeting that does not come
        again = events.wait_for(lambda e: e.value["state"] == "down" and "said nothing" in e.value["reason"], 30).value
        assert again["next_attempt"] is not None
        g.signal(signal.SIGCONT)
        events.wait_for(lambda e: e.value["state"] == "up", 30)
    wait_until(lambda: not gps(d)["stale"], 20, "the fix is fresh again")


def test_stalled_receiver_makes_the_fix_stale_though_gpsd_answers(gpsd, follow):
    g = gpsd()
    d = follow(g, stale_after="1s", silent_after="2s", answer_within="2s")
    wait_fix(d)
    with d.events("gps/link") as events:
        g.receivers[0].is_silent = True
        events.wait_for(lambda e: e.value["stale"], 20, "the link says that the fix is stale")
        assert gps(d)["stale"] is True and gps(d)["age_ms"] >= 1000
        # asked again and again, gpsd answers: the link stays
        wait_until(lambda: gps(d)["age_ms"] > 6000, 20, "6 s without a fix")
        assert link(d)["state"] == "up"
        g.receivers[0].is_silent = False
        fresh = events.wait_for(lambda e: not e.value["stale"], 20).value
        assert fresh["state"] == "up"


def test_the_better_of_two_receivers_leads_and_each_is_visible(gpsd, follow):
    good, poor = Receiver(lat=52.0), Receiver(lat=48.0, mode=2)
    g = gpsd(receivers=[poor, good])
    d = follow(g, switch_after="1s")
    wait_until(lambda: len([x for x in gps(d)["devices"] if x["fix"]]) == 2, 20, "both report")
    wait_until(lambda: gps(d)["fix"]["device"] == good.device, 20, "the better one leads")
    by_path = {x["path"]: x for x in gps(d)["devices"]}
    assert by_path[good.device]["leads"] and not by_path[poor.device]["leads"]
    assert by_path[poor.device]["fix"]["mode"] == 2 and by_path[poor.device]["fix"]["lat"] < 49
    fixes = wait_until(lambda: (f := d.topic("gps/fixes")) and len(f) == 2 and f, 20, "both in gps/fixes")
    assert fixes[good.device]["mode"] == 3
    with d.events("gps/fix") as events:
        assert {events.next().value["device"] for _ in range(10)} == {good.device}
    good.mode = 1
    wait_until(lambda: gps(d)["fix"]["device"] == poor.device, 20, "the other one follows where the leader loses its fix")
    good.mode = 3
    wait_until(lambda: gps(d)["fix"]["device"] == good.device, 20, "and gives the lead back")
    good.is_silent = True
    wait_until(lambda: gps(d)["fix"]["device"] == poor.device, 30, "and takes it where the leader falls silent")


def test_receivers_added_and_removed_while_running(gpsd, follow):
    g = gpsd()
    d = follow(g)
    wait_fix(d)
    second = Receiver(lat=47.0).start()
    try:
        assert g.control(f"+{second.device}") == "OK"
        wait_until(lambda: len(gps(d)["devices"]) == 2, 20, "the second is there")
        assert g.control(f"-{g.receivers[0].device}") == "OK"
        wait_until(lambda: [x["path"] for x in gps(d)["devices"]] == [second.device], 20, "the first is gone")
        wait_until(lambda: gps(d)["fix"]["device"] == second.device, 20, "the second leads")
    finally:
        second.stop()


def test_reconnect_answers_with_the_outcome(gpsd, follow):
    g = gpsd()
    d = follow(g)
    wait_fix(d)
    since = link(d)["since"]
    assert d.call("gpsd.reconnect")["state"] == "up"
    assert link(d)["since"] > since
    g.kill()
    wait_link(d, "down")
    answer = d.call("gpsd.reconnect")
    assert answer["state"] == "down" and "refused" in answer["reason"]


def test_another_port_takes_effect_without_a_restart(gpsd, follow):
    one, two = gpsd(receivers=[Receiver(lat=50.0)]), gpsd(receivers=[Receiver(lat=40.0)])
    d = follow(one)
    wait_until(lambda: gps(d)["fix"]["lat"] > 49, 20, "the first one's position")
    pid = d.pid
    d.write({"plugins": {"gpsd": {"port": two.port}}})
    d.signal(signal.SIGHUP)
    wait_until(lambda: gps(d)["fix"]["lat"] < 41, 20, "the second one's position")
    assert d.pid == pid and str(two.port) in link(d)["address"]


def test_ensure_says_why_it_cannot(follow):
    from patchbay import free_port
    d = follow(free_port(), ensure=True, unit="patchbay-test-no-such.service")
    x = wait_until(lambda: (v := link(d))["ensure"] and "is asked to" not in v["ensure"] and v, 40, "what became of asking systemd")
    assert x["state"] == "down"
    assert any(w in x["ensure"] for w in ("no system bus", "there is no patchbay-test-no-such.service", "does not let", "cannot be used")), x["ensure"]


def test_a_host_name_is_resolved(gpsd, patchbayd):
    import socket
    g = gpsd()
    name = socket.gethostname()
    try:
        socket.getaddrinfo(name, g.port, type=socket.SOCK_STREAM)
    except OSError:
        pytest.skip("this machine cannot resolve its own name")
    d = patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"host": name, "port": g.port}}})
    x = wait_until(lambda: (v := link(d))["state"] in ("up", "down") and v, 40, "an outcome")
    assert x["state"] == "up" or "refused" in x["reason"]  # gpsd listens on loopback alone


def test_a_name_that_does_not_exist(patchbayd):
    d = patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"host": "no-such-host.invalid", "port": 2947}}})
    x = wait_link(d, "down", 60)
    assert "no-such-host.invalid" in x["reason"] and "resolve" in x["reason"]
