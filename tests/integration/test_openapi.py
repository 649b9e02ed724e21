"""GET /openapi.json: it is a sound description, and what the daemon answers is as it says."""
import json

import pytest

from openapi import check, compare, operations
from patchbay import wait_until
from streams import speaker  # noqa: F401 (a fixture)


def test_every_route_is_described_soundly(patchbayd):
    d = patchbayd()  # with every plugin that is built
    api = d.json("/openapi.json")
    check(api)
    for path in "/metrics", "/openapi.json", "/api/webhook/events", "/api/webhooks/events", "/api/webhook/plugins/{name}/enable", "/api/webhook/topics/{topic}":
        assert path in api["paths"], path
    plugins = {p["name"] for p in d.json("plugins")["plugins"] if p["scope"]["routes"] > 0}
    assert plugins <= {t for _, _, o in operations(api) for t in o["tags"]}


def test_parameters_are_those_that_are_checked(speaker):
    api = speaker().json("/openapi.json")
    body = api["paths"]["/api/webhook/speaker/say"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert body["required"] is False and schema["additionalProperties"] is False
    assert schema["properties"]["topic"] == {"type": "string", "enum": ["a", "b", "flash"], "default": "a", "description": "which of speaker/a, speaker/b, speaker/flash"}
    assert (schema["properties"]["times"]["minimum"], schema["properties"]["times"]["maximum"]) == (1, 100000)
    events = api["paths"]["/api/webhook/events"]["get"]
    assert [p["name"] for p in events["parameters"]] == ["topics", "last_event_id"]
    assert list(events["responses"]["2XX"]["content"]) == ["text/event-stream"]
    enable = api["paths"]["/api/webhook/plugins/{name}/enable"]["post"]
    assert [(p["name"], p["in"]) for p in enable["parameters"]] == [("name", "path")] and enable["x-role"] == "admin"


@pytest.mark.parametrize("method, path, body", [
    ("GET", "/api/webhook/plugins", None), ("GET", "/api/webhooks/topics", None), ("GET", "/api/webhook/topics/core/plugins", None), ("GET", "/api/webhook/topics/none", None),
    ("GET", "/api/webhook/methods", None), ("GET", "/metrics", None), ("GET", "/openapi.json", None), ("GET", "/api/webhook/speaker", None),
    ("POST", "/api/webhook/speaker/say", {"text": "x"}), ("POST", "/api/webhook/speaker/say", {"times": 0}), ("POST", "/api/webhook/speaker/say", {"other": 1}), ("POST", "/api/webhook/speaker/say", "{"),
    ("POST", "/api/webhook/call/speaker.say", {}), ("POST", "/api/webhook/call/none", {}), ("GET", "/api/webhook/events?topics=a//b", None)])
def test_replies_are_as_described(speaker, method, path, body):
    d = speaker()
    r = d.request(method, path, body, headers={"Content-Type": "application/json"} if body else None)
    compare(d.json("/openapi.json"), method, path, r)


def test_it_follows_the_plugins_and_is_kept_meanwhile(speaker):
    d = speaker()
    first = d.get("/openapi.json")
    assert d.get("/openapi.json", {"If-None-Match": first.headers["ETag"]}).status == 304
    d.post("plugins/speaker/disable")
    assert "/api/webhook/speaker" not in d.json("/openapi.json")["paths"]
    d.post("plugins/speaker/enable")
    wait_until(lambda: "/api/webhook/speaker" in d.json("/openapi.json")["paths"])
    assert json.loads(first.body)["paths"].keys() == d.json("/openapi.json")["paths"].keys()
