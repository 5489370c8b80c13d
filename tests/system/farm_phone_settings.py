#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `framefarm device provision` finds on a virtual phone, changes and gives back: each row of its table,
with the journal, a phone that has a PIN, and one that goes in the middle of it."""

import glob
import json
import os
import unittest

from fflib.agentbox import wait_for
from fflib.phone import ADB, Adb
from fflib.phonefarm import PhonesTest

PIN, MODE = "screen_lock", "usb_mode"  # what only a person can change
# Setting, name space and key of Android's, what a new phone has, what a farm wants.
ROWS = [
    ("adb_authorisation_expiry", "global adb_allowed_connection_time", "null", "0"),
    ("system_updates", "global ota_disable_automatic_update", "null", "1"),
    ("stay_awake", "global stay_on_while_plugged_in", "0", "7"),
    ("window_animations", "global window_animation_scale", "1.0", "0"),
    ("transition_animations", "global transition_animation_scale", "1.0", "0"),
    ("animator_duration", "global animator_duration_scale", "1.0", "0"),
    ("verify_installs", "global verifier_verify_adb_installs", "null", "0"),
    ("automatic_brightness", "system screen_brightness_mode", "1", "0"),
    ("refresh_rate_min", "system min_refresh_rate", "null", "60.0"),
    ("refresh_rate_peak", "system peak_refresh_rate", "null", "60.0"),
    ("location", "secure location_mode", "3", "0"),
    ("bluetooth", "global bluetooth_on", "1", "0"),
]


@unittest.skipUnless(ADB, "no adb here")
class Settings(PhonesTest):
    def begin(self, *options):
        self.phone = self.phones(*options)
        self.adb = Adb(self.dir)
        self.addCleanup(self.adb.stop)
        self.adb.connect(self.phone.addresses[0])
        d = self.farm(*self.phone.addresses)
        self.wait_ready(d, 2)
        self.name = self.name_at(d, self.phone.addresses[0])
        return d

    def shell(self, command):
        return self.adb.run("shell", command)[1].replace("\r", "").strip()

    def on_phone(self):
        return self.shell("; ".join("settings get " + key for _, key, _, _ in ROWS)).split("\n")

    def provision(self, *how, check):
        out = self.cli("device", "provision", self.name, *how, "--json", check=check).stdout
        return {row["setting"]: row for row in json.loads(out)}

    def journal(self):
        found = glob.glob(os.path.join(self.data, "devices/adb/provision/*.json"))
        if not found:
            return None
        with open(found[0], encoding="utf-8") as f:
            return json.load(f)

    def test_every_row_is_checked_applied_and_undone(self):
        self.begin()
        fresh = [new for _, _, new, _ in ROWS]
        self.assertEqual(self.on_phone(), fresh)
        rows = self.provision(check=1)
        self.assertEqual(list(rows), [PIN, *(r[0] for r in ROWS[:2]), MODE, *(r[0] for r in ROWS[2:])])
        self.assertTrue(rows[PIN]["ok"] and rows[MODE]["ok"])
        for name, _, new, wanted in ROWS:
            row = rows[name]
            self.assertEqual((row["is"], row["want"], row["ok"], row["applied"]), (new, wanted, False, False))
            self.assertTrue(row["how"])
        self.assertEqual(self.on_phone(), fresh)  # looking changes nothing
        self.assertIsNone(self.journal())

        rows = self.provision("--apply", check=0)
        for name, _, _, wanted in ROWS:
            row = rows[name]
            self.assertEqual((row["is"], row["ok"], row["applied"]), (wanted, True, True), name)
        self.assertEqual(self.on_phone(), [wanted for _, _, _, wanted in ROWS])
        self.assertEqual(self.journal(), {name: new for name, _, new, _ in ROWS})
        self.assertFalse([r for r in self.provision("--apply", check=0).values() if r["applied"]])
        self.assertEqual(self.journal(), {name: new for name, _, new, _ in ROWS})
        self.provision(check=0)

        self.provision("--undo", check=0)
        self.assertEqual(self.on_phone(), fresh)
        self.assertIsNone(self.journal())
        r = self.cli("device", "provision", self.name, "--undo")
        self.assertNotEqual(r.returncode, 0)
        self.assertIn("nothing to undo", r.stderr)

    def test_what_a_person_had_changed_is_given_back_as_it_was(self):
        self.begin()
        self.shell("settings put global stay_on_while_plugged_in 3; settings put secure location_mode 0")
        rows = self.provision("--apply", check=0)
        self.assertTrue(rows["stay_awake"]["applied"])
        self.assertFalse(rows["location"]["applied"])  # as it should be already
        # What is changed again in between is not what it was.
        self.shell("settings put global stay_on_while_plugged_in 1")
        self.assertTrue(self.provision("--apply", check=0)["stay_awake"]["applied"])
        self.provision("--undo", check=0)
        self.assertEqual(self.shell("settings get global stay_on_while_plugged_in; "
                                    "settings get secure location_mode"), "3\n0")

    def test_a_pin_and_the_usb_mode_are_a_persons(self):
        d = self.begin()
        self.shell("locksettings set-pin 1234; setprop persist.sys.usb.config mtp")
        r = self.cli("device", "provision", self.name, "--apply", check=1)
        self.assertRegex(r.stdout, r"screen_lock .*fail +remove PIN, pattern and fingerprint")
        rows = self.provision(check=1)
        self.assertEqual([n for n, row in rows.items() if not row["ok"]], [PIN, MODE])
        self.assertIn("Old password", rows[PIN]["is"])
        self.assertIn("USB debugging on", rows[MODE]["how"])
        self.assertNotIn(PIN, self.journal())
        self.assertEqual(self.shell("locksettings verify --old 1234"), "Lock credential verified successfully")
        self.shell("locksettings clear --old 1234; setprop persist.sys.usb.config mtp,adb")
        self.provision(check=0)
        self.assertEqual(self.device_at(d, self.phone.addresses[0])["state"], "ready")

    def test_the_journal_outlives_the_daemon_and_the_phones_reboot(self):
        d = self.begin()
        self.provision("--apply", check=0)
        self.adb.run("reboot")
        wait_for(lambda: not self.device_at(d, self.phone.addresses[0], state="ready"), "the phone to go")
        d.stop()
        d = self.farm(*self.phone.addresses)
        self.wait_ready(d, 2)
        self.assertEqual(len(self.journal()), len(ROWS))
        self.provision("--undo", check=0)
        self.adb.run("disconnect")
        self.adb.connect(self.phone.addresses[0])
        self.assertEqual(self.on_phone(), [new for _, _, new, _ in ROWS])

    def test_what_is_not_given_back_stays_in_the_journal(self):
        self.begin("--storage-mb", "300")
        self.provision("--apply", check=0)
        self.shell("dd if=/dev/zero of=/data/local/tmp/filler bs=64k")  # no setting can be stored now
        r = self.cli("device", "provision", self.name, "--undo")
        self.assertNotEqual(r.returncode, 0)
        self.assertIn('does not take adb_authorisation_expiry back: it is "0" and was "null"', r.stderr)
        self.assertEqual(len(self.journal()), len(ROWS))
        self.shell("rm /data/local/tmp/filler")
        self.provision("--undo", check=0)
        self.assertEqual(self.on_phone(), [new for _, _, new, _ in ROWS])
        self.assertIsNone(self.journal())

    def test_a_phone_that_goes_in_the_middle_can_be_given_back(self):
        d = self.begin("--vanish-at", "settings put global adb_allowed", "--quirk", "vanish-for=300")
        watcher = self.watch(d)
        r = self.cli("device", "provision", self.name, "--apply")
        self.assertNotEqual(r.returncode, 0)
        here = self.devices(d, name=self.name)[0]["id"]
        wait_for(lambda: "absent" in [to for _, to in watcher.transitions("device", here)], "it to be missed")
        self.assertEqual(self.journal(), {name: new for name, _, new, _ in ROWS})
        wait_for(lambda: self.device_at(d, self.phone.addresses[0], state="ready"), "the phone to be back")
        self.provision("--undo", check=0)
        self.adb.run("disconnect")
        self.adb.connect(self.phone.addresses[0])
        self.assertEqual(self.on_phone(), [new for _, _, new, _ in ROWS])
        self.assertIsNone(self.journal())


if __name__ == "__main__":
    unittest.main()
