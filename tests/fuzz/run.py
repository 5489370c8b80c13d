#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes: runs the targets of targets.py two at a time, each from its seeds in the tree and the corpus that
it has gathered in the build directory, and says what they reached. Speaks TAP; one test a target.

    run.py [--seconds N | --wall N | --check] [TARGET…]     all of them where none is named
    run.py --seeds [TARGET…]       puts what was gathered into the tree, as few files as reach the same edges,
                                   beside those with a name of their own, which stay

--seconds: each, 600 when nothing is said. --wall: all of them together, by their weights. --check: what
`make check` does, three minutes for all, with what it takes to begin and to see what was reached.
"""

import argparse
import concurrent.futures
import dataclasses
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import reached
from targets import PLANTED, TARGETS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("FRAMEFARM_BUILD") or "build"
MAKE = os.environ.get("MAKE") or "make"
JOBS = 2
CHECK_WALL_S = 150   # of fuzzing; what was reached is counted in the rest of three minutes
INPUT_TIMEOUT_S = 10

EXECUTED = re.compile(r"^stat::number_of_executed_units:\s+(\d+)", re.M)
STATUS = re.compile(r"^#\d+\s.*?cov: (\d+) ft: (\d+)", re.M)
FOUND = re.compile(r"^[0-9a-f]{12}$")
WRITTEN = re.compile(r"Test unit written to (\S+)")


@dataclasses.dataclass
class Outcome:
    target: object
    code: int = 0          # None: it had to be ended
    output: str = ""
    executed: int = 0
    seconds: float = 0
    edges: int = 0
    features: int = 0
    inputs: list = dataclasses.field(default_factory=list)
    reached: object = None

    def failed(self):
        return self.code != 0


# ---- where things are ----

def program(t):
    return os.path.join(BUILD, "fuzz", "fuzz_" + t.name)


def corpus(t):
    return os.path.join(BUILD, "fuzz", "corpus_" + t.name)


def seeds(t):
    return os.path.join("tests/fuzz", "seeds_" + t.name)


def files_in(folder):
    return sorted(p for p in glob.glob(os.path.join(glob.escape(folder), "*")) if os.path.isfile(p))


def found_seeds(t):
    """Named by their hash: the others were written for something that no edge tells, a bound say."""
    return [p for p in files_in(seeds(t)) if FOUND.match(os.path.basename(p))]


def folders(t):
    """The first is where libFuzzer puts what it finds."""
    os.makedirs(corpus(t), exist_ok=True)
    return [d for d in (corpus(t), seeds(t)) if os.path.isdir(d)]


def build(targets):
    names = [os.path.join(BUILD, "fuzz", kind + t.name) for t in targets for kind in ("fuzz_", "cov_")]
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    subprocess.run([MAKE, "-s", "-j2", f"B={BUILD}", *names], check=True, env=env)


# ---- running ----

def argv(t, *more):
    given = [program(t), f"-max_len={t.max_len}", f"-timeout={INPUT_TIMEOUT_S}",
             f"-artifact_prefix={os.path.join(BUILD, 'fuzz', t.name)}-", "-print_final_stats=1", *more]
    if t.dictionary:
        given.append("-dict=" + os.path.join("tests/fuzz", t.dictionary))
    return given


def fuzz(t, seconds):
    command = argv(t, f"-max_total_time={max(1, round(seconds))}") + folders(t)
    began = time.monotonic()
    try:
        got = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             timeout=seconds + 10 * INPUT_TIMEOUT_S, check=False)
        code, output = got.returncode, got.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired as e:
        code, output = None, (e.stdout or b"").decode(errors="replace")
    o = Outcome(t, code, output, seconds=time.monotonic() - began)
    o.inputs = [p for d in folders(t) for p in files_in(d)]
    executed, status = EXECUTED.findall(output), STATUS.findall(output)
    o.executed = int(executed[-1]) if executed else 0
    if status:
        o.edges, o.features = map(int, status[-1])
    return o


def look(o, all_files):
    """What the corpus reaches; an input that ends the program there fails the target too."""
    try:
        o.reached = reached.measure(os.path.join(BUILD, "fuzz", "cov_" + o.target.name), o.inputs,
                                    o.target.reaches, all_files)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as e:
        o.code, o.output = o.code or 1, o.output + f"\nits lines could not be counted: {e}\n"


def shares(targets, wall):
    """Seconds for each, so that JOBS at a time, the longest first, are through in so many."""
    lanes = [0] * JOBS
    for t in sorted(targets, key=lambda t: -t.weight):
        lanes[lanes.index(min(lanes))] += t.weight
    return {t.name: wall * t.weight / max(lanes) for t in targets}


def run_all(targets, seconds):
    order = sorted(targets, key=lambda t: -seconds[t.name])
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        outcomes = list(pool.map(lambda t: fuzz(t, seconds[t.name]), order))
        if reached.available():
            files = {f for t in targets for f in t.reaches}
            list(pool.map(lambda o: look(o, files), [o for o in outcomes if not o.failed() and o.target.reaches]))
    return sorted(outcomes, key=lambda o: list(targets).index(o.target))


# ---- saying ----

HEAD = ("target", "seconds", "executions", "per second", "edges", "features", "corpus", "lines", "functions")


def row(o):
    cells = [o.target.name, "%.0f" % o.seconds, str(o.executed), "%.0f" % (o.executed / max(o.seconds, 0.001)),
             str(o.edges), str(o.features), "%d, %d KiB" % (len(o.inputs), sum(map(os.path.getsize, o.inputs)) // 1024)]
    if o.reached:
        cells += ["%d of %d, %.0f %%" % (o.reached.lines, o.reached.of_lines, o.reached.percent()),
                  "%d of %d" % o.reached.entered()]
    return cells + ["-"] * (len(HEAD) - len(cells))


def show_failure(o):
    ended = "had to be ended" if o.code is None else f"exit code {o.code}"
    print(f"not ok - fuzz {o.target.name}: {ended}")
    for line in o.output.splitlines()[-60:]:
        print("   " + line)
    for path in WRITTEN.findall(o.output):
        print(f"   the input is kept as {path}")
        print(f"   to see it again: {program(o.target)} {path}")


def show(outcomes):
    print(f"1..{len(outcomes)}")
    for o in outcomes:
        if o.failed():
            show_failure(o)
        else:
            print(f"ok - fuzz {o.target.name}")
    cells = [HEAD] + [row(o) for o in outcomes]
    widths = [max(len(c[i]) for c in cells) for i in range(len(HEAD))]
    for c in cells:
        print("# " + "  ".join(v.ljust(w) for v, w in zip(c, widths)).rstrip())
    left, n = reached.never([o.reached for o in outcomes if o.reached])
    for file, names in left.items():
        print(f"# never entered, of {file}: {', '.join(names)}")
    if n and not left:
        print(f"# all {n} functions of these files were entered")
    if not reached.available():
        print("# lines are not counted: llvm-cov is not installed")


# ---- seeds ----

def keep(t):
    """Replaces the seeds by the fewest inputs that reach the same edges, out of all that there are."""
    if not reached.available():
        sys.exit("run.py: which seeds are few enough is told by llvm-cov, which is not installed")
    with tempfile.TemporaryDirectory(dir=os.path.join(BUILD, "fuzz")) as into:
        subprocess.run(argv(t, "-set_cover_merge=1", "-use_counters=0") + [into] + folders(t), check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = files_in(into)
        if not found:
            sys.exit(f"run.py: {t.name}: nothing is left of its corpus")
        kept = sorted(found, key=os.path.getsize)[:t.seeds]
        for path in found_seeds(t):
            os.unlink(path)
        os.makedirs(seeds(t), exist_ok=True)
        for path in kept:
            shutil.copy(path, os.path.join(seeds(t), os.path.basename(path)[:12]))
    print("%s: %d seeds of %d, %d bytes" % (t.name, len(kept), len(found), sum(map(os.path.getsize, files_in(seeds(t))))))


# ---- main ----

def chosen(names):
    known = dict(TARGETS, planted=PLANTED)
    foreign = [n for n in names if n not in known]
    if foreign:
        sys.exit(f"run.py: no target {foreign[0]}; there are {', '.join(TARGETS)}")
    return [known[n] for n in names] or list(TARGETS.values())


def times(options, targets):
    if options.check or options.wall:
        return shares(targets, CHECK_WALL_S if options.check else options.wall)
    return {t.name: options.seconds for t in targets}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--seconds", type=float, default=600)
    p.add_argument("--wall", type=float)
    p.add_argument("--check", action="store_true")
    p.add_argument("--seeds", action="store_true")
    p.add_argument("targets", nargs="*")
    options = p.parse_args()
    targets = chosen(options.targets)
    build(targets)
    if options.seeds:
        for t in targets:
            keep(t)
        return 0
    outcomes = run_all(targets, times(options, targets))
    show(outcomes)
    return 1 if any(o.failed() for o in outcomes) else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
