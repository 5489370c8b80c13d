#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runtimes that were added by hand: `framefarm runtime add`, `list`, `remove`, and whole runs on a virtual phone
with one. The libraries are this host's ONNX Runtime with a byte more behind it, so that each is told from the
others by its hash; an x86-64 phone is Android, and is given a loader and libraries too."""

import glob
import hashlib
import json
import os
import tempfile
import unittest
import zipfile

from fflib import daemon as ff
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import DaemonTest, mlp_job
from fflib.phone import Phones

MACHINE = os.uname().machine


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Runtimes(DaemonTest):
    def setUp(self):
        super().setUp()
        if not ff.find_ort() or MACHINE != "x86_64":
            self.skipTest("needs ONNX Runtime, and an x86-64 host")
        self.ort = read(ff.find_ort())

    def library(self, name, mark):
        """Its path and hash."""
        data = self.ort + mark
        return self.write(name, data), sha256(data)

    def write(self, name, data):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def archive(self, name, entries):
        path = os.path.join(self.dir, name)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
            for entry, data in entries.items():
                z.writestr(entry, data)
        return path

    def add(self, path, *more, check=ff.PASS):
        return self.cli("runtime", "add", path, *more, check=check)

    def listed(self):
        return {r["name"]: r for r in json.loads(self.cli("runtime", "list", "--json", check=0).stdout)}

    def run_job(self, d, runtime, select, check=ff.PASS, **runner):
        job = mlp_job(devices={"select": select}, retries=0,
                      runner=dict(name="onnxruntime", runtime=runtime, **runner))
        r = self.cli("run", self.job_file(job), "--json", "-", check=check)
        run = json.loads(r.stdout)["runs"][0]
        return d.get("/api/v1/runs/" + run["id"])

    def record(self, run):
        return run["attempts"][-1]["record"]


class OnAPhone(Runtimes):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="ff-phone-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.phones = Phones(folder.name)
        self.addCleanup(self.phones.stop)

    def daemon_with_phone(self):
        d = self.daemon("--adb", self.phones.addresses[0])
        wait_for(lambda: [v for v in d.get("/api/v1/devices")["devices"]
                          if v["virtual"] and v["state"] == "ready"], "the phone to be ready")
        return d

    def pushed(self):
        """Names of the files in the agent's directory on the phone."""
        return {os.path.basename(p) for p in glob.glob(self.folder + "/**/framefarm/files/*", recursive=True)}

    def test_a_library_goes_to_the_phone_in_place_of_the_default(self):
        path, sha = self.library("libmine.so", b"mine")
        d = self.daemon_with_phone()
        self.assertIn("libmine", self.add(path).stdout)
        run = self.run_job(d, "libmine", {"virtual": "yes"})
        self.assertEqual(self.record(run)["runtime_sha256"], sha)
        self.assertEqual(run["result"]["provider"]["used"], "cpu")

        # What is left on the phone between jobs is the default's; the loader went there in either case.
        loader = sha256(read(os.path.join(BUILD, MACHINE, "lib/ld-linux-x86-64.so.2")))
        self.assertIn(loader, self.pushed())

    def test_an_archive_has_the_library_of_each_abi(self):
        data = self.ort + b"archived"
        path = self.archive("onnxruntime-android-9.9.aar", {
            "AndroidManifest.xml": b"<manifest/>", "jni/x86_64/libonnxruntime.so": data,
            "jni/x86_64/libonnxruntime4j_jni.so": b"not looked at"})
        d = self.daemon_with_phone()
        self.add(path)
        runtime = self.listed()["onnxruntime-android-9.9"]
        self.assertEqual([(v["abi"], v["libc"], v["sha256"]) for v in runtime["libraries"]],
                         [("x86_64", "glibc", sha256(data))])
        run = self.run_job(d, runtime["sha256"][:12], {"virtual": "yes"})
        self.assertEqual(self.record(run)["runtime_sha256"], sha256(data))

        # It outlives the daemon, and a run that names it once it is gone is told so.
        d.stop()
        d = self.daemon_with_phone()
        self.assertIn("onnxruntime-android-9.9", self.cli("runtime", "list", check=0).stdout)
        self.cli("runtime", "remove", "onnxruntime-android-9.9", check=0)
        self.assertEqual(self.listed(), {})
        self.assertFalse(glob.glob(os.path.join(self.data, "files/??", sha256(data))))
        self.assertFalse(glob.glob(os.path.join(self.data, "files/??", runtime["sha256"])))
        r = self.cli("run", self.job_file(mlp_job(runner={"runtime": "onnxruntime-android-9.9"})), check=ff.USAGE)
        self.assertIn("no runtime is called", r.stderr)


