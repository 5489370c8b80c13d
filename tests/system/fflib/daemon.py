# SPDX-License-Identifier: Apache-2.0
"""A real daemon with a data directory of its own, the real CLI, and plain HTTP beside it. Nothing
sleeps: every wait is for a condition, with a bound that only a failure reaches."""

import glob
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

from .agentbox import BUILD, PATIENCE, wait_for

PROGRAM = os.path.abspath(os.path.join(BUILD, "framefarm"))
# The daemon may be another build (one with a sanitizer) than the rest.
DAEMON = os.path.abspath(os.environ.get("FRAMEFARM_DAEMON", PROGRAM))
MODELS = os.path.abspath(os.environ.get("FRAMEFARM_MODELS", os.path.join(BUILD, "models")))

# Exit codes of the CLI (controller/base/exitcode.h).
PASS, USAGE, PERMISSION, UNREACHABLE = 0, 2, 3, 4
BUDGET, GOLDEN, GATE, INCONCLUSIVE, WAIT, UNSATISFIABLE, CANCELLED, INFRASTRUCTURE = (
    10, 12, 13, 15, 16, 18, 19, 20)


def find_ort():
    """A daemon of another build directory does not find the tree's own library by itself."""
    here = glob.glob(os.path.join(os.path.dirname(__file__), "../../../.cache/ort/[0-9]*/lib*.so*"))
    return os.environ.get("FRAMEFARM_ORT") or (os.path.abspath(here[0]) if here else None)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Daemon:
    """`framefarm serve --local`, which leaves the phones of whoever tests alone unless usb says otherwise;
    its address and token are read where the CLI reads them. wrap: a command that runs it."""

    def __init__(self, data, *options, env=None, wrap=(), usb=False):
        self.data, self.options, self.env = data, list(options), env
        self.wrap, self.usb = list(wrap), usb
        if not usb:
            self.options.insert(0, "--no-usb")
        if "--listen" not in options:
            self.options += ["--listen", "127.0.0.1:0"]
        if "--log-level" not in options:
            self.options += ["--log-level", "debug"]
        if "--tools" not in options:
            self.options += ["--tools", os.path.abspath(BUILD)]
        if find_ort() and (env is None or usb):
            self.env = dict(env or os.environ, FRAMEFARM_ORT=find_ort())
        self.process, self.url = None, None
        self.log_path = data + ".log"

    def url_file(self):
        return os.path.join(self.data, "url")

    def spawn(self):
        """Begins to start; reach() waits until it can be asked."""
        if os.path.exists(self.url_file()):
            os.unlink(self.url_file())
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrap, DAEMON, "serve", "--data", self.data, "--local", *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)
        return self

    def start(self):
        return self.spawn().reach()

    def reach(self):
        wait_for(lambda: os.path.exists(self.url_file()) or self.process.poll() is not None,
                 "the daemon to listen")
        if self.process.poll() is not None:
            raise AssertionError("the daemon ended:\n" + self.log_text())
        with open(self.url_file()) as f:
            self.url = f.read().strip()
        with open(os.path.join(self.data, "admin.token")) as f:
            self.token = f.read().strip()
        return self

    def log_text(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE)

    def stop(self):
        if self.usb and self.process.poll() is None:
            # umockdev 0.17 keeps the signal mask that it restores in one place for all threads: now
            # and then every signal stays blocked, and SIGTERM waits for ever.
            self.kill()
        elif self.process and self.process.poll() is None:
            code = self.kill(signal.SIGTERM)
            if code:
                raise AssertionError("the daemon ended with %d:\n%s" % (code, self.log_text()))

    def http(self, method, path, body=None, headers=None, token=True):
        headers = dict(headers or {})
        if token:
            headers.setdefault("Authorization", "Bearer " + self.token)
        request = urllib.request.Request(self.url + path, data=body, headers=headers,
                                         method=method)
        while True:
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as r:
                    return Answer(r.status, r.headers, r.read())
            except urllib.error.HTTPError as e:
                if e.code != 429:
                    return Answer(e.code, e.headers, e.read())
                # Several tests' waits at once may be too many: as every client should.
                select.select([], [], [], float(e.headers["Retry-After"]))

    def get(self, path):
        a = self.http("GET", path)
        if a.status != 200:
            raise AssertionError("GET %s: %d %s" % (path, a.status, a.body))
        return a.json

    def agent_pid(self):
        with open(os.path.join(self.data, "devices/local/device/agent.pid")) as f:
            return int(f.read().split()[0])


