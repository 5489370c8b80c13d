# SPDX-License-Identifier: Apache-2.0
"""Where each process is killed. An aim brings the farm to a state, waits for the moment, kills, and says
what was really hit: of the controller what its store holds at its death, of the others what a stopped
process has around it. A random delay here chooses the place within a state; nothing waits for it."""

import os
import shutil
import signal
import socket
import sqlite3
import threading

from fflib import daemon as ff
from fflib.agentbox import PATIENCE, wait_for
from fflib.daemon import is_alive

import faults
from farm import LOST, Attempt, deadline, sha_of, until

DEVICE = ("", "absent", "detected", "identifying", "authorizing", "needs_human", "preparing", "ready",
          "leased", "busy", "cleaning", "cooling", "recovering", "quarantined", "retired", "service")
LEASE = ("", "waiting", "granted", "active", "releasing")
RUN = ("", "queued", "assigned", "staging", "running", "reattaching", "collecting")
ATTEMPT = ("", "staging", "started", "collecting", "stored")
# These last no longer than one transaction (cooling: where nothing got warm): they are hit where the
# newest one went through them.
PASSING = ("run assigned", "device detected", "device leased", "device cooling", "lease granted")

CHUNK = 1024        # iterations that an agent seals together: they are on their way when it dies
TRIES = 30          # of one aim, until it is given up and the check fails
GIVE_UP_S = PATIENCE


class Miss(Exception):
    """The moment was over before the kill; the aim is tried again."""


# ---- the controller ----

def states_at_death(farm):
    """What the dead daemon's store says, from a copy: the next daemon finds it untouched."""
    copy = os.path.join(farm.dir, "autopsy")
    shutil.rmtree(copy, ignore_errors=True)
    os.mkdir(copy)
    for name in ("control.db", "control.db-wal"):
        if os.path.exists(os.path.join(farm.data, name)):
            shutil.copy(os.path.join(farm.data, name), copy)
    db = sqlite3.connect(os.path.join(copy, "control.db"))
    found = set()
    try:
        for table, names in (("devices", DEVICE), ("leases", LEASE), ("runs", RUN), ("attempts", ATTEMPT)):
            found |= {"%s %s" % (table[:-1], names[s]) for s, in
                      db.execute("SELECT DISTINCT state FROM " + table) if s < len(names)}
        newest = {"%s %s" % e for e in db.execute(
            "SELECT topic, to_state FROM events WHERE at_ms = (SELECT max(at_ms) FROM events)")}
    finally:
        db.close()
    return found | {s for s in newest if s in PASSING}


def bury(farm, doing=()):
    """The daemon is dead: what was hit; and the next one."""
    farm.died()
    hit = states_at_death(farm) | set(doing)
    farm.start()
    return hit


class OnEvent:
    """When an event is told, at once or a moment later."""

    def __init__(self, state, topic, to, prod, delay_ms=2, tidy=None):
        self.process, self.state = "controller", state
        self.topic, self.to, self.prod, self.delay_ms, self.tidy = topic, to, prod, delay_ms, tidy

    def kill(self, farm):
        told = threading.Event()
        skip = farm.rng.choice((0, 0, 1)) if self.prod is work else 0
        delay = farm.rng.choice((0, farm.rng.uniform(0, self.delay_ms / 1000)))
        pid, seen = farm.daemon.process.pid, []

        def hook(e):
            if (e.get("topic"), e.get("to")) != (self.topic, self.to):
                return False
            seen.append(e)
            if len(seen) <= skip:
                return False
            farm.turn(delay)
            os.kill(pid, signal.SIGKILL)
            told.set()
            return True

        farm.events.hook(hook)
        bound = deadline(GIVE_UP_S)
        while not told.is_set():
            self.prod(farm)
            bound("%s %s" % (self.topic, self.to))
            told.wait(1)

    def go(self, farm):
        self.kill(farm)
        hit = bury(farm)
        if self.tidy:
            self.tidy(farm)
        return hit


