#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other commands, and what is made from their table: help, the manual page, completion."""

import json
import os
import re
import shutil
import subprocess
import unittest

from fflib.daemon import find_ort
from fflib.fakeapi import CliTest, run_json

COMMANDS = ["serve", "run", "job list", "job show", "job wait", "job logs", "job cancel",
            "job pin", "job unpin", "job retry", "job artifacts", "device list", "device show", "device connect",
            "device disconnect", "device detach", "device attach", "device install", "device provision",
            "device quarantine", "device release", "device retire",
            "backup", "restore", "store check", "sql", "doctor", "completion", "help", "version"]


class Jobs(CliTest):
    def submit(self, n, **end):
        for _ in range(n):
            self.assertEqual(self.cli("run", self.write_job(), "--async")[0], 0)
        for job in self.api.jobs.values():
            self.api.end(job, **end)

    def test_list_walks_the_pages_up_to_its_limit(self):
        self.submit(3)
        _, out, _ = self.cli("job", "list", "-n", "2")
        self.assertEqual(re.findall(r"^(j\d+)", out, re.M), ["j3", "j2"])
        self.assertRegex(out, r"j3 +demo +completed +pass +1/1 +2026-01-31T12:00:00.000Z")
        _, out, _ = self.cli("job", "list", "--json", "--state", "queued")
        self.assertEqual(json.loads(out), [])

    def test_show_prints_the_result_in_each_form(self):
        self.submit(1, verdict="fail", exit_code=10)
        code, out, _ = self.cli("job", "show", "j1")
        self.assertEqual(code, 0)
        self.assertIn("700 of 1800", out)
        self.assertIn("<failure", self.cli("job", "show", "j1", "-f", "junit")[1])
        self.assertIn("| Device |", self.cli("job", "show", "j1", "-f", "markdown")[1])
        self.assertEqual(json.loads(self.cli("job", "show", "j1", "-f", "json")[1])["id"], "j1")

    def test_logs_come_whole_and_clean(self):
        self.submit(1)
        self.api.logs = "line one\n\x1b[31mred\x07\n" + "long " * 50 + "end\n"
        code, out, _ = self.cli("job", "logs", "j1")
        self.assertEqual(code, 0)
        self.assertEqual(out, self.api.logs.replace("\x1b", "?").replace("\x07", "?"))

    def test_logs_follow_until_the_job_ends(self):
        self.assertEqual(self.cli("run", self.write_job(), "--async")[0], 0)
        self.api.logs = "begin\n"
        child = self.start("job", "logs", "-f", "j1")
        self.api.until(lambda: len(self.api.asked("GET", "/api/v1/jobs/j1/logs")) >= 2)
        self.api.logs += "end\n"
        self.api.end(self.api.jobs["j1"])
        code, out, _ = self.wait(child)
        self.assertEqual((code, out), (0, "begin\nend\n"))

    def test_cancel_gives_its_reason(self):
        self.submit(1)
        code, _, err = self.cli("job", "cancel", "j1", "--reason", 'the "wrong" model')
        self.assertEqual(code, 0, err)
        body = self.api.asked("POST", "/api/v1/jobs/j1/cancel")[0][3]
        self.assertEqual(json.loads(body), {"reason": 'the "wrong" model'})
        self.assertEqual(self.cli("job", "cancel", "j99")[0], 1)

    def test_an_id_cannot_leave_its_place_in_the_path(self):
        self.cli("job", "cancel", "../devices/d1/retire?x=")
        self.assertIn("/api/v1/jobs/..%2Fdevices%2Fd1%2Fretire%3Fx%3D/cancel",
                      [r[1] for r in self.api.requests])


