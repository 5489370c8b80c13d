#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Phones on which nothing can be run: their storage is full, programs may not be executed, or they are of
another machine. The attempt is an infrastructure error that says why, and the verdict comes from another
phone. And a job that breaks each phone that gets it: it is paused, and the farm goes on."""

import glob
import hashlib
import os
import shutil
import struct
import unittest

from fflib import daemon as ff
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import MODELS, mlp_job
from fflib.phone import ADB, Adb
from fflib.phonefarm import VIRTUAL, PhonesTest

TMP = "/data/local/tmp/"
FILES = TMP + "framefarm/files/"
FILL = "dd if=/dev/zero of=%sfiller bs=64k 2>/dev/null; truncate -s -%dM %sfiller"
RUNNER = os.path.join(BUILD, "framefarm-runner-onnxruntime")
LOADER = (glob.glob(os.path.join(BUILD, os.uname().machine, "lib", "ld-linux*")) or [RUNNER])[0]
MODEL = os.path.join(MODELS, "mlp_16_32_10.onnx")


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def program_of_another_machine(path, size):
    """A head of an ELF for RISC-V, and so many bytes in all."""
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, 0x10000, 64, 0, 0,
                                                            64, 56, 0, 0, 0, 0)
    with open(path, "wb") as f:
        f.write(head + bytes(size - len(head)))
    os.chmod(path, 0o755)


def other_job(folder):
    """The same model in another file: a string at its end that no reader of ONNX minds."""
    path = os.path.join(folder, "other.onnx")
    with open(MODEL, "rb") as f, open(path, "wb") as g:
        g.write(f.read() + b"\x32\x00")  # ModelProto.doc_string: ""
    return mlp_job(name="other", devices={"select": {"virtual": "yes"}, "count": 4},
                   model={"name": "other", "variants": [{"name": "fp32", "file": path}]})


class FaultsTest(PhonesTest):
    def shell(self, phones, command):
        adb = Adb(self.dir)
        try:
            adb.connect(phones.addresses[0])
            return adb.run("shell", command)[1]
        finally:
            adb.stop()

    def two(self, *options, daemon=()):
        """A phone with something wrong, which a job gets first, and one that is well."""
        self.bad, self.good = self.phones(*options), self.phones()
        d = self.farm(*self.bad.addresses, options=("--cool-time", "0s", *daemon))
        self.watcher = self.watch(d)
        return d

    def let_both(self, d):
        self.wait_ready(d, 2)
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 3)

    def submit(self, **more):
        job = self.job_file(mlp_job(devices=VIRTUAL, **more))
        return self.cli("run", job, "--async", check=0).stdout.split()[0]

    def expect_elsewhere(self, d, job, *words):
        self.cli("job", "wait", job, check=ff.PASS)
        first, second = self.attempts(d, job)
        bad = self.device_at(d, self.bad.addresses[0])
        self.assertEqual((first["failure"], second["failure"]), ("infrastructure", "none"))
        self.assertEqual(first["device"], bad["id"])
        self.assertNotEqual(second["device"], bad["id"])
        for word in words:
            self.assertIn(word, first["cause"])
        good = self.device_at(d, self.good.addresses[0])["id"]
        self.assertFalse([s for s in self.watcher.transitions("device", good)
                          if s[1] in ("recovering", "absent", "quarantined")])
        return first


@unittest.skipUnless(ADB, "no adb here")
class Full(FaultsTest):
    def test_no_room_for_what_a_run_needs(self):
        d = self.two("--storage-mb", "300")
        self.let_both(d)
        self.shell(self.bad, FILL % (TMP, 4, TMP))  # the runtime alone has more than 4 MB
        self.expect_elsewhere(d, self.submit(), "No space left on device")
        # It is no worse than before: with room again it takes the next.
        self.shell(self.bad, "rm %sfiller" % TMP)
        self.wait_ready(d, 3)
        self.end(self.good)
        job = self.submit()
        self.cli("job", "wait", job, check=ff.PASS)

    def test_no_room_for_what_is_measured(self):
        d = self.two("--storage-mb", "300")
        self.let_both(d)
        job = self.submit(measure={"min_ms": 10000, "max_ms": 20000})
        self.wait_phase(d, job, "paced")
        self.shell(self.bad, FILL % (TMP, 0, TMP))
        self.expect_elsewhere(d, job, "the spool could not be written: No space left on device")

    def test_no_room_from_the_beginning(self):
        d = self.two("--storage-mb", "100")
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 2)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        need = wait_for(lambda: self.device_at(d, self.bad.addresses[0])["need"], "what is wrong")
        self.assertRegex(need, r"has \d+ MB free in \S+, 256 MB are needed: delete something")
        # It is prepared again and again, and is without a need meanwhile.
        wait_for(lambda: "256 MB are needed" in self.cli("device", "list", check=0).stdout, "the list to say so")


@unittest.skipUnless(ADB, "no adb here")
class NoExecute(FaultsTest):
    def test_nothing_may_be_started_from_its_directory(self):
        d = self.two("--quirk", "noexec")
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 2)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        need = wait_for(lambda: self.device_at(d, self.bad.addresses[0])["need"], "what is wrong")
        self.assertIn("is it mounted noexec?", need)

    def spoil(self, d, program, command):
        """What every run needs stays on a phone between two jobs, and is not pushed again where its size is right."""
        self.wait_ready(d, 2)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        self.wait_ready(d, 2)
        path = FILES + sha256(program)
        self.assertIn(path, self.shell(self.bad, "ls " + path))
        self.shell(self.bad, command % path)
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 3)

    def test_the_runner_may_not_be_executed(self):
        d = self.two()
        self.spoil(d, LOADER, "chmod 600 %s")
        self.expect_elsewhere(d, self.submit(), "could not be started: exec: Permission denied")

    def test_the_runner_is_of_another_machine(self):
        d = self.two()
        self.spoil(d, RUNNER, "printf '\\363\\000' | dd of=%s bs=1 seek=18 conv=notrunc")  # e_machine
        self.expect_elsewhere(d, self.submit(), "cannot be loaded on this device")


class WrongAbi(FaultsTest):
    """A phone that says it is a RISC-V one."""

    def tools(self):
        path = os.path.join(self.dir, "tools")
        os.makedirs(os.path.join(path, "riscv64", "lib"))
        for name in ("framefarm-agent", "framefarm-runner-onnxruntime", os.uname().machine):
            os.symlink(os.path.abspath(os.path.join(BUILD, name)), os.path.join(path, name))
        return path

    def test_there_is_no_agent_for_it_until_there_is_one(self):
        tools = self.tools()
        d = self.two("--prop", "ro.product.cpu.abi=riscv64", daemon=("--tools", tools))
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 2)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        bad = wait_for(lambda: self.device_at(d, self.bad.addresses[0], state="needs_human"), "the need")
        self.assertIn("riscv64/framefarm-agent is missing; build it", bad["need"])
        self.assertEqual(bad["abi"], "riscv64")
        self.assertIn("is missing", self.cli("device", "list", check=0).stdout)

    def test_its_agent_is_of_another_machine(self):
        tools = self.tools()
        program_of_another_machine(os.path.join(tools, "riscv64", "framefarm-agent"), 4096)
        d = self.two("--prop", "ro.product.cpu.abi=riscv64", daemon=("--tools", tools))
        self.cli("device", "connect", *self.good.addresses, check=0)
        self.wait_ready(d, 2)
        self.cli("job", "wait", self.submit(), check=ff.PASS)
        need = wait_for(lambda: self.device_at(d, self.bad.addresses[0])["need"], "what is wrong")
        self.assertIn("the phone does not run the agent: is it for another ABI", need)

    def test_there_is_no_runner_for_it(self):
        tools = self.tools()
        shutil.copy(os.path.join(BUILD, "framefarm-agent"), os.path.join(tools, "riscv64"))
        d = self.two("--prop", "ro.product.cpu.abi=riscv64", daemon=("--tools", tools))
        self.let_both(d)
        self.expect_elsewhere(d, self.submit(), "riscv64/framefarm-runner-onnxruntime is missing")


class BadPush(FaultsTest):
    def test_a_file_that_breaks_every_phone_pauses_its_job_and_nothing_else(self):
        shelf = self.phones("--reboot-at", "framefarm/files/%s.part" % sha256(MODEL)[:60],
                            "--profile", "minimal", count=4)
        d = self.farm(*shelf.addresses, options=("--cool-time", "0s"))
        self.watcher = self.watch(d)
        self.wait_ready(d, 5)
        r = self.cli("run", self.job_file(mlp_job(devices=VIRTUAL, retries=8)), check=ff.INFRASTRUCTURE)
        job = r.stderr.split("framefarm job retry ")[1].split()[0].rstrip(".`")
        why = d.get("/api/v1/jobs/" + job)
        self.assertEqual(why["state"], "paused")
        self.assertIn("it failed on 3 devices in turn and worked on none", why["cause"])
        self.assertIn("`framefarm job retry %s` when it is mended" % job, why["cause"])
        self.assertIn(why["cause"][:60], r.stdout)
        broken = [a["device"] for a in self.attempts(d, job)]
        self.assertEqual(len(set(broken)), 3)

        # The farm goes on, the three phones among it, once they have booted.
        self.wait_ready(d, 5)
        self.cli("run", self.job_file(other_job(self.dir)), check=ff.PASS)
        self.assertEqual(d.get("/api/v1/jobs/" + job)["state"], "paused")
        self.wait_ready(d, 5)
        self.assertFalse([x for x in self.devices(d) if x["state"] == "quarantined"])

        # Once it is mended (here: there is a phone that bears it) the job goes on where it stopped.
        good = self.phones()
        self.cli("device", "connect", *good.addresses, check=0)
        self.wait_ready(d, 6)
        for x in self.devices(d, virtual=True):
            if x["where"][4:] in shelf.addresses:
                self.cli("device", "detach", x["id"], check=0)
        self.cli("job", "retry", job, check=0)
        self.cli("job", "wait", job, check=ff.PASS)
        last = self.attempts(d, job)[-1]
        self.assertEqual(last["device"], self.device_at(d, good.addresses[0])["id"])


if __name__ == "__main__":
    unittest.main()
