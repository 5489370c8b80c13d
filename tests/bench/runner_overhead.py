#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the runner's timed loop costs beside a bare C loop on the same library:

    runner_overhead.py RUNNER BARE LIB MODELS [ROUNDS]

Rounds are interleaved A B B A, so that a drift of the machine meets both. Of each model it prints
the median over the rounds of the ratio of the two p50, and the ratio and difference of the best p50
of each, which other work on the machine can only raise. The target, judged on the best: a ratio of
at most 1.005 or a difference of at most 200 ns. Exit code 1 when a model misses both.
"""

import statistics
import subprocess
import sys

from table import Table

MODELS = [
    # name, input, output, input dimensions, output dimensions, runs, warm-up
    ("mlp_16_32_10", "input", "logits", "1,16", "1,10", 50000, 5000),
    ("mobilenet_v1_025_fp32", "input", "probs", "1,3,224,224", "1,1000", 1000, 50),
    ("mobilenet_v1_025_int8", "input", "probs", "1,3,224,224", "1,1000", 1000, 50),
    ("mobilenet_v2_100_fp32", "input", "probs", "1,3,224,224", "1,1000", 200, 20),
]
RATIO_MAX = 1.005
DIFFERENCE_MAX_NS = 200


def p50(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    return int(dict(line.split(" ", 1) for line in out.splitlines())["p50_ns"])


def compare(table, runner, bare, lib, models, rounds, model):
    name, given, result, in_dims, out_dims, runs, warmup = model
    path = f"{models}/{name}.onnx"
    ours = [runner, "--bench", lib, path, "--runs", str(runs), "--warmup", str(warmup)]
    peer = [bare, lib, path, given, result, str(runs), str(warmup), in_dims, out_dims]
    ratios, all_ours, all_peer = [], [], []
    for _ in range(rounds):
        a1, b1, b2, a2 = p50(ours), p50(peer), p50(peer), p50(ours)
        ratios.append((a1 + a2) / (b1 + b2))
        all_ours += [a1, a2]
        all_peer += [b1, b2]
    best, difference = min(all_ours) / min(all_peer), min(all_ours) - min(all_peer)
    table.add(f"warm latency, {name}", min(all_ours), min(all_peer), best, "ns",
              target_text=f"≤ {RATIO_MAX} or {DIFFERENCE_MAX_NS} ns more",
              missed=best > RATIO_MAX and difference > DIFFERENCE_MAX_NS,
              note=f"{difference} ns more; median of the rounds' ratios {statistics.median(ratios):.4f} "
                   f"({min(ratios):.4f} to {max(ratios):.4f})")


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    rounds = int(sys.argv[5]) if len(sys.argv) == 6 else 7
    table = Table("runner")
    for model in MODELS:
        compare(table, *sys.argv[1:5], rounds, model)
    table.show()
    sys.exit(1 if table.missed() else 0)


if __name__ == "__main__":
    main()
