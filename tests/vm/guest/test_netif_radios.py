"""Monitor mode and ownership on virtual radios: one boot, many checks."""
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from ctl import run  # noqa: E402
from patchbay import Daemon, die_with_parent, wait_until  # noqa: E402
from radios import Air, addresses, block, info, is_up, radio_of, sh  # noqa: E402

RECORDS = pathlib.Path("/run/patchbay/netif")
STATE = pathlib.Path("/tmp/wlan2.state")


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    d = Daemon(tmp_path_factory.mktemp("d") / "patchbayd", plugins=["netif"],
               settings={"plugins": {"netif": {"interfaces": ["wlan1", "wlan2"], "network_manager": False}}})
    d.start()
    yield d
    print(d.log)
    d.stop()


@pytest.fixture(autouse=True)
def afterwards(kit):
    """Whatever a check did: nobody owns anything, and the radios are as they were."""
    yield
    if not kit.is_alive():
        kit.process = None
        kit.start()
    for name in ("wlan1", "wlan2"):
        entry = one(kit, name)
        if entry and entry["owner"]:
            kit.post(f"interfaces/{name}/release", {"owner": entry["owner"]["owner"]})
        if entry:
            wait_until(lambda: one(kit, name)["owner"] is None, 30)
            sh(f"ip address flush dev {name}; ip link set {name} down; iw dev {name} set type managed")


def one(d, name):
    return next((i for i in d.json("interfaces")["interfaces"] if i["name"] == name), None)


def acquire(d, name="wlan2", owner="kismet", **more):
    return d.post(f"interfaces/{name}/acquire", {"owner": owner, **more}, timeout=60)


def release(d, name="wlan2", owner="kismet"):
    return d.post(f"interfaces/{name}/release", {"owner": owner}, timeout=60)


def test_a_radio_is_shown_with_what_it_can_do(kit):
    seen = one(kit, "wlan2")
    assert (seen["kind"], seen["driver"], seen["mode"], seen["state"]) == ("wireless", "mac80211_hwsim", "managed", "down")
    assert seen["phy"] == f"phy{info('wlan2')['wiphy']}"
    assert {"managed", "monitor", "ap", "mesh"} <= set(seen["modes"])
    assert seen["rfkill"] == {"soft": False, "hard": False}
    assert seen["ssid"] is None and seen["signal"] is None


def test_monitor_on_a_channel_and_back(kit):
    r = acquire(kit, mode="monitor", channel=6)
    assert r.status == 200, r
    assert r.json()["mode"] == "monitor" and r.json()["channel"] == 6 and r.json()["owner"]["mode"] == "monitor"
    assert info("wlan2") == {"type": "monitor", "channel": 6, "wiphy": info("wlan2")["wiphy"]} and is_up("wlan2")
    assert json.loads(STATE.read_text())["mode"] == "monitor"
    assert len(list(RECORDS.iterdir())) == 1
    back = release(kit)
    assert back.status == 200 and back.json()["mode"] == "managed" and back.json()["owner"] is None
    assert info("wlan2")["type"] == "managed" and not is_up("wlan2")  # it was down
    assert not STATE.exists() and not list(RECORDS.iterdir())


def test_frames_come_in_while_it_is_owned(kit):
    sh("ip link set wlan0 down; iw dev wlan0 set type mesh; ip link set wlan0 up; iw dev wlan0 mesh join demo freq 2437")
    assert acquire(kit, mode="monitor", channel=6).status == 200
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.bind(("wlan2", 0))
        s.settimeout(30)
        assert s.recv(4096)[:2] == b"\0\0"  # radiotap
    shown = wait_until(lambda: (i := one(kit, "wlan0"))["mode"] == "mesh" and i["channel"] and i, 30)
    assert shown["channel"] == 6
    assert release(kit).status == 200
    sh("iw dev wlan0 mesh leave; ip link set wlan0 down; iw dev wlan0 set type managed")


def test_addresses_and_routes_are_put_back(kit):
    sh("ip link set wlan2 up; ip address add 10.5.0.1/24 dev wlan2; ip -6 address add fd05::1/64 dev wlan2 nodad; ip route add 10.6.0.0/16 via 10.5.0.9")
    assert acquire(kit, mode="monitor").status == 200
    assert "fd05::1" not in addresses("wlan2")  # what makes the putting back worth its while
    assert release(kit).status == 200
    assert is_up("wlan2") and addresses("wlan2") == {"10.5.0.1", "fd05::1"}
    assert "10.6.0.0/16 via 10.5.0.9 dev wlan2" in sh("ip route")


