#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Beside Debian's stock adb: phones that its server owns and lends (`server:SERIAL`), a server that dies
and returns, a phone that is handed over and taken back. What we say to a server is written down on the
way, and is never an order to end."""

import json
import os
import shutil
import tempfile
import unittest

from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest, mlp_job
from fflib.phone import ADB, Adb, Phones
from fflib.recorder import Recorder


def on_phone(**more):
    return mlp_job(devices={"select": {"virtual": "yes"}, "count": 1}, **more)


@unittest.skipUnless(ADB, "no adb here")
class Server(DaemonTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.mkdtemp(prefix="framefarm-phones-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.phones = Phones(folder)
        self.addCleanup(self.phones.stop)
        self.address = self.phones.addresses[0]
        self.adb = Adb(folder)
        self.addCleanup(self.adb.stop)
        self.recorder = Recorder(self.adb.port)
        self.addCleanup(self.recorder.stop)

    def tearDown(self):
        super().tearDown()
        for request in self.recorder.requests:
            self.assertNotIn(b"host:kill", request)

    def farm(self, *options):
        return self.daemon("--match-time", "0", "--adb-server", "127.0.0.1:%d" % self.recorder.port,
                           *options)

    def phone(self, d, **want):
        found = [x for x in d.get("/api/v1/devices")["devices"]
                 if x["driver"] == "adb" and all(x[k] == v for k, v in want.items())]
        return found[0] if found else None

    def wait_phone(self, d, **want):
        return wait_for(lambda: self.phone(d, **want), "a phone with " + str(want))

    def lent(self):
        """The server has the phone, and a daemon uses it through that."""
        self.adb.connect(self.address)
        d = self.farm("--adb", "server:" + self.address)
        return d, self.wait_phone(d, state="ready", link="up")

    def test_a_phone_that_a_server_lends_runs_a_job(self):
        d, phone = self.lent()
        self.assertEqual(phone["where"], "adb server, " + self.address)
        self.assertTrue(phone["key"].startswith("adb:%s:" % self.phones.serials[0]))
        self.assertIn("adb server", self.cli("device", "list", check=0).stdout)
        r = self.cli("run", self.job_file(on_phone()), "--json", "-", check=ff.PASS)
        self.assertIs(json.loads(r.stdout)["runs"][0]["device"]["virtual"], True)
        # The server was asked, and whoever else uses it still can.
        said = b" ".join(self.recorder.requests)
        self.assertIn(b"host:transport:" + self.address.encode(), said)
        self.assertEqual(self.adb.out("shell", "echo here"), "here\n")

    def test_a_server_that_dies_in_mid_run_and_returns(self):
        d, phone = self.lent()
        job = on_phone(measure={"pace_hz": 100, "min_ms": 12000, "max_ms": 30000})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.split()[0]
        run = self.wait_phase(d, j, "paced")
        self.adb.stop()
        wait_for(lambda: self.phone(d)["link"] == "down", "the phone to be missed")
        self.adb.connect(self.address)  # starts another one
        self.wait_phone(d, link="up", key=phone["key"])
        self.cli("job", "wait", j, check=ff.PASS)
        # The agent went on meanwhile: what it measured came later, in the same attempt.
        attempts = d.get("/api/v1/runs/" + run["id"])["attempts"]
        self.assertEqual([a["counted"] for a in attempts], [True])

    def test_without_a_server_the_phone_is_no_device_and_the_log_says_why(self):
        d = self.farm("--adb", "server:" + self.address)
        wait_for(lambda: "event=adb_unreachable" in d.log_text(), "a word about the server")
        self.assertIsNone(self.phone(d))
        self.adb.connect(self.address)
        self.wait_phone(d, state="ready", link="up")

    def test_a_phone_is_handed_over_to_a_server_and_taken_back(self):
        d = self.farm("--adb", self.address)
        phone = self.wait_phone(d, state="ready", link="up")
        self.assertEqual(phone["where"], "tcp " + self.address)
        self.cli("device", "detach", phone["name"], check=0)
        self.assertIn("attach", self.wait_phone(d, state="needs_human")["need"])
        self.adb.connect(self.address)
        self.assertEqual(self.adb.out("shell", "getprop ro.serialno").strip(), self.phones.serials[0])
        self.adb.out("disconnect", self.address)
        self.cli("device", "attach", phone["name"], check=0)
        self.assertEqual(self.wait_phone(d, state="ready", link="up")["key"], phone["key"])
        self.cli("run", self.job_file(on_phone()), check=ff.PASS)

    def test_a_lent_phone_is_handed_back_and_borrowed_again(self):
        d, phone = self.lent()
        self.cli("device", "detach", phone["name"], check=0)
        self.wait_phone(d, state="needs_human")
        asked = len(self.recorder.requests)
        self.assertEqual(self.adb.out("shell", "echo here"), "here\n")
        self.assertEqual(len(self.recorder.requests), asked)  # it is let be
        self.cli("device", "attach", phone["name"], check=0)
        self.wait_phone(d, state="ready", link="up", key=phone["key"])


if __name__ == "__main__":
    unittest.main()
