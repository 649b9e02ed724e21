#!/usr/bin/env python3
"""Makes the page's files: npm ci into a folder of its own (the network is needed once), then esbuild by build.mjs.

Where that cannot be, the daemon's build goes on: a page that says why stands in its place, and the next build tries again. With
--mode enabled it is an error."""
import argparse
import hashlib
import html
import os
import pathlib
import shutil
import subprocess
import sys

WEB = pathlib.Path(__file__).resolve().parent
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Patchbay</title>
<h1>Patchbay runs</h1>
<p>The dashboard is not part of this build: {why}.
<p>The interface is all there: <a href="/openapi.json">/openapi.json</a>, <a href="/api/webhook/plugins">plugins</a>, <a href="/metrics">metrics</a>.
</html>
"""


def sources():
    return sorted(p for p in WEB.rglob("*") if p.is_file() and "node_modules" not in p.parts)


def install(work):
    """node_modules in `work`, as the lock file has it; kept while that does not change."""
    lock = (WEB / "package-lock.json").read_bytes()
    mark, name = work / "installed", hashlib.sha256(lock + (WEB / "package.json").read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == name:
        return
    mark.unlink(missing_ok=True)
    for file in ("package.json", "package-lock.json"):
        shutil.copyfile(WEB / file, work / file)
    run(work, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--fetch-retries=2", "--fetch-timeout=60000")
    mark.write_text(name)


def run(work, *command):
    done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=600)
    if done.returncode:
        raise RuntimeError(f"{command[0]} {pathlib.Path(command[1]).name} failed: {done.stdout.strip()[-1500:]}")


def without(out, why):
    out.mkdir(parents=True)
    (out / "index.html").write_text(PAGE.format(why=html.escape(why)))


def main():
    a = argparse.ArgumentParser()
    for name in ("--out", "--depfile", "--work"):
        a.add_argument(name, type=pathlib.Path, required=True)
    a.add_argument("--mode", choices=("auto", "enabled", "disabled"), default="auto")
    a = a.parse_args()
    out, work = a.out.resolve(), a.work.resolve()
    shutil.rmtree(out, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    a.depfile.write_text(f"{a.out}: " + " ".join(str(p).replace(" ", "\\ ") for p in sources()) + "\n")
    if a.mode == "disabled":
        return without(out, "it was built with -Ddashboard=disabled")
    try:
        if not shutil.which("npm"):
            raise RuntimeError("there is no npm on this machine (apt install npm)")
        install(work)
        run(work, "node", str(WEB / "build.mjs"), str(WEB), str(out), str(work / "node_modules"))
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
        why = str(e)
        print(f"dashboard: {'' if a.mode == 'enabled' else 'not built, the rest is: '}{why}", file=sys.stderr)
        if a.mode == "enabled":
            sys.exit(1)
        shutil.rmtree(out, ignore_errors=True)
        without(out, why.splitlines()[0][:200])
        os.utime(out, (1, 1))  # older than its sources: tried again by the next build


if __name__ == "__main__":
    main()
