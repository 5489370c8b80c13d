#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Controller, agent and runner are killed in the middle of a run. Each time the run completes, nothing
that was measured is lost, nothing is there twice, and exactly one attempt counts for each round."""

import os
import signal
import unittest

from fflib import daemon as ff
from fflib.daemon import DaemonTest, children_of, is_alive, mlp_job, wait_for

LONG = {"min_ms": 2500, "max_ms": 10000, "min_runs": 2000, "max_runs": 100000}


class Kills(DaemonTest):
    def submit(self, **more):
        measure = dict(LONG, **more.pop("measure", {}))
        job = mlp_job(measure=measure, **more)
        return self.cli("run", self.job_file(job), "--async", check=0).stdout.strip()

    def values(self, d, run, stream="paced"):
        csv = d.http("GET", "/api/v1/runs/%s/samples?stream=%s" % (run, stream)).body.decode()
        return [tuple(line.split(",")[:2]) for line in csv.splitlines()[1:]]

    def assert_complete(self, d, job, attempts):
        """The run's one counted attempt has every iteration that its runner counted, once each."""
        got = d.get("/api/v1/jobs/" + job)
        run = d.get("/api/v1/runs/" + got["runs"][0]["id"])
        self.assertEqual(run["state"], "completed")
        self.assertEqual(len(run["attempts"]), attempts)
        self.assertEqual(sum(a["counted"] for a in run["attempts"]), 1)
        values = self.values(d, run["id"])
        self.assertEqual(len({t for t, _ in values}), len(values), "an iteration is there twice")
        facts = {f["key"]: f["value"] for f in run["facts"]}
        self.assertEqual(len(values), facts["block.paced.runs"], "iterations are missing")
        return run

    def runner_of(self, d):
        return wait_for(lambda: children_of(d.agent_pid()), "a runner")[0]

    def test_the_controller_dies_while_a_model_is_timed(self):
        d = self.daemon()
        j = self.submit()
        self.wait_phase(d, j, "paced")
        agent = d.agent_pid()
        d.kill()
        d = self.daemon()
        self.assertEqual(d.agent_pid(), agent, "the agent went on")
        self.cli("job", "wait", j, check=ff.PASS)
        self.assert_complete(d, j, attempts=1)

    def test_the_controller_dies_again_and_again(self):
        d = self.daemon()
        j = self.submit(measure={"baseline_ms": 1500})
        for phase in ("baseline", "paced", "after"):
            self.wait_phase(d, j, phase)
            d.kill()
            d = self.daemon()
        self.cli("job", "wait", j, check=ff.PASS)
        self.assert_complete(d, j, attempts=1)

    def test_the_controller_dies_before_anything_was_staged(self):
        d = self.daemon()
        j = self.submit()
        d.kill()
        d = self.daemon()
        self.cli("job", "wait", j, check=ff.PASS)
        got = d.get("/api/v1/jobs/" + j)
        self.assertEqual(got["runs"][0]["state"], "completed")

    def test_the_agent_dies_and_a_new_attempt_is_made(self):
        d = self.daemon()
        j = self.submit()
        self.wait_phase(d, j, "paced")
        agent, runner = d.agent_pid(), self.runner_of(d)
        os.kill(agent, signal.SIGKILL)
        wait_for(lambda: not is_alive(runner), "the runner to die with its agent")
        self.cli("job", "wait", j, check=ff.PASS)
        run = self.assert_complete(d, j, attempts=2)
        lost = [a for a in run["attempts"] if not a["counted"]][0]
        self.assertEqual(lost["failure"], "infrastructure")
        self.assertIn("agent", lost["cause"])

    def test_what_the_dead_agent_had_measured_is_stored_with_its_attempt(self):
        d = self.daemon()
        j = self.submit()
        self.wait_phase(d, j, "paced")
        run = d.get("/api/v1/jobs/" + j)["runs"][0]["id"]
        os.kill(d.agent_pid(), signal.SIGKILL)
        self.cli("job", "wait", j, check=ff.PASS)
        first = min(a["id"] for a in d.get("/api/v1/runs/" + run)["attempts"])
        found = wait_for(lambda: [s for s in d.get("/api/v1/runs/%s?attempt=%s" % (run, first))[
            "streams"] if s["name"] == "paced" and s["n"] > 0],
            "the first attempt's iterations")
        self.assertGreater(found[0]["n"], 0)

    def test_the_runner_dies_and_that_is_the_result(self):
        d = self.daemon()
        j = self.submit()
        self.wait_phase(d, j, "paced")
        os.kill(self.runner_of(d), signal.SIGKILL)
        self.cli("job", "wait", j, check=ff.GATE)
        run = d.get("/api/v1/runs/" + d.get("/api/v1/jobs/" + j)["runs"][0]["id"])
        self.assertEqual((run["state"], run["verdict"]), ("completed", "fail"))
        gate = [g for g in run["result"]["gates"] if g["name"] == "execution"][0]
        self.assertEqual(gate["verdict"], "fail")
        self.assertIn("SIGKILL", gate["text"])
        # the iterations before its death are there
        self.assertGreater(len(self.values(d, run["id"])), 0)

    def test_controller_and_agent_die_together(self):
        d = self.daemon()
        j = self.submit()
        self.wait_phase(d, j, "paced")
        agent = d.agent_pid()
        d.kill()
        os.kill(agent, signal.SIGKILL)
        wait_for(lambda: not is_alive(agent), "the agent to die")
        d = self.daemon()
        self.cli("job", "wait", j, check=ff.PASS)
        self.assert_complete(d, j, attempts=2)


if __name__ == "__main__":
    unittest.main()