def test_two_owners_at_once(kit):
    answers = []
    threads = [threading.Thread(target=lambda n=n: answers.append(acquire(kit, owner=f"o{n}", mode="monitor"))) for n in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(a.status for a in answers) == [200] + [409] * 5
    winner = next(a for a in answers if a.status == 200).json()["owner"]["owner"]
    assert all(winner in a.json()["message"] for a in answers if a.status == 409)
    assert release(kit, owner=winner).status == 200
    assert info("wlan2")["type"] == "managed"


def test_channels_that_cannot_be_are_refused_and_leave_it_alone(kit):
    for channel in (20, 200, 3000):
        r = acquire(kit, mode="monitor", channel=channel)
        assert (r.status, r.json()["error"]) == (422, "CHANNEL_UNSUPPORTED"), (channel, r)
    r = acquire(kit, mode="managed", channel=6)
    assert r.status == 422, r
    assert info("wlan2")["type"] == "managed" and one(kit, "wlan2")["owner"] is None


def test_the_channel_of_a_radio_that_another_interface_uses(kit):
    sh(f"iw phy phy{info('wlan2')['wiphy']} interface add second type monitor; ip link set wlan2 down; ip link set second up")
    try:
        wait_until(lambda: one(kit, "second"), 30)
        sh("iw dev second set channel 1")
        r = acquire(kit, mode="monitor", channel=6)
        if r.status == 200:  # two monitors share a channel
            assert info("wlan2")["channel"] == 6
        else:
            assert r.json()["error"] == "INTERFACE_BUSY" and "second" in r.json()["message"]
            assert info("wlan2")["type"] == "managed"
    finally:
        sh("iw dev second del")


def test_a_blocked_radio_is_refused_in_words(kit):
    block("wlan2", True)
    try:
        wait_until(lambda: one(kit, "wlan2")["rfkill"]["soft"], 30)
        r = acquire(kit, mode="monitor")
        assert (r.status, r.json()["error"]) == (409, "RADIO_OFF") and "rfkill unblock wifi" in r.json()["message"]
        assert info("wlan2")["type"] == "managed"
    finally:
        block("wlan2", False)


def test_a_rival_is_seen_put_right_once_and_then_left_alone(kit):
    assert acquire(kit, mode="monitor").status == 200
    holder = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    holder.bind(("wlan2", 0))  # this very process looks like the rival
    with kit.events("netif/incident") as events:
        sh("ip link set wlan2 down; iw dev wlan2 set type managed")
        first = events.wait_for(lambda e: e.value["interface"] == "wlan2", 30).value
        assert first["class"] == "INTERFACE_CHANGED" and first["owner"] == "kismet" and "was set to managed" in first["message"]
        assert any("python" in p["command"] or "pytest" in p["command"] for p in first["processes"]), first
        wait_until(lambda: info("wlan2")["type"] == "monitor" and is_up("wlan2"), 30, "it was put right")
        wait_until(lambda: one(kit, "wlan2")["owner"]["state"] == "held", 30)
        sh("ip link set wlan2 down; iw dev wlan2 set type managed")
        second = events.wait_for(lambda e: e.value["class"] == "INTERFACE_LOST", 30).value
        assert "second time" in second["message"]
    holder.close()
    wait_until(lambda: one(kit, "wlan2")["owner"] is None, 30)
    assert info("wlan2")["type"] == "managed" and not list(RECORDS.iterdir()) and not STATE.exists()


def test_the_owners_process_ends(kit):
    owner = subprocess.Popen(["sleep", "600"], preexec_fn=die_with_parent)
    assert acquire(kit, mode="monitor", pid=owner.pid).status == 200
    owner.kill()
    owner.wait()
    wait_until(lambda: info("wlan2")["type"] == "managed", 30)
    wait_until(lambda: one(kit, "wlan2")["owner"] is None, 30)


def test_an_access_point_and_its_station_are_shown(kit, tmp_path):
    conf = tmp_path / "hostapd.conf"
    conf.write_text("interface=wlan0\ndriver=nl80211\nssid=field kit\nhw_mode=g\nchannel=11\n")
    ap = subprocess.Popen(["hostapd", str(conf)], stdout=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        wait_until(lambda: info("wlan0")["type"] == "AP" and is_up("wlan0"), 60)
        shown = wait_until(lambda: (i := one(kit, "wlan0"))["mode"] == "ap" and i["ssid"] and i, 60)
        assert (shown["ssid"], shown["channel"]) == ("field kit", 11)
        sh("ip link set wlan1 up; iw dev wlan1 connect 'field kit'")
        shown = wait_until(lambda: (i := one(kit, "wlan1"))["ssid"] and i, 60, "the station is connected")
        assert (shown["ssid"], shown["channel"], shown["mode"]) == ("field kit", 11, "managed")
        assert -100 < shown["signal"] < 0
        assert acquire(kit, name="wlan1", mode="monitor").status == 200
        assert one(kit, "wlan1")["ssid"] is None
        assert release(kit, name="wlan1").status == 200
    finally:
        ap.kill()
        ap.wait()
        sh("ip link set wlan1 down; ip link set wlan0 down; iw dev wlan0 set type managed")


STEPS = ["checking", "down", "type", "up", "frequency", "held", "undo"]


def keep_busy(kit):
    """A thread that acquires and releases until the daemon is gone."""
    def run():
        try:
            while True:
                acquire(kit, mode="monitor", channel=6)
                release(kit)
        except (OSError, http.client.HTTPException):
            pass

    t = threading.Thread(target=run)
    t.start()
    return t


def kill_at(kit, step):
    """Kill -9 while the record says `step`. False: that step went by too fast to be seen."""
    path = RECORDS / f"{one(kit, 'wlan2')['ifindex']}.json"
    t = keep_busy(kit)
    mark = f'"step":"{step}"'
    end = time.monotonic() + 15
    seen = False
    while not seen and time.monotonic() < end:
        try:
            seen = mark in path.read_text()
        except OSError:
            pass
    kit.kill()
    t.join()
    return seen


def test_killed_at_every_step_it_is_undone_by_the_next(kit):
    seen = []
    for step in STEPS:
        if kill_at(kit, step):
            seen.append(step)
        kit.start()
        wait_until(lambda: not list(RECORDS.iterdir()), 60, f"killed at {step}: the record is dealt with")
        assert info("wlan2")["type"] == "managed", step
        assert not is_up("wlan2") and not STATE.exists() and one(kit, "wlan2")["owner"] is None, step
    assert {"held", "down", "up"} <= set(seen), seen


def test_killed_at_random_moments_it_is_undone_by_the_next(kit):
    for n in range(5):
        t = keep_busy(kit)
        time.sleep(0.03 * n + 0.01)  # a moment, not a wait
        kit.kill()
        t.join()
        kit.start()
        wait_until(lambda: not list(RECORDS.iterdir()), 60)
        assert info("wlan2")["type"] == "managed" and not STATE.exists()


def test_a_holder_that_listens_keeps_it_over_a_crash(kit):
    assert acquire(kit, mode="monitor").status == 200
    reader = subprocess.Popen([sys.executable, "-c", "import socket,time; s=socket.socket(17,3,socket.htons(3)); s.bind(('wlan2',0)); print(1,flush=True); time.sleep(600)"],
                              stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    reader.stdout.readline()
    kit.kill()
    kit.start()
    wait_until(lambda: one(kit, "wlan2")["owner"]["owner"] == "kismet", 30)
    assert info("wlan2")["type"] == "monitor"
    reader.kill()
    reader.wait()
    wait_until(lambda: info("wlan2")["type"] == "managed", 30, "its end is noticed")


def test_the_end_of_the_daemon_gives_everything_back(kit):
    assert acquire(kit, mode="monitor").status == 200
    kit.stop()
    assert info("wlan2")["type"] == "managed" and not list(RECORDS.iterdir()) and not STATE.exists()
    kit.start()


def test_a_radio_that_vanishes_in_the_middle(kit):
    """Last: the radio's index and phy are others afterwards."""
    air = Air()
    assert acquire(kit, mode="monitor").status == 200
    before = one(kit, "wlan2")
    with kit.events("netif/incident") as events:
        air.unplug(radio_of("wlan2"))
        lost = events.wait_for(lambda e: e.value["class"] == "INTERFACE_LOST", 30).value
        assert lost["interface"] == "wlan2" and lost["owner"] == "kismet"
    wait_until(lambda: one(kit, "wlan2") is None, 30)
    assert not list(RECORDS.iterdir()) and not STATE.exists()
    assert acquire(kit, mode="monitor").status == 404

    air.plug()
    after = wait_until(lambda: (i := one(kit, "wlan2")) and i["kind"] == "wireless" and i["modes"] and i, 30, "it was plugged in again")
    assert after["ifindex"] != before["ifindex"] and after["phy"] != before["phy"] and after["owner"] is None
    assert acquire(kit, mode="monitor", channel=6).status == 200
    assert release(kit).status == 200

    # While it is being acquired and given back, over and over: each answer is one of those that it may be.
    for n in range(4):
        radio = radio_of("wlan2")
        answers = []
        t = threading.Thread(target=lambda: answers.extend(x.status for _ in range(6) for x in (acquire(kit, mode="monitor"), release(kit))))
        t.start()
        time.sleep(0.05 + 0.07 * n)  # a moment, not a wait
        air.unplug(radio)
        t.join()
        assert set(answers) <= {200, 404, 409}, answers
        wait_until(lambda: one(kit, "wlan2") is None and not list(RECORDS.iterdir()), 30)
        air.plug()
        wait_until(lambda: (i := one(kit, "wlan2")) and i["modes"], 30)


def test_the_doctor_says_what_a_radio_can_do(kit):
    done = run(kit, "doctor", "--json", expect=None)
    texts = {f["text"]: f["grade"] for f in done.json()["findings"]}
    assert texts["wlan1 can do monitor mode"] == texts["wlan2 can do monitor mode"] == "good"
    assert "wlan2" in run(kit, "acquire", "wlan2", "--mode", "monitor", "--owner", "me").out
    assert " monitor " in run(kit, "interfaces", "wlan2").out
    run(kit, "release", "wlan2", "--owner", "me")
