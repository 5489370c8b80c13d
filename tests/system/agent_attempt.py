#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole attempts, from START to DISCARD, as the controller sees them."""

import os
import unittest

from fflib import agentproto as ap
from fflib.agentbox import AgentTest, wait_for

B2B, PACED_S, EXEC_S = 3, 5, 6  # streams of block 0, and of block 1
COUNTERS = 3 + 2 * 16


class Attempt(AgentTest):
    def test_everything_that_was_measured_arrives_once(self):
        box = self.box.start()
        plan = box.plan(dict(over=10), runs=2500, paced=300, cold_loads=1, warm_loads=1,
                        baseline_ms=300)
        end = self.run_to_end(41, plan)
        self.assertEqual((end["outcome"], end["cause"]), (ap.OK, ""))

        decl, chunks = box.stream(41, B2B)
        self.assertEqual((decl["kind"], decl["name"], decl["unit"], decl["budget_ns"]),
                         (ap.ITER, "back_to_back", "ns", 16000000))
        self.assertEqual([m["n"] for m in chunks], [1024, 1024, 452])
        values = [v for _, v in box.series(41, B2B)]
        self.assertEqual(values, [(1000000 if i % 10 else 20000000) + i for i in range(2500)])

        decl, _ = box.stream(41, PACED_S)
        self.assertEqual((decl["kind"], decl["name"], decl["period_ns"]),
                         (ap.PACED, "paced", 16666667))
        paced, executed = box.series(41, PACED_S), box.series(41, EXEC_S)
        self.assertEqual(len(paced), 300)
        self.assertEqual([t - paced[0][0] for t, _ in paced], [i * 16666667 for i in range(300)])
        self.assertEqual([(t - 1000, v + 1000) for t, v in executed], paced)
        self.assertEqual(box.stream(41, EXEC_S)[0]["kind"], ap.EXEC)

    def test_marks_tell_the_phases_in_order(self):
        box = self.box.start()
        self.run_to_end(1, box.plan(runs=5, paced=5, cold_loads=1, warm_loads=1))
        marks = box.series(1, 2)
        self.assertEqual([v >> 16 for _, v in marks],
                         [ap.BASELINE, ap.LOAD_COLD, ap.FIRST, ap.LOAD_WARM, ap.FIRST, ap.WARMUP,
                          ap.BACK2BACK, ap.PACED_PHASE, ap.AFTER])
        self.assertEqual(sorted(marks), marks)

    def test_facts_of_runner_and_agent(self):
        box = self.box.start()
        self.run_to_end(1, box.plan(runs=5, cold_loads=1, warm_loads=1))
        facts = box.facts(1)
        self.assertEqual(facts["load.cold_ns"], [1000])
        self.assertEqual(facts["load.warm_ns"], [1001])
        self.assertEqual(facts["fake.files"], [2, 2])
        self.assertEqual(facts["fake.bytes"], [7009, 7009])
        self.assertEqual(facts["ring.back_to_back.count"], [5])
        self.assertEqual(facts["ring.back_to_back.skipped"], [2])
        self.assertGreater(facts["process.0.peak_rss_bytes"][0], 100000)
        self.assertGreater(facts["clock.end.mono_ns"][0], facts["clock.begin.mono_ns"][0])
        self.assertEqual(facts["clock.suspended_ms"], [0])
        self.assertEqual(facts["agent.context"], ["shell"])
        self.assertIn("no_new_privs", facts["agent.protections"][0])
        self.assertIn(facts["env.before.charge"][0],
                      ("mains", "charging", "discharging", "full", "not_charging", "unknown"))

    def test_what_the_runner_prints_is_kept(self):
        box = self.box.start()
        self.run_to_end(1, box.plan(cold_loads=1, warm_loads=1))
        self.assertEqual(box.text(1), "process 0 of 2 begins\nprocess 1 of 2 begins\n")

    def test_counters_are_sampled_in_every_phase(self):
        box = self.box.start()
        c = box.controller()
        names = [k["name"] for k in c.welcome["counters"]]
        plan = box.plan(dict(hold_at="back_to_back", hold_runs=3), runs=6, baseline_ms=500,
                        sample_hz=50, sample_hz_timed=100)
        c.send(ap.start(1, 9, plan))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 3, "three iterations")
        before = c.status()["mono_ns"]
        c.until(lambda c: c.status()["mono_ns"] > before + 600000000, "more time")
        box.go(9)
        c.until_end(9)
        stream = COUNTERS + names.index("mem.available")
        decl, _ = box.stream(9, stream)
        self.assertEqual((decl["kind"], decl["unit"], decl["scale"], decl["source"]),
                         (ap.COUNTER, "B", 1, "/proc/meminfo"))
        samples = box.series(9, stream)
        times = [t for t, _ in samples]
        self.assertEqual(sorted(set(times)), times)
        self.assertTrue(all(v > 2**20 and v % 1024 == 0 for _, v in samples))
        begin = {v >> 16: t for t, v in box.series(9, 2)}
        timed = [t for t in times if begin[ap.BACK2BACK] <= t < begin[ap.AFTER]]
        idle = [t for t in times if t < begin[ap.LOAD_COLD]]
        self.assertGreater(len(timed), 30)
        self.assertGreater(len(idle), 10)
        rss = box.series(9, COUNTERS + names.index("runner.rss"))
        self.assertTrue(rss and all(v > 100000 for _, v in rss))

    def test_no_samples_where_none_are_asked_for(self):
        box = self.box.start()
        self.run_to_end(1, box.plan(runs=5, baseline_ms=100, sample_hz=0, sample_hz_timed=0))
        self.assertEqual([k for k in box.chunks if k[2] >= COUNTERS], [])

    def test_status_tells_how_far_it_is(self):
        box = self.box.start()
        c = box.controller()
        plan = box.plan(dict(over=2, hold_at="back_to_back", hold_runs=8), runs=9)
        c.send(ap.start(1, 5, plan))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 8, "eight iterations")
        s = c.status()
        self.assertEqual((s["attempt"], s["phase"], s["over_budget"]), (5, ap.BACK2BACK, 4))
        self.assertTrue(0 < s["permille"] < 1000)
        times = [x["mono_ns"] for x in c.statuses if x["attempt"]]
        box.go(5)
        c.until_end(5)
        self.assertTrue(all(b - a >= 400000000 for a, b in zip(times[1:], times[2:])), times)
        c.until(lambda c: c.status()["attempt"] == 0, "an idle agent")

    def test_the_next_attempt_follows_at_once(self):
        box = self.box.start()
        c = box.controller()
        for attempt in range(1, 6):
            self.assertEqual(self.run_to_end(attempt, box.plan(runs=3), c)["outcome"], ap.OK)
        self.assertEqual(os.listdir(os.path.join(box.dir, "scratch")), [])

    def test_a_second_start_of_the_same_attempt_changes_nothing(self):
        box = self.box.start()
        c = box.controller()
        plan = box.plan(dict(hold_at="back_to_back", hold_runs=1), runs=2)
        c.send(ap.start(1, 5, plan) + ap.start(1, 5, plan))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 1, "an iteration")
        c.send(ap.start(1, 6, plan))
        r = c.until_refused()
        self.assertEqual((r["code"], r["attempt"]), (ap.REFUSE_BUSY, 6))
        box.go(5)
        self.assertEqual(c.until_end(5)["outcome"], ap.OK)
        del c.ends[5]
        c.send(ap.start(1, 5, plan))  # replayed after a crash of the controller
        c.until_end(5)
        self.assertEqual(c.refusals, [])

    def test_plans_that_cannot_be_done_are_refused_with_a_reason(self):
        box = self.box.start()
        c = box.controller()
        bad = [
            (b"nonsense", "decoded"),
            (box.plan(runner_sha256=""), "no runner"),
            (box.plan(model_sha256="0" * 64), "not on the device"),
            (box.plan(model_bytes=5), "bytes on the device"),
            (box.plan(inputs=["1" * 64]), "not on the device"),
            (box.plan(sample_hz=100000), "too often"),
            (box.plan(back2back=dict(on=1, min_runs=1, max_runs=2**31)), "iterations"),
            (box.plan(cold_loads=1000), "loads"),
            (box.plan(budget_ns=-5), "negative"),
        ]
        for i, (plan, why) in enumerate(bad):
            c.send(ap.start(1, 100 + i, plan))
            r = c.until_refused()
            self.assertEqual((r["about"], r["code"], r["attempt"]),
                             (ap.START, ap.REFUSE_PLAN, 100 + i))
            self.assertIn(why, r["text"])
        c.send(ap.start(1, -3, box.plan()))
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_PLAN)
        self.assertEqual(os.listdir(os.path.join(box.dir, "spool")), [])
        self.assertEqual(os.listdir(os.path.join(box.dir, "scratch")), [])
        self.assertEqual(self.run_to_end(200, box.plan(), c)["outcome"], ap.OK)

    def test_many_files_reach_the_runner(self):
        box = self.box.start()
        inputs = [box.push(b"input %d" % i) for i in range(60)]
        many = box.plan(inputs=inputs)
        self.run_to_end(1, many)
        self.assertEqual(box.fact(1, "fake.files"), 62)

    def test_without_a_sensor_the_gate_says_so_and_does_not_wait(self):
        root = os.path.join(self.box.home, "root")
        os.mkdir(root)
        box = self.box.start("--root", root)
        self.run_to_end(1, box.plan(thermal_wait_ms=600000, thermal_start_mc=30000))
        self.assertEqual(box.fact(1, "thermal"), "unobserved")
        self.assertEqual(box.fact(1, "thermal.gate"), "unobserved")


