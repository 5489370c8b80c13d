# SPDX-License-Identifier: Apache-2.0
"""A daemon made of canned answers, for tests of the command line.

It speaks the API of controller/api/README.md as far as the CLI uses it: jobs are accepted once their
files are there, their events are streamed, and a test decides when and how a job ends. Everything that
was asked is recorded. A test waits for a condition with `until`; there are no pauses.
"""

import hashlib
import http.server
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import unittest

TOKEN = "ff_test_token"
TIMEOUT_S = 30
PROGRAM = os.path.abspath(os.path.join(os.environ.get("FRAMEFARM_BUILD", "build"), "framefarm"))


def budget_gate(verdict, over=0):
    return {
        "name": "budget", "verdict": verdict, "void": False,
        "text": f"n=1800, n_eff=900, {over} over 16 ms: {verdict}",
        "budget_ns": 16000000, "percentile": 0.99, "value_ns": 15981000, "n": 1800, "over": over,
    }


def run_json(number=1, job="j1", verdict="pass", state="completed", failure="none", **more):
    """One run as the API shows it."""
    over = 0 if verdict == "pass" else 700
    run = {
        "id": f"r{number}", "job": job, "job_name": "demo", "model": "mobilenet", "variant": "fp32",
        "slot": 0, "device": {"id": "d1", "name": "local", "model": "Debian", "virtual": False},
        "state": state, "verdict": verdict, "failure": failure, "exit_code": 0, "round": 1,
        "attempts": 1, "cause": "", "queued_at": "2026-01-31T12:00:00.000Z",
        "started_at": "2026-01-31T12:00:01.000Z", "ended_at": "2026-01-31T12:00:31.500Z",
        "progress": None, "result": None,
    }
    if state == "completed":
        run["result"] = {
            "schema": "framefarm.result/1", "verdict": verdict, "text": "one sentence",
            "gates": [budget_gate(verdict, over),
                      {"name": "golden", "verdict": "pass", "void": False, "text": "cosine 0.9999",
                       "cosine_min": 0.9999}],
            "metrics": {"paced": {"n": 1800, "p50_ns": 9100000, "p90_ns": 12000000,
                                  "p99_ns": 15981000, "over": over},
                        "rss_peak_bytes": 31457280},
        }
    run.update(more)
    return run


class Job:
    def __init__(self, number, body, key, url):
        self.id = f"j{number}"
        self.body = body
        self.key = key
        self.events = []
        self.doc = {
            "id": self.id, "name": body.get("name", ""), "state": "queued", "verdict": "none",
            "exit_code": -1, "actor": "admin", "commit": body.get("commit", ""),
            "branch": body.get("branch", ""), "labels": body.get("labels", {}), "priority": 0,
            "submitted_at": "2026-01-31T12:00:00.000Z", "started_at": None, "ended_at": None,
            "cause": "", "n_runs": 1, "n_ended": 0, "n_failed": 0, "url": f"{url}/?job={self.id}",
            "runs": [],
        }

    def ended(self):
        return self.doc["state"] in ("completed", "errored", "cancelled")


