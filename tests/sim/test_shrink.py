#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The shrinker, with planted bugs: what it finds is far shorter, replays, and fails by the same invariant."""

import os
import re
import shlex
import subprocess
import unittest

import planted

STEPS = 20000
SECONDS = 25        # in which it looks


class Shrinking(unittest.TestCase):
    def plant(self, name):
        plant = next(p for p in planted.read() if p[0] == name)
        folder = os.path.join(planted.ROOT, "shrink", name)
        sources = planted.patch(plant[2], folder)
        self.assertTrue(sources, "the plant's text is in the tree")
        program = os.path.join(folder, "sim")
        self.assertIsNone(planted.build(sources, program, planted.made("sim-compiler"), planted.made("sim-link")))
        return program

    def fails(self, argv):
        done = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              timeout=120)
        self.assertNotEqual(done.returncode, 0)
        return re.sub(r"\d+", "", done.stderr.splitlines()[0])

    def shrink(self, name, seed):
        """Of the first seed from that one on which breaks late: by how much it is shortened."""
        program = self.plant(name)
        argv = [program, "--first", str(seed), "--steps", str(STEPS), "--jobs", "1", "--seeds", "50"]
        first = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               timeout=120).stderr
        found = re.search(r"^sim: seed (\d+), step (\d+)", first, re.M)
        self.assertTrue(found, first)
        done = subprocess.run([program, "--shrink", found.group(1), "--steps", str(STEPS), "--seconds",
                               str(SECONDS)], check=True, stdout=subprocess.PIPE, text=True, timeout=200)
        was = re.search(r"^seed \d+: (\d+) deeds, (\d+) steps", done.stdout, re.M)
        now = re.search(r"^shortest: (\d+) deeds, (\d+) steps", done.stdout, re.M)
        replay = shlex.split(re.search(r"^  build/tests/sim (.*)$", done.stdout, re.M).group(1))
        print(f"# {name}: {was.group(1)} deeds, {was.group(2)} steps became {now.group(1)} and {now.group(2)}")
        self.assertIn(self.fails([program, *replay]), re.sub(r"\d+", "", first))
        return [int(n) for n in (*was.groups(), *now.groups())]

    def test_what_needs_little_becomes_a_few_deeds(self):
        deeds, steps, few, short = self.shrink("what_is_stored_is_not_judged_after_a_restart", 1)
        self.assertGreater(deeds, 50)
        self.assertLess(few * 10, deeds)
        self.assertLess(short * 5, steps)

    def test_what_shows_itself_in_peace_alone_is_shrunk_too(self):
        deeds, steps, few, short = self.shrink("spools_do_not_drain", 1)
        self.assertLess(few * 20, deeds)
        self.assertLess(short * 20, steps)

    def test_a_seed_that_breaks_nothing_is_said_to(self):
        done = subprocess.run([os.path.join(planted.BUILD, "tests/sim"), "--shrink", "1", "--steps", "200"],
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("breaks nothing", done.stderr)


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    unittest.main()
