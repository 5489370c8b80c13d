#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starting the agent, and who may talk to it: secrets, versions, epochs, garbage."""

import os
import re
import socket
import stat
import struct
import subprocess
import unittest

from fflib import agentproto as ap
from fflib.agentbox import AGENT, AgentTest, Controller, wait_for


class Starting(AgentTest):
    def test_help_and_version(self):
        out = subprocess.run([AGENT, "--help"], capture_output=True, text=True, check=True).stdout
        for option in ("--dir", "--listen", "--root", "--clock-page", "--runner-uid",
                       "--spool-max"):
            self.assertIn(option, out)
        out = subprocess.run([AGENT, "--version"], capture_output=True, text=True,
                             check=True).stdout
        self.assertRegex(out, r"^framefarm-agent \d+\.\d+")

    def test_wrong_usage_has_its_own_code_and_a_sentence(self):
        for argv, why in (
                (["--dir", "x"], "--listen"), (["--listen", "unix:x"], "--dir"),
                (["--wrong"], "unknown argument"), (["--dir"], "wants a value"),
                (["--runner-uid=abc"], "number"), (["--spool-max", "1"], "number from")):
            done = subprocess.run([AGENT, *argv], capture_output=True, text=True)
            self.assertEqual(done.returncode, 2, argv)
            self.assertIn(why, done.stderr)

    def test_it_detaches_and_says_where_it_is(self):
        box = self.box.start()
        self.assertEqual(box.reached, box.endpoint)
        with open("/proc/%d/stat" % box.pid) as f:
            fields = f.read().rpartition(")")[2].split()
        self.assertNotEqual(int(fields[3]), os.getsid(0))  # a session of its own
        for fd in (0, 1, 2):
            self.assertNotIn("pipe", os.readlink("/proc/%d/fd/%d" % (box.pid, fd)))
        with open("/proc/%d/cmdline" % box.pid, "rb") as f:
            self.assertNotIn(box.secret, f.read())

    def test_the_socket_is_for_its_owner_alone(self):
        self.box.start()
        mode = os.stat(self.box.endpoint[5:])
        self.assertTrue(stat.S_ISSOCK(mode.st_mode))
        self.assertEqual(stat.S_IMODE(mode.st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.box.dir).st_mode), 0o700)

    def test_there_is_never_a_second_agent_in_a_directory(self):
        self.box.start()
        done = subprocess.run([AGENT, "--dir", self.box.dir, "--listen", "unix:/nowhere/s"],
                              input=self.box.secret, capture_output=True)
        self.assertEqual(done.returncode, 3)
        self.assertIn("another agent lives in", done.stderr.decode())
        self.box.kill()
        self.box.start()  # the dead one's lock is no lock, its socket no socket

    def test_a_socket_that_is_in_use_is_refused(self):
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.box.endpoint[5:])
            s.listen(1)
            done = self.box.spawn()
        self.assertEqual(done.returncode, 4)
        self.assertIn("somebody answers there", done.stderr.decode())
        with open(self.box.endpoint[5:] + ".txt", "w") as f:
            f.write("no socket, and not the agent's to delete")
        self.box.endpoint += ".txt"
        self.assertEqual(self.box.spawn().returncode, 4)
        self.assertTrue(os.path.getsize(self.box.endpoint[5:]))
        for where in ("tcp:0.0.0.0:1", "tcp:127.0.0.1:99999", "http:x", "unix:",
                      "unix:" + "x" * 200):
            self.box.endpoint = where
            self.assertEqual(self.box.spawn().returncode, 4, where)

    def test_tcp_on_loopback_and_abstract_sockets(self):
        self.box.endpoint = "tcp:127.0.0.1:0"
        self.box.start()
        self.assertTrue(re.match(r"tcp:127\.0\.0\.1:[1-9]", self.box.reached))
        self.box.controller().until_pong()
        self.box.kill()
        self.box.endpoint = "abstract:ff-" + os.urandom(8).hex()
        self.box.start()
        self.box.controller().until_pong()

    def test_the_secret_may_come_in_a_private_file_only(self):
        path = os.path.join(self.box.home, "secret")
        with open(path, "wb") as f:
            f.write(self.box.secret)
        os.chmod(path, 0o644)
        done = self.box.spawn("--secret-file", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("0600", done.stderr.decode())
        os.chmod(path, 0o600)
        self.box.start("--secret-file=" + path)
        self.box.controller().until_pong()

    def test_a_short_secret_is_refused(self):
        self.box.secret = b"short"
        done = self.box.spawn()
        self.assertEqual(done.returncode, 1)
        self.assertIn("32 bytes", done.stderr.decode())

    def test_told_to_end_it_ends_and_takes_its_socket_along(self):
        self.box.start()
        self.box.kill(15)
        self.assertFalse(os.path.exists(self.box.endpoint[5:]))

    def test_in_the_foreground(self):
        argv = [AGENT, "--dir", self.box.dir, "--listen", self.box.endpoint, "--foreground"]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as p:
            p.stdin.write(self.box.secret)
            p.stdin.close()
            self.assertEqual(p.stdout.readline().decode(), "ready %s\n" % self.box.endpoint)
            p.terminate()
            self.assertIn(b"event=probed", p.stderr.read())
            self.assertEqual(p.wait(), 0)


class Identity(AgentTest):
    def test_welcome_says_who_and_what(self):
        self.box.start()
        w = self.box.controller().welcome
        self.assertEqual(w["version"], 3)
        self.assertRegex(w["agent_uuid"],
                         r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-")
        self.assertEqual(w["abi"], os.uname().machine)
        self.assertTrue(w["os"].startswith("Linux " + os.uname().release))
        with open("/proc/sys/kernel/random/boot_id") as f:
            self.assertEqual(w["kernel_boot_id"], f.read().strip())
        self.assertIn("no_new_privs,rlimits", w["protections"])
        counters = {c["name"]: c for c in w["counters"]}
        self.assertEqual(counters["mem.available"]["available"], 1)
        self.assertEqual(counters["mem.available"]["source"], "/proc/meminfo")
        missing = [c for c in w["counters"] if not c["available"]]
        self.assertTrue(all(c["error"] > 0 for c in missing))

    def test_the_device_stays_itself_and_each_start_is_another(self):
        self.box.start()
        first = self.box.controller().welcome
        self.box.kill()
        self.box.start()
        second = self.box.controller().welcome
        self.assertEqual(first["agent_uuid"], second["agent_uuid"])
        self.assertNotEqual(first["agent_boot"], second["agent_boot"])


class Strangers(AgentTest):
    def test_a_wrong_secret_is_refused_and_closed(self):
        self.box.start()
        c = Controller(self.box)
        c.send(ap.hello(os.urandom(32)))
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_SECRET)
        c.until_closed()
        self.assertIsNone(c.welcome)

    def test_so_is_a_short_one_and_a_command_before_hello(self):
        self.box.start()
        for said in (ap.hello(self.box.secret[:31]), ap.ping(1), ap.discard(1)):
            c = Controller(self.box)
            c.send(said)
            self.assertEqual(c.until_refused()["code"], ap.REFUSE_SECRET)
            c.until_closed()

    def test_a_version_that_is_not_spoken(self):
        self.box.start()
        c = Controller(self.box)
        c.send(ap.hello(self.box.secret, versions=(4, 9)))
        r = c.until_refused()
        self.assertEqual((r["about"], r["code"]), (ap.HELLO, ap.REFUSE_VERSION))
        self.assertIn("versions 1 to 3", r["text"])
        c.until_closed()
        c = Controller(self.box)
        c.send(ap.hello(self.box.secret, versions=(1, 9)))
        self.assertEqual(c.until(lambda c: c.welcome).welcome["version"], 3)

    def test_garbage_closes_the_connection_and_nothing_else(self):
        self.box.start()
        good = self.box.controller()
        for junk in (b"GET / HTTP/1.1\r\n\r\n" * 2, b"\0" * 64, os.urandom(64),
                     struct.pack("<IHHII", ap.MAGIC, 1, 0, 2**31, 0),
                     ap.hello(self.box.secret)[:-1] + b"\x77"):
            c = Controller(self.box)
            c.send(junk)
            c.until_closed()
            self.assertTrue(all(r["code"] == ap.REFUSE_FRAME for r in c.refusals))
        good.until_pong()

    def test_garbage_from_the_controller_is_told_so(self):
        self.box.start()
        c = self.box.controller()
        c.send(b"\0" * 32)
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_FRAME)
        c.until_closed()

    def test_broken_fields_and_unknown_messages_are_refused_by_name(self):
        self.box.start()
        c = self.box.controller()
        for kind in (ap.LEASE, ap.START, ap.STOP, ap.ACK, ap.DISCARD, ap.PING, ap.QUIT, 4711):
            c.send(ap.frame(kind, b"\1"))
            r = c.until_refused()
            self.assertEqual((r["about"], r["code"]), (kind, ap.REFUSE_FRAME))
        c.until_pong()

    def test_hello_with_an_impossible_farm(self):
        self.box.start()
        for farm in ("", "a b", "a\nb", "x" * 64, "ä"):
            c = Controller(self.box)
            c.send(ap.hello(self.box.secret, farm))
            self.assertEqual(c.until_refused()["code"], ap.REFUSE_FRAME)
            c.until_closed()

    def test_who_says_nothing_cannot_keep_the_controller_out(self):
        self.box.start()
        silent = [Controller(self.box) for _ in range(20)]
        self.box.controller().until_pong()
        for c in silent[:10]:  # the oldest ones had to make room
            c.until_closed()

    def test_who_says_nothing_for_long_is_closed(self):
        self.box.start()
        Controller(self.box).until_closed()

    def test_a_stranger_may_not_say_much(self):
        self.box.start()
        c = Controller(self.box)
        head = struct.pack("<HHI", ap.HELLO, 0, 200000)
        c.send(struct.pack("<I", ap.MAGIC) + head + b"\0\0\0\0" + b"x" * 4000)
        c.until_closed()

    def test_the_newest_controller_counts(self):
        self.box.start()
        first = self.box.controller()
        second = self.box.controller()
        first.until_closed()
        second.until_pong()

    def test_a_connection_that_nobody_reads_does_not_hold_up_another(self):
        box = self.box.start()
        deaf = box.controller()
        deaf.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.send(ap.start(1, 1, box.plan(runs=20000)))
        wait_for(lambda: os.path.exists(box.spool(1, "end")), "the attempt's end")
        c = box.controller()
        self.assertTrue(box.complete(1, c.until_end(1)))


