# SPDX-License-Identifier: Apache-2.0
"""A real agent in a directory of its own, and a controller that plays its part. Nothing sleeps:
every wait is for a condition, with a bound that only a failure reaches."""

import hashlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from . import agentproto as ap

BUILD = os.environ.get("FRAMEFARM_BUILD", "build")
AGENT = os.path.abspath(os.path.join(BUILD, "framefarm-agent"))
RUNNER = os.path.abspath(os.path.join(BUILD, "tests", "fakerunner"))
PATIENCE = float(os.environ.get("FRAMEFARM_PATIENCE", "60"))


def wait_for(condition, what="the condition"):
    """For what shows itself outside any connection (a file, a process); looks again each 5 ms."""
    until = time.monotonic() + PATIENCE
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > until:
            raise AssertionError("waited in vain for " + what)
        select.select([], [], [], 0.005)


class Controller:
    """One connection. Keeps all that came; commits chunks (acknowledges them) if told to."""

    def __init__(self, box, commit=True):
        self.box, self.commit = box, commit
        self.sock = box.connect()
        box.controllers.append(self)
        self.parser = ap.Parser()
        self.welcome, self.closed = None, False
        self.statuses, self.refusals, self.pongs, self.ends = [], [], [], {}
        self.received = []  # (attempt, stream, seq) in the order they came
        self.modes = {}     # how those of series were packed

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        self.sock.close()

    def take(self, kind, payload):
        if kind == ap.WELCOME:
            self.welcome = ap.welcome(payload)
        elif kind == ap.STATUS:
            self.statuses.append(ap.status(payload))
        elif kind == ap.REFUSE:
            self.refusals.append(ap.refuse(payload))
        elif kind == ap.PONG:
            self.pongs.append(ap.pong(payload))
        elif kind == ap.END:
            m = ap.end(payload)
            self.ends[m["attempt"]] = m
        elif kind == ap.CHUNK:
            m = ap.chunk(payload)
            self.box.store(m)
            self.received.append((m["attempt"], m["stream"], m["seq"]))
            if m["kind"] >= ap.COUNTER and m["n"]:
                self.modes[self.received[-1]] = m["payload"][0]
            if self.commit:
                self.send(ap.ack(m["attempt"], m["stream"], m["seq"]))
        else:
            raise AssertionError("unknown message %d" % kind)

    def until(self, condition, what="an answer"):
        end = time.monotonic() + PATIENCE
        while not condition(self):
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                raise AssertionError("waited in vain for %s (closed=%s)" % (what, self.closed))
            if not select.select([self.sock], [], [], left)[0]:
                continue
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            self.closed = not data
            self.parser.feed(data)
            for kind, payload in self.parser:
                self.take(kind, payload)
        return self

    def until_closed(self):
        return self.until(lambda c: c.closed, "the end of the connection")

    def until_end(self, attempt):
        self.until(lambda c: attempt in c.ends, "the end of attempt %d" % attempt)
        return self.ends[attempt]

    def until_refused(self):
        self.until(lambda c: c.refusals, "a refusal")
        return self.refusals.pop(0)

    def until_pong(self, nonce=7):
        """Everything sent before this was handled when it returns."""
        self.send(ap.ping(nonce))
        self.until(lambda c: any(p["nonce"] == nonce for p in c.pongs), "PONG")
        self.pongs = [p for p in self.pongs if p["nonce"] != nonce]
        return self

    def status(self):
        return self.statuses[-1]


