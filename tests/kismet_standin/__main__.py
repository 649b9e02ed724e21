#!/usr/bin/env python3
"""A stand-in for Kismet: it replays a recorded session, and is no Kismet.

What it answers was recorded from a real one (tests/data/kismet/session.jsonl.gz: 70 seconds of its event bus and of its
replies to polls). It serves that as Kismet does: REST with HTTP Basic, the KISMET cookie or an API key, chunked replies on
kept connections, and the event bus as a WebSocket. Tests and the demo use it where no real Kismet is to be had; its status
says so in kismet.system.server_name. On a second port it takes orders: faults, more devices, a restart.

    python3 tests/kismet_standin [--port 2501] [--user admin --password admin] [--api-key KEY] [--speed 1] [--wall] [--loop]

Prints one line of JSON once it listens: {"port":…,"control":…}. Ends with SIGTERM, or with standard input where --stdin.
"""
import argparse
import asyncio
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from control import Control  # noqa: E402
from faults import Faults  # noqa: E402
from serving import Server  # noqa: E402
from world import World  # noqa: E402


def data_folder():
    here = pathlib.Path(__file__).resolve().parent
    for folder in (here / "data", here.parent / "data" / "kismet"):
        if (folder / "session.jsonl.gz").exists():
            return folder
    sys.exit("the recorded session is not there: session.jsonl.gz")


def arguments():
    a = argparse.ArgumentParser(prog="kismet_standin", description="Replays a recorded Kismet session. It is no Kismet.")
    a.add_argument("--host", default="127.0.0.1")
    a.add_argument("--port", type=int, default=0, help="0: a free one")
    a.add_argument("--control-port", type=int, default=0, help="0: a free one; -1: none")
    a.add_argument("--user", default="admin")
    a.add_argument("--password", default="admin")
    a.add_argument("--api-key", default="STANDIN-KEY")
    a.add_argument("--session", type=pathlib.Path, help="another recording")
    a.add_argument("--speed", type=float, default=1.0, help="how fast the session goes; 0: all of it at once")
    a.add_argument("--wall", action="store_true", help="packet times are shifted to now, as with a live capture")
    a.add_argument("--loop", action="store_true", help="begins again when it is over")
    a.add_argument("--devices", type=int, default=0, help="so many more devices from the start")
    a.add_argument("--stdin", action="store_true", help="ends when standard input does")
    return a.parse_args()


async def run(a):
    world = World(a.session or data_folder() / "session.jsonl.gz", speed=a.speed, wall=a.wall, loop=a.loop)
    world.add_devices(a.devices)
    faults = Faults()
    server = Server(world, faults, a)
    await server.listen()
    control = Control(server, world, faults)
    if a.control_port >= 0:
        await control.listen(a.host, a.control_port)
    print(json.dumps({"port": server.port, "control": control.port, "note": "a recording, no Kismet"}), flush=True)

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for s in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(s, over.set)
    if a.stdin:
        loop.add_reader(sys.stdin.fileno(), lambda: over.set() if not sys.stdin.buffer.read1(4096) else None)
    await over.wait()


if __name__ == "__main__":
    asyncio.run(run(arguments()))
