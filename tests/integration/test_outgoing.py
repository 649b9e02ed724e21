"""Outgoing webhooks: configured, kept, delivered in order with retries, signed, buried, refused where they must not go."""
import hashlib
import hmac
import json
import os
import re
import socket
import threading
import time

import pytest

from certificates import Authority
from patchbay import SLOW, free_port, plugin_folder, wait_until
from receiver import Receiver, server_context

MANY = int(os.environ.get("PATCHBAY_OUTGOING_EVENTS", "2000"))
FAST = {"first_retry": "50ms", "longest_retry": "200ms"}


def start(patchbayd, outgoing=None, plugins=("webhook",), **settings):
    d = patchbayd(plugins=list(plugins), settings={"plugins": {"webhook": {"outgoing": {**FAST, **(outgoing or {})}}, **settings}})
    d.wait_plugin("webhook")
    return d


def configure(d, url, expect=201, **body):
    r = d.post("configure", {"url": url, **body})
    assert r.status == expect, r
    return r.json()["webhook"] if expect == 201 else r.json()


def listed(d, query=""):
    r = d.json(f"/api/webhooks{query}")
    assert r["success"] and r["total"] == len(r["webhooks"])
    return r["webhooks"]


def about(d, id):
    return {w["id"]: w for w in listed(d)}[id]


def send_test(d, id, data=None, expect=202):
    r = d.post(f"/api/webhooks/{id}/test", {"data": data})
    assert r.status == expect, r
    return r.json().get("id")


@pytest.fixture
def receiver():
    with Receiver() as r:
        yield r


# ---- configuring --------------------------------------------------------------------------------------------------------


def test_configure_list_delete_as_the_contract_has_it(patchbayd):
    d = start(patchbayd)
    r = d.post("configure", {"url": "http://192.0.2.1/hook"})
    assert r.status == 201
    body = r.json()
    assert body["success"] is True and body["message"] == "Webhook configured successfully" and re.fullmatch(r"\d{4}-.*Z", body["timestamp"])
    w = body["webhook"]
    assert re.fullmatch(r"wh_[0-9a-f]{24}", w["id"]) and re.fullmatch(r"\d{4}-.*Z", w.pop("createdAt"))
    id = w.pop("id")
    assert w == {"url": "http://192.0.2.1/hook", "events": ["all"], "enabled": True, "headers": {}, "lastTriggered": None, "triggerCount": 0}
    other = configure(d, "https://192.0.2.2:8443/x?y=1", events=["newDevice", "alert"], enabled=False, headers={"X-Kit": "7"}, secret="hush")
    assert [x["id"] for x in listed(d)] == [id, other["id"]]
    assert [x["id"] for x in listed(d, "?enabled=true")] == [id] and [x["id"] for x in listed(d, "?enabled=false")] == [other["id"]]
    assert [x["id"] for x in listed(d, "?event=newDevice")] == [id, other["id"]] and [x["id"] for x in listed(d, "?event=incident")] == [id]
    assert d.get("/api/webhook").json()["total"] == 2, "both prefixes"
    gone = d.request("DELETE", f"/api/webhooks/{id}")
    assert gone.status == 200 and gone.json()["webhook"] == {"id": id, "url": "http://192.0.2.1/hook"} and gone.json()["success"]
    again = d.request("DELETE", f"/api/webhook/{id}")
    assert again.status == 404 and again.json()["error"] == "NOT_FOUND"
    assert [x["id"] for x in listed(d)] == [other["id"]]


def test_unknown_paths_beside_the_ids_stay_unknown(patchbayd):
    d = start(patchbayd)
    for method, path in (("DELETE", "/api/webhooks/nothing"), ("GET", "/api/webhook/nothing"), ("GET", "/api/webhooks/nothing/dead")):
        assert d.request(method, path).status == 404, path
    assert d.request("GET", "/api/webhooks/wh_12").status == 405


