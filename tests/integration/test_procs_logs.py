"""Logs of processes: read, followed, over rotations, under floods."""

from patchbay import wait_until
from procs import nasty

REST = [nasty(), "rest"]


def test_logs_are_read_and_followed(kit):
    k = kit({"a": ["/bin/sh", "-c", "echo one; echo two >&2; while read x; do :; done < /dev/zero & while [ ! -e $0 ]; do sleep 0.02; done; echo three; exec sleep 60", "/nowhere/go"]}, start=False)
    go = k.folder / "go"
    k.configure({"a": ["/bin/sh", "-c", "echo one; echo two >&2; while [ ! -e $0 ]; do sleep 0.02; done; i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; exec sleep 60", str(go)]})
    k.daemon.start()
    k.start("a")
    wait_until(lambda: sorted(k.log("a")) == [("stderr", "two"), ("stdout", "one")], 10)
    assert len(k.log("a", lines=1)) == 1
    with k.daemon_stream("procs/a/log?lines=1&follow=1") as stream:
        assert stream.next().topic == "line"
        go.touch()
        got = [stream.next().value["text"] for _ in range(500)]
    assert got == [f"line {i}" for i in range(500)]
    assert k.daemon.call("procs.tail", {"name": "a", "lines": 2})["lines"][1]["text"] == "line 499"
    assert k.daemon.get("procs/b/log").status == 404


def test_a_log_is_followed_over_rotations_and_survives_binary(kit):
    k = kit({"a": {"command": ["/bin/sh", "-c", "i=0; while [ $i -lt 3000 ]; do printf 'line %d \\377\\000 %0100d\\n' $i 0; i=$((i+1)); done; exec sleep 60"], "log_size": 65536, "log_files": 20}})
    k.start("a")
    wait_until(lambda: k.log("a", 1) and k.log("a", 1)[0][1].startswith("line 2999 "), 30)
    lines = k.log("a", 10000)
    assert [int(text.split()[1]) for _, text in lines] == list(range(3000))
    assert "\ufffd" in lines[0][1]
    assert len(list(k.logs.glob("a.log*"))) > 3


def test_a_flood_stops_nothing(kit):
    k = kit({"flood": {"command": ["/bin/cat", "/dev/zero"], "log_size": 1000000, "log_files": 1, "stop_timeout": "200ms"}, "a": REST})
    k.start("flood")
    k.start("a")
    with k.daemon_stream("procs/flood/log?follow=1&lines=0") as stream:
        stream.next()
        for _ in range(20):
            k.get()
    k.stop("flood")
    assert sum(p.stat().st_size for p in k.logs.glob("flood.log*")) <= 2100000
