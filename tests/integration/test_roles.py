"""Every route that runs, asked by nobody, a viewer, an operator and an admin: each may what its role says, and no more."""
import http.client
import re
import subprocess

import pytest

from patchbay import SLOW, Daemon, executable, free_port, wait_until

RANK = {"public": 0, "viewer": 1, "operator": 2, "admin": 3}
TOKENS = {"viewer": "token-of-a-viewer", "operator": "token-of-an-operator", "admin": "token-of-an-admin"}
# What goes beyond "reading is the viewer's, changing the operator's".
ADMINS = [r"GET /api/webhooks?/config", r"POST /api/webhooks?/plugins/\{name\}/(enable|disable|reload)", r"POST /api/webhooks?/configure", r"GET /api/webhooks?",
          r"(GET|POST|DELETE) /api/webhooks?/wh_\{id\}(/.*)?"]
PUBLIC = [r"GET /health"]
# Reading by POST, or a method whose own role counts.
BY_METHOD = [r"POST /api/webhooks?/call/\{method\}"]


def hash_of(token):
    return subprocess.run([str(executable()), "--hash-token"], input=token, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def d(tmp_path_factory):
    tokens = [{"name": role, "hash": hash_of(token), "role": role} for role, token in TOKENS.items()]
    d = Daemon(tmp_path_factory.mktemp("roles"), settings={"auth": {"mode": "token", "tokens": tokens}, "plugins": {"gpsd": {"port": 1}, "kismet": {"url": "http://127.0.0.1:1"}}})
    d.start()
    wait_until(lambda: all(p["state"] != "waiting" for p in ask_json(d, "/api/webhook/plugins")["plugins"]), 20, "all plugins have been started")
    yield d
    d.stop()


def status(d, method, path, role=None):
    """The status alone: some replies are streams."""
    c = http.client.HTTPConnection(d.host, d.port, timeout=30 * SLOW)
    try:
        headers = {"Authorization": f"Bearer {TOKENS[role]}"} if role else {}
        body = None
        if method not in ("GET", "DELETE"):
            headers["Content-Type"] = "application/json"
            body = '{"nothing":"of that name"}'
        c.request(method, path, body, headers)
        return c.getresponse().status
    finally:
        c.close()


def ask_json(d, path):
    return d.get(path, headers={"Authorization": f"Bearer {TOKENS['admin']}"}).json()


def routes(d):
    for path, operations in ask_json(d, "/openapi.json")["paths"].items():
        for method, about in operations.items():
            if method in ("get", "post", "put", "delete", "patch"):
                yield method.upper(), path, about


def expected(method, path):
    text = f"{method} {path}"
    if any(re.fullmatch(p, text) for p in ADMINS):
        return "admin"
    if any(re.fullmatch(p, text) for p in PUBLIC):
        return "public"
    return "viewer" if method == "GET" else "operator"


def test_each_route_says_the_role_that_it_should(d):
    wrong = []
    seen = set()
    for method, path, about in routes(d):
        seen.add(f"{method} {path}")
        if not any(re.fullmatch(p, f"{method} {path}") for p in BY_METHOD) and about["x-role"] != expected(method, path):
            wrong.append(f"{method} {path}: {about['x-role']}, not {expected(method, path)}")
    assert not wrong, "\n".join(wrong)
    assert len(seen) > 40
    for pattern in ADMINS + PUBLIC:
        assert any(re.fullmatch(pattern, s) for s in seen), f"no route is {pattern}"


def test_each_role_is_held_on_each_route(d):
    wrong = []
    for method, path, about in routes(d):
        if any(re.fullmatch(p, f"{method} {path}") for p in BY_METHOD):
            continue
        real = re.sub(r"\{[^}]*\}", "nothing", path)
        needed = RANK[about["x-role"]]
        for role in (None, "viewer", "operator", "admin"):
            got = status(d, method, real, role)
            has = RANK[role] if role else 0
            if needed and not role:
                fine = got == 401
            elif has < needed:
                fine = got == 403
            else:
                fine = got not in (401, 403)
            if not fine:
                wrong.append(f"{method} {real} by {role or 'nobody'}: {got}, needs {about['x-role']}")
    assert not wrong, "\n".join(wrong)


def test_a_method_is_called_by_its_own_role(d):
    wrong = []
    for m in ask_json(d, "/api/webhook/methods")["methods"]:
        for role in ("viewer", "operator", "admin"):
            if RANK[role] < RANK[m["role"]]:
                got = status(d, "POST", f"/api/webhook/call/{m['name']}", role)
                if got != 403:
                    wrong.append(f"{m['name']} by {role}: {got}")
        if status(d, "POST", f"/api/webhook/call/{m['name']}") != 401:
            wrong.append(f"{m['name']} by nobody")
    assert not wrong, "\n".join(wrong)


def test_files_of_the_dashboard_need_no_token_and_the_rest_does(d):
    assert status(d, "GET", "/health") == 200
    if any(p["name"] == "dashboard" and p["state"] == "running" for p in ask_json(d, "/api/webhook/plugins")["plugins"]):
        assert status(d, "GET", "/") in (200, 404)  # 404: its files are not installed
    for path in ("/metrics", "/openapi.json", "/api/webhook/topics/core/http", "/api/webhook/events"):
        assert status(d, "GET", path) == 401 and status(d, "GET", path, "viewer") == 200, path


def test_open_to_everybody_beyond_loopback_is_repeated_by_health(patchbayd):
    port = free_port()
    d = patchbayd(plugins=["webhook"], listen=[f"0.0.0.0:{port}"], settings={"auth": {"mode": "none"}})
    d.port = port
    d.wait_plugin("webhook")
    warnings = wait_until(lambda: d.json("health").get("warnings"), why="health repeats it")
    assert any(f"0.0.0.0:{port}" in w and "everybody" in w for w in warnings)
