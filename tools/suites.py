#!/usr/bin/env python3
"""The suites behind tools/test: builds what each needs, runs it, counts, and ends with "N passed, N failed".

A suite is a function that yields (name, passed, detail). A suite that cannot be built is one failure, and the rest goes on.
"""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILDS = {  # folder: options
    "build-test": ["-Dbuildtype=debugoptimized", "-Dcpp_args=-g1"],
    # -g1: lines are what a report needs; -Og -g1 is compiled five times faster than -O2 -g under sanitizers
    "build-asan": ["-Doptimization=g", "-Dcpp_args=-g1", "-Db_sanitize=address,undefined", "-Db_lundef=false"],
    "build-tsan": ["-Doptimization=g", "-Dcpp_args=-g1", "-Db_sanitize=thread", "-Db_lundef=false"],
}
ONLY_GCC = re.compile(r" (-fno-gnu-unique|-Wno-restrict|-Wno-maybe-uninitialized)(?= )")  # clang-tidy takes them for errors
SANITIZE = {
    "ASAN_OPTIONS": "intercept_tls_get_addr=0:quarantine_size_mb=4:thread_local_quarantine_size_kb=64:detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=0:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


def run(*command, limit=1800, env=None, quiet=True):
    """Runs a command to its end or its limit; (status, output)."""
    process = subprocess.Popen([str(c) for c in command], cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if quiet else None,
                               stderr=subprocess.STDOUT if quiet else None, text=True, errors="replace", start_new_session=True)
    try:
        out, _ = process.communicate(timeout=limit)
        return process.returncode, out or ""
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        return 124, (process.communicate()[0] or "") + f"\nnot within {limit} s"


def build(folder, *targets):
    """The build folder, made or brought up to date. Raises with the compiler's words."""
    prefix = ROOT / folder / "prefix"
    if not (ROOT / folder / "build.ninja").exists():
        status, out = run("meson", "setup", folder, "-Dtests=enabled", f"--prefix={prefix}", *BUILDS[folder])
        if status:
            raise RuntimeError(out[-4000:])
    status, out = run("ninja", "-C", folder, *targets)
    if status:
        raise RuntimeError("\n".join(line for line in out.splitlines() if not line.startswith("["))[-6000:])
    return ROOT / folder


def meson_suite(folder, suite, *names, limit=900, targets=()):
    """Each program of a meson suite (or those named), and each test that it counted itself."""
    where = build(folder, *targets)
    status, out = run("meson", "test", "-C", folder, "--suite", suite, "--no-rebuild", "--print-errorlogs", *names, limit=limit, env={**SANITIZE})
    log = where / "meson-logs/testlog.txt"
    text = log.read_text(errors="replace") if log.exists() else out
    tests = sum(int(n) for n in re.findall(r"^OK \((\d+) tests", text, re.M)) + sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", text))
    failed = sum(int(n) for n in re.findall(r"^Errors \((\d+) failures", text, re.M)) + sum(int(n) for n in re.findall(r"\[  FAILED  \] (\d+) test", text))
    programs_failed = int((re.search(r"^Fail:\s+(\d+)", out, re.M) or [0, 0])[1]) + int((re.search(r"^Timeout:\s+(\d+)", out, re.M) or [0, 0])[1])
    if status and not failed:
        failed = max(programs_failed, 1)
    if not status and not tests:
        tests = int((re.search(r"^Ok:\s+(\d+)", out, re.M) or [0, 0])[1])
    return tests, failed, out[-6000:] if status else ""


def pytest(folder, *arguments, env=None, limit=1500):
    """Runs pytest on a build. What fails among many runs once more, alone, since machines are shared: told, and counted as it ends then."""
    where = build(folder)
    env = {**SANITIZE, "PATCHBAYD": str(where / "core/patchbayd"), "PATCHBAY_PLUGINS": str(where / "plugins"), "PATCHBAY_BUILD": str(where),
           "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}

    def once(*more):
        with tempfile.TemporaryDirectory(prefix="patchbay-") as d:
            report = pathlib.Path(d) / "report.xml"
            status, out = run("/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}", f"--basetemp={d}/t", *more, limit=limit, env=env)
            if not report.exists():
                return 0, 1, [], out[-6000:]
            suite = xml.parse(report).getroot().find("testsuite")
            n, bad, skipped = (int(suite.get(k, 0)) for k in ("tests", "failures", "skipped"))
            bad += int(suite.get("errors", 0))
            failed = []
            for case in suite.iter("testcase"):
                if (why := case.find("skipped")) is not None:
                    print(f"    skipped {case.get('name')}: {why.get('message')}")
                if case.find("failure") is not None or case.find("error") is not None:
                    failed.append(f"{case.get('classname').replace('.', '/')}.py::{case.get('name')}")
            return n - bad - skipped, bad, failed, out[-12000:] if status else ""

    passed, bad, failed, detail = once(*arguments)
    if not failed or len(failed) > 12:
        return passed, bad, detail
    print("    once more, alone: " + ", ".join(failed), flush=True)
    again, still, _, detail = once(*failed)
    return passed + again, still, detail


def workers(n):
    """pytest-xdist's arguments: tests mostly wait, so more of them than cores."""
    return ["-n", str(n), "--dist", "loadfile"]


# ---- the suites ---------------------------------------------------------------------------------------------------------


def style():
    """Public headers alone, as C11 and C++20, by both compilers; the format of all C and C++; the man pages by mandoc."""
    passed, failed, detail = 0, 0, ""

    def check(ok, why):
        nonlocal passed, failed, detail
        passed, failed = passed + ok, failed + (not ok)
        detail += "" if ok else why + "\n"

    listed = run("git", "ls-files", "*.h", "*.hpp")[1].split()
    headers = [h for h in listed if h.startswith("include/patchbay/")]
    for header in headers:
        for compiler in (["g++", "clang++"] if header.endswith("pp") else ["gcc", "clang", "g++", "clang++"]):
            language = ["-xc++", "-std=c++20"] if compiler.endswith("++") else ["-xc", "-std=c11"]
            flags = run("pkg-config", "--cflags", "jansson")[1].split()
            source = f'#include "{header[len("include/"):]}"\n'
            with tempfile.NamedTemporaryFile("w", suffix=".c") as f:
                f.write(source)
                f.flush()
                status, out = run(compiler, *language, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only", "-Iinclude", *flags, f.name)
            check(status == 0, f"{header} by {compiler}: {out[:800]}")
    for source in run("git", "ls-files", "*.c", "*.h", "*.cpp", "*.hpp")[1].split():
        status, out = run("clang-format", "--dry-run", "-Werror", source)
        check(status == 0, f"{out[:400]}\n(clang-format -i {source})")
    for page in run("git", "ls-files", "docs/man/*.[1-9]")[1].split():
        status, out = run("mandoc", "-T", "lint", "-W", "warning", page)
        check(status == 0, out[:800])
    return passed, failed, detail


def tidy():
    """clang-tidy over all that is installed."""
    where = build("build-test")
    (where / "tidy").mkdir(exist_ok=True)
    (where / "tidy/compile_commands.json").write_text(ONLY_GCC.sub("", (where / "compile_commands.json").read_text()))
    sources = run("git", "ls-files", "core/*.cpp", "plugins/*.cpp", "ctl/*.cpp")[1].split()
    failed, detail = 0, ""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for source, (status, out) in zip(sources, pool.map(lambda f: run("clang-tidy", "-p", "build-test/tidy", "--quiet", f), sources)):
            failed += status != 0
            detail += "" if status == 0 else f"{source}: {out[:2000]}\n"
    return len(sources) - failed, failed, detail


def unit():
    return meson_suite("build-test", "unit")


def abi():
    return meson_suite("build-test", "abi")


def integration():
    return pytest("build-test", *workers(4), "tests/integration")


def asan():
    """Units, the C ABI and the integration tests again, under AddressSanitizer and UndefinedBehaviorSanitizer."""
    total = [0, 0, ""]
    for part in (lambda: meson_suite("build-asan", "unit"), lambda: meson_suite("build-asan", "abi"),
                 lambda: pytest("build-asan", *workers(4), "tests/integration", env={"PATCHBAY_SLOW": "3"})):
        passed, failed, detail = part()
        total = [total[0] + passed, total[1] + failed, total[2] + detail]
    return total


def tsan():
    """Where threads meet: the worker pool, the store, the writer."""
    return meson_suite("build-tsan", "unit", "core", targets=["tests/unit/unit-core", "tests/unit/host/guest.so"])


def valgrind():
    """Load, use and unload of each plugin."""
    return pytest("build-test", *workers(2), "tests/valgrind")


def fuzz():
    """Each target over its corpus."""
    return meson_suite("build-asan", "fuzz")


def vm():
    """What needs radios and systemd, in a virtual machine."""
    return pytest("build-test", "tests/vm", env={"PATCHBAY_SLOW": "5"})


def browser():
    return pytest("build-test", "tests/browser")


SUITES = {"style": style, "unit": unit, "abi": abi, "integration": integration, "asan": asan, "tsan": tsan, "valgrind": valgrind, "tidy": tidy, "fuzz": fuzz, "vm": vm, "browser": browser}
USUAL = ("style", "unit", "abi", "integration", "browser", "valgrind", "tsan")  # the others by name: asan and tidy take ten minutes each
FOLDERS = {"integration": "tests/integration", "vm": "tests/vm", "browser": "tests/browser", "abi": "tests/abi", "fuzz": "tests/fuzz"}


def main(names):
    unknown = [n for n in names if n not in SUITES]
    if unknown:
        print(f"no suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
        return 2
    passed = failed = 0
    for name in names or USUAL:
        if name in FOLDERS and not any((ROOT / FOLDERS[name]).glob("*test*")) and not any((ROOT / FOLDERS[name]).glob("meson.build")):
            continue
        began = time.monotonic()
        print(f"== {name}", flush=True)
        try:
            ok, bad, detail = SUITES[name]()
        except Exception as e:  # a suite that cannot be built must not hide the others
            ok, bad, detail = 0, 1, str(e)
        passed, failed = passed + ok, failed + bad
        if detail:
            print(detail)
        print(f"   {name}: {ok} passed, {bad} failed ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
