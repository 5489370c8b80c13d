# SPDX-License-Identifier: Apache-2.0
"""Requests made from an OpenAPI document, right ones and wrong ones, and whether an answer is one that the
document promises. Values come from hypothesis, by the schemas; answers are held against them with jsonschema,
where what a schema does not name must not be there."""

import copy
import dataclasses
import json
import re
import string
import urllib.parse

import hypothesis.strategies as st
import jsonschema

JSON, PROBLEM = "application/json", "application/problem+json"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

formats = jsonschema.FormatChecker()


@formats.checks("date-time")
def is_time(value):
    return not isinstance(value, str) or bool(RFC3339.fullmatch(value))


# ---- the document ----

@dataclasses.dataclass
class Operation:
    method: str
    path: str
    role: str
    parameters: list
    body: dict          # schema of a JSON body, or None
    body_required: bool
    responses: dict     # status → resolved response

    def __str__(self):
        return f"{self.method} {self.path}"

    def parameter(self, where):
        return [p for p in self.parameters if p["in"] == where]


def close_objects(schema):
    """What an object's schema does not name is not allowed, unless it says so."""
    if isinstance(schema, dict):
        if "properties" in schema and isinstance(schema["properties"], dict):
            schema.setdefault("additionalProperties", False)
        for child in schema.values():
            close_objects(child)
    elif isinstance(schema, list):
        for child in schema:
            close_objects(child)


class Contract:
    def __init__(self, document):
        self.document = document
        closed = copy.deepcopy(document)
        close_objects(closed["components"]["schemas"])
        self.resolver = jsonschema.RefResolver("", closed)
        self.operations = [self.operation(path, method.upper(), item) for path, item in document["paths"].items()
                           for method in item if method != "parameters"]

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            at = self.document
            for word in node["$ref"][2:].split("/"):
                at = at[word]
            node = at
        return node

    def operation(self, path, method, item):
        op = item[method.lower()]
        parameters = [self.resolve(p) for p in item.get("parameters", []) + op.get("parameters", [])]
        body = op.get("requestBody", {})
        schema = body.get("content", {}).get(JSON, {}).get("schema")
        return Operation(method, path, op["x-role"], parameters, self.resolve(schema) if schema else None,
                         body.get("required", False), {int(s): self.resolve(r) for s, r in op["responses"].items()})

    def breach(self, op, answer):
        """What is wrong with an answer, or None."""
        promised = op.responses.get(answer.status)
        if promised is None:
            return f"{answer.status} is not documented"
        kind = (answer.headers.get("Content-Type") or "").partition(";")[0]
        content = promised.get("content", {})
        if op.method == "HEAD" or not content:
            return None if not answer.body else f"a body of {kind}, where none is documented"
        if kind not in content:
            return f"Content-Type {kind!r}, not {', '.join(content)}"
        for header in promised.get("headers", {}):
            if answer.headers.get(header) is None:
                return f"the header {header} is not there"
        return self.breach_of_body(answer, kind, content[kind])

    def breach_of_body(self, answer, kind, media):
        if not kind.endswith("json"):
            return None
        doc = json.loads(answer.body)
        if kind == PROBLEM and doc.get("status") != answer.status:
            return f"the problem says {doc.get('status')}, the answer {answer.status}"
        if kind == PROBLEM and not (doc.get("type") or "").startswith("urn:framefarm:problem:"):
            return f"the problem's type is {doc.get('type')!r}"
        if media["schema"].get("type") == "string":     # this document itself
            return None
        validator = jsonschema.Draft202012Validator(media["schema"], resolver=self.resolver, format_checker=formats)
        for error in validator.iter_errors(doc):
            return f"at {'/'.join(map(str, error.path))}: {error.message[:300]}"
        return None


# ---- values ----

def texts(schema):
    least, most = schema.get("minLength", 0), min(schema.get("maxLength", 40), 40)
    if "pattern" in schema:
        return st.from_regex(re.compile(schema["pattern"], re.ASCII), fullmatch=True).filter(
            lambda s: least <= len(s) <= schema.get("maxLength", 100))
    # Lengths are bytes here, as they are in the daemon.
    return st.text(st.characters(blacklist_categories=("Cs",)), min_size=least, max_size=most).filter(
        lambda s: least <= len(s.encode()) <= most)