def children_of(pid):
    """Processes whose parent is pid."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/%s/stat" % entry) as f:
                    if int(f.read().rsplit(")", 1)[1].split()[1]) == pid:
                        found.append(int(entry))
            except (OSError, IndexError):
                pass
    return found


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class DaemonTest(unittest.TestCase):
    """A temporary directory, a daemon in it and the CLI; agents and daemons end with the test."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="ff-")
        self.data = os.path.join(self.dir, "data")
        self.daemons = []

    def tearDown(self):
        try:
            for d in self.daemons:
                d.stop()  # in order, so that a sanitizer has its say
        finally:
            for d in self.daemons:
                if d.process and d.process.poll() is None:
                    d.process.kill()
                    d.process.wait()
            self.end_agents()
            shutil.rmtree(self.dir, ignore_errors=True)

    def end_agents(self):
        """Agents outlive their daemon by design; here none must outlive the test, also none whose directory
        was given to another one or removed. Every agent has its directory on its command line; a virtual
        phone's has that of its own name space there."""
        ours = ("--dir=%s/" % self.dir).encode()
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % entry, "rb") as f:
                    if not any(a.startswith(ours) for a in f.read().split(b"\0")):
                        continue
                os.kill(int(entry), signal.SIGKILL)
            except OSError:
                continue
            wait_for(lambda pid=int(entry): not is_alive(pid), "the agent to end")

    def daemon(self, *options, env=None):
        d = Daemon(self.data, *options, env=env)
        self.daemons.append(d)
        return d.start()

    def cli(self, *args, check=None, text=None):
        env = {k: v for k, v in os.environ.items() if not k.startswith("FRAMEFARM_")}
        env["FRAMEFARM_DATA"] = self.data
        r = subprocess.run([PROGRAM, *args], env=env, text=True, capture_output=True,
                           input=text or "", timeout=4 * PATIENCE)
        if check is not None and r.returncode != check:
            raise AssertionError("framefarm %s: exit code %d, not %d\n%s\n%s\n--- daemon\n%s" % (
                " ".join(args), r.returncode, check, r.stdout, r.stderr,
                self.daemons[-1].log_text() if self.daemons else ""))
        return r

    def job_file(self, job, name="job.json"):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(job if isinstance(job, str) else json.dumps(job))
        return path

    def wait_state(self, d, job, states, what="runs"):
        """Until some run of the job is in one of the states; returns that run."""
        def look():
            for run in d.get("/api/v1/jobs/" + job)["runs"]:
                if run["state"] in states:
                    return run
            return None
        return wait_for(look, "a run of %s to be %s" % (job, " or ".join(states)))

    def wait_phase(self, d, job, phase):
        def look():
            for run in d.get("/api/v1/jobs/" + job)["runs"]:
                if run["progress"] and run["progress"]["phase"] == phase:
                    return run
            return None
        return wait_for(look, "a run of %s to be in %s" % (job, phase))


def mlp_job(**more):
    """The tiny MLP, measured for a third of a second: 320 releases at 1 kHz."""
    job = {
        "schema": "framefarm.job/1",
        "name": "mlp",
        "model": {"name": "mlp", "variants": [
            {"name": "fp32", "file": os.path.join(MODELS, "mlp_16_32_10.onnx")}]},
        "runner": {"name": "onnxruntime", "threads": 1},
        "inputs": [{"name": "input", "fill": "normal", "seed": 7}],
        "measure": {"pace_hz": 1000, "min_runs": 320, "min_ms": 320, "max_ms": 20000,
                    "warmup_min_ms": 10, "warmup_max_ms": 500, "baseline_ms": 50,
                    "thermal_wait_ms": 0},
        "devices": {"select": {"kind": "local"}},
        "budget": {"ms": 10000},
    }
    measure = more.pop("measure", None)
    job.update(more)
    if measure:
        job["measure"] = dict(job["measure"], **measure)
    return job
