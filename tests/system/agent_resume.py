#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing is lost and nothing doubled: connections that break, agents that are killed, spools that
are damaged."""

import os
import random
import signal
import unittest

from fflib import agentproto as ap
from fflib.agentbox import AgentTest, wait_for


def runner_pid(box, attempt):
    with open(box.spool(attempt, "runner")) as f:
        return int(f.read().split()[0])


class Reconnect(AgentTest):
    def test_the_controller_goes_and_comes_back_in_the_middle(self):
        box = self.box.start()
        first = box.controller()
        plan = box.plan(dict(hold_at="paced", hold_runs=1500), runs=3000, paced=2000)
        first.send(ap.start(1, 1, plan))
        first.until(lambda c: c.statuses and c.status()["iterations"] == 4500, "half of it")
        first.close()
        second = box.controller()
        self.assertEqual(second.welcome["attempts"],
                         [dict(attempt=1, boot=first.welcome["agent_boot"], state=1)])
        box.go(1)
        end = second.until_end(1)
        self.assertEqual(end["outcome"], ap.OK)
        self.assertTrue(box.complete(1, end))
        self.assertEqual([v for _, v in box.series(1, 3)], [1000000 + i for i in range(3000)])
        self.assertEqual([v for _, v in box.series(1, 5)], [1000000 + i for i in range(2000)])
        # What the first one had acknowledged did not come again.
        self.assertEqual(set(first.received) & set(second.received), set())

    def test_an_older_controller_is_sent_what_it_can_read(self):
        """What was spooled with a controller of this version is taken over by one of the version before, and
        then by one of this version again. A chunk that comes again means what it meant (Box.store)."""
        box = self.box.start()
        new = box.controller(commit=False)
        new.send(ap.start(1, 1, box.plan(dict(over=7, hold_at="paced", hold_runs=400), runs=3000, paced=500)))
        new.until(lambda c: 2 in c.modes.values(), "a chunk of mode 2")
        new.close()
        old = box.controller(commit=False, versions=(1, 2))
        old.until(lambda c: set(new.received) <= set(c.received), "the same once more")
        self.assertEqual(old.welcome["version"], 2)
        self.assertLessEqual(set(old.modes.values()), {0, 1})
        old.close()
        new = box.controller()
        box.go(1)
        self.assertTrue(box.complete(1, new.until_end(1)))
        self.assertIn(2, new.modes.values())
        self.assertEqual([v for _, v in box.series(1, 3)],
                         [(1000000 if i % 7 else 20000000) + i for i in range(3000)])
        self.assertEqual(len(box.series(1, 5)), 500)

    def test_an_attempt_ends_with_nobody_there(self):
        box = self.box.start()
        c = box.controller()
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=2), runs=50)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 2, "two iterations")
        c.close()
        box.go(1)
        wait_for(lambda: os.path.exists(box.spool(1, "end")), "the end on disk")
        c = box.controller()
        self.assertEqual(c.welcome["attempts"][0]["state"], 2)
        self.assertTrue(box.complete(1, c.until_end(1)))
        self.assertEqual(len(box.series(1, 3)), 50)

    def test_the_end_is_repeated_until_it_is_discarded(self):
        box = self.box.start()
        self.run_to_end(1, box.plan(runs=3), discard=False)
        for _ in range(3):
            c = box.controller()
            c.until_end(1)
            c.close()
        c = box.controller()
        c.send(ap.discard(1))
        c.until_pong()
        c.close()
        c = box.controller().until_pong()
        self.assertEqual((c.welcome["attempts"], c.ends), ([], {}))

    def test_without_acknowledgement_only_a_window_is_sent(self):
        box = self.box.start()
        deaf = box.controller(commit=False)
        deaf.send(ap.start(1, 1, box.plan(runs=200000)))
        wait_for(lambda: os.path.exists(box.spool(1, "end")), "the attempt's end")
        deaf.until_pong()
        self.assertEqual(len(deaf.received), 64)
        self.assertEqual(deaf.ends, {})
        deaf.close()
        c = box.controller()
        self.assertTrue(box.complete(1, c.until_end(1)))
        self.assertEqual(len(box.series(1, 3)), 200000)

    def test_acknowledgements_of_one_stream_alone_do_not_lose_the_others(self):
        box = self.box.start()
        c = box.controller(commit=False)
        c.send(ap.start(1, 1, box.plan(runs=5000, sample_hz=0, sample_hz_timed=0)))
        c.until_end(1)
        c.send(ap.ack(1, 3, 3) + ap.ack(1, 777, 9) + ap.ack(99, 0, 5) + ap.ack(1, 3, 2))
        c.until_pong().close()
        again = box.controller()
        again.until_end(1)
        seqs = [q for a, s, q in again.received if s == 3]
        self.assertEqual(seqs, list(range(4, 7)))
        self.assertIn((1, 0, 1), again.received)

    def test_several_attempts_wait_and_are_sent_in_order(self):
        box = self.box.start()
        c = box.controller(commit=False)
        for attempt in (5, 3, 9):
            c.send(ap.start(1, attempt, box.plan(runs=10)))
            wait_for(lambda: os.path.exists(box.spool(attempt, "end")), "an end")
            c.until_pong()
        c.close()
        c = box.controller()
        for attempt in (5, 3, 9):
            self.assertTrue(box.complete(attempt, c.until_end(attempt)))
        order = list(dict.fromkeys(a for a, _, _ in c.received))
        self.assertEqual(order, [5, 3, 9])

    def test_discarding_what_runs_ends_it_without_a_trace(self):
        box = self.box.start()
        c = box.controller()
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=2), runs=50)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 2, "two iterations")
        pid = runner_pid(box, 1)
        c.send(ap.discard(1))
        wait_for(lambda: not os.path.exists(box.spool(1)), "the spool to go")
        self.assertFalse(box.alive(pid))
        c.until_pong()
        self.assertEqual(c.ends, {})
        self.assertEqual(self.run_to_end(2, box.plan(), c)["outcome"], ap.OK)


class Killed(AgentTest):
    def interrupted(self, orders=None, **plan):
        """An agent killed with kill -9 when the runner holds; returns the runner's pid."""
        box = self.box.start()
        c = box.controller()
        orders = dict(dict(hold_at="back_to_back", hold_runs=2600), **(orders or {}))
        c.send(ap.start(1, 1, box.plan(orders, **dict(dict(runs=5000), **plan))))
        until = int(orders["hold_runs"]) + (plan["runs"] if "paced" in plan else 0)
        c.until(lambda c: c.statuses and c.status()["iterations"] == until, "iterations")
        pid = runner_pid(box, 1)
        self.boot = c.welcome["agent_boot"]
        box.kill()
        c.close()
        wait_for(lambda: not box.alive(pid), "the runner to follow its agent")
        return pid

    def on_disk(self, attempt, stream):
        """How many pairs of a stream the frames hold."""
        parser = ap.Parser()
        with open(self.box.spool(attempt, "frames"), "rb") as f:
            parser.feed(f.read())
        chunks = [ap.chunk(payload) for _, payload in parser]
        return sum(m["n"] for m in chunks if m["stream"] == stream)

    def resume(self):
        self.box.start()
        c = self.box.controller()
        self.assertEqual(c.welcome["attempts"], [dict(attempt=1, boot=self.boot, state=2)])
        end = c.until_end(1)
        self.assertEqual((end["outcome"], end["boot"]), (ap.INTERRUPTED, self.boot))
        self.assertTrue(self.box.complete(1, end))
        self.assertEqual(self.box.boots(1), {self.boot})
        return c, end

    def test_iterations_outlive_the_agent(self):
        self.interrupted()
        c, end = self.resume()
        self.assertIn("restarted", end["cause"])
        self.assertEqual([v for _, v in self.box.series(1, 3)], [1000000 + i for i in range(2600)])
        self.assertEqual(self.box.facts(1)["load.cold_ns"], [1000])
        c.send(ap.discard(1))
        c.until_pong()
        self.assertEqual(os.listdir(os.path.join(self.box.dir, "spool")), [])
        self.assertEqual(self.run_to_end(2, self.box.plan(runs=3), c)["outcome"], ap.OK)

    def test_both_streams_of_a_paced_block_are_completed(self):
        self.interrupted(dict(hold_at="paced", hold_runs=1500), runs=0, paced=2000)
        self.resume()
        paced, executed = self.box.series(1, 3), self.box.series(1, 4)
        self.assertEqual([v for _, v in paced], [1000000 + i for i in range(1500)])
        self.assertEqual([(t - 1000, v + 1000) for t, v in executed], paced)

    def test_blocks_that_were_closed_are_not_doubled(self):
        self.interrupted(dict(hold_at="paced", hold_runs=0), runs=2600, paced=20)
        self.resume()
        self.assertEqual(len(self.box.series(1, 3)), 2600)
        self.assertEqual(self.box.fact(1, "ring.back_to_back.count"), 2600)

    def test_killed_again_and_again(self):
        self.interrupted()
        for _ in range(3):
            self.box.start()
            self.box.kill()
        self.resume()
        self.assertEqual(len(self.box.series(1, 3)), 2600)

    def test_a_tail_torn_anywhere_is_made_whole(self):
        """The frames are cut at random places, as a loss of power would; what the ring holds must
        fill the stream again, without a gap and without a pair twice."""
        self.interrupted()
        path = self.box.spool(1, "frames")
        with open(path, "rb") as f:
            whole = f.read()
        with open(self.box.spool(1, "ring"), "rb") as f:
            ring = f.read()
        rng = random.Random(7)
        cuts = [0, 1, 15, 16, 17, len(whole) - 1] + [rng.randrange(len(whole)) for _ in range(6)]
        for cut in cuts:
            with open(path, "wb") as f:
                f.write(whole[:cut] + (b"\0" * 4096 if cut % 2 else b""))
            with open(self.box.spool(1, "ring"), "wb") as f:
                f.write(ring)
            if os.path.exists(self.box.spool(1, "end")):
                os.unlink(self.box.spool(1, "end"))
            self.box.chunks.clear()
            self.resume()
            self.assertEqual([v for _, v in self.box.series(1, 3)],
                             [1000000 + i for i in range(2600)], cut)
            self.box.kill()

    def test_a_spool_whose_beginning_is_missing_is_let_go(self):
        self.interrupted()
        with open(self.box.spool(1, "meta"), "r+b") as f:
            f.truncate(20)
        self.box.start()
        c = self.box.controller().until_pong()
        self.assertEqual(c.welcome["attempts"], [])
        self.assertFalse(os.path.exists(self.box.spool(1)))
        self.assertIn("event=spool-without-meta", self.box.log())

    def test_foreign_things_in_the_spool_are_left_alone(self):
        os.makedirs(self.box.spool(1))
        os.makedirs(os.path.join(self.box.dir, "spool", "lost+found"))
        self.box.start()
        self.assertEqual(os.listdir(os.path.join(self.box.dir, "spool")), ["lost+found"])

    def test_a_ring_from_before_the_device_restarted_is_not_believed(self):
        self.interrupted()
        sealed = self.on_disk(1, 3)
        root = os.path.join(self.box.home, "root")
        os.makedirs(os.path.join(root, "proc/sys/kernel/random"))
        with open(os.path.join(root, "proc/sys/kernel/random/boot_id"), "w") as f:
            f.write("another-boot\n")
        self.box.start("--root", root)
        c = self.box.controller()
        c.until_end(1)
        self.assertEqual(len(self.box.series(1, 3)), sealed)

    def test_an_orderly_end_says_so(self):
        box = self.box.start()
        c = box.controller()
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=7), runs=50)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 7, "iterations")
        box.kill(signal.SIGTERM)
        box.start()
        end = box.controller().until_end(1)
        self.assertEqual((end["outcome"], end["cause"]),
                         (ap.INTERRUPTED, "the agent was told to end"))
        self.assertEqual(len(box.series(1, 3)), 7)

    def test_the_runner_of_a_dead_agent_is_killed_even_if_it_lives_on(self):
        """The note of its process is enough: here a process of ours stands in for it."""
        self.interrupted()
        pid = os.fork()
        if not pid:
            signal.pause()
            os._exit(0)
        with open("/proc/%d/stat" % pid) as f:
            started = f.read().rpartition(")")[2].split()[19]
        with open(self.box.spool(1, "runner"), "w") as f:
            f.write("%d %s\n" % (pid, started))
        self.resume()
        self.assertEqual(os.waitpid(pid, 0)[1], signal.SIGKILL)

    def test_but_not_another_process_that_has_its_number(self):
        self.interrupted()
        with open(self.box.spool(1, "runner"), "w") as f:
            f.write("%d %d\n" % (os.getpid(), 1))
        self.resume()


if __name__ == "__main__":
    unittest.main(verbosity=2)
