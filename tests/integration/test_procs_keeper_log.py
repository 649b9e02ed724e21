"""What the keeper carries: lines, floods, binary, full disks, rotation."""
import os
import subprocess

import pytest

from keeper import DONE, EXIT, GET, ROTATE, ended, nasty
from patchbay import wait_until

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_output_is_stamped_with_its_stream(keep):
    k = keep(nasty(), "both")
    k.hello()
    wait_until(lambda: sorted(k.lines()) == [("e", b"to stderr"), ("o", b"to stdout")], 10)


def test_a_line_without_an_end_is_written_after_a_while(keep):
    k = keep(nasty(), "prompt")
    k.hello()
    wait_until(lambda: k.lines() == [("O", b"Password: ")], 10)


def test_a_flood_without_newline_is_cut_and_its_file_bounded(keep):
    megabytes = int(os.environ.get("PATCHBAY_FLOOD_MB", "64"))
    k = keep(nasty(), "flood", str(megabytes), spec=["log_bytes=1000000", "log_files=2"])
    k.hello()
    e = k.link.await_(lambda p: p.type == EXIT, 60 + megabytes)
    assert e.code == 0 and e.lost == 0
    ended(k)
    files = [k.log, k.log.with_name(k.log.name + ".1"), k.log.with_name(k.log.name + ".2")]
    assert sorted(p.name for p in k.log.parent.glob("*.log*")) == sorted(p.name for p in files)
    assert all(p.stat().st_size <= 1000000 for p in files)
    assert {len(text) for letter, text in k.lines(1)} == {8192} and {letter for letter, _ in k.lines(1)} == {"O"}


def test_binary_output_comes_through_unharmed(keep):
    k = keep(nasty(), "binary", "1", spec=["log_bytes=100000000"])
    k.hello()
    block = bytes((i * 7 + i // 256) % 256 for i in range(65536))
    sent = block * 16

    def joined():
        out = b"".join(text + (b"" if letter.isupper() else b"\n") for letter, text in k.lines())
        return out == sent

    wait_until(joined, 20)


@needs_root
def test_a_full_disk_loses_lines_counts_them_and_blocks_nobody(keep, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "small", small], check=True)
    try:
        (small / "fill").write_bytes(b"f" * 128 * 1024)
        k = keep("/bin/sh", "-c", "i=0; while [ $i -lt 6000 ]; do echo line $i of the many; i=$((i+1)); done; echo done >&2; read x < $0; echo after; exec sleep 60", str(tmp_path / "go"),
                 spec=[f"log={small}/log", "log_bytes=100000000"])
        os.mkfifo(tmp_path / "go")
        k.log = small / "log"
        k.hello()
        go = wait_until(lambda: os.open(tmp_path / "go", os.O_WRONLY | os.O_NONBLOCK), 20)  # it has said all of its many
        wait_until(lambda: 1000 < k.link.ask(GET).lost == k.link.ask(GET).lost, 20)
        (small / "fill").unlink()
        os.close(go)

        def losses():
            return [int(text.split()[0]) for letter, text in k.lines() if letter == "k" and b"lines lost: no space left" in text]

        wait_until(lambda: ("o", b"after") in k.lines() and losses(), 10)
        whole = [text for letter, text in k.lines() if letter in "oe"]
        assert all(text in (b"done", b"after") or text.startswith(b"line ") for text in whole)
        assert len(whole) + sum(losses()) == 6000 + len((b"done", b"after")), "each line is there or counted"
        k.stop()
        ended(k)
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_log_that_cannot_be_opened_stops_nothing(keep):
    k = keep(nasty(), "lines", "10", spec=["log=/nowhere/log"])
    k.hello()
    wait_until(lambda: k.link.ask(GET).lost >= 10, 10)
    k.stop()
    ended(k)


def test_rotation_on_demand_begins_a_new_file(keep):
    k = keep("/bin/sh", "-c", "echo one; read x; sleep 60")
    k.hello()
    wait_until(lambda: k.lines() == [("o", b"one")], 10)
    assert k.link.ask(ROTATE).type == DONE
    assert k.lines(1) == [("o", b"one")] and k.lines() == []
