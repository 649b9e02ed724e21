"""What is in the air of the stand-in: the recorded session as a state that goes on with time."""
import copy
import gzip
import json
import time

SIGNAL = "kismet.device.base.signal"
LOCATION = "kismet.device.base.location"
LAST = "kismet.common.location.last"
DOT11 = "dot11.device"
SSID_RECORD = "dot11.device.last_beaconed_ssid_record"


class World:
    """Devices by key, alerts, sources and status, as they were at the present moment of the session. Listeners hear events."""

    def __init__(self, path, speed=1.0, wall=False, loop=False):
        with gzip.open(path, "rt") as f:
            self.session = [json.loads(line) for line in f]
        self.speed, self.wall, self.loop = speed, wall, loop
        self.listeners = []  # called with (topic, value)
        self.restarts = 0
        self.jump = 0  # seconds that Kismet's clock and the packets' are off, on order
        first = [d for s in self.session for d in self._devices_of(s)]
        self.packet_epoch = min(d["kismet.device.base.first_time"] for d in first)
        self.begin()

    @staticmethod
    def _devices_of(line):
        if line["kind"] == "event":
            return [line["data"]["NEW_DEVICE"]] if "NEW_DEVICE" in line["data"] else []
        if line["kind"] == "reply" and line["request"].startswith("POST /devices/"):
            return line["data"]
        return []

    def begin(self):
        """As Kismet is when it has just been started."""
        self.devices, self.alerts, self.messages, self.sources = {}, [], [], []
        self.status = {}
        self.next = 0
        self.started_at = time.monotonic()
        self.started = int(time.time())
        self.shift = self.started - self.packet_epoch if self.wall else 0
        self.uuid = "%08X-0000-11F1-97E1-5354414E4449" % (0x9DF7BE10 + self.restarts)
        self.version = {}  # of each device's text
        self.texts = {}

    def restart(self):
        self.restarts += 1
        self.begin()

    def now(self):
        return time.time() + self.jump

    # ---- going on -------------------------------------------------------------------------------------------------------

    def advance(self):
        """Plays what has become due. Returns seconds until the next line, or None."""
        while self.next < len(self.session):
            line = self.session[self.next]
            due = self.started_at + line["ms"] / 1000 / self.speed if self.speed > 0 else 0
            left = due - time.monotonic()
            if left > 0:
                return left
            self.next += 1
            self.play(line)
        if self.loop and self.speed > 0:
            self.next = 0
            self.started_at = time.monotonic()
            if self.wall:
                self.shift = int(time.time()) - self.packet_epoch
        return None

    def play(self, line):
        if line["kind"] == "event":
            for topic, value in line["data"].items():
                self.event(topic, value)
        elif line["kind"] == "reply":
            self.reply(line["request"], line["data"])

    def event(self, topic, value):
        if topic == "NEW_DEVICE":
            known = self.devices.get(value["kismet.device.base.key"])
            value = self.moved(copy.deepcopy(value))
            if known is None:
                self.set(value)
        elif topic == "ALERT":
            value = dict(value)
            if self.wall:
                value["kismet.alert.timestamp"] = time.time()
            self.alerts.append(value)
        elif topic == "MESSAGE":
            value = dict(value, **{"kismet.messagebus.message_time": int(self.now())})
            self.messages = (self.messages + [value])[-50:]
        elif topic == "TIMESTAMP":
            value = {"kismet.system.timestamp.sec": int(self.now()), "kismet.system.timestamp.usec": 0}
        for hear in list(self.listeners):
            hear(topic, value)

    def moved(self, device):
        """Packet times as --wall and clock jumps have them; Kismet's own time of the change is now."""
        for name in ("first_time", "last_time"):
            device["kismet.device.base." + name] += self.shift + self.jump
        device["kismet.device.base.mod_time"] = int(self.now())
        return device

    def set(self, device):
        key = device["kismet.device.base.key"]
        self.devices[key] = device
        self.version[key] = self.version.get(key, 0) + 1

    def reply(self, request, data):
        if request.startswith("POST /devices/"):
            for short in data:
                self.update(short)
        elif request == "GET /system/status.json":
            self.status = data
        elif request == "GET /alerts/all_alerts.json":
            have = {(a["kismet.alert.hash"]) for a in self.alerts}
            self.alerts += [a for a in data if a["kismet.alert.hash"] not in have]
        elif request == "GET /datasource/all_sources.json":
            self.sources = data

    def update(self, short):
        """A recorded reply holds a part of a device under aliases: back to where they belong."""
        device = copy.deepcopy(self.devices.get(short["kismet.device.base.key"], {}))
        first = device.get("kismet.device.base.first_time")
        for name, value in short.items():
            if name.startswith("kismet."):
                device[name] = value
        self.moved(device)
        if first is not None:
            device["kismet.device.base.first_time"] = first
        if short["last_signal"] or isinstance(device.get(SIGNAL), dict):
            device[SIGNAL] = {"kismet.common.signal.type": "dbm", "kismet.common.signal.last_signal": short["last_signal"],
                              "kismet.common.signal.min_signal": short["min_signal"], "kismet.common.signal.max_signal": short["max_signal"]}
        if isinstance(short["geopoint"], list):
            device[LOCATION] = {LAST: {"kismet.common.location.geopoint": short["geopoint"], "kismet.common.location.alt": short["alt"],
                                       "kismet.common.location.fix": short["fix"]}}
        dot11 = device.setdefault(DOT11, {})
        dot11["dot11.device.num_associated_clients"] = short["clients"]
        if short["ssid"] != 0:
            dot11[SSID_RECORD] = {"dot11.advertisedssid.ssid": short["ssid"]}
        self.set(device)

    # ---- on order -------------------------------------------------------------------------------------------------------

    def add_devices(self, count, begin=0, push=False, last_time=None):
        """Synthetic ones, in the manner of the recorded: many, or two phys with one MAC."""
        base = int(last_time if last_time is not None else self.now() if self.wall else self.packet_epoch + 30)
        for i in range(begin, begin + count):
            mac = "0A:%02X:%02X:%02X:%02X:%02X" % (i >> 32 & 255, i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255)
            self.add_device(mac, f"many-{i:05d}", base, signal=-30 - i % 60, push=push)

    def add_device(self, mac, name, last_time, signal=-50, phy="IEEE802.11", kind="Wi-Fi AP", push=False, manuf="Unknown", channel="6", point=None):
        point = point or [8.54 + len(self.devices) % 100 / 1000, 47.37]
        device = {
            "kismet.device.base.key": phy + "_" + mac.replace(":", ""), "kismet.device.base.macaddr": mac, "kismet.device.base.phyname": phy,
            "kismet.device.base.name": name, "kismet.device.base.commonname": name, "kismet.device.base.type": kind,
            "kismet.device.base.manuf": manuf, "kismet.device.base.channel": channel, "kismet.device.base.frequency": 2437000,
            "kismet.device.base.crypt": "Open" if kind == "Wi-Fi AP" else "", "kismet.device.base.first_time": last_time,
            "kismet.device.base.last_time": last_time, "kismet.device.base.mod_time": int(self.now()), "kismet.device.base.packets.total": 1,
            "kismet.device.base.datasize": 0,
            SIGNAL: {"kismet.common.signal.type": "dbm", "kismet.common.signal.last_signal": signal, "kismet.common.signal.min_signal": signal - 5,
                     "kismet.common.signal.max_signal": signal + 5},
            LOCATION: {LAST: {"kismet.common.location.geopoint": point, "kismet.common.location.alt": 410, "kismet.common.location.fix": 3}},
            DOT11: {"dot11.device.num_associated_clients": 0, SSID_RECORD: {"dot11.advertisedssid.ssid": name}},
        }
        self.set(device)
        if push:
            for hear in list(self.listeners):
                hear("NEW_DEVICE", device)
        return device

    def touch(self, keys, last_time=None, signal=None):
        """Packets of known devices: now, in the packets' time."""
        if last_time is None:
            last_time = max(d["kismet.device.base.last_time"] for d in self.devices.values()) + 1
        for key in keys:
            device = copy.deepcopy(self.devices[key])
            device["kismet.device.base.last_time"] = int(last_time)
            device["kismet.device.base.mod_time"] = int(self.now())
            device["kismet.device.base.packets.total"] += 1
            if signal is not None and isinstance(device.get(SIGNAL), dict):
                device[SIGNAL]["kismet.common.signal.last_signal"] = signal
            self.set(device)

    def forget(self, keys):
        for key in keys:
            self.devices.pop(key, None)

    # ---- what is asked --------------------------------------------------------------------------------------------------

    def status_now(self):
        out = dict(self.status)
        out.update({
            "kismet.system.version": out.get("kismet.system.version", "2026.11.0-non-git-release"),
            "kismet.system.server_name": "stand-in: a recorded session, no Kismet", "kismet.server.uuid": self.uuid,
            "kismet.system.devices.count": len(self.devices), "kismet.system.timestamp.sec": int(self.now()),
            "kismet.system.timestamp.start_sec": self.started,
        })
        return out

    def sources_now(self):
        out = copy.deepcopy(self.sources)
        for s in out:
            s["kismet.datasource.num_packets"] = sum(d["kismet.device.base.packets.total"] for d in self.devices.values())
        return out

    def device_texts(self, since, fields):
        """JSON of the devices whose last_time > since, with the fields asked for; texts are kept until a device changes."""
        name = json.dumps(fields)
        kept = self.texts.setdefault(name, {})
        if len(self.texts) > 4:
            self.texts = {name: kept}
        for key, device in self.devices.items():
            if device["kismet.device.base.last_time"] <= since:
                continue
            version, text = kept.get(key, (None, None))
            if version != self.version[key]:
                text = json.dumps(device if fields is None else simplified(device, fields))
                kept[key] = (self.version[key], text)
            yield text


def simplified(device, fields):
    """As Kismet does: "a/b" comes back under its last name, ["a/b","c"] as "c", and what is missing on the way is 0."""
    out = {}
    for field in fields:
        path, alias = (field, field.split("/")[-1]) if isinstance(field, str) else (field[0], field[1])
        value = device
        for part in path.split("/"):
            value = value.get(part, 0) if isinstance(value, dict) else 0
        out[alias] = value
    return out
