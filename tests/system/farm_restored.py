#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A farm that came out of a backup meets those who know what it has lost: a device whose agent has obeyed
later leases and still holds later runs, and clients with ids of later jobs."""

import json
import os
import signal
import sqlite3
import unittest

from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest, mlp_job


def number(text):
    return int(text[1:])


class Restored(DaemonTest):
    def run_job(self, **more):
        r = self.cli("run", self.job_file(mlp_job(**more)), "--json", "-", check=ff.PASS)
        return json.loads(r.stdout)

    def submit(self, **more):
        return self.cli("run", self.job_file(mlp_job(**more)), "--async", check=0).stdout.split()[0]

    def backup(self):
        path = os.path.join(self.dir, "backup")
        self.cli("backup", path, check=0)
        return path

    def restore(self, d, backup):
        """The daemon dies, the device with its agent stays, the store is that of the backup."""
        d.kill(signal.SIGKILL)
        self.cli("restore", backup, "--data", self.data, "--replace", check=0)
        return self.daemon()

    def epoch(self):
        """The newest that the store knows of."""
        return self.select("SELECT max(epoch) FROM leases")[0][0]

    def spool(self):
        return os.listdir(os.path.join(self.data, "devices/local/device/spool"))

    def select(self, sql, *values, name="control.db"):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.data, name), uri=True)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def test_a_device_that_has_obeyed_later_leases_obeys_again(self):
        d = self.daemon()
        self.run_job()
        backup = self.backup()
        for _ in range(3):
            last = self.run_job()
        pid, seen = d.agent_pid(), self.epoch()    # each run's agent has obeyed it
        d = self.restore(d, backup)
        self.assertLess(self.epoch(), seen)
        again = self.run_job()
        self.assertEqual(d.agent_pid(), pid)        # the same agent, with what it knows
        self.assertEqual(self.epoch(), seen + 1)
        self.assertEqual(len(d.get("/api/v1/runs/" + again["runs"][0]["id"])["attempts"]), 1)
        self.assertGreater(number(again["id"]), number(last["id"]))

    def test_what_was_given_behind_the_backup_is_not_given_again(self):
        d = self.daemon()
        self.run_job()
        backup = self.backup()
        lost = self.run_job()
        d = self.restore(d, backup)
        r = self.cli("job", "show", lost["id"])
        self.assertEqual(r.returncode, 1)
        self.assertIn("was restored from a backup of", r.stderr)
        a = d.http("GET", "/api/v1/runs/" + lost["runs"][0]["id"])
        self.assertEqual(a.status, 404)
        self.assertIn("was restored from a backup of", a.json["detail"])
        self.assertNotIn("restored", self.cli("job", "show", "j999999999999").stderr)
        first = self.run_job()
        self.assertGreater(number(first["id"]), number(lost["id"]) + 90000)
        self.assertGreater(number(first["runs"][0]["id"]), number(lost["runs"][0]["id"]) + 90000)
        # The same backup once more: what the farm gave since its first time is not given either.
        d = self.restore(d, backup)
        self.assertIn("was restored", self.cli("job", "show", first["id"]).stderr)
        second = self.run_job()
        self.assertGreater(number(second["id"]), number(first["id"]))
        self.assertGreater(number(second["runs"][0]["id"]), number(first["runs"][0]["id"]))

    def test_a_run_that_the_farm_has_never_known_leaves_its_device(self):
        d = self.daemon()
        self.run_job()
        backup = self.backup()
        job = self.submit(measure={"min_runs": 20000, "min_ms": 20000, "max_ms": 60000})
        self.wait_phase(d, job, "paced")
        self.assertEqual(len(self.spool()), 1)
        d = self.restore(d, backup)
        wait_for(lambda: not self.spool(), "the agent to be rid of it")
        again = self.run_job()
        known = {a for a, in self.select("SELECT id FROM attempts")}
        self.assertIn(number(d.get("/api/v1/runs/" + again["runs"][0]["id"])["attempts"][0]["id"]), known)
        d.stop()
        self.assertLessEqual({a for a, in self.select("SELECT attempt FROM streams", name="samples.db")}, known)

    def test_a_run_that_went_on_behind_the_backup_is_tried_again(self):
        """Its agent was told that samples are stored which are not any more."""
        d = self.daemon()
        job = self.submit(measure={"min_runs": 6000, "min_ms": 6000, "max_ms": 60000})
        run = self.wait_phase(d, job, "paced")["id"]
        backup = self.backup()
        stored = "SELECT coalesce(sum(mark), 0) FROM streams WHERE attempt = 1"
        was = self.select(stored, name="samples.db")[0][0]
        wait_for(lambda: self.select(stored, name="samples.db")[0][0] > was + 3, "more samples to be stored")
        d = self.restore(d, backup)
        self.cli("job", "wait", job, check=ff.PASS)
        attempts = d.get("/api/v1/runs/" + run)["attempts"]
        self.assertEqual([a["state"] for a in attempts], ["done", "done"])
        self.assertEqual([a["failure"] for a in attempts], ["infrastructure", "none"])
        wait_for(lambda: not self.spool(), "the agent to be rid of both")



if __name__ == "__main__":
    unittest.main(verbosity=2)