class Devices(CliTest):
    def setUp(self):
        super().setUp()
        base = {"driver": "local", "model": "Debian", "abi": "x86_64", "link": "up", "need": "",
                "advice": "", "state_since": "2026-01-31T12:00:00.000Z"}
        self.api.devices = [
            {**base, "id": "d1", "key": "k1", "name": "bench", "state": "ready", "virtual": False,
             "where": "tcp 127.0.0.1:5555", "counters": [{"name": "load", "unit": "1"}], "attrs": {"rack": "\x1b[2J7"}},
            {**base, "id": "d2", "key": "k2", "name": "phone", "state": "needs_human",
             "virtual": True, "need": "unlock it"},
            {**base, "id": "d3", "key": "k3", "name": "phone", "state": "absent", "virtual": True},
        ]

    def test_list_says_what_they_need_and_which_are_virtual(self):
        code, out, err = self.cli("device", "list")
        self.assertEqual(code, 0, err)
        self.assertRegex(out, r"d1 +bench +local +Debian +x86_64 +tcp 127.0.0.1:5555 +ready")
        self.assertRegex(out, r"d2 +phone +local \(virtual\).*needs_human.*unlock it")
        self.assertEqual(len(json.loads(self.cli("device", "list", "--json")[1])), 3)

    def test_show_by_id_and_by_name(self):
        for called in ("d1", "bench", "k1"):
            code, out, err = self.cli("device", "show", called)
            self.assertEqual(code, 0, err)
            self.assertIn("name: bench\n", out)
            self.assertIn("counters: \n  -: name load, unit 1\n", out)
            self.assertIn("rack: ?[2J7", out)

    def test_a_name_of_two_is_refused(self):
        code, _, err = self.cli("device", "retire", "phone")
        self.assertEqual(code, 1)
        self.assertIn("2 devices are called", err)
        self.assertFalse(self.api.asked("POST", ""))
        self.assertIn("device list", self.cli("device", "show", "nobody")[2])

    def test_operators_words(self):
        for word in ("quarantine", "release", "retire"):
            code, _, err = self.cli("device", word, "bench", "-r", "why not")
            self.assertEqual(code, 0, err)
            sent = self.api.asked("POST", f"/api/v1/devices/d1/{word}")
            self.assertEqual(json.loads(sent[0][3]), {"reason": "why not"})


class Doctor(CliTest):
    def test_every_finding_has_a_level_and_a_sentence(self):
        code, out, _ = self.cli("doctor", "--json")
        doc = json.loads(out)
        self.assertEqual(code, 0 if doc["ok"] else 1)
        self.assertEqual(doc["ok"], "fail" not in [c["level"] for c in doc["checks"]])
        checks = {c["check"] for c in doc["checks"]}
        self.assertLessEqual({"programs", "onnxruntime", "landlock", "timer", "daemon"}, checks)
        for check in doc["checks"]:
            self.assertIn(check["level"], ("ok", "warn", "fail"))
            self.assertTrue(check["text"])

    def finding(self, name):
        _, out, _ = self.cli("doctor", "--json")
        return [c for c in json.loads(out)["checks"] if c["check"] == name]

    def test_a_daemon_that_answers_and_one_that_does_not(self):
        self.assertEqual(self.finding("daemon")[0]["level"], "ok")
        self.api.token = "another"
        self.assertIn("not to us", self.finding("daemon")[0]["text"])
        self.api.stop()
        self.assertNotEqual(self.finding("daemon")[0]["level"], "ok")
        self.api.start()

    def test_a_data_directory_that_is_open_to_others(self):
        subprocess.run(["chmod", "755", self.path("data")], check=True)
        subprocess.run(["chmod", "644", self.path("data/admin.token")], check=True)
        levels = [(f["level"], f["fix"]) for f in self.finding("data")]
        self.assertEqual([level for level, _ in levels], ["fail", "fail"])
        for _, fix in levels:
            subprocess.run(["sh", "-c", fix], check=True)  # the command mends it
        self.assertEqual([f["level"] for f in self.finding("data")], ["ok"])

    def test_a_runtime_that_is_none(self):
        self.env["FRAMEFARM_ORT"] = self.write("libonnxruntime.so", "no library")
        self.assertNotEqual(self.finding("onnxruntime")[0]["level"], "ok")
        self.env["FRAMEFARM_ORT"] = "/nowhere/lib.so"
        found = self.finding("onnxruntime")[0]
        self.assertEqual(found["level"], "fail")
        self.assertIn("/nowhere/lib.so", found["text"])

    @unittest.skipUnless(find_ort(), "no ONNX Runtime was fetched")
    def test_a_runtime_that_is_cut_short(self):
        self.env["FRAMEFARM_ORT"] = os.path.join(self.dir, "libonnxruntime.so")
        with open(find_ort(), "rb") as whole, open(self.env["FRAMEFARM_ORT"], "wb") as cut:
            cut.write(whole.read(8192))
        found = self.finding("onnxruntime")[0]
        self.assertEqual(found["level"], "fail")
        self.assertIn("crashes while it is opened", found["text"])


