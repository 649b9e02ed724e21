"""patchbayctl in a pseudo-terminal: colours, widths, text that strangers choose, live screens, and what Ctrl-C leaves."""
import json
import re
import signal

import pytest

from ctl import Terminal, run
from patchbay import free_port, wait_until
from procs import Kit
from standin import Standin

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SCREEN = re.compile(r"\x1b\[[HJ]")


def bare(text):
    return COLOUR.sub("", SCREEN.sub("", text))


def finished(d, *words, expect=0, **kw):
    with Terminal(d, *words, **kw) as t:
        assert t.wait() == expect, t.text
        return t.text


@pytest.fixture
def d(patchbayd):
    return patchbayd(plugins=["procs", "gpsd"], settings={"plugins": {"gpsd": {"port": free_port()}, "procs": {"process": {"good": {"command": ["/bin/sleep", "60"]}}}}})


def test_colours_are_for_terminals_alone(d):
    assert COLOUR.search(finished(d, "status"))
    assert not COLOUR.search(finished(d, "status", NO_COLOR="1"))
    assert not COLOUR.search(finished(d, "status", TERM="dumb"))
    assert not COLOUR.search(finished(d, "status", "--color", "never"))
    assert not COLOUR.search(run(d, "status").out)
    assert COLOUR.search(run(d, "status", "--color", "always").out)


@pytest.mark.parametrize("columns", [40, 80, 132])
def test_nothing_is_wider_than_the_terminal(d, columns):
    for command in ("plugins", "topics", "methods", "ps"):
        for line in bare(finished(d, command, columns=columns)).splitlines():
            assert len(line) <= columns, (command, line)


def test_pipes_get_whole_lines(d):
    assert "…" not in run(d, "topics").out
    assert "…" in finished(d, "topics", columns=60)


def test_hostile_names_do_nothing_in_a_terminal(patchbayd):
    """SSIDs that clear the screen, turn the direction of writing, hide, or pretend to be another column."""
    hostile = ["\x1b[2J\x1b[31mred", "\x9b2Jc1", "a\u202eevil", "zero\u200bwidth", "tab\tnew\nline", "\x07bell", "wide 漢字", "mark" + "\u0301" * 40]
    s = Standin()
    try:
        for i, name in enumerate(hostile):
            s.order("/device", mac=f"02:00:00:00:00:{i:02X}", name=name, last_time=2_000_000_000)
        a = patchbayd(plugins=["kismet"], settings={"plugins": {"kismet": s.settings()}})
        wait_until(lambda: a.topic("kismet/link")["state"] == "up" and a.json("kismet/devices?q=02:00:00:00:00:")["total"] == len(hostile), 20, "Kismet's devices are here")
        for words in (["devices", "--search", "02:00:00:00:00:"], ["devices", "--search", "02:00:00:00:00:", "--json"]):
            text = bare(finished(a, *words, columns=200))
            assert "red" in text and "evil" in text and "漢字" in text
            assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b\u202e]", text), repr(text)
        table = bare(finished(a, "devices", "--search", "02:00:00:00:00:", columns=200)).splitlines()
        assert "mark" + "\u0301" * 4 + " " in "\n".join(table)
        wide = next(line for line in table if "漢字" in line)
        assert wide.index("02:00") + 2 == table[0].index("MAC")  # two characters that take two columns each
        assert json.loads(run(a, "devices", "--json", "--search", "02:00:00:00:00:").out)["total"] == len(hostile)
    finally:
        s.kill()


def test_hostile_text_of_processes_and_topics(tmp_path):
    say = r"printf '\033]0;title\007\033[31mred\033[0m \033[2J\302\233K \342\200\256evil\ttab\rback\n'; exec sleep 60"
    k = Kit(tmp_path, {"loud": ["/bin/sh", "-c", say]})
    try:
        k.start("loud")
        wait_until(lambda: k.log("loud"), why="it has spoken")
        for words in (["logs", "loud"], ["--json", "logs", "loud"], ["call", "procs.tail", "name=loud"]):
            text = bare(finished(k.daemon, *words, columns=200))
            assert "red" in text and "\x1b" not in text and "\x07" not in text and "\u202e" not in text and "\x9b" not in text, repr(text)
            assert "\r" not in text.replace("\r\n", "\n")
        plain = finished(k.daemon, "logs", "loud", "--color", "never", columns=200)
        assert "red" in plain and "␛[2J" in plain and "[31m" not in plain  # colours are left out, the rest is shown as what it is
    finally:
        k.daemon.stop()


def test_gps_is_drawn_again_with_each_fix_and_leaves_no_trace(patchbayd, gpsd):
    g = gpsd()
    a = patchbayd(plugins=["gpsd"], settings={"plugins": {"gpsd": {"port": g.port}}})
    wait_until(lambda: (a.json("gps")["fix"] or {}).get("mode") == 3, 20, "a fix")
    assert "3D fix" in run(a, "gps").out and "used of" in run(a, "gps").out
    with Terminal(a, "gps", "--watch") as t:
        t.wait_text("3D fix")
        seen = len(SCREEN.findall(t.text))
        wait_until(lambda: t._more(0.2) is not False and len(SCREEN.findall(t.text)) >= seen + 4, 20, "it is drawn again")
        assert "\x1b[?" not in t.text  # no cursor hidden, no other screen: nothing to restore
        t.key("\x03")
        assert t.wait() == -signal.SIGINT
    wait_until(lambda: all(topic["watchers"] == 0 for topic in a.json("topics")["topics"]), why="nobody watches any more")


def test_ctrl_c_while_waiting_for_an_answer_leaves_nothing(tmp_path):
    k = Kit(tmp_path, {"never": {"command": ["/bin/sleep", "60"], "ready": {"file": str(tmp_path / "never"), "timeout": "50s"}}})
    try:
        with Terminal(k.daemon, "start", "never") as t:
            k.wait_state("never", "starting", "running")
            t.key("\x03")
            assert t.wait() == -signal.SIGINT
        k.daemon.json("procs")
        run(k.daemon, "stop", "never")
    finally:
        k.daemon.stop()
