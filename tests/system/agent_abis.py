#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The agents of other ABIs, under qemu-user: they greet, run and keep what they measured as this machine's
does. And agents that speak an older version of the protocol than the controller."""

import os
import shutil
import sqlite3
import struct
import tempfile
import unittest

from fflib import agentproto as ap
from fflib import daemon as ff
from fflib import foreign
from fflib.agentbox import BUILD, AgentTest, Controller, wait_for
from fflib.daemon import DaemonTest, mlp_job
from fflib.phone import Phones

OLD = os.path.abspath(os.path.join(BUILD, "tests/old"))


def need_old():
    return None if os.path.exists(OLD) else "the agents of older versions are not built: make own-runners"


class Foreign:
    """What each of them does; below it is given machines."""

    machine, bits = "", 0

    def setUp(self):
        super().setUp()
        self.box.argv = foreign.agent(self.machine)
        self.box.runner = os.path.join(BUILD, "tests/own", self.machine, "fakerunner-static")

    def greet(self, *versions):
        c = Controller(self.box)
        c.send(ap.hello(self.box.secret, versions=versions))
        return c

    def test_it_says_who_it_is(self):
        self.box.start()
        w = self.greet(1, 3).until(lambda c: c.welcome, "WELCOME").welcome
        self.assertEqual((w["version"], w["abi"]), (3, self.machine))
        counters = {c["name"] for c in w["counters"] if c["available"]}
        self.assertLessEqual({"mem.available", "load.1m"}, counters)

    def test_it_speaks_what_an_older_controller_does_and_no_later_one(self):
        self.box.start()
        for version in 1, 2:
            c = self.greet(1, version)
            self.assertEqual(c.until(lambda c: c.welcome, "WELCOME").welcome["version"], version)
        refusal = self.greet(4, 9).until_refused()
        self.assertEqual(refusal["code"], ap.REFUSE_VERSION)
        self.assertIn("versions 1 to 3", refusal["text"])

    def test_a_whole_attempt(self):
        box = self.box.start()
        end = self.run_to_end(7, box.plan(dict(over=10), runs=1500, paced=200, cold_loads=2, warm_loads=1))
        self.assertEqual((end["outcome"], end["cause"]), (ap.OK, ""))
        self.assertEqual([v for _, v in box.series(7, 3)],
                         [(1000000 if i % 10 else 20000000) + i for i in range(1500)])
        self.assertEqual(len(box.series(7, 5)), 200)
        self.assertEqual(box.fact(7, "agent.abi"), self.machine)
        self.assertEqual(box.facts(7)["load.cold_ns"], [1000, 1001])

    def test_a_runner_that_crashes_is_told_from_one_that_is_cancelled(self):
        box = self.box.start()
        c = box.controller()
        end = self.run_to_end(1, box.plan(dict(do="crash", at="first"), runs=3), c)
        self.assertEqual((end["outcome"], "SIGSEGV" in end["cause"]), (ap.CRASH, True))
        c.send(ap.start(1, 2, box.plan(dict(hold_at="back_to_back", hold_runs=2), runs=9)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 2, "two iterations")
        c.send(ap.stop(1, 2))
        self.assertEqual(c.until_end(2)["outcome"], ap.CANCELLED)

    def test_what_it_measured_outlives_it(self):
        box = self.box.start()
        c = box.controller()
        c.send(ap.start(1, 1, box.plan(dict(hold_at="back_to_back", hold_runs=40), runs=90)))
        c.until(lambda c: c.statuses and c.status()["iterations"] == 40, "forty iterations")
        box.kill()
        box.start()
        end = box.controller().until_end(1)
        self.assertEqual(end["outcome"], ap.INTERRUPTED)
        self.assertEqual(len(box.series(1, 3)), 40)

    def test_it_is_a_static_program_that_fits(self):
        """At most 160 KiB of it go over the cable, and kernels with pages of 16 KiB load it."""
        path = self.box.argv[-1]
        self.assertLessEqual(os.path.getsize(path), 160 * 1024)
        types = {}
        for kind, align in segments(path, self.bits):
            types.setdefault(kind, []).append(align)
        self.assertNotIn(3, types)  # PT_INTERP
        self.assertGreaterEqual(min(types[1]), 16384)  # PT_LOAD


def segments(path, bits):
    """(type, alignment) of an ELF file's program headers."""
    with open(path, "rb") as f:
        data = f.read()
    at, = struct.unpack_from("<Q" if bits == 64 else "<I", data, 32 if bits == 64 else 28)
    size, n = struct.unpack_from("<HH", data, 54 if bits == 64 else 42)
    for i in range(n):
        kind, = struct.unpack_from("<I", data, at + i * size)
        align, = struct.unpack_from("<Q" if bits == 64 else "<I", data,
                                    at + i * size + (48 if bits == 64 else 28))
        yield kind, align