class Reattaching:
    """Again, while what was running is looked for."""
    process, state = "controller", "run reattaching"

    def go(self, farm):
        OnEvent("", "run", "running", work).kill(farm)
        farm.died()
        farm.count(self.process, *states_at_death(farm))
        d = farm.spawn()
        d.reach()
        farm.turn(farm.rng.uniform(0, 0.01))
        d.process.kill()
        return bury(farm)


class Stored:
    """Between an attempt's last sample and its verdict there are two transactions: in the second."""
    process, state = "controller", "attempt stored"

    def go(self, farm):
        farm.events.hook(lambda e: (e.get("topic"), e.get("to")) == ("run", "collecting") and (
            farm.faults.set(faults.DIE, os.path.join(farm.data, "control.db"),
                            after=farm.rng.randrange(4, 20)) or True))
        bound = deadline(GIVE_UP_S)
        while farm.daemon.process.poll() is None:
            work(farm)
            bound("a run that is collected")
            farm.turn(0.01)
        farm.faults.off()
        return bury(farm)


class Starting:
    """Somewhere between its exec and the first devices."""
    process, state = "controller", "starting"

    def go(self, farm):
        work(farm)
        farm.daemon.process.kill()
        farm.died()
        farm.count(self.process, *states_at_death(farm))
        d = farm.spawn()
        farm.turn(farm.rng.uniform(0, 0.03))
        began = not os.path.exists(d.url_file())
        d.process.kill()
        return bury(farm, ["starting"] if began else [])


class Stopping:
    """Between SIGTERM and its end."""
    process, state = "controller", "stopping"

    def go(self, farm):
        work(farm)
        wait_for(lambda: any(farm.events.state("run", e["subject"]) == "running"
                             for e in list(farm.events.seen)[-80:] if e["topic"] == "run")
                 or not farm.unfinished(), "a run")
        farm.daemon.process.send_signal(signal.SIGTERM)
        farm.turn(farm.rng.uniform(0, 0.006))
        farm.daemon.process.kill()
        code = farm.daemon.process.wait(PATIENCE)
        return bury(farm, ["stopping"] if code == -signal.SIGKILL else [])


class Uploading:
    """After a random byte of a file that somebody sends."""
    process, state = "controller", "uploading"
    SIZE = 3 << 20

    def go(self, farm):
        data = farm.rng.randbytes(self.SIZE)
        d, sha = farm.up(), sha_of(data)
        host, port = d.url.rpartition("/")[2].split(":")
        with socket.create_connection((host, int(port)), PATIENCE) as s:
            s.sendall(("PUT /api/v1/files/%s HTTP/1.1\r\nHost: %s:%s\r\nAuthorization: Bearer %s\r\n"
                       "Content-Length: %d\r\n\r\n" % (sha, host, port, d.token, len(data))).encode())
            s.sendall(data[:farm.rng.randrange(1, len(data))])
            folder = os.path.join(farm.data, "files", "tmp")
            wait_for(lambda: any(os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder)),
                     "a part of the upload to be there")
            d.process.kill()
        hit = bury(farm, ["uploading"])
        if os.listdir(folder):
            raise AssertionError("the next daemon leaves %s" % os.listdir(folder))
        farm.upload(data, "again")
        farm.uploads.append(sha)
        return hit


class Committing:
    """It dies inside a write, a sync, a truncation of this file, which may be half done."""
    process = "controller"

    def __init__(self, what, path):
        self.state, self.path = "committing " + what, path

    def go(self, farm):
        farm.faults.set(faults.DIE, os.path.join(farm.data, self.path), after=farm.rng.randrange(40),
                        partial=farm.rng.randrange(1000))
        bound = deadline(GIVE_UP_S)
        while farm.daemon.process.poll() is None:
            if self.path == "files/":
                data = farm.rng.randbytes(100000)
                try:
                    if farm.daemon.http("PUT", "/api/v1/files/" + sha_of(data), data).status == 201:
                        farm.uploads.append(sha_of(data))
                except LOST:
                    pass
            elif len(farm.unfinished()) < 2:
                work(farm)
            bound("a death in the middle of " + self.state)
            farm.turn(0.01)
        farm.faults.off()
        return bury(farm, [self.state])


