#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every way in which a runner, its lease or its disk can end an attempt: the outcome, the sentence,
and what was measured until then."""

import os
import resource
import subprocess
import unittest

from fflib import agentproto as ap
from fflib.agentbox import AGENT, AgentTest, wait_for


class Death(AgentTest):
    def run_with(self, orders, at="back_to_back", **plan):
        self.box.start()
        c = self.box.controller()
        plan = dict(dict(runs=40, paced=40), **plan)
        plan = self.box.plan(dict(dict(at=at), **orders), **plan)
        end = self.run_to_end(1, plan, c, discard=False)
        self.assertEqual(os.listdir(os.path.join(self.box.dir, "scratch")), [])
        # Whatever happened, the device is ready for the next one.
        self.assertEqual(self.run_to_end(2, self.box.plan(runs=3), c)["outcome"], ap.OK)
        return end

    def expect(self, end, outcome, *words):
        self.assertEqual(end["outcome"], outcome, end["cause"])
        for word in words:
            self.assertIn(word, end["cause"])

    def test_a_crash_is_named(self):
        end = self.run_with(dict(do="crash"), at="paced")
        self.expect(end, ap.CRASH, "killed by SIGSEGV", "s into paced", "about to touch nothing")
        self.assertEqual(len(self.box.series(1, 3)), 40)
        self.assertEqual(self.box.fact(1, "process.0.exit"), "SIGSEGV")
        self.assertIn("about to touch nothing", self.box.text(1))

    def test_a_crash_while_loading_warm(self):
        end = self.run_with(dict(do="crash", process=1), at="load_warm", cold_loads=1, warm_loads=2)
        self.expect(end, ap.CRASH, "into load_warm")
        self.assertEqual(self.box.facts(1)["load.cold_ns"], [1000])

    def test_an_end_without_a_result_is_a_crash(self):
        self.expect(self.run_with(dict(do="exit")), ap.CRASH, "ended with code 3 and no result")

    def test_a_program_that_cannot_be_loaded_is_no_fault_of_the_model(self):
        end = self.run_with(dict(do="unloadable"), at="load_cold")
        self.expect(end, ap.RUNTIME, "libmissing.so.1: cannot open shared object file")

    def test_a_runner_that_is_no_program(self):
        self.box.start()
        c = self.box.controller()
        bad = self.box.push(b"this is no program at all", executable=True)
        end = self.run_to_end(1, self.box.plan(runner_sha256=bad), c)
        self.expect(end, ap.INTERNAL, "could not be started: exec: Exec format error")

    def test_a_hang_is_noticed_and_ended(self):
        end = self.run_with(dict(do="hang"), stall_ms=700)
        self.expect(end, ap.HANG, "no sign of life", "in back_to_back")

    def test_a_hang_that_ignores_everything_is_killed(self):
        end = self.run_with(dict(do="stubborn"), stall_ms=700)
        self.expect(end, ap.HANG, "no sign of life")
        self.assertEqual(self.box.fact(1, "process.0.exit"), "SIGKILL")

    def test_signs_of_life_keep_a_slow_runner_alive(self):
        self.box.start()
        c = self.box.controller()
        plan = self.box.plan(dict(hold_at="back_to_back", hold_runs=2), runs=4, stall_ms=600)
        c.send(ap.start(1, 1, plan))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 2, "two iterations")
        begin = c.status()["mono_ns"]
        c.until(lambda c: c.status()["mono_ns"] > begin + 2000000000, "two seconds")
        self.box.go(1)
        self.assertEqual(c.until_end(1)["outcome"], ap.OK)

    def test_the_deadline_of_the_whole_attempt(self):
        end = self.run_with(dict(hold_at="paced", hold_runs=5), deadline_ms=900)
        self.expect(end, ap.HANG, "did not end within its 0.9 s", "paced")
        self.assertEqual(len(self.box.series(1, 5)), 5)

    def test_the_memory_limit(self):
        end = self.run_with(dict(do="eat"), memory_bytes=64 << 20)
        self.expect(end, ap.MEMORY, "memory limit of 64 MiB", "bad_alloc")

    def test_the_kernel_kills_for_lack_of_memory(self):
        """The kernel's count is the agent's witness; here it stands in a tree of the test's."""
        root = os.path.join(self.box.home, "root")
        os.makedirs(os.path.join(root, "proc"))
        vmstat = os.path.join(root, "proc/vmstat")
        for kills, outcome, word in ((7, ap.MEMORY, "lack of memory"),
                                     (6, ap.CRASH, "somebody killed")):
            with open(vmstat, "w") as f:
                f.write("pgmajfault 5\noom_kill 6\n")
            self.box.start("--root", root)
            c = self.box.controller()
            c.send(ap.start(1, kills, self.box.plan(dict(do="be_killed", at="first"))))
            wait_for(lambda: os.path.exists(self.box.scratch(kills, "killed")), "the runner")
            with open(vmstat, "w") as f:
                f.write("pgmajfault 5\noom_kill %d\n" % kills)
            self.box.go(kills)
            self.expect(c.until_end(kills), outcome, word)
            self.box.kill()

    def test_a_flood_of_output_is_cut_and_says_so(self):
        self.expect(self.run_with(dict(do="spew")), ap.OK)
        text = self.box.text(1)
        self.assertLess(len(text), 72 * 1024)
        self.assertTrue(text.startswith("process 0 of 1 begins\n0123"))
        self.assertTrue(text.endswith("the last words\n"))
        cut = self.box.fact(1, "text.cut_bytes")
        self.assertIn("[framefarm: %d bytes cut]" % cut, text)
        self.assertEqual(cut + len(text) - len("\n[framefarm: %d bytes cut]\n" % cut),
                         (4 << 20) + len("process 0 of 1 begins\n") + len("the last words\n"))

    def test_garbage_from_the_runner(self):
        self.expect(self.run_with(dict(do="garbage")), ap.CRASH, "broke its contract")

    def test_a_ring_that_tells_nonsense(self):
        self.expect(self.run_with(dict(do="break_ring")), ap.CRASH, "its ring is damaged")

    def test_a_ring_that_is_cut_short_does_not_take_the_agent_along(self):
        self.expect(self.run_with(dict(do="cut_ring")), ap.CRASH, "its ring is damaged")

    def test_what_the_runner_reports_itself(self):
        end = self.run_with(dict(do="model"), at="load_cold")
        self.expect(end, ap.MODEL, "an operator that nobody knows")

    def test_one_that_does_not_end_after_its_result_is_killed(self):
        end = self.run_with(dict(do="linger"))
        self.expect(end, ap.OK)
        self.assertEqual(self.box.fact(1, "runner.killed_after_done"), 0)

    def test_what_it_leaves_behind_is_ended_too(self):
        box = self.box.start()
        c = box.controller()
        orders = dict(do="stray", at="first", hold_at="back_to_back", hold_runs=1)
        c.send(ap.start(1, 1, box.plan(orders, runs=2)))
        path = box.scratch(1, "stray")
        wait_for(lambda: os.path.exists(path) and open(path).read().endswith("\n"), "the stray")
        stray = int(open(path).read())
        self.assertTrue(box.alive(stray))
        box.go(1)
        self.assertEqual(c.until_end(1)["outcome"], ap.OK)
        wait_for(lambda: not box.alive(stray), "the stray's end")

    def test_whatever_it_builds_in_its_scratch_goes(self):
        self.expect(self.run_with(dict(do="deep_scratch"), at="first"), ap.OK)


