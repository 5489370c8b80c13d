#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A log of half an hour ends with what failed in it, and why, whatever kind of test it was."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import stages

UNITTEST = """
import unittest
class T(unittest.TestCase):
    def test_sums(self):
        self.assertEqual(1 + 1, 3, "sums")
    def test_passes(self):
        pass
unittest.main(argv=["x"])
"""


def failed(program):
    result = stages.run(stages.Job("job", program), {})
    return stages.failures(result), stages.count(result)


class Say(unittest.TestCase):
    def test_a_case_of_unittest(self):
        said, count = failed([sys.executable, "-c", UNITTEST])
        self.assertRegex(said, r"^job: test_sums \S+: AssertionError: 2 != 3 : sums$")
        self.assertEqual((count.passed, count.failed), (1, 1))

    def test_a_case_of_tap(self):
        said, count = failed(["sh", "-c", "echo 1..2; echo ok 1 - a; echo not ok 2 - sums; "
                                          "echo '# 0x1 != 0'; echo '# x.c:5: error: Failure!'; exit 1"])
        self.assertEqual(said, "job: sums: # x.c:5: error: Failure!")
        self.assertEqual((count.passed, count.failed), (1, 1))

    def test_a_build(self):
        said, _ = failed(["sh", "-c", "echo 'x.c:4:5: error: no such thing'; exit 2"])
        self.assertEqual(said, "job: exit code 2: x.c:4:5: error: no such thing")

    def test_a_stage_hands_it_on(self):
        stage = stages.Stage("stage", lambda: [stages.Job("good", ["true"]), stages.Job("bad", ["false"])])
        total, _, said = stages.do_stage(stage)
        self.assertEqual((total.passed, total.failed, said), (1, 1, ["bad: exit code 1"]))


if __name__ == "__main__":
    unittest.main()
