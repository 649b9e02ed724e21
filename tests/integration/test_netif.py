"""Interfaces and their owners, in a network namespace with links that the test makes."""
import json
import os
import signal
import subprocess
import sys

import pytest

from netns import WITH_OWN_SYS, ip, own_network
from patchbay import die_with_parent, wait_until


@pytest.fixture
def netns():
    with own_network():
        yield


@pytest.fixture
def kit(netns, patchbayd, tmp_path):
    """A daemon in the namespace, with net0 that may be acquired and net1 that may not, both with a peer."""
    ip("link add net0 type veth peer name peer0")
    ip("link set peer0 up")
    ip("link add net1 type veth peer name peer1")
    ip("link set peer1 up")
    settings = {"plugins": {"netif": {"interfaces": ["net0", "wlan9"], "state_file": f"{tmp_path}/{{interface}}.state", "record_dir": f"{tmp_path}/records",
                                      "network_manager": False}}}
    return patchbayd(plugins=["netif"], settings=settings, wrap=WITH_OWN_SYS)


def one(d, name):
    return next((i for i in d.json("interfaces")["interfaces"] if i["name"] == name), None)


def test_interfaces_are_shown_as_the_kernel_has_them(kit):
    ip("link set net0 address 02:00:00:00:00:09 mtu 1400 up")
    ip("address add 10.9.8.7/24 dev net0")
    ip("-6 address add fd00::7/64 dev net0")
    seen = wait_until(lambda: (i := one(kit, "net0")) and "fd00::7" in i["addresses"] and i, why="the address is shown")
    assert (seen["mac"], seen["mtu"], seen["state"], seen["kind"]) == ("02:00:00:00:00:09", 1400, "up", "veth")
    assert "10.9.8.7" in seen["addresses"] and "10.9.8.7/24" in seen["networks"]
    assert seen["owner"] is None and seen["modes"] == []
    for wireless in ("phy", "mode", "channel", "ssid", "signal", "rfkill", "driver"):
        assert seen[wireless] is None, wireless
    assert one(kit, "lo")["kind"] == "loopback"
    assert kit.json("interfaces/net0") == seen
    assert kit.call("netif.list") == kit.json("interfaces")
    assert kit.get("interfaces/none").status == 404


def test_links_come_change_are_renamed_and_go_live(kit):
    with kit.events("netif/*") as events:
        ip("link add left type veth peer name right")
        events.wait_for(lambda e: e.topic == "netif/left" and e.value["state"] == "down", why="left has come")
        ip("link set left up")
        ip("link set right up")
        events.wait_for(lambda e: e.topic == "netif/left" and e.value["state"] == "up", why="left is up")
        ip("address add 10.1.0.1/24 dev left")
        events.wait_for(lambda e: e.topic == "netif/left" and e.value["addresses"][:1] == ["10.1.0.1"], why="left has an address")
        ip("link set left down")
        ip("link set left name elsewhere")
        moved = events.wait_for(lambda e: e.topic == "netif/elsewhere", why="it has another name").value
        assert moved["addresses"][:1] == ["10.1.0.1"]
        ip("link del elsewhere")
        events.wait_for(lambda e: e.topic == "netif/summary" and not {"left", "right", "elsewhere"} & {i["name"] for i in e.value["interfaces"]}, why="all are gone")
    assert kit.get("topics/netif/elsewhere").status == 404
    assert kit.get("topics/netif/left").status == 404


def test_names_that_are_swapped_end_up_at_the_right_links(kit):
    macs = {n: one(kit, n)["mac"] for n in ("net0", "net1")}
    ip("-batch -", "link set net0 name x\nlink set net1 name net0\nlink set x name net1\n")
    wait_until(lambda: kit.topic("netif/net0")["mac"] == macs["net1"] and kit.topic("netif/net1")["mac"] == macs["net0"], why="the names have changed places")


def test_a_port_that_leaves_its_bridge_stays(kit):
    ip("link add br0 type bridge")
    ip("link set net1 master br0")
    ip("link set net1 nomaster")
    ip("link set net1 up")
    wait_until(lambda: one(kit, "net1")["state"] == "up", why="the news after it has come")