# ---- what brings the farm there ----

def work(farm):
    if farm.is_up.is_set() and len(farm.unfinished()) < 4:
        farm.submit(farm.rng.choice(farm.usable()))


def ask(farm, word):
    """What an operator asks of the spare phone."""
    def prod(farm_):
        try:
            farm_.daemon.http("POST", "/api/v1/devices/%s/%s" % (farm_.spare.id, word), b"")
        except LOST:
            pass
    return prod


def give_back(word, state):
    """Until the spare phone is ready again."""
    def tidy(farm):
        bound = deadline(GIVE_UP_S)
        while farm.events.state("device", farm.spare.id) not in ("ready", "busy"):
            ask(farm, word)(farm)
            bound("the spare phone")
            farm.turn(0.05)
    return tidy


def lose_an_agent(farm):
    device = farm.devices[0]
    if farm.events.state("device", device.id) in ("ready", "busy"):
        for pid in device.agents():
            os.kill(pid, signal.SIGKILL)
            farm.count("agent", "idle" if not Attempt(device).dir else "sampling")


# ---- agents ----

class OnDevice:
    """A job of its own on one device, a moment of it, a process that is stopped, looked at, killed."""

    def __init__(self, state, device=None, **measure):
        self.state, self.only, self.measure = state, device, measure

    def pick(self, farm):
        return self.only(farm) if self.only else farm.rng.choice(farm.usable())

    def begin(self, farm, device):
        """The job, once it is the device's."""
        key = self.submit(farm, device)
        wait_for(lambda: key in farm.client.accepted, "an accepted job")
        job = farm.client.accepted[key]
        self.until(farm, lambda: self.run_state(farm, job) not in (None, "queued"), "the job's turn")
        return job

    def submit(self, farm, device):
        return farm.submit(device, **self.measure)

    def until(self, farm, look, what):
        bound = deadline(GIVE_UP_S)
        while not look():
            farm.nurse()
            bound(what)
            farm.turn(0.001)

    @staticmethod
    def run_state(farm, job):
        states = [e["to"] for e in list(farm.events.seen) if (e["topic"], e["job"]) == ("run", job)]
        return states[-1] if states else None

    def over(self, farm, job):
        if self.run_state(farm, job) == "completed":
            raise Miss()


def stop_and_look(pids, look):
    """Frozen, so that what is seen is what is killed."""
    pids = [p for p in pids if is_alive(p)]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        seen = look() if pids else None
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        seen = None
    if seen is None:
        raise Miss()
    return seen


class Agent(OnDevice):
    process = "agent"

    def go(self, farm):
        device = self.pick(farm)
        job = None if self.state in ("idle", "restart", "update") else self.begin(farm, device)
        if job is None:
            self.until(farm, lambda: farm.idle(device), "an idle device")
        pids = device.agents()
        self.moment(farm, device, job)
        hit = stop_and_look(pids, lambda: self.look(farm, device, job))
        if self.state in ("restart", "update"):
            hit = self.once_more(farm, device, pids)
        return {hit}

    def moment(self, farm, device, job):
        if self.state == "staged":
            farm.turn(farm.rng.uniform(0, 0.03))
        elif job:
            least = farm.rng.randrange(300)
            want = {"started": lambda a: a.dir, "draining": lambda a: a.has("end"),
                    "half sealed": lambda a: (a.ring() or (0,))[0] > CHUNK + least and a.sealed()}.get(
                self.state, lambda a: (a.ring() or (0,))[0] > least)

            def there():
                self.over(farm, job)
                return want(Attempt(device))
            self.until(farm, there, self.state)

    def look(self, farm, device, job):
        a = Attempt(device)
        if a.has("end"):
            return "draining"
        if a.dir:
            n, sealed = (a.ring() or (0,))[0], a.sealed()
            return "half sealed" if n > sealed > 0 else "sampling" if n else "started"
        return "staged" if job and self.run_state(farm, job) == "staging" else "idle"

    def once_more(self, farm, device, old):
        """The one that takes its place, before the controller has it."""
        farm.count("agent", "idle")
        if self.state == "update":
            farm.new_agent()
        n = len(farm.events.seen)
        self.until(farm, lambda: set(device.agents()) - set(old), "another agent")
        farm.turn(farm.rng.uniform(0, 0.015))

        def look():
            back = any((e["topic"], e["subject"], e["to"]) == ("device", device.id, s)
                       for e in farm.events.seen[n:] for s in ("ready", "busy"))
            return None if back else self.state
        return stop_and_look(device.agents(), look)


