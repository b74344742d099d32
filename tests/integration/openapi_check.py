"""Holds a service against its OpenAPI document: what it answers must be documented, and what is documented must be seen.

    spec = OpenApi("docs/openapi/pbs.yaml")
    spec.check("GET", "/info/bidders/x?enabledonly=true", reply)   # reply: status, headers, body
    assert spec.unseen() == []                                      # every documented response was checked once
    assert spec.unlike_routes("pbs/routes.c") == []                 # the server's table and the document name the same

A schema that lists properties is complete: a member it does not list fails the check, unless it says
`additionalProperties`. Request bodies are checked when they were accepted (2xx); there unknown members are welcome.
Documents are OpenAPI 3.1, whose schemas are JSON Schema 2020-12."""
import json
import re

import jsonschema
import yaml
from pbs_stack import ROOT

METHODS = ("get", "put", "post", "delete", "head", "options", "patch")


class Mismatch(AssertionError):
    pass


def parts_of(node):
    """The $refs in every allOf of a document."""
    if isinstance(node, list):
        return set().union(*map(parts_of, node))
    if not isinstance(node, dict):
        return set()
    own = {part["$ref"] for part in node.get("allOf", []) if "$ref" in part}
    return own.union(*map(parts_of, node.values()))


def closed(node, parts, at="#"):
    """The document with every schema that lists properties and does not say otherwise closed. What is only a part (a member
    of an allOf) stays open: the schema around it is closed."""
    if isinstance(node, list):
        return [closed(n, parts, f"{at}/{i}") for i, n in enumerate(node)]
    if not isinstance(node, dict):
        return node
    out = {k: closed(v, parts, f"{at}/{k}") for k, v in node.items()}
    lists = "allOf" in node or isinstance(node.get("properties"), dict)
    is_part = at in parts or at.split("/")[-2:-1] == ["allOf"]
    if lists and node.get("type") == "object" and not is_part and "additionalProperties" not in node:
        out.setdefault("unevaluatedProperties" if "allOf" in node else "additionalProperties", False)
    return out


class OpenApi:
    def __init__(self, path):
        self.doc = yaml.safe_load((ROOT / path).read_text())
        assert str(self.doc["openapi"]).startswith("3.1"), f"{path}: openapi must be 3.1"
        self.parts = parts_of(self.doc)
        self.closed = closed(self.doc, self.parts)
        self.seen = set()
        # Literal paths before those with parameters.
        self.patterns = [(re.compile("/".join("[^/]+" if part.startswith("{") else re.escape(part)
                                              for part in p.split("/")) + "$"), p)
                         for p in sorted(self.doc["paths"], key=lambda p: ("{" in p, p))]

    def follow(self, node):
        while isinstance(node, dict) and "$ref" in node:
            name, node = node["$ref"], self.doc
            for part in name.removeprefix("#/").split("/"):
                node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def operation(self, method, target):
        """(path as documented, its item, the operation)."""
        path = target.split("?")[0]
        for pattern, documented in self.patterns:
            if pattern.match(path):
                item = self.doc["paths"][documented]
                if method.lower() in item:
                    return documented, item, item[method.lower()]
        raise Mismatch(f"{method} {path} is not documented")

    def check(self, method, target, reply, sent=None, sent_type="application/json"):
        """Raises Mismatch unless this answer (status, headers, body) is one that the document foresees. `sent` is the body
        of the request, as text or as JSON's values. Gives the reply back."""
        path, item, op = self.operation(method, target)
        status, where = str(reply.status), f"{method} {path} {reply.status}"
        if status not in op["responses"]:
            raise Mismatch(f"{where} is not documented; the body was {reply.body[:200]!r}")
        response = self.follow(op["responses"][status])
        self.check_headers(where, response, reply)
        self.check_content(where, response, reply)
        if reply.status < 300:
            self.check_arguments(where, item, op, target)
            if sent not in (None, "", b""):
                self.check_sent(where, op, sent, sent_type)
        self.seen.add((method, path, status))
        return reply

    def check_headers(self, where, response, reply):
        for name, header in response.get("headers", {}).items():
            header = self.follow(header)
            if header.get("required") and name not in reply.headers:
                raise Mismatch(f"{where}: the header {name} is missing")

    def check_content(self, where, response, reply):
        content = response.get("content")
        if not content:
            if reply.body:
                raise Mismatch(f"{where}: no body is documented, but there is {reply.body[:200]!r}")
            return
        kind = (reply.headers.get("Content-Type") or "").split(";")[0].strip()
        if kind not in content:
            raise Mismatch(f"{where}: content type {kind!r} is not among {sorted(content)}")
        self.check_body(where, content[kind].get("schema"), kind, reply.body)

    def check_body(self, where, schema, kind, body):
        """Text of a schema that is not of strings is JSON, whatever its content type says."""
        if schema is None:
            return
        is_text = self.follow(schema).get("type") == "string" and not kind.endswith("json")
        try:
            value = body.decode() if is_text else json.loads(body)
        except ValueError as e:
            raise Mismatch(f"{where}: the body cannot be read: {e}: {body[:200]!r}") from e
        self.check_value(where, closed(schema, self.parts), value, self.closed)

    def check_value(self, where, schema, value, doc):
        validator = jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", doc))
        first = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if first:
            at = "/".join(str(p) for p in first.absolute_path) or "the body"
            raise Mismatch(f"{where}: {at}: {first.message[:500]}")

    def check_arguments(self, where, item, op, target):
        known = {self.follow(p)["name"] for p in [*item.get("parameters", []), *op.get("parameters", [])]
                 if self.follow(p)["in"] == "query"}
        for pair in target.partition("?")[2].split("&"):
            name = pair.partition("=")[0]
            if name and name not in known:
                raise Mismatch(f"{where}: the query parameter {name} is not documented")

    def check_sent(self, where, op, sent, sent_type):
        body = self.follow(op.get("requestBody") or {})
        if not body:
            raise Mismatch(f"{where}: no request body is documented")
        if sent_type not in body["content"]:
            raise Mismatch(f"{where}: the request's content type {sent_type!r} is not documented")
        schema = body["content"][sent_type].get("schema")
        if schema is None or self.follow(schema).get("type") == "string":
            return
        value = json.loads(sent) if isinstance(sent, (str, bytes)) else sent
        self.check_value(f"{where}: the request", schema, value, self.doc)

    def documented(self):
        return {(m.upper(), path, status) for path, item in self.doc["paths"].items() for m in METHODS if m in item
                for status in item[m]["responses"]}

    def unseen(self):
        """Documented responses that no check has met, sorted."""
        return sorted(self.documented() - self.seen)

    def unlike_routes(self, source):
        """What the C table of routes and the document do not have in common, as texts."""
        rows = re.findall(r"\{\s*((?:HTTP_\w+[ |]*)+),\s*\"([^\"]+)\"", (ROOT / source).read_text())
        assert rows, f"{source} has no rows"
        routes = {(m, path) for methods, path in rows for m in re.findall(r"HTTP_(\w+)", methods)}
        documented = {(m, path) for m, path, _ in self.documented()}

        def serves(route, path):
            return path.startswith(route[:-1]) and len(path) >= len(route) if route.endswith("*") else path == route

        return sorted([f"{m} {r} is served and not documented" for m, r in routes
                       if not any(m == dm and serves(r, p) for dm, p in documented)]
                      + [f"{m} {p} is documented and not served" for m, p in documented
                         if not any(m == rm and serves(r, p) for rm, r in routes)])
