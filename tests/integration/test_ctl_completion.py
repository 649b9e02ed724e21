"""Completion: what __complete says, and what bash, zsh and fish make of it."""
import json
import os
import pty
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest

from ctl import environment, run, tool
from patchbay import ROOT, SLOW
from procs import Kit

FILES = ROOT / "ctl/completion"


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    k = Kit(tmp_path_factory.mktemp("kit"), {"talker": ["/bin/sleep", "60"], "tailor": ["/bin/sleep", "60"]}, groups={"team": ["talker"]}, plugins=["locks", "netif"])
    yield k
    k.daemon.stop()


def words(d, *typed):
    return [line.split("\t")[0] for line in run(None, "__complete", "--", "--host", f"{d.host}:{d.port}", *typed).out.splitlines()]


def test_names_come_from_the_daemon(kit):
    d = kit.daemon
    assert words(d, "start", "t") == ["tailor", "talker", "team"]
    assert words(d, "logs", "ta") == ["tailor", "talker"]
    assert words(d, "disable", "ne") == ["netif"]
    assert words(d, "watch", "procs/ta") == ["procs/tailor", "procs/talker"]
    assert words(d, "call", "locks.acq") == ["locks.acquire"]
    assert words(d, "call", "locks.acquire", "t") == ["timeout_ms=", "ttl_ms="]
    assert words(d, "release", "l") == ["lo"]


def test_commands_options_and_their_values():
    d = type("nobody", (), {"host": "127.0.0.1", "port": 1})
    assert words(d, "st") == ["status", "start", "stop"]
    assert words(d, "ps", "--js") == ["--json"]
    assert words(d, "acquire", "wlan2", "--mode", "mo") == ["monitor"]
    assert words(d, "acquire", "wlan2", "--mode=ma") == ["--mode=managed"]
    assert words(d, "help", "lo") == ["logs", "lock", "locks"]
    assert words(d, "config", "") == ["check", "show", "diff"]
    assert words(d, "config", "check", "x") == [":files"]
    assert words(d, "--token-file", "") == [":files"]
    assert words(d, "lock", "x", "--", "l") == [":command 6"]
    assert words(d, "lock", "x", "l") == [":command 5"]


def test_without_a_daemon_there_are_no_names_and_no_complaints():
    done = run(None, "__complete", "--", "--host", "127.0.0.1:1", "start", "")
    assert not done.out and not done.err
    assert not run(None, "__complete").out
    assert not run(None, "__complete", "--", "--host", "", "start", "").err


def test_names_that_a_shell_would_act_on_are_left_out():
    body = json.dumps({"processes": [{"name": n} for n in ("$(touch x)", "a b", "`id`", "x\ny", "\x1b[2J", "good-1.x", "é", "a;b", "~root", ":files")]}).encode()
    with socket.create_server(("127.0.0.1", 0)) as s:
        def serve():
            c, _ = s.accept()
            with c:
                c.recv(65536)
                c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        threading.Thread(target=serve, daemon=True).start()
        assert words(type("liar", (), {"host": "127.0.0.1", "port": s.getsockname()[1]}), "start", "") == ["good-1.x"]


# -- the shells


@pytest.fixture
def env(kit, tmp_path):
    (tmp_path / "patchbayctl").symlink_to(tool())
    return environment(PATH=f"{tmp_path}:{os.environ['PATH']}", PATCHBAY_HOST=f"{kit.daemon.host}:{kit.daemon.port}", HOME=str(tmp_path), LC_ALL="C.UTF-8", XDG_CONFIG_HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))


def bash(env, line):
    script = f"""source /usr/share/bash-completion/bash_completion; source {FILES}/patchbayctl.bash; compopt() {{ :; }}
COMP_LINE=$1; COMP_POINT=${{#1}}; read -ra COMP_WORDS <<<"$1"; [[ $1 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _patchbayctl; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return subprocess.run(["bash", "--norc", "-c", script, "bash", line], env=env, capture_output=True, text=True, timeout=20 * SLOW).stdout.split("\n")[:-1]


def fish(env, line):
    out = subprocess.run(["fish", "--no-config", "-c", f'source {FILES}/patchbayctl.fish; complete -C "$argv[1]"', line], env=env, capture_output=True, text=True, timeout=20 * SLOW).stdout
    return [entry.split("\t")[0] for entry in out.splitlines()]


@pytest.mark.parametrize("shell, complete", [("bash", bash), ("fish", fish)])
def test_a_shell_offers_names(kit, env, shell, complete, tmp_path):
    if not shutil.which(shell) or (shell == "bash" and not os.path.exists("/usr/share/bash-completion/bash_completion")):
        pytest.skip(f"{shell} or its completion is not installed")
    assert sorted(complete(env, "patchbayctl st")) == ["start", "status", "stop"]
    assert sorted(complete(env, "patchbayctl start ")) == ["tailor", "talker", "team"]
    assert complete(env, "patchbayctl watch procs/tal") == ["procs/talker"]
    assert "name=" in complete(env, "patchbayctl call procs.start na")
    (tmp_path / "some.toml").touch()
    assert [os.path.basename(f) for f in complete(env, f"patchbayctl config check {tmp_path}/some")] == ["some.toml"]
    assert any(c.startswith("hostname") for c in complete(env, "patchbayctl lock x -- hostnam"))


def test_zsh_completes_names(kit, env, tmp_path):
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    folder = tmp_path / "functions"
    folder.mkdir()
    shutil.copy(FILES / "patchbayctl.zsh", folder / "_patchbayctl")
    pid, fd = pty.fork()
    if pid == 0:
        try:
            os.execve(shutil.which("zsh"), ["zsh", "-f", "-i"], {**env, "TERM": "dumb", "PS1": "> "})
        finally:
            os._exit(126)
    seen = b""

    def until(part):
        nonlocal seen
        end = time.monotonic() + 20 * SLOW
        while part not in seen:
            assert time.monotonic() < end, seen
            if select.select([fd], [], [], 0.2)[0]:
                seen += os.read(fd, 65536)
        seen = b""

    try:
        until(b"> ")
        os.write(fd, f"fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; print rea''dy\n".encode())
        until(b"ready")
        os.write(fd, b"patchbayctl start tal\t")
        until(b"patchbayctl start talker")
        os.write(fd, b"\x15patchbayctl watch procs/tai\t")
        until(b"procs/tailor")
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(fd)
