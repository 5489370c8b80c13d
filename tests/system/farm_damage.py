#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A disk that gives back what was never written, under a daemon at work: who reads it is told, the others go
on; who writes into it ends with a last word; and the daemon looks by itself."""

import json
import os
import re
import signal
import sqlite3
import struct
import unittest

from fflib import daemon as ff
from fflib.agentbox import PATIENCE, wait_for
from fflib.daemon import DaemonTest, mlp_job


def leaves(path, table):
    """Page size, and the numbers of the pages that hold the table's rows, in their order."""
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    try:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()[0]
    finally:
        db.close()
    with open(path, "rb") as f:
        whole = f.read()

    def below(n):
        page = whole[(n - 1) * size:n * size]
        if page[0] == 0x0d:     # a leaf of a table
            return [n]
        cells = struct.unpack(">H", page[3:5])[0]
        offsets = struct.unpack(">%dH" % cells, page[12:12 + 2 * cells])
        children = [struct.unpack(">I", page[o:o + 4])[0] for o in offsets] + list(struct.unpack(">I", page[8:12]))
        return [leaf for child in children for leaf in below(child)]
    return size, below(root)


class Damage(DaemonTest):
    def run_job(self):
        r = self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS)
        return json.loads(r.stdout)["runs"][0]["id"]

    def farm(self, jobs, *options):
        """A daemon that has begun with the jobs' samples in its file and none in its log."""
        d = self.daemon()
        runs = [self.run_job() for _ in range(jobs)]
        d.stop()
        return self.daemon(*options), runs

    def spoil(self, first, last):
        """Pages of the rows of chunks, from that part of them on to that one."""
        path = os.path.join(self.data, "samples.db")
        size, pages = leaves(path, "chunks")
        self.assertGreater(len(pages), 2)
        with open(path, "r+b") as f:
            for n in pages[int(first * len(pages)):int(last * len(pages))]:
                f.seek((n - 1) * size)
                f.write(b"\xa5" * size)

    def samples(self, d, run):
        return d.http("GET", "/api/v1/runs/%s/samples?stream=paced" % run)

    def metric(self, d, name):
        text = d.http("GET", "/metrics").body.decode()
        return float(re.search(r"^framefarm_%s (\S+)$" % name, text, re.M).group(1))

    def test_who_reads_it_is_told_and_the_others_go_on(self):
        d, runs = self.farm(3, "--check-every", "0")
        self.spoil(0, 0.5)     # all of the first run's, nothing of the last one's
        bad = self.samples(d, runs[0])
        self.assertEqual(bad.status, 500)
        self.assertEqual(self.samples(d, runs[2]).status, 200)
        self.assertIn("restore a backup", bad.json["detail"])
        self.samples(d, runs[0])
        self.assertEqual(d.log_text().count("event=store_damaged"), 1)
        self.assertEqual(self.metric(d, "store_damaged"), 1)
        r = self.cli("doctor")
        self.assertIn("a file of the store is damaged", r.stdout)
        self.assertIn("framefarm restore", r.stdout)
        self.assertEqual({r["verdict"] for r in d.get("/api/v1/runs")["runs"]}, {"pass"})
        self.assertEqual(d.get("/api/v1/runs/" + runs[2])["result"]["verdict"], "pass")
        self.assertEqual(self.samples(d, self.run_job()).status, 200)

    def test_who_writes_into_it_ends_with_a_last_word(self):
        d, _ = self.farm(1, "--check-every", "0")
        self.spoil(0.5, 1)
        db = sqlite3.connect(os.path.join(self.data, "samples.db"))     # what was read before is read anew
        db.execute("INSERT INTO meta VALUES ('somebody', 'else')")
        db.commit()
        db.close()
        self.cli("run", self.job_file(mlp_job()), "--async", check=0)
        self.assertEqual(d.process.wait(PATIENCE), -signal.SIGABRT)
        self.assertIn("event=store_broken", d.log_text())
        self.assertIn("samples.db", d.log_text())
        self.assertIn("restore a backup", d.log_text())
        self.assertIn("event=fatal", d.log_text())
        with self.assertRaises(AssertionError) as refused:
            self.daemon()
        self.assertIn("the file is damaged: stop framefarm", str(refused.exception))

    def test_the_daemon_looks_by_itself(self):
        d, _ = self.farm(1, "--check-every", "1s")
        wait_for(lambda: self.metric(d, "store_check_seconds"), "the store to be read through")
        self.assertGreater(self.metric(d, "store_check_rows"), 10)
        self.assertIn("event=store_checked", d.log_text())
        self.assertIn("the store was read through and found whole at", self.cli("doctor").stdout)
        whole = self.metric(d, "store_check_seconds")
        wait_for(lambda: self.metric(d, "store_check_seconds") > whole, "it to be read once more")
        self.spoil(0.4, 0.7)
        wait_for(lambda: self.metric(d, "store_check_failed"), "the damage to be found")
        self.assertIn("event=store_check_failed", d.log_text())
        r = self.cli("doctor")
        self.assertIn("a file of the store is damaged", r.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
