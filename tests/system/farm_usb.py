#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The real daemon with a virtual phone at a mocked USB port: from a job to a verdict, and a phone whose
cable is pulled in the middle of a run and put into another port."""

import json
import os
import shutil
import signal
import tempfile
import unittest

from fflib import daemon as ff
from fflib import usb
from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest, children_of, mlp_job
from fflib.phone import ADB, Adb, Phones

WHY_NOT = usb.why_not()


def command_of(pid):
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        return f.read()


def on_phone(**more):
    return mlp_job(devices={"select": {"virtual": "yes"}, "count": 1}, **more)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Usb(DaemonTest):
    def setUp(self):
        super().setUp()
        self.bus = usb.Bus()
        self.addCleanup(self.bus.stop)
        folder = tempfile.mkdtemp(prefix="framefarm-phones-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        self.phones = Phones(folder)
        self.addCleanup(self.phones.stop)

    def plug(self, path):
        self.bus.plug_phone(path, self.phones.addresses[0], self.phones.serials[0])

    def farm(self, *options):
        """A daemon that looks for phones at the mocked ports."""
        # No adb server listens on port 1.
        options = options if "--adb-server" in options else ("--adb-server", "127.0.0.1:1", *options)
        d = ff.Daemon(self.data, *options, env=self.bus.env, wrap=self.bus.wrap, usb=True)
        self.daemons.append(d)
        return d.start()

    def crash(self):
        """The phone's first process ends, and all others with it: it starts anew."""
        below = children_of(self.phones.process.pid)
        os.kill(next(p for p in below if b"framefarm-phone-init" in command_of(p)), signal.SIGKILL)

    def phone(self, d, **want):
        found = [x for x in d.get("/api/v1/devices")["devices"]
                 if x["driver"] == "adb" and all(x[k] == v for k, v in want.items())]
        return found[0] if found else None

    def wait_phone(self, d, **want):
        return wait_for(lambda: self.phone(d, **want), "a phone with " + str(want))

    def test_a_job_becomes_a_verdict(self):
        self.plug("1-4.2")
        d = self.farm()
        phone = self.wait_phone(d, state="ready")
        self.assertEqual((phone["where"], phone["virtual"]), ("usb 1-4.2", True))
        self.assertTrue(phone["key"].startswith("adb:%s:" % self.phones.serials[0]))
        markdown = os.path.join(self.dir, "out.md")
        r = self.cli("run", self.job_file(on_phone()), "--json", "-", "--markdown", markdown, check=ff.PASS)
        run = json.loads(r.stdout)["runs"][0]
        self.assertIs(run["device"]["virtual"], True)
        with open(markdown, encoding="utf-8") as f:
            self.assertIn("(virtual)", f.read())
        self.assertEqual(self.bus.tell("ask 1-4.2 violations"), 0)

    def test_a_phone_that_is_unplugged_in_mid_run_goes_on_at_another_port(self):
        self.plug("1-4.2")
        d = self.farm("--reattach-time", "1s")
        key = self.wait_phone(d, state="ready")["key"]
        job = on_phone(measure={"pace_hz": 100, "min_ms": 12000, "max_ms": 30000})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.split()[0]
        run = self.wait_phase(d, j, "paced")
        self.wait_samples(d, run["id"])
        self.bus.tell("unplug 1-4.2")

        def failed():
            attempts = d.get("/api/v1/runs/" + run["id"])["attempts"]
            return attempts[0] if attempts[0]["failure"] != "none" else None
        first = wait_for(failed, "the attempt to fail")
        self.assertEqual(first["failure"], "infrastructure")
        self.assertIn("out of reach", first["cause"])
        measured = self.samples(d, run["id"])
        self.assertTrue(measured)
        self.assertEqual(self.phone(d)["link"], "down")

        self.plug("2-3")
        self.assertEqual(self.wait_phone(d, key=key, link="up")["where"], "usb 2-3")
        self.cli("job", "wait", j, check=ff.PASS)
        attempts = d.get("/api/v1/runs/" + run["id"])["attempts"]
        self.assertEqual([a["counted"] for a in attempts], [False, True])

    def test_the_daemon_dies_and_what_was_handed_over_stays_so(self):
        self.plug("1-4.2")
        d = self.farm()
        phone = self.wait_phone(d, state="ready")
        self.cli("device", "detach", phone["name"], check=0)
        self.assertEqual(self.bus.tell("ask 1-4.2 claimed"), 0)
        d.kill()
        d = self.farm()
        self.wait_phone(d, state="needs_human", detached_by="admin", link="up")
        self.assertEqual(self.bus.tell("ask 1-4.2 claimed"), 0)
        self.cli("device", "attach", phone["name"], check=0)
        self.assertEqual(self.wait_phone(d, state="ready")["id"], phone["id"])
        self.cli("run", self.job_file(on_phone()), check=ff.PASS)

    def test_the_daemon_dies_in_mid_run_and_the_next_goes_on(self):
        """The dead one held the port and left half a conversation on it."""
        self.plug("1-4.2")
        d = self.farm()
        phone = self.wait_phone(d, state="ready")
        job = on_phone(measure={"pace_hz": 100, "min_runs": 800, "min_ms": 8000, "max_ms": 30000})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.split()[0]
        run = self.wait_phase(d, j, "paced")
        d.kill()
        self.bus.tell("orphan 1-4.2")
        d = self.farm("--reattach-time", "1m")
        self.cli("job", "wait", j, check=ff.PASS)
        attempt, = d.get("/api/v1/runs/" + run["id"])["attempts"]
        self.assertEqual((attempt["failure"], attempt["counted"]), ("none", True))
        times = [line.split(",")[0] for line in self.samples(d, run["id"])]
        self.assertGreaterEqual(len(times), 800)
        self.assertEqual(len(set(times)), len(times))
        self.assertEqual(self.wait_phone(d, state="ready")["id"], phone["id"])
        self.assertEqual(self.bus.tell("ask 1-4.2 violations"), 0)

    def samples(self, d, run):
        a = d.http("GET", "/api/v1/runs/%s/samples?stream=paced" % run)
        return a.body.decode().splitlines()[1:] if a.status == 200 else []

    def wait_samples(self, d, run):
        wait_for(lambda: self.samples(d, run), "samples")

    def test_a_phone_that_restarts_comes_back_as_the_same_device(self):
        self.plug("1-4.2")
        d = self.farm()
        phone = self.wait_phone(d, state="ready")
        self.crash()
        wait_for(lambda: self.bus.tell("ask 1-4.2 plugs") == 2, "the phone on the bus again")
        self.assertEqual(self.wait_phone(d, state="ready", link="up")["key"], phone["key"])
        self.cli("run", self.job_file(on_phone()), check=ff.PASS)

    @unittest.skipUnless(ADB, "no adb here")
    def test_a_phone_that_an_adb_server_holds_is_listed_with_it(self):
        self.plug("1-4.2")
        self.bus.tell("hold 1-4.2")
        adb = Adb(self.dir)
        self.addCleanup(adb.stop)
        adb.out("start-server")
        d = self.farm("--adb-server", "127.0.0.1:%d" % adb.port)
        need = wait_for(lambda: (self.phone(d) or {}).get("need"), "what the phone needs")
        self.assertIn("adb server", need)
        self.assertIn(need[:30], self.cli("device", "list", check=0).stdout)
        self.assertTrue(adb.run("devices")[1].startswith("List of devices"))  # it lives
        self.bus.tell("release 1-4.2")
        self.wait_phone(d, state="ready")


if __name__ == "__main__":
    unittest.main()
