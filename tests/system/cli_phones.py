#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands that phones need: addresses, handing over, packages, settings, what a failed run left."""

import grp
import json
import os
import subprocess
import unittest

from fflib.fakeapi import PROGRAM, CliTest

SETTINGS = [
    {"setting": "screen lock", "want": "none", "is": "PIN", "ok": False, "applied": False,
     "how": "Settings, Security: no screen lock"},
    {"setting": "stay awake", "want": "7", "is": "0", "ok": False, "applied": True, "how": ""},
    {"setting": "adb expiry", "want": "0", "is": "0", "ok": True, "applied": False, "how": "never seen"},
]


class Phones(CliTest):
    def setUp(self):
        super().setUp()
        self.api.devices = [{"id": "d4", "key": "k4", "name": "pixel", "driver": "adb", "model": "Pixel 6",
                             "abi": "aarch64", "link": "up", "need": "", "advice": "", "state": "ready",
                             "virtual": True, "state_since": "2026-01-31T12:00:00.000Z"}]

    def sent(self, path):
        return [json.loads(r[3]) for r in self.api.asked("POST", path)]

    def test_an_address_is_connected_and_let_be(self):
        for word in ("connect", "disconnect"):
            code, _, err = self.cli("device", word, "127.0.0.1:5555")
            self.assertEqual(code, 0, err)
            self.assertEqual(self.sent(f"/api/v1/addresses/{word}"), [{"address": "127.0.0.1:5555"}])
        code, _, err = self.cli("device", "connect", "nowhere")
        self.assertNotEqual(code, 0)
        self.assertIn("HOST:PORT", err)

    def test_an_address_at_which_nobody_is_is_told_behind_the_list(self):
        self.api.addresses = [
            {"address": "127.0.0.1:5555", "kept": True, "trouble": ""},
            {"address": "127.0.0.1:5557", "kept": True, "trouble": "cannot connect: Connection\nrefused"}]
        code, out, err = self.cli("device", "list")
        self.assertEqual(code, 0, err)
        self.assertNotIn("5557", out)
        self.assertIn("nobody is at 127.0.0.1:5557: cannot connect: Connection", err)
        self.assertIn("`framefarm device disconnect 127.0.0.1:5557`", err)
        self.assertNotIn("5555", err)
        self.assertEqual(err.count("\n"), 1)
        for option in (("--json",), ("--state", "ready")):  # for programs, and of some devices only
            self.assertNotIn("5557", self.cli("device", "list", *option)[2])
        self.api.refuse = [("GET", "/api/v1/addresses", 404, {"detail": "an older daemon"})]
        self.assertEqual(self.cli("device", "list")[0], 0)

    def test_a_device_is_handed_over_and_taken_back(self):
        for word in ("detach", "attach"):
            code, _, err = self.cli("device", word, "pixel", "-r", "Studio wants it")
            self.assertEqual(code, 0, err)
            self.assertEqual(self.sent(f"/api/v1/devices/d4/{word}"), [{"reason": "Studio wants it"}])

    def test_a_name_is_that_of_the_device_in_use(self):
        def devices(*states):
            self.api.devices = [{**self.api.devices[0], "id": "d%d" % (4 + i), "state": s}
                                for i, s in enumerate(states)]
        devices("retired", "ready", "retired")
        self.assertIn("id: d5\n", self.cli("device", "show", "pixel")[1])
        devices("retired")
        self.assertIn("id: d4\n", self.cli("device", "show", "pixel")[1])
        devices("ready", "absent")
        code, _, err = self.cli("device", "show", "pixel")
        self.assertEqual(code, 1)
        self.assertIn("2 devices are called", err)

    def test_a_device_that_is_busy_says_so_and_nothing_is_tried_twice(self):
        self.api.refuse = [("POST", "/api/v1/devices/d4/detach", 409, {"detail": "pixel (d4) is busy"})]
        code, _, err = self.cli("device", "detach", "d4")
        self.assertEqual(code, 1)
        self.assertIn("pixel (d4) is busy", err)
        self.api.refuse = [("POST", "/api/v1/devices/d4/detach", 429, {"detail": "too often"}),
                           ("POST", "/api/v1/devices/d4/detach", 409, {"detail": "pixel (d4) is busy"})]
        self.assertEqual(self.cli("device", "detach", "d4")[0], code)  # that one was not done
        self.assertEqual(self.api.refuse, [])
        self.api.refuse = [("POST", "/api/v1/devices/d4/install", 503, {"detail": "come again"})]
        self.assertNotEqual(self.cli("device", "install", "d4", self.write("a.apk", "a"))[0], 0)
        self.assertEqual(len(self.sent("/api/v1/devices/d4/install")), 1)

    def test_packages_are_uploaded_once_and_installed_together(self):
        base, split = self.write("base.apk", "the base"), self.write("split.apk", "a split")
        for uploads in (2, 0):
            del self.api.requests[:]
            code, _, err = self.cli("device", "install", "pixel", base, split)
            self.assertEqual(code, 0, err)
            self.assertEqual(len(self.api.asked("PUT", "/api/v1/files/")), uploads)
            files = self.sent("/api/v1/devices/d4/install")[0]["files"]
            self.assertEqual([f["name"] for f in files], ["base.apk", "split.apk"])
            self.assertEqual([self.api.files[f["sha256"]] for f in files], [b"the base", b"a split"])
        code, _, err = self.cli("device", "install", "pixel", self.path("none.apk"))
        self.assertEqual(code, 1)
        self.assertIn("none.apk", err)

    def test_settings_say_what_is_wrong_and_what_to_do(self):
        self.api.settings = SETTINGS
        code, out, err = self.cli("device", "provision", "pixel")
        self.assertEqual(code, 1, err)
        self.assertEqual(self.sent("/api/v1/devices/d4/provision"), [{"do": "check"}])
        self.assertRegex(out, r"screen lock +none +PIN +fail +Settings, Security: no screen lock")
        self.assertRegex(out, r"stay awake +7 +0 +applied")
        self.assertNotIn("never seen", out)
        self.api.settings = SETTINGS[1:]
        self.assertEqual(self.cli("device", "provision", "pixel", "--apply")[0], 0)
        self.assertEqual(self.cli("device", "provision", "pixel", "--undo", "--json")[0], 0)
        self.assertEqual([b["do"] for b in self.sent("/api/v1/devices/d4/provision")],
                         ["check", "apply", "undo"])
        self.assertEqual(self.cli("device", "provision", "pixel", "--undo", "--apply")[0], 2)


