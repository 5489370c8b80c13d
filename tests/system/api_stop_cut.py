#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGTERM while an answer is half sent or the store answers nobody: a download that was cut can be told from one
that is whole, the daemon ends within its time all the same, and who had no answer asks again with its key."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import unittest

from fflib.agentbox import BUILD, PATIENCE
from fflib.daemon import DaemonTest, mlp_job, wait_for
from fflib.rawhttp import Raw

VALUES = 1000000
BYTES = b"what no device ever reads"
MODEL = hashlib.sha256(BYTES).hexdigest()


def whole(sent):
    """The body of a chunked answer as far as it came, and whether it came to its end."""
    at, body = sent.index(b"\r\n\r\n") + 4, []
    while (end := sent.find(b"\r\n", at)) > 0:
        n = int(sent[at:end], 16)
        if not n:
            return b"".join(body), True
        body.append(sent[end + 2:end + 2 + n])
        at = end + 2 + n + 2
    return b"".join(body), False


class Cut(DaemonTest):
    def raw(self, d, **how):
        c = Raw(d, **how)
        self.addCleanup(c.close)
        return c

    def download(self, d, small):
        c = self.raw(d, small=small).ask("GET", "/api/v1/runs/r1/samples?stream=paced")
        return c.until(b"t_ns,value\n")

    def test_a_download_that_was_cut_looks_cut(self):
        os.mkdir(self.data, 0o700)
        subprocess.run([os.path.join(BUILD, "tests/bench/fill"), self.data, "1", str(VALUES)], check=True,
                       stdout=subprocess.DEVNULL)
        d = self.daemon()
        stuck, read = self.download(d, True), self.download(d, False)
        d.process.send_signal(signal.SIGTERM)
        body, ended = whole(read.rest())     # there was time for it, or not
        self.assertEqual(ended, body.count(b"\n") == VALUES + 1)
        self.assertEqual(d.process.wait(PATIENCE), 0)
        self.assertIn('event=stop_now open="requests"', d.log_text())
        body, ended = whole(stuck.rest())
        self.assertFalse(ended)
        self.assertLess(body.count(b"\n"), VALUES + 1)

    def submit(self, d, **more):
        job = mlp_job(**more)
        job["model"]["variants"][0]["file"] = {"sha256": MODEL, "bytes": len(BYTES), "name": "m.onnx"}
        body = json.dumps(job).encode()
        return self.raw(d).ask("POST", "/api/v1/jobs", "Idempotency-Key: once", "Content-Type: application/json",
                               f"Content-Length: {len(body)}", body=body)

    def locked(self, d):
        """Nothing is stored any more while this is open."""
        db = sqlite3.connect(os.path.join(d.data, "control.db"), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        return db

    def open_submission(self, *options):
        d = self.daemon(*options)
        wait_for(lambda: [one["state"] for one in d.get("/api/v1/devices")["devices"]] == ["ready"], "the device")
        self.assertEqual(d.http("PUT", "/api/v1/files/" + MODEL, BYTES).status, 201)
        lock = self.locked(d)
        self.addCleanup(lock.close)
        c = self.submit(d)
        wait_for(lambda: "\nframefarm_pending_commits 0\n" not in d.http("GET", "/metrics").body.decode(),
                 "the submission to wait for the store")
        d.process.send_signal(signal.SIGTERM)
        wait_for(lambda: "event=stopping" in d.log_text(), "the daemon to be stopping")
        return d, lock, c

    def once(self, d):
        """Asked again with its key, there is one job; the key is no other one's."""
        d.start()
        answer = self.submit(d).answer()
        self.assertEqual(self.submit(d, name="another").answer()[0], 422)
        self.assertEqual(len(d.get("/api/v1/jobs")["jobs"]), 1)
        return answer[0]

    def test_a_store_that_answers_nobody_does_not_keep_the_daemon(self):
        d, lock, c = self.open_submission("--stop-time", "1s")
        status, headers, body = c.answer()
        self.assertEqual((status, headers["connection"].lower()), (503, "close"), body)
        self.assertEqual(json.loads(body)["type"], "urn:framefarm:problem:stopping")
        self.assertEqual(d.process.wait(PATIENCE), 0)
        self.assertIn('event=stop_now open="devices or store"', d.log_text())
        lock.close()
        self.assertEqual(self.once(d), 201)

    def test_a_submission_that_was_open_is_stored_and_answered_or_neither(self):
        d, lock, c = self.open_submission()
        lock.close()
        status, headers, body = c.answer()
        self.assertIn(status, (201, 503), body)
        self.assertEqual(headers["connection"].lower(), "close")
        self.assertEqual(d.process.wait(PATIENCE), 0)
        self.assertNotIn("event=stop_now", d.log_text())
        again = self.once(d)
        if status == 201:
            self.assertEqual(again, 200)


if __name__ == "__main__":
    unittest.main()
