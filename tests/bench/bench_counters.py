#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether sampling disturbs what it stands beside: the real agent and runner time a model on all cores, with
every counter that this machine has at 10 Hz, and with none. Blocks of four attempts, A B B A, so that a
drift of the machine meets both; of each block the ratio of the mean latencies, and over the blocks the upper
end of a 95 % interval of their geometric mean (bootstrap). The target: at most 1.01.

    bench_counters.py [--blocks N] [--seconds S] [--hz HZ]

Takes blocks x 4 x (seconds + 1); ends with 1 when the target is missed."""

import argparse
import math
import os
import random
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib import agentproto as ap
from fflib.agentbox import BUILD, Box
from fflib.daemon import find_ort
from table import Table

MODEL = os.path.join(BUILD, "models", "mobilenet_v1_025_fp32.onnx")
RATIO_MAX, DRAWS = 1.01, 10000


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Bench:
    def __init__(self, options):
        self.options, self.box, self.attempt = options, Box().start(), 0
        self.box.runner = os.path.abspath(os.path.join(BUILD, "framefarm-runner-onnxruntime"))
        self.controller = self.box.controller()
        self.counters = sum(k["available"] for k in self.controller.welcome["counters"])
        model = read(MODEL)
        self.plan = dict(runner="onnxruntime", model_sha256=self.box.push(model), model_bytes=len(model),
                         runtime_sha256=self.box.push(read(find_ort())), threads=0)

    def mean_ns(self, hz):
        """Of one back-to-back block."""
        ms = int(1000 * self.options.seconds)
        self.attempt += 1
        plan = self.box.plan(**self.plan, sample_hz=hz, sample_hz_timed=hz, deadline_ms=600000, stall_ms=60000,
                             back2back=dict(on=1, min_runs=10, max_runs=1000000, min_ms=ms, max_ms=ms + 1000))
        self.controller.send(ap.lease(1, 3600000) + ap.start(1, self.attempt, plan))
        end = self.controller.until_end(self.attempt)
        self.controller.send(ap.discard(self.attempt))
        self.controller.until_pong()
        values = self.iterations()
        if not values:
            sys.exit("bench_counters: the attempt gave no iteration: %s" % end)
        self.box.chunks.clear()
        return statistics.fmean(values)

    def iterations(self):
        for stream in sorted({k[2] for k in self.box.chunks if k[0] == self.attempt and k[2] > 1}):
            declared, _ = self.box.stream(self.attempt, stream)
            if declared and declared["kind"] == ap.ITER:
                return [v for _, v in self.box.series(self.attempt, stream)]
        return []


def upper_bound(logs):
    """Of the geometric mean, 97.5th percentile of the bootstrap: the upper end of a two-sided 95 % interval."""
    draw = random.Random(1)
    means = sorted(statistics.fmean(draw.choices(logs, k=len(logs))) for _ in range(DRAWS))
    return math.exp(means[int(0.975 * DRAWS)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--hz", type=int, default=10)
    options = parser.parse_args()
    bench = Bench(options)
    try:
        bench.mean_ns(0)  # what is cold once
        logs, with_ns, without_ns = [], [], []
        for i in range(options.blocks):
            a1, b1, b2, a2 = (bench.mean_ns(hz) for hz in (options.hz, 0, 0, options.hz))
            with_ns += [a1, a2]
            without_ns += [b1, b2]
            logs.append(math.log((a1 + a2) / (b1 + b2)))
            print("block %d of %d: with counters %.3f ms, without %.3f ms, ratio %.4f" % (
                i + 1, options.blocks, (a1 + a2) / 2e6, (b1 + b2) / 2e6, math.exp(logs[-1])), flush=True)
    finally:
        bench.box.remove()
    table = Table("counters")
    bound = upper_bound(logs)
    table.add("inference with %d counters at %d Hz" % (bench.counters, options.hz), statistics.median(with_ns) / 1e6,
              statistics.median(without_ns) / 1e6, bound, "ms", RATIO_MAX, at_most=True,
              note="upper 95 %% bound of %d blocks A B B A; their mean %.4f" % (
                  len(logs), math.exp(statistics.fmean(logs))))
    table.show()
    return 1 if table.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
