#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long it takes from a job's submission to the exec of its runner, on a device that is idle and ready:
the real daemon, agent and runner, this machine as the device, which has the job's files already. Held against one durable commit plus one
spawned process (bare_submit.c), which take turns with the submissions. The exec's time is the kernel's own
(its process connector, which needs root).

    bench_submit.py [--rounds N] [--check]

The end is 0 whatever the results are, with --check 1 when a target is missed."""

import argparse
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib.agentbox import BUILD, wait_for
from fflib.daemon import Daemon, mlp_job
from table import Table

SUBMIT_MAX = 5
NETLINK_CONNECTOR, CN_IDX_PROC, EVENT_EXEC = 11, 1, 2
DEADLINE_S = 30


class Execs:
    """The kernel's events of processes; see cn_proc.h: netlink head 16 bytes, cn_msg 20, then what, cpu,
    timestamp_ns (CLOCK_MONOTONIC), and of an exec the process."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, CN_IDX_PROC))
        listen = struct.pack("=IIIIHHI", CN_IDX_PROC, 1, 0, 0, 4, 0, 1)
        self.socket.send(struct.pack("=IHHII", 16 + len(listen), 3, 0, 0, 0) + listen)
        self.socket.settimeout(DEADLINE_S)

    def of_child(self, parent):
        """When a child of the process execs next, in ns."""
        while True:
            data = self.socket.recv(4096)
            what, _, at = struct.unpack_from("=IIQ", data, 36)
            if what == EVENT_EXEC and parent_of(struct.unpack_from("=i", data, 52)[0]) == parent:
                return at

    def forget(self):
        self.socket.setblocking(False)
        try:
            while self.socket.recv(4096):
                pass
        except BlockingIOError:
            pass
        except OSError:  # some were lost: nobody waited for them
            pass
        self.socket.settimeout(DEADLINE_S)


def parent_of(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])
    except (OSError, IndexError):
        return 0


class Farm:
    def __init__(self, folder):
        self.daemon = Daemon(os.path.join(folder, "data"), "--log-level", "warn")
        self.daemon.start()
        wait_for(self.idle, "the device to be ready")
        self.folder, self.n = folder, 0
        host, port = self.daemon.url.split("//")[1].split(":")
        self.connection = http.client.HTTPConnection(host, int(port), timeout=DEADLINE_S)
        self.body = None

    def idle(self):
        return all(d["state"] == "ready" for d in self.daemon.get("/api/v1/devices")["devices"])

    def prepare(self):
        """The model is uploaded, the job is in the form in which clients submit."""
        job = mlp_job(measure={"min_runs": 50, "min_ms": 50, "baseline_ms": 0, "warmup_min_ms": 0,
                               "warmup_max_ms": 10})
        job["devices"]["keep_files"] = True  # as one does whose CI submits the same model again and again
        path = job["model"]["variants"][0]["file"]
        with open(path, "rb") as f:
            model = f.read()
        sha = hashlib.sha256(model).hexdigest()
        if self.daemon.http("PUT", "/api/v1/files/" + sha, model).status not in (200, 201):
            sys.exit("bench_submit: the model was not taken")
        job["model"]["variants"][0]["file"] = {"sha256": sha, "bytes": len(model),
                                               "name": os.path.basename(path)}
        self.body = json.dumps(job).encode()

    def end(self):
        """And this machine's agent, which outlives the daemon by design."""
        agent = self.daemon.agent_pid()
        self.daemon.stop()
        os.kill(agent, signal.SIGKILL)

    def submit(self, execs):
        """ns from the request's first byte to the runner's exec, and to the answer."""
        wait_for(self.idle, "the device to be ready again")
        self.n += 1
        agent = self.daemon.agent_pid()
        execs.forget()
        began = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        self.connection.request("POST", "/api/v1/jobs", self.body, {
            "Authorization": "Bearer " + self.daemon.token, "Content-Type": "application/json",
            "Idempotency-Key": "bench-%d" % self.n})
        answer = self.connection.getresponse()
        answered = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        text = answer.read()
        if answer.status != 201:
            raise SystemExit("bench_submit: %d %s" % (answer.status, text.decode()))
        return execs.of_child(agent) - began, answered - began


class Bare:
    def __init__(self, folder):
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "tests/bench/bare_submit"), os.path.join(folder, "bare.db"),
             os.path.abspath(os.path.join(BUILD, "framefarm-runner-onnxruntime"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def both(self):
        """ns of a commit, ns of a spawn."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return [int(n) for n in self.process.stdout.readline().split()]

    def end(self):
        self.process.stdin.close()
        self.process.wait(DEADLINE_S)


def measure(farm, bare, rounds):
    execs = Execs()
    got = []
    farm.submit(execs)  # stages the model, opens what is opened once
    for i in range(rounds):
        commit, spawn = bare.both()
        to_exec, to_answer = farm.submit(execs)
        got.append((to_exec, to_answer, commit, spawn))
        if (i + 1) % 10 == 0:
            print("%d of %d submissions" % (i + 1, rounds), flush=True)
    return got


def tell(got, table):
    to_exec, answered, commit, spawn = (statistics.median(g[i] for g in got) / 1e6 for i in range(4))
    bare = statistics.median(g[2] + g[3] for g in got) / 1e6
    ratio = statistics.median(g[0] / (g[2] + g[3]) for g in got)
    table.add("submit to the runner's exec", to_exec, bare, ratio, "ms", SUBMIT_MAX, at_most=True,
              note="answered after %.2f ms; bare: commit %.2f ms, spawn %.2f ms" % (answered, commit, spawn))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    # Below the build directory, so that both commit to the disk that will be used.
    folder = tempfile.mkdtemp(prefix="bench-submit-", dir=os.path.abspath(BUILD))
    table, farm, bare = Table("submit"), None, None
    try:
        farm, bare = Farm(folder), Bare(folder)
        farm.prepare()
        tell(measure(farm, bare, options.rounds), table)
    finally:
        if bare:
            bare.end()
        if farm:
            farm.end()
        shutil.rmtree(folder, ignore_errors=True)
    table.show()
    return 1 if options.check and table.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