@pytest.mark.parametrize("body, field", [
    ({}, "url"), ({"url": ""}, "url"), ({"url": "ftp://192.0.2.1/"}, "url"), ({"url": "no url"}, "url"), ({"url": "http:///path"}, "url"),
    ({"url": "http://user:secret@192.0.2.1/"}, "url"), ({"url": "http://192.0.2.1:99999/"}, "url"), ({"url": "http://192.0.2.1:0/"}, "url"),
    ({"url": "http://192.0.2.1/a b"}, "url"), ({"url": "http://192.0.2.1/\r\nX: y"}, "url"), ({"url": "http://192.0.2.1/#x"}, "url"),
    ({"url": "http://192.0.2.1/", "events": ["nonsense"]}, "events"), ({"url": "http://192.0.2.1/", "events": []}, "events"),
    ({"url": "http://192.0.2.1/", "headers": {"Host": "x"}}, "headers"), ({"url": "http://192.0.2.1/", "headers": {"content-length": "1"}}, "headers"),
    ({"url": "http://192.0.2.1/", "headers": {"X": "a\r\nY: b"}}, "headers"), ({"url": "http://192.0.2.1/", "headers": {"X\r\nY": "b"}}, "headers"),
    ({"url": "http://192.0.2.1/", "headers": {"X-Webhook-Id": "b"}}, "headers"), ({"url": "http://192.0.2.1/", "headers": {"": "b"}}, "headers"),
    ({"url": "http://192.0.2.1/", "enabled": "yes"}, "enabled"),
    ({"url": "http://169.254.169.254/latest/meta-data/"}, "url"), ({"url": "http://[fe80::1]/"}, "url"), ({"url": "http://[::ffff:169.254.1.1]/"}, "url"),
    ({"url": "http://0.0.0.0:80/"}, "url"), ({"url": "http://[::]/"}, "url"), ({"url": "http://224.0.0.1/"}, "url"), ({"url": "http://255.255.255.255/"}, "url"),
])
def test_what_cannot_be_is_refused_with_its_field(shared, body, field):
    r = shared.post("configure", body)
    assert r.status == 400, r
    e = r.json()["error"]
    assert e["code"] == "VALIDATION_ERROR" and any(x["field"].split(".")[0].split("[")[0] == field for x in e["details"]), r


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from patchbay import Daemon
    d = Daemon(tmp_path_factory.mktemp("outgoing"), plugins=["webhook"]).start()
    d.wait_plugin("webhook")
    yield d
    d.stop()


def test_our_own_listeners_are_refused(patchbayd):
    d = start(patchbayd)
    for url in (f"http://127.0.0.1:{d.port}/api/webhook/run-script", f"http://127.3.2.1:{d.port}/", f"http://[::ffff:127.0.0.1]:{d.port}/"):
        assert "daemon's own" in configure(d, url, 400)["message"]
    w = configure(d, f"http://localhost:{d.port}/x")
    send_test(d, w["id"])
    wait_until(lambda: "daemon's own" in (about(d, w["id"])["delivery"]["lastError"] or ""), why="a name that means us is found out when it is connected to")


def test_at_most_32_of_them(patchbayd):
    d = start(patchbayd)
    ids = [configure(d, f"http://192.0.2.1/{n}", enabled=False)["id"] for n in range(32)]
    assert d.post("configure", {"url": "http://192.0.2.1/"}).json()["error"] == "TOO_MANY_WEBHOOKS"
    assert d.request("DELETE", f"/api/webhooks/{ids[3]}").status == 200
    configure(d, "http://192.0.2.1/again")


def test_secrets_are_shown_to_nobody(patchbayd, receiver):
    d = start(patchbayd)
    receiver.status = 500
    w = configure(d, receiver.url("/path-secret-a"), secret="secret-b", headers={"Authorization": "Bearer secret-c", "X-Kit": "7"})
    assert w["headers"] == {"Authorization": "***", "X-Kit": "7"}
    send_test(d, w["id"])
    wait_until(lambda: len(receiver.got) > 2, why="it is tried")
    assert receiver.got[0].headers["Authorization"] == "Bearer secret-c"
    text = d.get("/api/webhooks").text + d.get("topics").text + d.get("log").text + d.get("/metrics").text
    assert "secret-b" not in text and "secret-c" not in text
    assert "secret-" not in d.log, "not even the path"


# ---- delivering ---------------------------------------------------------------------------------------------------------


