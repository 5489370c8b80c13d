#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`framefarm run` against a fake daemon: submitting, uploading, results, exit codes."""

import json
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

from fflib.fakeapi import PROGRAM, CliTest, run_json


def ends(verdict, code, **more):
    """What happens to a submitted job: it ends at once."""
    return lambda api, job: api.end(job, verdict, code, **more)


class Submitting(CliTest):
    def test_uploads_what_is_missing_and_nothing_twice(self):
        self.api.on_submit = ends("pass", 0)
        code, _, err = self.cli("run", self.write_job())
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.api.asked("PUT", "/api/v1/files/")), 2)
        self.assertEqual(sorted(self.api.files.values()), [b"model one", b"model two"])
        self.assertIn("uploaded model.onnx, 9 B", err)

        code, _, err = self.cli("run", self.write_job())
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.api.asked("PUT", "/api/v1/files/")), 2)
        self.assertNotIn("uploaded", err)

    def test_a_file_named_twice_is_uploaded_once(self):
        self.api.on_submit = ends("pass", 0)
        job = self.write_job(inputs=[{"name": "a", "file": "in.pb"}, {"name": "b", "file": "in.pb"}])
        self.write("in.pb", b"model one")  # the same bytes as the model, too
        code, _, err = self.cli("run", job)
        self.assertEqual(code, 0, err)
        self.assertEqual(len(self.api.asked("PUT", "/api/v1/files/")), 2)

    def test_the_daemon_gets_hashes_and_no_paths(self):
        self.api.on_submit = ends("pass", 0)
        self.cli("run", self.write_job())
        body = self.api.jobs["j1"].body
        self.assertEqual(body["model"]["variants"][0]["file"]["bytes"], 9)
        self.assertNotIn(self.dir, json.dumps(body))

    def test_the_command_line_stands_over_the_file(self):
        self.api.on_submit = ends("pass", 0)
        job = self.write_job(commit="old", branch="main", labels={"team": "vision", "x": "1"})
        code, _, err = self.cli("run", job, "--commit", "c0ffee", "--label", "x=2", "-l", "y=a=b")
        self.assertEqual(code, 0, err)
        body = self.api.jobs["j1"].body
        self.assertEqual((body["commit"], body["branch"]), ("c0ffee", "main"))
        self.assertEqual(body["labels"], {"team": "vision", "x": "2", "y": "a=b"})

    def test_one_key_is_one_job(self):
        self.api.on_submit = ends("pass", 0)
        job = self.write_job()
        for _ in range(2):
            self.assertEqual(self.cli("run", job, "--idempotency-key", "build-7")[0], 0)
        self.assertEqual(list(self.api.jobs), ["j1"])
        self.assertEqual(self.cli("run", job)[0], 0)  # a random key
        self.assertEqual(list(self.api.jobs), ["j1", "j2"])
        code, _, err = self.cli("run", job, "--idempotency-key", "build-7", "--commit", "x")
        self.assertEqual(code, 2)
        self.assertIn("another job has this key", err)

    def test_async_prints_the_id_and_ends(self):
        code, out, err = self.cli("run", self.write_job(), "--async")
        self.assertEqual((code, out), (0, "j1\n"), err)
        self.assertIn(f"job j1 {self.api.url}/?job=j1", err)
        self.assertEqual(self.cli("run", self.write_job(), "--async", "--junit", "x.xml")[0], 2)

    def test_who_asks_too_often_or_too_soon_asks_again(self):
        """A 429, and a 409 of a first try that is still being answered; another 409 is an answer."""
        soon = {"type": "urn:framefarm:problem:in-progress", "detail": "it is being answered"}
        often = {"type": "urn:framefarm:problem:too-many-requests", "detail": "this client asks too often"}
        self.api.refuse = [("PUT", "/api/v1/files", 429, often), ("POST", "/api/v1/jobs", 429, often),
                           ("POST", "/api/v1/jobs", 409, soon)]
        code, _, err = self.cli("run", self.write_job(), "--async")
        self.assertEqual(code, 0, err)
        keys = {r[2]["Idempotency-Key"] for r in self.api.asked("POST", "/api/v1/jobs")}
        self.assertEqual(len(keys), 1)
        self.assertEqual(self.api.refuse, [])

    def test_a_busy_daemon_is_asked_again(self):
        busy = {"detail": "the store cannot be written just now"}
        self.api.refuse = [("POST", "/api/v1/jobs", 503, busy), ("PUT", "/api/v1/files", 503, busy)]
        self.api.on_submit = ends("pass", 0)
        code, _, err = self.cli("run", self.write_job())
        self.assertEqual(code, 0, err)
        self.assertEqual(list(self.api.jobs), ["j1"])

    def test_a_job_from_stdin(self):
        self.write_job()
        code, _, err = self.cli("run", "-")  # stdin is empty here
        self.assertEqual(code, 2)
        self.assertIn("ends before", err)


