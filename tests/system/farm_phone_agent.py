#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agent on a phone outlives the shell that started it and a restart of adbd; where the phone kills it
all the same, what it had written comes to the farm and a new attempt begins."""

import contextlib
import os
import sqlite3
import unittest

from fflib import agentproto as ap, daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import mlp_job
from fflib.phone import ADB, Adb
from fflib.phonefarm import VIRTUAL, PhonesTest

DIR = "/data/local/tmp/framefarm"
LONG = {"min_ms": 12000, "max_ms": 30000}  # agents write a chunk each 1024 iterations: about a second


@unittest.skipUnless(ADB, "no adb here")
class Agent(PhonesTest):
    def begin(self):
        self.phone = self.phones()
        self.adb = Adb(self.dir)
        self.addCleanup(self.adb.stop)
        self.adb.connect(self.phone.addresses[0])
        d = self.farm(*self.phone.addresses, options=("--cool-time", "0s"))
        self.watcher = self.watch(d)
        self.wait_ready(d, 2)
        return d

    def shell(self, command):
        return self.adb.run("shell", command)[1].replace("\r", "").strip()

    def agent(self):
        """Its process, and the one that it is a child of."""
        return self.shell("p=$(cat %s/agent.pid); echo $p; grep PPid /proc/$p/status" % DIR).split()

    def start_job(self, d, **measure):
        job = self.job_file(mlp_job(devices=VIRTUAL, measure=measure or LONG))
        job = self.cli("run", job, "--async", check=0).stdout.split()[0]
        self.wait_phase(d, job, "paced")
        return job

    def spooled(self):
        """(stream, number) of each chunk of samples in the phone's spool."""
        code, data, _ = self.adb.run("exec-out", "cat %s/spool/*/frames" % DIR, text=False)
        chunks = [ap.chunk(payload) for kind, payload in ap.frames(data) if kind == ap.CHUNK] if not code else []
        return {(c["stream"], c["seq"]) for c in chunks if c["stream"] and c["seq"] > 1}

    @staticmethod
    def stored(d, attempt):
        with contextlib.closing(sqlite3.connect(
                "file:%s?mode=ro" % os.path.join(d.data, "samples.db"), uri=True)) as db:
            return set(db.execute("SELECT s.stream, c.seq FROM streams s JOIN chunks c ON c.stream = s.id"
                                  " WHERE s.attempt = ?", (int(attempt["id"][1:]),)))

    def test_it_outlives_its_shell_and_a_restart_of_adbd(self):
        d = self.begin()
        before = self.agent()
        self.assertEqual(before[1:], ["PPid:", "1"])  # nobody's child: its shell has ended
        job = self.start_job(d, min_ms=4000, max_ms=20000)
        self.adb.run("usb")  # adbd is started anew: every connection is lost
        wait_for(lambda: ("running", "reattaching") in self.watcher.transitions("run"), "the loss")
        self.cli("job", "wait", job, check=ff.PASS)
        self.assertIn(("reattaching", "running"), self.watcher.transitions("run"))
        self.assertEqual([a["failure"] for a in self.attempts(d, job)], ["none"])
        self.adb.run("disconnect")
        self.adb.connect(self.phone.addresses[0])
        self.assertEqual(self.agent(), before)

    def killed(self, command):
        """The daemon is away when the agent writes, and when it dies: what it wrote then is in its spool
        alone."""
        d = self.begin()
        before = self.agent()
        job = self.start_job(d)
        first = self.attempts(d, job)[0]
        d.kill()
        had = self.spooled()
        wait_for(lambda: self.spooled() > had, "its spool to grow")
        self.shell(command)
        wrote = self.spooled()
        self.assertTrue(wrote > self.stored(d, first))
        d = self.farm(*self.phone.addresses, options=("--cool-time", "0s"))
        self.cli("job", "wait", job, check=ff.PASS)
        attempts = self.attempts(d, job)
        self.assertEqual([a["failure"] for a in attempts], ["infrastructure", "none"])
        self.assertEqual([a["counted"] for a in attempts], [False, True])
        self.assertIn("the agent was restarted while the attempt ran", attempts[0]["cause"])
        wait_for(lambda: self.stored(d, first) >= wrote, "what the first had measured")
        self.assertNotEqual(self.agent()[0], before[0])

    def test_a_start_that_was_cut_off_leaves_an_agent_that_nobody_can_reach(self):
        """What is noted beside it is another's; it is ended, and the phone is not lost."""
        d = self.begin()
        before, phone = self.agent(), self.device_at(d, self.phone.addresses[0])["id"]
        d.stop()
        self.shell("kill -9 $(cat %s/agent.pid)" % DIR)
        wait_for(lambda: not self.shell("cat /proc/%s/cmdline 2>/dev/null" % before[0]), "its end")
        self.shell("cd %s && umask 077 && head -c 32 /dev/urandom >other && f=$(ls files/* | while read f; do "
                   "grep -q secret-file $f && echo $f && break; done) && "
                   "./$f --dir=%s --listen=abstract:framefarm-other --secret-file=%s/other </dev/null"
                   % (DIR, DIR, DIR))
        stranger = self.agent()
        self.assertEqual(stranger[1:], ["PPid:", "1"])  # it lives
        self.assertNotEqual(stranger[0], before[0])
        d = self.farm(*self.phone.addresses, options=("--cool-time", "0s"))
        watcher = self.watch(d)
        # A device that was ready is shown so until the new daemon's first step is stored.
        wait_for(lambda: watcher.transitions("device", phone).count(("preparing", "ready")) == 2, "the phone")
        self.assertNotIn(self.agent()[0], (before[0], stranger[0]))
        self.assertNotIn(("preparing", "recovering"), watcher.transitions("device"))

    def test_one_that_is_killed(self):
        self.killed("kill -9 $(cat %s/agent.pid)" % DIR)

    def test_everything_on_the_phone_is_killed(self):
        self.killed("kill -9 -1")


if __name__ == "__main__":
    unittest.main()