class Failures(CliTest):
    def submit(self, **end):
        self.assertEqual(self.cli("run", self.write_job(), "--async")[0], 0)
        if end:
            self.api.end(self.api.jobs["j1"], **end)

    def test_what_is_left_of_a_failed_run_is_listed_and_fetched(self):
        self.submit()
        code, out, err = self.cli("job", "artifacts", "j1")
        self.assertEqual((code, out), (0, ""))
        self.assertIn("no artifacts", err)
        self.api.artifacts = [("r1", "a1", "logcat.txt", "F boom"), ("r1", "a2", "tombstone_00", "pc 0")]
        code, out, _ = self.cli("job", "artifacts", "j1")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"r1 +a1 +d1 +logcat.txt +6")
        code, out, err = self.cli("job", "artifacts", "j1", "--out", "left")
        self.assertEqual(code, 0, err)
        self.assertEqual(sorted(os.listdir(self.path("left"))), ["a1-logcat.txt", "a2-tombstone_00"])
        self.assertEqual(self.read("left/a1-logcat.txt"), "F boom")

    def test_a_name_that_leaves_the_directory_is_refused(self):
        self.submit()
        self.api.artifacts = [("r1", "a1", "../../escaped", "x")]
        code, _, err = self.cli("job", "artifacts", "j1", "--out", "left")
        self.assertEqual(code, 1, err)
        self.assertEqual(os.listdir(self.path("left")), [])

    def test_a_paused_job_ends_the_waiting_with_20_and_goes_on_when_told(self):
        child = self.start("run", self.write_job())
        self.api.until_streaming()
        self.api.end(self.api.jobs["j1"], "none", 20, "paused", runs=[],
                     cause="2 of its 5 devices failed: the job is blamed and paused")
        code, out, err = self.wait(child)
        self.assertEqual(code, 20, err)
        self.assertIn("the job is blamed and paused", out)
        self.assertIn("framefarm job retry j1", err)
        code, out, err = self.cli("job", "retry", "j1", "-r", "fixed")
        self.assertEqual((code, out), (0, "j1\n"), err)
        self.assertEqual(json.loads(self.api.asked("POST", "/api/v1/jobs/j1/retry")[0][3]),
                         {"reason": "fixed"})
        self.assertEqual(self.cli("job", "retry", "j1")[0], 1)  # it runs

    def test_a_job_that_ended_is_submitted_again(self):
        self.submit(verdict="none", exit_code=20, state="errored")
        code, out, err = self.cli("job", "retry", "j1")
        self.assertEqual((code, out), (0, "j2\n"), err)
        self.assertIn("framefarm job wait j2", err)


