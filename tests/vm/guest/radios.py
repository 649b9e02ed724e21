"""Virtual radios as a person would handle them: iw, ip, sysfs, and plugging them in and out by mac80211_hwsim's own netlink."""
import json
import pathlib
import re
import socket
import struct
import subprocess


def sh(command):
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def info(name):
    """What `iw dev NAME info` says: {"type", "channel", "wiphy"}."""
    text = sh(f"iw dev {name} info")
    channel = re.search(r"channel (\d+)", text)
    return {"type": re.search(r"type (\S+)", text)[1], "channel": int(channel[1]) if channel else None, "wiphy": int(re.search(r"wiphy (\d+)", text)[1])}


def link(name):
    return json.loads(sh(f"ip -j address show {name}"))[0]


def is_up(name):
    return "UP" in link(name)["flags"]


def addresses(name):
    return {a["local"] for a in link(name)["addr_info"] if a["scope"] == "global"}


def block(name, is_blocked):
    for switch in pathlib.Path(f"/sys/class/net/{name}/phy80211").glob("rfkill*"):
        (switch / "soft").write_text("1" if is_blocked else "0")


class Air:
    """mac80211_hwsim's switchboard: radios come and go."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        self.socket.bind((0, 0))
        answer = self._ask(16, 3, self._attribute(2, b"MAC80211_HWSIM\0"))  # CTRL_CMD_GETFAMILY
        at = 20
        while at < len(answer):
            size, kind = struct.unpack_from("=HH", answer, at)
            if kind == 1:
                self.family = struct.unpack_from("=H", answer, at + 4)[0]
            at += (size + 3) & ~3

    @staticmethod
    def _attribute(kind, value):
        out = struct.pack("=HH", 4 + len(value), kind) + value
        return out + b"\0" * (-len(out) % 4)

    def _ask(self, family, command, attributes):
        body = struct.pack("=BBH", command, 0, 0) + attributes
        self.socket.send(struct.pack("=IHHII", 16 + len(body), family, 1 | 4, 1, 0) + body)
        return self.socket.recv(65536)

    def unplug(self, radio):
        answer = self._ask(self.family, 5, self._attribute(10, struct.pack("=I", radio)))  # DEL_RADIO, RADIO_ID
        assert struct.unpack_from("=i", answer, 16)[0] >= 0, answer

    def plug(self):
        """Its id."""
        answer = self._ask(self.family, 4, b"")  # NEW_RADIO
        status = struct.unpack_from("=i", answer, 16)[0]
        assert status >= 0, status
        return status


def radio_of(name):
    """The switchboard's id of a radio: its MAC has it."""
    return int(pathlib.Path(f"/sys/class/net/{name}/address").read_text().split(":")[4], 16)
