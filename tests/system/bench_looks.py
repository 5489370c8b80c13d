#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Benches work: in small, and with no look at what they measured."""

import os
import re
import subprocess
import sys
import unittest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench")
sys.path.insert(0, BENCH)
from bench_growth import exponent  # pylint: disable=wrong-import-position


def run(script, *arguments):
    env = {k: v for k, v in os.environ.items() if k != "BENCH_TABLE"}
    return subprocess.run([sys.executable, os.path.join(BENCH, script), *arguments], capture_output=True, text=True,
                          env=env, check=False)


class Looks(unittest.TestCase):
    def test_zooms_have_a_row_for_each_stretch(self):
        got = run("bench_zoom.py", "--values", "20000", "--rounds", "1", "--opens", "0")
        self.assertEqual(got.returncode, 0, got.stdout + got.stderr)
        self.assertEqual(len(re.findall(r"^zoom +zoom to 1/", got.stdout, re.M)), 6, got.stdout)

    def test_growth_is_told_of_each_part(self):
        got = run("bench_growth.py", "--small")
        self.assertEqual(got.returncode, 0, got.stdout + got.stderr)
        told = re.findall(r"^(\S.*), \w+ +exponent +-?[\d.]+ ", got.stdout, re.M)
        for part in ("a step with devices", "a step with queued runs", "samples.db with values",
                     "start of the daemon with ended jobs", "POST /jobs with ended jobs"):
            self.assertTrue(any(t.startswith(part) for t in told), part)

    def test_counters_are_held_against_none(self):
        got = run("bench_counters.py", "--blocks", "1", "--seconds", "0.2")
        self.assertIn(got.returncode, (0, 1), got.stdout + got.stderr)
        row = re.search(r"^counters +inference with (\d+) counters at 10 Hz +\S+ ms +\S+ ms", got.stdout, re.M)
        self.assertTrue(row and int(row.group(1)) > 5, got.stdout)

    def test_the_exponent_is_the_power_by_which_cost_rises(self):
        self.assertAlmostEqual(exponent([(10, 7), (100, 7), (1000, 7)]), 0)
        self.assertAlmostEqual(exponent([(10, 5), (100, 50), (1000, 500)]), 1)
        self.assertAlmostEqual(exponent([(1, 2), (10, 200)]), 2)


if __name__ == "__main__":
    unittest.main()