class Epochs(AgentTest):
    def test_an_older_epoch_is_refused_for_every_command(self):
        box = self.box.start()
        c = box.controller(epoch=7)
        for said, about in ((ap.lease(6, 1000), ap.LEASE), (ap.start(6, 1, box.plan()), ap.START),
                            (ap.stop(6, 1), ap.STOP), (ap.quit_(6), ap.QUIT)):
            c.send(said)
            r = c.until_refused()
            self.assertEqual((r["about"], r["code"]), (about, ap.REFUSE_EPOCH))
        c.send(ap.discard(1) + ap.ack(1, 1, 1))  # data are not fenced
        c.until_pong()
        self.assertEqual(c.refusals, [])

    def test_the_floor_outlives_the_agent(self):
        box = self.box.start()
        c = box.controller(epoch=7)
        c.send(ap.lease(9, 1000))
        c.until_pong()
        box.kill()
        box.start()
        c = box.controller(epoch=3, lease_ms=0)
        self.assertEqual((c.welcome["farm_id"], c.welcome["epoch"]), ("farm-a", 9))
        c.send(ap.lease(8, 1000))
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_EPOCH)

    def test_each_farm_has_its_own_floor(self):
        box = self.box.start()
        box.controller(epoch=50)
        c = box.controller(farm="farm-b", epoch=2)
        self.assertEqual((c.welcome["farm_id"], c.welcome["epoch"]), ("farm-b", 2))
        self.assertEqual(self.box_run(c, 2, 1), ap.OK)
        c = box.controller(farm="farm-a", epoch=1, lease_ms=0)
        self.assertEqual((c.welcome["farm_id"], c.welcome["epoch"]), ("farm-a", 50))
        c.send(ap.start(49, 3, box.plan()))
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_EPOCH)

    def box_run(self, c, epoch, attempt):
        c.send(ap.start(epoch, attempt, self.box.plan()))
        return c.until_end(attempt)["outcome"]

    def test_a_newer_lease_takes_the_device_from_what_runs(self):
        box = self.box.start()
        c = box.controller(epoch=1)
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=3), runs=9)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 3, "three iterations")
        c.send(ap.lease(2, 60000))
        end = c.until_end(1)
        self.assertEqual(end["outcome"], ap.LEASE_OVER)
        self.assertEqual(len(box.series(1, 3)), 3)

    def test_quit_is_refused_while_an_attempt_runs(self):
        box = self.box.start()
        c = box.controller()
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=1), runs=2)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 1, "an iteration")
        c.send(ap.quit_(1))
        self.assertEqual(c.until_refused()["code"], ap.REFUSE_BUSY)
        box.go(1)
        c.until_end(1)
        c.send(ap.discard(1) + ap.quit_(1))
        c.until_closed()
        wait_for(lambda: not box.alive(), "the agent's end")


if __name__ == "__main__":
    unittest.main(verbosity=2)
