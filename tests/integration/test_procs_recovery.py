"""What a person stopped stays so; what died is healed: procs and recovery together, with a real gpsd."""
import os
import signal
import time

import pytest

from gpsd import Receiver
from patchbay import free_port, wait_until
from procs import nasty

REST = [nasty(), "rest"]


# ---- who stopped it -----------------------------------------------------------------------------------------------------


def stopped_by(k, name):
    return k.get(name)["stopped_by"]


def test_it_is_told_who_stopped_it(kit):
    k = kit({"a": REST, "b": {"command": REST, "requires": ["a"]}, "c": REST, "d": [nasty(), "exit", "0"], "e": {"command": REST, "on_exit": "leave"}})
    assert stopped_by(k, "a") is None
    k.start("b")
    assert stopped_by(k, "a") is None
    k.stop("a")
    assert [stopped_by(k, n) for n in "ab"] == ["person", "person"], "the dependent went by the same word"
    os.kill(k.start("c")["pid"], signal.SIGKILL)
    assert k.wait_state("c", "failed")["stopped_by"] == "nobody"
    k.start("d", "?wait=started")
    assert k.wait_state("d", "stopped")["stopped_by"] == "nobody"
    k.stop("c", expect=404)  # it is down, and a person says that it is to stay so
    assert stopped_by(k, "c") == "person" and k.state("c") == "failed"
    assert k.start("c")["stopped_by"] is None
    k.start("e")
    k.daemon.restart()
    assert [stopped_by(k, n) for n in "abcde"] == ["person", "person", "daemon", "nobody", None]
    k.stop("e")


def test_a_persons_word_is_known_after_the_daemons_death(kit):
    k = kit({"a": REST, "b": REST})
    k.start("a")
    k.stop("a")
    pid = k.start("b")["pid"]
    k.daemon.kill()
    os.kill(pid, signal.SIGKILL)
    k.daemon.start()
    assert stopped_by(k, "a") == "person"
    assert k.wait_state("b", "failed")["stopped_by"] == "nobody"


# ---- a real gpsd --------------------------------------------------------------------------------------------------------


@pytest.fixture
def gps_kit(kit):
    """gpsd as a process of procs, followed by the gpsd plugin, watched over by recovery with the rules that come with it."""
    receiver, port = Receiver().start(), free_port()
    k = kit({"gpsd": {"command": ["gpsd", "-N", "-n", "-S", str(port), receiver.device], "user": "nobody" if os.geteuid() == 0 else "",
                      "ready": {"tcp": f"127.0.0.1:{port}"}}},
            plugins=["gpsd", "recovery"], settings={"plugins": {"gpsd": {"port": port}}})
    k.start("gpsd")
    wait_until(lambda: k.daemon.json("gps")["link"]["state"] == "up", 20, "gpsd is followed")
    wait_until(lambda: k.daemon.json("gps")["fix"]["mode"] == 3, 20, "a fix")
    yield k
    receiver.stop()


def incidents(k):
    return k.daemon.json("recovery")["incidents"]


def test_a_killed_gpsd_is_brought_back(gps_kit):
    k = gps_kit
    old = k.get("gpsd")["pid"]
    os.kill(old, signal.SIGKILL)
    i = wait_until(lambda: (i := incidents(k)) and i[0]["state"] == "recovered" and i[0], 60, "it is recovered")
    assert i["class"] == "GPSD_DOWN" and [(a["call"], a["result"]) for a in i["attempts"]] == [("procs.restart gpsd", "ok")]
    e = k.get("gpsd")
    assert e["state"] == "ready" and e["pid"] != old and len(k.alive()) == 1
    assert k.daemon.json("gps")["link"]["state"] == "up"


def test_a_gpsd_that_was_stopped_by_hand_is_left_alone(gps_kit):
    k = gps_kit
    k.stop("gpsd")
    wait_until(lambda: k.daemon.json("gps")["link"]["state"] == "down", 20, "the link has noticed")
    end = time.monotonic() + 5  # the rule waits for 2 s
    while time.monotonic() < end:
        assert k.state("gpsd") == "stopped" and not any(i["attempts"] for i in incidents(k))
        time.sleep(0.1)
    k.start("gpsd")
    wait_until(lambda: k.daemon.json("gps")["link"]["state"] == "up", 20, "started by hand, it is followed at once")
    assert not any(i["attempts"] for i in incidents(k))
