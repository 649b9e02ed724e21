"""WS /webhook: the messages of the contract's section 7, with real processes and Kismet's stand-in."""
import json
import threading
import time

import pytest

from patchbay import ROOT, SLOW, wait_until
from procs import nasty
from standin import Standin
from webhook import ISO, REST, kit  # noqa: F401 (kit is a fixture)
from websocket import TEXT, Refused, WebSocket, frame

CHANNELS = ["status", "devices", "alerts"]


def check(m):
    """What every message has: both words, the time, and each field twice."""
    assert m["type"] == m["event"] and ISO.fullmatch(m["timestamp"]) and isinstance(m["data"], dict), m
    for name, value in m["data"].items():
        assert name == "type" or m[name] == value, m
    assert set(m) == {"type", "event", "data", "timestamp"} | (set(m["data"]) - {"type"}), m
    return m


class Client(WebSocket):
    def __init__(self, d, **kw):
        super().__init__(d, "/webhook", **kw)
        self.hello = self.next("connected")

    def next(self, event=None, **fields):
        """The next message, or the next of that event and with these fields; what comes before is given up."""
        end, seen = time.monotonic() + 30 * SLOW, []
        while True:
            m = check(self.receive())
            assert time.monotonic() < end, f"no {event} {fields}; seen: {seen[-5:]}"
            seen.append(m)
            if event is None or m["event"] == event and all(m["data"].get(k) == v for k, v in fields.items()):
                return m

    def order(self, event, **data):
        self.send({"event": event, "data": data})

    def subscribe(self, *channels):
        self.order("subscribe", channels=list(channels))
        return self.next("subscribed")


@pytest.fixture
def clients():
    made = []

    def make(d, **kw):
        made.append(Client(d, **kw))
        return made[-1]

    yield make
    for c in made:
        c.close()


@pytest.fixture
def standin():
    made = []

    def make(*args, **kw):
        made.append(Standin(*args, **kw))
        return made[-1]

    yield make
    for s in made:
        s.kill()


@pytest.fixture
def air(patchbayd, standin):
    """air(…) → a daemon with webhook and kismet, that Kismet's stand-in answers."""

    def make(*args, **kw):
        s = standin(*args, **kw)
        d = patchbayd(plugins=["webhook", "kismet"], settings={"plugins": {"kismet": s.settings()}})
        wait_until(lambda: d.json("kismet")["state"] == "up", 20, "Kismet answers")
        d.standin = s
        return d

    return make


def test_hello_and_channels(kit, clients):
    d = kit().daemon
    a, b = clients(d), clients(d)
    assert set(a.hello["data"]) == {"clientId", "availableChannels"} and a.hello["availableChannels"] == CHANNELS
    assert a.hello["clientId"] != b.hello["clientId"]
    assert d.json("/health")["connected_clients"] == 2
    assert a.subscribe("devices", "alerts")["channels"] == ["devices", "alerts"]
    a.order("unsubscribe", channels=["alerts"])
    assert a.next("unsubscribed")["channels"] == ["alerts"]
    a.order("subscribe", channels=["alerts", "gossip"])
    assert "gossip" in a.next("error")["message"]
    assert a.next("subscribed")["channels"] == ["alerts"]
    a.close()
    wait_until(lambda: d.json("/health")["connected_clients"] == 1, why="the one that left is not counted")


def test_status_comes_at_once_on_change_and_every_five_seconds(kit, clients):
    k = kit({"kismet": REST, "other": REST}, {"kismet": ["kismet"]})
    c = clients(k.daemon, limit=15)
    c.subscribe("status")
    m = c.next("statusUpdate")
    assert m["script"] == "all" and m["status"]["kismet"]["running"] is False and set(m["status"]) >= {"kismet", "gps", "both"}
    pid = k.start("kismet")["pid"]
    m = c.next("statusUpdate")
    while not m["status"]["kismet"]["running"]:
        m = c.next("statusUpdate")
    assert m["status"]["kismet"]["pid"] == pid
    quiet = c.next("statusUpdate")  # nothing happens now: this one is the clock's
    assert quiet["status"]["kismet"]["running"]
    c.order("requestStatus", script="kismet")
    one = c.next("statusUpdate", script="kismet")
    assert one["status"]["running"] and one["status"]["pid"] == pid
    c.order("requestStatus")
    assert c.next("statusUpdate", script="all")
    c.order("requestStatus", script="nobody")
    assert "nobody" in c.next("error")["message"]
    c.order("requestStatus", script=5)
    assert "string" in c.next("error")["message"]