class Stop(AgentTest):
    def begin(self, orders=None, **plan):
        box = self.box.start()
        c = box.controller()
        orders = dict(dict(hold_at="back_to_back", hold_runs=5), **(orders or {}))
        c.send(ap.start(1, 1, box.plan(orders, **dict(dict(runs=9), **plan))))
        return c

    def test_a_stop_is_obeyed(self):
        c = self.begin()
        c.until(lambda c: c.statuses and c.status()["iterations"] == 5, "iterations")
        c.send(ap.stop(1, 1, "the job was cancelled"))
        end = c.until_end(1)
        self.assertEqual((end["outcome"], end["cause"]),
                         (ap.CANCELLED, "stopped: the job was cancelled"))
        self.assertEqual(len(self.box.series(1, 3)), 5)
        self.assertNotIn("process.0.exit", self.box.facts(1))

    def test_and_enforced(self):
        c = self.begin(dict(do="stubborn", at="first"))
        c.until(lambda c: c.statuses and c.status()["phase"] == ap.FIRST, "the phase")
        c.send(ap.stop(1, 1))
        self.assertEqual(c.until_end(1)["outcome"], ap.CANCELLED)
        self.assertEqual(self.box.fact(1, "process.0.exit"), "SIGKILL")

    def test_in_the_baseline(self):
        c = self.begin(baseline_ms=60000)
        c.until(lambda c: c.statuses and c.status()["phase"] == ap.BASELINE, "the baseline")
        c.send(ap.stop(1, 1))
        self.assertEqual(c.until_end(1)["outcome"], ap.CANCELLED)

    def test_of_an_attempt_that_is_over_or_unknown_changes_nothing(self):
        box = self.box.start()
        c = box.controller()
        self.run_to_end(1, box.plan(), c, discard=False)
        c.ends.clear()
        c.send(ap.stop(1, 1) + ap.stop(1, 77))
        self.assertEqual(c.until_end(1)["outcome"], ap.OK)
        c.until_pong()
        self.assertEqual(c.refusals, [])


