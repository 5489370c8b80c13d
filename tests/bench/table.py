# SPDX-License-Identifier: Apache-2.0
"""The table that a bench ends with. Where BENCH_TABLE names a file, its rows are added there too, so that
`make bench` can show those of all benches at the end: run as a program with that file, this prints them."""

import json
import os
import sys

HEAD = ("bench", "what", "ours", "peer", "ratio", "target", "")


def number(v):
    return "-" if v is None else "%.0f" % v if abs(v) >= 100 else "%.3g" % v


class Table:
    def __init__(self, bench, *_):
        self.bench, self.rows = bench, []

    def add(self, what, ours, peer, ratio, unit, target=None, note="", at_most=False):
        """ratio is what is held against the target, at least or at most; peer None: there is none."""
        missed = target is not None and (ratio > target if at_most else ratio < target)
        row = dict(bench=self.bench, what=what, ours="%s %s" % (number(ours), unit),
                   peer="-" if peer is None else "%s %s" % (number(peer), unit),
                   ratio="-" if ratio is None else "%.3g" % ratio,
                   target="-" if target is None else
                   "%s %s%s" % ("≤" if at_most else "≥", number(target), " missed" if missed else ""),
                   note=note, missed=missed)
        self.rows.append(row)
        print("%(what)s: %(ours)s, %(peer)s, ratio %(ratio)s (%(target)s) %(note)s" % row, flush=True)
        if os.environ.get("BENCH_TABLE"):
            with open(os.environ["BENCH_TABLE"], "a", encoding="utf-8") as f:
                f.write(json.dumps(row) + "\n")

    def missed(self):
        return [r for r in self.rows if r["missed"]]

    def show(self):
        show(self.rows)


def show(rows):
    cells = [HEAD] + [tuple(r[k] for k in ("bench", "what", "ours", "peer", "ratio", "target", "note"))
                      for r in rows]
    widths = [max(len(c[i]) for c in cells) for i in range(len(HEAD))]
    print()
    for c in cells:
        print("  ".join(v.ljust(w) for v, w in zip(c, widths)).rstrip())


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        show([json.loads(line) for line in file])