# ---- runners ----

class Runner(OnDevice):
    """What has no mark outside is hit by its time, which is another one on a busy machine: a kill that
    came too early or too late says so, and the next waits longer or less."""
    process = "runner"
    PHASES = ("load_cold", "golden", "coverage", "load_warm", "first", "warmup")
    STATES = {"load_cold": "load", "load_warm": "load", "first": "warmup"}
    DELAYS_S = {"load": (0, 0.05), "golden": (0.05, 0.3), "warmup": (0, 0.43)}
    stretch = 1

    def aim_anew(self, phase):
        """Once it was killed in this phase."""
        if self.state in self.DELAYS_S and self.STATES.get(phase, phase) != self.state:
            order = (*self.PHASES, "block", "end")
            early = self.state != "load" and order.index(phase) < order.index(self.state)
            self.stretch *= 1.5 if early else 1 / 1.5

    def submit(self, farm, device):
        return farm.submit_golden(device) if self.state == "golden" else super().submit(farm, device)

    def go(self, farm):
        device = self.pick(farm)
        job = self.begin(farm, device)
        self.wait_for_one(farm, device, job)
        if self.state == "end":
            self.follow(farm, device, job)
        elif self.state in self.DELAYS_S:
            farm.turn(self.stretch * farm.rng.uniform(*self.DELAYS_S[self.state]))
            self.pids = device.runners()  # a load has a process of its own
        phase = stop_and_look(self.pids, lambda: self.look(device)) or self.phase(farm, job)
        self.aim_anew(phase)
        return {self.STATES.get(phase, phase)}

    def wait_for_one(self, farm, device, job):
        """Its process; for what is timed, the one that times."""
        least = farm.rng.randrange(1, 250) if self.state in ("block", "end") else -1

        def there():
            self.over(farm, job)
            if (Attempt(device).ring() or (0,))[0] <= least:
                return False
            self.pids = device.runners()
            return self.pids
        self.until(farm, there, "a runner in its " + self.state)

    def follow(self, farm, device, job):
        """Its end is short: its ring is looked at without a pause."""
        attempt, bound = Attempt(device), deadline(GIVE_UP_S)
        ring = attempt.ring()
        while ring and ring[1] != ring[2]:
            bound("the end of a block")
            ring = attempt.ring()
        self.over(farm, job)

    def look(self, device):
        records, opened, closed = Attempt(device).ring() or (0, 0, 0)
        if opened and opened == closed:
            return "end"
        return "block" if records else ""

    def phase(self, farm, job):
        """Where the agent says that it died."""
        def ended():
            try:
                run = farm.daemon.get("/api/v1/jobs/" + job)["runs"][0]["id"]
                return [a for a in farm.daemon.get("/api/v1/runs/" + run)["attempts"] if a["state"] == "done"]
            except (AssertionError, *LOST):
                return None
        cause = until(ended, "the end of an attempt")[0]["cause"]
        for phase in self.PHASES:
            if "into " + phase in cause:
                return phase
        raise Miss()


# ---- virtual phones ----

