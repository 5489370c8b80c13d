# SPDX-License-Identifier: Apache-2.0
"""The table that a bench ends with. Where BENCH_TABLE names a file, its rows are added there too, so that
`make bench` can show those of all benches at the end: run as a program with that file, this prints them,
the row of noise.py first, since a difference below it says nothing, and ends with 1 when a target was missed."""

import json
import os
import sys

COLUMNS = ("bench", "what", "ours", "peer", "ratio", "target", "verdict", "note")
HEAD = ("bench", "what", "measured", "peer", "ratio", "target", "", "")


def number(v):
    return "-" if v is None else "%.0f" % v if abs(v) >= 100 else "%.3g" % v


class Table:
    def __init__(self, bench, *_):
        self.bench, self.rows = bench, []

    def add(self, what, ours, peer, ratio, unit, target=None, note="", at_most=False, missed=None,
            target_text=None):
        """ratio is what is held against the target, at least or at most; peer None: there is none, and the
        table shows how much of the target was measured. Where the target is more than one number, the caller
        tells it in words, and whether it was missed."""
        if missed is None:
            missed = target is not None and (ratio > target if at_most else ratio < target)
        if target_text is None and target is not None:
            target_text = "%s %s" % ("≤" if at_most else "≥", number(target))
        if peer is None and target and ratio is not None:
            ratio /= target
        row = dict(bench=self.bench, what=what, ours="%s %s" % (number(ours), unit),
                   peer="-" if peer is None else "%s %s" % (number(peer), unit),
                   ratio="-" if ratio is None else "%.4g" % ratio,
                   target=target_text or "-",
                   verdict="" if target_text is None else "missed" if missed else "met",
                   note=note, missed=bool(missed))
        self.rows.append(row)
        print("%(what)s: %(ours)s, %(peer)s, ratio %(ratio)s (%(target)s) %(verdict)s %(note)s" % row, flush=True)
        if os.environ.get("BENCH_TABLE"):
            with open(os.environ["BENCH_TABLE"], "a", encoding="utf-8") as f:
                f.write(json.dumps(row) + "\n")

    def missed(self):
        return [r for r in self.rows if r["missed"]]

    def show(self):
        show(self.rows)


def show(rows):
    cells = [HEAD] + [tuple(r[k] for k in COLUMNS) for r in rows]
    widths = [max(len(c[i]) for c in cells) for i in range(len(HEAD))]
    print()
    for c in cells:
        print("  ".join(v.ljust(w) for v, w in zip(c, widths)).rstrip())


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    show(sorted(rows, key=lambda r: r["bench"] != "machine"))
    held, missed = [sum(bool(r[k]) for r in rows) for k in ("verdict", "missed")]
    print("\n%d of %d targets missed" % (missed, held))
    sys.exit(missed > 0)