class OnThisMachine(Runtimes):
    def test_two_runtimes_side_by_side(self):
        d = self.daemon()
        shas = {}
        for name in ("one", "two"):
            path, shas[name] = self.library(name + ".so", name.encode())
            self.add(path, "--name", "ort-" + name)
        for name, sha in shas.items():
            run = self.run_job(d, "ort-" + name, {"kind": "local"})
            self.assertEqual(self.record(run)["runtime_sha256"], sha)

    def test_variants_compare_them_in_one_job(self):
        d = self.daemon()
        path, sha = self.library("new.so", b"new")
        self.add(path)
        job = mlp_job()
        file = job["model"]["variants"][0]["file"]
        job["model"]["variants"] = [{"name": "old", "file": file},
                                    {"name": "new", "file": file, "runner": {"runtime": "new"}}]
        r = self.cli("run", self.job_file(job), "--json", "-", check=ff.PASS)
        got = {v["variant"]: self.record(d.get("/api/v1/runs/" + v["id"]))["runtime_sha256"]
               for v in json.loads(r.stdout)["runs"]}
        self.assertEqual(got, {"old": sha256(self.ort), "new": sha})


class Refused(Runtimes):
    def test_hostile_and_broken_files(self):
        self.daemon()
        elf = self.ort[:4096]
        cases = (
            (self.write("text.so", b"#!/bin/sh\n"), "neither a shared library"),
            (self.write("cut.so", elf), "cut short or damaged"),
            (self.write("agent.so", read(os.path.join(BUILD, "framefarm-runner-onnxruntime"))), "no ONNX Runtime"),
            (self.archive("out.aar", {"../../etc/x": b"x", "jni/x86_64/libonnxruntime.so": elf}), "a way out"),
            (self.archive("bomb.aar", {"jni/x86_64/libonnxruntime.so": bytes(64 << 20)}), "this is a trap"),
            (self.archive("wrong.aar", {"jni/arm64-v8a/libonnxruntime.so": self.ort}), "jni/arm64-v8a: this is"),
            (self.archive("none.aar", {"classes.jar": b"x"}), "no jni/ABI/lib*.so"),
            (self.archive("many.aar", {f"res/{i}": b"" for i in range(4097)}), "4097 entries"),
            (self.write("cut.aar", read(self.archive("c.zip", {"jni/x86_64/libonnxruntime.so": elf}))[:-30]),
             "cannot be read"),
        )
        for path, why in cases:
            with self.subTest(os.path.basename(path)):
                self.assertIn(why, self.add(path, check=ff.USAGE).stderr)
        self.assertEqual(self.listed(), {})
        path, _ = self.library("fine.so", b"")
        self.add(path)
        self.add(path)  # once more is no error
        self.assertIn("registered as fine already", self.add(path, "--name", "other", check=1).stderr)
        other, _ = self.library("other.so", b"other")
        self.assertIn("another runtime is called fine", self.add(other, "--name", "fine", check=1).stderr)
        self.assertEqual(list(self.listed()), ["fine"])

    def test_a_runtime_that_no_device_can_load(self):
        """A run that ends with the reason: made for Android, and for a machine that this one is not."""
        d = self.daemon()
        data = bytearray(self.ort)
        at = data.find(b"\0libc.so.6\0") + 1
        self.assertGreater(at, 0)
        data[at:at + 10] = b"libc.so\0\0\0"
        self.add(self.write("droid.so", bytes(data)))
        self.assertEqual(self.listed()["droid"]["libraries"][0]["libc"], "bionic")
        run = self.run_job(d, "droid", {"kind": "local"}, check=ff.INFRASTRUCTURE)
        self.assertIn("made for Android", run["cause"])

    def test_what_is_missing_is_said(self):
        self.daemon()
        self.assertIn("cannot", self.add("/no/such/file.so", check=1).stderr)
        self.assertIn("--name", self.add(self.library(".so", b"")[0], check=ff.USAGE).stderr)
        self.assertIn("no runtime is called", self.cli("runtime", "remove", "x", check=1).stderr)


if __name__ == "__main__":
    unittest.main()
