#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is asked of devices and jobs besides running, with the real daemon and the machine as a device."""

import json
import os
import unittest

from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest, mlp_job


class Service(DaemonTest):
    def ready(self, d):
        wait_for(lambda: [x for x in d.get("/api/v1/devices")["devices"] if x["state"] == "ready"],
                    "the device to be ready")

    def test_a_machine_cannot_be_handed_over_and_says_so(self):
        d = self.daemon()
        self.ready(d)
        for word, says in (("detach", "cannot be handed"), ("attach", "not detached"),
                           ("provision", "no settings")):
            r = self.cli("device", word, "local", check=1)
            self.assertIn(says, r.stderr)
        apk = os.path.join(self.dir, "app.apk")
        with open(apk, "w", encoding="ascii") as f:
            f.write("no package")
        r = self.cli("device", "install", "local", apk, check=1)
        self.assertIn("takes no application packages", r.stderr)
        self.assertIn("uploaded app.apk", r.stderr)
        state = d.get("/api/v1/devices/d1")
        self.assertEqual((state["state"], state["failures"]), ("ready", 0))

    def test_no_job_gets_a_virtual_device_that_is_not_there_or_a_real_one_instead(self):
        self.ready(self.daemon("--match-time", "0"))
        job = self.job_file(mlp_job(devices={"select": {"virtual": "yes"}}))
        self.cli("run", job, check=ff.UNSATISFIABLE)
        job = self.job_file(mlp_job(devices={"select": {"virtual": "any"}, "count": "all"}))
        r = self.cli("run", job, "--json", "-", check=ff.PASS)
        self.assertIs(json.loads(r.stdout)["runs"][0]["device"]["virtual"], False)

    def test_a_job_that_ended_is_submitted_again_once(self):
        self.ready(self.daemon("--match-time", "0"))
        self.cli("run", self.job_file(mlp_job()), check=ff.PASS)
        again = self.cli("job", "retry", "j1", check=0).stdout.strip()
        self.assertEqual(again, "j2")
        self.assertEqual(self.cli("job", "retry", "j1", check=0).stdout.strip(), "j2")
        self.cli("job", "wait", "j2", check=ff.PASS)
        self.assertIn("no artifacts", self.cli("job", "artifacts", "j2", check=0).stderr)


if __name__ == "__main__":
    unittest.main()
