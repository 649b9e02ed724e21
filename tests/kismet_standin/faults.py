"""What goes wrong on order. Each fault has a name, may be for paths that begin so, and may end after so many times."""

NAMES = {
    "unauthorized": "401, whatever the login",
    "status": "this status (500 unless `value`) with an HTML body",
    "hang": "takes the request and never answers",
    "hang_body": "answers a head and half of a body, then nothing",
    "slow": "waits `value` seconds before it answers",
    "html": "200 with HTML",
    "html_typed": "200 with HTML that says it is JSON",
    "empty": "200 with an empty body",
    "half": "the body stops half way, and the connection ends",
    "half_json": "the body is a whole HTTP body, but half the JSON",
    "byte_chunks": "chunks of one byte",
    "one_chunk": "the whole body in one chunk",
    "length": "Content-Length in place of chunks",
    "close": "the connection ends after each answer",
    "zero": "0 where an object is expected",
    "nonsense": "objects of the wrong kinds",
    "reset": "the connection is reset",
    "garbage": "bytes that are no HTTP",
    "long_head": "a head without an end",
    "no_bus": "404 for the event bus",
    "bus_refused": "401 for the event bus",
    "bus_plain": "200 in place of 101",
    "bus_wrong_key": "101 with a wrong key",
    "bus_mute": "takes the connection of the event bus and never answers",
    "bus_dead": "the event bus stops to answer pings",
    "bus_long": "a message of 4 MiB",
    "bus_binary": "frames that break the protocol",
    "bus_drop": "the event bus is closed after the first event",
    "bus_no_json": "events that are no JSON",
    "bus_fragments": "each event in fragments of ten bytes",
    "all_devices": "every poll gives all devices with all fields, as Kismet does for a body that is no JSON",
}


class Faults:
    def __init__(self):
        self.set = {}

    def order(self, name, path="", times=None, value=None):
        if name not in NAMES:
            raise ValueError(f"no such fault: {name}")
        self.set[name] = {"path": path, "times": times, "value": value}

    def clear(self, name=None):
        if name is None:
            self.set.clear()
        else:
            self.set.pop(name, None)

    def has(self, name, path=""):
        """The fault's value (True where it has none) if it strikes now."""
        fault = self.set.get(name)
        if fault is None or not path.startswith(fault["path"]):
            return None
        if fault["times"] is not None:
            fault["times"] -= 1
            if fault["times"] <= 0:
                del self.set[name]
        return True if fault["value"] is None else fault["value"]
