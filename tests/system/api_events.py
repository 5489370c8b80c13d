#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live events through the daemon's ends: whoever comes back with its last id has, when all is over, exactly the
events that the store has; and what cannot be told any more is a gap."""

import os
import signal
import sqlite3
import unittest

from fflib.daemon import PASS, DaemonTest, mlp_job, wait_for
from fflib.rawhttp import Watcher


class Events(DaemonTest):
    def stored(self, d):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(d.data, "control.db"), uri=True)
        try:
            return [row[0] for row in db.execute("SELECT id FROM events ORDER BY id")]
        finally:
            db.close()

    def watch(self, d, **how):
        w = Watcher(d, **how)
        self.addCleanup(w.stop)
        w.start()
        return w

    def again(self, d):
        """The same daemon at the same address."""
        at = d.options.index("--listen") + 1
        d.options[at] = d.url.split("//")[1]
        d.start()

    def test_a_client_that_comes_back_has_every_event_once(self):
        d = self.daemon()
        everything, job = self.watch(d), None
        for sig in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            r = self.cli("run", self.job_file(mlp_job(measure={"min_ms": 1000, "min_runs": 1000})), "--async",
                         check=PASS)
            job = r.stdout.strip()
            self.wait_state(d, job, ("running",))
            self.assertEqual(d.kill(sig), 0 if sig == signal.SIGTERM else -sig)
            self.again(d)
        one = self.watch(d, path="/api/v1/jobs/%s/events" % job)
        wait_for(lambda: all(j["state"] == "completed" for j in d.get("/api/v1/jobs")["jobs"]), "the jobs to end")
        wait_for(lambda: d.get("/api/v1/devices/d1")["state"] == "ready", "the device to be ready")
        wait_for(lambda: everything.ids() == self.stored(d), "the last event")
        self.assertGreaterEqual(everything.opened, 4)
        self.assertNotIn("gap", {name for _, name, _ in everything.events})
        wait_for(lambda: one.ids() == [number for number, _, data in everything.events
                                       if number is not None and data["job"] == job], "the job's last")
        self.assertGreater(len(one.ids()), 5)

    def test_what_was_deleted_or_never_given_is_a_gap(self):
        d = self.daemon()
        self.cli("run", self.job_file(mlp_job()), check=PASS)
        wait_for(lambda: d.get("/api/v1/devices/d1")["state"] == "ready", "the device to be ready")
        d.stop()
        db = sqlite3.connect(os.path.join(d.data, "control.db"))
        db.execute("DELETE FROM events WHERE id <= 6")
        db.commit()
        db.close()
        self.again(d)
        for last, reason, begins in (("3", "deleted", 7), ("99999", "unknown", None)):
            w = self.watch(d, last=last)
            wait_for(lambda w=w: w.events, "the gap")
            number, name, data = w.events[0]
            self.assertEqual((name, data["after"], data["reason"]), ("gap", int(last), reason))
            self.assertEqual(data["from"], number + 1)
            if begins:
                self.assertEqual(data["from"], begins)
                wait_for(lambda w=w, begins=begins: w.ids()[1:] == [i for i in self.stored(d) if i >= begins],
                         "what follows")


if __name__ == "__main__":
    unittest.main()
