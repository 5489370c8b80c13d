#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the controller costs while 200 phones stream: the real daemon over TCP to phones that only talk
(replay.c), one job on all of them, each agent sending STATUS twice a second and twenty counters at 10 Hz
in chunks of ten seconds, as the real agent does. Processor time is that of the daemon alone, in cores;
memory is its peak over the time of streaming, and, for comparison, that of the time before, when agent,
runner and runtime were pushed to all phones at once.

    bench_farm.py [--phones N] [--seconds S] [--check]

The end is 0 whatever the results are, with --check 1 when one misses its target."""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import Daemon, PROGRAM, mlp_job
from table import Table

REPLAY = os.path.abspath(os.path.join(BUILD, "tests/bench/replay"))
CORES_MAX, MIB_MAX = 0.15, 150


def cpu_s(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid, what):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return max(int(line.split()[1]) for line in f if line.startswith(what)) / 1024


def forget_peak(pid):
    with open("/proc/%d/clear_refs" % pid, "w", encoding="ascii") as f:
        f.write("5")



def ready(d):
    """Devices, this machine included; the list comes in pages."""
    n, page = 0, d.get("/api/v1/devices")
    while True:
        n += sum(x["state"] == "ready" for x in page["devices"])
        if not page.get("next"):
            return n
        page = d.get("/api/v1/devices?cursor=" + page["next"])


def taken(d):
    metrics = d.http("GET", "/metrics").body.decode()
    return int(re.search(r"^framefarm_samples_ingested_total (\d+)$", metrics, re.M).group(1))


def end_daemon(d):
    """And this machine's agent, which outlives it by design."""
    if not d.process or d.process.poll() is not None:
        return
    d.kill()
    try:
        os.kill(d.agent_pid(), signal.SIGKILL)
    except (OSError, ValueError, IndexError):
        pass


def measure(options, d, table):
    pid = d.process.pid
    before = memory_mib(pid, "VmHWM")
    forget_peak(pid)
    t0, cpu0 = time.monotonic(), cpu_s(pid)
    time.sleep(options.seconds)
    cores = (cpu_s(pid) - cpu0) / (time.monotonic() - t0)
    peak = memory_mib(pid, "VmHWM")
    note = "%d phones, %d s" % (options.phones, options.seconds)
    table.add("controller, processor", cores, None, cores, "core", CORES_MAX, note, at_most=True)
    table.add("controller, memory", peak, None, peak, "MiB", MIB_MAX, note, at_most=True)
    table.add("controller, memory before", before, None, None, "MiB", None, "connecting and pushing")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--phones", type=int, default=200)
    p.add_argument("--seconds", type=int, default=30)
    p.add_argument("--check", action="store_true", help="end with 1 when a target is missed")
    options = p.parse_args()
    table = Table("farm")
    folder = tempfile.mkdtemp(prefix="ff-bench-")
    replay = subprocess.Popen([REPLAY, "--count", str(options.phones)], stdout=subprocess.PIPE, text=True)
    d = None
    try:
        addresses = [replay.stdout.readline().split()[1] for _ in range(options.phones)]
        given = [x for a in addresses for x in ("--adb", a)]
        d = Daemon(os.path.join(folder, "data"), *given, "--log-level", "warn").start()
        wait_for(lambda: ready(d) > options.phones, "the phones to be ready")
        job = os.path.join(folder, "job.json")
        with open(job, "w", encoding="ascii") as f:
            json.dump(mlp_job(devices={"select": {"android": "14"}, "count": "all"},
                              measure={"min_ms": 600000, "max_ms": 900000}), f)
        began = time.monotonic()
        subprocess.run([PROGRAM, "run", job, "--async"], check=True, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, FRAMEFARM_DATA=d.data))
        if replay.stdout.readline() != "streaming\n":
            raise RuntimeError("the phones ended")
        print("%d phones stream %.1f s after the job" % (options.phones, time.monotonic() - began))
        measure(options, d, table)
        runs = d.get("/api/v1/jobs/j1")["runs"]
        lost = sum(r["state"] != "running" for r in runs)  # of those on the first page
        if lost:
            raise RuntimeError("%d runs did not go on to the end" % lost)
        print("%d values were taken" % taken(d))
    finally:
        if d:
            end_daemon(d)
        replay.kill()
        replay.wait()
        replay.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)
    table.show()
    return 1 if options.check and table.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
