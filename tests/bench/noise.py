#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The machine's noise floor: one fixed piece of work, timed again and again between the benches.

    noise.py FILE          times it and adds what it took to the file
    noise.py FILE --row    makes a row of all that is in it

The ratio is that of a slow one (95 of 100 are faster) to the median. A ratio of two programs that is closer to
1 than this says nothing, unless it was taken from many interleaved rounds."""

import hashlib
import statistics
import sys
import time

from table import Table

BLOCK = bytes(4 * 1024 * 1024)
TIMES = 50


def work():
    began = time.perf_counter_ns()
    hashlib.sha256(BLOCK).digest()
    return time.perf_counter_ns() - began


def row(path):
    with open(path, encoding="ascii") as f:
        ms = sorted(int(line) / 1e6 for line in f)
    median, slow = statistics.median(ms), ms[len(ms) * 95 // 100]
    Table("machine").add("noise floor: a fixed loop across the run", slow, median, slow / median, "ms",
                         note="95th of 100 against the median, of %d; from %.1f to %.1f ms" %
                         (len(ms), ms[0], ms[-1]))


def main():
    if len(sys.argv) == 3 and sys.argv[2] == "--row":
        row(sys.argv[1])
        return
    with open(sys.argv[1], "a", encoding="ascii") as f:
        for _ in range(TIMES):
            f.write("%d\n" % work())


if __name__ == "__main__":
    main()
