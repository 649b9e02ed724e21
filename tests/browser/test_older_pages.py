"""Pages as the two older services had them, against the daemon: they show what is so, and no text of strangers runs in them."""
import pathlib
import socket
import time

import pytest

from patchbay import wait_until
from standin import Standin

FOLDER = pathlib.Path(__file__).resolve().parent / "older"
RAN = "window.ran = 1"
HOSTILE = [f"<script>{RAN}</script>", f"<img src=x onerror='{RAN}'>", f"\"><svg onload={RAN}>", f"'><iframe srcdoc='<script>parent.ran=1</script>'>", "a & b < c"]


def mac(n):
    return f"0E:00:00:00:00:{n:02X}"


@pytest.fixture
def served(patchbayd, gpsd, tmp_path):
    """The daemon with the pages in its docroot, a fix, hostile names in the air, and the chain as processes."""
    rest = ["/bin/sh", "-c", "exec sleep 300"]
    chain = {"mavgps": {"command": rest}, "kismet": {"command": rest}, "wigletotak": {"command": rest, "requires": ["kismet"]}}
    s, g = Standin("--wall"), gpsd()
    d = patchbayd(plugins=["webhook", "procs", "kismet", "gpsd"], settings={"http": {"docroot": str(FOLDER)}, "plugins": {
        "kismet": s.settings(), "gpsd": {"port": g.port}, "webhook": {"state_file": ""},
        "procs": {"pid_dir": str(tmp_path / "pid"), "keep_dir": str(tmp_path / "keep"), "process": chain, "group": {"both": list(chain), "kismet": ["kismet"], "gps": ["mavgps"]}}}})
    wait_until(lambda: d.topic("kismet/link")["state"] == "up", 30, "Kismet is up")
    wait_until(lambda: d.json("/info")["gps"]["status"] == "3D Fix", 30, "there is a fix")
    d.standin = s
    yield d
    s.kill()


def add_hostile(d, push=False):
    for i, name in enumerate(HOSTILE):
        d.standin.order("/device", mac=mac(i), name=name, last_time=int(time.time()) + 100000 + i, push=push)


def text(p, at):
    return p.js(f"document.querySelector('{at}').textContent")


def nothing_ran(p):
    assert p.js("[window.ran, document.querySelectorAll('img, iframe, svg, script').length]") == [None, 1]  # its own script
    assert p.errors() == []


def test_the_flask_page(served, browser):
    d = served
    add_hostile(d)
    p = browser.open(f"http://127.0.0.1:{d.port}/flask.html")
    p.until(f"document.querySelectorAll('#devices li').length === 10 && document.querySelector('[data-mac=\"{mac(4)}\"]')")
    for i, name in enumerate(HOSTILE):
        assert p.js(f"document.querySelector('[data-mac=\"{mac(i)}\"] b').textContent") == name
    assert p.js("[...document.querySelectorAll('#feed li')].some(e => e.textContent.includes('<img src=x'))")
    total = d.json("kismet-data")["data"]["summary"]
    p.until(f"document.querySelector('#counts').textContent === '{total['totalDevices']} devices, {total['totalNetworks']} networks'")
    assert text(p, "#gps").startswith("3D Fix 52.5") and text(p, "#gps").endswith("mode 3")
    assert "Kismet: Running" in text(p, "#services") and "you: 127.0.0.1" in text(p, "#services")  # Kismet answers, though procs has not started it
    p.js("document.querySelector('#start').click()")
    p.until("document.querySelector('#message').textContent.startsWith('success: ')")
    p.until("document.querySelector('#status').textContent === 'RUNNING kismet true api true wigle true gps true'")
    p.until("document.querySelector('#services').textContent.includes('WigleToTAK: Running')")
    p.js("document.querySelector('#start').click()")
    p.until("document.querySelector('#message').textContent.includes('running already')")
    p.js("document.querySelector('#stop').click()")
    p.until("document.querySelector('#message').textContent === 'success: both stopped'")
    p.until("document.querySelector('#services').textContent.includes('WigleToTAK: Not Running')")
    nothing_ran(p)
    d.standin.kill()
    p.until("document.querySelector('#counts').textContent.startsWith('0 devices') && document.querySelectorAll('#feed .Error').length === 1", 60)
    nothing_ran(p)
    p.close()


def test_the_node_page(served, browser):
    d = served
    p = browser.open(f"http://127.0.0.1:{d.port}/node.html")
    p.until("document.querySelector('#socket').textContent.startsWith('connected as ') && document.querySelector('#status').textContent.includes('kismet: stopped null')")
    add_hostile(d, push=True)
    for i, name in enumerate(HOSTILE):
        p.until(f"[...document.querySelectorAll('#devices li')].some(e => e.textContent.startsWith('{mac(i)} '))")
        p.until(f"[...document.querySelectorAll('#networks li')].some(e => e.textContent.includes('{mac(i)}'))")
    shown = p.js("[...document.querySelectorAll('#networks li')].map(e => e.textContent)")
    assert all(any(line.startswith(name + " ") for line in shown) for name in HOSTILE)
    assert text(p, "#system").startswith(socket.gethostname()) and text(p, "#health") == "healthy"
    p.js("document.querySelector('#start').click()")
    p.until("document.querySelector('#message').textContent.startsWith('Script started successfully (')")
    p.until("[...document.querySelectorAll('#events li')].some(e => e.textContent === 'wigletotak started')")
    pid = d.json("procs/kismet")["pid"]
    p.until(f"document.querySelector('#status').textContent.includes('kismet: running {pid}')")
    p.js("document.querySelector('#ask').click()")
    p.until(f"[...document.querySelectorAll('#events li')].some(e => e.textContent === 'asked kismet running {pid}')")
    p.js("document.querySelector('#start').click()")
    p.until("document.querySelector('#message').textContent.startsWith('ALREADY_RUNNING: ')")
    p.js("document.querySelector('#stop').click()")
    p.until("document.querySelector('#message').textContent.startsWith('Script stopped successfully (')")
    p.until("document.querySelector('#status').textContent.includes('both: stopped')")
    nothing_ran(p)
    p.close()
