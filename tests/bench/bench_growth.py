#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How cost grows with what a farm has: a step of the core with devices and with the queue (bench_core
--growth), a look at a run with its samples (zoom.c), and start, memory, lists and submissions of the daemon
with the jobs that have ended (fill.c wrote them). Each over three decades, with the exponent of growth: by
which power of the size the cost rises (0: not at all, 1: in proportion), from the least squares of their
logarithms. Those that must not grow with the store have a target.

    bench_growth.py [core] [samples] [history] [--small] [--check]

The end is 0 whatever the results are, with --check 1 when a target is missed. Takes 6 minutes."""

import argparse
import hashlib
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib.agentbox import BUILD
from fflib.daemon import Daemon
from bench_zoom import end_daemon, fill, forget, zooms
from table import Table, number

CORE = re.compile(r"^(\d+) devices, (\d+) queued runs, .* p99 ([\d.]+) us, .* the same mix ([\d.]+) us")
JOB_FOR_ALL = re.compile(r"^one job for all of (\d+) idle devices: ([\d.]+) ms")
ASKED = 20        # times each request is made
CORE_MAX = 0.34   # four times the cost from 10 to 1 000 devices and 100 to 100 000 runs is 0.3 and 0.2
FLAT_MAX = 0.2    # what should not grow: within 1.6 for each decade, which is also what noise makes
LINEAR_MAX = 1.1
LEAST = 90  # values of the smallest part of a run that is compared
SAMPLES = {False: (10**4, 10**5, 10**6, 10**7), True: (10**4, 2 * 10**4)}
HISTORY = {False: (10**2, 10**3, 10**4, 10**5), True: (20, 200)}


def exponent(points):
    """The slope of log(cost) over log(size)."""
    x, y = [[math.log(p[i]) for p in points] for i in (0, 1)]
    mx, my = statistics.mean(x), statistics.mean(y)
    return sum((a - mx) * (b - my) for a, b in zip(x, y)) / sum((a - mx) ** 2 for a in x)


class Growth:
    """Rows of costs by size, and one row of the table for each."""

    def __init__(self, table):
        self.table, self.costs, self.lines = table, {}, []

    def put(self, what, size, cost):
        self.costs.setdefault(what, []).append((size, cost))

    def tell(self, what, unit, at_most=None):
        points = sorted(self.costs.pop(what))
        e = exponent(points)
        self.lines.append((what, unit, points, e))
        self.table.add("growth of " + what, points[-1][1], points[0][1], e, unit, at_most, at_most=True,
                       target_text=None if at_most is None else "exponent ≤ %g" % at_most,
                       note="for " + ", ".join("%.0e: %s" % (n, number(c)) for n, c in points))

    def show(self):
        print()
        for what, unit, points, e in self.lines:
            print("%-52s exponent %5.2f   %s" % (
                "%s, %s" % (what, unit), e, "  ".join("%.0e: %-8s" % (n, number(c)) for n, c in points)))


# ---- the core ----

def core(growth, small):
    program = os.path.abspath(os.path.join(BUILD, "bench/bench_core"))
    text = subprocess.run([program, "--short" if small else "--growth"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    for m in filter(None, map(CORE.match, text.split("\n"))):
        devices, runs, p99, mean = int(m.group(1)), int(m.group(2)), float(m.group(3)), float(m.group(4))
        if runs == 1000 or small:
            growth.put("a step with devices (1 000 runs), mean", devices, mean)
            growth.put("a step with devices (1 000 runs), p99", devices, p99)
        if devices == 100 or small:
            growth.put("a step with queued runs (100 devices), mean", runs, mean)
            growth.put("a step with queued runs (100 devices), p99", runs, p99)
    for what in list(growth.costs):
        growth.tell(what, "us", CORE_MAX if what.endswith("mean") else None)
    for m in filter(None, map(JOB_FOR_ALL.match, text.split("\n"))):
        growth.put("a job for all devices, one step", int(m.group(1)), float(m.group(2)))
    growth.tell("a job for all devices, one step", "ms", LINEAR_MAX)


# ---- samples ----

def samples(growth, small):
    for values in SAMPLES[small]:
        folder = tempfile.mkdtemp(prefix="bench-growth-", dir=os.path.abspath(BUILD))
        try:
            began = time.monotonic()
            run = fill(folder, 1, values)
            growth.put("filling the store with values", values, time.monotonic() - began)
            growth.put("samples.db with values", values, os.stat(os.path.join(folder, "samples.db")).st_size)
            looks = list(zooms(folder, run, values, 3 if small else 7))
            growth.put("the whole of a run with values, cold", values, looks[0][2] / 1e3)
            least = min((look for look in looks if look[1] >= LEAST), key=lambda look: look[1])
            growth.put("a small part of a run with values, cold", values, least[2] / 1e3)
            print("looked at %d values" % values, flush=True)
        finally:
            shutil.rmtree(folder)
    growth.tell("filling the store with values", "s")
    growth.tell("samples.db with values", "bytes", LINEAR_MAX)
    growth.tell("the whole of a run with values, cold", "ms", LINEAR_MAX)
    growth.tell("a small part of a run with values, cold", "ms", FLAT_MAX)


# ---- history ----

# For a phone that nobody has: the job is taken, stored and waits.
JOB = {"schema": "framefarm.job/1", "name": "waits", "model": {"name": "m", "variants": [
    {"name": "v", "file": {"sha256": "", "bytes": 0, "name": "m.onnx"}}]},
    "devices": {"select": {"name": "no-such-phone"}}}


def resident_mib(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


def timed_ms(fn):
    took = []
    for i in range(ASKED):
        began = time.monotonic()
        fn(i)
        took.append(1e3 * (time.monotonic() - began))
    return statistics.median(took)


def get(d, path):
    return lambda i: d.get(path)


def submit(d, jobs):
    """Of jobs for one small file that was uploaded before."""
    model = b"model of %d" % jobs
    sha = hashlib.sha256(model).hexdigest()
    d.http("PUT", "/api/v1/files/" + sha, model)
    job = json.loads(json.dumps(JOB))
    job["model"]["variants"][0]["file"].update(sha256=sha, bytes=len(model))
    body = json.dumps(job).encode()

    def one(i):
        a = d.http("POST", "/api/v1/jobs", body, {"Content-Type": "application/json",
                                                  "Idempotency-Key": "growth-%d-%d" % (jobs, i)})
        if a.status != 201:
            raise RuntimeError("POST /jobs: %d %s" % (a.status, a.body))
    return one


REQUESTS = {
    "the newest jobs with ended jobs": "/api/v1/jobs",
    "the newest runs with ended jobs": "/api/v1/runs",
    "jobs of a branch with ended jobs": "/api/v1/jobs?branch=main",
    "/metrics with ended jobs": "/metrics",
}


def look_at_daemon(growth, data, jobs):
    forget(data)
    began = time.monotonic()
    d = Daemon(data, "--log-level", "warn", "--match-time", "1h").start()
    try:
        growth.put("start of the daemon with ended jobs", jobs, time.monotonic() - began)
        growth.put("memory at the start with ended jobs", jobs, resident_mib(d.process.pid))
        for what, path in REQUESTS.items():
            if path == "/metrics":
                growth.put(what, jobs, timed_ms(lambda i: d.http("GET", "/metrics")))
            else:
                growth.put(what, jobs, timed_ms(get(d, path)))
        growth.put("POST /jobs with ended jobs", jobs, timed_ms(submit(d, jobs)))
        growth.put("memory behind that with ended jobs", jobs, resident_mib(d.process.pid))
    finally:
        end_daemon(d)


def history(growth, small):
    folder = tempfile.mkdtemp(prefix="bench-growth-", dir=os.path.abspath(BUILD))
    try:
        for jobs in HISTORY[small]:
            data = os.path.join(folder, str(jobs))
            fill(data, jobs, 0)
            look_at_daemon(growth, data, jobs)
            shutil.rmtree(data)
            print("looked at %d jobs" % jobs, flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    growth.tell("start of the daemon with ended jobs", "s", FLAT_MAX)
    growth.tell("memory at the start with ended jobs", "MiB", FLAT_MAX)
    growth.tell("memory behind that with ended jobs", "MiB", FLAT_MAX)
    for what in REQUESTS:
        growth.tell(what, "ms", FLAT_MAX)
    growth.tell("POST /jobs with ended jobs", "ms", FLAT_MAX)


PARTS = {"core": core, "samples": samples, "history": history}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("parts", nargs="*", help="core, samples, history; all of them without")
    p.add_argument("--small", action="store_true", help="two small sizes of each: whether it works at all")
    p.add_argument("--check", action="store_true", help="end with 1 when a target is missed")
    options = p.parse_args()
    if set(options.parts) - set(PARTS):
        p.error("parts are core, samples and history")
    table = Table("growth")
    growth = Growth(table)
    for part in options.parts or PARTS:
        PARTS[part](growth, options.small)
    table.show()
    growth.show()
    return 1 if options.check and table.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
