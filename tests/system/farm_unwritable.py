#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Data directories that cannot be written: the daemon starts nothing, changes nothing, and says what to do."""

import os
import shutil
import subprocess
import unittest

from fflib.agentbox import BUILD
from fflib.daemon import DaemonTest

NOBODY = 65534


def listing(top):
    return sorted((os.path.join(d, n), os.lstat(os.path.join(d, n)).st_mtime_ns)
                  for d, dirs, files in os.walk(top) for n in dirs + files)


@unittest.skipUnless(os.geteuid() == 0, "needs root, to mount and to be somebody else")
class Unwritable(DaemonTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.dir, 0o711)
        self.program = shutil.copy(os.path.join(BUILD, "framefarm"), self.dir)  # where anybody may run it
        self.shelf = os.path.join(self.dir, "shelf")
        os.mkdir(self.shelf)
        self.at = os.path.join(self.shelf, "data")

    def fill(self):
        """A daemon has been here."""
        d = self.daemon()
        d.stop()
        shutil.copytree(self.data, self.at, ignore=shutil.ignore_patterns("devices"))

    def run_it(self, command, before, data=None):
        return subprocess.run([*before, self.program, command, "--data", data or self.at], text=True, timeout=60,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)

    def read_only(self, command, data=None):
        return self.run_it(command, ["unshare", "--mount", "sh", "-c",
                                     'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"', self.shelf],
                           data)

    def as_nobody(self, command, data=None):
        return self.run_it(command, ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"], data)

    def test_a_read_only_file_system(self):
        self.fill()
        before = listing(self.shelf)
        r = self.read_only("serve")
        self.assertEqual(r.returncode, 3, r.stdout)
        self.assertIn("mounted read-only: mount it for writing, or name another directory with --data", r.stdout)
        self.assertIn("Read-only file system", self.read_only("doctor").stdout)
        r = self.read_only("serve", os.path.join(self.shelf, "new/er"))
        self.assertEqual(r.returncode, 3, r.stdout)
        self.assertIn("or name another one with --data", r.stdout)
        self.assertEqual(listing(self.shelf), before)

    def test_a_directory_that_is_not_his_to_make(self):
        r = self.as_nobody("serve")
        self.assertEqual(r.returncode, 3, r.stdout)
        self.assertRegex(r.stdout, r"cannot make the data directory .*/shelf/data: make it for user 65534.*Permission denied")
        self.assertEqual(os.listdir(self.shelf), [])

    def test_what_root_left_in_it_is_named(self):
        """The daemon was started as root once, in the directory of its own user."""
        self.fill()
        os.chown(self.at, NOBODY, NOBODY)
        for name in ("lock", "control.db", "samples.db", "files"):
            with self.subTest(name):
                r = self.as_nobody("serve")
                self.assertEqual(r.returncode, 3, r.stdout)
                self.assertIn("%s/%s cannot be written by user 65534" % (self.at, name), r.stdout)
                self.assertIn("`chown -R 65534`", r.stdout)
                self.assertRegex(self.as_nobody("doctor").stdout,
                                 r"data +fail +\S+/%s cannot be written: Permission denied\n +mend it: sudo chown -R 65534" % name)
                os.chown(os.path.join(self.at, name), NOBODY, NOBODY)
        r = self.as_nobody("serve")     # what is wrong now is another thing
        self.assertNotIn("cannot be written", r.stdout)


if __name__ == "__main__":
    unittest.main()