def test_a_storm_of_links_is_followed_to_its_end(kit):
    rounds, pairs = 4, 60
    for r in range(rounds):
        ip("-batch -", "".join(f"link add s{r}a{i} type veth peer name s{r}b{i}\n" for i in range(pairs)))
        if r != rounds - 1:
            ip("-batch -", "".join(f"link del s{r}a{i}\n" for i in range(pairs)))
    def same():
        real = {(l["ifindex"], l["ifname"], l["address"]) for l in json.loads(ip("-j link"))}
        return real == {(i["ifindex"], i["name"], i["mac"]) for i in kit.json("interfaces")["interfaces"]}
    wait_until(same, 20, "what is shown is what is there")


def test_one_owner_at_a_time(kit, tmp_path):
    mine = kit.post("interfaces/net0/acquire", {"owner": "kismet"})
    assert mine.status == 200 and mine.json()["owner"]["owner"] == "kismet"
    theirs = kit.post("interfaces/net0/acquire", {"owner": "other"})
    assert theirs.status == 409 and theirs.json()["error"] == "INTERFACE_OWNED"
    assert "owned by kismet since" in theirs.json()["message"] and theirs.json()["details"]["owner"] == "kismet"
    state = json.loads((tmp_path / "net0.state").read_text())
    assert set(state) == {"owner", "mode", "timestamp"} and state["owner"] == "kismet"
    thief = kit.post("interfaces/net0/release", {"owner": "other"})
    assert thief.status == 409 and thief.json()["error"] == "NOT_OWNER"
    assert one(kit, "net0")["owner"]["owner"] == "kismet"
    again = kit.post("interfaces/net0/acquire", {"owner": "kismet"})
    assert again.status == 200
    done = kit.post("interfaces/net0/release", {"owner": "kismet"})
    assert done.status == 200 and done.json()["owner"] is None
    assert not (tmp_path / "net0.state").exists()
    assert kit.post("interfaces/net0/release", {"owner": "kismet"}).json()["error"] == "NOT_OWNER"


def test_what_is_refused_says_why(kit):
    cases = [("none", {"owner": "x"}, 404, "NOT_FOUND"), ("wlan9", {"owner": "x"}, 404, "NOT_FOUND"), ("net1", {"owner": "x"}, 403, "INTERFACE_NOT_MANAGED"),
             ("net0", {"owner": "x", "mode": "monitor"}, 422, "MODE_UNSUPPORTED"), ("net0", {"owner": "x", "channel": 6}, 422, "MODE_UNSUPPORTED"),
             ("net0", {"owner": "x", "pid": 4194300}, 422, "PROCESS_NOT_FOUND")]
    for name, body, status, code in cases:
        r = kit.post(f"interfaces/{name}/acquire", body)
        assert (r.status, r.json()["error"]) == (status, code), (name, body, r)
    for body in ({}, {"owner": ""}, {"owner": "x", "mode": "flying"}, {"owner": "x", "ttl_ms": 5}):
        assert kit.post("interfaces/net0/acquire", body).status == 400, body
    assert one(kit, "net0")["owner"] is None


def test_a_lease_ends_unless_it_is_renewed(kit):
    with kit.events("netif/incident") as events:
        assert kit.post("interfaces/net0/acquire", {"owner": "kismet", "ttl_ms": 300}).json()["owner"]["expires"]
        told = events.wait_for(lambda e: e.value["class"] == "LEASE_EXPIRED").value
        assert told["interface"] == "net0" and told["owner"] == "kismet" and told["message"] and told["since"].endswith("Z")
    wait_until(lambda: one(kit, "net0")["owner"] is None, why="it was given back")


def test_the_owners_process_ends_and_so_does_the_ownership(kit):
    owner = subprocess.Popen(["sleep", "60"], preexec_fn=die_with_parent)
    r = kit.post("interfaces/net0/acquire", {"owner": "kismet", "pid": owner.pid})
    assert r.json()["owner"]["pid"] == owner.pid and r.json()["owner"]["process"] == "sleep"
    assert f"PID {owner.pid} sleep" in kit.post("interfaces/net0/acquire", {"owner": "other"}).json()["message"]
    owner.kill()
    owner.wait()
    wait_until(lambda: one(kit, "net0")["owner"] is None, why="it was given back")


