#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/metrics under others' eyes: Prometheus' own client library parses the OpenMetrics text by the letter of the
specification, promtool checks the older format and lints it; names, units and labels are those that a
monitoring system wants. A device with a hostile name is on the shelf."""

import os
import shutil
import sqlite3
import subprocess
import unittest

from fflib import debian

debian.need("prometheus_client")

from prometheus_client import parser as classic  # noqa: E402
from prometheus_client.openmetrics import parser as openmetrics  # noqa: E402

from fflib.daemon import PASS, DaemonTest, mlp_job  # noqa: E402

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
HOSTILE = 'a"} 1\nevil{x="\\ \u00e4 # EOF\n# TYPE'
OPEN = "application/openmetrics-text"


class Metrics(DaemonTest):
    @classmethod
    def setUpClass(cls):
        cls.world = DaemonTest()
        cls.world.setUp()
        cls.addClassCleanup(cls.world.tearDown)
        d = cls.world.daemon()
        cls.world.cli("run", cls.world.job_file(mlp_job(budget={"ms": 1000})), check=PASS)
        d.stop()
        db = sqlite3.connect(os.path.join(d.data, "control.db"))
        columns = [row[1] for row in db.execute("PRAGMA table_info(devices)")]
        row = dict(zip(columns, db.execute("SELECT * FROM devices").fetchone()))
        row.update(id=9, key="test:hostile", name=HOSTILE, model=HOSTILE)
        db.execute("INSERT INTO devices (%s) VALUES (%s)" % (
            ", ".join('"%s"' % c for c in row), ", ".join("?" * len(row))), list(row.values()))
        db.commit()
        db.close()
        cls.d = d.start()
        cls.world.cli("run", cls.world.job_file(mlp_job()), check=PASS)

    def setUp(self):
        pass

    def tearDown(self):
        pass

    def scrape(self, accept):
        a = self.d.http("GET", "/metrics", headers={"Accept": accept})
        self.assertEqual(a.status, 200, a.body)
        return a.headers["Content-Type"], a.body.decode()

    def families(self):
        return {f.name: f for f in openmetrics.text_string_to_metric_families(self.scrape(OPEN)[1])}

    def test_the_client_library_parses_it_by_the_letter(self):
        kind, text = self.scrape(OPEN + "; version=1.0.0")
        self.assertEqual(kind, OPEN + "; version=1.0.0; charset=utf-8")
        self.assertTrue(text.endswith("# EOF\n"))
        families = list(openmetrics.text_string_to_metric_families(text))
        self.assertGreater(len(families), 30)
        for f in families:
            self.assertTrue(f.name.startswith("framefarm_"), f.name)
            self.assertTrue(f.documentation.endswith("."), f.name)

    def test_promtool_finds_nothing_to_complain_about(self):
        tool = shutil.which("promtool")
        if not tool:
            r = subprocess.run([os.path.join(TREE, "etc/build/fetch-promtool.sh")], text=True, capture_output=True,
                               check=True)
            tool = r.stdout.strip().splitlines()[-1]
        kind, text = self.scrape("text/plain")
        self.assertEqual(kind, "text/plain; version=0.0.4; charset=utf-8")
        r = subprocess.run([tool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, "", ""))

    def test_both_formats_say_the_same(self):
        def samples(families):
            return {(s.name, tuple(sorted(s.labels.items()))) for f in families for s in f.samples}
        a = samples(openmetrics.text_string_to_metric_families(self.scrape(OPEN)[1]))
        b = samples(classic.text_string_to_metric_families(self.scrape("text/plain;version=0.0.4")[1]))
        self.assertEqual(a, b)

    def test_what_a_scraper_sends_is_understood(self):
        # Prometheus 2.42's own header, and what others send.
        for accept, kind in (
                ("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                 "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", OPEN),
                ("text/plain;version=0.0.4;q=1,*/*;q=0.1", "text/plain"),
                ("text/html,application/xhtml+xml,*/*;q=0.8", OPEN), ("*/*", OPEN),
                ("application/openmetrics-text;q=0, text/plain", "text/plain")):
            self.assertEqual(self.scrape(accept)[0].partition(";")[0], kind, accept)
        self.assertEqual(self.d.http("GET", "/metrics", headers={"Accept": "image/png"}).status, 406)

    def test_a_hostile_name_is_a_label_and_nothing_else(self):
        families = self.families()
        units = {s.labels["unit"]: s.labels for s in families["framefarm_device_up"].samples}
        self.assertEqual(units[HOSTILE]["device_model"], HOSTILE)
        self.assertEqual(len(units), 2)
        self.assertNotIn("evil", families)

    def test_no_label_names_a_job_a_run_or_a_commit(self):
        labels = {k for f in self.families().values() for s in f.samples for k in s.labels}
        self.assertEqual(labels - {"unit", "device_model", "virtual", "sensor", "state", "verdict", "file", "class",
                                   "block", "le", "version", "clock"}, set())

    def test_the_budget_is_a_bucket(self):
        f = self.families()["framefarm_inference_latency_seconds"]
        self.assertEqual((f.type, f.unit), ("histogram", "seconds"))
        of = {(s.name.rpartition("_")[2], s.labels["block"], s.labels.get("le")): s.value for s in f.samples}
        self.assertIn(("bucket", "paced", "0.016666667"), of)
        n = of["count", "paced", None]
        self.assertGreaterEqual(n, 299)  # of the run behind the restart
        self.assertEqual(of["bucket", "paced", "+Inf"], n)
        self.assertGreater(of["bucket", "paced", "0.016"], 0)
        self.assertGreater(of["sum", "paced", None], 0)

    def test_the_loop_says_how_long_its_turns_take(self):
        f = self.families()["framefarm_loop_turn_seconds"]
        self.assertEqual((f.type, f.unit), ("histogram", "seconds"))
        of = {(s.name.rpartition("_")[2], s.labels["clock"], s.labels.get("le")): s.value for s in f.samples}
        for clock in ("wall", "processor"):
            self.assertGreater(of["count", clock, None], 0)
            self.assertEqual(of["bucket", clock, "+Inf"], of["count", clock, None])
            self.assertIn(("bucket", clock, "0.005"), of)
        self.assertLessEqual(of["sum", "processor", None], of["sum", "wall", None])
        longest = self.families()["framefarm_loop_turn_longest_seconds"].samples[0].value
        self.assertGreaterEqual(longest, of["sum", "wall", None] / of["count", "wall", None])

    def test_counters_only_rise(self):
        before, after = self.families(), self.families()
        for name, f in before.items():
            if f.type == "counter":
                for s, t in zip(f.samples, after[name].samples):
                    self.assertLessEqual(s.value, t.value, s.name)


if __name__ == "__main__":
    unittest.main()
