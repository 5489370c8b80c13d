#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What run.py says, and that `make check` counts it: of a target that has a bug, and of one that has none."""

import glob
import os
import re
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
import reached
import run
import stages
from targets import TARGETS


def fuzz(*arguments):
    got = subprocess.run([sys.executable, "tests/fuzz/run.py", *arguments], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    result = stages.Result(stages.Job("fuzz", []), got.returncode, got.stdout.decode(errors="replace"), 0)
    return result, stages.count(result)


class Run(unittest.TestCase):
    def test_a_bug_fails_the_stage_and_can_be_seen_again(self):
        result, count = fuzz("--seconds", "60", "planted")
        self.assertEqual((result.code, count.passed, count.failed), (1, 0, 1), result.output)
        kept, again = (re.search(f"{words} (.*)$", result.output, re.M) for words in
                       ("the input is kept as", "to see it again:"))
        self.addCleanup(os.unlink, kept.group(1))
        with open(kept.group(1), "rb") as f:
            self.assertTrue(f.read().startswith(b"bug"))
        seen = subprocess.run(again.group(1).split(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        self.assertNotEqual(seen.returncode, 0)
        self.assertIn(b"deadly signal", seen.stderr)

    def test_what_has_none_passes_and_is_counted(self):
        result, count = fuzz("--seconds", "1", "chunk")
        self.assertEqual((result.code, count.passed, count.failed), (0, 1, 0), result.output)
        cells = re.search(r"^# chunk  .*$", result.output, re.M).group(0).split("  ")
        self.assertEqual(len([c for c in cells if c]), len(run.HEAD), cells)
        self.assertGreater(int([c for c in cells if c][2]), 1000)

    def test_a_bug_beside_others_costs_only_its_own(self):
        result, count = fuzz("--wall", "4", "chunk", "planted")
        self.assertEqual((result.code, count.passed, count.failed), (1, 1, 1), result.output)
        for path in glob.glob(os.path.join(run.BUILD, "fuzz", "planted-crash-*")):
            os.unlink(path)

    def test_an_unknown_target_is_refused(self):
        result, _ = fuzz("nothing")
        self.assertNotEqual(result.code, 0)
        self.assertIn("adb_packet", result.output)


class Tables(unittest.TestCase):
    def test_two_at_a_time_take_the_time_that_was_told(self):
        seconds = run.shares(TARGETS.values(), 120)
        self.assertLessEqual(sum(seconds.values()), 2 * 120)
        self.assertGreaterEqual(sum(seconds.values()), 2 * 120 * 0.9)  # or a processor lies idle
        lanes = [0, 0]
        for s in sorted(seconds.values(), reverse=True):
            lanes[lanes.index(min(lanes))] += s
        self.assertAlmostEqual(max(lanes), 120)

    def test_functions_that_no_target_entered_are_told(self):
        one = reached.Reached(functions={("a.c", "f"): True, ("a.c", "g"): False, ("b.c", "h"): False})
        two = reached.Reached(functions={("a.c", "g"): False, ("b.c", "h"): True})
        self.assertEqual(reached.never([one, two]), ({"a.c": ["g"]}, 3))

    def test_every_target_can_be_run(self):
        there = {os.path.basename(p)[len("fuzz_"):-len(".c")] for p in glob.glob("tests/fuzz/fuzz_*.c")}
        self.assertEqual(there, set(TARGETS) | {"planted"})
        with open("etc/build/fuzz.mk", encoding="utf-8") as f:
            self.assertEqual(there, set(re.findall(r"^FUZZ_SRC_(\w+)", f.read(), re.M)))
        for t in TARGETS.values():
            self.assertTrue(all(os.path.exists(f) for f in t.reaches), t.name)

    def test_the_tree_holds_few_seeds(self):
        for t in TARGETS.values():
            self.assertLessEqual(len(run.found_seeds(t)), t.seeds, t.name)
            self.assertLessEqual(sum(map(os.path.getsize, run.files_in(run.seeds(t)))), 128 * 1024, t.name)


if __name__ == "__main__":
    os.chdir(run.ROOT)
    unittest.main()
