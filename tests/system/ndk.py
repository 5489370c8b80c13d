#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make agents NDK=DIR and make bionic-check BIONIC=DIR. There is neither an NDK nor bionic here: a tree with an
NDK's names stands in, whose clang writes down how it was called and has the cross compiler do the work, and
musl's headers in the place of bionic's. So this holds what the rules do, not that bionic has what is used."""

import os
import shutil
import stat
import struct
import subprocess
import tempfile
import unittest

from fflib.agentbox import BUILD

MAKE = os.environ.get("MAKE") or "make"
MUSL = os.path.abspath(".cache/musl/arm64/usr/include")
COMPILERS = {"aarch64": ("aarch64-linux-gnu-gcc", 183), "x86_64": ("cc", 62)}  # and their ELF machine
RUNNER = "bionic/framefarm-runner-onnxruntime"


def make(*args):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B")}
    return subprocess.run([MAKE, "--no-print-directory", *args], capture_output=True, text=True, env=env, check=False)


class Place(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="ff ndk-")  # a blank, as in anybody's home
        self.addCleanup(folder.cleanup)
        self.dir = folder.name


class Ndk(Place):
    def ndk(self, *abis):
        """A tree like an NDK's, for these ABIs."""
        bin_ = os.path.join(self.dir, "ndk/toolchains/llvm/prebuilt/linux-x86_64/bin")
        os.makedirs(bin_)
        for abi in abis:
            path = os.path.join(bin_, f"{abi}-linux-android24-clang")
            with open(path, "w") as f:
                f.write('#!/bin/sh\nprintf "%%s\\n" "$@" >"%s/%s.args"\nexec %s "$@"\n' %
                        (self.dir, abi, COMPILERS[abi][0]))
            os.chmod(path, 0o755)
        return "NDK=" + os.path.join(self.dir, "ndk")

    def test_the_runner_is_built_for_each_abi_by_the_ndk_s_compiler(self):
        missing = [cc for cc, _ in COMPILERS.values() if not shutil.which(cc)]
        if missing:
            self.skipTest("not here: " + ", ".join(missing))
        out = os.path.join(BUILD, "tests/ndk")
        shutil.rmtree(out, ignore_errors=True)
        done = make("B=" + out, self.ndk(*COMPILERS), "ndk-runners")
        self.assertEqual(done.returncode, 0, done.stderr)
        for abi, (_, machine) in COMPILERS.items():
            with open(os.path.join(self.dir, abi + ".args")) as f:
                args = f.read().split("\n")
            self.assertIn("-pie", args)
            self.assertIn("-Wl,-z,max-page-size=16384", args)
            self.assertIn("agents/runner/main.c", args)
            self.assertNotIn("-static", args)
            runner = os.path.join(out, abi, RUNNER)
            self.assertTrue(os.stat(runner).st_mode & stat.S_IXUSR)
            with open(runner, "rb") as f:
                self.assertEqual(struct.unpack_from("<H", f.read(20), 18)[0], machine)

    def test_make_agents_brings_it_when_it_is_told_where_the_ndk_is(self):
        told = make("-n", "-W", "agents/runner/main.c", "agents", self.ndk(*COMPILERS)).stdout
        self.assertIn("aarch64-linux-android24-clang", told)
        self.assertNotIn("android24-clang", make("-n", "-W", "agents/runner/main.c", "agents").stdout)

    def test_what_is_missing_is_said(self):
        out = "B=" + os.path.join(BUILD, "tests/ndk-none")
        for args, why in (([], "NDK=DIR names the NDK"), (["NDK=/nowhere"], "no aarch64-linux-android24-clang in"),
                          ([self.ndk("aarch64")], "no x86_64-linux-android24-clang in")):
            done = make(out, "-k", "ndk-runners", "-W", "agents/runner/main.c", *args)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)


@unittest.skipUnless(shutil.which("clang") and os.path.isdir(MUSL), "needs clang, and musl's headers: make agents")
class Bionic(Place):
    def sysroot(self):
        """musl's headers and the kernel's, laid out as an NDK's sysroot."""
        include = os.path.join(self.dir, "sysroot/usr/include")
        shutil.copytree(MUSL, include)
        shutil.copytree(os.path.join(include, "aarch64-linux-musl"), include, dirs_exist_ok=True)
        shutil.move(os.path.join(include, "aarch64-linux-gnu"), os.path.join(include, "aarch64-linux-android"))
        return "BIONIC=" + os.path.join(self.dir, "sysroot")

    def test_every_source_is_read(self):
        done = make("bionic-check", self.sysroot(), "WARN=-Wall -Wno-sign-compare -Werror")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("agent and runner compile", done.stdout)

    def test_what_the_headers_lack_is_an_error_with_a_place(self):
        for header, where in (("sys/epoll.h", "agents/"), ("sys/signalfd.h", "agents/agent/"),
                              ("dlfcn.h", "agents/runner/")):
            with self.subTest(header):
                shutil.rmtree(os.path.join(self.dir, "sysroot"), ignore_errors=True)
                bionic = self.sysroot()
                os.unlink(os.path.join(self.dir, "sysroot/usr/include", header))
                done = make("bionic-check", bionic, "WARN=-Wall -Werror")
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, where + r"\S*:\d+:\d+: fatal error: '" + header)

    def test_what_is_missing_is_said(self):
        for args, why in (([], "BIONIC=DIR names"), (["BIONIC=" + self.dir], "neither libc/include nor usr/include")):
            done = make("bionic-check", *args)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    unittest.main()