class Gate(AgentTest):
    def zone(self, mc):
        with open(os.path.join(self.zone_dir, "temp"), "w") as f:
            f.write("%s\n" % mc)

    def setUp(self):
        super().setUp()
        root = os.path.join(self.box.home, "root")
        self.zone_dir = os.path.join(root, "sys/class/thermal/thermal_zone0")
        os.makedirs(self.zone_dir)
        with open(os.path.join(self.zone_dir, "type"), "w") as f:
            f.write("cpu-thermal\n")
        self.zone(71000)
        self.box.start("--root", root)

    def test_a_hot_device_is_waited_for_up_to_the_cap(self):
        c = self.box.controller()
        plan = self.box.plan(thermal_wait_ms=1500, thermal_start_mc=45000)
        c.send(ap.start(1, 1, plan))
        c.until(lambda c: any(s["note"] for s in c.statuses), "what it waits for")
        waiting = [s for s in c.statuses if s["note"]][0]
        self.assertEqual(waiting["note"], "cooling: 71.0 C, starts at 45.0 C")
        self.assertEqual((waiting["phase"], waiting["hottest_mc"], waiting["thermal_known"]),
                         (ap.THERMAL, 71000, 1))
        self.assertEqual(c.until_end(1)["outcome"], ap.OK)
        self.assertEqual(self.box.fact(1, "thermal.gate"), "timeout")
        self.assertGreaterEqual(self.box.fact(1, "thermal.wait_ms"), 1500)
        self.assertEqual(self.box.fact(1, "thermal.start_mc"), 71000)

    def test_a_sensor_that_falls_silent_is_not_cool(self):
        self.zone(30000)
        c = self.box.controller()
        self.zone("")
        c.send(ap.start(1, 1, self.box.plan(thermal_wait_ms=7000, thermal_start_mc=45000)))
        c.until(lambda c: c.statuses and "cannot be read" in c.status()["note"], "its silence")
        self.assertEqual(c.status()["hottest_mc"], ap.INT32_MIN)
        self.assertEqual(c.status()["thermal_known"], 0)
        c.until_end(1)
        self.assertEqual(self.box.fact(1, "thermal"), "observed")
        self.assertEqual(self.box.fact(1, "thermal.gate"), "timeout")


if __name__ == "__main__":
    unittest.main(verbosity=2)