def valid(contract, schema):
    """A strategy for what the schema allows."""
    schema = contract.resolve(schema)
    kind = schema.get("type")
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if isinstance(kind, list):
        return st.one_of([valid(contract, {**schema, "type": k}) for k in kind])
    if kind == "integer":
        return st.integers(schema.get("minimum"), schema.get("maximum"))
    if kind == "boolean":
        return st.booleans()
    if kind == "null":
        return st.none()
    if kind == "array":
        return st.lists(valid(contract, schema["items"]), min_size=schema.get("minItems", 0),
                        max_size=min(schema.get("maxItems", 3), 3))
    if kind == "object":
        of = {k: valid(contract, v) for k, v in schema.get("properties", {}).items()}
        need = schema.get("required", [])
        return st.fixed_dictionaries({k: of[k] for k in need}, optional={k: of[k] for k in of if k not in need})
    return texts(schema)


def invalid_text(contract, schema):
    """A strategy for texts, as a query has them, that the schema does not allow; None where it allows all."""
    schema = contract.resolve(schema)
    wrong = []
    if schema.get("type") == "integer":
        wrong.append(st.sampled_from(["ten", "1.5", "0x10", "1e3", "+", "99999999999999999999", "5 ", "\u0665"]))
        wrong += [st.integers(max_value=schema["minimum"] - 1).map(str)] if "minimum" in schema else []
        wrong += [st.integers(min_value=schema["maximum"] + 1).map(str)] if "maximum" in schema else []
    elif "enum" in schema:
        wrong.append(st.text(string.ascii_letters, min_size=1, max_size=20).filter(lambda s: s not in schema["enum"]))
    elif "pattern" in schema:
        wrong.append(st.text(string.printable, min_size=1, max_size=20).filter(
            lambda s: not re.fullmatch(schema["pattern"], s, re.ASCII)))
    if "maxLength" in schema and "enum" not in schema:
        wrong.append(st.just("a" * (schema["maxLength"] + 1)))
    return st.one_of(wrong) if wrong else None


OTHERS = {"string": [7, True, [], {}, None], "integer": ["7", 7.5, True, [], None], "boolean": ["true", 1, None],
          "array": [{}, "x", 7, None], "object": [[], "x", 7, None]}


def spoiled(contract, schema, value):
    """A strategy for values that differ from a valid one in one place, and are invalid."""
    schema = contract.resolve(schema)
    kind = schema.get("type")
    ways = [st.sampled_from(OTHERS[kind])] if kind in OTHERS else []
    if kind == "object" and isinstance(value, dict):
        ways.append(st.just({**value, "no_such_member": 1}))
        ways += [st.just({k: v for k, v in value.items() if k != need}) for need in schema.get("required", [])]
        ways += [spoiled(contract, schema["properties"][k], v).map(lambda bad, k=k: {**value, k: bad})
                 for k, v in value.items()]
    elif kind == "array" and isinstance(value, list):
        ways += [st.just([])] if schema.get("minItems") else []
        ways += [st.just(value[:1] * (schema["maxItems"] + 1))] if value and "maxItems" in schema else []
        ways += [spoiled(contract, schema["items"], v).map(lambda bad, i=i: value[:i] + [bad] + value[i + 1:])
                 for i, v in enumerate(value)]
    elif "enum" in schema:
        ways.append(st.just("no such word"))
    elif kind == "string" and "maxLength" in schema:
        ways.append(st.just("a" * (schema["maxLength"] + 1)))
    return st.one_of(ways)


# ---- requests ----

@dataclasses.dataclass
class Request:
    method: str
    path: str
    headers: dict
    body: bytes
    wrong: str          # what is wrong with it, "" for nothing
    status: tuple = ()  # one of which it must be answered with, when it is wrong

    def __str__(self):
        return f"{self.method} {self.path} {self.headers} {self.body[:200]!r} ({self.wrong or 'right'})"


def fill(op, values):
    return re.sub(r"\{(\w+)\}", lambda m: urllib.parse.quote(values[m.group(1)], safe=""), op.path)


def known_or(values, made):
    if isinstance(values, tuple):   # nothing but these
        return st.sampled_from(values)
    return st.one_of(st.sampled_from(values), made) if values else made