class Results(CliTest):
    def test_exit_codes_tell_slow_from_broken(self):
        gone = [run_json(verdict="none", state="errored", failure="infrastructure",
                         cause="the agent was lost")]
        cases = [
            ("pass", 0, {}), ("fail", 10, {}), ("fail", 12, {}), ("fail", 13, {}),
            ("inconclusive", 15, {}),
            ("none", 18, {"state": "errored", "runs": gone, "cause": "no device can ever match"}),
            ("none", 19, {"state": "cancelled", "runs": []}),
            ("none", 20, {"state": "errored", "runs": gone}),
        ]
        for verdict, code, more in cases:
            with self.subTest(code=code):
                self.api.on_submit = ends(verdict, code, **more)
                got, out, err = self.cli("run", self.write_job())
                self.assertEqual(got, code, err)
                self.assertIn(f"exit code {code}", out)

    def test_inconclusive_is_what_the_caller_makes_of_it(self):
        self.api.on_submit = ends("inconclusive", 15)
        code, _, err = self.cli("run", self.write_job(), "--inconclusive=warn")
        self.assertEqual(code, 0)
        self.assertIn("warning: j1 is inconclusive", err)
        code, _, err = self.cli("run", self.write_job(), "--inconclusive=pass")
        self.assertEqual(code, 0)
        self.assertNotIn("warning", err)
        self.api.on_submit = ends("fail", 10)
        self.assertEqual(self.cli("run", self.write_job(), "--inconclusive=pass")[0], 10)

    def test_stdout_has_the_result_and_stderr_the_rest(self):
        self.api.on_submit = ends("fail", 10)
        _, out, err = self.cli("run", self.write_job())
        self.assertRegex(out, r"r1 +local +mobilenet +fp32 +9\.100 ms +12\.000 ms +15\.981 ms +16 ms"
                              r" +700 of 1800 +fail\n")
        self.assertIn("  budget: fail: n=1800, n_eff=900, 700 over 16 ms: fail\n", out)
        self.assertIn("job j1 ", err)
        self.assertNotIn("budget", err)
        self.assertNotIn("\033", out + err)

    def test_quiet_keeps_the_job_line(self):
        self.api.on_submit = ends("pass", 0)
        _, _, err = self.cli("run", self.write_job(), "-q")
        self.assertEqual(err, f"job j1 {self.api.url}/?job=j1\n")

    def test_json_on_stdout_is_json_alone(self):
        self.api.on_submit = ends("pass", 0)
        code, out, err = self.cli("run", self.write_job(), "--json", "-")
        self.assertEqual(code, 0)
        self.assertEqual(json.loads(out)["runs"][0]["result"]["gates"][0]["n"], 1800)
        self.assertIn("15.981 ms", err)

    def test_junit_tells_failure_from_error(self):
        runs = [run_json(1, verdict="fail"), run_json(2, verdict="inconclusive"),
                run_json(3, verdict="none", state="errored", failure="infrastructure",
                         cause="the agent was lost")]
        self.api.on_submit = ends("fail", 10, runs=runs)
        self.cli("run", self.write_job(), "--junit", "out.xml")
        root = ElementTree.parse(self.path("out.xml")).getroot()
        suites = root.findall("testsuite")
        self.assertEqual([s.get("name") for s in suites], ["mobilenet fp32 on local"] * 3)
        self.assertEqual((root.get("tests"), root.get("failures"), root.get("errors")),
                         ("5", "1", "2"))
        failure = suites[0].find("testcase/failure")
        self.assertEqual(failure.get("type"), "budget")
        self.assertIn("700 over", failure.get("message"))
        self.assertEqual(suites[1].find("testcase/error").get("type"), "inconclusive")
        self.assertEqual(suites[2].find("testcase/error").get("message"), "the agent was lost")
        numbers = {p.get("name"): p.get("value") for p in suites[0].findall("properties/property")}
        self.assertEqual(numbers["paced.p99_ns"], "15981000")
        self.assertEqual(suites[0].get("time"), "30.500")
        self.assertEqual(suites[0].find("testcase").get("name"), "budget on local")

    def test_markdown_puts_failures_first(self):
        runs = [run_json(1), run_json(2, verdict="fail", variant="int8")]
        self.api.on_submit = ends("fail", 10, runs=runs)
        self.cli("run", self.write_job(), "--markdown", "out.md")
        text = self.read("out.md")
        self.assertLess(text.index("| int8 |"), text.index("| fp32 |"))
        self.assertIn("### demo: fail", text)

    def test_results_that_cannot_be_written_are_found_before_the_job(self):
        code, _, err = self.cli("run", self.write_job(), "--junit", "no/such/dir.xml")
        self.assertEqual(code, 2)
        self.assertIn("no/such/dir.xml cannot be written", err)
        self.assertFalse(self.api.asked("POST", "/api/v1/jobs"))

    def test_a_result_that_cannot_be_written_is_said_and_no_success(self):
        self.api.on_submit = ends("pass", 0)
        with open("/dev/full", "w", encoding="ascii") as full:
            child = subprocess.run([PROGRAM, "run", self.write_job()], stdout=full, text=True,
                                   stderr=subprocess.PIPE, env=self.env, cwd=self.dir, check=False)
        self.assertEqual(child.returncode, 1)
        self.assertIn("cannot be written to stdout: No space left on device", child.stderr)
        code, _, err = self.cli("run", self.write_job(), "--json", "/dev/full")
        self.assertEqual(code, 1)
        self.assertIn("/dev/full cannot be written: No space left on device", err)

    def test_all_runs_of_a_large_job(self):
        self.api.runs_in_job = 3
        self.api.on_submit = ends("pass", 0, runs=[run_json(i) for i in range(1, 121)])
        _, out, _ = self.cli("run", self.write_job())
        self.assertEqual(re.findall(r"^r(\d+) +local", out, re.M), [str(i) for i in range(1, 121)])

    def test_hostile_names_stay_names(self):
        name = "evil\x1b[2J\x07<script>&\"'|`@team\u202e]]>"
        run = run_json(verdict="fail", variant=name,
                       device={"id": "d1", "name": name, "model": name, "virtual": True}, cause=name)
        run["result"]["gates"][0]["text"] = name
        run["result"]["gates"][0]["more"] = name
        self.api.on_submit = ends("fail", 10, runs=[run])
        code, out, err = self.cli("run", self.write_job(), "--junit", "o.xml", "--markdown", "o.md")
        self.assertEqual(code, 10)
        self.assertNotRegex(out + err + self.read("o.xml") + self.read("o.md"), "[\x00-\x08\x0b-\x1f]")
        root = ElementTree.parse(self.path("o.xml")).getroot()
        self.assertIn("<script>&\"'|`@team", root.find("testsuite").get("name"))
        markdown = self.read("o.md")
        self.assertIn(r"\<script\>&amp;\"'\|\`&#64;team".replace(r'\"', '"'), markdown)
        self.assertNotIn("@team", markdown)
        self.assertIn("(virtual)", out)


