#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From a job file to a verdict, a stored row and an exit code, with the real daemon, agent, runner and
runtime."""

import json
import os
import signal
import subprocess
import unittest

from fflib import daemon as ff
from fflib.daemon import DaemonTest, mlp_job


class Slice(DaemonTest):
    def test_a_job_becomes_a_verdict_that_outlives_the_daemon(self):
        d = self.daemon()
        r = self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS)
        job = json.loads(r.stdout)
        self.assertEqual((job["state"], job["verdict"], job["exit_code"]),
                         ("completed", "pass", 0))
        run = d.get("/api/v1/runs/" + job["runs"][0]["id"])
        gates = {g["name"]: g for g in run["result"]["gates"]}
        self.assertEqual(gates["budget"]["verdict"], "pass")
        self.assertGreaterEqual(gates["budget"]["n"], 320)
        self.assertIn("n=%d" % gates["budget"]["n"], gates["budget"]["text"])
        self.assertGreater(run["result"]["metrics"]["load_cold_ns"], 0)
        self.assertGreater(run["result"]["metrics"]["first_ns"], 0)
        self.assertEqual(run["result"]["provider"]["requested"], "cpu")
        d.stop()
        d = self.daemon()
        again = d.get("/api/v1/jobs/" + job["id"])
        self.assertEqual((again["verdict"], again["exit_code"]), ("pass", 0))
        self.assertEqual(d.get("/api/v1/runs/" + job["runs"][0]["id"])["result"], run["result"])

    def test_a_model_over_its_budget_fails_with_the_budget_s_exit_code(self):
        self.daemon()
        r = self.cli("run", self.job_file(mlp_job(budget={"ms": 0.001})), check=ff.BUDGET)
        self.assertIn("FAIL because", r.stdout)

    def test_every_value_is_there_once(self):
        d = self.daemon()
        r = self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS)
        run = json.loads(r.stdout)["runs"][0]["id"]
        csv = d.http("GET", "/api/v1/runs/%s/samples?stream=paced" % run).body.decode()
        times = [line.split(",")[0] for line in csv.splitlines()[1:]]
        n = d.get("/api/v1/runs/" + run)["result"]["metrics"]["paced"]["n"]
        self.assertEqual(len(times), n)
        self.assertEqual(len(set(times)), n)

    def test_variants_and_golden_outputs(self):
        self.daemon()
        golden = os.path.join(ff.MODELS, "golden", "mobilenet_v1_025")
        case = {"inputs": {"input": os.path.join(golden, "input_0.pb")},
                "outputs": {"probs": os.path.join(golden, "fp32_0.pb")}}
        wrong = {"inputs": {"input": os.path.join(golden, "input_1.pb")},
                 "outputs": {"probs": os.path.join(golden, "fp32_0.pb")}}
        job = mlp_job(
            model={"name": "mobilenet", "variants": [
                {"name": "right", "file": os.path.join(ff.MODELS, "mobilenet_v1_025_fp32.onnx"),
                 "golden": {"cosine": 0.999, "cases": [case]}},
                {"name": "wrong", "file": os.path.join(ff.MODELS, "mobilenet_v1_025_fp32.onnx"),
                 "golden": {"cosine": 0.999, "cases": [wrong]}}]},
            inputs=[{"name": "input", "file": os.path.join(golden, "input_0.pb")}],
            measure={"pace_hz": 200, "min_ms": 100, "min_runs": 310})
        r = self.cli("run", self.job_file(job), "--json", "-", check=ff.GOLDEN)
        right, wrong = json.loads(r.stdout)["runs"]
        self.assertEqual((right["verdict"], wrong["verdict"]), ("pass", "fail"))
        gates = {g["name"]: g for g in wrong["result"]["gates"]}
        self.assertEqual(gates["golden"]["verdict"], "fail")
        self.assertNotIn("paced", wrong["result"]["metrics"])  # wrong outputs void the speed

    def test_a_file_is_uploaded_once(self):
        self.daemon()
        first = self.cli("run", self.job_file(mlp_job()), check=ff.PASS)
        second = self.cli("run", self.job_file(mlp_job()), check=ff.PASS)
        self.assertIn("uploaded mlp_16_32_10.onnx", first.stderr)
        self.assertNotIn("uploaded", second.stderr)

    def test_the_same_idempotency_key_is_the_same_job(self):
        self.daemon()
        one = self.cli("run", self.job_file(mlp_job()), "--async", "--idempotency-key", "k1",
                       check=0)
        two = self.cli("run", self.job_file(mlp_job()), "--async", "--idempotency-key", "k1",
                       check=0)
        self.assertEqual(one.stdout.strip(), two.stdout.strip())
        self.cli("job", "wait", one.stdout.strip(), check=ff.PASS)

    def test_no_device_can_ever_match(self):
        self.daemon("--match-time", "100ms")
        r = self.cli("run", self.job_file(mlp_job(devices={"select": {"model": "no such phone"}})),
                     check=ff.UNSATISFIABLE)
        self.assertIn("no device", r.stdout)

    def test_a_running_job_is_cancelled(self):
        d = self.daemon()
        job = mlp_job(measure={"min_ms": 60000, "max_ms": 60000, "max_runs": 200000})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.strip()
        self.wait_phase(d, j, "paced")
        self.cli("job", "cancel", j, check=0)
        self.cli("job", "wait", j, check=ff.CANCELLED)
        # the device is free for the next one
        self.cli("run", self.job_file(mlp_job()), check=ff.PASS)


class Life(DaemonTest):
    def test_a_second_daemon_on_the_same_directory_is_refused(self):
        d = self.daemon()
        r = self.cli("serve", "--data", self.data, "--listen", "127.0.0.1:0")
        self.assertEqual(r.returncode, 1)
        self.assertIn(str(d.process.pid), r.stderr)

    def test_a_port_in_use_is_named(self):
        d = self.daemon()
        port = d.url.rsplit(":", 1)[1]
        r = self.cli("serve", "--data", self.data + "2", "--listen", "127.0.0.1:" + port)
        self.assertEqual(r.returncode, 1)
        self.assertIn(port, r.stderr)

    def test_check_says_whether_the_configuration_is_good(self):
        conf = self.job_file("listen = 127.0.0.1:0\nlog-level = warn\n", "good.conf")
        self.cli("serve", "--config", conf, "-n", "--data", self.data, check=0)
        conf = self.job_file("listen = 127.0.0.1:0\nlisten-on = all\n", "bad.conf")
        r = self.cli("serve", "--config", conf, "-n", check=ff.USAGE)
        self.assertIn("bad.conf:2:", r.stderr)
        self.assertIn("listen-on", r.stderr)

    def test_check_refuses_what_a_start_would_and_makes_nothing(self):
        cert = self.job_file("no certificate", "cert.pem")
        file = self.job_file("a file", "file")
        for code, word, *options in (
                (ff.USAGE, "HOST:PORT", "--listen", "bogus"),
                (ff.USAGE, "HOST:PORT", "--listen", "127.0.0.1:99999"),
                (ff.PERMISSION, "allow", "--listen", "0.0.0.0:0"),
                (ff.USAGE, "PEM", "--tls-cert", cert, "--tls-key", cert),
                (ff.USAGE, "farm.example/x", "--public-url", "https://farm.example/x"),
                (ff.USAGE, "no directory", "--data", file)):
            for check in ([], ["-n"]):
                r = self.cli("serve", *check, *options)
                self.assertEqual(r.returncode, code, (options, check, r.stdout, r.stderr))
                self.assertIn(word, r.stderr)
        other = self.data + "2"
        self.cli("serve", "-n", "--data", other, check=0)
        self.assertFalse(os.path.exists(other))

    def test_a_daemon_on_every_address_is_found_by_the_clients_of_its_host(self):
        d = self.daemon("--listen", "0.0.0.0:0", "--allow-insecure")
        self.assertTrue(d.url.startswith("http://127.0.0.1:"), d.url)
        self.cli("device", "list", check=0)

    def test_a_daemon_answers_to_its_public_url_and_writes_links_with_it(self):
        d = self.daemon("--public-url", "https://farm.example/")
        host = {"Host": "farm.example", "Origin": "https://farm.example"}
        a = d.http("POST", "/api/v1/session", json.dumps({"token": d.token}).encode(),
                   dict(host, **{"Content-Type": "application/json"}), token=False)
        self.assertEqual(a.status, 200, a.body)
        self.assertEqual(d.http("GET", "/healthz", headers={"Host": "evil.example"}).status, 421)
        job = self.cli("run", self.job_file(mlp_job()), "--async", check=0).stdout.strip()
        self.assertEqual(d.get("/api/v1/jobs/" + job)["url"], "https://farm.example/?job=" + job)
        self.cli("job", "wait", job, check=ff.PASS)

    def test_another_address_than_loopback_needs_a_word(self):
        for i in range(20):  # drivers have begun by then: their threads must not disturb the end
            r = self.cli("serve", "--data", "%s%d" % (self.data, i), "--listen", "0.0.0.0:0")
            self.assertEqual(r.returncode, ff.PERMISSION)
            self.assertIn("allow", r.stderr)

    def test_sigterm_ends_in_order_and_the_run_goes_on(self):
        d = self.daemon()
        job = mlp_job(measure={"min_ms": 3000, "max_ms": 5000, "min_runs": 1000})
        j = self.cli("run", self.job_file(job), "--async", check=0).stdout.strip()
        self.wait_phase(d, j, "paced")
        agent = d.agent_pid()
        self.assertEqual(d.kill(signal.SIGTERM), 0)
        self.assertTrue(ff.is_alive(agent))
        d = self.daemon()
        self.assertEqual(d.agent_pid(), agent)
        self.cli("job", "wait", j, check=ff.PASS)
        run = d.get("/api/v1/jobs/" + j)["runs"][0]
        self.assertEqual(d.get("/api/v1/runs/" + run["id"])["attempts"].__len__(), 1)

    def test_the_token_file_is_private_and_everything_needs_it(self):
        d = self.daemon()
        mode = os.stat(os.path.join(self.data, "admin.token")).st_mode & 0o777
        self.assertEqual(mode, 0o600)
        self.assertEqual(d.http("GET", "/healthz", token=False).status, 200)
        for path in ("/api/v1/jobs", "/api/v1/devices", "/metrics"):
            self.assertEqual(d.http("GET", path, token=False).status, 401, path)


if __name__ == "__main__":
    unittest.main()