@st.composite
def right(draw, contract, op, known):
    """known: values by the name of a parameter, and bodies by operation, which are as good as those made from
    the schema."""
    def value(p):
        return str(draw(known_or(known.get(p["name"]), valid(contract, p["schema"]))))
    path = fill(op, {p["name"]: value(p) for p in op.parameter("path")})
    query = [(p["name"], value(p)) for p in op.parameter("query") if p.get("required") or draw(st.booleans())]
    query = [(k, v) for k, v in query if v != ""]
    headers = {p["name"]: value(p) for p in op.parameter("header") if p.get("required") or draw(st.booleans())}
    headers = {k: v for k, v in headers.items() if v and re.fullmatch("[!-~]+", v)}
    body = b""
    if op.body is not None and (op.body_required or draw(st.booleans())):
        headers["Content-Type"] = JSON
        body = json.dumps(draw(known_or(known.get(str(op)), valid(contract, op.body)))).encode()
    if query:
        path += "?" + urllib.parse.urlencode(query)
    return Request(op.method, path, headers, body, "")


def wrong_query(contract, op, request, also):
    pairs = urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query)
    bare = request.path.partition("?")[0]

    def with_query(query, what):
        return dataclasses.replace(request, path=f"{bare}?{urllib.parse.urlencode(query)}", wrong=what, status=(400, 404))
    ways = [st.just(with_query(pairs + [("no_such_parameter", "1")], "an unknown parameter"))]
    if pairs:
        ways.append(st.just(with_query(pairs + pairs[:1], f"{pairs[0][0]} twice")))
    for p in op.parameter("query"):
        bad = invalid_text(contract, p["schema"])
        rest = [(k, v) for k, v in pairs if k != p["name"]]
        if bad is not None:
            ways.append(bad.map(lambda v, n=p["name"], r=rest: with_query(r + [(n, v)], f"{n} is {v!r}")))
        if p.get("required"):
            ways.append(st.just(with_query(rest, f"{p['name']} is missing")))
    return st.one_of(ways) if also is None else st.one_of(*ways, also)


def wrong_body(contract, op, request):
    def with_body(body, what, status=(400, 404), kind=JSON):
        return dataclasses.replace(request, body=body, wrong=what, status=status,
                                   headers={**request.headers, "Content-Type": kind})
    if "Idempotency-Key" in request.headers:    # by which it would be known, whatever else it says
        request = dataclasses.replace(request, headers={**request.headers, "Idempotency-Key": "wrong"})
    ways = [st.sampled_from([b"{", b"nothing", b"{} {}", b"\xff\xfe", b"{\"a\": 1, \"a\": 2}", b"[" * 5000]).map(
        lambda b: with_body(b, "no JSON")),
            st.just(with_body(request.body or b"{}", "another type", (415,), "text/plain"))]
    if op.body_required:
        ways.append(st.just(with_body(b"", "no body")))
    good = valid(contract, op.body)
    ways.append(good.flatmap(lambda v: spoiled(contract, op.body, v)).map(
        lambda v: with_body(json.dumps(v).encode(), "a wrong body")))
    return st.one_of(ways)


def wrong(contract, op, known):
    """A strategy for requests with one mistake each."""
    def spoil(request):
        ways = [wrong_query(contract, op, request, None)]
        if op.role != "none":
            ways.append(st.sampled_from(["", "Bearer no", "Basic YTpi", "Bearer"]).map(lambda a: dataclasses.replace(
                request, headers={**request.headers, "Authorization": a}, wrong="no token", status=(401, 404))))
        if op.method not in ("GET", "HEAD"):
            ways.append(st.just(dataclasses.replace(request, headers={**request.headers, "Origin": "https://evil.example"},
                                                    wrong="another site's page", status=(403,))))
        if op.body is not None:
            ways.append(wrong_body(contract, op, request))
        for p in op.parameter("path"):
            bad = invalid_text(contract, p["schema"])
            if bad is not None:
                rest = {q["name"]: known[q["name"]][0] for q in op.parameter("path")}
                ways.append(bad.map(lambda v, n=p["name"], r=rest: dataclasses.replace(
                    request, path=fill(op, {**r, n: v}), wrong=f"{n} is {v!r}", status=(400, 404))))
        for p in op.parameter("header"):
            if p.get("required"):
                ways.append(st.just(dataclasses.replace(
                    request, headers={k: v for k, v in request.headers.items() if k != p["name"]},
                    wrong=f"no {p['name']}", status=(400,))))
        return st.one_of(ways)
    return right(contract, op, known).flatmap(spoil)
