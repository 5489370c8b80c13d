#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a bench that is written in C and takes its rows from what it prints:

    bench_c.py core|gate|store|chunk PROGRAM [ARGUMENT…]

Ends with 1 when a target is missed, when the program fails, or when it printed nothing to take."""

import re
import subprocess
import sys

from table import Table

GATE_MAX_MS = 100
VALUES_MIN_M, BARE_MIN, BYTES_MAX = 2.0, 0.5, 4.5
STEP_SIZE, STEP_MAX_US, STEP_GROWTH_MAX = (1000, 100000), 1000, 4
PAYLOAD_MAX = 4.1

GATE = re.compile(r"^(\S.*?)  +([\d.]+) ms$")
STORE = re.compile(r"^(\S.*?/s) +([\d.]+) M values/s; bare loop +([\d.]+) \(ratio ([\d.]+)\), with pages of (\d+) bytes "
                   r"+([\d.]+) \(ratio ([\d.]+)\); ([\d.]+) bytes/value, payload ([\d.]+)$")

CORE = re.compile(r"^(\d+) devices, (\d+) queued runs, \d+ selectors: p50 [\d.]+ us, p99 ([\d.]+) us, worst ([\d.]+) us "
                  r"of \d+ steps; the same mix ([\d.]+) us, ([\d.]+) us in the least farm \(ratio ([\d.]+)\)$")


def core_row(table, m):
    """The farm of the target has one, the others show how cost grows."""
    size = (int(m.group(1)), int(m.group(2)))
    p99, worst, mean, least, ratio = (float(m.group(i)) for i in range(3, 8))
    what = "step of the core, %d devices, %d runs" % size
    its = size == STEP_SIZE
    if its:
        table.add(what + ", p99", p99, None, p99, "us", STEP_MAX_US, "worst %g us" % worst, at_most=True)
    table.add(what + ", mean", mean, least, ratio, "us", STEP_GROWTH_MAX if its else None,
              "p99 %g us; the peer: the same mix of events, 10 devices, 100 runs" % p99, at_most=True)


CHUNK = re.compile(r"^(\S.*?) +([\d.]+) bytes/value, plain ([\d.]+); packed in ([\d.]+) ns, plain ([\d.]+); "
                   r"unpacked in ([\d.]+) ns, plain ([\d.]+)$")


def gate_row(table, m):
    ms = float(m.group(2))
    table.add("200 000 iterations, " + m.group(1), ms, None, ms, "ms", GATE_MAX_MS, at_most=True)


def store_row(table, m):
    rate, bare, ratio = (float(m.group(i)) for i in (2, 3, 4))
    size, payload = float(m.group(8)), float(m.group(9))
    table.add("samples to acknowledgement, " + m.group(1), rate, bare, ratio, "M/s",
              target_text="≥ %g M/s and %g of a bare SQLite loop" % (VALUES_MIN_M, BARE_MIN),
              missed=rate < VALUES_MIN_M or ratio < BARE_MIN,
              note="with pages of %s bytes the bare loop has %s, ratio %s" % m.group(5, 6, 7))
    table.add("size of a value, " + m.group(1), size, None, size, "bytes", BYTES_MAX, "payload %g" % payload,
              at_most=True)


def chunk_row(table, m):
    """The peer is the packing of protocol 2. The target is what is left of the store's beside its row."""
    size, plain, pack, plain_pack, unpack, plain_unpack = (float(m.group(i)) for i in range(2, 8))
    table.add("payload of a value, " + m.group(1), size, plain, size / plain, "bytes",
              target_text="≤ %g bytes" % PAYLOAD_MAX, missed=size > PAYLOAD_MAX)
    table.add("packing a value, " + m.group(1), pack, plain_pack, pack / plain_pack, "ns")
    table.add("unpacking a value, " + m.group(1), unpack, plain_unpack, unpack / plain_unpack, "ns")


ROWS = {"core": (CORE, core_row), "gate": (GATE, gate_row), "store": (STORE, store_row),
        "chunk": (CHUNK, chunk_row)}


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ROWS:
        sys.exit(__doc__)
    pattern, add = ROWS[sys.argv[1]]
    table = Table(sys.argv[1])
    with subprocess.Popen(sys.argv[2:], stdout=subprocess.PIPE, text=True) as bench:
        for line in bench.stdout:
            m = pattern.match(line.rstrip())
            if m:
                add(table, m)
            else:
                print(line, end="", flush=True)
    if not table.rows:
        print("bench_c: there is no row in what %s printed" % sys.argv[2])
        return 1
    table.show()
    # The programs end with 1 for a target that was missed, which the table tells.
    return 1 if table.missed() or bench.returncode not in (0, 1) else 0


if __name__ == "__main__":
    sys.exit(main())
