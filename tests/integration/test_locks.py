"""Named locks and their clients: curl that waits and leaves, connections that hold, leases over kill -9, deadlocks."""
import concurrent.futures
import json
import os
import signal
import socket
import subprocess
import time

import pytest

from patchbay import SLOW, wait_until


@pytest.fixture
def daemon(patchbayd):
    return patchbayd(plugins=["locks"])


def acquire(d, name, owner, expect=200, timeout=30.0, **body):
    if "hold" not in body and "ttl_ms" not in body:
        body["ttl_ms"] = 60_000
    r = d.post(f"locks/{name}/acquire", {"owner": owner, **body}, timeout=timeout)
    assert r.status == expect, r
    return r.json()


def release(d, name, token, expect=200):
    r = d.post(f"locks/{name}/release", {"token": token})
    assert r.status == expect, r
    return r.json()


def entry(d, name):
    return next((e for e in d.json("locks")["locks"] if e["name"] == name), None)


def waiting(d, name):
    e = entry(d, name)
    return [w["owner"] for w in e["waiting"]] if e else []


def curl(d, name, body, *args):
    return subprocess.Popen(["curl", "-sN", "--json", json.dumps(body), *args, f"http://127.0.0.1:{d.port}/api/webhook/locks/{name}/acquire"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def hold(d, name, owner):
    """A connection that holds a lock: (socket, the grant)."""
    s = d.raw(30)
    body = json.dumps({"owner": owner, "hold": "connection"})
    s.sendall(f"POST /api/webhook/locks/{name}/acquire HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    got = b""
    while b"}\n" not in got:
        piece = s.recv(4096)
        assert piece, got
        got += piece
    head, _, rest = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), got
    return s, json.loads(rest[rest.index(b"{"):rest.index(b"}\n") + 1])


# ---- what a lock is -----------------------------------------------------------------------------------------------------


def test_grants_renews_and_releases(daemon):
    g = acquire(daemon, "a", "me", ttl_ms=5_000)
    assert g["name"] == "a" and g["owner"] == "me" and 0 < g["expires_in_ms"] <= 5_000
    e = entry(daemon, "a")
    assert e["owner"] == "me" and e["token"] == g["token"] and e["waiting"] == [] and e["since"].endswith("Z")
    r = daemon.post("locks/a/renew", {"token": g["token"], "ttl_ms": 50_000})
    assert r.status == 200 and r.json()["expires_in_ms"] > 5_000
    release(daemon, "a", g["token"])
    assert entry(daemon, "a") is None
    assert acquire(daemon, "a", "me")["token"] > g["token"]


def test_refuses_what_the_interface_says(daemon):
    def status(name, body):
        r = daemon.post(f"locks/{name}/acquire", body)
        code = r.json()["error"]
        return r.status, code["code"] if isinstance(code, dict) else code

    assert status("a", {"owner": "x", "ttl_ms": 1000, "hold": "connection"}) == (400, "VALIDATION_ERROR")
    assert status("a", {"owner": "x"}) == (400, "VALIDATION_ERROR")
    assert status("a", {"ttl_ms": 1000}) == (400, "VALIDATION_ERROR")
    for ttl in (99, 86_400_001, -1, "5s"):
        assert status("a", {"owner": "x", "ttl_ms": ttl}) == (400, "VALIDATION_ERROR")
    assert status("a", {"owner": "x", "hold": "for ever"}) == (400, "VALIDATION_ERROR")
    assert status("a%20b", {"owner": "x", "ttl_ms": 1000}) == (400, "VALIDATION_ERROR")
    assert daemon.json("locks") == {"locks": []}
    g = acquire(daemon, "a", "x")
    assert status("a", {"owner": "x", "ttl_ms": 1000}) == (409, "LOCK_HELD")
    assert status("a", {"owner": "y", "ttl_ms": 1000, "timeout_ms": 0}) == (408, "LOCK_TIMEOUT")
    r = daemon.post("locks/a/acquire", {"owner": "y", "ttl_ms": 1000, "timeout_ms": 50})
    assert r.status == 408 and "x" in r.json()["message"]
    assert release(daemon, "a", g["token"] + 1, 409)["error"] == "NOT_OWNER"
    assert daemon.post("locks/b/renew", {"token": 1}).status == 409
    release(daemon, "a", g["token"])
    assert release(daemon, "a", g["token"], 409)["error"] == "NOT_OWNER"


def test_a_lease_that_ends_passes_the_lock_on_and_its_token_is_worth_nothing(daemon):
    old = acquire(daemon, "a", "sleeper", ttl_ms=200)
    new = acquire(daemon, "a", "next", timeout_ms=20_000)
    assert new["token"] > old["token"]
    assert daemon.post("locks/a/renew", {"token": old["token"]}).status == 409
    assert release(daemon, "a", old["token"], 409)["error"] == "NOT_OWNER"
    assert entry(daemon, "a")["owner"] == "next"


def test_a_deadlock_is_refused_and_named(daemon):
    acquire(daemon, "a", "x")
    acquire(daemon, "b", "y")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waits = pool.submit(acquire, daemon, "b", "x", 200, timeout_ms=20_000)
        wait_until(lambda: waiting(daemon, "b") == ["x"], why="x waits for b")
        r = daemon.post("locks/a/acquire", {"owner": "y", "ttl_ms": 1000})
        assert r.status == 409 and r.json()["error"] == "LOCK_DEADLOCK", r
        assert r.json()["details"]["cycle"] == [{"owner": "y", "waits_for": "a"}, {"owner": "x", "waits_for": "b"}]
        release(daemon, "b", entry(daemon, "b")["token"])
        assert waits.result()["owner"] == "x"


def test_those_who_wait_come_in_their_order(daemon):
    first = acquire(daemon, "a", "w0")
    order = []

    def take(i):
        g = acquire(daemon, "a", f"w{i}", timeout_ms=60_000, timeout=60)
        order.append(i)
        release(daemon, "a", g["token"])
        return g["token"]

    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        jobs = []
        for i in range(1, 21):
            jobs.append(pool.submit(take, i))
            wait_until(lambda: len(waiting(daemon, "a")) == i, why=f"{i} wait")
        release(daemon, "a", first["token"])
        tokens = [j.result() for j in jobs]
    assert tokens == sorted(tokens) and len(set(tokens)) == 20
    assert order == list(range(1, 21))


def test_methods_do_the_same(daemon):
    g = daemon.call("locks.acquire", {"name": "m", "owner": "x", "ttl_ms": 10_000})
    assert daemon.call("locks.list")["locks"][0]["owner"] == "x"
    assert daemon.call("locks.acquire", {"name": "m", "owner": "x", "ttl_ms": 10_000}, expect=409)["error"] == "LOCK_HELD"
    assert daemon.call("locks.renew", {"name": "m", "token": g["token"]})["expires_in_ms"] > 0
    daemon.call("locks.release", {"name": "m", "token": g["token"]})
    assert daemon.json("locks") == {"locks": []}


def test_topics_tell_what_happens(daemon):
    with daemon.events("locks/*") as events:
        events.wait_for(lambda e: e.topic == "locks/summary")
        g = acquire(daemon, "a", "x")
        e = events.wait_for(lambda e: e.topic == "locks/changes")
        assert e.value == {"event": "granted", "name": "a", "owner": "x", "token": g["token"]}
        events.wait_for(lambda e: e.topic == "locks/summary" and e.value == {"held": 1, "waiting": 0})
        release(daemon, "a", g["token"])
        events.wait_for(lambda e: e.topic == "locks/changes" and e.value["event"] == "released")
        events.wait_for(lambda e: e.topic == "locks/summary" and e.value == {"held": 0, "waiting": 0})


# ---- clients that come and go -------------------------------------------------------------------------------------------


def test_curl_waits_in_the_open_request(daemon):
    g = acquire(daemon, "a", "x")
    c = curl(daemon, "a", {"owner": "shell", "ttl_ms": 5000})
    wait_until(lambda: waiting(daemon, "a") == ["shell"], why="curl waits")
    release(daemon, "a", g["token"])
    out, _ = c.communicate(timeout=20 * SLOW)
    assert c.returncode == 0 and json.loads(out)["token"] > g["token"]


def test_a_client_that_leaves_while_it_waits_leaves_the_line(daemon):
    g = acquire(daemon, "a", "x")
    c = curl(daemon, "a", {"owner": "shell", "ttl_ms": 5000})
    wait_until(lambda: waiting(daemon, "a") == ["shell"], why="curl waits")
    c.send_signal(signal.SIGKILL)
    c.wait()
    wait_until(lambda: waiting(daemon, "a") == [], why="curl has left")
    release(daemon, "a", g["token"])
    assert entry(daemon, "a") is None


def test_curl_is_told_what_it_waits_for(daemon):
    g = acquire(daemon, "a", "holder")
    c = curl(daemon, "a", {"owner": "shell", "ttl_ms": 5000}, "-H", "Accept: application/x-ndjson")
    line = json.loads(c.stdout.readline())
    assert line["state"] == "waiting" and line["holder"]["owner"] == "holder" and line["ahead"] == 0
    release(daemon, "a", g["token"])
    lines = [json.loads(x) for x in c.communicate(timeout=20 * SLOW)[0].splitlines() if x]
    assert lines[-1]["state"] == "granted" and lines[-1]["token"] > g["token"]
    r = daemon.post("locks/a/acquire?verbose=1", {"owner": "z", "ttl_ms": 1000, "timeout_ms": 100})
    assert r.status == 200 and json.loads(r.text.splitlines()[-1])["error"] == "LOCK_TIMEOUT", r
    assert daemon.post("locks/a/acquire?verbose=1", {"owner": "shell", "ttl_ms": 1000}).status == 409  # refused before it began


def test_a_lock_ends_with_the_connection_that_took_it(daemon):
    s, g = hold(daemon, "a", "conn")
    assert g["owner"] == "conn" and g["expires_in_ms"] is None
    assert entry(daemon, "a")["expires_in_ms"] is None
    r = daemon.post("locks/a/renew", {"token": g["token"]})
    assert r.status == 409 and r.json()["error"] == "NOT_LEASED"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waits = pool.submit(acquire, daemon, "a", "next", 200, timeout_ms=20_000)
        wait_until(lambda: waiting(daemon, "a") == ["next"], why="next waits")
        s.close()
        assert waits.result()["token"] > g["token"]


def test_a_connection_that_waits_gets_its_answer_with_the_grant(daemon):
    g = acquire(daemon, "a", "x")
    c = curl(daemon, "a", {"owner": "shell", "hold": "connection"})
    wait_until(lambda: waiting(daemon, "a") == ["shell"], why="curl waits")
    release(daemon, "a", g["token"])
    assert json.loads(c.stdout.readline())["owner"] == "shell"
    assert entry(daemon, "a")["owner"] == "shell"
    c.kill()
    c.wait()
    wait_until(lambda: entry(daemon, "a") is None, why="the lock ended with curl")


def test_a_lock_of_a_connection_may_be_released_by_its_token(daemon):
    s, g = hold(daemon, "a", "conn")
    release(daemon, "a", g["token"])
    assert entry(daemon, "a") is None
    s.settimeout(10 * SLOW)
    rest = b""
    while not rest.endswith(b"0\r\n\r\n"):  # the answer ends
        rest += s.recv(4096) or pytest.fail(f"cut off: {rest}")
    s.close()


def test_a_crowd_that_comes_and_leaves_loses_nobody(daemon):
    """Clients that take, wait, leave in the middle and hold by connections: at the end the lock is free, and tokens only grew."""
    import random
    rounds = int(os.environ.get("PATCHBAY_LOCK_CROWD", "40"))
    inside, tokens = [], []

    def one(i):
        dice = random.Random(i)
        for _ in range(rounds // 8 + 1):
            what = dice.randrange(4)
            if what == 0:  # leaves while it waits, or just then gets it
                s = d.raw(30)
                body = json.dumps({"owner": f"o{i}", "ttl_ms": 300})
                s.sendall(f"POST /api/webhook/locks/c/acquire HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
                time.sleep(dice.random() * 0.02)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                s.close()
                continue
            if what == 1:
                s, g = hold(d, "c", f"o{i}")
            else:
                g = acquire(d, "c", f"o{i}", ttl_ms=20_000, timeout_ms=60_000, timeout=60)
            tokens.append(g["token"])
            inside.append(i)
            assert inside == [i], "two holders"
            time.sleep(dice.random() * 0.005)
            inside.remove(i)
            if what == 1:
                s.close()
            else:
                release(d, "c", g["token"])

    d = daemon
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for job in [pool.submit(one, i) for i in range(8)]:
            job.result()
    assert tokens == sorted(set(tokens))
    wait_until(lambda: entry(d, "c") is None, why="the lock is free")
    wait_until(lambda: d.topic("locks/summary") == {"held": 0, "waiting": 0}, why="nobody waits")


# ---- what survives ------------------------------------------------------------------------------------------------------


def test_leases_survive_kill_9_with_holder_token_and_the_rest_of_their_time(daemon):
    long = acquire(daemon, "long", "x", ttl_ms=600_000)
    short = acquire(daemon, "short", "y", ttl_ms=400)
    gone = acquire(daemon, "gone", "z")
    release(daemon, "gone", gone["token"])
    s, conn = hold(daemon, "conn", "c")
    daemon.kill()
    s.close()
    daemon.start()
    e = wait_until(lambda: entry(daemon, "long"), why="the lease is back")
    assert e["owner"] == "x" and e["token"] == long["token"] and 500_000 < e["expires_in_ms"] < 600_000
    assert entry(daemon, "gone") is None and entry(daemon, "conn") is None
    wait_until(lambda: entry(daemon, "short") is None, why="the short lease ends")
    assert daemon.post("locks/short/renew", {"token": short["token"]}).status == 409
    assert daemon.post("locks/long/acquire", {"owner": "x", "ttl_ms": 1000}).json()["error"] == "LOCK_HELD"
    assert daemon.post("locks/long/renew", {"token": long["token"]}).status == 200
    release(daemon, "long", long["token"])
    newest = max(long["token"], short["token"], gone["token"], conn["token"])
    for name in ("long", "conn", "gone"):
        assert acquire(daemon, name, "n")["token"] > newest


def test_no_token_comes_twice_however_often_it_dies(daemon):
    tokens = []
    for life in range(5):
        for i in range(30):
            g = acquire(daemon, f"n{i % 3}", f"o{life}.{i}", ttl_ms=60_000)
            tokens.append(g["token"])
            if i != 29:
                release(daemon, f"n{i % 3}", g["token"])
        s, g = hold(daemon, "c", "c")
        tokens.append(g["token"])
        daemon.kill()
        s.close()
        daemon.start()
        release(daemon, "n2", wait_until(lambda: entry(daemon, "n2"), why="the last lease is back")["token"])
    assert tokens == sorted(set(tokens))


def test_a_grant_that_was_answered_is_known_after_kill_9_at_any_moment(daemon):
    """Answers race with the kill: whatever was answered must still be so."""
    for life in range(6):
        answered = []

        def take(i):
            try:
                r = daemon.post(f"locks/k{life}.{i}/acquire", {"owner": f"o{i}", "ttl_ms": 600_000})
                if r.status == 200:
                    answered.append((f"k{life}.{i}", r.json()["token"]))
            except OSError:
                pass
            except Exception as e:  # http.client's: cut off in the answer
                assert "http.client" in type(e).__module__, e

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(take, i) for i in range(60)]
            wait_until(lambda: len(answered) > 5 * life, why="some are answered", every=0)
            os.kill(daemon.pid, signal.SIGKILL)
            for j in jobs:
                j.result()
        daemon.kill()
        daemon.start()
        wait_until(lambda: daemon.get("locks").status == 200, why="it answers")
        held = {e["name"]: e["token"] for e in daemon.json("locks")["locks"]}
        for name, token in answered:
            assert held.get(name) == token


def test_settings_change_without_a_lock_lost(daemon):
    s, g = hold(daemon, "a", "conn")
    lease = acquire(daemon, "b", "x")
    daemon.write({"plugins": {"locks": {"max_names": 2}}})
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.post("locks/c/acquire", {"owner": "y", "ttl_ms": 100, "timeout_ms": 0}).status == 503, why="the new bound holds")
    assert entry(daemon, "a")["token"] == g["token"] and entry(daemon, "b")["token"] == lease["token"]
    s.close()


def test_a_reload_sends_those_who_wait_away_and_keeps_the_leases(daemon):
    lease = acquire(daemon, "a", "x")
    s, _ = hold(daemon, "h", "conn")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waits = pool.submit(daemon.post, "locks/a/acquire", {"owner": "y", "ttl_ms": 1000})
        wait_until(lambda: waiting(daemon, "a") == ["y"], why="y waits")
        assert daemon.post("plugins/locks/reload").status == 200
        assert waits.result().status == 503
    assert wait_until(lambda: entry(daemon, "a"), why="the lease is back")["token"] == lease["token"]
    assert entry(daemon, "h") is None
    s.close()