def test_script_events(kit, clients):
    k = kit({"kismet": REST, "bad": [nasty(), "exit", "3"], "brief": [nasty(), "late-exit", "700"]}, {"kismet": ["kismet"]})
    c = clients(k.daemon)
    c.subscribe("status")
    pid = k.start("kismet")["pid"]
    m = c.next("scriptEvent")
    assert (m["script"], m["action"], m["details"]["pid"]) == ("kismet", "started", pid)
    k.stop("kismet")
    m = c.next("scriptEvent", script="kismet")
    assert m["action"] == "stopped" and m["details"]["signal"] == "SIGTERM"
    k.daemon.post("procs/bad/start?wait=ready", {})
    m = c.next("scriptEvent", script="bad", action="failed")
    assert m["details"]["exitCode"] == 3 and "status 3" in m["details"]["reason"]
    k.daemon.post("procs/brief/start", {})
    assert c.next("scriptEvent", script="brief")["action"] == "started"
    assert c.next("scriptEvent", script="brief")["action"] in ("failed", "exited")


def test_new_devices_are_told_one_by_one_and_past_ten_a_second_together(air, clients):
    d = air("--wall", "--speed", "0")
    wait_until(lambda: (s := d.topic("kismet/summary"))["devices"] > 0 and s, 20, "the recorded session is known")
    c = clients(d, limit=20)
    c.subscribe("devices")
    d.standin.order("/device", mac="02:AA:00:00:00:03", name="<one>", last_time=int(time.time()), push=True)
    m = c.next("newDevice", mac="02:AA:00:00:00:03")
    assert set(m["data"]) == {"mac", "type", "signal", "timestamp"} and m["data"]["type"] == "Access Point" and m["signal"] == -50 and m["type"] == "newDevice"
    d.standin.order("/devices", count=200, last_time=int(time.time()) + 100000)
    seen, omitted, singles = set(), 0, []
    while len(seen) + omitted < 200:
        m = c.next()
        if m["event"] == "newDevice" and m["mac"].startswith("0A:"):
            seen.add(m["mac"])
            singles.append(time.monotonic())
        elif m["event"] == "newDevices":
            assert set(m["data"]) == {"devices", "omitted"} and len(m["devices"]) <= 100
            assert all(set(x) == {"mac", "type", "signal", "timestamp"} for x in m["devices"])
            seen |= {x["mac"] for x in m["devices"] if x["mac"].startswith("0A:")}
            omitted += m["omitted"]
    assert len(seen) + omitted == 200 and len(singles) <= 200 and omitted > 0


def test_alerts(air, clients):
    d = air("--wall", "--speed", "40")
    c = clients(d, limit=30)
    c.subscribe("alerts")
    m = c.next("alert")
    assert set(m["data"]) == {"id", "type", "severity", "message"} and m["type"] == "alert" and m["data"]["type"] != "alert"
    assert m["severity"] in ("info", "low", "medium", "high", "critical")


def test_nobody_looks_at_kismet_for_a_client_that_wants_the_status_alone(air, clients):
    d = air()
    c = clients(d)
    c.subscribe("status")

    def watchers():
        return {t["name"]: t["watchers"] for t in d.json("topics")["topics"] if t["name"] in ("kismet/changes", "kismet/alerts")}

    assert watchers() == {"kismet/changes": 0, "kismet/alerts": 0}
    c.subscribe("devices")
    wait_until(lambda: watchers() == {"kismet/changes": 1, "kismet/alerts": 0}, why="the devices are looked at")
    c.close()
    wait_until(lambda: watchers() == {"kismet/changes": 0, "kismet/alerts": 0}, why="they are not any more")


@pytest.mark.parametrize("bad", ["", "{", "nonsense", "[1,2", "5", "null", '"x"', "[]", "{}", '{"event":5}', '{"event":"dance"}', '{"event":"subscribe"}', '{"event":"subscribe","data":{"channels":[]}}',
                                 '{"event":"subscribe","data":{"channels":"status"}}', '{"event":"subscribe","data":{"channels":[1]}}', '{"event":"a","event":"b"}', "[" * 3000])
def test_a_bad_message_gets_an_error_and_the_connection_stays(patchbayd, clients, bad):
    d = patchbayd(plugins=["webhook"])
    c = clients(d)
    c.send(bad)
    assert c.next()["event"] == "error"
    assert c.subscribe("alerts")["channels"] == ["alerts"]


def test_without_procs_the_status_is_null_and_says_why(patchbayd, clients):
    c = clients(patchbayd(plugins=["webhook"]))
    c.subscribe("status")
    m = c.next("statusUpdate")
    assert m["status"] is None and "procs" in m["message"]


