#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A phone that goes, in every state of a run: the attempt ends as an infrastructure error with its cause,
the run goes on elsewhere, and what was measured before stays. Each story says in which states of device
and run it wants the phone to go, and fails where the daemon's events do not have it so."""

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import unittest

from fflib import daemon as ff
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import MODELS, mlp_job
from fflib.phone import ADB, Adb
from fflib.phonefarm import VIRTUAL, PhonesTest, descendants

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../profiles/phones")
FAREWELL = "echo farewell"  # a command after which the phone cannot be reached
LONG = {"min_ms": 4000, "max_ms": 8000}


def part_of(path):
    """The name under which a file is on its way to a phone."""
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()[:60] + ".part"


@unittest.skipUnless(ADB, "no adb here")
class Gone(PhonesTest):
    # Every state of a device and of a run in which a phone can be lost, but for those that last no
    # longer than one step of the core (detected, leased; assigned) or in which it matters to nobody.
    gone_in = set()
    profile, cool = "galaxy-s9", "0s"

    def bad_and_good(self, *options):
        """The one that goes is the one that has been free for longer: it gets the job."""
        self.bad = self.phones("--profile", self.profile, *options)
        self.good = self.phones()
        if FAREWELL in options:
            self.adb = Adb(self.dir)
            self.addCleanup(self.adb.stop)
            self.adb.connect(self.bad.addresses[0])
        d = self.farm(*self.bad.addresses, options=("--reattach-time", "2s", "--cool-time", self.cool))
        self.watcher = self.watch(d)
        return d

    def let_both(self, d):
        self.wait_ready(d, 2)
        self.bad_id = self.device_at(d, self.bad.addresses[0])["id"]
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 3)

    def submit(self, **measure):
        job = self.job_file(mlp_job(devices=VIRTUAL, measure=measure))
        return self.cli("run", job, "--async", check=0).stdout.split()[0]

    def farewell(self):
        self.adb.run("shell", FAREWELL)

    def expect_elsewhere(self, d, job, *words):
        """The verdict comes from the other phone; returns the attempt that was lost."""
        self.cli("job", "wait", job, check=ff.PASS)
        first, second = self.attempts(d, job)
        self.assertEqual((first["failure"], second["failure"]), ("infrastructure", "none"))
        self.assertEqual(first["device"], self.bad_id)
        self.assertNotEqual(second["device"], self.bad_id)
        self.assertTrue(first["cause"])
        self.assertNotIn("lease", first["cause"])
        for word in words:
            self.assertIn(word, first["cause"])
        self.undisturbed(d)
        return first

    def undisturbed(self, d):
        """The other phone was never anything but prepared, used and cleaned."""
        good = self.device_at(d, self.good.addresses[0])["id"]
        seen = {to for _, to in self.watcher.transitions("device", good)}
        self.assertLessEqual(seen, {"detected", "identifying", "preparing", "ready", "leased", "busy",
                                    "cleaning", "cooling"})

    def device_went(self, state, subject=None):
        """What is under way ends before its device does: for that moment it is recovering."""
        def look():
            seen = self.watcher.transitions("device", subject)
            return any(b == (state, "absent") or
                       (a, b) == ((state, "recovering"), ("recovering", "absent"))
                       for a, b in zip(seen, seen[1:]))
        wait_for(look, "a device to go while it is " + state)
        self.gone_in.add("device " + state)

    def run_went(self, state, to):
        self.assertIn((state, to), self.watcher.transitions("run"))
        self.gone_in.add("run " + state)

    # ---- before it is anybody's ----

    def while_it_is_made_ready(self, text, state):
        d = self.bad_and_good("--vanish-at", text)
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 2)
        self.device_went(state)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        self.undisturbed(d)

    def test_identifying(self):
        self.while_it_is_made_ready("ff.uuid", "identifying")

    def test_preparing_its_directory(self):
        self.while_it_is_made_ready("probe.sh", "preparing")

    def test_preparing_as_the_agent_is_pushed(self):
        self.while_it_is_made_ready(part_of(os.path.join(BUILD, "framefarm-agent")), "preparing")

    def test_preparing_as_the_agent_is_started(self):
        self.while_it_is_made_ready("--secret-file", "preparing")

    def test_preparing_as_the_agent_is_connected_to(self):
        self.while_it_is_made_ready("localabstract:framefarm-", "preparing")

    def test_ready(self):
        d = self.bad_and_good("--vanish-at", FAREWELL)
        self.let_both(d)
        self.farewell()
        self.device_went("ready", self.bad_id)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        self.undisturbed(d)

    # ---- in the middle of a run ----

    def while_files_are_staged(self, path):
        d = self.bad_and_good("--vanish-at", part_of(path))
        self.let_both(d)
        self.expect_elsewhere(d, self.submit())
        self.run_went("staging", "queued")

    def test_staging_as_the_runner_is_pushed(self):
        self.while_files_are_staged(os.path.join(BUILD, "framefarm-runner-onnxruntime"))

    def test_staging_as_the_model_is_pushed(self):
        self.while_files_are_staged(os.path.join(MODELS, "mlp_16_32_10.onnx"))

    def test_started_before_the_agent_has_said_so(self):
        d = self.bad_and_good("--vanish-at", FAREWELL)
        self.let_both(d)
        for pid in descendants(self.bad.process.pid, b"framefarm-agent\0") or \
                descendants(self.bad.process.pid, b"--secret-file"):
            os.kill(pid, signal.SIGSTOP)  # START will not be answered
        job = self.submit()
        wait_for(lambda: self.attempts(d, job) and self.attempts(d, job)[0]["state"] == "started",
                 "START to be on its way")
        self.assertEqual(d.get("/api/v1/jobs/" + job)["runs"][0]["state"], "staging")
        self.farewell()
        self.expect_elsewhere(d, job, "out of reach")
        self.run_went("staging", "reattaching")

    def test_running(self):
        d = self.bad_and_good("--vanish-at", FAREWELL)
        self.let_both(d)
        job = self.submit(min_ms=10000, max_ms=20000)  # agents send every five seconds
        self.wait_phase(d, job, "paced")
        first = self.attempts(d, job)[0]
        before = wait_for(lambda: self.samples(d, job, first), "its first samples")
        self.farewell()
        lost = self.expect_elsewhere(d, job, "out of reach")
        self.run_went("running", "reattaching")
        self.run_went("reattaching", "queued")
        self.assertEqual(self.samples(d, job, lost)[:len(before)], before)

    def samples(self, d, job, attempt):
        """What is stored of what the phone said meanwhile."""
        run = d.get("/api/v1/jobs/" + job)["runs"][0]["id"]
        a = d.http("GET", "/api/v1/runs/%s/samples?attempt=%s&stream=mem.available" % (run, attempt["id"]))
        return a.body.decode().splitlines()[1:] if a.status == 200 else []

    @contextlib.contextmanager
    def nothing_is_stored(self, name="samples.db"):
        """Samples (or with control.db what was decided) wait in the daemon meanwhile."""
        db = sqlite3.connect(os.path.join(self.data, name), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")
            db.close()

    def while_it_is_collected(self, away_ms):
        # An agent sends its END while few chunks are not acknowledged: so it finds no counters here.
        d = self.bad_and_good("--vanish-at", FAREWELL, "--quirk", "vanish-for=%d" % away_ms,
                              "--prop", "ro.framefarm.root=/mnt")
        self.let_both(d)
        job = self.submit(min_ms=1000)
        self.wait_phase(d, job, "paced")
        with self.nothing_is_stored():
            self.wait_state(d, job, ["collecting"])
            self.farewell()
            wait_for(lambda: not self.device_at(d, self.bad.addresses[0], link="up"), "the phone to go")
            self.assertEqual(d.get("/api/v1/jobs/" + job)["runs"][0]["state"], "collecting")
        return d, job

    def test_collecting_and_it_comes_back(self):
        d, job = self.while_it_is_collected(500)
        self.cli("job", "wait", job, check=ff.PASS)
        self.assertEqual([a["failure"] for a in self.attempts(d, job)], ["none"])
        self.undisturbed(d)

    def test_collecting_and_it_does_not(self):
        d, job = self.while_it_is_collected(3600_000)
        self.expect_elsewhere(d, job, "out of reach for 2 s")
        self.run_went("collecting", "queued")

    def test_stored_and_not_judged_yet(self):
        """All is there that the verdict needs: nobody is tried again."""
        d = self.bad_and_good("--vanish-at", FAREWELL, "--prop", "ro.framefarm.root=/mnt")
        self.let_both(d)
        job = self.submit(min_ms=1000)
        self.wait_phase(d, job, "paced")
        with contextlib.ExitStack() as decided:
            with self.nothing_is_stored():
                self.wait_state(d, job, ["collecting"])
                decided.enter_context(self.nothing_is_stored("control.db"))
            wait_for(lambda: d.http("GET", "/readyz").status == 503, "the step behind the last sample")
            self.farewell()
            wait_for(lambda: "event=agent_lost" in d.log_text(), "the phone to go")
        self.cli("job", "wait", job, check=ff.PASS)
        self.assertEqual([(a["failure"], a["device"]) for a in self.attempts(d, job)],
                         [("none", self.bad_id)])
        self.assertNotIn(("collecting", "queued"), self.watcher.transitions("run"))
        self.undisturbed(d)

    # ---- behind it ----

    def test_cleaning(self):
        d = self.bad_and_good("--vanish-at", "rm -rf scratch")
        self.let_both(d)
        job = self.submit()
        self.cli("job", "wait", job, check=ff.PASS)
        self.device_went("cleaning", self.bad_id)
        self.assertEqual([a["device"] for a in self.attempts(d, job)], [self.bad_id])
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        self.undisturbed(d)

    def test_cleaning_as_its_logs_are_fetched(self):
        d = self.bad_and_good("--vanish-at", "logcat")
        self.let_both(d)
        job = self.submit(**LONG)
        self.wait_phase(d, job, "paced")
        os.kill(descendants(self.bad.process.pid, b"framefarm-runner")[0], signal.SIGSEGV)
        self.cli("job", "wait", job, check=ff.GATE)  # a crash is a result
        self.device_went("cleaning", self.bad_id)
        self.undisturbed(d)

    def test_cooling(self):
        """A run made it hot, and nobody is given it."""
        profile = os.path.join(self.dir, "hot.json")
        with open(os.path.join(PROFILES, self.profile + ".json"), encoding="utf-8") as f:
            hot = json.load(f)
        hot["heat"].update(cpu_w=60, die_j_per_k=1, skin_j_per_k=20, die_skin_k_per_w=30, skin_air_k_per_w=20)
        with open(profile, "w", encoding="utf-8") as f:
            json.dump(hot, f)
        self.profile, self.cool = profile, "5m"
        d = self.bad_and_good("--vanish-at", FAREWELL)
        self.let_both(d)
        model = os.path.join(MODELS, "mobilenet_v1_025_fp32.onnx")
        job = self.cli("run", self.job_file(mlp_job(
            devices=VIRTUAL, model={"name": "m", "variants": [{"name": "fp32", "file": model}]},
            measure=LONG)), "--async", check=0).stdout.split()[0]
        self.cli("job", "wait", job, check=ff.PASS)
        wait_for(lambda: self.device_at(d, self.bad.addresses[0], state="cooling"), "a hot phone")
        self.farewell()
        self.device_went("cooling", self.bad_id)
        self.assertEqual([a["device"] for a in self.attempts(d, job)], [self.bad_id])
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        self.undisturbed(d)

    def test_recovering(self):
        """Nothing may be started on it: it is being waited for, for the second time and so for 5 s."""
        d = self.bad_and_good("--vanish-at", FAREWELL, "--quirk", "noexec")
        self.cli("device", "connect", *self.good.addresses, check=0)
        wait_for(lambda: self.watcher.transitions("device").count(("preparing", "recovering")) == 2,
                 "the second failure")
        self.farewell()
        self.device_went("recovering")
        self.wait_ready(d, 2)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        self.undisturbed(d)


WANTED = {"device " + s for s in ("identifying", "preparing", "ready", "cleaning", "cooling", "recovering")} | {
    "run " + s for s in ("staging", "running", "reattaching", "collecting")}


def load_tests(_, standard, __):
    """Last; not where stories are asked for by name."""
    def every_state():
        if Gone.gone_in != WANTED:
            raise AssertionError("no phone went in: %s" % sorted(WANTED - Gone.gone_in))
    if ADB:
        standard.addTest(unittest.FunctionTestCase(every_state))
    return standard


if __name__ == "__main__":
    unittest.main()
