#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A phone of another ABI: the arm64 agent, static against musl, pushed to a virtual arm64 phone by the real
daemon, started there under qemu-user, reached, and found again after the daemon's restart."""

import json
import os
import subprocess
import tempfile
import unittest

from fflib import daemon as ff
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import DaemonTest, mlp_job
from fflib.phone import Phones


def why_not():
    if not os.path.exists(os.path.join(BUILD, "aarch64/framefarm-agent")):
        return "the arm64 agent is not built: make agents"
    with tempfile.TemporaryDirectory(prefix="ff-phone-") as folder:
        try:
            Phones(folder, "--abi", "arm64").stop()
        except AssertionError as e:
            return f"no arm64 phone here: {e}"
    return ""


WHY_NOT = why_not()


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Arm64(DaemonTest):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory(prefix="ff-phone-", ignore_cleanup_errors=True)
        self.phones = Phones(self.folder.name, "--abi", "arm64")

    def tearDown(self):
        super().tearDown()
        self.phones.stop()
        self.folder.cleanup()

    def ready(self, d):
        def look():
            for device in d.get("/api/v1/devices")["devices"]:
                if device["abi"] == "aarch64" and device["state"] == "ready":
                    return d.get("/api/v1/devices/" + device["id"])
            return None
        return wait_for(look, "the arm64 phone to be ready")

    def test_the_agent_runs_and_samples(self):
        d = self.daemon("--adb", self.phones.addresses[0])
        device = self.ready(d)
        counters = {c["name"] for c in device["counters"] if c["available"]}
        self.assertTrue(any(c.startswith("thermal.") for c in counters))
        self.assertTrue(any(c.startswith("cpu.policy") for c in counters))
        self.assertTrue(device["virtual"])

        d.stop()
        d = self.daemon("--adb", self.phones.addresses[0])
        self.assertEqual(self.ready(d)["key"], device["key"])


    def test_a_whole_run_with_the_runner_s_own_loader(self):
        """glibc, its loader and ONNX Runtime's arm64 library go to a phone whose system has none."""
        d = self.daemon("--adb", self.phones.addresses[0])
        self.ready(d)
        job = mlp_job(devices={"select": {"abi": "aarch64", "virtual": "any"}},
                      measure={"pace_hz": 60, "min_ms": 1000, "min_runs": 310, "thermal_wait_ms": 0})
        r = self.cli("run", self.job_file(job), "--json", "-", check=ff.PASS)
        run = json.loads(r.stdout)["runs"][0]
        full = d.get("/api/v1/runs/" + run["id"])
        self.assertEqual(full["result"]["provider"]["used"], "cpu")
        self.assertGreaterEqual(full["result"]["metrics"]["paced"]["n"], 310)


class Agents(unittest.TestCase):
    def test_each_is_one_static_program_that_starts(self):
        for abi, qemu in (("aarch64", "qemu-aarch64-static"), ("armv7l", "qemu-arm-static")):
            agent = os.path.abspath(os.path.join(BUILD, abi, "framefarm-agent"))
            if not os.path.exists(agent):
                self.skipTest("the agents are not built: make agents")
            out = subprocess.run([qemu, agent, "--version"], capture_output=True, text=True, check=True)
            self.assertRegex(out.stdout, r"^framefarm-agent \d")


if __name__ == "__main__":
    unittest.main()
