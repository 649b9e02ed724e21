"""patchbayctl in pipes, beside a real daemon: what it says, to people and to programs, and how it ends."""
import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from ctl import Going, environment, run, tool
from patchbay import ROOT, free_port, wait_until
from procs import Kit

TALK = ["/bin/sh", "-c", "echo first; echo second >&2; exec sleep 60"]
BAD = {"command": ["/bin/false"], "ready": {"file": "/nonexistent/ready", "timeout": "50s"}}  # so that no start comes before its end


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A daemon with processes, locks and interfaces, for the tests that only look or tidy up after themselves."""
    k = Kit(tmp_path_factory.mktemp("kit"), {"talker": TALK, "bad": BAD, "lazy": ["/bin/sleep", "60"]}, groups={"pair": ["talker", "lazy"]}, plugins=["gpsd", "locks", "netif", "ports", "recovery"],
            settings={"plugins": {"gpsd": {"port": free_port()}, "netif": {"interfaces": ["lo"], "state_file": "", "record_dir": str(tmp_path_factory.mktemp("netif"))}}})
    yield k
    k.daemon.stop()


@pytest.fixture
def d(kit):
    return kit.daemon


# -- exit codes and messages


def test_a_daemon_that_is_not_there_is_3(kit):
    done = run(None, "--host", f"127.0.0.1:{free_port()}", "status", expect=3)
    assert "Connection refused" in done.err and "systemctl start patchbay" in done.err and not done.out
    run(None, "--host", f"unix:{kit.short}/none.sock", "ps", expect=3)
    run(None, "--host", "no-such-host.invalid:8092", "ps", expect=3)


def test_a_daemon_that_does_not_answer_is_given_up(kit):
    with socket.create_server(("127.0.0.1", 0)) as s:
        done = run(None, "--host", f"127.0.0.1:{s.getsockname()[1]}", "--timeout", "300ms", "status", expect=3)
    assert "no answer in time" in done.err


@pytest.mark.parametrize("words", [["strat"], ["start"], ["ps", "--bogus"], ["locks", "more"], ["logs", "-n", "x", "talker"], ["--timeout", "soon", "ps"], ["--host", "a b", "ps"], ["--token-file", "/nowhere", "ps"],
                                   ["config", "chek"], ["call", "locks.acquire", "nme=x"], ["call", "locks.acquire", "ttl_ms=x"], ["call", "locks.acquire", "x"], ["acquire", "lo", "--channel", "x"], ["--host"], []])
def test_wrong_usage_is_2_and_says_why(d, words):
    done = run(d, *words, expect=2)
    assert done.err.startswith("patchbayctl: ") or not words


def test_mistyped_words_are_recognised(d):
    assert "did you mean start?" in run(d, "strat", expect=2).err
    assert "did you mean ttl_ms?" in run(d, "call", "locks.acquire", "tll_ms=5", expect=2).err
    assert "did you mean locks.acquire?" in run(d, "call", "locks.aquire", expect=1).err


def test_what_cannot_be_done_is_1_with_the_daemons_words(d):
    done = run(d, "start", "nothing", expect=1)
    assert 'no process or group "nothing"' in done.err and "(NOT_FOUND)" in done.err
    assert "exited with status 1" in run(d, "start", "bad", expect=1).err


def test_what_no_plugin_serves_says_where_to_look(d):
    assert "patchbayctl plugins" in run(d, "alerts", expect=1).err


def test_a_wrong_token_is_4(patchbayd, tmp_path):
    token = tmp_path / "token"
    token.write_text("wrong\n")
    a = patchbayd(plugins=["procs"], settings={"auth": {"mode": "token", "tokens": []}})
    done = run(a, "ps", expect=4)
    assert "--token-file" in done.err
    run(a, "--token-file", token, "ps", expect=4)


def test_a_token_opens_what_its_role_may(patchbayd, tmp_path):
    from patchbay import executable
    hashed = subprocess.run([executable(), "--hash-token"], input=b"s3cret\n", capture_output=True, check=True).stdout.decode().strip()
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    a = patchbayd(plugins=["procs"], settings={"auth": {"mode": "token", "tokens": [{"name": "me", "hash": hashed, "role": "viewer"}]}})
    run(a, "--token-file", token, "ps")
    run(a, "ps", PATCHBAY_TOKEN_FILE=str(token))
    assert "needs the role admin" in run(a, "--token-file", token, "config", "show", expect=4).err


# -- where the daemon is


def test_a_unix_socket_serves_as_well(patchbayd, tmp_path):
    import pathlib
    import tempfile
    with tempfile.TemporaryDirectory(prefix="ctl-") as t:
        path = pathlib.Path(t) / "s"
        patchbayd(plugins=[], listen=[f"unix:{path}"])
        assert run(None, "--host", f"unix:{path}", "version").out.count("0.") == 2
        run(None, "plugins", PATCHBAY_HOST=f"unix:{path}")


def test_tls_is_spoken_and_the_certificate_is_looked_at(patchbayd, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    key.chmod(0o600)
    port = free_port()
    patchbayd(plugins=[], listen=[f"127.0.0.1:{port}"], settings={"http": {"certificate": str(certificate), "key": str(key)}})
    for words in (["plugins"], ["watch", "core/http", "-n", "1"]):
        run(None, "--host", f"https://127.0.0.1:{port}", "--ca-file", certificate, *words)
        assert "certificate" in run(None, "--host", f"https://127.0.0.1:{port}", *words, expect=3).err.lower()
    run(None, "--host", f"http://127.0.0.1:{port}", "plugins", expect=None)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a mount namespace")
def test_without_a_host_the_usual_socket_is_asked(patchbayd, tmp_path):
    import pathlib
    import tempfile
    with tempfile.TemporaryDirectory(prefix="ctl-") as t:
        patchbayd(plugins=[], listen=[f"unix:{pathlib.Path(t)}/http.sock"])
        inside = ["unshare", "-m", "sh", "-c", f'mkdir -p /run/patchbay && mount --bind {t} /run/patchbay && exec "$@"', "sh"]
        assert "unix:/run/patchbay/http.sock" in run(None, "status", wrap=inside).out


def test_a_proxy_of_the_environment_is_not_used(d):
    run(d, "ps", http_proxy=f"http://127.0.0.1:{free_port()}", all_proxy=f"http://127.0.0.1:{free_port()}")


# -- for people and for programs


def test_json_is_the_daemons_own_untouched(d):
    for command, path in (("topics", "topics"), ("methods", "methods"), ("locks", "locks"), ("recovery", "recovery"), ("ports", "ports")):
        ours, theirs = run(d, "--json", command).out, d.get(path).text
        if command in ("methods", "locks", "recovery"):
            assert ours == theirs.rstrip("\n") + "\n", command
        assert json.loads(ours).keys() == json.loads(theirs).keys()
    whole = json.loads(run(d, "status", "--json").out)
    assert {"plugins", "processes", "gps", "interfaces"} <= whole.keys()


def test_status_says_what_runs_what_is_wrong_and_what_to_do(d):
    run(d, "start", "bad", expect=1)
    out = run(d, "status").out
    assert "Patchbay " in out and f"PID {d.pid}" in out and "7 running" not in out
    assert "process bad failed: exited with status 1" in out and "patchbayctl logs bad" in out
    assert "gpsd" in out and "systemctl start gpsd" in out


def test_every_list_has_a_table(d):
    for command, head in (("ps", "NAME"), ("interfaces", "KIND"), ("ports", "EXPECTED"), ("plugins", "VERSION"), ("topics", "TOPIC"), ("methods", "PARAMETERS")):
        out = run(d, command).out
        assert head in out.splitlines()[0], command
        assert "\x1b" not in out
    assert "nothing is locked" in run(d, "locks").out
    run(d, "recovery", "--all")
    assert "lo " in run(d, "interfaces", "lo").out
    run(d, "interfaces", "nowhere", expect=1)


def test_help_knows_every_command():
    out = run(None, "help").out
    for command in ("status", "gps", "devices", "alerts", "ps", "start", "stop", "restart", "logs", "interfaces", "acquire", "release", "lock", "locks", "ports", "recovery", "plugins", "enable", "disable",
                    "reload", "topics", "watch", "call", "config", "doctor", "version", "help"):
        assert f"\n  {command} " in out, command
        assert f"usage: patchbayctl {command}" in run(None, command, "--help").out
    assert "__complete" not in out
    assert run(None, "--version").out.startswith("patchbayctl ")


def test_the_manual_has_every_command_and_option():
    manual = (ROOT / "docs/man/patchbayctl.1").read_text()
    commands = re.findall(r"^  ([a-z]+) ", run(None, "help").out, re.M)
    for command in commands:
        assert re.search(rf"^\.It Cm {command}\b", manual, re.M), command
        for option in re.findall(r"^ +(?:-., )?--([a-z-]+)", run(None, command, "--help").out, re.M):
            assert f"Fl Fl {option}" in manual, (command, option)


# -- processes


def test_processes_are_started_restarted_and_stopped(kit, d):
    assert "talker: ready (PID " in run(d, "start", "talker").out
    first = kit.get("talker")["pid"]
    assert str(first) in run(d, "ps", "talker").out
    run(d, "restart", "talker")
    assert kit.get("talker")["pid"] != first
    assert "ALREADY_RUNNING" in run(d, "start", "talker", expect=1).err
    assert "talker: stopped (graceful" in run(d, "stop", "talker").out
    assert "NOT_RUNNING" in run(d, "stop", "talker", expect=1).err


def test_a_group_is_started_whole_and_one_failure_does_not_keep_the_others(kit, d):
    run(d, "start", "nothing", "pair", expect=1)
    assert kit.state("talker") == kit.state("lazy") == "ready"
    assert len(run(d, "ps", "pair").out.splitlines()) == 3
    run(d, "stop", "pair")
    assert kit.state("talker") == kit.state("lazy") == "stopped"


def test_logs_show_both_streams(kit, d):
    run(d, "start", "talker")
    wait_until(lambda: len(kit.log("talker")) >= 2, why="it has spoken")
    lines = run(d, "logs", "talker", "-n", "2").out.splitlines()
    assert lines[0].endswith("   first") and lines[1].endswith(" ! second")
    run(d, "stop", "talker")
    assert "core" in run(d, "logs").out
    run(d, "logs", "nothing", expect=1)


def test_followed_logs_come_as_they_are_written(kit, d, tmp_path):
    trigger = tmp_path / "go"
    kit.configure({"slow": ["/bin/sh", "-c", f"echo begun; until [ -e {trigger} ]; do sleep 0.05; done; echo later; exec sleep 60"], "talker": TALK, "bad": BAD, "lazy": ["/bin/sleep", "60"]},
                  {"pair": ["talker", "lazy"]})
    wait_until(lambda: kit.get("slow"), why="the new process is known")
    run(d, "start", "slow")
    with Going(d, "logs", "-f", "slow") as log:
        log.wait_line("begun")
        trigger.touch()
        log.wait_line("later")
        assert log.end() == -signal.SIGINT
    run(d, "stop", "slow")


# -- interfaces, plugins, topics, methods


def test_an_interface_is_taken_and_given_back(d):
    assert "owner me " in run(d, "acquire", "lo", "--owner", "me").out
    done = run(d, "acquire", "lo", "--owner", "you", expect=1)
    assert "INTERFACE_OWNED" in done.err and "me" in done.err
    assert "NOT_OWNER" in run(d, "release", "lo", expect=1).err
    run(d, "release", "lo", "--owner", "me")
    run(d, "acquire", "lo", "--ttl", "200ms")
    wait_until(lambda: d.json("interfaces/lo")["owner"] is None, why="the lease ends")


def test_plugins_are_switched(d):
    assert "ports: disabled" in run(d, "disable", "ports").out
    assert "disabled" in run(d, "plugins", "ports").out
    assert "ports: running" in run(d, "enable", "ports").out
    assert "ports: running" in run(d, "reload", "ports").out
    run(d, "enable", "nothing", "ports", expect=1)


def test_topics_are_shown_and_watched(d):
    assert json.loads(run(d, "topics", "gps/link").out)["state"] in ("down", "connecting")
    assert "NOT_FOUND" in run(d, "topics", "no/such", expect=1).err
    one = run(d, "watch", "gps/link", "--count", "1").out
    assert " gps/link {" in one
    value = json.loads(run(d, "watch", "gps/link", "-n", "1", "--json").out)
    assert value["topic"] == "gps/link" and value["seq"] and value["value"]["state"]


def test_watching_changes_begins_with_the_next_one(kit, d):
    with Going(d, "watch", "procs/lazy", "--changes", "--json") as w:
        wait_until(lambda: [t for t in d.json("topics")["topics"] if t["name"] == "procs/lazy"][0]["watchers"] > 0, why="it watches")
        run(d, "start", "lazy")
        w.wait_line('"ready"')
        assert '"stopped"' not in w.lines[0]
        run(d, "stop", "lazy")


def test_a_call_types_its_arguments(d):
    lease = json.loads(run(d, "call", "locks.acquire", "name=typed", "owner=me", "ttl_ms=5000").out)
    assert lease["ttl_ms"] == 5000 and lease["name"] == "typed"
    assert json.loads(run(d, "--json", "call", "locks.list").out)["result"]["locks"][0]["name"] == "typed"
    run(d, "call", "locks.release", "name=typed", f"token={lease['token']}")
    assert "NOT_OWNER" in run(d, "call", "locks.release", "name=typed", "token=1", expect=1).err
    assert "procs.start" in run(d, "methods", "procs.start").out


# -- the configuration


def test_config_check_is_the_daemons_own(d, tmp_path):
    assert "nothing is wrong" in run(None, "config", "check", d.config).out
    bad = tmp_path / "bad.toml"
    bad.write_text("[http]\nlisen = []\n")
    done = run(None, "config", "check", bad, expect=1)
    assert f"{bad}:2:1:" in done.err and "did you mean listen?" in done.err
    run(None, "config", "check", tmp_path / "none.toml", expect=1)


def test_config_show_and_diff_mask_secrets_and_name_places(patchbayd):
    a = patchbayd(plugins=["kismet"], settings={"plugins": {"kismet": {"url": "http://127.0.0.1:1", "password": "hunter2"}}})
    shown = run(a, "config", "show").out
    assert "hunter2" not in shown and 'password = "***"' in shown and "max_devices = 20000" in shown and "[http]" in shown
    assert run(a, "config", "show", "plugins.kismet.max_devices").out.splitlines()[-1] == "plugins.kismet.max_devices = 20000"
    run(a, "config", "show", "plugins.none", expect=1)
    diff = run(a, "config", "diff").out
    assert "plugins.kismet.password" in diff and "hunter2" not in diff and f"{a.config}:" in diff and "max_devices" not in diff


def test_what_config_show_prints_is_a_configuration(patchbayd, tmp_path):
    a = patchbayd(plugins=["procs", "gpsd"], settings={"plugins": {"procs": {"process": {"odd name": {"command": ["/bin/echo", "a \"b\" ü\x01"]}}}}})
    again = tmp_path / "again.toml"
    again.write_text(run(a, "config", "show").out)
    run(None, "config", "check", again)


# -- its end


def test_a_closed_pipe_is_no_complaint(d):
    p = subprocess.Popen([str(tool()), "--host", f"{d.host}:{d.port}", "watch", "**", "core/*"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    p.stdout.close()
    run(d, "start", "bad", expect=1)
    assert p.wait(15) in (-signal.SIGPIPE, 0) and not p.stderr.read()
    p.stderr.close()


def test_a_full_disk_is_told(d):
    with open("/dev/full", "w") as full:
        p = subprocess.run([str(tool()), "--host", f"{d.host}:{d.port}", "plugins"], stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=30)
    assert p.returncode == 1 and b"No space left" in p.stderr


def test_a_lost_connection_is_told_of_and_comes_back(patchbayd):
    a = patchbayd(plugins=["procs"])
    with Going(a, "watch", "procs/summary", "--json") as w:
        w.wait_line('"procs/summary"')
        a.restart()
        w.wait_note("the connection is lost")
        w.wait_note("the connection is back")
        wait_until(lambda: len(w.lines) >= 2, why="values come again")
        assert w.end(signal.SIGTERM) == -signal.SIGTERM


def test_followed_logs_go_on_over_a_restart_without_repeating(tmp_path):
    k = Kit(tmp_path, {"count": ["/bin/sh", "-c", "n=0; while :; do echo line $n.; n=$((n+1)); sleep 0.05; done"]})
    try:
        k.start("count")
        with Going(k.daemon, "logs", "-f", "count") as log:
            log.wait_line("line 3.")
            k.daemon.kill()
            k.daemon.start()
            log.wait_note("the connection is back")
            seen = len(log.lines)
            wait_until(lambda: len(log.lines) > seen + 5, why="lines go on")
            log.end()
        numbers = [int(line.rsplit(" ", 1)[1].rstrip(".")) for line in log.lines]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    finally:
        k.daemon.stop()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\n{\"pro\r\n3\r\nces\r\na\r\nses\": []}\n\r\n0\r\nTrailer: x\r\n\r\n",
                                    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"processes\":[]}", b"HTTP/1.0 200 OK\ncontent-length:   16  \n\n{\"processes\":[]}"])
def test_every_framing_of_an_answer_is_read(answer):
    """In one piece, and byte after byte."""
    for piece in (len(answer), 1):
        with socket.create_server(("127.0.0.1", 0)) as s:
            def serve():
                c, _ = s.accept()
                with c:
                    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    c.recv(65536)
                    for i in range(0, len(answer), piece):
                        c.sendall(answer[i:i + piece])
            threading.Thread(target=serve, daemon=True).start()
            assert json.loads(run(None, "--host", f"127.0.0.1:{s.getsockname()[1]}", "ps", "--json").out) == {"processes": []}


def test_a_hostile_answer_does_no_harm():
    """A server that answers anything is told from Patchbay, and never waited for without an end."""
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", b"garbage\r\n\r\n", b"", b"A" * 200000, b"HTTP/1.1 2",
               b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
               b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", b"HTTP/1.1 500 \x1b[31m\r\nContent-Length: 0\r\n\r\n",
               b'HTTP/1.1 404 No\r\nContent-Length: 35\r\n\r\n{"error":"E","message":"\\u001b[31mx"}']
    for answer in answers:
        with socket.create_server(("127.0.0.1", 0)) as s:
            def serve(s=s, answer=answer):
                try:
                    while True:
                        c, _ = s.accept()
                        with c:
                            c.recv(65536)
                            c.sendall(answer)
                except OSError:
                    pass
            threading.Thread(target=serve, daemon=True).start()
            done = run(None, "--host", f"127.0.0.1:{s.getsockname()[1]}", "--timeout", "2s", "ps", expect=None)
            assert done.code in (0, 1, 3) and "\x1b" not in done.out + done.err, done
            s.shutdown(socket.SHUT_RDWR)