class FakeApi:
    """Call start(), and stop() at the end. `lock` guards all that is below it."""

    def __init__(self, port=0, tls=None):
        self.tls = tls          # an ssl.SSLContext, or None
        self.lock = threading.Condition()
        self.port = port
        self.url = ""
        self.requests = []      # (method, path, headers, body)
        self.files = {}         # by SHA-256
        self.jobs = {}
        self.token = TOKEN
        self.on_submit = None   # fn(api, job): what happens to a new job
        self.refuse = []        # (method, path prefix, status, document): each answers once
        self.no_stream = False
        self.runs_in_job = 200
        self.devices = []
        self.addresses = []     # as GET /addresses has them
        self.logs = ""
        self.artifacts = []     # (run, attempt, name, bytes)
        self.settings = []      # what provisioning finds
        self.streams = set()    # a queue for each open stream of events
        self.event_id = 0
        self.server = None
        self.thread = None

    # ---- life ----

    def start(self):
        handler = type("Handler", (Handler,), {"api": self})
        self.server = Server(("127.0.0.1", self.port), handler)
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        return self

    def stop(self):
        self.server.shutdown()
        with self.lock:
            for stream in self.streams:
                stream.put(None)
        self.server.server_close()
        self.server.close_all()
        self.thread.join()

    # ---- what a test does ----

    def until(self, condition):
        """Waits until condition() is true; it is called under the lock."""
        with self.lock:
            if not self.lock.wait_for(condition, TIMEOUT_S):
                raise AssertionError("the condition did not come")

    def asked(self, method, prefix):
        return [r for r in self.requests if r[0] == method and r[1].startswith(prefix)]

    def until_streaming(self):
        self.until(lambda: self.streams)

    def event(self, job, topic, subject, to, cause=""):
        with self.lock:
            self.event_id += 1
            data = {"id": self.event_id, "topic": topic, "subject": subject, "job": job.id, "from": "",
                    "to": to, "actor": "", "cause": cause, "at": "2026-01-31T12:00:00.000Z"}
            text = f"id: {self.event_id}\nevent: {topic}\ndata: {json.dumps(data)}\n\n"
            job.events.append((self.event_id, text))
            for stream in self.streams:
                stream.put(text)

    def progress(self, job, **members):
        data = {"job": job.id, "run": "r1", "attempt": "a1", "device": "d1", "note": "", **members}
        with self.lock:
            for stream in self.streams:
                stream.put(f"event: progress\ndata: {json.dumps(data)}\n\n")

    def end(self, job, verdict="pass", exit_code=0, state="completed", runs=None, cause="",
            tell=True):
        with self.lock:
            runs = [run_json(job=job.id, verdict=verdict)] if runs is None else runs
            job.doc.update(state=state, verdict=verdict, exit_code=exit_code, runs=runs,
                           n_runs=len(runs), n_ended=len(runs), cause=cause,
                           started_at="2026-01-31T12:00:01.000Z",
                           ended_at="2026-01-31T12:00:31.500Z")
            self.lock.notify_all()
        if tell:
            self.event(job, "job", job.id, state, cause)


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, *args):
        super().__init__(*args)
        self.open = set()

    def process_request(self, request, client_address):
        self.open.add(request)
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # a client that went away is what some tests are about

    def close_all(self):
        for request in list(self.open):
            try:
                request.shutdown(2)
            except OSError:
                pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api = None

    def log_message(self, *args):
        pass

    # ---- answering ----

    def answer(self, status, doc=None, headers=(), text=None):
        body = (text if text is not None else json.dumps(doc or {})).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def problem(self, status, detail, **more):
        self.answer(status, {"type": "about:blank", "title": "problem", "status": status,
                             "detail": detail, **more})

    # ---- routing ----

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        with self.api.lock:
            self.api.requests.append((self.command, self.path, dict(self.headers), body))
            self.api.lock.notify_all()
            for i, (method, prefix, status, doc) in enumerate(self.api.refuse):
                if method == self.command and path.startswith(prefix):
                    del self.api.refuse[i]
                    self.answer(status, doc)
                    return
        if path in ("/healthz", "/readyz"):
            self.answer(200, {"status": "ok"})
        elif self.headers.get("Authorization") != f"Bearer {self.api.token}":
            self.problem(401, "the token is not known")
        else:
            self.route(path, dict(p.partition("=")[::2] for p in query.split("&") if p), body)

    do_GET = do_PUT = do_POST = do_HEAD = handle_any

    def route(self, path, query, body):
        parts = path.strip("/").split("/")
        if path == "/openapi.json":
            self.answer(200, {"info": {"version": "1"}})
        elif parts[:2] != ["api", "v1"]:
            self.problem(404, "there is nothing here")
        elif parts[2] == "files":
            self.files(parts[3], body)
        elif parts[2] == "jobs" and len(parts) == 3:
            self.jobs_post(body) if self.command == "POST" else self.jobs_list(query)
        elif parts[2] == "jobs":
            self.job(parts[3], parts[4:], query)
        elif parts[2] == "runs":
            self.runs_list(query)
        elif parts[2] == "devices":
            self.device(parts[3:], body)
        elif parts[2] == "addresses":
            self.address(body)
        elif parts[2] == "attempts":
            self.artifact(parts[3], query["name"])
        else:
            self.problem(404, "there is nothing here")

    def files(self, sha256, body):
        with self.api.lock:
            if self.command == "PUT":
                if hashlib.sha256(body).hexdigest() != sha256:
                    self.problem(400, "the bytes have another hash")
                    return
                self.api.files[sha256] = body
                self.answer(201)
            else:
                self.answer(200 if sha256 in self.api.files else 404)

    # ---- jobs ----

    def jobs_post(self, body):
        api, key = self.api, self.headers.get("Idempotency-Key")
        if not key:
            self.problem(400, "a job needs the header Idempotency-Key")
            return
        doc = json.loads(body)
        with api.lock:
            for job in api.jobs.values():
                if job.key == key:
                    same = job.body == doc
                    self.answer(200, job.doc) if same else self.problem(422, "another job has this key")
                    return
            missing = [f["sha256"] for f in files_of(doc) if f["sha256"] not in api.files]
            if missing:
                self.problem(409, "files are missing", missing=sorted(set(missing)))
                return
            job = Job(len(api.jobs) + 1, doc, key, api.url)
            api.jobs[job.id] = job
            if api.on_submit:
                api.on_submit(api, job)
            self.answer(201, job.doc, [("Location", f"/api/v1/jobs/{job.id}")])

    def jobs_list(self, query):
        with self.api.lock:
            jobs = [j.doc for j in reversed(list(self.api.jobs.values()))
                    if query.get("state", j.doc["state"]) == j.doc["state"]]
        self.page("jobs", jobs, query)

    def runs_list(self, query):
        with self.api.lock:
            runs = list(reversed(self.api.jobs[query["job"]].doc["runs"]))
        self.page("runs", runs, query)

    def page(self, name, items, query):
        start, limit = int(query.get("cursor", 0)), int(query.get("limit", 50))
        end = start + limit
        self.answer(200, {name: items[start:end], "next": str(end) if end < len(items) else None})

    def job(self, number, rest, query):
        api = self.api
        with api.lock:
            job = api.jobs.get(number)
        if not job:
            self.problem(404, f"there is no job {number}")
        elif not rest:
            if "wait" in query:
                with api.lock:
                    api.lock.wait_for(job.ended, float(query["wait"].rstrip("s")))
            with api.lock:
                self.answer(200, {**job.doc, "runs": job.doc["runs"][:api.runs_in_job]})
        elif rest == ["cancel"]:
            api.end(job, "none", 19, "cancelled", runs=[])
            self.answer(202, {"id": number})
        elif rest == ["retry"]:
            self.retry(job)
        elif rest == ["artifacts"]:
            self.answer(200, {"artifacts": [
                {"run": run, "attempt": attempt, "device": "d1", "name": name, "bytes": len(data)}
                for run, attempt, name, data in api.artifacts]})
        elif rest == ["events"]:
            self.stream(job)
        elif rest == ["logs"]:
            piece = api.logs.encode()[int(query["offset"]):][:16]
            self.answer(200, text=piece.decode(),
                        headers=[("X-Next-Offset", str(int(query["offset"]) + len(piece)))])
        else:
            self.problem(404, "there is nothing here")

    def retry(self, job):
        api = self.api
        if job.doc["state"] == "paused":
            with api.lock:
                job.doc.update(state="running", exit_code=-1, cause="")
            self.answer(200, job.doc)
        elif job.ended():
            with api.lock:
                again = Job(len(api.jobs) + 1, job.body, f"retry:{job.id}", api.url)
                api.jobs[again.id] = again
            self.answer(201, again.doc)
        else:
            self.problem(409, f"{job.id} is {job.doc['state']}")

    def artifact(self, attempt, name):
        for _, of, called, data in self.api.artifacts:
            if (of, called) == (attempt, name):
                self.answer(200, text=data)
                return
        self.problem(404, "there is no such artifact")

    def address(self, body):
        if self.command == "GET":
            self.answer(200, {"addresses": self.api.addresses})
        elif ":" in json.loads(body)["address"]:
            self.answer(200, {"text": "done"})
        else:
            self.problem(400, "an address is HOST:PORT")

    def stream(self, job):
        api, mine = self.api, queue.Queue()
        if api.no_stream:
            self.problem(503, "64 clients watch events already")
            return
        after = int(self.headers.get("Last-Event-ID") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        with api.lock:
            for number, text in job.events:
                if number > after:
                    mine.put(text)
            api.streams.add(mine)
            api.lock.notify_all()
        try:
            while (text := mine.get()) is not None:
                self.wfile.write(text.encode())
                self.wfile.flush()
        finally:
            with api.lock:
                api.streams.discard(mine)
                api.lock.notify_all()

    # ---- devices ----

    def device(self, rest, body):
        devices = {d["id"]: d for d in self.api.devices}
        if not rest:
            self.answer(200, {"devices": self.api.devices, "next": None})
        elif rest[0] not in devices:
            self.problem(404, f"there is no device {rest[0]}")
        elif len(rest) == 1:
            self.answer(200, devices[rest[0]])
        elif rest[1] == "provision":
            self.answer(200, {"id": rest[0], "settings": self.api.settings})
        elif rest[1] == "install":
            missing = [f["sha256"] for f in json.loads(body)["files"] if f["sha256"] not in self.api.files]
            self.problem(409, "files are missing", missing=missing) if missing else self.answer(
                200, {"id": rest[0], "text": "installed"})
        else:
            self.answer(200, {"id": rest[0], "text": "done"})


def files_of(node):
    """Every {"sha256": …} of a job."""
    if isinstance(node, dict):
        if "sha256" in node:
            yield node
        for child in node.values():
            yield from files_of(child)
    elif isinstance(node, list):
        for child in node:
            yield from files_of(child)


class CliTest(unittest.TestCase):
    """A temporary directory, a fake daemon, and the program with neither home nor environment."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="framefarm cli ")  # the blank is meant
        self.addCleanup(shutil.rmtree, self.dir)
        self.api = FakeApi().start()
        self.addCleanup(lambda: self.api.stop())
        os.mkdir(os.path.join(self.dir, "data"), 0o700)
        self.write("data/admin.token", TOKEN + "\n")
        self.env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": self.dir,
                    "FRAMEFARM_DATA": os.path.join(self.dir, "data"), "FRAMEFARM_URL": self.api.url,
                    "LANG": "C.UTF-8"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        data = text if isinstance(text, bytes) else text.encode()
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as f:
            return f.read()

    def write_job(self, name="job.json", **more):
        self.write("model.onnx", b"model one")
        self.write("int8.onnx", b"model two")
        job = {"schema": "framefarm.job/1", "name": "demo",
               "model": {"name": "mobilenet", "variants": [
                   {"name": "fp32", "file": "model.onnx"}, {"name": "int8", "file": "int8.onnx"}]},
               **more}
        return self.write(name, json.dumps(job, indent=1))

    def start(self, *args):
        """The program, running; its output goes to files, so that it never blocks."""
        self.out = open(self.path("stdout"), "w+b")
        self.err = open(self.path("stderr"), "w+b")
        self.addCleanup(self.out.close)
        self.addCleanup(self.err.close)
        child = subprocess.Popen([PROGRAM, *args], stdin=subprocess.DEVNULL, stdout=self.out,
                                 stderr=self.err, env=self.env, cwd=self.dir)
        self.addCleanup(self.finish, child)
        return child

    @staticmethod
    def finish(child):
        if child.poll() is None:
            child.kill()
        child.wait()

    def wait(self, child):
        code = child.wait(TIMEOUT_S)
        return code, self.read("stdout"), self.read("stderr")

    def cli(self, *args):
        """Runs the program to its end: (exit code, stdout, stderr)."""
        return self.wait(self.start(*args))