class Lease(AgentTest):
    def test_when_it_runs_out_the_runner_dies(self):
        box = self.box.start()
        c = box.controller(lease_ms=700)
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=5), runs=9)))
        end = c.until_end(1)
        self.assertEqual(end["outcome"], ap.LEASE_OVER)
        self.assertIn("did not renew", end["cause"])
        self.assertEqual(len(box.series(1, 3)), 5)

    def test_also_when_nobody_is_connected(self):
        box = self.box.start()
        c = box.controller(lease_ms=700)
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=5), runs=9)))
        c.until_pong().close()
        wait_for(lambda: os.path.exists(box.spool(1, "end")), "the end on disk")
        self.assertEqual(box.controller().until_end(1)["outcome"], ap.LEASE_OVER)

    def test_renewed_it_goes_on(self):
        box = self.box.start()
        c = box.controller(lease_ms=600)
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=5), runs=9)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 5, "iterations")
        begin = now = c.status()["mono_ns"]
        while now < begin + 1500000000:
            c.send(ap.lease(1, 600))
            c.until(lambda c: c.status()["mono_ns"] > now, "time")
            now = c.status()["mono_ns"]
            self.assertEqual(c.ends, {})
        c.send(ap.lease(1, 60000))
        box.go(1)
        self.assertEqual(c.until_end(1)["outcome"], ap.OK)


