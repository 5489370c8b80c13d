#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Virtual phones as devices of the real daemon: who they are, what they need, and what becomes of a run
when one of them fails."""

import json
import os
import signal
import unittest

from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import mlp_job
from fflib.phone import write_apk
from fflib.phonefarm import VIRTUAL, PhonesTest, descendants

class Identity(PhonesTest):
    def test_two_phones_with_one_serial_are_two_and_no_job_gets_them_by_accident(self):
        a, b = self.phones("--seed", "5"), self.phones("--seed", "5")
        self.assertEqual(a.serials, b.serials)
        d = self.farm(*a.addresses, *b.addresses)
        self.wait_ready(d, 3)
        keys = {x["key"] for x in self.devices(d, virtual=True)}
        self.assertEqual(len(keys), 2)
        r = self.cli("run", self.job_file(mlp_job(devices={"count": 1})), "--json", "-", check=ff.PASS)
        self.assertIs(json.loads(r.stdout)["runs"][0]["device"]["virtual"], False)
        everything = {"select": {"virtual": "any"}, "count": "all"}
        r = self.cli("run", self.job_file(mlp_job(devices=everything)), "--json", "-",
                     "--markdown", os.path.join(self.dir, "out.md"),
                     "--junit", os.path.join(self.dir, "out.xml"), check=ff.PASS)
        runs = json.loads(r.stdout)["runs"]
        self.assertEqual(sorted(x["device"]["virtual"] for x in runs), [False, True, True])
        with open(os.path.join(self.dir, "out.md"), encoding="utf-8") as f:
            self.assertIn("(virtual)", f.read())
        with open(os.path.join(self.dir, "out.xml"), encoding="utf-8") as f:
            self.assertIn('name="virtual" value="true"', f.read())
        self.assertIn('virtual="true"', d.http("GET", "/metrics").body.decode())

    def test_a_phone_that_asks_for_a_tap_says_so_until_it_is_let_be(self):
        p = self.phones("--auth", "--deny")
        d = self.farm(*p.addresses)
        wait_for(lambda: self.device_at(d, p.addresses[0], state="authorizing"), "the need of a tap")
        out = self.cli("device", "list", check=0).stdout
        self.assertRegex(out, r"authorizing .*\S")
        device = self.device_at(d, p.addresses[0])
        self.assertIn(device["need"], out)
        self.assertNotIn("plug", device["need"])  # there is no cable

        # What it says to do where no dialog is up: then it asks again.
        self.assertIn("`framefarm device detach` it and `attach` it", device["need"])
        for word in ("detach", "attach"):
            self.cli("device", word, device["id"], check=0)
        wait_for(lambda: self.device_at(d, p.addresses[0], state="authorizing"), "the need of a tap")


class Service(PhonesTest):
    def test_a_phone_is_handed_over_over_a_restart_and_taken_back(self):
        p = self.phones()
        d = self.farm(*p.addresses)
        self.wait_ready(d, 2)
        name = self.device_at(d, p.addresses[0])["name"]
        self.cli("device", "detach", name, check=0)
        need = "detached by admin; `framefarm device attach %s` takes it back" % name
        self.assertEqual(self.device_at(d, p.addresses[0], state="needs_human")["need"], need)
        r = self.cli("run", self.job_file(mlp_job(devices=VIRTUAL)), "--async", check=0)
        job = r.stdout.split()[0]
        d.stop()
        d = self.farm(*p.addresses)
        wait_for(lambda: self.device_at(d, p.addresses[0], state="needs_human", detached_by="admin"),
                 "the phone to be handed over again")
        self.cli("device", "attach", name, check=0)
        self.cli("job", "wait", job, check=ff.PASS)

    def test_one_that_was_never_identified_is_not_taken_back_by_a_restart(self):
        """Of a phone that waits for its tap nothing is known but where it is."""
        p = self.phones("--auth", "--deny")
        d = self.farm(*p.addresses)
        found = wait_for(lambda: self.device_at(d, p.addresses[0], state="authorizing"), "the need of a tap")
        self.cli("device", "detach", found["id"], check=0)
        for n in (2, 3):
            d.stop()
            d = self.farm(*p.addresses)
            watcher = self.watch(d)
            wait_for(lambda n=n, w=watcher: w.transitions("device", found["id"]).count(
                ("service", "needs_human")) == n, "the phone to be handed over again")
            back = self.device_at(d, p.addresses[0])
            self.assertEqual((back["id"], back["detached_by"]), (found["id"], "admin"))
        self.assertEqual(len([x for x in self.devices(d) if x["driver"] == "adb"]), 1)
        self.cli("device", "attach", found["id"], check=0)
        wait_for(lambda: self.device_at(d, p.addresses[0], state="authorizing"), "the need of a tap")
        d.stop()
        d = self.farm(*p.addresses)
        wait_for(lambda: self.device_at(d, p.addresses[0], state="authorizing"), "the need of a tap again")

    def test_packages_and_settings(self):
        p = self.phones()
        d = self.farm(*p.addresses)
        self.wait_ready(d, 2)
        name = self.device_at(d, p.addresses[0])["name"]
        apk, bad = os.path.join(self.dir, "app.apk"), os.path.join(self.dir, "bad.apk")
        write_apk(apk, "org.example.app")
        with open(bad, "w", encoding="ascii") as f:
            f.write("no package")
        self.cli("device", "install", name, apk, check=0)
        r = self.cli("device", "install", name, bad, check=1)
        self.assertIn("INSTALL", r.stderr.upper())
        settings = json.loads(self.cli("device", "provision", name, "--json").stdout)
        self.assertTrue([s for s in settings if not s["ok"]])
        applied = json.loads(self.cli("device", "provision", name, "--apply", "--json").stdout)
        self.assertTrue([s for s in applied if s["applied"]])
        self.cli("device", "provision", name, "--undo", check=0)
        self.assertEqual(self.device_at(d, p.addresses[0])["state"], "ready")


class Failures(PhonesTest):
    def test_a_cable_that_breaks_in_the_middle_of_staging(self):
        bad = self.phones("--profile", "galaxy-s9", "--quirk", "cut-in=2000000")
        good = self.phones()
        d = self.farm(*bad.addresses)
        self.wait_ready(d, 2)
        self.cli("device", "connect", *good.addresses, check=0)
        self.wait_ready(d, 3)
        r = self.cli("run", self.job_file(mlp_job(devices=VIRTUAL)), "--json", "-", check=ff.PASS)
        run = d.get("/api/v1/runs/" + json.loads(r.stdout)["runs"][0]["id"])
        first, second = run["attempts"]
        self.assertEqual((first["failure"], second["failure"]), ("infrastructure", "none"))
        self.assertNotEqual(first["device"], second["device"])
        self.assertTrue(first["cause"])
        self.assertNotIn("lease", first["cause"])
        self.wait_ready(d, 3)  # the cable holds from now on

    def test_a_phone_that_is_killed_in_the_middle_of_its_run(self):
        bad, good = self.phones("--profile", "galaxy-s9"), self.phones()
        d = self.farm(*bad.addresses, options=("--reattach-time", "2s"))
        self.wait_ready(d, 2)
        self.cli("device", "connect", *good.addresses, check=0)
        self.wait_ready(d, 3)
        long = mlp_job(devices=VIRTUAL, measure={"min_ms": 4000, "max_ms": 8000})
        job = self.cli("run", self.job_file(long), "--async", check=0).stdout.split()[0]
        run = self.wait_phase(d, job, "paced")
        bad.process.send_signal(signal.SIGKILL)
        bad.process.wait()
        r = self.cli("job", "wait", job, "--json", "-", check=ff.PASS)
        self.assertEqual(json.loads(r.stdout)["runs"][0]["attempts"], 2)
        attempts = d.get("/api/v1/runs/" + run["id"])["attempts"]
        self.assertEqual(attempts[0]["failure"], "infrastructure")
        self.assertIn("out of reach", attempts[0]["cause"])

    def test_a_runner_that_crashes_leaves_the_phones_logs(self):
        kept = os.path.join(self.dir, "phone")
        p = self.phones("--dir", kept)
        with open(os.path.join(kept, p.serials[0], "root/data/tombstones/tombstone_00"), "w",
                  encoding="ascii") as f:
            f.write("signal 11 (SIGSEGV), of another day\n")
        d = self.farm(*p.addresses)
        self.wait_ready(d, 2)
        long = mlp_job(devices=VIRTUAL, measure={"min_ms": 20000, "max_ms": 40000})
        job = self.cli("run", self.job_file(long), "--async", check=0).stdout.split()[0]
        self.wait_phase(d, job, "paced")
        os.kill(descendants(p.process.pid, b"framefarm-runner")[0], signal.SIGSEGV)
        self.cli("job", "wait", job, check=ff.GATE)
        wait_for(lambda: d.get("/api/v1/jobs/%s/artifacts" % job)["artifacts"], "the logs")
        self.wait_ready(d, 2)
        out = os.path.join(self.dir, "left")
        self.cli("job", "artifacts", job, "--out", out, check=0)
        left = {n.partition("-")[2]: n for n in os.listdir(out)}
        for name, word in (("logcat.txt", "ActivityManager"), ("tombstones.txt", "signal 11 (SIGSEGV), of another"),
                           ("battery.txt", "level:"), ("agent.log", "")):
            with open(os.path.join(out, left[name]), encoding="utf-8") as f:
                self.assertIn(word, f.read())


if __name__ == "__main__":
    unittest.main()
