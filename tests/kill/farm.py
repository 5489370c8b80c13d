# SPDX-License-Identifier: Apache-2.0
"""A farm that is to be killed: a daemon, this machine and virtual phones as its devices, a client that
repeats what it got no answer to, and a keeper that holds on to what agents write before they may delete
it. Everything here outlives the death of anything else here."""

import hashlib
import http.client
import json
import os
import queue
import shutil
import signal
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.request

from fflib import agentproto as ap, daemon as ff
from fflib.agentbox import BUILD, PATIENCE, wait_for
from fflib.daemon import Daemon, children_of, is_alive
from fflib.phone import PHONE
from fflib.phonefarm import descendants

from faults import Faults

HOME_ON_PHONE = "data/local/tmp/framefarm"
ITERATIONS = range(3, 35, 2)  # streams of the ring's blocks; behind each is that of the same without waiting
LOST = (OSError, http.client.HTTPException, ValueError)  # of a daemon that died while it answered


def sha_of(data):
    return hashlib.sha256(data).hexdigest()


# ---- events ----

class Events:
    """The daemon's events over its restarts. A hook is called with each, on the thread that reads, so
    that it can act while what was said still holds; it is dropped once it has returned true."""

    def __init__(self):
        self.seen, self.hooks, self.last = [], [], 0
        self.lock = threading.Lock()
        self.stream = None

    def follow(self, d):
        request = urllib.request.Request(d.url + "/api/v1/events?after=%d" % self.last,
                                         headers={"Authorization": "Bearer " + d.token})
        self.stream = urllib.request.urlopen(request, timeout=PATIENCE)
        thread = threading.Thread(target=self.read, args=(self.stream,), daemon=True)
        thread.start()

    def read(self, stream):
        try:
            for line in stream:
                if line.startswith(b"data: "):
                    self.take(json.loads(line[6:]))
        except (AttributeError, *LOST):
            pass  # the daemon is dead

    def take(self, e):
        with self.lock:
            if e.get("id"):
                if e["id"] <= self.last:
                    return
                self.last = e["id"]
                self.seen.append(e)
            hooks = list(self.hooks)
        for hook in hooks:
            if hook(e):
                self.unhook(hook)

    def hook(self, fn):
        with self.lock:
            self.hooks.append(fn)
        return fn

    def unhook(self, fn):
        with self.lock:
            if fn in self.hooks:
                self.hooks.remove(fn)

    def state(self, topic, subject):
        """The last that was said of something."""
        with self.lock:
            for e in reversed(self.seen):
                if (e["topic"], e["subject"]) == (topic, subject):
                    return e["to"]
        return None


# ---- devices ----

class Local:
    """This machine."""
    name, virtual = "local", False

    def __init__(self, farm):
        self.farm = farm
        self.home = os.path.join(farm.data, "devices/local/device")
        self.id = None

    def agents(self):
        """Of this very directory: numbers are used again."""
        want = ("--dir=" + self.home).encode()
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % entry, "rb") as f:
                    if want in f.read().split(b"\0") and is_alive(int(entry)):
                        found.append(int(entry))
            except OSError:
                pass
        return found

    def runners(self):
        agents = self.agents()
        return [p for a in agents for p in children_of(a) if p not in agents and is_alive(p)]


