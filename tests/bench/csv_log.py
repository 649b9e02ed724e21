"""The csv plugin: a wiglecsv of 200 MB read whole beside a bare libcsv loop and Python's csv module over the same bytes, and
what an append of 100 rows costs where the file has 1 MB and where it has 1 GB.

BENCH_CSV_MB (200), BENCH_CSV_BIG_MB (1000), BENCH_CSV_ROUNDS (5). Files are generated and removed."""
import csv
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import time

from bench import Row
from patchbay import Daemon, wait_until

MB = int(os.environ.get("BENCH_CSV_MB", "200"))
BIG_MB = int(os.environ.get("BENCH_CSV_BIG_MB", "1000"))
ROUNDS = int(os.environ.get("BENCH_CSV_ROUNDS", "5"))
HEAD = ("WigleWifi-1.6,appRelease=Kismet2026110-non-git-release,model=Kismet,release=2026.11.0-non-git-release,device=kismet,display=kismet,board=kismet,brand=Kismet,star=Sol,body=3,subBody=0\n"
        "MAC,SSID,AuthMode,FirstSeen,Channel,Frequency,RSSI,CurrentLatitude,CurrentLongitude,AltitudeMeters,AccuracyMeters,RCOIs,MfgrId,Type\n")

BARE = r"""
#include <csv.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static size_t fields, rows;
static void on_field(void *s, size_t n, void *d) { (void)s; (void)n; (void)d; ++fields; }
static void on_row(int c, void *d) { (void)c; (void)d; ++rows; }
int main(int argc, char **argv)
{
	static char buffer[65536];
	struct csv_parser p;
	struct timespec a, b;
	(void)argc;
	clock_gettime(CLOCK_MONOTONIC, &a);
	int fd = open(argv[1], O_RDONLY);
	csv_init(&p, 0);
	for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;) csv_parse(&p, buffer, (size_t)n, on_field, on_row, NULL);
	csv_free(&p);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.6f\n", (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
}
"""


def line(i, dice):
    n = dice.randrange(20_000)
    second = i // 200
    return "02:00:5E:%02X:%02X:%02X,net-%03d,%s,2025-11-23 %02d:%02d:%02d,%d,%d,-%d,47.%06d,8.%06d,410.000000,0,WIFI\n" % (
        n >> 16, n >> 8 & 255, n & 255, n, "[ESS]" if n % 3 else "[WPA2-PSK-CCMP][ESS]", second // 3600 % 24, second // 60 % 60, second % 60,
        n % 13 + 1, 2412000, 30 + n % 60, dice.randrange(10**6), dice.randrange(10**6))


def write(path, megabytes):
    """Blocks of 20,000 rows, repeated: generating each of millions would take longer than all the rest."""
    dice = random.Random(1)
    block = "".join(line(i, dice) for i in range(20_000)).encode()
    with open(path, "wb") as f:
        f.write(HEAD.encode())
        for _ in range(megabytes * 1_000_000 // len(block) + 1):
            f.write(block)
    return os.path.getsize(path)


def wait_read(d, path, limit=300):
    size = os.path.getsize(path)

    def is_read():
        f = [f for f in d.json("csv")["files"] if f["path"] == str(path)]
        return f and f[0]["offset"] == size
    wait_until(is_read, limit, f"{path} is read", every=0.005)


def daemon(folder, logs):
    return Daemon(folder, plugins=["csv"], settings={"plugins": {"csv": {"directories": [str(logs)]}}}).start()


def whole(folder):
    program, source = folder / "bare", folder / "bare.c"
    source.write_text(BARE)
    subprocess.run(["gcc", "-O2", "-o", program, source, "-lcsv"], check=True)
    waiting, logs = folder / "waiting.wiglecsv", folder / "logs"
    size = write(waiting, MB)
    logs.mkdir()
    ours, bare, python = [], [], []
    for i in range(ROUNDS):
        bare.append(float(subprocess.run([program, waiting], check=True, capture_output=True, text=True).stdout))
        d = daemon(folder / f"d{i}", logs)
        try:
            path = logs / f"{i}.wiglecsv"
            os.link(waiting, path)
            begin = time.monotonic()
            wait_read(d, path)
            ours.append(time.monotonic() - begin)
            assert d.json("csv")["files"][0]["rejected"] == {}
            path.unlink()
        finally:
            d.kill()
        if i == 0:
            begin = time.monotonic()
            with open(waiting, newline="") as f:
                for _ in csv.reader(f):
                    pass
            python.append(time.monotonic() - begin)
    ratio = statistics.median(b / o for b, o in zip(bare, ours))
    rate = size / 1e6 / statistics.median(ours)
    yield Row(f"wiglecsv of {MB} MB read whole", f"{rate:.0f} MB/s", f"{size / 1e6 / statistics.median(bare):.0f} MB/s (bare libcsv loop)", f"{ratio:.2f}", "0.8")
    yield Row("the same", f"{rate:.0f} MB/s", f"{size / 1e6 / python[0]:.0f} MB/s (Python's csv)", f"{rate / (size / 1e6 / python[0]):.1f}")
    waiting.unlink()


def append_cost(folder, megabytes):
    """CPU and bytes read for each append of 100 rows."""
    logs = folder / f"logs-{megabytes}"
    logs.mkdir()
    path = logs / "a.wiglecsv"
    write(path, megabytes)
    d = daemon(folder / f"append-{megabytes}", logs)
    try:
        wait_read(d, path)
        dice = random.Random(2)
        rows = "".join(line(i, dice) for i in range(100)).encode()

        def used():
            cpu = sum(int(pathlib.Path(f"/proc/{d.pid}/task/{t}/schedstat").read_text().split()[0]) for t in os.listdir(f"/proc/{d.pid}/task"))
            return cpu, int(pathlib.Path(f"/proc/{d.pid}/io").read_text().split("rchar: ")[1].split()[0])

        cpu, read = used()
        with open(path, "ab", buffering=0) as f:
            for _ in range(30):
                f.write(rows)
                time.sleep(0.1)  # apart, as a logger's blocks are
        wait_read(d, path)
        cpu2, read2 = used()
        return (cpu2 - cpu) / 30 / 1e6, (read2 - read) / 30 / 1e3
    finally:
        d.kill()
        path.unlink()


def rows():
    with tempfile.TemporaryDirectory(prefix="patchbay-bench-") as t:
        folder = pathlib.Path(t)
        yield from whole(folder)
        small, big = append_cost(folder, 1), append_cost(folder, BIG_MB)
        yield Row(f"append of 100 rows, file of {BIG_MB} MB", f"{big[0]:.1f} ms CPU, {big[1]:.0f} kB read", f"{small[0]:.1f} ms CPU, {small[1]:.0f} kB read (1 MB)", f"{big[0] / small[0]:.2f}", "1")
