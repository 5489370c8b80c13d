#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the runner's timed loop costs beside a bare C loop on the same library, and beside the runtime's own
JavaScript binding:

    runner_overhead.py RUNNER BARE LIB MODELS [ROUNDS]

Rounds are interleaved A B J J B A, so that a drift of the machine meets all. Of each model it prints
the median over the rounds of the ratio of the two p50, and the ratio and difference of the best p50
of each, which other work on the machine can only raise. The target, judged on the best: a ratio of
at most 1.005 or a difference of at most 200 ns; and not slower than JavaScript, which is left out where
FRAMEFARM_ORT_NODE does not name the binding's folder (etc/build/fetch-ort-node.sh). Exit code 1 when a
model misses a target.
"""

import os
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
JAVASCRIPT_MAX = 1


def p50(command):
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    return int(dict(line.split(" ", 1) for line in out.splitlines())["p50_ns"])


def commands(runner, bare, lib, models, model):
    """What measures the model: ours, the bare loop, and JavaScript where it is there."""
    name, given, result, in_dims, out_dims, runs, warmup = model
    path, loop = f"{models}/{name}.onnx", [str(runs), str(warmup), in_dims, out_dims]
    node = os.environ.get("FRAMEFARM_ORT_NODE")
    script = os.path.join(os.path.dirname(__file__), "ort_node.js")
    return ([runner, "--bench", lib, path, "--runs", str(runs), "--warmup", str(warmup)],
            [bare, lib, path, given, result, *loop],
            ["node", script, node, path, given, result, *loop] if node else None)


def compare(table, runner, bare, lib, models, rounds, model):
    ours, peer, javascript = commands(runner, bare, lib, models, model)
    ratios, all_ours, all_peer, all_js = [], [], [], []
    for _ in range(rounds):
        a1, b1 = p50(ours), p50(peer)
        if javascript:
            all_js += [p50(javascript), p50(javascript)]
        b2, a2 = p50(peer), p50(ours)
        ratios.append((a1 + a2) / (b1 + b2))
        all_ours += [a1, a2]
        all_peer += [b1, b2]
    best, difference = min(all_ours) / min(all_peer), min(all_ours) - min(all_peer)
    table.add(f"warm latency, {model[0]}", min(all_ours), min(all_peer), best, "ns",
              target_text=f"≤ {RATIO_MAX} or {DIFFERENCE_MAX_NS} ns more",
              missed=best > RATIO_MAX and difference > DIFFERENCE_MAX_NS,
              note=f"{difference} ns more; median of the rounds' ratios {statistics.median(ratios):.4f} "
                   f"({min(ratios):.4f} to {max(ratios):.4f})")
    if javascript:
        table.add(f"the same beside JavaScript, {model[0]}", min(all_ours), min(all_js),
                  min(all_ours) / min(all_js), "ns", JAVASCRIPT_MAX, at_most=True)


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    rounds = int(sys.argv[5]) if len(sys.argv) == 6 else 7
    table = Table("runner")
    if not os.environ.get("FRAMEFARM_ORT_NODE"):
        print("runner_overhead: there is no JavaScript binding to compare with", file=sys.stderr)
    for model in MODELS:
        compare(table, *sys.argv[1:5], rounds, model)
    table.show()
    sys.exit(1 if table.missed() else 0)


if __name__ == "__main__":
    main()
