#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As many stalled clients as there is room for, of every kind at once: half a head, half a body, half an upload,
an answer or a stream that nobody reads, a long poll. Each costs a connection and no more: others get their
answers, a job runs and passes, and the daemon's memory stays bounded."""

import unittest

from fflib.daemon import PASS, DaemonTest, mlp_job, wait_for
from fflib.rawhttp import Raw, Watcher

CONNECTIONS, PER_ADDRESS = 256, 64  # controller/api/bounds.h
MEMORY_MIB = 64                     # of all of them together

HALF_A_HEAD = b"GET /api/v1/jobs HT"


class Stalled(DaemonTest):
    def memory(self, d):
        with open("/proc/%d/status" % d.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024

    def connections(self, d):
        text = d.http("GET", "/metrics").body.decode()
        return int(text.partition("\nframefarm_http_connections ")[2].split("\n")[0])

    def stall(self, d, source, kind):
        c = Raw(d, source, small=True)
        self.addCleanup(c.close)
        if kind == "head":
            c.send(HALF_A_HEAD)
        elif kind == "body":
            c.send(c.head("POST", "/api/v1/jobs", "Idempotency-Key: k", "Content-Type: application/json",
                          "Content-Length: 100000") + b"{" * 50000)
        elif kind == "upload":
            c.send(c.head("PUT", "/api/v1/files/%064x" % len(self.all), "Content-Length: 1000000") + b"x" * 9000)
        elif kind == "reader":
            c.push(c.head("GET", "/openapi.json") * 100)
        elif kind == "stream":
            c.ask("GET", "/api/v1/events?after=0")
        elif kind == "poll":
            c.ask("GET", "/api/v1/jobs/%s?wait=60s" % self.long)
        self.all.append((kind, c))

    def test_every_kind_costs_a_connection_and_no_more(self):
        d = self.daemon()
        self.cli("run", self.job_file(mlp_job()), check=PASS)
        self.long = self.cli("run", self.job_file(mlp_job(
            name="long", measure={"min_ms": 60000, "max_ms": 60000, "min_runs": 60000})), "--async",
            check=PASS).stdout.strip()
        self.wait_state(d, self.long, ("running",))
        before, self.all = self.memory(d), []
        kinds = [("head", 60), ("body", 60), ("upload", 8), ("reader", 40), ("stream", 48), ("poll", 32)]
        n = 0
        for kind, count in kinds:
            for _ in range(count):
                self.stall(d, "127.0.1.%d" % (1 + n // (PER_ADDRESS - 1)), kind)
                n += 1
        self.assertEqual(n, CONNECTIONS - 8)     # some are left for who behaves
        wait_for(lambda: self.connections(d) >= n, "all of them to be let in")
        watcher = Watcher(d, last="999999")
        self.addCleanup(watcher.stop)
        watcher.start()
        self.cli("job", "cancel", self.long, check=PASS)
        self.cli("run", self.job_file(mlp_job(budget={"ms": 1000})), check=PASS)
        for path in ("/healthz", "/readyz", "/api/v1/jobs", "/api/v1/runs", "/api/v1/devices", "/metrics"):
            self.assertEqual(d.http("GET", path).status, 200, path)
        run = d.get("/api/v1/runs?limit=1")["runs"][0]
        self.assertEqual((run["verdict"], run["attempts"]), ("pass", 1))
        wait_for(lambda: any(name == "job" and data["to"] == "completed" for _, name, data in watcher.events),
                 "the end of the job to be told")
        grown = self.memory(d) - before
        print(f"{n} stalled clients: {grown:.0f} MiB")
        self.assertLess(grown, MEMORY_MIB)
        # The job that they waited for ended: long polls were answered, and the others are where they were.
        for kind, c in self.all:
            if kind == "poll":
                self.assertEqual(c.answer()[0], 200)
            elif kind in ("body", "upload"):
                self.assertFalse(c.is_closed(), kind)
        # When they go, so does all that they cost.
        for _, c in self.all:
            c.close()
        wait_for(lambda: self.connections(d) <= 8, "their connections to end")
        self.assertEqual(d.http("GET", "/api/v1/jobs").status, 200)

    def test_one_address_has_its_share_and_the_others_have_theirs(self):
        d = self.daemon()
        held = [Raw(d, "127.0.2.1").send(HALF_A_HEAD) for _ in range(PER_ADDRESS)]
        wait_for(lambda: self.connections(d) > PER_ADDRESS, "all of them to be let in")
        more = Raw(d, "127.0.2.1")
        wait_for(more.is_closed, "one too many to be closed")
        self.assertEqual(d.http("GET", "/api/v1/jobs").status, 200)
        for c in [*held, more]:
            c.close()

    def test_who_asks_too_often_is_slowed_down_and_the_cli_waits(self):
        d = self.daemon("--rate", "2")
        c = Raw(d)
        self.addCleanup(c.close)
        statuses = [c.ask("GET", "/api/v1/session").answer()[0] for _ in range(30)]
        self.assertIn(429, statuses)
        self.assertEqual(set(statuses), {200, 429})
        status, headers, _ = c.ask("GET", "/api/v1/session").answer()
        if status == 429:
            self.assertEqual(headers["retry-after"], "1")
        other = Raw(d, "127.0.2.1")
        self.addCleanup(other.close)
        self.assertEqual(other.ask("GET", "/api/v1/session").answer()[0], 200)
        self.cli("run", self.job_file(mlp_job()), check=PASS)   # of the same address, with its bucket empty


if __name__ == "__main__":
    unittest.main()
