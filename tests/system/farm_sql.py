#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`framefarm sql`, and the extension in the stock sqlite3 shell: values as rows, the same as the API's CSV, and
no way to write."""

import csv
import hashlib
import io
import json
import os
import subprocess
import unittest

from fflib import daemon as ff
from fflib.agentbox import BUILD
from fflib.daemon import DaemonTest, mlp_job

EXTENSION = os.path.abspath(os.path.join(BUILD, "framefarm_sql"))
HOSTILE = ["DELETE FROM jobs", "INSERT INTO meta VALUES ('a', 'b')", "DROP TABLE s.chunks",
           "CREATE TABLE s.mine (a)", "CREATE TEMP TABLE mine (a)", "ATTACH '{dir}/mine.db' AS mine",
           "VACUUM INTO '{dir}/mine.db'", "PRAGMA user_version = 99", "PRAGMA writable_schema = 1",
           "PRAGMA journal_mode = DELETE", "SELECT load_extension('{ext}')",
           "SELECT writefile('{dir}/mine', 'x')", "SELECT readfile('/etc/passwd')", "BEGIN EXCLUSIVE",
           "SELECT 1; DELETE FROM jobs", "SELECT * FROM pragma_database_list",
           "WITH t AS (SELECT 1) DELETE FROM jobs", "REINDEX", "ANALYZE", "", "-- nothing"]


class Sql(DaemonTest):
    def farm(self):
        d = self.daemon()
        job = json.loads(self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS).stdout)
        run = job["runs"][0]["id"]
        return d, job["id"], run, int(d.get("/api/v1/runs/" + run)["attempts"][0]["id"][1:])

    def sql(self, text, *options, check=0):
        return self.cli("sql", text, *options, check=check)

    def rows(self, text):
        return [json.loads(line) for line in self.sql(text, "-f", "json").stdout.splitlines()]

    def api_csv(self, d, run, stream):
        text = d.http("GET", "/api/v1/runs/%s/samples?stream=%s" % (run, stream)).body.decode()
        return [(int(t), float(v)) for t, v in list(csv.reader(io.StringIO(text)))[1:]]

    def test_values_are_the_rows_that_the_api_gives(self):
        d, job, run, attempt = self.farm()
        streams = [s["name"] for s in d.get("/api/v1/runs/" + run)["streams"]]
        self.assertIn("paced", streams)
        want = {s: self.api_csv(d, run, s) for s in streams}
        for alive in (True, False):     # with the daemon at work, and without one
            for stream in streams:
                got = [(r["t_ns"], float(r["value"])) for r in self.rows(
                    "SELECT t_ns, value FROM sample WHERE attempt = %d AND stream = '%s'"
                    % (attempt, stream))]
                self.assertEqual(len(got), len(want[stream]), stream)
                for a, b in zip(got, want[stream]):
                    self.assertEqual(a[0], b[0], stream)
                    self.assertAlmostEqual(a[1], b[1], 6, stream)
            if alive:
                d.stop()
        table = self.sql("SELECT id, name, state, verdict FROM job").stdout
        self.assertRegex(table, r"1 +mlp +completed +pass")
        n = self.rows("SELECT sum(n) AS n FROM second WHERE attempt = %d AND stream = 'paced'" % attempt)
        self.assertEqual(n[0]["n"], len(want["paced"]))
        self.assertEqual(self.rows("SELECT variant, device FROM run"),
                         [{"variant": "fp32", "device": "local"}])

    def test_the_stock_shell_reads_the_same_with_the_extension(self):
        d, job, run, attempt = self.farm()
        script = ("ATTACH '%s/samples.db' AS s;\n.load \"%s\"\n.mode csv\n"
                  "SELECT t_ns, value FROM sample WHERE attempt = %d AND stream = 'paced';\n"
                  "SELECT state, pinned IS NULL FROM job;\n"
                  "SELECT count(*) FROM framefarm_values(x'00ff');\n"
                  "SELECT count(*) FROM framefarm_values;\n" % (self.data, EXTENSION, attempt))
        r = subprocess.run(["sqlite3", "-readonly", os.path.join(self.data, "control.db")], input=script,
                           text=True, capture_output=True, timeout=60)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        lines = r.stdout.split()
        self.assertEqual(lines[-3:], ["completed,1", "0", "0"])
        got = [(int(a), float(b)) for a, b in (line.split(",") for line in lines[:-3])]
        self.assertEqual(got, self.api_csv(d, run, "paced"))

    def test_nothing_can_be_written_or_run(self):
        d, *_ = self.farm()
        d.stop()

        def state():
            found = {}
            for name in ("control.db", "samples.db"):
                with open(os.path.join(self.data, name), "rb") as f:
                    found[name] = hashlib.sha256(f.read()).hexdigest()
            return found, sorted(os.listdir(self.dir))

        before = state()
        for text in HOSTILE:
            r = self.sql(text.format(dir=self.dir, ext=EXTENSION), check=None)
            self.assertEqual(r.returncode, ff.USAGE, text + r.stderr)
            self.assertEqual(r.stdout, "", text)
        self.assertEqual(state(), before)

    def test_it_is_bounded(self):
        d, *_ = self.farm()
        endless = "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT "
        r = self.sql(endless + "count(*) FROM c", "--time", "200ms", check=1)
        self.assertIn("took longer than 200 ms", r.stderr)
        r = self.sql(endless + "x FROM c", "-n", "3", "-f", "csv")
        self.assertEqual(r.stdout.split(), ["x", "1", "2", "3"])
        self.assertIn("more than 3 rows", r.stderr)
        r = self.sql("SELECT zeroblob(900000000)", check=1)
        self.assertIn("more memory than it may have", r.stderr)

    def test_mistakes_are_told(self):
        d, *_ = self.farm()
        self.assertIn("--schema", self.sql("SELECT nothing FROM job", check=2).stderr)
        self.assertIn("sample: every value", self.cli("sql", "--schema", check=0).stdout)
        self.assertIn("one statement", self.cli("sql", check=2).stderr)
        r = self.cli("sql", "SELECT 1", "--data", os.path.join(self.dir, "nowhere"), check=1)
        self.assertIn("nowhere", r.stderr)
        quoted = self.sql("SELECT 'a,\"b' AS x", "-f", "csv").stdout
        self.assertEqual(list(csv.reader(io.StringIO(quoted))), [["x"], ['a,"b']])


if __name__ == "__main__":
    unittest.main(verbosity=2)
