#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What can be set of a virtual phone besides its quirks, with Debian's stock adb: its storage, its
properties, its serial number, what it does not survive; and its lock screen."""

import os
import subprocess
import unittest

from fflib.agentbox import PATIENCE, wait_for
from fflib.phone import ADB, PHONE, OwnPhone

TMP = "/data/local/tmp/"


@unittest.skipUnless(ADB, "no adb here")
class Switches(OwnPhone):
    def shell(self, command):
        code, out, err = self.adb.run("shell", command)
        return code, (out + err).replace("\r", "").strip()

    def back(self):
        self.adb.run("disconnect", self.adb.serial)
        self.adb.run("connect", self.adb.serial)
        return self.shell("echo back") == (0, "back")

    def file(self, size):
        path = os.path.join(self.folder, "file")
        with open(path, "wb") as f:
            f.write(os.urandom(size))
        return path

    def test_storage_of_a_given_size_gets_full_and_outlives_a_reboot(self):
        self.start("--storage-mb", "8")
        code, out, err = self.adb.run("push", self.file(9 << 20), TMP + "f")
        self.assertNotEqual(code, 0)
        self.assertIn("No space left on device", out + err)
        self.adb.out("push", self.file(5 << 20), TMP + "f")
        self.assertIn("No space left", self.shell("dd if=/dev/zero of=%sg bs=1M" % TMP)[1])
        self.shell("rm %sg; echo 7 >%skept" % (TMP, TMP))
        self.adb.run("reboot")
        wait_for(self.back, "the phone to boot again")
        self.assertEqual(self.shell("cat %skept; stat -c %%s %sf" % (TMP, TMP)), (0, "7\n%d" % (5 << 20)))
        self.assertIn("CapPrm:\t0000000000000000", self.shell("cat /proc/self/status")[1])
        with open("/proc/%d/status" % self.phones.process.pid, encoding="ascii") as f:
            self.assertIn("CapEff:\t0000000000000000", f.read())

    def test_no_program_is_started_from_tmp(self):
        self.start("--quirk", "noexec")
        run = "cd %s; echo echo ran >x; chmod 755 x; ./x" % TMP
        code, out = self.shell(run)
        self.assertEqual(code, 126)
        self.assertIn("Permission denied", out)
        self.assertEqual(self.shell("sh %sx" % TMP), (0, "ran"))

    def test_properties_and_serials_are_what_was_asked_for(self):
        self.start("--serial=", "--prop", "ro.product.cpu.abi=riscv64", "--prop", "ro.x=a=b")
        self.assertEqual(self.phones.serials, [""])
        self.assertEqual(self.shell("getprop ro.serialno; getprop ro.x; getprop ro.product.cpu.abi"),
                         (0, "a=b\nriscv64"))
        self.adb.stop()
        self.phones.stop()
        self.start("--serial", "0123456789ABCDEF")
        self.assertEqual(self.shell("getprop ro.serialno"), (0, "0123456789ABCDEF"))

    def test_what_it_does_not_survive(self):
        for option, kept, more in (("--reboot-at", "0", ()), ("--vanish-at", "1", ("--quirk", "vanish-for=100"))):
            self.start(option, "fatal.bin", *more)
            self.shell("setprop debug.kept 1")  # a reboot forgets it
            self.adb.out("push", self.file(1000), TMP + "harmless.bin")
            self.assertNotEqual(self.adb.run("push", self.file(300_000), TMP + "fatal.bin")[0], 0)
            wait_for(self.back, "the phone to be back")
            self.assertEqual(self.shell("echo 0$(getprop debug.kept)")[1], ("01" if kept == "1" else "0"))
            self.adb.run("shell", "cat %sfatal.bin; sleep 100" % TMP)  # ends when the phone goes
            wait_for(self.back, "the phone to be back again")
            self.adb.stop()
            self.phones.stop()

    def test_its_cores_are_those_of_its_profile(self):
        self.start("--profile", "galaxy-s9")
        cpu = "/sys/devices/system/cpu/"
        self.assertEqual(self.shell("ls -d %scpu[0-9]* | grep -c ." % cpu), (0, "8"))
        self.assertEqual(self.shell("cat %spresent %spossible %sonline" % (cpu, cpu, cpu)),
                         (0, "0-7\n0-7\n0-7"))
        self.assertEqual(self.shell("cat %scpu[0-9]/topology/physical_package_id" % cpu),
                         (0, "\n".join("00001111")))

    def test_the_lock_screen(self):
        self.start()
        good = "Lock credential verified successfully"
        self.assertEqual(self.shell("locksettings verify"), (0, good))
        self.assertEqual(self.shell("locksettings set-pin 1234"), (0, "Pin set to '1234'"))
        self.assertEqual(self.shell("locksettings verify"), (255, "Old password '' didn't match"))
        self.assertEqual(self.shell("locksettings clear --old 1"), (255, "Old password '1' didn't match"))
        self.assertEqual(self.shell("cmd lock_settings verify --old 1234"), (0, good))
        self.assertEqual(self.shell("locksettings clear --old 1234"), (0, "Lock credential cleared"))
        self.assertEqual(self.shell("locksettings verify --old 1"),
                         (255, "Old password provided but user has no password"))
        self.assertEqual(self.shell("locksettings get-disabled"), (0, "false"))
        self.shell("locksettings set-disabled true")
        self.assertEqual(self.shell("locksettings get-disabled"), (0, "true"))
        self.assertEqual(self.shell("locksettings nonsense")[0], 255)


class CommandLine(unittest.TestCase):
    def refused(self, *options):
        done = subprocess.run([PHONE, *options], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_what_makes_no_sense_is_refused(self):
        self.assertIn("--storage-mb takes a number", self.refused("--storage-mb", "0"))
        self.assertIn("--prop takes KEY=VALUE", self.refused("--prop", "ro.x"))
        self.assertIn("--prop takes KEY=VALUE", self.refused("--prop", "ro.x=a\nb=c"))
        self.assertIn("at most 16 properties", self.refused(*["--prop=a=b"] * 17))
        self.assertIn("--serial is a word", self.refused("--serial", "a b"))


if __name__ == "__main__":
    unittest.main()
