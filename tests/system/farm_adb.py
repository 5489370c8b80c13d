#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole runs over ADB with the real daemon and AOSP's own adbd: from a job to a verdict, what is left on
the phone, keys, and a phone that goes in the middle of a run and comes back."""

import json
import os
import unittest

from fflib import aosp
from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest, mlp_job

WHY_NOT = aosp.why_not()
WORKDIR = "data/local/tmp/framefarm"


def on_phone(**more):
    return mlp_job(devices={"select": {"kind": "adb"}}, **more)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Adbd(DaemonTest):
    def setUp(self):
        super().setUp()
        # Not below self.dir: process ids in there are those of another namespace.
        self.folder = aosp.folder()
        self.phone = aosp.Aosp(self.folder.name)

    def tearDown(self):
        self.phone.stop()
        super().tearDown()
        self.folder.cleanup()

    def farm(self, *options):
        return self.daemon("--adb", self.phone.address, *options)

    def device(self, d):
        """The phone as the API has it, or None."""
        found = [x for x in d.get("/api/v1/devices")["devices"] if x["driver"] == "adb"]
        return found[0] if found else None

    def wait_device(self, d, *states):
        def look():
            device = self.device(d)
            return device if device and device["state"] in states else None
        return wait_for(look, "the phone to be " + " or ".join(states))

    def files(self):
        return set(os.listdir(self.phone.path(WORKDIR + "/files")))

    def test_a_job_becomes_a_verdict(self):
        self.phone.start()
        d = self.farm()
        r = self.cli("run", self.job_file(on_phone()), "--json", "-", check=ff.PASS)
        run = json.loads(r.stdout)["runs"][0]
        full = d.get("/api/v1/runs/" + run["id"])
        csv = d.http("GET", "/api/v1/runs/%s/samples?stream=paced" % run["id"]).body.decode()
        times = [line.split(",")[0] for line in csv.splitlines()[1:]]
        self.assertEqual(len(times), full["result"]["metrics"]["paced"]["n"])
        self.assertEqual(len(set(times)), len(times))
        self.assertFalse(self.device(d)["virtual"])

        # The model is gone from the phone; what every run needs is kept.
        self.wait_device(d, "ready")
        kept = self.files()
        self.cli("run", self.job_file(on_phone()), check=ff.PASS)
        self.wait_device(d, "ready")
        self.assertEqual(self.files(), kept)
        self.assertEqual(len(kept), 3)

    def test_files_that_a_job_wants_kept_stay_for_the_next(self):
        self.phone.start()
        d = self.farm()
        self.cli("run", self.job_file(on_phone()), check=ff.PASS)
        self.wait_device(d, "ready")
        without = self.files()
        job = mlp_job(devices={"select": {"kind": "adb"}, "keep_files": True})
        self.cli("run", self.job_file(job), check=ff.PASS)
        self.wait_device(d, "ready")
        kept = self.files() - without
        self.assertTrue(kept)
        model = next(iter(kept))
        before = os.stat(self.phone.path(WORKDIR + "/files/" + model)).st_ino
        self.cli("run", self.job_file(on_phone()), check=ff.PASS)
        self.wait_device(d, "ready")
        self.assertEqual(os.stat(self.phone.path(WORKDIR + "/files/" + model)).st_ino, before)

    def test_a_phone_that_does_not_know_us_waits_for_a_person(self):
        self.phone.auth = True
        self.phone.start()
        d = self.farm()
        device = self.wait_device(d, "authorizing")
        self.assertIn("allow USB debugging", device["need"])
        self.assertIn("allow USB debugging", self.cli("device", "list", check=0).stdout)

        # Its owner lets us in: here the key is put where the phone keeps them, and it is restarted.
        with open(os.path.join(self.data, "devices/adb/adbkey.pub"), encoding="ascii") as f:
            self.phone.keys = [f.read()]
        self.phone.stop()
        self.phone.start()
        self.wait_device(d, "ready")

    def test_a_key_that_the_phone_knows_needs_no_tap(self):
        self.phone.auth = True
        key = os.path.join(self.folder.name, "adbkey")
        aosp.make_key(key)
        with open(key + ".pub", encoding="ascii") as f:
            self.phone.keys = ["AAAA nobody@nowhere", f.read()]
        self.phone.start()
        self.wait_device(self.farm("--adb-key", key), "ready")

    def test_a_phone_that_goes_in_mid_run_is_tried_again_when_it_is_back(self):
        self.phone.start()
        d = self.farm()
        key = self.wait_device(d, "ready")["key"]
        job = on_phone(measure={"pace_hz": 100, "min_ms": 6000, "min_runs": 320})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.strip()
        self.wait_phase(d, j, "paced")
        self.phone.stop()  # its processes go with it, as when a phone restarts
        wait_for(lambda: self.device(d)["link"] == "down", "the phone to be missed")
        self.phone.start()
        self.cli("job", "wait", j, check=ff.PASS)
        run = d.get("/api/v1/jobs/" + j)["runs"][0]
        attempts = d.get("/api/v1/runs/" + run["id"])["attempts"]
        self.assertEqual(len(attempts), 2)
        self.assertEqual([a["counted"] for a in attempts], [False, True])
        self.assertEqual(self.device(d)["key"], key)

    def test_the_controller_is_restarted_in_mid_run_and_nothing_is_lost(self):
        self.phone.start()
        d = self.farm()
        self.wait_device(d, "ready")
        job = on_phone(measure={"pace_hz": 100, "min_ms": 6000, "min_runs": 320})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.strip()
        self.wait_phase(d, j, "paced")
        d.kill()
        d = self.farm()
        self.cli("job", "wait", j, check=ff.PASS)
        run = d.get("/api/v1/jobs/" + j)["runs"][0]
        attempts = d.get("/api/v1/runs/" + run["id"])["attempts"]
        self.assertEqual(len(attempts), 1)


if __name__ == "__main__":
    unittest.main()