class Usage(CliTest):
    def test_wrong_usage_is_exit_2_and_points_to_the_help(self):
        for args in (["run"], ["run", "a", "b"], ["run", "--nonsense", "a"], ["nonsense"], [],
                     ["job"], ["job", "nonsense"], ["run", "--wait-timeout", "soon", "a"],
                     ["job", "list", "--limit", "0"], ["run", "a", "--inconclusive=maybe"],
                     ["version", "now"], ["help", "nonsense"], ["completion", "fish"]):
            with self.subTest(args=args):
                code, out, err = self.cli(*args)
                self.assertEqual((code, out), (2, ""))
                self.assertIn("framefarm", err)

    def test_each_command_tells_about_itself(self):
        overview = self.cli("help")[1]
        for command in COMMANDS:
            self.assertRegex(overview, f"\n  {command} ")
            by_help = self.cli("help", *command.split())
            by_option = self.cli(*command.split(), "--help")
            self.assertEqual(by_help[0], 0)
            self.assertEqual(by_help[1], by_option[1])
            self.assertIn(f"framefarm {command}", by_help[1])
            self.assertTrue(all(len(line) <= 100 for line in by_help[1].splitlines()), command)

    def test_version(self):
        self.assertRegex(self.cli("--version")[1], r"^framefarm \S+\n$")

    def test_versions_are_those_of_the_sources(self):
        """And each is told once where it is."""
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

        def defined(path, name):
            with open(os.path.join(root, path), encoding="utf-8") as f:
                return re.search(r'^#define %s +"?([^"\s]+)' % name, f.read(), re.M).group(1)
        out = self.cli("version", "--all")[1]
        with open(os.path.join(root, "VERSION"), encoding="ascii") as f:
            self.assertEqual(out.splitlines()[0], "framefarm " + f.read().strip())
        store = "controller/store/store.h"
        self.assertIn("control %s, samples %s;" % tuple(defined(store, "STORE_SCHEMA_" + x) for x in ("CONTROL", "SAMPLES")), out)
        self.assertIn("agent protocol  %s; agents of %s too" % tuple(
            defined("agents/proto.h", x) for x in ("PROTO_VERSION", "PROTO_VERSION_MIN")), out)
        self.assertRegex(out, r"(?m)^job format +%s$" % defined("controller/core/jobspec.h", "JOBSPEC_SCHEMA"))
        self.assertRegex(out, r"(?m)^driver API +%s$" % defined("drivers/driver.h", "DRIVER_API_VERSION"))

    def test_output_that_cannot_be_written_is_no_success(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            child = subprocess.run([self.start("version").args[0], "help"], stdout=full, env=self.env,
                                   check=False)
        self.assertEqual(child.returncode, 1)

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_the_manual_page_has_every_command_and_no_warning(self):
        _, roff, _ = self.cli("help", "--man")
        page = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=roff.encode(),
                              capture_output=True, env={**self.env, "MANWIDTH": "80", "MANPAGER": "cat"},
                              check=True)
        self.assertEqual(page.stderr.decode(), "")
        for command in COMMANDS:
            self.assertIn(f"framefarm {command}", page.stdout.decode())

    def complete(self, line):
        """What bash offers at the end of a line."""
        _, script, _ = self.cli("completion", "bash")
        words = line.split(" ")
        harness = script + f"""
COMP_WORDS=({' '.join(f"'{w}'" for w in words)}); COMP_CWORD={len(words) - 1}
_framefarm; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
        return subprocess.run(["bash", "-u", "-c", harness], capture_output=True, text=True, cwd=self.dir,
                              env=self.env, check=True).stdout.splitlines()

    def test_bash_completes_commands_options_words_and_files(self):
        self.write("a b.json", "")
        self.assertEqual(self.complete("framefarm dev"), ["device"])
        self.assertEqual(sorted(self.complete("framefarm job ")),
                         ["artifacts", "cancel", "list", "logs", "pin", "retry", "show", "unpin", "wait"])
        self.assertEqual(self.complete("framefarm run --wait"), ["--wait-timeout"])
        self.assertEqual(self.complete("framefarm run --inconclusive w"), ["warn"])
        self.assertEqual(self.complete("framefarm run --inconclusive = w"), ["warn"])
        self.assertEqual(self.complete("framefarm run a"), ["a b.json"])
        self.assertEqual(self.complete("framefarm serve --adb-key a"), ["a b.json"])
        self.assertEqual(self.complete("framefarm job show --format j"), ["json", "junit"])

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_accepts_its_script(self):
        _, script, _ = self.cli("completion", "zsh")
        subprocess.run(["zsh", "-n"], input=script.encode(), check=True)

    def test_zsh_script_names_every_command(self):
        _, script, _ = self.cli("completion", "zsh")
        for command in COMMANDS:
            self.assertIn(f"\t'{command}')\n", script)


if __name__ == "__main__":
    unittest.main()
