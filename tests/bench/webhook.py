"""The contract's routes beside a Node + Express server that does the same work in the old way: `ps` for each script-status,
`gpspipe` for each info, a request to Kismet for each kismet-data. And the memory of an idle WebSocket client.

Express is installed by npm into a temporary folder. Requests a second and p99 of both are from one run.
"""
import os
import pathlib
import re
import resource
import shutil
import subprocess
import tempfile
import time

from bench import Row
from gpsd import Gpsd
from patchbay import Daemon, die_with_parent, free_port, wait_until
from standin import Standin
from websocket import WebSocket

SECONDS = int(os.environ.get("BENCH_SECONDS", "3"))
CLIENTS = int(os.environ.get("BENCH_CLIENTS", "5000"))

SERVER = r"""
const express = require('express'), http = require('http'), os = require('os');
const { exec, execFile } = require('child_process');
const [port, gpsd, kismet, pid] = process.argv.slice(2).map(Number);
const app = express();
const types = { 'Wi-Fi AP': 'Access Point', 'Wi-Fi Ad-Hoc': 'Ad-Hoc Device', 'Bluetooth': 'Bluetooth Device', 'BLE': 'Bluetooth LE', 'UAV': 'Drone/UAV' };
app.get('/script-status', (req, res) => exec('ps -eo pid,comm,rss,vsz,pcpu,etimes --no-headers', (e, out) => {
	const row = out.split('\n').map(l => l.trim().split(/\s+/)).find(r => Number(r[0]) === pid);
	const s = row ? { running: true, pid, uptime: Number(row[5]), startTime: new Date(Date.now() - row[5] * 1000).toISOString(),
		memory: { rss: row[2] * 1024, vms: row[3] * 1024, percentage: row[2] * 1024 / os.totalmem() * 100 }, cpu: Number(row[4]) } : { running: false, pid: null };
	res.json({ success: true, status: { kismet: s, gps: s, both: s }, timestamp: new Date().toISOString() });
}));
app.get('/info', (req, res) => execFile('gpspipe', ['-w', '-n', '5', `localhost:${gpsd}`], (e, out) => {
	const tpv = (out || '').split('\n').filter(l => l.includes('"TPV"')).map(l => JSON.parse(l)).pop() || {};
	exec('df -k / | tail -1; pgrep -x kismet; pgrep -f WigleToTak2.py', (e2, out2) => res.json({ ip: req.ip,
		gps: { lat: tpv.lat, lon: tpv.lon, alt: tpv.alt, mode: tpv.mode, time: tpv.time, speed: tpv.speed, track: tpv.track, status: tpv.mode === 3 ? '3D Fix' : 'No Fix' },
		kismet: out2.split('\n')[1] ? 'Running' : 'Not Running', wigle: 'Not Running' }));
}));
const get = path => new Promise((done, fail) => http.get({ host: '127.0.0.1', port: kismet, path, auth: 'admin:admin' }, r => {
	let text = ''; r.on('data', d => text += d); r.on('end', () => { try { done(JSON.parse(text)); } catch (e) { fail(e); } });
}).on('error', fail));
app.get('/kismet-data', async (req, res) => {
	try {
		const all = await get('/devices/last-time/0/devices.json');
		const devices = all.slice(0, Number(req.query.limit || 100)).map(d => { const s = d['kismet.device.base.signal'] || {}; return {
			mac: d['kismet.device.base.macaddr'], name: d['kismet.device.base.commonname'], firstSeen: new Date(d['kismet.device.base.first_time'] * 1000).toISOString(),
			lastSeen: new Date(d['kismet.device.base.last_time'] * 1000).toISOString(), manufacturer: d['kismet.device.base.manuf'],
			type: types[d['kismet.device.base.type']] || d['kismet.device.base.type'], channel: d['kismet.device.base.channel'], frequency: d['kismet.device.base.frequency'],
			packets: d['kismet.device.base.packets.total'], dataBytes: d['kismet.device.base.datasize'],
			signal: { last: s['kismet.common.signal.last_signal'], min: s['kismet.common.signal.min_signal'], max: s['kismet.common.signal.max_signal'] } }; });
		res.json({ success: true, data: { devices, summary: { totalDevices: all.length } }, timestamp: new Date().toISOString() });
	} catch (e) { res.status(503).json({ success: false, error: 'KISMET_UNAVAILABLE' }); }
});
app.listen(port, '127.0.0.1', () => console.log('ready'));
"""


