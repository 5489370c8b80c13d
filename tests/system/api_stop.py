#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM while requests of every kind are open: each is answered or refused, within a bounded time, and no work
that was accepted is lost."""

import hashlib
import json
import os
import signal
import threading
import unittest

from fflib.agentbox import PATIENCE
from fflib.daemon import PASS, DaemonTest, mlp_job, wait_for
from fflib.rawhttp import Raw

LONG = {"min_ms": 60000, "max_ms": 60000, "min_runs": 60000}


class Stopping(DaemonTest):
    def raw(self, d):
        c = Raw(d)
        self.addCleanup(c.close)
        return c

    def running_job(self, d):
        job = self.cli("run", self.job_file(mlp_job(measure=LONG)), "--async", check=PASS).stdout.strip()
        self.wait_state(d, job, ("running",))
        return job

    def upload(self, d, data, sent):
        """An upload of which so many bytes are sent, when the daemon has begun with it."""
        c = self.raw(d)
        c.send(c.head("PUT", "/api/v1/files/" + hashlib.sha256(data).hexdigest(), "Content-Length: %d" % len(data),
                      "Expect: 100-continue"))
        c.until(b"100 Continue\r\n\r\n")
        c.got = b""
        return c.send(data[:sent])

    def refused(self, answer):
        status, headers, body = answer
        self.assertEqual((status, headers["connection"].lower(), headers["retry-after"]), (503, "close", "2"), body)
        self.assertEqual(json.loads(body)["type"], "urn:framefarm:problem:stopping")

    def test_every_open_request_is_answered_or_refused(self):
        d = self.daemon()
        job = self.running_job(d)
        poll = self.raw(d).ask("GET", f"/api/v1/jobs/{job}?wait=60s")
        events = self.raw(d).ask("GET", "/api/v1/events").until(b"retry: 2000")
        idle = self.raw(d).ask("GET", "/api/v1/session")
        self.assertEqual(idle.answer()[0], 200)
        upload = self.upload(d, b"to its end", 3)
        stuck = self.upload(d, b"and this one never", 5)  # keeps the daemon waiting for a while
        half = self.raw(d).send(b"GET /api/v1/jobs HT")
        reader = Raw(d, small=True)
        self.addCleanup(reader.close)
        reader.push(reader.head("GET", "/openapi.json") * 40)

        d.process.send_signal(signal.SIGTERM)
        status, headers, body = poll.answer()
        self.assertEqual((status, headers["connection"].lower()), (200, "close"))
        self.assertEqual(json.loads(body)["state"], "running")
        self.assertTrue(events.rest().endswith(b"0\r\n\r\n"))   # a stream that ended, not one that broke
        wait_for(idle.is_closed, "the idle connection to be closed")
        wait_for(half.is_closed, "half a request to be closed")
        upload.send(b"its end"[-7:])
        status, headers, body = upload.answer()
        self.assertIn(status, (201, 503), body)
        self.assertEqual(headers["connection"].lower(), "close")
        ready = self.raw(d).ask("GET", "/readyz")
        self.refused(ready.answer())
        self.refused(self.raw(d).ask("GET", "/api/v1/jobs").answer())
        late = json.dumps(mlp_job()).encode()
        self.refused(self.raw(d).ask("POST", "/api/v1/jobs", "Idempotency-Key: late", "Content-Type: application/json",
                                     f"Content-Length: {len(late)}", body=late).answer())
        wait_for(stuck.is_closed, "the upload that stands still to be cut")
        self.assertEqual(d.process.wait(PATIENCE), 0)

        # What was accepted goes on: the job runs still, and the upload is there if it was answered so.
        d.start()
        self.assertEqual(d.get("/api/v1/jobs/" + job)["state"], "running")
        self.assertEqual(len(d.get("/api/v1/jobs")["jobs"]), 1)
        name = "/api/v1/files/" + hashlib.sha256(b"to its end").hexdigest()
        self.assertEqual(d.http("HEAD", name).status, 200 if status == 201 else 404)
        self.cli("job", "cancel", job, check=PASS)

    def test_a_second_signal_ends_at_once_and_loses_nothing(self):
        d = self.daemon()
        stuck = self.upload(d, b"and this one never", 5)
        job = self.cli("run", self.job_file(mlp_job()), "--async", check=PASS).stdout.strip()
        d.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "event=stopping" in d.log_text(), "the daemon to be stopping")
        d.process.send_signal(signal.SIGTERM)
        self.assertEqual(d.process.wait(PATIENCE), 0)
        self.assertIn("event=stop_now", d.log_text())
        self.assertTrue(stuck.is_closed())
        d.start()
        self.cli("job", "wait", job, check=PASS)
        self.assertEqual(os.listdir(os.path.join(d.data, "files/tmp")), [])    # of half an upload

    def test_clients_of_a_daemon_that_stops_wait_for_the_next(self):
        """`framefarm run` through a stop with an open request: the new daemon takes over."""
        d = self.daemon()
        at = d.options.index("--listen") + 1
        d.options[at] = d.url.split("//")[1]
        stuck = self.upload(d, b"and this one never", 5)
        d.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "event=stopping" in d.log_text(), "the daemon to be stopping")
        self.refused(self.raw(d).ask("GET", "/readyz").answer())
        path = self.job_file(mlp_job())
        import threading
        done = []
        cli = threading.Thread(target=lambda: done.append(self.cli("run", path, "--retry", "60s")))
        cli.start()
        stuck.close()
        self.assertEqual(d.process.wait(PATIENCE), 0)
        d.start()
        cli.join(PATIENCE)
        self.assertEqual(done[0].returncode, PASS, done[0].stderr)


if __name__ == "__main__":
    unittest.main()