class Refused(CliTest):
    def refused(self, code, says, *args):
        got, out, err = self.cli("run", *args)
        self.assertEqual(got, code, err)
        self.assertRegex(err, says)
        self.assertEqual(out, "")
        self.assertEqual(self.api.jobs, {})

    def test_no_token_is_exit_3(self):
        os.remove(self.path("data/admin.token"))
        self.refused(3, "the token is not known.*FRAMEFARM_TOKEN", self.write_job())
        self.write("wrong", "nonsense")
        self.refused(3, "the token is not known", self.write_job(), "--token-file", "wrong")
        self.env["FRAMEFARM_TOKEN"] = "x\ny"
        self.refused(2, "a character that no token has", self.write_job())

    def test_no_daemon_is_exit_4(self):
        self.api.stop()
        self.refused(4, "cannot be reached", self.write_job(), "--retry", "0")
        self.refused(4, "cannot be reached: .*; trying again for 300ms\n", self.write_job(),
                     "--retry", "300ms")
        self.api.start()

    def test_a_bad_job_is_exit_2_with_its_line(self):
        self.write("bad.json", '{\n "schema": "framefarm.job/1",\n "nmae": "x"\n}\n')
        self.refused(2, "bad.json: line 3: .*\"nmae\"", "bad.json")
        self.write("bad.json", '{"schema": ')
        self.refused(2, "line 1", "bad.json")
        self.refused(2, "nowhere.json cannot be read", "nowhere.json")
        self.write("deep.json", "[" * 100000)
        self.refused(2, "nested deeper", "deep.json")
        self.write("large.json", " " * (1024 * 1024 + 1))
        self.refused(2, "more than 1048576 bytes", "large.json")

    def test_a_bad_file_is_exit_2_with_its_line(self):
        job = self.write_job()
        os.remove(self.path("int8.onnx"))
        self.refused(2, r"job.json:\d+: .*int8.onnx cannot be read: No such file", job)
        os.mkdir(self.path("int8.onnx"))
        self.refused(2, "int8.onnx is no regular file", job)
        os.rmdir(self.path("int8.onnx"))
        self.write("int8.onnx", "")
        self.refused(2, "int8.onnx is empty", job)
        os.truncate(self.path("int8.onnx"), 3 << 30)  # sparse
        self.refused(2, "int8.onnx has 3.0 GiB; at most 2.0 GiB", job)

    def test_what_the_daemon_refuses_is_said(self):
        self.api.refuse = [("POST", "/api/v1/jobs", 400, {"detail": "line 7: no such runner"})]
        self.refused(2, "line 7: no such runner", self.write_job())
        self.api.refuse = [("PUT", "/api/v1/files", 413, {"detail": "too large a file"})]
        self.refused(2, "upload of .*: too large a file", self.write_job())
        self.api.refuse = [("PUT", "/api/v1/files", 507, {"detail": "the quota is full"})]
        self.refused(20, "the quota is full", self.write_job())
        self.api.refuse = [("POST", "/api/v1/jobs", 403, {"detail": "viewers submit nothing"})]
        self.refused(3, "viewers submit nothing", self.write_job())

    def test_bad_labels_and_keys(self):
        self.refused(2, "is not key=value", self.write_job(), "--label", "nonsense")
        self.refused(2, "as it would be submitted", self.write_job(), "--label", "a=" + "x" * 300)
        self.refused(2, "idempotency-key", self.write_job(), "--idempotency-key", "a b")

    def test_a_daemon_that_never_has_the_files(self):
        self.api.files = {}
        missing = [("POST", "/api/v1/jobs", 409, {"detail": "?", "missing": ["0" * 64]})]
        self.api.refuse = list(missing)
        self.refused(2, "lacks the file with SHA-256 0000", self.write_job())


if __name__ == "__main__":
    unittest.main()
