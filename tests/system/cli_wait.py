#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Waiting for a job: progress, restarts of the daemon, timeouts and signals."""

import os
import pty
import signal
import ssl
import subprocess
import unittest

from fflib.fakeapi import PROGRAM, TOKEN, CliTest, FakeApi


class Following(CliTest):
    def follow(self, *args):
        """`framefarm run`, when its stream of events is open: (child, job)."""
        child = self.start("run", self.write_job(), *args)
        self.api.until_streaming()
        return child, self.api.jobs["j1"]

    def test_steps_and_progress_are_shown(self):
        child, job = self.follow()
        self.api.event(job, "run", "r1", "staging")
        self.api.event(job, "run", "r1", "queued", "the agent was lost")
        self.api.progress(job, phase="paced", permille=431, iterations=812, over_budget=3,
                          hottest_mc=41234)
        self.api.progress(job, phase="paced", permille=440, iterations=830, over_budget=3,
                          hottest_mc=None)
        self.api.end(job)
        code, _, err = self.wait(child)
        self.assertEqual(code, 0, err)
        self.assertIn("r1: staging\n", err)
        self.assertIn("r1: queued (the agent was lost)\n", err)
        self.assertIn(": paced 43 %, 812 iterations, 3 over budget, 41.2 C\n", err)
        self.assertNotIn("830", err)  # the same phase, a moment later

    def test_a_terminal_gets_one_line_that_changes(self):
        self.write_job()
        main, terminal = pty.openpty()
        self.addCleanup(os.close, main)
        self.env["TERM"] = "xterm"
        pid = os.fork()
        if pid == 0:
            os.chdir(self.dir)
            for fd in (0, 1, 2):
                os.dup2(terminal, fd)
            os.execve(PROGRAM, [PROGRAM, "run", "job.json"], self.env)
        os.close(terminal)
        self.api.until_streaming()
        job = self.api.jobs["j1"]
        for permille in (100, 200):
            self.api.progress(job, phase="paced", permille=permille, iterations=permille)
        self.api.end(job, "fail", 10)
        text = b""
        while True:
            try:
                piece = os.read(main, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not piece:
                break
            text += piece
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 10)
        self.assertIn(b"\r\x1b[K", text)
        self.assertIn(b"paced 20 %", text)
        self.assertIn(b"\x1b[31mfail\x1b[0m", text)

    def test_an_end_between_reading_and_streaming_is_not_missed(self):
        # The end is in the store before the stream is opened: it is replayed.
        self.api.on_submit = lambda api, job: api.event(job, "job", job.id, "completed")
        child = self.start("run", self.write_job())
        self.api.until(lambda: len(self.api.asked("GET", "/api/v1/jobs/j1/events")) >= 1)
        self.api.end(self.api.jobs["j1"], tell=False)
        self.assertEqual(self.wait(child)[0], 0)

    def test_without_a_stream_the_daemon_is_asked_to_wait(self):
        self.api.no_stream = True
        child = self.start("run", self.write_job())
        self.api.until(lambda: self.api.asked("GET", "/api/v1/jobs/j1?wait="))
        self.api.end(self.api.jobs["j1"], "fail", 10)
        self.assertEqual(self.wait(child)[0], 10)

    def test_a_restart_of_the_daemon_is_survived(self):
        child, job = self.follow()
        self.api.event(job, "run", "r1", "running")
        self.wait_for_text("r1: running")  # what was sent has arrived before the daemon goes
        before = self.api
        before.stop()
        self.api = FakeApi(before.port)  # nobody listens here until start()
        self.api.jobs, self.api.event_id = before.jobs, before.event_id
        self.api.start()
        self.api.until_streaming()
        self.api.end(job, "fail", 10)
        code, out, err = self.wait(child)
        self.assertEqual(code, 10, err)
        self.assertIn("700 of 1800", out)
        resumed = self.api.asked("GET", "/api/v1/jobs/j1/events")[0][2]
        self.assertEqual(resumed["Last-Event-ID"], "1")
        self.assertEqual(err.count("r1: running"), 1)

    def test_events_that_are_gone_are_made_up_for_by_reading_the_job(self):
        """The end itself was deleted: the gap in its place makes the client look."""
        child, job = self.follow()
        self.api.end(job, "fail", 10, tell=False)
        with self.api.lock:
            for stream in self.api.streams:
                stream.put('id: 40\nevent: gap\ndata: {"after": 1, "from": 41, "reason": "deleted"}\n\n')
        code, out, err = self.wait(child)
        self.assertEqual(code, 10, err)
        self.assertIn("700 of 1800", out)

    def test_behind_a_gap_the_stream_goes_on_from_there(self):
        child, job = self.follow()
        with self.api.lock:
            self.api.event_id = 40
            for stream in list(self.api.streams):
                stream.put('id: 40\nevent: gap\ndata: {"after": 1, "from": 41, "reason": "deleted"}\n\n')
                stream.put(None)
        self.api.until(lambda: len(self.api.asked("GET", "/api/v1/jobs/j1/events")) == 2)
        self.assertEqual(self.api.asked("GET", "/api/v1/jobs/j1/events")[1][2]["Last-Event-ID"], "40")
        self.api.until_streaming()
        self.api.end(job)
        self.assertEqual(self.wait(child)[0], 0)

    def test_a_daemon_that_is_away_for_longer_is_waited_for(self):
        child, job = self.follow()
        self.api.stop()
        self.wait_for_text("the job goes on, waiting for the daemon")
        self.api.start()
        self.api.until_streaming()
        self.api.end(job)
        code, _, err = self.wait(child)
        self.assertEqual(code, 0, err)
        self.assertIn("the daemon is back", err)

    def wait_for_text(self, text):
        """Until the program has said it; it writes to a file, which has no event to wait for."""
        with self.api.lock:
            for _ in range(3000):
                if text in self.read("stderr"):
                    return
                self.api.lock.wait(0.01)
        self.fail(f"{text!r} did not come: {self.read('stderr')!r}")

    def test_garbage_in_the_stream_is_passed_over(self):
        child, job = self.follow()
        with self.api.lock:
            for text in ("data: not json\n\n", "event: run\ndata: [1]\n\n", "x" * 100000 + "\n",
                         ": comment\n\n", "id\ndata\n\n", "event: run\r\ndata: {}\r\n\r\n"):
                next(iter(self.api.streams)).put(text)
        self.api.end(job)
        self.assertEqual(self.wait(child)[0], 0)


