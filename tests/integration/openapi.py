"""What GET /openapi.json must be like, and whether a reply is one that it allows."""
import re

import jsonschema


def operations(api):
    return [(method.upper(), path, o) for path, methods in api["paths"].items() for method, o in methods.items()]


def check(api):
    """What the specification asks for and we use: no more than that."""
    assert api["openapi"].startswith("3.1.")
    assert api["info"]["title"] and api["info"]["version"]
    seen = set()
    for method, path, o in operations(api):
        assert method in ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"), path
        assert path.startswith("/") and "…" not in path
        assert re.fullmatch(r"[a-z][A-Za-z0-9_]*", o["operationId"]) and o["operationId"] not in seen
        seen.add(o["operationId"])
        named = [(p["name"], p["in"]) for p in o.get("parameters", [])]
        assert len(named) == len(set(named)), path
        assert {n for n, where in named if where == "path"} == set(re.findall(r"{([^}]*)}", path)), path
        for p in o.get("parameters", []):
            assert p["in"] in ("path", "query") and (p["in"] == "query" or p["required"])
            jsonschema.Draft202012Validator.check_schema(p["schema"])
        for content in [o.get("requestBody", {}).get("content", {})] + [r.get("content", {}) for r in o["responses"].values()]:
            for kind, media in content.items():
                assert "/" in kind
                jsonschema.Draft202012Validator.check_schema(media.get("schema", {}))
        for status, r in o["responses"].items():
            assert re.fullmatch(r"[1-5](\d\d|XX)|default", status)
            assert "description" in r or resolve(api, r["$ref"])
        assert o["x-role"] in ("public", "viewer", "operator", "admin")
    for s in api["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(s)


def resolve(api, ref):
    node = api
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node


def compare(api, method, path, response):
    """The reply is one that the description of its route allows."""
    templates = sorted(api["paths"], key=lambda t: t.count("{"))
    template = next(t for t in templates if re.fullmatch(re.sub(r"{[^}]*}", "[^?]+", t), path.partition("?")[0]))
    replies = api["paths"][template][method.lower()]["responses"]
    said = replies.get(str(response.status)) or replies.get(f"{response.status // 100}XX") or replies["default"]
    said = resolve(api, said["$ref"]) if "$ref" in said else said
    kinds = said.get("content", {})
    kind = (response.headers["Content-Type"] or "").partition(";")[0]
    assert not response.body or kind in kinds, (method, path, response.status, kind)
    schema = kinds.get(kind, {}).get("schema", {})
    if kind == "application/json" and response.body:
        jsonschema.Draft202012Validator({**schema, "components": api["components"]}).validate(response.json())
