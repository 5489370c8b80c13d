#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a daemon removes while it works, by age and by quota, and what it says of it: pinned jobs keep all,
results stay, the file gives its room back."""

import json
import os
import sqlite3
import unittest

from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import DaemonTest, mlp_job


class Keep(DaemonTest):
    def run_job(self, **more):
        r = self.cli("run", self.job_file(mlp_job(**more)), "--json", "-", check=ff.PASS)
        return json.loads(r.stdout)

    def run_of(self, d, job):
        return d.get("/api/v1/runs/" + job["runs"][0]["id"])

    def series(self, d, job, what="series", query="&buckets=50"):
        return d.http("GET", "/api/v1/runs/%s/%s?stream=paced%s" % (job["runs"][0]["id"], what, query))

    def when(self, d, job, key):
        return {s[key] for s in self.run_of(d, job)["streams"] if s["kind"] == "paced"}.pop()

    def metric(self, d, name):
        for line in d.http("GET", "/metrics").body.decode().splitlines():
            if line.startswith("framefarm_%s " % name):
                return float(line.split()[1])
        raise AssertionError(name)

    def pages(self, path):
        """Bytes of the file, as it is once its log has been written into it."""
        db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
        try:
            n = [db.execute("PRAGMA " + what).fetchone()[0] for what in ("page_count", "page_size", "freelist_count")]
        finally:
            db.close()
        return n[0] * n[1]

    def again(self, d, *options):
        d.stop()
        return self.daemon("--keep-every", "1s", *options)

    def test_what_is_old_goes_in_steps_and_what_is_pinned_stays(self):
        d = self.daemon()
        old, pinned = self.run_job(), self.run_job()
        self.cli("job", "pin", pinned["id"], "--reason", "the baseline", check=0)
        verdict = self.run_of(d, old)["result"]
        values = self.series(d, old, "samples", "").body
        self.assertGreater(values.count(b"\n"), 320)
        kept = self.series(d, pinned, "samples", "").body

        d = self.again(d, "--keep-samples", "1s")   # the values; their rollups stay
        wait_for(lambda: self.when(d, old, "raw_removed_at"), "the values to go")
        self.assertIsNone(self.when(d, old, "rollups_removed_at"))
        a = self.series(d, old, "samples", "")
        self.assertEqual(a.status, 410)
        self.assertEqual(self.series(d, old).status, 200)
        self.assertGreater(self.metric(d, "removed_rows_total"), 0)

        d = self.again(d, "--keep-samples", "1s", "--keep-rollups", "1s", "--keep-events", "1s")
        wait_for(lambda: self.when(d, old, "rollups_removed_at"), "the rollups to go")
        self.assertEqual(self.series(d, old).status, 410)
        self.assertEqual(self.run_of(d, old)["result"], verdict)
        self.assertIsNone(self.when(d, pinned, "raw_removed_at"))
        self.assertEqual(self.series(d, pinned, "samples", "").body, kept)

    def test_the_quota_takes_the_oldest_and_the_file_shrinks(self):
        d = self.daemon()
        long = {"pace_hz": 1000, "min_runs": 3000, "min_ms": 3000}
        jobs = [self.run_job(measure=long) for _ in range(3)]
        self.cli("job", "pin", jobs[1]["id"], "--reason", "the baseline", check=0)
        d.stop()
        path = os.path.join(self.data, "samples.db")
        size = os.path.getsize(path)
        d = self.daemon("--keep-every", "1s", "--samples-max", "1")
        for job in (jobs[0], jobs[2]):
            wait_for(lambda j=job: self.when(d, j, "rollups_removed_at"), "what is not pinned to go")
        wait_for(lambda: self.metric(d, "samples_over_quota") == 1, "the daemon to say that it is not enough")
        self.assertEqual(self.series(d, jobs[1], "samples", "").status, 200)
        for job in jobs:
            self.assertEqual(self.run_of(d, job)["state"], "completed")
        wait_for(lambda: self.pages(path) < 0.8 * size, "the file to shrink")
        r = self.cli("doctor", "--url", d.url)
        self.assertIn("samples.db is over its quota", r.stdout)
        self.assertIn("framefarm job unpin", r.stdout)
        self.cli("job", "unpin", jobs[1]["id"], check=0)
        wait_for(lambda: self.when(d, jobs[1], "raw_removed_at"), "the last to go")
        d.stop()
        self.assertLess(os.path.getsize(path), 0.8 * size)
        self.assertEqual(self.cli("store", "check", check=0).stdout.count("is whole"), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
