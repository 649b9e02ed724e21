"""What the tests of the webhook plugin share: a kit with processes, and the shapes of the contract."""
import re

import pytest

from openapi import compare
from procs import Kit, nasty

REST = [nasty(), "rest"]
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CHAIN = {"gpsd": REST, "mavgps": {"command": REST, "requires": ["gpsd"]}, "kismet": {"command": REST, "requires": ["gpsd"]}, "wigletotak": {"command": REST, "requires": ["kismet"]}}
GROUPS = {"both": ["gpsd", "mavgps", "kismet", "wigletotak"], "kismet": ["kismet"], "gps": ["gpsd"]}


@pytest.fixture
def kit(tmp_path):
    """kit({name: command or settings}, groups, plugins=["kismet"], settings={…}) → a Kit with procs and webhook. Nothing of it may be left."""
    made = []

    def make(processes=CHAIN, groups=GROUPS, plugins=(), **kw):
        k = Kit(tmp_path / f"kit{len(made)}", processes, groups, plugins=["webhook", *plugins], **kw)
        made.append(k)
        return k

    yield make
    for k in made:
        wrong, left = k.close()
        print(f"---- log of the daemon\n{k.daemon.log}")
        assert not wrong, "\n".join(wrong)
        assert not left, f"processes are left: {left}"


def webhook_settings(folder, **more):
    """[plugins.webhook] with files in the test's own folder."""
    return {"plugins": {"webhook": {"config_dir": str(folder), **more}}}


def ask(d, method, path, status, body=None, **kw):
    """The reply's JSON, with the status that is expected and a timestamp, and as /openapi.json has it."""
    r = d.request(method, path, body, **kw)
    compare(d.json("/openapi.json"), method, d.url(path), r)
    assert r.status == status, f"{method} {path}: {r}"
    out = r.json()
    assert ISO.fullmatch(out["timestamp"]), out
    return out


def check_error(out, code, message=None):
    """The ordinary error shape."""
    assert set(out) == {"success", "error", "message", "details", "timestamp"} and out["success"] is False and out["error"] == code, out
    assert message is None or message in out["message"], out


def check_invalid(out, field):
    """The shape of a request that fails validation."""
    assert set(out) == {"success", "error", "message", "timestamp"} and out["success"] is False, out
    assert out["error"]["code"] == "VALIDATION_ERROR" and out["error"]["message"].startswith("Invalid request parameters: "), out
    assert out["message"] == out["error"]["message"]
    assert field in [d["field"] for d in out["error"]["details"]] and all(d["message"] for d in out["error"]["details"]), out
