#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which phone is which: several with one serial number or none, one that moves to another port, before or
after its old place is known to be empty, one that is there anew after a reboot, one that was wiped; and
what each that needs a person says, in the list and in the API."""

import os
import shutil
import subprocess
import tempfile
import unittest

from fflib.agentbox import wait_for
from fflib.phone import ADB, Adb
from fflib.phonefarm import PhonesTest

UUID = "/data/local/tmp/framefarm/uuid"


class IdentityTest(PhonesTest):
    def shelf(self):
        """A directory for a phone's storage, which outlives the program."""
        folder = tempfile.mkdtemp(prefix="framefarm-storage-")
        os.chmod(folder, 0o777)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    def connect(self, d, phones, n):
        self.cli("device", "connect", *phones.addresses, check=0)
        self.wait_ready(d, n)

    def keys(self, d):
        return {x["key"]: x["id"] for x in self.devices(d, virtual=True)}


class Serials(IdentityTest):
    def test_one_serial_and_none(self):
        same = self.phones("--serial", "0123456789ABCDEF", count=2)
        none = self.phones("--serial=", count=2)
        d = self.farm(*same.addresses, *none.addresses)
        self.wait_ready(d, 5)
        keys = self.keys(d)
        self.assertEqual(len(keys), 4)
        self.assertEqual(len([k for k in keys if k.startswith("adb:0123456789ABCDEF:")]), 2)
        anonymous = [k for k in keys if "0123456789ABCDEF" not in k]
        self.assertEqual(len({k.rsplit(":", 1)[1] for k in anonymous}), 2)
        places = {x["where"] for x in self.devices(d, virtual=True)}
        self.assertEqual(places, {"tcp " + a for a in same.addresses + none.addresses})
        # Each is itself again when the daemon is.
        d.stop()
        d = self.farm(*none.addresses, *same.addresses)
        wait_for(lambda: self.keys(d) == keys and len(self.devices(d, state="ready", link="up")) == 5,
                 "the five that were there before")
        # Two of one name are not mixed up.
        name = self.name_at(d, same.addresses[0])
        self.assertEqual(name, self.name_at(d, same.addresses[1]))
        r = self.cli("device", "detach", name)
        self.assertNotEqual(r.returncode, 0)
        self.assertIn('2 devices are called "%s"; take the id' % name, r.stderr)
        self.assertEqual(len(self.devices(d, state="ready")), 5)


class Attributes(IdentityTest):
    def test_what_a_selector_can_ask_for(self):
        p, q = self.phones("--profile", "pixel-8"), self.phones("--profile", "galaxy-s9")
        d = self.farm(*p.addresses, *q.addresses)
        self.wait_ready(d, 3)
        for phones, cores, android, soc in ((p, "9", "14", "zuma"), (q, "8", "10", "exynos9810")):
            attrs = self.device_at(d, phones.addresses[0])["attrs"]
            self.assertEqual((attrs["cpu.cores"], attrs["android"], attrs["board"]), (cores, android, soc))
            self.assertEqual(attrs["serial"], phones.serials[0])
            self.assertEqual(attrs["virtual"], "yes")


class Moves(IdentityTest):
    def test_to_another_port(self):
        storage = self.shelf()
        before = self.phones("--dir", storage)
        d = self.farm(*before.addresses)
        self.wait_ready(d, 2)
        keys = self.keys(d)
        self.end(before)
        wait_for(lambda: self.devices(d, state="absent"), "the phone to be missed")
        after = self.phones("--dir", storage)
        self.assertNotEqual(before.addresses, after.addresses)
        self.connect(d, after, 2)
        self.assertEqual(self.keys(d), keys)
        self.assertEqual([x["where"] for x in self.devices(d, virtual=True)], ["tcp " + after.addresses[0]])

    def test_before_its_old_place_is_known_to_be_empty(self):
        storage, copy = self.shelf(), self.shelf()
        old = self.phones("--dir", storage)
        d = self.farm(*old.addresses)
        self.wait_ready(d, 2)
        known = self.device_at(d, old.addresses[0])
        subprocess.run(["cp", "-a", storage + "/.", copy], check=True)
        new = self.phones("--dir", copy)
        self.cli("device", "connect", *new.addresses, check=0)
        twin = wait_for(lambda: self.device_at(d, new.addresses[0], state="needs_human"), "the second one")
        self.assertNotEqual(twin["id"], known["id"])
        need = "%s (%s), which is connected at tcp %s, has the same identity" % (
            known["name"], known["id"], old.addresses[0])
        self.assertIn(need, twin["need"])
        self.assertIn(need, self.cli("device", "list", check=0).stdout)
        self.assertEqual(self.device_at(d, old.addresses[0])["state"], "ready")
        self.end(old)
        wait_for(lambda: self.device_at(d, new.addresses[0], state="ready", id=known["id"]),
                 "it to be the phone that it is")
        self.assertEqual(len(self.keys(d)), 1)


@unittest.skipUnless(ADB, "no adb here")
class Anew(IdentityTest):
    def test_after_a_reboot_it_is_the_same_and_after_a_wipe_another(self):
        phone = self.phones()
        d = self.farm(*phone.addresses)
        watcher = self.watch(d)
        self.wait_ready(d, 2)
        keys = self.keys(d)
        adb = Adb(self.dir)
        self.addCleanup(adb.stop)

        def absences():
            seen = watcher.transitions("device", list(keys.values())[0])
            return len([to for _, to in seen if to == "absent"])

        def reboot(*commands):
            was = absences()
            adb.run("disconnect")
            adb.connect(phone.addresses[0])
            for command in commands:
                adb.out("shell", command)
            adb.run("reboot")
            wait_for(lambda: absences() > was, "the phone to go")

        reboot()
        self.wait_ready(d, 2)
        self.assertEqual(self.keys(d), keys)
        reboot("rm " + UUID)
        self.wait_ready(d, 2)
        now = self.keys(d)
        self.assertEqual(len(now), 2)
        self.assertLess(keys.items(), now.items())
        self.assertEqual([x["id"] for x in self.devices(d, virtual=True, state="absent")], list(keys.values()))


class Needs(IdentityTest):
    """What a person must do, wherever they look."""

    def expect(self, d, address, state, *words):
        x = wait_for(lambda: self.device_at(d, address, state=state), "it to be " + state)
        listed = [line for line in self.cli("device", "list", check=0).stdout.splitlines()
                  if line.split()[0] == x["id"] or x["name"] in line]
        shown = self.cli("device", "show", x["id"], check=0).stdout
        for word in words:
            self.assertIn(word, x["need"] + x["advice"])
            self.assertIn(word, "\n".join(listed))
            self.assertIn(word, shown)

    def test_a_key_that_waits_for_a_tap(self):
        p = self.phones("--auth", "--deny")
        d = self.farm(*p.addresses)
        self.expect(d, p.addresses[0], "authorizing", "allow USB debugging on the phone's screen")

    def test_no_agent_for_its_abi(self):
        p = self.phones("--prop", "ro.product.cpu.abi=riscv64")
        d = self.farm(*p.addresses)
        self.expect(d, p.addresses[0], "needs_human", "riscv64/framefarm-agent is missing")

    def test_one_that_was_handed_over(self):
        p = self.phones()
        d = self.farm(*p.addresses)
        self.wait_ready(d, 2)
        name = self.name_at(d, p.addresses[0])
        self.cli("device", "detach", name, check=0)
        self.expect(d, p.addresses[0], "needs_human", "`framefarm device attach %s` takes it back" % name)


if __name__ == "__main__":
    unittest.main()
