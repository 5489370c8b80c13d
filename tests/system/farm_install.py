#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packages go to phones in three ways, by what the phone has: its package manager reached by abb_exec, by
`exec:cmd`, or a file that is pushed first. What was asked of the phone is written down on the way."""

import os
import shutil
import tempfile
import unittest

from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest
from fflib.phone import Phones, write_apk
from fflib.recorder import Recorder

ABB, CMD, PUSH = b"abb_exec:package\0install", b"exec:cmd package install", b"pm install -r "


class Install(DaemonTest):
    def phone(self, *options):
        """A phone behind a recorder, as a ready device; its name, and the recorder."""
        folder = tempfile.mkdtemp(prefix="framefarm-phones-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        phones = Phones(folder, *options)
        self.addCleanup(phones.stop)
        self.address = phones.addresses[0]
        recorder = Recorder(int(self.address.rsplit(":", 1)[1]), pieces=100000)
        self.addCleanup(recorder.stop)
        d = self.daemon("--adb", "127.0.0.1:%d" % recorder.port)

        def ready():
            found = [x for x in d.get("/api/v1/devices")["devices"]
                     if x["driver"] == "adb" and x["state"] == "ready"]
            return found and found[0]["name"]
        return wait_for(ready, "the phone to be ready"), recorder

    def apk(self, name="app.apk", package="org.example.app"):
        path = os.path.join(self.dir, name)
        write_apk(path, package, os.urandom(300_000))
        return path

    def install(self, way, *options):
        name, recorder = self.phone(*options)
        good, bad = self.apk(), os.path.join(self.dir, "bad.apk")
        with open(bad, "w", encoding="ascii") as f:
            f.write("no package")
        self.cli("device", "install", name, good, check=0)
        said = b"".join(recorder.requests)
        self.assertEqual([w for w in (ABB, CMD, PUSH) if w in said], [way])
        # A second time, and what is no package.
        self.cli("device", "install", name, good, check=0)
        self.assertIn("INSTALL_", self.cli("device", "install", name, bad, check=1).stderr)
        return name, recorder

    def test_by_abb(self):
        name, recorder = self.install(ABB, "--profile", "pixel-8")
        self.cli("device", "install", name, self.apk("base.apk"), self.apk("split.apk"), check=0)
        said = b"".join(recorder.requests)
        for word in (b"install-create", b"install-write", b"install-commit"):
            self.assertIn(b"abb_exec:package\0" + word, said)

    def test_by_cmd(self):
        name, recorder = self.install(CMD, "--profile", "galaxy-s9")
        self.cli("device", "install", name, self.apk("base.apk"), self.apk("split.apk"), check=0)
        self.assertIn(b"exec:cmd package install-commit", b"".join(recorder.requests))

    def test_by_a_file(self):
        name, _ = self.install(PUSH, "--profile", "minimal")
        r = self.cli("device", "install", name, self.apk("base.apk"), self.apk("split.apk"), check=1)
        self.assertIn("too old for a package with splits", r.stderr)

    def test_what_a_person_must_switch_on_is_said(self):
        for profile in ("pixel-8", "minimal"):
            name, _ = self.phone("--profile", profile, "--quirk", "restrict-install")
            r = self.cli("device", "install", name, self.apk(), check=1)
            self.assertIn("INSTALL_FAILED_USER_RESTRICTED", r.stderr)
            self.assertIn('"Install via USB"', r.stderr)
            self.daemons[-1].stop()
            self.end_agents()
            shutil.rmtree(self.data)


if __name__ == "__main__":
    unittest.main()