def test_a_delivery_says_who_and_what_and_is_signed(patchbayd, receiver):
    d = start(patchbayd)
    w = configure(d, receiver.url("/hook?a=1"), secret="hush", headers={"X-Kit": "7"})
    id = send_test(d, w["id"], {"n": 1, "text": "äß"})
    got = wait_until(lambda: receiver.got and receiver.got[0], why="it comes")
    assert got.path == "/hook?a=1" and got.json["id"] == id and got.json["event"] == "test" and got.json["data"] == {"n": 1, "text": "äß"}
    assert re.fullmatch(r"\d{4}-.*Z", got.json["timestamp"])
    h = got.headers
    assert h["X-Webhook-Id"] == id and h["X-Webhook-Event"] == "test" and h["X-Webhook-Attempt"] == "1" and h["X-Kit"] == "7"
    assert re.fullmatch(r"\d{4}-.*Z", h["X-Webhook-Timestamp"]) and h["Content-Type"] == "application/json" and h["Host"] == f"127.0.0.1:{receiver.port}"
    assert h["X-Webhook-Signature"] == "sha256=" + hmac.new(b"hush", got.body, hashlib.sha256).hexdigest()
    told = wait_until(lambda: (a := about(d, w["id"]))["triggerCount"] == 1 and a, why="it is counted")
    assert re.fullmatch(r"\d{4}-.*Z", told["lastTriggered"]) and told["delivery"]["pending"] == 0


def test_without_a_secret_there_is_no_signature(patchbayd, receiver):
    d = start(patchbayd)
    send_test(d, configure(d, receiver.url())["id"])
    assert "X-Webhook-Signature" not in wait_until(lambda: receiver.got and receiver.got[0], why="it comes").headers


def test_names_are_resolved(patchbayd, receiver):
    d = start(patchbayd)
    send_test(d, configure(d, receiver.url(host="localhost"))["id"])
    assert wait_until(lambda: receiver.got and receiver.got[0], why="it comes").headers["Host"] == f"localhost:{receiver.port}"
    w = configure(d, "http://nowhere.invalid/")
    send_test(d, w["id"])
    wait_until(lambda: "nowhere.invalid cannot be resolved" in (about(d, w["id"])["delivery"]["lastError"] or ""), 20, "an unknown name is told")


def test_it_is_tried_again_with_growing_waits_and_the_same_bytes(patchbayd, receiver):
    d = start(patchbayd, {"tries": 10, "first_retry": "20ms", "longest_retry": "300ms"})
    receiver.status = lambda _: 503 if len(receiver.got) < 4 else 200
    w = configure(d, receiver.url(), secret="hush")
    send_test(d, w["id"])
    wait_until(lambda: len(receiver.got) == 5, why="the fifth is taken")
    assert [g.headers["X-Webhook-Attempt"] for g in receiver.got] == ["1", "2", "3", "4", "5"]
    assert len({g.body for g in receiver.got}) == 1 and len({g.headers["X-Webhook-Signature"] for g in receiver.got}) == 1
    wait_until(lambda: about(d, w["id"])["triggerCount"] == 1, why="counted once")
    assert about(d, w["id"])["delivery"]["failedTries"] == 4


def test_what_cannot_be_delivered_is_buried_and_the_next_has_its_turn(patchbayd, receiver):
    d = start(patchbayd, {"tries": 3})
    receiver.status = lambda g: 500 if g.json["data"] == "bad" else 200
    w = configure(d, receiver.url())
    bad, good = send_test(d, w["id"], "bad"), send_test(d, w["id"], "good")
    wait_until(lambda: good in receiver.ids(), why="the next is delivered")
    assert receiver.ids() == [bad] * 3 + [good]
    letters = d.json(f"/api/webhooks/{w['id']}/dead")
    assert letters["success"] and letters["total"] == 1 and len(letters["letters"]) == 1
    letter = letters["letters"][0]
    assert letter["event"]["id"] == bad and letter["tries"] == 3 and letter["error"] == "answered 500" and letter["buriedAt"].endswith("Z")
    assert about(d, w["id"])["delivery"]["deadLetters"] == 1


def test_no_more_than_100_dead_letters_are_kept(patchbayd):
    d = start(patchbayd, {"tries": 1})
    w = configure(d, f"http://127.0.0.1:{free_port()}/")
    for n in range(120):
        send_test(d, w["id"], n)
    wait_until(lambda: about(d, w["id"])["delivery"]["deadLetters"] == 120, 20, "all are buried")
    letters = d.json(f"/api/webhooks/{w['id']}/dead")
    assert [x["event"]["data"] for x in letters["letters"]] == list(range(20, 120)) and letters["total"] == 120


