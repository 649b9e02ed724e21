"""How the server behaves to strangers: origins, hosts, rates, proxies, tokens, Unix peers, listeners beyond loopback."""
import os
import pathlib
import subprocess
import sys
import tempfile

import pytest

from patchbay import SLOW, executable, wait_until
from streams import speaker  # noqa: F401 (a fixture)

CHANGE = ("POST", "speaker/say", {"text": "x"})


def code(response):
    error = response.json()["error"]
    return error if isinstance(error, str) else error["code"]


def hashed(token):
    done = subprocess.run([str(executable()), "--hash-token"], input=token, capture_output=True, text=True, timeout=30 * SLOW)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# ---- origins ------------------------------------------------------------------------------------------------------------


def test_a_configured_origin_is_echoed_with_the_whole_set(speaker):
    d = speaker(http={"cors_origins": ["http://localhost:8000", "https://kit.example"]})
    for origin in "http://localhost:8000", "https://kit.example":
        r = d.get("speaker", {"Origin": origin})
        assert r.status == 200
        assert r.headers["Access-Control-Allow-Origin"] == origin
        assert r.headers["Access-Control-Allow-Credentials"] == "true"
        assert r.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE, PATCH, OPTIONS"
        assert r.headers["Access-Control-Allow-Headers"] == "Content-Type, Authorization, X-API-Key, X-Requested-With, Accept"
        assert r.headers["Access-Control-Max-Age"] == "86400"
        assert "Origin" in r.headers.get_all("Vary")
        assert d.request(*CHANGE, headers={"Origin": origin}).status == 200


def test_a_foreign_origin_may_look_but_not_touch(speaker):
    d = speaker(http={"cors_origins": ["http://localhost:8000"]})
    for origin in "http://evil.example", "http://localhost", "https://localhost:8000", "null", "http://localhost:8000.evil.example":
        r = d.get("speaker", {"Origin": origin})
        assert (r.status, r.headers["Access-Control-Allow-Origin"]) == (200, None), origin
        for method, path in ("POST", "speaker/say"), ("PUT", "speaker"), ("DELETE", "nothing"):
            r = d.request(method, path, {} if method == "POST" else None, headers={"Origin": origin})
            assert (r.status, code(r), r.headers["Access-Control-Allow-Origin"]) == (403, "ORIGIN_FORBIDDEN", None), origin


def test_the_same_site_is_always_allowed(speaker):
    d = speaker()
    for host in f"127.0.0.1:{d.port}", f"localhost:{d.port}":
        assert d.request(*CHANGE, headers={"Origin": f"http://{host}", "Host": host}).status == 200
    assert d.request(*CHANGE, headers={"Origin": f"https://127.0.0.1:{d.port}"}).status == 403
    assert d.request(*CHANGE, headers={"Origin": "http://127.0.0.1"}).status == 403


