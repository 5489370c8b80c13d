#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Virtual time: the agent under a clock page whose owner moves time as soon as everybody waits."""

import os
import subprocess
import unittest

from fflib import agentproto as ap
from fflib.agentbox import BUILD, AgentTest

OWNER = os.path.abspath(os.path.join(BUILD, "tests", "clockowner"))
LONG_MS = 600000


class VirtualTime(AgentTest):
    def setUp(self):
        super().setUp()
        page = os.path.join(self.box.home, "clock", "page")
        os.mkdir(os.path.dirname(page))
        self.owner = subprocess.Popen([OWNER, page], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(self.owner.stdout.readline(), b"ready\n")
        self.box.start("--clock-page", page)

    def tearDown(self):
        super().tearDown()
        self.owner.stdin.close()
        self.owner.stdout.close()
        self.owner.wait()

    def test_ten_minutes_pass_at_once_and_are_sampled_in_full(self):
        c = self.box.controller(lease_ms=2**32 - 1)
        names = [k["name"] for k in c.welcome["counters"]]
        plan = self.box.plan(runs=3, baseline_ms=LONG_MS, sample_hz=10, deadline_ms=10 * LONG_MS,
                             stall_ms=0)
        end = self.run_to_end(1, plan, c, discard=False)
        self.assertEqual(end["outcome"], ap.OK, end["cause"])
        begin = {v >> 16: t for t, v in self.box.series(1, 2)}
        self.assertEqual(begin[ap.LOAD_COLD] - begin[ap.BASELINE], LONG_MS * 1000000)
        times = [t for t, _ in self.box.series(1, 35 + names.index("load.1m"))]
        baseline = [t for t in times if t < begin[ap.LOAD_COLD]]
        self.assertEqual(baseline, [begin[ap.BASELINE] + i * 100000000 for i in range(6000)])

    def test_time_stands_while_the_controllers_answer_is_awaited(self):
        c = self.box.controller(lease_ms=2**32 - 1)
        self.run_to_end(1, self.box.plan(runs=3), c, discard=False)
        c.until_pong(1)
        c.send(ap.ping(2))
        c.until(lambda c: c.pongs, "PONG")
        first = c.pongs[0]["mono_ns"]
        for nonce in range(3, 20):
            c.pongs.clear()
            c.send(ap.ping(nonce))
            c.until(lambda c: c.pongs, "PONG")
            self.assertEqual(c.pongs[0]["mono_ns"], first)
        c.send(ap.discard(1))
        c.until(lambda c: c.status()["mono_ns"] > first + 5000000000, "time to go on")

    def test_the_lease_runs_out_in_virtual_time_too(self):
        c = self.box.controller(lease_ms=LONG_MS // 2)
        begin = c.welcome["mono_ns"]
        c.send(ap.start(1, 1, self.box.plan(baseline_ms=LONG_MS, deadline_ms=2 * LONG_MS)))
        end = c.until_end(1)
        self.assertEqual(end["outcome"], ap.LEASE_OVER)
        self.assertGreaterEqual(self.box.fact(1, "clock.end.mono_ns"),
                                begin + LONG_MS // 2 * 1000000)

    def test_without_the_owner_the_agent_ends(self):
        c = self.box.controller()
        self.owner.kill()
        c.until_closed()


if __name__ == "__main__":
    unittest.main(verbosity=2)
