#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/openapi.json against what the daemon does: requests are made from the document, for every operation, right
ones and wrong ones; every answer must be one that the document promises, by status, headers, type and schema; a
wrong request must be refused as one. What no such request brings about stands in a table, with the test that
does. FRAMEFARM_SEED=N makes other requests than those of every day, FRAMEFARM_EXAMPLES=N more of them."""

import hashlib
import http.client
import json
import os
import re
import shutil
import subprocess
import unittest

from fflib import debian

debian.need("hypothesis", "jsonschema")
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = os.path.join(os.environ.get("FRAMEFARM_BUILD") or "build", "hypothesis")

import hypothesis  # noqa: E402

from fflib.contract import Contract, Request, right, wrong
from fflib.daemon import PASS, Answer, DaemonTest, mlp_job, wait_for

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
EXAMPLES = int(os.environ.get("FRAMEFARM_EXAMPLES", 12))
SEED = int(os.environ.get("FRAMEFARM_SEED", 1))

# What changes the farm comes behind what looks at it, and what takes the device away for good last.
LAST = ["/detach", "/attach", "/quarantine", "/release", "/retire"]

# Where a request that is right by its schema may be refused all the same: the schema does not say it all.
MORE_THAN_SCHEMA = [
    ("POST", "/api/v1/session"),            # the token must be one
    ("POST", "/api/v1/jobs"),               # profiles/job.schema.json has the rest
    ("POST", "/api/v1/addresses/connect"),  # HOST:PORT
    ("POST", "/api/v1/addresses/disconnect"),
    ("PUT", "/api/v1/files/{sha256}"),      # the bytes must be what the name says
]

# (status, operations' path and method or None for all): the tests of tests/unit/api that bring it about.
ELSEWHERE = {
    410: "values_that_were_removed_are_told",
    403: "every_route_takes_its_role_and_more_and_no_less",
    411: "a_file_of_unsaid_length_is_refused",
    413: "a_body_that_says_it_is_too_large_is_refused_and_its_sender_can_read_why",
    422: "the_same_key_with_another_job_is_refused",
    429: "who_asks_too_often_is_told_when_to_come_again",
    503: "who_comes_while_it_stops_is_told_so",
    507: "a_disk_that_fills_up_meanwhile_is_reported_when_all_is_sent",
}
# These need what a machine without phones has not, or a moment that is hard to meet.
UNREACHED = {
    ("POST", "/api/v1/devices/{device}/detach", 200): "a_device_is_handed_over_and_taken_back",
    ("POST", "/api/v1/devices/{device}/attach", 200): "a_device_is_handed_over_and_taken_back",
    ("POST", "/api/v1/devices/{device}/install", 200): "packages_are_uploaded_before_they_are_installed",
    ("POST", "/api/v1/devices/{device}/provision", 200): "settings_are_checked_unless_more_is_said",
    ("POST", "/api/v1/runtimes", 201): "a_file_is_uploaded_before_it_is_registered",
    ("DELETE", "/api/v1/runtimes/{runtime}", 200): "one_is_removed_by_what_it_is_called",
    ("GET", "/api/v1/attempts/{attempt}/artifact", 200): "artifacts_are_listed_and_fetched",
    ("POST", "/api/v1/addresses/disconnect", 409): "where_no_driver_knows_addresses_there_are_none",
}


class Client:
    """One connection, kept; a stream of events is left behind its first bytes."""

    def __init__(self, daemon):
        self.host, self.token = daemon.url.split("//")[1], daemon.token
        self.connection = None

    def ask(self, request):
        headers = {"Authorization": "Bearer " + self.token, **request.headers}
        headers = {k: v for k, v in headers.items() if v}
        # A kept connection ends behind some answers, and for a second one that left a stream still counts.
        return wait_for(lambda: self.attempt(request, headers), str(request))

    def attempt(self, request, headers):
        try:
            return self.once(request, headers)
        except (http.client.HTTPException, ConnectionError):
            self.close()
            return None

    def once(self, request, headers):
        if not self.connection:
            self.connection = http.client.HTTPConnection(self.host, timeout=60)
        self.connection.request(request.method, request.path, body=request.body or None, headers=headers)
        r = self.connection.getresponse()
        if r.headers.get_content_type() == "text/event-stream":
            body = r.read1(100)
            self.close()
        else:
            body = r.read()
            if r.will_close:
                self.close()
        return Answer(r.status, r.headers, body)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Contracts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = DaemonTest()
        cls.world.setUp()
        cls.addClassCleanup(cls.world.tearDown)
        cls.daemon = cls.world.daemon("--rate", "100000", "--log-level", "warn")
        cls.world.cli("run", cls.world.job_file(mlp_job()), check=PASS)
        cls.client = Client(cls.daemon)
        cls.addClassCleanup(cls.client.close)
        cls.contract = Contract(cls.daemon.get("/openapi.json"))
        run = cls.daemon.get("/api/v1/runs/r1")
        model = run["attempts"][0]["record"]
        cls.known = {
            "job": ["j1"], "run": ["r1"], "device": ["d1"], "attempt": ["a1"], "runtime": ["none"],
            "stream": [s["name"] for s in run["streams"]], "wait": ("0", "1ms", "20ms"),
            "sha256": ["0" * 64] + sorted(set(re.findall("[0-9a-f]{64}", str(model)))),
            "topic": ["job", "run,progress"], "limit": [1, 200], "If-None-Match": ["*", "W/\"0\""],
            "name": ["mlp", "logcat.txt"], "offset": (0,),
            # One job more, and no crowd of them.
            "Idempotency-Key": ("contract",), "POST /api/v1/jobs": [cls.wire_job()],
            "POST /api/v1/session": [{"token": cls.daemon.token}],
            # Nothing is written but here.
            "POST /api/v1/backup": ({"dir": os.path.join(cls.world.dir, "backup")},),
        }
        cls.reached = {}

    @classmethod
    def wire_job(cls, **more):
        job = mlp_job(**more)
        file = job["model"]["variants"][0]["file"]
        with open(file, "rb") as f:
            data = f.read()
        job["model"]["variants"][0]["file"] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data),
                                               "name": os.path.basename(file)}
        return job

    def judge(self, op, request):
        answer = self.client.ask(request)
        self.reached.setdefault((op.method, op.path), set()).add(answer.status)
        said = f"{request}\n{answer.status} {answer.body[:500]!r}"
        self.assertIsNone(self.contract.breach(op, answer), said)
        if request.wrong:
            self.assertIn(answer.status, request.status, said)
        elif (op.method, op.path) not in MORE_THAN_SCHEMA and "cursor=" not in request.path:
            self.assertNotIn(answer.status, (400, 401, 403, 413, 415), said)
        self.assertNotEqual(answer.status, 500, said)
        return answer

    def known_path(self, path):
        return re.sub(r"\{(\w+)\}", lambda m: self.known[m.group(1)][0], path)

    def examples(self, op, strategy):
        @hypothesis.seed(SEED)
        @hypothesis.settings(max_examples=EXAMPLES, database=None, deadline=None,
                             suppress_health_check=list(hypothesis.HealthCheck))
        @hypothesis.given(strategy)
        def run(request):
            self.judge(op, request)
        run()

    def values(self, op):
        """What is gone for good is not this machine."""
        return {**self.known, "device": ("d999",)} if op.path.endswith("/retire") else self.known

    def in_order(self):
        def rank(op):
            last = [i for i, word in enumerate(LAST) if op.path.endswith(word)]
            return (last[0] + 2 if last else int(op.method not in ("GET", "HEAD")), op.path)
        return sorted(self.contract.operations, key=rank)

    def test_1_others_find_the_document_valid(self):
        there = os.path.join(TREE, ".cache/openapi")
        here = os.path.join(TREE, "tests/openapi")
        if not os.path.isdir(os.path.join(there, "node_modules")):
            os.makedirs(there, exist_ok=True)
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(here, name), there)
            subprocess.run([os.path.join(TREE, "etc/build/npm.sh"), "ci", "--silent", "--ignore-scripts", "--no-audit",
                            "--no-fund"], cwd=there, check=True)
        shutil.copy(os.path.join(here, "validate.mjs"), there)
        r = subprocess.run(["node", os.path.join(there, "validate.mjs"),
                            os.path.join(TREE, "controller/api/openapi.json")],
                           text=True, capture_output=True, check=False)
        self.assertEqual((r.returncode, r.stdout.strip()), (0, "valid OpenAPI 3.1"), r.stderr)

    def test_2_right_requests_are_answered_as_described(self):
        for op in self.in_order():
            with self.subTest(str(op)):
                self.examples(op, right(self.contract, op, self.values(op)))

    def test_3_wrong_requests_are_refused_as_described(self):
        for op in self.in_order():
            with self.subTest(str(op)):
                self.examples(op, wrong(self.contract, op, self.values(op)))

    def say(self, method, path, body=None, status=200, **headers):
        """One request by hand, judged like the others."""
        op = next(o for o in self.contract.operations if o.method == method and
                  re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(o.path)), path))
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/octet-stream" if method == "PUT" else "application/json"} if data else {}
        status = status if isinstance(status, tuple) else (status,)
        answer = self.judge(op, Request(method, path, {**kind, **headers}, data, "by hand", status))
        return json.loads(answer.body) if answer.body else None

    def test_4_one_mistake_of_each_kind_is_refused_everywhere(self):
        for op in self.contract.operations:
            path = self.known_path(op.path)
            with self.subTest(str(op)):
                self.judge(op, Request(op.method, path + "?no_such=1", {}, b"", "an unknown parameter", (400,)))
                if op.parameter("path"):
                    bad = re.sub(r"\{\w+\}", "No%0Asuch", op.path)
                    self.judge(op, Request(op.method, bad, {}, b"", "a bad id", (400, 404)))
                if op.role != "none":
                    self.judge(op, Request(op.method, path, {"Authorization": ""}, b"", "no token", (401,)))
                if op.body is not None:
                    self.judge(op, Request(op.method, path, {"Content-Type": "text/plain"}, b"{}", "no JSON", (415,)))

    def test_5_what_clients_do_is_answered_as_described(self):
        data = b"a file of this test"
        file = "/api/v1/files/" + hashlib.sha256(data).hexdigest()
        self.say("HEAD", file, status=404)
        self.say("PUT", file, data, status=201)
        self.say("PUT", file, data)
        self.say("HEAD", file)
        job = self.wire_job(measure={"min_ms": 60000, "max_ms": 60000, "min_runs": 60000})
        key = {"Idempotency-Key": "long"}
        made = "/api/v1/jobs/" + self.say("POST", "/api/v1/jobs", job, 201, **key)["id"]
        self.say("POST", "/api/v1/jobs", job, **key)
        self.say("POST", "/api/v1/jobs", {**job, "name": "another"}, 422, **key)
        job["model"]["variants"][0]["file"]["sha256"] = "0" * 64
        self.say("POST", "/api/v1/jobs", job, 409, **{"Idempotency-Key": "missing"})
        self.say("POST", made + "/retry", status=409)
        self.say("POST", made + "/cancel", {"reason": "enough"}, 202)
        wait_for(lambda: self.say("GET", made)["state"] == "cancelled", "the job to end")
        version = self.client.ask(Request("GET", made, {}, b"", "")).headers["ETag"]
        self.say("GET", made, status=304, **{"If-None-Match": version})
        self.say("GET", made + "?wait=60s", status=304, **{"If-None-Match": version})
        backup = {"dir": os.path.join(self.world.dir, "another")}
        self.say("POST", "/api/v1/backup", backup, 202)
        wait_for(lambda: self.say("GET", "/api/v1/backup")["state"] == "done", "the backup to be done")
        self.say("POST", "/api/v1/backup", backup, 409)
        self.say("GET", "/metrics", status=406, Accept="image/png")
        address = {"address": "127.0.0.1:1"}
        self.say("POST", "/api/v1/addresses/connect", address)
        self.say("POST", "/api/v1/addresses/connect", address, 409)
        self.say("POST", "/api/v1/addresses/disconnect", address)
        self.say("POST", "/api/v1/addresses/disconnect", address, 404)

    def test_6_what_operators_do_is_answered_as_described(self):
        device = "/api/v1/devices/d1"

        def becomes(*states):
            wait_for(lambda: self.say("GET", device)["state"] in states, "d1 to be " + " or ".join(states))
        self.say("POST", device + "/release", status=(200, 409))    # others' requests have left it somehow
        becomes("ready")
        self.say("POST", device + "/detach", {"reason": "for another tool"}, 409)  # it is this machine
        self.say("POST", device + "/quarantine", {"reason": "a cable"})
        becomes("quarantined")
        self.say("POST", device + "/release")
        self.say("POST", device + "/retire")
        self.say("POST", device + "/retire", status=409)
        self.say("POST", device + "/quarantine", status=409)

    def test_7_a_path_takes_what_is_described_and_nothing_else(self):
        for path in self.contract.document["paths"]:
            ops = {op.method: op for op in self.contract.operations if op.path == path}
            where = self.known_path(path)
            takes = set(ops) | {"OPTIONS"}
            if "GET" in ops and "text/event-stream" not in ops["GET"].responses[200].get("content", {}):
                takes.add("HEAD")
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"):
                if method in ops or (method == "HEAD" and "HEAD" in takes):
                    continue
                with self.subTest(f"{method} {path}"):
                    a = self.client.ask(Request(method, where, {}, b"", ""))
                    self.assertEqual(a.status, 204 if method == "OPTIONS" else 405)
                    self.assertEqual(set(a.headers["Allow"].split(", ")), takes)

    def test_8_head_is_get_without_a_body(self):
        for op in self.contract.operations:
            if op.method != "GET" or "text/event-stream" in op.responses[200].get("content", {}):
                continue
            where = self.known_path(op.path)
            if any(p["name"] == "stream" for p in op.parameters):
                where += "?stream=" + self.known["stream"][0]
            with self.subTest(str(op)):
                got = self.client.ask(Request("GET", where, {}, b"", ""))
                head = self.client.ask(Request("HEAD", where, {}, b"", ""))
                self.assertEqual((head.status, head.body), (got.status, b""))
                self.assertEqual(head.headers["Content-Type"], got.headers["Content-Type"])

    def test_9_what_is_described_happens_here_or_in_a_test_that_is_named(self):
        tests = ""
        for name in sorted(os.listdir(os.path.join(TREE, "tests/unit/api"))):
            with open(os.path.join(TREE, "tests/unit/api", name), encoding="utf-8") as f:
                tests += f.read()
        for name in [*ELSEWHERE.values(), *UNREACHED.values()]:
            self.assertIn(f"T({name})", tests.replace(f"cmocka_unit_test_setup_teardown(\n\t\t\t{name}", f"T({name})"))
        seen = sum(len(s) for s in self.reached.values())
        missing = []
        for op in self.contract.operations:
            for status in set(op.responses) - self.reached.get((op.method, op.path), set()):
                if status not in ELSEWHERE and (op.method, op.path, status) not in UNREACHED:
                    missing.append(f"{op}: {status}")
        told = sum(len(op.responses) for op in self.contract.operations)
        print(f"{len(self.contract.operations)} operations, {told} documented answers, {seen} met here")
        self.assertFalse(missing, "\n".join(missing))


if __name__ == "__main__":
    unittest.main()