class GivingUp(CliTest):
    def follow(self, *args):
        self.api.streams.clear()  # a client that left is seen by the next write only
        child = self.start("run", self.write_job(), *args)
        self.api.until_streaming()
        return child

    def test_a_signal_leaves_the_job_alone(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                child = self.follow()
                child.send_signal(number)
                code, out, err = self.wait(child)
                self.assertEqual((code, out), (16, ""))
                self.assertRegex(err, r"(j\d) goes on. To wait for it: framefarm job wait \1\.")
                self.assertFalse(self.api.asked("POST", "/api/v1/jobs/j"))

    def test_cancel_on_exit_cancels(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number):
                child = self.follow("--cancel-on-exit")
                child.send_signal(number)
                code, _, err = self.wait(child)
                self.assertEqual(code, 19, err)
                cancels = self.api.asked("POST", "/api/v1/jobs/")
                self.assertIn(b"interrupted", cancels[-1][3])

    def test_wait_timeout_is_exit_16(self):
        child = self.start("run", self.write_job(), "--wait-timeout", "300ms")
        code, out, err = self.wait(child)
        self.assertEqual((code, out), (16, ""), err)
        self.assertIn("j1 goes on", err)
        self.assertEqual(self.api.jobs["j1"].doc["state"], "queued")

    def test_no_result_is_no_file_rather_than_an_empty_one(self):
        self.write("old.xml", "<testsuites/>")  # of another job
        code, _, _ = self.cli("run", self.write_job(), "--wait-timeout", "300ms", "--json", "r.json",
                              "--junit", "old.xml", "--markdown", "/dev/null")
        self.assertEqual(code, 16)
        self.assertFalse(os.path.exists(self.path("r.json")))
        self.assertFalse(os.path.exists(self.path("old.xml")))
        self.assertTrue(os.path.exists("/dev/null"))

    def test_wait_timeout_with_cancel_on_exit_is_exit_19(self):
        code, _, err = self.cli("run", self.write_job(), "--wait-timeout", "200ms",
                                "--cancel-on-exit")
        self.assertEqual(code, 19, err)
        self.assertEqual(self.api.jobs["j1"].doc["state"], "cancelled")

    def test_a_daemon_that_stays_away_ends_the_wait(self):
        child = self.follow("--wait-timeout", "1500ms")
        self.api.stop()
        code, _, err = self.wait(child)
        self.assertEqual(code, 16, err)
        self.api.start()


class Waiting(CliTest):
    def submit(self):
        code, out, err = self.cli("run", self.write_job(), "--async")
        self.assertEqual(code, 0, err)
        return self.api.jobs[out.strip()]

    def test_job_wait_ends_as_run_does(self):
        job = self.submit()
        child = self.start("job", "wait", job.id, "--json", "out.json")
        self.api.until_streaming()
        self.api.end(job, "fail", 10)
        code, out, err = self.wait(child)
        self.assertEqual(code, 10, err)
        self.assertIn("700 of 1800", out)
        self.assertIn('"exit_code":\t10', self.read("out.json"))

    def test_a_job_that_has_ended_needs_no_waiting(self):
        job = self.submit()
        self.api.end(job, "pass", 0)
        self.assertEqual(self.cli("job", "wait", job.id)[0], 0)
        self.assertFalse(self.api.asked("GET", "/api/v1/jobs/j1/events"))

    def test_no_such_job(self):
        code, _, err = self.cli("job", "wait", "j99")
        self.assertEqual(code, 1)
        self.assertIn("there is no job j99", err)

    def test_the_admin_token_stays_on_this_host(self):
        # 127.0.0.1 under a name that is not known to be this host.
        self.env["FRAMEFARM_URL"] = f"http://0.0.0.0:{self.api.port}"
        code, _, _ = self.cli("job", "list", "--retry", "0")
        self.assertEqual(code, 3)
        self.assertNotIn(TOKEN, str(self.api.requests))

    def test_a_certificate_that_nobody_vouches_for_is_refused(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", self.path("key.pem"), "-out", self.path("cert.pem")],
                       check=True, capture_output=True)
        self.api.stop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("cert.pem"), self.path("key.pem"))
        self.api = FakeApi(tls=context).start()
        self.env["FRAMEFARM_URL"] = f"https://localhost:{self.api.port}"
        code, _, err = self.cli("job", "list")
        self.assertEqual(code, 3)
        self.assertIn("is not trusted", err)
        self.assertEqual(self.api.requests, [])
        code, _, err = self.cli("job", "list", "--ca-file", "cert.pem")
        self.assertEqual(code, 0, err)

    def test_the_url_file_of_a_local_daemon_is_read(self):
        del self.env["FRAMEFARM_URL"]
        self.write("data/url", self.api.url + "\n")
        self.assertEqual(self.cli("job", "list")[0], 0)


if __name__ == "__main__":
    unittest.main()
