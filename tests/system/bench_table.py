#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table that `make bench` ends with: what the benches print becomes rows, verdicts are those of the
targets, and a bench that printed nothing does not pass for one that met them."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench")

GATE = "  n=5, over=1; FAIL\nbudget, random                     30.1 ms\nmetrics of a block                150.0 ms\n"
STORE = ("iterations, 120/s     9.7 M values/s; bare loop  12.0 (ratio 0.81), with pages of 4096 bytes  17.7 (ratio 0.55);"
         " 5.18 bytes/value, payload 4.83\n"
         "counter, 100/s        1.9 M values/s; bare loop   2.0 (ratio 0.95), with pages of 4096 bytes   2.1 (ratio 0.90);"
         " 4.35 bytes/value, payload 4.10\n")
CORE = ("10 devices, 100 queued runs, 10 selectors: p50 0.4 us, p99 4.9 us, worst 445.0 us of 200238 steps; the same mix"
        " 1.00 us, 1.00 us in the least farm (ratio 1.00)\n"
        "1000 devices, 100000 queued runs, 1000 selectors: p50 1.0 us, p99 1132.7 us, worst 45595.0 us of 201154 steps;"
        " the same mix 4.00 us, 1.25 us in the least farm (ratio 3.20)\n    submission    9 steps, p50 1.0 us\n")


class Table(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.table = os.path.join(folder.name, "table")
        self.noise = os.path.join(folder.name, "noise")

    def run_it(self, script, *arguments):
        return subprocess.run([sys.executable, os.path.join(BENCH, script), *arguments], capture_output=True, text=True,
                              env=dict(os.environ, BENCH_TABLE=self.table), check=False)

    def c_bench(self, which, prints, code=0):
        return self.run_it("bench_c.py", which, "/bin/sh", "-c", 'printf %s "$0"; exit "$1"', prints, str(code))

    def rows(self):
        with open(self.table, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def test_the_gate(self):
        got = self.c_bench("gate", GATE, 1)
        self.assertEqual(got.returncode, 1)
        self.assertIn("n=5, over=1", got.stdout)  # what is no row is shown
        self.assertEqual([(r["what"], r["verdict"], r["ratio"]) for r in self.rows()],
                         [("200 000 iterations, budget, random", "met", "0.301"),
                          ("200 000 iterations, metrics of a block", "missed", "1.5")])

    def test_the_core_shows_how_cost_grows_and_holds_the_largest_against_its_targets(self):
        self.assertEqual(self.c_bench("core", CORE).returncode, 1)
        self.assertEqual([(r["ours"], r["peer"], r["ratio"], r["verdict"]) for r in self.rows()],
                         [("1 us", "1 us", "1", ""), ("1133 us", "-", "1.133", "missed"),
                          ("4 us", "1.25 us", "3.2", "met")])

    def test_the_bench_of_the_core_runs(self):
        got = self.run_it("bench_c.py", "core", os.path.join(os.environ.get("FRAMEFARM_BUILD", "build"),
                                                             "bench/bench_core"), "--short")
        self.assertIn(got.returncode, (0, 1), got.stdout + got.stderr)
        self.assertEqual([r["verdict"] for r in self.rows()], ["", ""])

    def test_the_store_has_to_meet_both_its_rates(self):
        self.assertEqual(self.c_bench("store", STORE).returncode, 1)
        self.assertEqual([(r["ours"], r["peer"], r["ratio"], r["verdict"]) for r in self.rows()],
                         [("9.7 M/s", "12 M/s", "0.81", "met"), ("5.18 bytes", "-", "1.151", "missed"),
                          ("1.9 M/s", "2 M/s", "0.95", "missed"), ("4.35 bytes", "-", "0.9667", "met")])

    def test_a_bench_without_a_row_has_failed(self):
        for prints, code in (("", 0), ("something else\n", 0)):
            self.assertEqual(self.c_bench("gate", prints, code).returncode, 1)
        self.assertEqual(self.c_bench("gate", "budget, random   30.1 ms\n", 0).returncode, 0)
        self.assertEqual(self.c_bench("gate", "budget, random   30.1 ms\n", 134).returncode, 1)

    def test_the_closing_table_begins_with_the_noise(self):
        self.assertEqual(self.c_bench("gate", GATE).returncode, 1)
        for _ in range(2):
            self.assertEqual(self.run_it("noise.py", self.noise).returncode, 0)
        self.assertEqual(self.run_it("noise.py", self.noise, "--row").returncode, 0)
        closing = self.run_it("table.py", self.table)
        self.assertIn("1 of 2 targets missed", closing.stdout)
        self.assertEqual(closing.returncode, 1)
        shown = closing.stdout.split("\n")
        shown = [line for line in shown if line]
        self.assertEqual([line.split()[0] for line in shown], ["bench", "machine", "gate", "gate", "1"])
        for word in ("measured", "peer", "ratio", "target"):
            self.assertIn(word, shown[0])
        self.assertIn("of 100; from", shown[1])  # two times fifty


if __name__ == "__main__":
    unittest.main()