@unittest.skipIf(foreign.why_not("aarch64"), foreign.why_not("aarch64"))
class Arm64(Foreign, AgentTest):
    machine, bits = "aarch64", 64


@unittest.skipIf(foreign.why_not("armv7l"), foreign.why_not("armv7l"))
class Armv7(Foreign, AgentTest):
    machine, bits = "armv7l", 32


@unittest.skipIf(need_old(), need_old())
class Older(DaemonTest):
    """An agent of an older version, as one that was started by an earlier build and still runs."""

    def use_agent_of_version(self, version):
        self.tools = os.path.join(self.dir, "tools")
        shutil.copytree(os.path.join(BUILD, os.uname().machine), os.path.join(self.tools, os.uname().machine))
        shutil.copy(os.path.join(OLD, version, "framefarm-agent"), self.tools)
        shutil.copy(os.path.join(BUILD, "framefarm-runner-onnxruntime"), self.tools)

    def modes_stored(self):
        """The first byte of each packed chunk in the store."""
        with sqlite3.connect("file:%s?mode=ro" % os.path.join(self.data, "samples.db"), uri=True) as db:
            return {row[0][0] for row in db.execute(
                "SELECT data FROM chunks JOIN streams s ON s.id = chunks.stream WHERE s.kind >= ? AND n > 0",
                (ap.COUNTER,))}

    def test_that_of_version_1_is_served_as_long_as_it_understands_what_it_is_given(self):
        self.use_agent_of_version("1")
        self.daemon("--tools", self.tools)
        self.cli("run", self.job_file(mlp_job()), check=ff.PASS)

    def test_that_of_version_2_is_served_and_what_it_packed_is_kept_as_it_came(self):
        self.use_agent_of_version("2")
        self.daemon("--tools", self.tools)
        self.cli("run", self.job_file(mlp_job()), check=ff.PASS)
        modes = self.modes_stored()
        self.assertTrue(modes and modes <= {0, 1}, modes)

    def test_that_of_this_version_packs_closer(self):
        self.daemon()
        self.cli("run", self.job_file(mlp_job()), check=ff.PASS)
        self.assertIn(2, self.modes_stored())

    def test_it_is_not_given_a_runner_that_it_cannot_start(self):
        self.use_agent_of_version("1")
        with tempfile.TemporaryDirectory(prefix="ff-phone-", ignore_cleanup_errors=True) as folder:
            phones = Phones(folder)
            self.addCleanup(phones.stop)
            d = self.daemon("--tools", self.tools, "--adb", phones.addresses[0])
            wait_for(lambda: [v for v in d.get("/api/v1/devices")["devices"]
                              if v["virtual"] and v["state"] == "ready"], "the phone to be ready")
            job = mlp_job(devices={"select": {"virtual": "yes"}}, retries=0)
            r = self.cli("run", self.job_file(job), "--json", "-", check=ff.INFRASTRUCTURE)
            self.assertIn("the agent that runs on the device is of an older version", r.stdout)


if __name__ == "__main__":
    unittest.main()
