#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Quirks of the virtual phone with Debian's stock adb: those that a host must bear, it bears; those in
which the phone goes and comes back do what they say."""

import filecmp
import os
import unittest

from fflib.agentbox import wait_for
from fflib.phone import ADB, OwnPhone

TMP = "/data/local/tmp/"


@unittest.skipUnless(ADB, "no adb here")
class QuirkTest(OwnPhone):
    def is_back(self):
        """Asks anew, since adb itself looks only every three seconds."""
        if self.adb.state(self.adb.serial) == "device":
            return True
        self.adb.run("disconnect", self.adb.serial)
        self.adb.run("connect", self.adb.serial)
        return False


class Borne(QuirkTest):
    """A shell, and a file there and back, in spite of it."""

    def works_with(self, *quirks):
        self.start(*[word for q in quirks for word in ("--quirk", q)])
        there, back = os.path.join(self.folder, "there"), os.path.join(self.folder, "back")
        with open(there, "wb") as f:
            f.write(os.urandom(300_001))
        for _ in range(3):
            self.assertEqual(self.adb.out("shell", "echo one; echo two").replace("\r", ""), "one\ntwo\n")
        self.adb.out("push", there, TMP + "f")
        self.adb.out("pull", TMP + "f", back)
        self.assertTrue(filecmp.cmp(there, back, shallow=False))

    def test_small_payloads(self):
        self.works_with("max-payload=4096")

    def test_payloads_of_android_7(self):
        self.works_with("max-payload=262144")

    def test_sums(self):
        self.works_with("old-version")

    def test_no_features(self):
        self.works_with("no-features")

    def test_as_old_as_it_gets(self):
        self.works_with("no-features", "old-version", "max-payload=4096")

    def test_delayed_ack_that_this_host_does_not_know(self):
        self.works_with("delayed-ack")

    def test_double_and_late_closes(self):
        self.works_with("dup-close", "late-close=20")

    def test_stale_packets(self):
        self.works_with("stale-packets=3")

    def test_slow_acks(self):
        self.works_with("slow-ack=10")

    def test_data_with_the_answer(self):
        self.works_with("eager-write")


class Gone(QuirkTest):
    def daemon(self):
        self.adb.out("shell", "setsid sleep 98765 </dev/null >/dev/null 2>&1 &")

    def lives(self):
        return "98765" in self.adb.out("shell", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")

    def goes_and_comes_back(self):
        wait_for(lambda: self.adb.state(self.adb.serial) != "device", "its going")
        wait_for(self.is_back, "its return")

    def test_restart_kills_children(self):
        self.start("--quirk", "restart-after=700")
        self.daemon()
        wait_for(lambda: "98765" not in self.adb.run("shell", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")[1]
                 and self.is_back(), "the daemon's death")

    def test_what_runs_outlives_an_absence(self):
        self.start("--quirk", "vanish-after=700", "--quirk", "vanish-for=1000")
        self.daemon()
        self.goes_and_comes_back()
        self.assertTrue(self.lives())

    def test_reboot(self):
        self.start("--quirk", "reboot-after=700", "--profile", "minimal")
        self.daemon()
        self.goes_and_comes_back()
        self.assertFalse(self.lives())

    def test_a_cable_that_breaks(self):
        """The first connection breaks in a push; the next one is whole."""
        self.start("--quirk", "cut-in=1000000")
        there = os.path.join(self.folder, "there")
        with open(there, "wb") as f:
            f.write(os.urandom(3_000_000))
        self.assertNotEqual(self.adb.run("push", there, TMP + "f")[0], 0)
        wait_for(self.is_back, "the next connection")
        self.adb.out("push", there, TMP + "f")


if __name__ == "__main__":
    unittest.main()