def test_the_daemon_says_that_it_stops(patchbayd, clients):
    d = patchbayd(plugins=["webhook"])
    c = clients(d)
    stopping = threading.Thread(target=d.stop)
    stopping.start()
    try:
        assert c.next()["event"] == "shutdown"
        assert c.receive_close() == 1001
    finally:
        stopping.join()


def test_a_reload_of_the_plugin_tells_its_clients(patchbayd, clients):
    d = patchbayd(plugins=["webhook"])
    c = clients(d)
    assert d.post("plugins/webhook/reload").status == 200
    assert "connect again" in c.next("shutdown")["message"]
    assert c.receive_close() == 1001
    assert clients(d).hello


def test_the_origin_is_checked(patchbayd):
    d = patchbayd(plugins=["webhook"], settings={"http": {"cors_origins": ["http://localhost:8000"]}})
    with pytest.raises(Refused) as refused:
        WebSocket(d, "/webhook", headers={"Origin": "http://evil.example"})
    assert refused.value.status == 403 and json.loads(refused.value.body)["error"] == "ORIGIN_FORBIDDEN"
    for good in "http://localhost:8000", f"http://{d.host}:{d.port}":
        with WebSocket(d, "/webhook", headers={"Origin": good}) as ws:
            assert ws.receive()["event"] == "connected"


def test_a_slow_client_is_bounded_and_told_what_is_so_in_the_end(kit, clients):
    groups = {f"group-{n:03d}": ["kismet"] for n in range(100)}
    k = kit({"kismet": REST}, {"kismet": ["kismet"], **groups})
    slow, quick = clients(k.daemon, receive_buffer=4096, limit=60), clients(k.daemon)
    slow.subscribe("status")
    quick.subscribe("status")
    sent = 0
    for _ in range(20):
        k.start("kismet")
        quick.next("scriptEvent", action="started")
        sent += len(json.dumps(quick.next("statusUpdate")))
        k.stop("kismet")
        quick.next("scriptEvent", action="stopped")
        sent += len(json.dumps(quick.next("statusUpdate")))
    pid = k.start("kismet")["pid"]
    while not quick.next("statusUpdate")["status"]["kismet"]["running"]:
        pass
    assert sent > 1 << 20  # far more than may wait for one
    got, left_out = 0, None
    while True:
        m = slow.next()
        got += len(json.dumps(m))
        if m["event"] == "error":
            left_out = m["message"]
        elif m["event"] == "statusUpdate" and m["status"]["kismet"].get("pid") == pid:
            break
    assert got < sent and "left out" in left_out
    k.stop("kismet")


def test_a_client_that_only_sends_is_bounded(patchbayd, clients):
    d = patchbayd(plugins=["webhook"])
    c = clients(d, receive_buffer=4096)
    before = d.rss()
    c.socket.settimeout(2 * SLOW)
    try:
        for _ in range(2000):
            c.send_raw(frame(TEXT, "nonsense " * 20) * 20)
    except (TimeoutError, ConnectionError):
        pass
    assert d.rss() - before < (8 << 20 if SLOW == 1 else 128 << 20)  # sanitizers keep what is freed
    assert clients(d).hello


def test_many_clients_hear_the_same(kit):
    k = kit({"kismet": REST}, {"kismet": ["kismet"]}, settings={"http": {"max_connections": 2000}})
    count = 300
    many = [Client(k.daemon, limit=30) for _ in range(count)]
    try:
        assert k.daemon.json("/health")["connected_clients"] == count
        for c in many:
            c.subscribe("status")
        pid = k.start("kismet")["pid"]
        for c in many:
            m = c.next("scriptEvent", script="kismet", action="started")
            assert m["details"]["pid"] == pid
    finally:
        for c in many:
            c.close()
    wait_until(lambda: k.daemon.json("/health")["connected_clients"] == 0, 20, "all have gone")
    k.stop("kismet")


def test_no_alert_of_a_storm_is_lost(air, clients):
    d = air("--wall", "--speed", "0")
    c = clients(d, limit=30)
    c.subscribe("alerts")
    one = json.loads((ROOT / "tests/data/kismet/alerts.json").read_text())[0]
    at = time.time() + 100000
    wanted = [f"storm {n:03d}" for n in range(80)]

    def raised(numbers):
        for n in numbers:
            d.standin.order("/event", topic="ALERT", value={**one, "kismet.alert.hash": 900000 + n, "kismet.alert.text": wanted[n], "kismet.alert.timestamp": at + n})

    raised([0])  # from here on it is known what was before
    told = [c.next("alert", message=wanted[0])["message"]]
    raised(range(1, 80))
    while len(told) < 80:
        m = c.next("alert")
        if m["message"].startswith("storm"):
            told.append(m["message"])
    assert told == wanted