# A host with USB, with no rule but what is put into $RULES: in name spaces of its own.
HOST = r"""
set -e
mkdir -p dev; mount --rbind /dev dev
mount -t tmpfs tmpfs /dev; touch /dev/null; mount --bind dev/null /dev/null; mkdir -p /dev/bus/usb
for d in /etc/udev/rules.d /usr/lib/udev/rules.d /run/udev/rules.d; do
	[ ! -d $d ] || { mount -t tmpfs tmpfs $d; RULES=$d; }
done
[ ! -n "$3" ] || cp "$3" $RULES/
exec unshare -U --map-user=1000 --map-group=$2 "$1" doctor --json
"""
RULE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../etc/udev/51-framefarm.rules")


def plugdev():
    try:
        return grp.getgrnam("plugdev").gr_gid
    except KeyError:
        return 0


@unittest.skipUnless(subprocess.run(["unshare", "-Urm", "true"], check=False).returncode == 0,
                     "no user name spaces")
@unittest.skipUnless(os.path.isdir("/usr/lib/udev/rules.d") and plugdev(), "this host has no udev")
class Udev(CliTest):
    def phones(self, rule, group):
        done = subprocess.run(["unshare", "-Urm", "sh", "-c", HOST, "sh", PROGRAM, str(group), rule],
                              cwd=self.dir, env=self.env, capture_output=True, text=True, check=False)
        self.assertTrue(done.stdout, done.stderr)
        return [c for c in json.loads(done.stdout)["checks"] if c["check"] == "phones"][0]

    def test_doctor_says_whether_a_phone_on_usb_may_be_opened(self):
        found = self.phones("", 1000)
        self.assertEqual(found["level"], "warn")
        self.assertIn("no udev rule", found["text"])
        self.assertIn("install -D -m 644 etc/udev/51-framefarm.rules", found["fix"])
        found = self.phones(RULE, 1000)
        self.assertEqual(found["level"], "warn")
        self.assertIn("usermod -aG plugdev", found["fix"])
        self.assertEqual(self.phones(RULE, plugdev())["level"], "ok")


class Serve(CliTest):
    def test_adb_options_stand_in_a_file_too(self):
        conf = self.write("conf", "adb = 127.0.0.1:5555\nadb = 127.0.0.1:5557\nno-usb = yes\n")
        code, out, err = self.cli("serve", "-n", "-c", conf, "--data", self.path("farm"))
        self.assertEqual(code, 0, err)
        self.write("conf", "adb =\n")
        code, _, err = self.cli("serve", "-n", "-c", conf, "--data", self.path("farm"))
        self.assertEqual(code, 2)
        self.assertIn("conf:1: adb: the value is empty", err)

    def test_a_file_may_be_in_the_home_directory(self):
        key, conf = self.path("none/adbkey"), self.write("conf", "adb-key = ~/none/adbkey\n")
        self.env["HOME"] = self.dir
        code, _, err = self.cli("serve", "-n", "-c", conf, "--data", self.path("farm"))
        self.assertEqual(code, 1, err)
        self.assertIn(key + ": No such file", err)

    def test_what_a_start_would_refuse_is_told_beforehand(self):
        key = self.write("key", "no key")
        for options, word in ((("--adb", "nowhere"), "HOST:PORT"), (("--adb", "::1:5555"), "brackets"),
                              (("--adb-server", "10.0.0.1:5037"), "127.0.0.1:PORT"),
                              (("--adb-key", self.path("none")), "No such file"),
                              (("--adb-key", key), "~/.android/adbkey")):
            code, _, err = self.cli("serve", "-n", "--data", self.path("farm"), *options)
            self.assertIn(word, err)
            self.assertNotEqual(code, 0, options)
        self.assertFalse(os.path.exists(self.path("farm")))


if __name__ == "__main__":
    unittest.main()