class PhoneAim(OnDevice):
    process = "phone"

    def go(self, farm):
        device = self.pick(farm)
        job = None
        if self.state in ("pushing", "running", "collecting"):
            job = self.begin(farm, device)
        else:
            self.until(farm, lambda: farm.idle(device), "an idle phone")
        self.moment(farm, device, job)
        os.kill(device.process.pid, signal.SIGSTOP)
        hit = self.look(farm, device, job)
        device.kill()
        farm.restart_phone(device)
        return {hit}

    def moment(self, farm, device, job):
        if self.state == "connecting":
            n = len(farm.events.seen)
            device.kill()
            farm.count("phone", "idle")
            farm.restart_phone(device)
            want = farm.rng.choice(("detected", "identifying", "preparing"))
            self.until(farm, lambda: any(
                (e["topic"], e["to"]) == ("device", want) for e in farm.events.seen[n:]), want)
        elif self.state == "pushing":
            farm.turn(farm.rng.uniform(0, 0.02))
        elif job:
            least = farm.rng.randrange(300)

            def there():
                self.over(farm, job)
                a = Attempt(device)
                return (a.ring() or (0,))[0] > least if self.state == "running" else \
                    a.has("end") or self.run_state(farm, job) == "collecting"
            self.until(farm, there, self.state)

    def look(self, farm, device, job):
        run = self.run_state(farm, job) if job else None
        if run == "staging":
            return "pushing"
        if run in ("running", "reattaching") and not Attempt(device).has("end"):
            return "running"
        if run in ("running", "collecting"):
            return "collecting"
        state = farm.events.state("device", device.id)
        return "idle" if state in ("ready", "cooling", "cleaning") else "connecting"


# ---- all ----

def aims():
    def local(farm):
        return farm.devices[0]

    def phone(farm):
        return farm.rng.choice(farm.phones())

    found = [OnEvent(topic + " " + state, topic, to, prod, delay, tidy)
             for state, topic, to, prod, delay, tidy in (
        ("assigned", "run", "assigned", work, 0, None),
        ("staging", "run", "staging", work, 10, None),
        ("running", "run", "running", work, 100, None),
        ("collecting", "run", "collecting", work, 5, None),
        ("absent", "device", "absent", reappear, 0, None),
        ("detected", "device", "detected", reappear, 0, None),
        ("identifying", "device", "identifying", reappear, 5, None),
        ("preparing", "device", "preparing", reappear, 10, None),
        ("authorizing", "device", "authorizing", reappear, 5, None),
        ("ready", "device", "ready", work, 2, None),
        ("leased", "device", "leased", work, 0, None),
        ("busy", "device", "busy", work, 50, None),
        ("cleaning", "device", "cleaning", work, 3, None),
        ("cooling", "device", "cooling", work, 3, None),
        ("recovering", "device", "recovering", lose_an_agent, 5, None),
        ("service", "device", "service", ask(None, "detach"), 0, give_back("attach", "needs_human")),
        ("needs_human", "device", "needs_human", ask(None, "detach"), 2, give_back("attach", "needs_human")),
        ("quarantined", "device", "quarantined", ask(None, "quarantine"), 2, give_back("release", "quarantined")),
        ("granted", "lease", "granted", work, 0, None),
        ("active", "lease", "active", work, 20, None),
        ("releasing", "lease", "releasing", work, 2, None))]
    queued = OnEvent("run queued", "job", "queued", work, 0)
    found += [queued] + [OnEvent("attempt " + s, "run", to, work, delay) for s, to, delay in (
        ("staging", "staging", 5), ("started", "staging", 60), ("collecting", "collecting", 5))]
    found.append(Stored())
    found += [Reattaching(), Starting(), Stopping(), Uploading(), Committing("control.db", "control.db"),
              Committing("samples.db", "samples.db"), Committing("a file", "files/")]
    found += [Agent(s) for s in ("staged", "started", "draining", "idle", "restart", "update")]
    found += [Agent("sampling"), Agent("half sealed", min_runs=CHUNK + 800, min_ms=CHUNK + 800)]
    found += [Runner("load"), Runner("warmup", local, warmup_min_ms=400), Runner("block"),
              Runner("golden"), Runner("end")]
    found += [PhoneAim(s, phone) for s in ("connecting", "pushing", "running", "collecting", "idle")]
    return found


def reappear(farm):
    """A phone is unplugged and comes back: its devices go through everything in front of ready."""
    for phone in farm.phones() + farm.strangers():
        if farm.events.state("device", phone.id or "") in ("ready", None):
            phone.kill()
            farm.count("phone", "idle")
            farm.restart_phone(phone)
            return
    work(farm)
