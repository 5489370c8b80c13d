#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it costs to look at a run of a million samples, with nothing of it in a cache: the store's answer to
a zoom against a bare SQLite loop that unpacks the same chunks (zoom.c), the page in a real browser, and how
long the daemon's loop was busy at a time meanwhile (/metrics). Without node or chromium the page is left out,
and said to be.

    bench_zoom.py [--values N] [--rounds N] [--opens N] [--check]

The end is 0 whatever the results are, with --check 1 when a target is missed. Takes 2 minutes."""

import argparse
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import Daemon
from table import Table

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "..", "..", ".cache", "browser")
BARE_MAX, DRAWN_MAX_MS, TURN_MAX_S = 3, 1000, 0.005
JOBS, ZOOMS = 20, 9  # from 1 000 s to 2
LINE = re.compile(r"zoom 1/(\d+): (\d+) values, ([\d.]+) us, bare loop ([\d.]+) us")


def tool(name):
    return os.path.abspath(os.path.join(BUILD, "tests/bench", name))


def fill(data, jobs, values):
    """The id of the run that has the samples."""
    os.makedirs(data, mode=0o700, exist_ok=True)
    return subprocess.run([tool("fill"), data, str(jobs), str(values)], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def forget(data):
    for name in os.listdir(data):
        path = os.path.join(data, name)
        if name.endswith((".db", ".db-wal")):
            fd = os.open(path, os.O_RDONLY)
            os.fdatasync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def zooms(data, run, values, rounds):
    """(share, values in it, us, us of the bare loop) of each stretch."""
    with subprocess.Popen([tool("zoom"), data, run[1:], str(values), str(rounds)], text=True,
                          stdout=subprocess.PIPE) as program:
        for line in program.stdout:
            m = LINE.match(line)
            if m:
                yield int(m.group(1)), int(m.group(2)), float(m.group(3)), float(m.group(4))
    if program.returncode:
        raise RuntimeError("zoom ended with %d" % program.returncode)


class Turns:
    """The loop's turns between two looks at /metrics."""

    def __init__(self, daemon):
        self.daemon, self.before = daemon, self.look(daemon)
        self.delay, self.used = self.scheduled(), self.sums(daemon)

    def scheduled(self):
        """Seconds that the loop's thread, the daemon's first, stood ready and others had the processors."""
        with open("/proc/%d/schedstat" % self.daemon.process.pid, encoding="ascii") as f:
            return int(f.read().split()[1]) / 1e9

    @staticmethod
    def sums(daemon):
        text = daemon.http("GET", "/metrics").body.decode()
        return {m.group(1): float(m.group(2)) for m in re.finditer(
            r'^framefarm_loop_turn_seconds_sum\{clock="(\w+)"\} (\S+)$', text, re.M)}

    def why(self):
        """Seconds of all turns that used no processor, and those of the thread without one that it was ready
        for, which are no fault of the daemon's."""
        after = self.sums(self.daemon)
        idle = [x["wall"] - x["processor"] for x in (self.used, after)]
        return idle[1] - idle[0], self.scheduled() - self.delay

    @staticmethod
    def look(daemon):
        text = daemon.http("GET", "/metrics").body.decode()
        return {(m.group(1), float(m.group(2))): int(m.group(3)) for m in re.finditer(
            r'^framefarm_loop_turn_seconds_bucket\{clock="(\w+)",le="([^"]+)"\} (\d+)$', text, re.M)}

    def since(self, clock):
        """(turns, those over the target, the bound that none was over)."""
        after = self.look(self.daemon)
        n = {le: after[c, le] - self.before[c, le] for c, le in after if c == clock}
        total = n[float("inf")]
        return total, total - n[TURN_MAX_S], min(le for le in n if n[le] == total)


def end_daemon(d):
    """And this machine's agent, which outlives it by design."""
    try:
        agent = d.agent_pid()
    except (OSError, ValueError, IndexError):
        agent = 0
    d.stop()
    if agent:
        try:
            os.kill(agent, signal.SIGKILL)
        except OSError:
            pass


def browser_command():
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    node = shutil.which("node")
    if not chromium or not node or not os.path.isdir(os.path.join(MODULES, "node_modules/playwright-core")):
        return None
    return [node, os.path.join(HERE, "zoom.mjs")], dict(os.environ, CHROMIUM=chromium, MODULES=os.path.abspath(MODULES))


def look_at_page(command, data, daemon, run):
    """What was drawn, each from files that lie in no cache."""
    program, env = command
    drawn = []
    with subprocess.Popen([*program, daemon.url, daemon.token, run, str(ZOOMS)], env=env, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as node:
        for line in node.stdout:
            if line == "cold?\n":
                forget(data)
                node.stdin.write("go\n")
                node.stdin.flush()
            else:
                drawn.append(json.loads(line))
    if node.returncode:
        raise RuntimeError("the browser's program ended with %d" % node.returncode)
    return drawn


def page_rows(table, data, run, opens):
    command = browser_command()
    if not command:
        print("the page is left out: it needs node, chromium and what tests/browser/run.sh fetches")
        return
    drawn, turns, busy, why = [], [], [], []
    for i in range(opens):
        d = Daemon(data, "--log-level", "warn").start()
        try:
            wait_for(lambda d=d: any(x["state"] == "ready" for x in d.get("/api/v1/devices")["devices"]),
                     "the start to be over")
            t = Turns(d)
            drawn += look_at_page(command, data, d, run)
            turns.append(t.since("wall"))
            busy.append(t.since("processor"))
            why.append(t.why())
        finally:
            end_daemon(d)
        print("%d of %d times the page was opened and zoomed" % (i + 1, opens), flush=True)
    worst = max(drawn, key=lambda x: x["ms"])
    middle = statistics.median(x["ms"] for x in drawn)
    table.add("run page drawn, the slowest of %d" % len(drawn), worst["ms"], None, worst["ms"], "ms", DRAWN_MAX_MS,
              "median %.0f ms; the slowest was '%s'" % (middle, worst["what"]), at_most=True)
    over = sum(t[1] for t in turns)
    table.add("turns of the loop over 5 ms meanwhile", over, None, None, "of %d" % sum(t[0] for t in turns),
              missed=over > 0, target_text="none",
              note="none over %g ms; of the processor alone %d over, none over %g ms; all turns had no processor for "
              "%.0f ms, others had it for %.0f ms" %
              (1e3 * max(t[2] for t in turns), sum(t[1] for t in busy), 1e3 * max(t[2] for t in busy),
               1e3 * sum(w[0] for w in why), 1e3 * sum(w[1] for w in why)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--values", type=int, default=1000000)
    p.add_argument("--rounds", type=int, default=21, help="of each stretch and side, at most 101")
    p.add_argument("--opens", type=int, default=3, help="times that the page is opened, each by a new daemon")
    p.add_argument("--check", action="store_true", help="end with 1 when a target is missed")
    options = p.parse_args()
    table = Table("zoom")
    # Below the build directory, so on the disk that will be used.
    folder = tempfile.mkdtemp(prefix="bench-zoom-", dir=os.path.abspath(BUILD))
    try:
        data = os.path.join(folder, "data")
        run = fill(data, JOBS, options.values)
        for share, n, us, bare in zooms(data, run, options.values, options.rounds):
            table.add("zoom to 1/%d, %d values, cold" % (share, n), us / 1e3, bare / 1e3, us / bare, "ms", BARE_MAX,
                      at_most=True)
        if options.opens:
            page_rows(table, data, run, options.opens)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table.show()
    return 1 if options.check and table.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