def test_one_at_a_time_in_order(patchbayd):
    d = start(patchbayd)
    gate = threading.Event()
    with Receiver(hold=gate) as receiver:
        w = configure(d, receiver.url())
        ids = [send_test(d, w["id"], n) for n in range(20)]
        wait_until(lambda: receiver.in_flight == 1, why="the first is on its way")
        gate.set()
        wait_until(lambda: len(receiver.got) == 20, why="all come")
        assert receiver.ids() == ids and receiver.most_in_flight == 1


def test_redirects_are_not_followed(patchbayd, receiver):
    d = start(patchbayd, {"tries": 1})
    with Receiver(status=302, headers=[("Location", receiver.url())]) as first:
        w = configure(d, first.url())
        send_test(d, w["id"])
        wait_until(lambda: about(d, w["id"])["delivery"]["deadLetters"] == 1, why="it is no delivery")
        assert "redirects are not followed" in d.json(f"/api/webhooks/{w['id']}/dead")["letters"][0]["error"]
    assert receiver.got == []


@pytest.mark.parametrize("answer, ends", [
    (b"", "closed the connection"), (b"nonsense\r\n\r\n", "no HTTP"), (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, "no HTTP"),
], ids=["nothing", "nonsense", "endless-head"])
def test_what_is_no_answer_is_a_failed_try(patchbayd, answer, ends):
    d = start(patchbayd, {"tries": 1})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def serve():
            c, _ = listener.accept()
            with c:
                c.recv(65536)
                try:
                    c.sendall(answer)
                except OSError:
                    pass

        t = threading.Thread(target=serve, daemon=True)
        t.start()
        w = configure(d, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        send_test(d, w["id"])
        wait_until(lambda: about(d, w["id"])["delivery"]["deadLetters"] == 1, why="it is no delivery")
        t.join(5)
    assert ends in d.json(f"/api/webhooks/{w['id']}/dead")["letters"][0]["error"]


def test_a_long_answer_costs_nothing(patchbayd):
    d = start(patchbayd, {"tries": 1})
    with Receiver(body=b"x" * (30 << 20)) as receiver:
        w = configure(d, receiver.url())
        before = d.rss()
        send_test(d, w["id"])
        wait_until(lambda: about(d, w["id"])["triggerCount"] == 1, why="its status counts")
        assert d.rss() < before + (4 << 20)


def test_a_silent_receiver_is_given_up(patchbayd):
    d = start(patchbayd, {"tries": 1})
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        w = configure(d, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        send_test(d, w["id"])
        wait_until(lambda: about(d, w["id"])["delivery"]["deadLetters"] == 1, 20, "10 s have passed")
        assert "no answer within 10 s" in d.json(f"/api/webhooks/{w['id']}/dead")["letters"][0]["error"]


def test_https_is_verified(patchbayd, tmp_path):
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    files = {}
    for name, authority, names in (("good", ours, "DNS:localhost,IP:127.0.0.1"), ("stranger", theirs, "DNS:localhost,IP:127.0.0.1"), ("other", ours, "DNS:elsewhere.example")):
        files[name] = (tmp_path / f"{name}.pem", tmp_path / f"{name}.key")
        authority.sign(name, *files[name], names=names)
    d = start(patchbayd, {"tries": 1, "ca_file": str(ours.certificate)})
    for name, complaint in (("good", None), ("stranger", "not trusted"), ("other", "mismatch")):
        with Receiver(context=server_context(*files[name])) as receiver:
            for host in ("127.0.0.1", "localhost"):
                w = configure(d, receiver.url(host=host))
                send_test(d, w["id"])
                if complaint is None:
                    wait_until(lambda: about(d, w["id"])["triggerCount"] == 1, why=f"{host} is believed")
                else:
                    wait_until(lambda: about(d, w["id"])["delivery"]["deadLetters"] == 1, why=f"{name} is not")
                    assert complaint in d.json(f"/api/webhooks/{w['id']}/dead")["letters"][0]["error"]
            assert len(receiver.got) == (2 if complaint is None else 0)


def test_plain_http_where_https_is_wanted(patchbayd, receiver):
    d = start(patchbayd, {"tries": 1})
    w = configure(d, receiver.url().replace("http:", "https:"))
    send_test(d, w["id"])
    wait_until(lambda: about(d, w["id"])["delivery"]["deadLetters"] == 1, 15, "it is no delivery")


# ---- what survives ------------------------------------------------------------------------------------------------------


def test_they_survive_a_restart(patchbayd, receiver):
    d = start(patchbayd)
    w = configure(d, receiver.url(), secret="hush", headers={"X-Kit": "7"}, events=["incident", "alert"])
    send_test(d, w["id"], 1)
    wait_until(lambda: about(d, w["id"])["triggerCount"] == 1, why="delivered")
    before = about(d, w["id"])
    d.restart()
    d.wait_plugin("webhook")
    assert wait_until(lambda: about(d, w["id"]), why="they are read") == before
    send_test(d, w["id"], 2)
    got = wait_until(lambda: len(receiver.got) == 2 and receiver.got[1], why="delivered")
    assert got.headers["X-Kit"] == "7" and got.headers["X-Webhook-Signature"] == "sha256=" + hmac.new(b"hush", got.body, hashlib.sha256).hexdigest()


def test_tries_are_counted_over_a_kill(patchbayd, receiver):
    d = start(patchbayd, {"tries": 50, "first_retry": "300ms", "longest_retry": "300ms"})
    receiver.status = 500
    w = configure(d, receiver.url())
    send_test(d, w["id"])
    wait_until(lambda: len(receiver.got) == 3, why="three tries")
    wait_until(lambda: about(d, w["id"])["delivery"]["failedTries"] == 3, why="and counted")
    d.kill()
    d.start()
    wait_until(lambda: len(receiver.got) == 4, why="a fourth")
    assert receiver.got[3].headers["X-Webhook-Attempt"] == "4"


def test_nothing_that_was_taken_is_lost_by_a_kill(patchbayd):
    d = start(patchbayd, {"tries": 100, "first_retry": "1s", "longest_retry": "1s"})
    port = free_port()
    w = configure(d, f"http://127.0.0.1:{port}/hook")
    taken, stop = [], threading.Event()

    def feed(n):
        while not stop.is_set() and len(taken) < MANY:
            try:
                taken.append(send_test(d, w["id"], n))
            except (OSError, AssertionError, json.JSONDecodeError):
                time.sleep(0.05)
            except Exception:  # http.client's, when the daemon dies in the middle
                time.sleep(0.05)

    feeders = [threading.Thread(target=feed, args=(n,), daemon=True) for n in range(4)]
    for f in feeders:
        f.start()
    for part in (1, 2, 3):
        wait_until(lambda: len(taken) > MANY * part // 4, 60, "events are taken")
        d.kill()
        d.start()
    for f in feeders:
        f.join(60 * SLOW)
    stop.set()
    wait_until(lambda: about(d, w["id"])["delivery"]["pending"] >= len(taken), 30, "all of them wait")
    with Receiver(port=port) as receiver:
        wait_until(lambda: set(taken) <= set(receiver.ids()), 30 + MANY / 100, "all of them come")
        d.kill()
        d.start()
        wait_until(lambda: about(d, w["id"])["delivery"]["pending"] == 0, 30, "nothing is left")


def test_a_dead_receiver_costs_bounded_memory_and_disk(patchbayd):
    d = start(patchbayd, {"max_queued": MANY, "tries": 100, "first_retry": "10s", "longest_retry": "10s"})
    w = configure(d, f"http://127.0.0.1:{free_port()}/hook")
    text = "x" * 200
    for n in range(MANY // 10):
        send_test(d, w["id"], text)
    before = d.rss()
    for n in range(MANY - MANY // 10):
        send_test(d, w["id"], text)
    for _ in range(20):
        send_test(d, w["id"], text, expect=507)
    a = about(d, w["id"])["delivery"]
    assert a["pending"] == MANY and a["dropped"] == 20
    assert d.rss() < before + (4 << 20), "what waits lies on the disk"
    assert sum(f.stat().st_size for f in d.state.glob("state.db*")) < (12 << 20) + 1000 * MANY
    wait_until(lambda: "queue is full" in d.log, why="it is said")
    assert d.request("DELETE", f"/api/webhooks/{w['id']}").status == 200


def test_a_deleted_one_leaves_nothing_for_the_next(patchbayd, receiver):
    d = start(patchbayd, {"tries": 100, "first_retry": "10s", "longest_retry": "10s"})
    w = configure(d, f"http://127.0.0.1:{free_port()}/hook")
    for n in range(50):
        send_test(d, w["id"], n)
    assert d.request("DELETE", f"/api/webhooks/{w['id']}").status == 200
    w = configure(d, receiver.url())
    id = send_test(d, w["id"])
    wait_until(lambda: receiver.got, why="it comes")
    assert receiver.ids() == [id]
    assert d.json(f"/api/webhooks/{w['id']}/dead")["letters"] == []


# ---- events -------------------------------------------------------------------------------------------------------------


def test_processes_make_status_and_script_events(patchbayd, receiver):
    d = start(patchbayd, plugins=("webhook", "procs"), procs={"process": {"sleeper": {"command": ["/bin/sleep", "600"]}}})
    d.wait_plugin("procs")
    configure(d, receiver.url("/scripts"), events=["scriptEvent"])
    configure(d, receiver.url("/status"), events=["statusUpdate"])
    assert d.post("procs/sleeper/start").status == 200
    by = lambda path: [g.json for g in list(receiver.got) if g.path == path]
    started = wait_until(lambda: by("/scripts"), why="it has started")[0]
    assert started["event"] == "scriptEvent" and started["data"]["script"] == "sleeper" and started["data"]["action"] == "started"
    up = wait_until(lambda: [s for s in by("/status") if s["data"]["status"]["running"]], why="it runs")[0]
    assert up["event"] == "statusUpdate" and up["data"]["script"] == "sleeper" and up["data"]["status"]["pid"] == started["data"]["details"]["pid"]
    assert d.post("procs/sleeper/stop").status == 200
    assert wait_until(lambda: len(by("/scripts")) == 2 and by("/scripts")[1], why="it has stopped")["data"]["action"] == "stopped"
    assert not wait_until(lambda: (s := by("/status")[-1]["data"]["status"])["pid"] is None and s, why="it is down")["running"]


def wigle_rows(first, count):
    return "".join(f"02:00:00:00:{n >> 8:02X}:{n & 255:02X},net{n},[ESS],2026-11-24 10:00:00,6,2437,-50,47.0,8.0,400,5,,,WIFI\n" for n in range(first, first + count))


def test_devices_make_events_many_of_them_together(patchbayd, receiver, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    file = folder / "Kismet-20261124-10-00-00-1.wiglecsv"
    head = ("WigleWifi-1.6,appRelease=Kismet,model=Kismet,release=2026,device=kismet,display=kismet,board=kismet,brand=Kismet,star=Sol,body=3,subBody=0\n"
            "MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n")
    file.write_text(head + wigle_rows(0, 5))
    d = start(patchbayd, plugins=("webhook", "csv"), csv={"directories": [str(folder)]})
    d.wait_plugin("csv")
    wait_until(lambda: d.json("csv/devices")["total"] == 5, why="the old rows are read")
    configure(d, receiver.url(), events=["newDevice"])
    with file.open("a") as f:
        f.write(wigle_rows(100, 3))
    wait_until(lambda: len(receiver.got) == 3, why="each is told")
    data = [g.json["data"] for g in receiver.got]
    assert sorted(x["mac"] for x in data) == [f"02:00:00:00:00:{n:02X}" for n in (100, 101, 102)]
    assert {g.json["event"] for g in receiver.got} == {"newDevice"} and data[0]["signal"] == -50 and data[0]["source"] == "csv" and data[0]["type"]
    with file.open("a") as f:
        f.write(wigle_rows(200, 200))
    told = lambda: {x["mac"] for g in list(receiver.got)[3:] for x in g.json["data"].get("devices", [g.json["data"]])}
    wait_until(lambda: len(told()) == 200, why="all are told")
    assert len(receiver.got) < 30, "many at once are told together"


def test_disabled_ones_get_nothing(patchbayd, receiver):
    d = start(patchbayd, plugins=("webhook", "procs"), procs={"process": {"sleeper": {"command": ["/bin/sleep", "600"]}}})
    d.wait_plugin("procs")
    configure(d, receiver.url("/off"), enabled=False)
    configure(d, receiver.url("/other"), events=["alert", "incident", "newDevice"])
    configure(d, receiver.url("/on"), events=["scriptEvent"])
    assert d.post("procs/sleeper/start").status == 200
    wait_until(lambda: receiver.got, why="who asked is told")
    assert {g.path for g in receiver.got} == {"/on"}


PATIENT = plugin_folder().parent / "tests/integration/patient/patient.so"


def start_with_topics(patchbayd):
    """With a plugin that says on any topic what it is told to."""
    d = patchbayd(plugins=["webhook"], settings={"plugins": {"webhook": {"outgoing": FAST}}}, start=False)
    d.put_plugin("patient", PATIENT)
    d.start()
    d.wait_plugin("webhook")
    d.wait_plugin("patient")
    return d


def test_new_alerts_are_told_once_and_old_ones_are_not(patchbayd, receiver):
    d = start_with_topics(patchbayd)
    alert = lambda n: {"id": f"a{n}", "type": "APSPOOF", "severity": "high", "timestamp": f"2026-11-24T10:00:0{n}.000Z", "message": "x" * n}
    say = lambda *ns: d.call("patient.set", {"topic": "kismet/alerts", "value": {"alerts": [alert(n) for n in ns], "total": len(ns)}})
    say(1)
    configure(d, receiver.url(), events=["alert"])
    say(3, 2, 1)
    say(4, 3, 2, 1)
    wait_until(lambda: len(receiver.got) >= 3, why="the new ones are told")
    assert [g.json["data"] for g in receiver.got] == [alert(2), alert(3), alert(4)] and receiver.got[0].json["event"] == "alert"


def test_incidents_are_told_when_they_begin_and_change(patchbayd, receiver):
    d = start_with_topics(patchbayd)
    incident = lambda id, state: {"id": id, "class": "KISMET_DOWN", "topic": "kismet/link", "since": "2026-11-24T10:00:00.000Z", "state": state, "attempts": []}
    say = lambda *i: d.call("patient.set", {"topic": "recovery/incidents", "value": {"incidents": list(i)}})
    say(incident(1, "open"))
    configure(d, receiver.url(), events=["incident"])
    say(incident(1, "open"))
    say(incident(1, "recovering"), incident(2, "open"))
    say(incident(1, "recovering"), incident(2, "open"))
    say(incident(1, "recovered"), incident(2, "open"))
    wait_until(lambda: len(receiver.got) >= 3, why="what changed is told")
    assert [(g.json["data"]["id"], g.json["data"]["state"]) for g in receiver.got] == [(1, "recovering"), (2, "open"), (1, "recovered")]


def test_a_device_is_told_once_whoever_saw_it(patchbayd, receiver):
    d = start_with_topics(patchbayd)
    device = lambda n: {"mac": f"02:00:00:00:00:0{n}", "type": "Access Point", "name": "<script>", "lastSeen": "2026-11-24T10:00:00.000Z", "signal": {"last": -40, "min": -60, "max": -40}}
    say = lambda topic, *ns: d.call("patient.set", {"topic": topic, "value": {"added": [device(n) for n in ns], "changed": [], "removed": [], "omitted": 0}})
    say("kismet/changes", 1)
    configure(d, receiver.url(), events=["newDevice"])
    say("kismet/changes", 2, 3)
    say("csv/changes", 3, 4)
    wait_until(lambda: len(receiver.got) >= 3, why="each is told")
    assert [(g.json["data"]["mac"][-1], g.json["data"]["source"]) for g in receiver.got] == [("2", "kismet"), ("3", "kismet"), ("4", "csv")]
    assert receiver.got[0].json["data"]["signal"] == -40 and receiver.got[0].json["data"]["name"] == "<script>"


def test_reloads_lose_no_event(patchbayd, receiver):
    d = start(patchbayd)
    w = configure(d, receiver.url())
    ids = []
    for n in range(5):
        ids.append(send_test(d, w["id"], n))
        assert d.post("plugins/webhook/reload").json()["state"] == "running"
        wait_until(lambda: about(d, w["id"]), why="it is read again")
    wait_until(lambda: set(ids) <= set(receiver.ids()), why="all come; one whose delivery was cut short comes twice")
    assert set(receiver.ids()) == set(ids)
