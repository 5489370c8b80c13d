#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that come back, with what a farm had told them, to the same farm restored from an older backup: each
is told that its place is not there any more. Nothing of the new farm is taken for what went on from there."""

import os
import signal
import unittest

from fflib.daemon import PASS, DaemonTest, mlp_job, wait_for
from fflib.rawhttp import Watcher


class Restored(DaemonTest):
    def run_job(self, **more):
        return self.cli("run", self.job_file(mlp_job(**more)), "--async", check=PASS).stdout.strip()

    def ended(self, d, job):
        wait_for(lambda: d.get("/api/v1/jobs/" + job)["state"] == "completed", job + " to end")
        wait_for(lambda: d.get("/api/v1/devices/d1")["state"] == "ready", "the device")
        return job

    def watch(self, d, last, path="/api/v1/events"):
        w = Watcher(d, path=path, last=str(last))
        self.addCleanup(w.stop)
        w.start()
        return w

    def follow(self, d):
        """The id of the newest event."""
        w = self.watch(d, 0)
        wait_for(lambda: w.ids() and w.events[-1][2].get("to") == "ready", "the device's last event")
        return w.ids()[-1]

    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.kept = self.ended(self.d, self.run_job())
        self.known = self.follow(self.d)
        self.backup = os.path.join(self.dir, "backup")
        self.cli("backup", self.backup, check=PASS)

    def restore(self):
        self.d.kill(signal.SIGKILL)
        self.cli("restore", self.backup, "--data", self.data, "--replace", check=PASS)
        self.d = self.daemon()

    def gap(self, w):
        wait_for(lambda: w.events, "the gap")
        number, name, data = w.events[0]
        self.assertEqual((name, data["reason"], data["from"]), ("gap", "unknown", number + 1))
        return data

    def test_events_that_were_lost_are_a_gap(self):
        self.ended(self.d, self.run_job())
        last = self.follow(self.d)
        self.restore()
        everything = self.watch(self.d, 0)
        wait_for(lambda: everything.ids() and everything.ids()[-1] > last, "an event of the new farm")
        mine, of_job = self.watch(self.d, last), self.watch(self.d, last, "/api/v1/jobs/%s/events" % self.kept)
        data = self.gap(mine)
        self.assertEqual(data["after"], last)
        self.assertGreater(data["from"], last)
        self.assertEqual(self.gap(of_job)["from"], data["from"])
        # What follows is all that the new farm did, and no gap more.
        new = self.ended(self.d, self.run_job())
        wait_for(lambda: mine.events[-1][2].get("to") == "ready" and
                 any(e.get("subject") == new and e["to"] == "completed" for _, _, e in mine.events), "the new job")
        self.assertEqual(mine.ids()[1], data["from"])
        self.assertEqual(mine.ids()[1:], list(range(data["from"], mine.ids()[-1] + 1)))
        self.assertEqual([name for _, name, _ in mine.events].count("gap"), 1)
        # An id of no farm at all is told so, too.
        self.gap(self.watch(self.d, "another's"))

    def page(self, path, cursor=None):
        return self.d.http("GET", path + ("&cursor=" + cursor if cursor else ""))

    def test_places_that_were_lost_are_refused(self):
        lost = [self.ended(self.d, self.run_job()) for _ in range(2)]
        lists = ("/api/v1/jobs?limit=1", "/api/v1/runs?limit=1")
        cursors = {path: self.page(path).json["next"] for path in lists}
        text = self.d.http("GET", "/api/v1/jobs/%s/logs" % self.kept)
        self.restore()
        for path, cursor in cursors.items():
            a = self.page(path, cursor)
            self.assertEqual((a.status, "restored" in a.json["detail"]), (400, True), a.body)
            self.assertEqual(self.page(path).json["next"], None)
        for path in ("", "?wait=60s", "/events", "/logs"):
            a = self.d.http("GET", "/api/v1/jobs/%s%s" % (lost[0], path))
            self.assertEqual((a.status, "restored" in a.json["detail"]), (404, True), a.body)
        end = int(text.headers["X-Next-Offset"])
        logs = "/api/v1/jobs/%s/logs?offset=%d"
        self.assertEqual(self.d.http("GET", logs % (self.kept, end)).body, b"")
        a = self.d.http("GET", logs % (self.kept, end + 1))
        self.assertEqual((a.status, "restored" in a.json["detail"]), (400, True), a.body)
        # Pages that had begun with what is there still go on.
        self.ended(self.d, self.run_job())
        path = lists[0]
        self.assertEqual(self.page(path, self.page(path).json["next"]).json["jobs"][0]["id"], self.kept)


if __name__ == "__main__":
    unittest.main()