class Storage(AgentTest):
    def test_a_spool_that_reaches_its_bound(self):
        box = self.box.start("--spool-max", str(3 << 20))
        c = box.controller(commit=False)
        orders = dict(do="spew", at="back_to_back")
        too_much = box.plan(orders, runs=90000)
        c.send(ap.start(1, 1, too_much))
        r = c.until_refused()  # its ring alone, beside the reserve, is over the bound
        self.assertEqual((r["code"], r["attempt"]), (ap.REFUSE_SPACE, 1))
        self.assertIn("may hold 3145728 bytes", r["text"])
        self.assertEqual(os.listdir(os.path.join(box.dir, "spool")), [])

    def test_what_grows_over_the_bound_ends_there(self):
        n = 400000
        box = self.box.start("--spool-max", str(4096 + (n + 1) * 24 + (1 << 20)))
        c = box.controller()
        plan = box.plan(dict(hold_at="paced", hold_runs=n), paced=n + 1, sample_hz=0,
                        sample_hz_timed=0)
        c.send(ap.start(1, 1, plan))
        end = c.until_end(1)
        self.assertEqual(end["outcome"], ap.STORAGE)
        self.assertIn("the spool has reached its bound", end["cause"])
        self.assertTrue(box.complete(1, end))
        self.assertGreater(len(box.series(1, 3)), 100000)

    def test_a_disk_that_takes_no_more(self):
        """A limit on the size of the agent's files stands for the full disk: the spool's file meets
        it in the middle of a block."""
        limit = 100 * 1024
        box = self.box
        box.start()
        resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
        c = box.controller(commit=False)
        plan = box.plan(dict(hold_at="back_to_back", hold_runs=60000), runs=60001, sample_hz=0,
                        sample_hz_timed=0, baseline_ms=1000)
        c.send(ap.start(1, 1, plan))
        c.until(lambda c: c.statuses and c.status()["attempt"] == 1, "the baseline")
        resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (limit, 4 << 20))
        c.commit = True
        for a, s, q in c.received:
            c.send(ap.ack(a, s, q))
        end = c.until_end(1)
        self.assertEqual(end["outcome"], ap.STORAGE)
        self.assertIn("could not be written: File too large", end["cause"])
        self.assertTrue(box.complete(1, end))
        values = [v for _, v in box.series(1, 3)]
        self.assertGreater(len(values), 10000)  # what was measured stays
        self.assertEqual(values, [1000000 + i for i in range(len(values))])
        self.assertLessEqual(os.stat(box.spool(1, "frames")).st_size, limit)
        # Later ones are refused as long as there is no room, and welcome when there is.
        c.send(ap.start(1, 2, plan))
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_SPACE)
        resource.prlimit(box.pid, resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
        self.assertEqual(self.run_to_end(3, box.plan(runs=3), c)["outcome"], ap.OK)

    @unittest.skipUnless(os.geteuid() == 0, "mounting takes root")
    def test_a_full_file_system(self):
        """A small tmpfs in a mount name space of the agent's own; the test sees it by /proc."""
        box = self.box
        os.mkdir(box.dir)
        script = 'mount -t tmpfs -o size=3m none "$1" && mkdir "$1/files" && ' \
                 'cp "$2"/* "$1/files" && exec "$3" --dir "$1" --listen "$4"'
        store = os.path.join(box.home, "store")
        os.makedirs(os.path.join(store))
        plan = self.push_into(store, dict(hold_at="back_to_back", hold_runs=3000), runs=20000)
        argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", box.dir,
                store, AGENT, box.endpoint]
        done = subprocess.run(argv, input=box.secret, capture_output=True)
        if done.returncode:
            self.skipTest("no mount name space here: " + done.stderr.decode())
        box.reached = done.stdout.decode().split()[1]
        box.pid = self.agent_pid()
        inside = "/proc/%d/root%s" % (box.pid, box.dir)
        c = box.controller(commit=False)
        c.send(ap.start(1, 1, plan))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 3000, "iterations")
        with open(inside + "/ballast", "wb", buffering=0) as f:
            try:
                while f.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        with open("%s/scratch/1/go" % inside, "w"):
            pass
        c.commit = True
        for a, s, q in c.received:
            c.send(ap.ack(a, s, q))
        end = c.until_end(1)
        self.assertEqual(end["outcome"], ap.STORAGE)
        self.assertIn("No space left on device", end["cause"])
        c.send(ap.start(1, 2, plan))
        r = c.until_refused()
        self.assertEqual((r["code"], r["attempt"]), (ap.REFUSE_SPACE, 2))
        self.assertIn("bytes left", r["text"])
        os.unlink(inside + "/ballast")
        c.send(ap.discard(1) + ap.start(1, 3, plan))
        c.until(lambda c: c.status()["attempt"] == 3, "the next one")

    def push_into(self, store, orders, **plan):
        """Files pushed where the agent's file system is made from; see test_a_full_file_system."""
        box = self.box
        real, box.dir = box.dir, os.path.join(box.home, "pushed")
        made = box.plan(orders, **plan)
        for name in os.listdir(os.path.join(box.dir, "files")):
            os.rename(os.path.join(box.dir, "files", name), os.path.join(store, name))
        box.dir = real
        return made

    def agent_pid(self):
        me = self.box.dir.encode()
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/cmdline" % pid, "rb") as f:
                    argv = f.read().split(b"\0")
            except OSError:
                continue
            if argv[0] == AGENT.encode() and me in argv:
                return int(pid)
        self.fail("the agent is not there")


if __name__ == "__main__":
    unittest.main(verbosity=2)