def wrk(url, connections=16):
    """(requests a second, p99 in ms); answers that are no 200 are an error."""
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "--timeout", "20s", url], capture_output=True, text=True, check=True, timeout=SECONDS + 60).stdout
    assert "Non-2xx" not in out, out
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


class Express:
    def __init__(self, folder, gpsd, kismet, pid):
        (folder / "server.js").write_text(SERVER)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), "express@4"], check=True, timeout=180, stdout=subprocess.DEVNULL)
        self.port = free_port()
        self.process = subprocess.Popen(["node", str(folder / "server.js"), str(self.port), str(gpsd), str(kismet), str(pid)], stdout=subprocess.PIPE, cwd=folder, preexec_fn=die_with_parent)
        assert self.process.stdout.readline() == b"ready\n"

    def stop(self):
        self.process.kill()
        self.process.wait()


def routes():
    with tempfile.TemporaryDirectory() as t:
        folder = pathlib.Path(t)
        g, s = Gpsd().start(), Standin("--speed", "0", devices=1000)
        d = Daemon(folder / "d", plugins=["webhook", "procs", "kismet", "gpsd", "netif"], settings={"plugins": {
            "kismet": s.settings(), "gpsd": {"port": g.port}, "webhook": {"state_file": ""}, "netif": {"record_dir": str(folder / "r")},
            "procs": {"pid_dir": str(folder / "p"), "keep_dir": str(folder / "k"), "process": {"kismet": {"command": [shutil.which("sleep"), "600"]}}, "group": {"both": ["kismet"], "kismet": ["kismet"]}}}})
        d.start()
        peer = None
        try:
            pid = d.post("run-script", {"script": "kismet"}).json()["pid"]
            wait_until(lambda: d.json("kismet-data?limit=1000")["data"]["summary"]["totalDevices"] >= 1000, 60, "1,000 devices are known")
            wait_until(lambda: d.json("/info")["gps"]["status"] == "3D Fix", 30, "there is a fix")
            peer = Express(folder, g.port, s.port, pid)
            for what, ours, theirs, aim in (("script-status", "/api/webhook/script-status", "/script-status", ""), ("info", "/info", "/info", ""),
                                            ("kismet-data, 1,000 devices", "/api/webhook/kismet-data?type=devices&limit=1000", "/kismet-data?limit=1000", "50 / 20 times")):
                a, a99 = wrk(f"http://127.0.0.1:{d.port}{ours}")
                b, b99 = wrk(f"http://127.0.0.1:{peer.port}{theirs}")
                yield Row(f"webhook: {what}", f"{a:,.0f}/s, p99 {a99:.1f} ms", f"Express {b:,.1f}/s, p99 {b99:.0f} ms", f"{a / b:,.0f}" if b else "", aim)
        finally:
            if peer:
                peer.stop()
            d.stop()
            s.kill()
            g.stop()


def idle_client():
    """Between 5,000 and 10,000: what the first ones find free on the heap would hide theirs."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * CLIENTS + 1000, max(2 * CLIENTS + 1000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
    with tempfile.TemporaryDirectory() as t:
        d = Daemon(t, plugins=["webhook"], settings={"http": {"max_connections": 2 * CLIENTS + 100}, "plugins": {"webhook": {"state_file": ""}}})
        d.start()
        try:
            some = [WebSocket(d, "/webhook", limit=60) for _ in range(CLIENTS)]
            time.sleep(1)
            before = d.rss()
            more = [WebSocket(d, "/webhook", limit=60) for _ in range(CLIENTS)]
            time.sleep(1)
            each = (d.rss() - before) / len(more)
            for c in some + more:
                c.close()
            yield Row("webhook: an idle WebSocket client", f"{each / 1024:.1f} KiB", aim="8 KiB")
        finally:
            d.stop()


def rows():
    yield from routes()
    yield from idle_client()
