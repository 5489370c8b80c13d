#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make demo`: a shelf of virtual phones beside this machine, a run that fails on one of them and is
tried on another, one job across all, and nothing that stays behind."""

import os
import re
import subprocess
import tempfile
import unittest

from fflib.agentbox import BUILD

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 280


def who_names(text):
    """The processes on whose command line it is."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if text.encode() in f.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Demo(unittest.TestCase):
    def test_it_shows_a_shelf_and_a_run_that_is_tried_elsewhere(self):
        with tempfile.TemporaryDirectory(prefix="ff-demo-") as folder:
            data = os.path.join(folder, "farm")
            env = {k: v for k, v in os.environ.items() if not k.startswith("FRAMEFARM_")}
            env.update(B=BUILD, ONCE="1", PORT="0", DEMO_DATA=data, DEMO_JOBS="")
            done = subprocess.run(["etc/build/demo.sh"], cwd=TREE, env=env, capture_output=True, text=True,
                                  timeout=SECONDS, check=False)
            said = done.stdout + done.stderr
            self.assertEqual(done.returncode, 0, said)

            # The list, before anything ran: who is virtual is said of each.
            rows = re.findall(r"^d\d+ +(\S+) +(adb \(virtual\)|local) .* ready ", done.stdout, re.M)
            self.assertEqual(sorted(kind for _, kind in rows), ["adb (virtual)"] * 3 + ["local"], said)

            # The first attempt is that of the phone with the bad cable; the run ends on another.
            one = re.search(r"^r1 \S+ on (\S+) \(virtual\): .*, 2 attempts$", done.stdout, re.M)
            self.assertTrue(one, said)
            self.assertFalse(one[1].startswith("sm-g960f"), said)

            # All of them in one job, each with its mark.
            shelf = re.findall(r"^r[2-5] +(\S+)( \(virtual\))? +mobilenet", done.stdout, re.M)
            self.assertEqual(sorted(name for name, _ in shelf), sorted(name for name, _ in rows), said)
            self.assertEqual([mark for name, mark in shelf if name == "local"], [""])
            self.assertEqual(len([mark for _, mark in shelf if mark]), 3, said)

            self.assertEqual(who_names(folder), [])
            self.assertEqual([n for n in os.listdir(folder) if "phones" in n], [])


if __name__ == "__main__":
    unittest.main()