class Phone:
    """A virtual phone, in a process of its own that is killed and started again on the same storage."""
    virtual = True

    def __init__(self, farm, *options):
        self.farm, self.options = farm, list(options)
        self.dir = os.path.join(farm.dir, "phone%d" % len(farm.devices))
        self.address, self.process, self.id, self.name = "127.0.0.1:0", None, None, None
        self.start()
        self.home = os.path.join(self.dir, self.serial, "root", HOME_ON_PHONE)

    def start(self):
        port = self.address.rpartition(":")[2]
        self.process = subprocess.Popen(
            [PHONE, "--port", port, "--dir", self.dir, *self.options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=dict(os.environ, TMPDIR=self.farm.dir))
        line = self.process.stdout.readline().split()
        if len(line) < 3:
            raise AssertionError("the phone does not start: %s" % line)
        self.address, self.serial = line[1], line[2].partition("=")[2]

    def kill(self, sig=signal.SIGKILL):
        family = [self.process.pid, *descendants(self.process.pid, b"")]
        self.process.send_signal(sig)
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        wait_for(lambda: not any(map(is_alive, family)), "everything on the phone to end with it")

    def agents(self):
        return [p for p in descendants(self.process.pid, b"--secret-file") if is_alive(p)]

    def runners(self):
        return [p for p in descendants(self.process.pid, b"framefarm-runner") if is_alive(p)]


class Attempt:
    """What lies in an agent's spool of its newest attempt; read from outside."""

    def __init__(self, device):
        self.number, self.dir = 0, None
        spool = os.path.join(device.home, "spool")
        try:
            numbers = [int(n) for n in os.listdir(spool) if n.isdigit()]
        except OSError:
            numbers = []
        if numbers:
            self.number = max(numbers)
            self.dir = os.path.join(spool, str(self.number))

    def has(self, name):
        return bool(self.dir) and os.path.exists(os.path.join(self.dir, name))

    def ring(self):
        """(records, blocks opened, blocks closed), or None."""
        try:
            with open(os.path.join(self.dir, "ring"), "rb") as f:
                head = f.read(32)
            return struct.unpack_from("<QII", head, 16)
        except (OSError, TypeError, struct.error):
            return None


    def sealed(self):
        """Iterations that stand in its chunks: the ring holds them too."""
        try:
            with open(os.path.join(self.dir, "frames"), "rb") as f:
                data = f.read()
        except (OSError, TypeError):
            return 0
        chunks = (ap.chunk(payload) for kind, payload in ap.frames(data, checked=False) if kind == ap.CHUNK)
        return sum(c["n"] for c in chunks if c["stream"] in ITERATIONS and c["seq"] > 1)


# ---- the client ----

class Client(threading.Thread):
    """Sends jobs as a CI would: with a key, again and again until there is an answer."""

    def __init__(self, farm):
        super().__init__(daemon=True)
        self.farm = farm
        self.waiting = queue.Queue()
        self.accepted, self.repeats, self.serial = {}, 0, 0
        self.start()

    def submit(self, spec):
        """Returns the key at once."""
        self.serial += 1
        key = "kill-%d" % self.serial
        self.body = json.dumps(spec).encode()
        self.waiting.put((key, self.body))
        return key

    def run(self):
        while True:
            key, body = self.waiting.get()
            while key not in self.accepted and not self.farm.over:
                self.post(key, body)
            self.waiting.task_done()

    def post(self, key, body):
        try:
            d = self.farm.up()
            a = d.http("POST", "/api/v1/jobs", body,
                       {"Idempotency-Key": key, "Content-Type": "application/json"})
        except LOST:
            self.repeats += 1
            self.farm.turn()
            return
        if a.status in (200, 201):
            self.accepted[key] = a.json["id"]
        elif a.status not in (429, 503, 507):
            raise AssertionError("POST /jobs: %d %s" % (a.status, a.body))
        else:
            self.farm.turn(0.05)


# ---- the keeper ----

class Keeper(threading.Thread):
    """Holds a second name for every file of every spool, so that its bytes stay when the agent is told
    that it may delete them: what was acknowledged can be held against what was stored."""
    NAMES = ("frames", "ring", "end.tmp", "end", "meta")

    def __init__(self, farm):
        super().__init__(daemon=True)
        self.farm, self.dir = farm, os.path.join(farm.dir, "kept")
        self.known, self.files = set(), {}  # (device, attempt, name) → paths
        os.mkdir(self.dir)

    def look(self):
        for device in list(self.farm.devices):
            spool = os.path.join(device.home, "spool")
            try:
                attempts = [n for n in os.listdir(spool) if n.isdigit()]
            except OSError:
                continue
            for attempt in attempts:
                for name in self.NAMES:
                    self.hold(device, attempt, name, os.path.join(spool, attempt, name))

    def hold(self, device, attempt, name, path):
        try:
            key = os.lstat(path).st_ino, attempt, name.partition(".")[0]
            if key in self.known:
                return
            kept = os.path.join(self.dir, "%s-%s-%s-%d" % (device.name, attempt, name, len(self.known)))
            os.link(path, kept)
        except OSError:
            return
        self.known.add(key)
        self.files.setdefault((device.name, int(attempt), key[2]), []).append(kept)

    def run(self):
        while not self.farm.over:
            self.look()
            self.farm.turn(0.004)


# ---- all of it ----

class Farm:
    def __init__(self, folder, rng):
        self.dir, self.rng = folder, rng
        self.data = os.path.join(folder, "data")
        self.over, self.ended, self.options = False, threading.Event(), []
        self.faults = Faults(os.path.join(folder, "faults"))
        self.tools = self.own_tools()
        self.uploads = []  # hashes of files that were accepted
        self.sent = set()  # and of those that jobs need
        self.devices, self.starts = [], {"controller": 0, "phone": 0}
        self.devices.append(Local(self))
        self.events = Events()
        self.daemon, self.is_up = None, threading.Event()

    def own_tools(self):
        """What is pushed to devices, in a directory where an agent can take another's place."""
        tools = os.path.join(self.dir, "tools")
        os.mkdir(tools)
        for name in ("framefarm-runner-onnxruntime", "x86_64"):
            os.symlink(os.path.abspath(os.path.join(BUILD, name)), os.path.join(tools, name))
        shutil.copy(os.path.join(BUILD, "framefarm-agent"), tools)
        return tools

    def new_agent(self):
        """Another build of it: the same program with another hash."""
        path = os.path.join(self.tools, "framefarm-agent")
        with open(path, "rb") as f:
            program = f.read()
        with open(path + ".new", "wb") as f:
            f.write(program + b"\0")
        os.chmod(path + ".new", 0o755)
        os.rename(path + ".new", path)

    def begin(self):
        self.client, self.keeper = Client(self), Keeper(self)
        self.start()
        self.keeper.start()

    def turn(self, s=0.002):
        """Gives way for a moment; what is waited for is looked at again behind it."""
        self.ended.wait(s)

    # ---- the daemon ----

    def spawn(self):
        addresses = [x for p in self.devices if p.virtual for x in ("--adb", p.address)]
        env = dict(os.environ, LD_PRELOAD=Faults.preload(BUILD), FRAMEFARM_FAULTS=self.faults.path,
                   FRAMEFARM_ORT=ff.find_ort() or "")
        self.daemon = Daemon(self.data, "--match-time", "1m", "--cool-time", "1s", "--tools", self.tools,
                             "--reattach-time", "1m", *addresses, *self.options, env=env)
        self.starts["controller"] += 1
        return self.daemon.spawn()

    def start(self):
        self.reach(self.spawn())

    def reach(self, d):
        d.reach()
        self.events.follow(d)
        self.is_up.set()
        self.learn()

    def up(self):
        """The daemon, once it can be asked."""
        self.is_up.wait(PATIENCE)
        return self.daemon

    def died(self):
        self.is_up.clear()
        return self.daemon.process.wait(PATIENCE)

    def restart_phone(self, phone):
        self.starts["phone"] += 1
        phone.start()

    def learn(self):
        """Which of the farm's devices is which of ours."""
        def look():
            for row in self.daemon.get("/api/v1/devices")["devices"]:
                for device in self.devices:
                    if device.virtual and row["where"] == "tcp " + device.address and row["key"][0] != "?":
                        device.id, device.name = row["id"], row["name"]
                    elif not device.virtual and row["name"] == device.name:
                        device.id = row["id"]
        look()

    def identified(self):
        def look():
            self.learn()
            return all(d.id for d in self.devices if "--deny" not in getattr(d, "options", ()))
        until(look, "every device to be known")

    # ---- work ----

    def submit(self, device=None, **measure):
        """A job for one device, or for any two of them."""
        devices = {"select": {"virtual": "any"}, "count": 2}
        if device:
            devices = {"select": {"id": device.id, "virtual": "any"}}
        job = ff.mlp_job(devices=devices, measure=dict({"baseline_ms": 60}, **measure), retries=8)
        variant = job["model"]["variants"][0]
        with open(variant["file"], "rb") as f:
            variant["file"] = self.upload(f.read(), "mlp.onnx")
        return self.client.submit(job)

    def upload(self, data, name):
        """Once: who waits for a daemon's death must not wait for its answer."""
        sha, bound = sha_of(data), deadline(2 * PATIENCE)
        while not self.over and sha not in self.sent:
            try:
                d = self.up()
                if d.http("HEAD", "/api/v1/files/" + sha).status == 200 or \
                        d.http("PUT", "/api/v1/files/" + sha, data).status in (200, 201):
                    self.sent.add(sha)
                    break
            except LOST:
                pass
            bound("an upload")
            self.turn()
        return {"sha256": sha, "bytes": len(data), "name": name}

    def unfinished(self):
        done = {e["subject"] for e in self.events.seen
                if e["topic"] == "job" and e["to"] in ("completed", "errored", "cancelled")}
        return [j for j in self.client.accepted.values() if j not in done]

    def idle(self, device):
        return self.events.state("device", device.id) == "ready"

    # ---- the end ----

    def end(self):
        """In order; what is left behind is for the proof to find."""
        self.over = True
        self.ended.set()
        if self.daemon and self.daemon.process.poll() is None:
            self.daemon.stop()
        for d in self.devices:
            for pid in d.agents():
                os.kill(pid, signal.SIGTERM)
            wait_for(lambda d=d: not d.agents(), "the agent of %s to end" % d.name)
            if d.virtual and d.process.poll() is None:
                d.kill(signal.SIGTERM)

    def destroy(self):
        """Whatever happened: the daemon first, which would start agents anew."""
        self.over = True
        self.ended.set()
        if self.daemon and self.daemon.process.poll() is None:
            self.daemon.process.kill()
            self.daemon.process.wait()
        for d in self.devices:
            if d.virtual and d.process.poll() is None:
                d.process.kill()
                d.process.wait()
            for pid in [] if d.virtual else d.agents():
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)


def until(look, what, every=0.04):
    """As wait_for(), for what is asked of the daemon, which serves a client so often and no more."""
    bound, pause = deadline(PATIENCE), threading.Event()
    while True:
        got = look()
        if got:
            return got
        bound(what)
        pause.wait(every)


def deadline(seconds):
    """A bound that only a failure reaches: call it in a loop."""
    until = time.monotonic() + seconds

    def check(what):
        if time.monotonic() > until:
            raise AssertionError("waited in vain for " + what)
    return check
