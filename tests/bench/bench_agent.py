#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the agent costs: size of the program, resident memory and processor time while it samples,
the last against a bare loop that reads the same files as often. Interleaved, and the median of the
pairs; ends with 1 when a target is missed. Usage: bench_agent.py [HZ [SECONDS [PAIRS]]]"""

import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib import agentproto as ap
from fflib.agentbox import AGENT, BUILD, Box
from table import Table

LOOP = os.path.abspath(os.path.join(BUILD, "tests", "bareloop"))
SIZE_MAX_KIB, RSS_MAX_KIB, RATIO_MAX = 160, 2048, 2.0


def cpu_ns(pid):
    with open("/proc/%d/schedstat" % pid) as f:
        return int(f.read().split()[0])


def rss_kb(pid):
    with open("/proc/%d/status" % pid) as f:
        return max(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def agent_run(box, c, attempt, hz, seconds):
    """Processor time per sweep of a runner that holds while it is sampled."""
    plan = box.plan(dict(hold_at="back_to_back", hold_runs=1), runs=2, sample_hz=hz,
                    sample_hz_timed=hz, deadline_ms=10 * 60000, stall_ms=0)
    c.send(ap.lease(1, 3600000) + ap.start(1, attempt, plan))
    c.until(lambda c: c.status()["attempt"] == attempt and c.status()["iterations"] == 1)
    t0, cpu0 = c.status()["mono_ns"], cpu_ns(box.pid)
    c.until(lambda c: c.status()["mono_ns"] >= t0 + seconds * 1000000000)
    t1, cpu1 = c.status()["mono_ns"], cpu_ns(box.pid)
    box.go(attempt)
    c.until_end(attempt)
    c.send(ap.discard(attempt))
    c.until_pong()
    return (cpu1 - cpu0) / ((t1 - t0) / 1e9 * hz)


def loop_run(hz, seconds, sources):
    """The same, for a stand-in that wakes as often as the runner that holds: both have the
    processor's caches to themselves as much, or as little."""
    sweeps = int(hz * seconds)
    with subprocess.Popen([LOOP, "500", "1000000", "/dev/null"]) as runner:
        files = [s.partition(" ")[0].replace("PID", str(runner.pid)) for s in sources]
        out = subprocess.run([LOOP, str(hz), str(sweeps), *files], capture_output=True,
                             check=True).stdout
        runner.kill()
    return int(out) / sweeps


def main(hz=10, seconds=5, pairs=5):
    box = Box().start()
    table, pairs_us = Table("agent"), []
    try:
        c = box.controller()
        available = [k for k in c.welcome["counters"] if k["available"]]
        sources = list(dict.fromkeys(k["source"] for k in available))
        for attempt in range(1, pairs + 1):
            ours = agent_run(box, c, attempt, hz, seconds)
            bare = loop_run(hz, seconds, sources)
            pairs_us.append((ours / 1e3, bare / 1e3))
            print("pair %d: agent %.1f us, bare loop %.1f us a sweep: ratio %.2f" %
                  (attempt, ours / 1e3, bare / 1e3, ours / bare), flush=True)
        size, rss = os.stat(AGENT).st_size / 1024, rss_kb(box.pid)
    finally:
        box.remove()
    table.add("agent while sampling, processor time a sweep", statistics.median(p[0] for p in pairs_us),
              statistics.median(p[1] for p in pairs_us), statistics.median(p[0] / p[1] for p in pairs_us), "us",
              RATIO_MAX, "%d counters from %d files at %d Hz" % (len(available), len(sources), hz), at_most=True)
    table.add("agent, stripped", size, None, size, "KiB", SIZE_MAX_KIB, at_most=True)
    table.add("agent, resident", rss, None, rss, "KiB", RSS_MAX_KIB, at_most=True)
    table.show()
    return 1 if table.missed() else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