def test_every_preflight_is_answered(speaker):
    d = speaker(http={"cors_origins": ["http://localhost:8000"]}, auth={"mode": "token", "tokens": [{"name": "x", "hash": hashed("x" * 40), "role": "viewer"}]})
    r = d.request("OPTIONS", "speaker/say", headers={"Origin": "http://localhost:8000", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"})
    assert (r.status, r.body) == (204, b"")
    assert r.headers["Access-Control-Allow-Origin"] == "http://localhost:8000"
    assert "POST" in r.headers["Allow"]
    r = d.request("OPTIONS", "speaker/say", headers={"Origin": "http://evil.example"})
    assert (r.status, r.headers["Access-Control-Allow-Origin"], r.headers["Access-Control-Allow-Methods"]) == (204, None, None)
    r = d.request("OPTIONS", "speaker/say")
    assert (r.status, r.headers["Access-Control-Max-Age"]) == (204, "86400")


def test_a_star_allows_every_origin_without_credentials(speaker):
    d = speaker(http={"cors_origins": ["*"]})
    r = d.request(*CHANGE, headers={"Origin": "http://anybody.example"})
    assert (r.status, r.headers["Access-Control-Allow-Origin"], r.headers["Access-Control-Allow-Credentials"]) == (200, "*", None)


def test_new_origins_hold_after_sighup(speaker):
    d = speaker(http={"cors_origins": ["http://old.example"]})
    d.write({"http": {"cors_origins": ["http://new.example"]}})
    d.signal(1)
    wait_until(lambda: d.get("speaker", {"Origin": "http://new.example"}).headers["Access-Control-Allow-Origin"], why="the new origin is echoed")
    assert d.get("speaker", {"Origin": "http://old.example"}).headers["Access-Control-Allow-Origin"] is None


# ---- the Host header ----------------------------------------------------------------------------------------------------


def test_a_name_that_is_not_ours_is_misdirected(speaker):
    d = speaker(http={"hostnames": ["kit.local"]})
    for host in "evil.example", f"evil.example:{d.port}", "localhost.evil.example", "127.0.0.1.evil.example":
        r = d.get("speaker", {"Host": host})
        assert (r.status, code(r)) == (421, "MISDIRECTED_REQUEST"), host
    for host in "127.0.0.1", "localhost", f"LOCALHOST:{d.port}", "[::1]", "kit.local", f"kit.local:{d.port}", "192.0.2.7":
        assert d.get("speaker", {"Host": host}).status == 200, host
    for host in "a b", "a,b", "user@localhost", "localhost:99999":
        assert d.get("speaker", {"Host": host}).status == 400, host


# ---- rates --------------------------------------------------------------------------------------------------------------


def test_past_the_rate_comes_429_with_when_to_try_again(speaker):
    d = speaker(http={"rate_limit": 5, "rate_limit_loopback": True})
    assert [d.get("speaker").status for _ in range(5)] == [200] * 5
    r = d.get("speaker")
    assert (r.status, code(r)) == (429, "RATE_LIMIT_EXCEEDED")
    assert isinstance(r.json()["retryAfter"], int) and 1 <= r.json()["retryAfter"] <= 12
    assert r.headers["Retry-After"] == str(r.json()["retryAfter"])
    assert r.json()["success"] is False and r.json()["timestamp"].endswith("Z")
    assert d.get("/nothing").status == 429 and d.request("OPTIONS", "speaker").status == 429


def test_loopback_is_exempt_unless_configured(speaker):
    d = speaker(http={"rate_limit": 2})
    assert {d.get("speaker").status for _ in range(20)} == {200}


def test_a_trusted_proxy_names_who_is_counted(speaker):
    d = speaker(http={"rate_limit": 2, "trusted_proxies": ["127.0.0.1"]})

    def ask(**headers):
        r = d.get("speaker", {k.replace("_", "-"): v for k, v in headers.items()})
        return r.json()["address"] if r.status == 200 else r.status

    assert [ask(X_Forwarded_For="192.0.2.1, 10.0.0.1") for _ in range(3)] == ["192.0.2.1", "192.0.2.1", 429]
    assert [ask(X_Real_IP="192.0.2.2") for _ in range(3)] == ["192.0.2.2", "192.0.2.2", 429]
    assert ask(X_Forwarded_For="::ffff:192.0.2.3") == "192.0.2.3"
    assert [ask(X_Forwarded_For=f"2001:db8::{i}") for i in range(3)][2] == 429  # one /64, one client
    assert ask(X_Forwarded_For="nonsense") == "127.0.0.1"


def test_others_cannot_claim_an_address(speaker):
    d = speaker(http={"rate_limit": 2, "rate_limit_loopback": True, "trusted_proxies": ["192.0.2.0/24"]})
    answers = [d.get("speaker", {"X-Forwarded-For": f"203.0.113.{i}"}) for i in range(3)]
    assert [r.status for r in answers] == [200, 200, 429]
    assert answers[0].json()["address"] == "127.0.0.1"


# ---- tokens -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(speaker):
    roles = ("viewer", "operator", "admin")
    tokens = [{"name": f"the {r}", "hash": hashed(f"{r}-{'x' * 30}"), "role": r} for r in roles]
    return speaker(auth={"mode": "token", "tokens": tokens}), {r: {"Authorization": f"Bearer {r}-{'x' * 30}"} for r in roles}


def test_roles_may_do_what_they_may(guarded):
    d, as_ = guarded
    asked = {"read": ("GET", "speaker", None), "change": CHANGE, "manage": ("POST", "plugins/speaker/reload", {})}
    allowed = {"viewer": {"read"}, "operator": {"read", "change"}, "admin": {"read", "change", "manage"}}
    for role, headers in as_.items():
        for what, request in asked.items():
            r = d.request(*request, headers=headers)
            if what in allowed[role]:
                assert r.status == 200, (role, what, r)
            else:
                assert (r.status, code(r)) == (403, "FORBIDDEN"), (role, what, r)
    r = d.get("speaker", as_["operator"]).json()
    assert (r["name"], r["role"]) == ("the operator", 2)


def test_without_a_token_there_is_a_challenge(guarded):
    d, as_ = guarded
    for request in (("GET", "speaker"), CHANGE, ("GET", "events"), ("GET", "/metrics"), ("GET", "/openapi.json")):
        r = d.request(*request)
        assert (r.status, code(r)) == (401, "UNAUTHORIZED"), request
        assert r.headers["WWW-Authenticate"].startswith("Bearer")
    assert d.get("speaker", {"X-API-Key": "viewer-" + "x" * 30}).status == 200
    assert d.get("/metrics", as_["viewer"]).status == 200
    assert d.get("speaker", {"Authorization": "Basic dXNlcjpwYXNz"}).status == 401


def test_wrong_tokens_are_limited(guarded):
    d, as_ = guarded
    wrong = {"Authorization": "Bearer wrong"}
    assert [d.get("speaker", wrong).status for _ in range(10)] == [401] * 10
    r = d.get("speaker", wrong)
    assert (r.status, code(r)) == (429, "RATE_LIMIT_EXCEEDED") and int(r.headers["Retry-After"]) > 0
    assert d.get("speaker", as_["admin"]).status == 429, "while it guesses, nothing it says is looked at"


def test_hashes_are_salted_and_the_token_stands_nowhere(guarded):
    d, _ = guarded
    assert hashed("same") != hashed("same")
    assert "xxxxx" not in d.config.read_text()


def test_new_tokens_hold_after_sighup(guarded):
    d, as_ = guarded
    d.write({"auth": {"mode": "token", "tokens": [{"name": "only", "hash": hashed("y" * 40), "role": "viewer"}]}})
    d.signal(1)
    wait_until(lambda: d.get("speaker", {"Authorization": "Bearer " + "y" * 40}).status == 200, why="the new token is taken")
    assert d.get("speaker", as_["admin"]).status == 401


# ---- Unix sockets -------------------------------------------------------------------------------------------------------

ASK_AS_OTHER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
s.sendall(f"{sys.argv[2]} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: 0\\r\\n\\r\\n".encode())
data = b""
while piece := s.recv(65536): data += piece
print(data.split()[1].decode())
"""


@pytest.mark.parametrize("mode", ["none", "token"])
def test_a_unix_peer_is_trusted_by_its_user(speaker, mode):
    with tempfile.TemporaryDirectory(prefix="patchbay-", dir="/tmp") as folder:  # another user must be able to get there
        trusted_by_its_user(speaker, mode, pathlib.Path(folder) / "http.sock")


def trusted_by_its_user(speaker, mode, path):
    d = speaker(start=False, auth={"mode": mode})
    d.listen = [f"{d.host}:{d.port}", f"unix:{path}"]
    d.write()
    d.start()
    r = d.request("POST", "plugins/speaker/reload", {}, unix=path)
    assert r.status == 200
    r = d.get("speaker", unix=path).json()
    assert (r["role"], r["address"]) == (3, "")
    if os.geteuid() != 0:
        pytest.skip("another user's peer needs root to be one")
    os.chmod(path, 0o666)
    os.chmod(path.parent, 0o755)
    for request, status in (("GET /api/webhook/speaker", "200"), ("POST /api/webhook/speaker/say", "403")):
        done = subprocess.run([sys.executable, "-c", ASK_AS_OTHER, str(path), request], capture_output=True, text=True, timeout=30 * SLOW)
        assert done.stdout.strip() == status, (request, done)


# ---- beyond loopback ----------------------------------------------------------------------------------------------------


def test_a_listener_beyond_loopback_needs_a_written_mode(speaker):
    d = speaker(start=False)
    d.listen = [f"0.0.0.0:{d.port}"]
    d.write()
    d.start(is_ready=False)
    assert d.wait_exit() == 2
    assert "[auth] mode" in d.log
    d.process = None
    d.write({"auth": {"mode": "none"}})
    d.start()
    assert d.get("speaker").status == 200


def test_everybody_let_in_from_everywhere_is_a_warning_that_stays(speaker):
    d = speaker(start=False, auth={"mode": "none"})
    d.listen = [f"0.0.0.0:{d.port}"]
    d.write()
    d.start()
    assert "everybody" in d.json("topics/core/http")["value"]["warnings"][0]
    assert "everybody" in d.log
