#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A runner on a device whose system cannot load it. The tests' runner names a loader that is nowhere and a
library that no system has, as a program of glibc does on Android; it runs by what came along with it."""

import os
import unittest

from fflib import agentproto as ap
from fflib import foreign
from fflib.agentbox import BUILD, AgentTest

LIBC = "libc.so.6"


def read(*path):
    with open(os.path.join(BUILD, *path), "rb") as f:
        return f.read()


class Loader(AgentTest):
    machine, loader = os.uname().machine, "ld-linux-x86-64.so.2"
    where = "/files/{sha}"  # of a library; the scratch directory has symbolic links

    @classmethod
    def setUpClass(cls):
        if not os.path.exists(os.path.join(BUILD, "tests/own", cls.machine, "fakerunner")):
            raise unittest.SkipTest(f"no runner for {cls.machine}: make own-runners")

    def setUp(self):
        super().setUp()
        self.box.runner = os.path.join(BUILD, "tests/own", self.machine, "fakerunner")

    def support(self, *names):
        out = {name: self.box.push(read(self.machine, "lib", name)) for name in names}
        out["libffown.so"] = self.box.push(read("tests/own", self.machine, "libffown.so"))
        return out

    def loaded_plan(self, support, orders=None, **changes):
        loader = self.box.push(read(self.machine, "lib", self.loader), executable=True)
        return self.box.plan(orders or {}, loader_sha256=loader, support=support, **changes)

    def run_plan(self, plan, *options):
        self.box.start(*options)
        return self.run_to_end(1, plan, discard=False)

    def check_loaded(self, support):
        """The C library that it runs with is the one that was pushed, and none of this system's is there."""
        self.assertEqual(self.box.fact(1, "own.library"), 4711)
        maps = self.box.text(1)
        for name in (LIBC, "libffown.so"):
            self.assertIn(self.where.format(name=name, sha=support[name]), maps)
        self.assertNotIn("/usr/lib/", maps)
        self.assertNotRegex(maps, r"\s/lib(64)?/")

    def test_it_runs_by_the_loader_that_came_along(self):
        support = self.support(LIBC)
        end = self.run_plan(self.loaded_plan(support, dict(do="maps", at="first"), runs=5, cold_loads=2))
        self.assertEqual(end["outcome"], ap.OK, end["cause"])
        self.assertEqual(len(self.box.series(1, 3)), 5)
        self.check_loaded(support)
        self.assertFalse(os.path.exists(self.box.scratch(1, "")))

    def test_without_one_it_cannot_be_started(self):
        end = self.run_plan(self.box.plan(runs=5))
        self.assertNotEqual(end["outcome"], ap.OK)
        self.assertIn("No such file", end["cause"])

    def test_a_library_that_is_missing_is_named(self):
        support = self.support(LIBC)
        del support["libffown.so"]
        end = self.run_plan(self.loaded_plan(support, runs=5))
        self.assertEqual(end["outcome"], ap.RUNTIME)
        self.assertIn("libffown.so", end["cause"])

    def test_one_that_was_not_pushed_is_said_before_anything_runs(self):
        support = dict(self.support(LIBC), **{"libm.so.6": "a" * 64})
        box = self.box.start()
        c = box.controller()
        c.send(ap.start(1, 1, self.loaded_plan(support, runs=5)))
        refusal = c.until_refused() if not c.ends else c.ends
        self.assertIn("aaaaaaaaaaaa", str(refusal))


@unittest.skipIf(os.geteuid(), "another user needs root")
class AnotherUser(Loader):
    """The runner's user must not pass through the agent's directory, and under Landlock may open only what is
    its own."""

    where = "/scratch/1/lib/{name}"

    def run_plan(self, plan, *options):
        os.chmod(self.box.home, 0o755)
        return super().run_plan(plan, "--runner-uid", "61999", *options)


WHY_NOT = foreign.why_not("aarch64")


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Arm64(Loader):
    """The same under qemu-user, agent and all."""

    machine, loader = "aarch64", "ld-linux-aarch64.so.1"

    def setUp(self):
        super().setUp()
        self.box.argv = foreign.agent(self.machine)


if __name__ == "__main__":
    unittest.main()