def test_an_unplugged_interface_is_an_incident_and_nobodys(kit, tmp_path):
    kit.post("interfaces/net0/acquire", {"owner": "kismet"})
    with kit.events("netif/incident") as events:
        ip("link del net0")
        lost = events.wait_for(lambda e: e.value["class"] == "INTERFACE_LOST").value
    assert lost["interface"] == "net0" and "unplugged" in lost["message"]
    ip("link add net0 type veth peer name peer0")
    ip("link set peer0 up")
    wait_until(lambda: one(kit, "net0"), why="it was plugged in again")
    assert one(kit, "net0")["owner"] is None and not (tmp_path / "net0.state").exists()
    assert kit.post("interfaces/net0/acquire", {"owner": "other"}).status == 200


def test_a_state_file_that_another_program_left_is_respected(kit, tmp_path):
    foreign = tmp_path / "net0.state"
    foreign.write_text('{"owner":"spectrum","mode":"monitor","timestamp":1}')
    r = kit.post("interfaces/net0/acquire", {"owner": "kismet"})
    assert r.status == 409 and r.json()["error"] == "INTERFACE_OWNED" and "spectrum" in r.json()["message"]
    assert json.loads(foreign.read_text())["owner"] == "spectrum"
    foreign.unlink()
    assert kit.post("interfaces/net0/acquire", {"owner": "kismet"}).status == 200


def test_after_a_crash_a_living_owner_keeps_it_and_a_dead_one_does_not(kit, tmp_path):
    owner = subprocess.Popen(["sleep", "60"], preexec_fn=die_with_parent)
    kit.post("interfaces/net0/acquire", {"owner": "kismet", "pid": owner.pid})
    since = one(kit, "net0")["owner"]["since"]
    kit.kill()
    kit.start()
    wait_until(lambda: one(kit, "net0")["owner"]["since"] == since, why="the same owner, since the same time")
    assert kit.post("interfaces/net0/acquire", {"owner": "other"}).json()["error"] == "INTERFACE_OWNED"
    kit.kill()
    owner.kill()
    owner.wait()
    kit.start()
    assert kit.post("interfaces/net0/acquire", {"owner": "other"}).status == 200
    assert json.loads((tmp_path / "net0.state").read_text())["owner"] == "other"


def test_a_reload_hands_the_ownership_over_and_a_stop_gives_it_back(kit, tmp_path):
    kit.post("interfaces/net0/acquire", {"owner": "kismet"})
    assert kit.post("plugins/netif/reload").status == 200
    wait_until(lambda: one(kit, "net0")["owner"]["owner"] == "kismet", why="the next instance goes on")
    kit.stop()
    assert not (tmp_path / "net0.state").exists()
    assert list((tmp_path / "records").glob("*.json")) == []


def test_a_hundred_at_once_are_one_owner(kit):
    script = ("import json, sys, urllib.request, urllib.error\n"
              "for i in range(10):\n"
              "    r = urllib.request.Request(sys.argv[1], json.dumps({'owner': sys.argv[2] + str(i)}).encode(), {'Content-Type': 'application/json'})\n"
              "    try: print(urllib.request.urlopen(r).status)\n"
              "    except urllib.error.HTTPError as e: print(e.code)\n")
    url = f"http://{kit.host}:{kit.port}/api/webhook/interfaces/net0/acquire"
    runs = [subprocess.Popen([sys.executable, "-c", script, url, f"o{n}-"], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent) for n in range(10)]
    answers = [line for r in runs for line in r.communicate(timeout=60)[0].split()]
    assert sorted(answers) == ["200"] + ["409"] * 99


def test_killed_at_random_moments_it_is_never_owned_by_two_or_stuck(kit, tmp_path):
    for i in range(int(os.environ.get("PATCHBAY_ROUNDS", "6"))):
        script = ("import http.client, json, sys\n"
                  "c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=10)\n"
                  "for n in range(1000):\n"
                  "    for what in ('acquire', 'release'):\n"
                  "        c.request('POST', '/api/webhook/interfaces/net0/' + what, json.dumps({'owner': 'x'}), {'Content-Type': 'application/json'}); c.getresponse().read()\n"
                  "        print(n, flush=True)\n")
        busy = subprocess.Popen([sys.executable, "-c", script, str(kit.port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent)
        for _ in range(3 + 7 * i):
            busy.stdout.readline()
        kit.kill()
        busy.send_signal(signal.SIGKILL)
        busy.communicate()
        kit.start()
        assert kit.post("interfaces/net0/acquire", {"owner": "next"}).status == 200, kit.log
        assert kit.post("interfaces/net0/release", {"owner": "next"}).status == 200
        assert not (tmp_path / "net0.state").exists() and not list((tmp_path / "records").glob("*"))
