#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`framefarm restore` that dies at each of its writes in turn: what is there then is nothing or all of it, what was
there before is not lost, and a second one succeeds."""

import glob
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../kill"))

from farm_backup import rows  # noqa: E402
from faults import DIE, FAIL_SPACE, Faults  # noqa: E402
from fflib import daemon as ff  # noqa: E402
from fflib.agentbox import BUILD  # noqa: E402
from fflib.daemon import DaemonTest, mlp_job  # noqa: E402

WRITES_MAX = 400    # more than a small restore has


class Cut(DaemonTest):
    def setUp(self):
        super().setUp()
        d = self.daemon()
        job = json.loads(self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS).stdout)
        self.backup = os.path.join(self.dir, "backup")
        self.cli("backup", self.backup, check=0)
        self.cli("job", "pin", job["id"], "--reason", "later than the backup", check=0)
        d.stop()
        self.wanted = rows(self.backup, "control.db")
        self.to = os.path.join(self.dir, "restored")
        self.faults = Faults(os.path.join(self.dir, "faults"))
        self.addCleanup(self.faults.close)

    def restore(self, *options, faulty=True):
        env = dict(os.environ)
        if faulty:
            env.update(LD_PRELOAD=Faults.preload(BUILD), FRAMEFARM_FAULTS=self.faults.path)
        return subprocess.run([os.path.join(BUILD, "framefarm"), "restore", self.backup, "--data", self.to,
                               *options], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def cuts(self, *options, before=None):
        """Each write that the restore makes is its last one once."""
        for n in range(WRITES_MAX):
            shutil.rmtree(self.to, ignore_errors=True)
            if before:
                before()
            self.faults.set(DIE, self.to, after=n)
            r = self.restore(*options)
            self.faults.off()
            if r.returncode == 0:
                self.assertGreater(n, 20)
                return
            self.assertEqual(r.returncode, -9, r.stderr)
            yield n
        self.fail("a restore has no end")

    def assert_restored(self, where=None):
        """All rows of the backup; a restored farm adds its mark and nothing else."""
        got = rows(where or self.to, "control.db")
        for table, wanted in self.wanted.items():
            self.assertEqual({k: v for k, v in got[table].items() if k in wanted}, wanted, table)
        self.assertEqual(rows(where or self.to, "samples.db"), rows(self.backup, "samples.db"))

    def test_it_is_there_whole_or_not_at_all_and_the_next_one_succeeds(self):
        served = False
        for n in self.cuts():
            with self.subTest(write=n):
                if os.path.exists(os.path.join(self.to, "control.db")):
                    self.assert_restored()
                elif os.path.exists(os.path.join(self.to, "samples.db")) and not served:
                    served = True
                    r = subprocess.run([os.path.join(BUILD, "framefarm"), "serve", "--data", self.to],
                                       stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
                    self.assertEqual(r.returncode, 1, r.stderr)
                    self.assertIn("control.db", r.stderr)
                    self.assertIn("restore", r.stderr)
                r = self.restore(faulty=False)
                if r.returncode:
                    self.assertIn("--replace", r.stderr)
                    r = self.restore("--replace", faulty=False)
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assert_restored()
        self.assertTrue(served)

    def put_the_farm_there(self):
        shutil.copytree(self.data, self.to, ignore=shutil.ignore_patterns("devices"))

    def test_what_was_there_before_is_not_lost(self):
        """The farm itself is replaced by its backup, which lacks a pin."""
        before = rows(self.data, "control.db")
        self.assertEqual((len(before["pins"]), len(self.wanted["pins"])), (1, 0))
        for n in self.cuts("--replace", before=self.put_the_farm_there):
            with self.subTest(write=n):
                aside = glob.glob(os.path.join(self.to, "replaced-*", "control.db"))
                where = os.path.dirname(aside[0]) if aside else self.to
                self.assertEqual(rows(where, "control.db"), before)
                r = self.restore("--replace", faulty=False)
                self.assertEqual(r.returncode, 0, r.stderr)
                self.assert_restored()

    def test_a_disk_that_is_full_is_named_and_costs_nothing(self):
        for after in (5, 20):
            shutil.rmtree(self.to, ignore_errors=True)
            self.faults.set(FAIL_SPACE, self.to, after=after)
            r = self.restore()
            self.faults.off()
            self.assertEqual(r.returncode, 1, r.stderr)
            self.assertRegex(r.stderr, "No space left|disk is full")
            self.assertFalse(os.path.exists(os.path.join(self.to, "control.db")))


if __name__ == "__main__":
    unittest.main()