class Box:
    """An agent's directory, the process in it, and everything any controller has committed."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="ffagent-")
        self.dir = os.path.join(self.home, "dir")
        self.endpoint = "unix:" + os.path.join(self.home, "sock")
        self.secret = os.urandom(32)
        self.argv, self.runner = [AGENT], RUNNER  # of another machine: fflib/foreign.py
        self.pid = None
        self.chunks = {}
        self.controllers = []

    # ---- the process ----

    def spawn(self, *options, **popen):
        argv = [*self.argv, "--dir", self.dir, "--listen", self.endpoint, *options]
        return subprocess.run(argv, input=self.secret, capture_output=True, timeout=PATIENCE,
                              **popen)

    def start(self, *options, **popen):
        done = self.spawn(*options, **popen)
        if done.returncode:
            raise AssertionError("agent: %d %s" % (done.returncode, done.stderr.decode()))
        first = done.stdout.decode().splitlines()[0]
        assert first.startswith("ready "), first
        self.reached = first[len("ready "):]
        with open(os.path.join(self.dir, "agent.pid")) as f:
            self.pid = int(f.read())
        return self

    def alive(self, pid=None):
        pid = pid or self.pid
        try:
            with open("/proc/%d/stat" % pid) as f:
                return f.read().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def kill(self, sig=signal.SIGKILL):
        if self.pid and self.alive():
            os.kill(self.pid, sig)
            wait_for(lambda: not self.alive(), "the agent's end")
        self.pid = None

    def connect(self):
        kind, _, where = self.reached.partition(":")
        if kind == "tcp":
            host, port = where.split(":")
            return socket.create_connection((host, int(port)), PATIENCE)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.settimeout(PATIENCE)
        s.connect("\0" + where if kind == "abstract" else where)
        return s

    def controller(self, commit=True, farm="farm-a", epoch=1, lease_ms=60000, versions=(1, 3)):
        c = Controller(self, commit)
        c.send(ap.hello(self.secret, farm, epoch, versions))
        c.until(lambda c: c.welcome, "WELCOME")
        if lease_ms:
            c.send(ap.lease(epoch, lease_ms))
        return c

    def log(self):
        try:
            with open(os.path.join(self.dir, "agent.log")) as f:
                return f.read()
        except OSError:
            return ""

    # ---- files and plans ----

    def push(self, content, executable=False):
        sha = hashlib.sha256(content).hexdigest()
        os.makedirs(os.path.join(self.dir, "files"), exist_ok=True)
        path = os.path.join(self.dir, "files", sha)
        with open(path, "wb") as f:
            f.write(content)
        os.chmod(path, 0o755 if executable else 0o644)
        return sha

    def plan(self, orders=None, runs=0, paced=0, sustained=0, **changes):
        """A plan for the fake runner; orders: see fakerunner.c."""
        def block(n, period_ns=0):
            return dict(on=1, min_runs=n, max_runs=n, period_ns=period_ns) if n else {}

        with open(self.runner, "rb") as f:
            runner = self.push(f.read(), executable=True)
        model = b"a model" * 1000
        return ap.plan(**{**dict(
            runner_sha256=runner, model_sha256=self.push(model), model_bytes=len(model),
            runtime_sha256=self.push(b"a runtime"), session_options=orders or {},
            back2back=block(runs), paced=block(paced, 16666667), sustained=block(sustained)),
            **changes})

    def scratch(self, attempt, name):
        return os.path.join(self.dir, "scratch", str(attempt), name)

    def go(self, attempt):
        """Lets a fake runner that holds go on."""
        with open(self.scratch(attempt, "go"), "w"):
            pass

    def spool(self, attempt, name=""):
        return os.path.join(self.dir, "spool", str(attempt), name)

    # ---- what was committed ----

    def store(self, m):
        """A chunk may come again, but never with another content: packed for an older controller, it means
        the same."""
        key = m["attempt"], m["boot"], m["stream"], m["seq"]
        first = self.chunks.setdefault(key, m)
        assert first == m or (m["kind"] >= ap.COUNTER and m["n"] and
                              ap.unpack(first["payload"]) == ap.unpack(m["payload"]) and
                              {**first, "payload": 0} == {**m, "payload": 0}), \
            "chunk %s came with two contents" % (key,)

    def boots(self, attempt):
        return {k[1] for k in self.chunks if k[0] == attempt}

    def stream(self, attempt, stream):
        """(declaration, chunks behind it), checked to be without a gap."""
        found = {k[3]: m for k, m in self.chunks.items() if k[0] == attempt and k[2] == stream}
        assert sorted(found) == list(range(1, len(found) + 1)), "gap in stream %d" % stream
        if not found:
            return None, []
        return ap.decl(found[1]["payload"]), [found[i] for i in range(2, len(found) + 1)]

    def series(self, attempt, stream):
        return [p for m in self.stream(attempt, stream)[1] for p in ap.unpack(m["payload"])]

    def facts(self, attempt):
        """key → values, in order."""
        out = {}
        for m in self.stream(attempt, 0)[1]:
            for f in ap.facts(m["payload"], m["n"]):
                out.setdefault(f["key"], []).append(f["value"])
        return out

    def fact(self, attempt, key):
        values = self.facts(attempt).get(key)
        assert values and len(values) == 1, "%s: %s" % (key, values)
        return values[0]

    def text(self, attempt):
        return b"".join(m["payload"] for m in self.stream(attempt, 1)[1]).decode(errors="replace")

    def complete(self, attempt, end):
        """Whether everything that END lists is here, and nothing else."""
        have = {}
        for a, _, stream, seq in self.chunks:
            if a == attempt:
                have[stream] = max(have.get(stream, 0), seq)
        return have == end["streams"]

    def remove(self):
        for c in self.controllers:
            c.close()
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


class AgentTest(unittest.TestCase):
    def setUp(self):
        self.box = Box()
        self.addCleanup(self.box.remove)

    def tearDown(self):
        log = self.box.log()
        self.assertNotIn("runtime error", log)  # of the sanitizers, where it is built with them
        self.assertNotIn("Sanitizer", log)
        outcome = self._outcome.result
        if any(t is self for t, _ in outcome.failures + outcome.errors):
            print("---- agent's log ----\n" + log)

    def run_to_end(self, attempt, plan, controller=None, discard=True, **kw):
        """START, all chunks, END, DISCARD: returns END."""
        c = controller or self.box.controller(**kw)
        c.send(ap.start(1, attempt, plan))
        end = c.until_end(attempt)
        self.assertTrue(self.box.complete(attempt, end), "streams are incomplete")
        if discard:
            c.send(ap.discard(attempt))
            c.until_pong()
            self.assertFalse(os.path.exists(self.box.spool(attempt)))
        return end
