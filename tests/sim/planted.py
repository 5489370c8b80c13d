#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants bugs and sees the simulation catch them.

    planted.py [NAME…]      all of tests/sim/planted/*.plants, or those named

A plant is written as in a list of tests/mutate.py, its first line is `name: what should catch it`, an
invariant or several with `|` between them. The sources that it changes are compiled from a patched copy
and linked before the libraries, so the tree and what is built of it stay as they are. Then seeds are lived
until one breaks. What caught it is printed, with the seeds and steps it took; TAP, for make check: a plant
that nothing catches fails, as does one whose text stands in its file no more, and at the end each invariant
of check.c and the oracle that no plant is for.
"""

import concurrent.futures
import glob
import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import mutate  # noqa: E402

BUILD = os.environ.get("FRAMEFARM_BUILD") or "build"
ROOT = os.path.join(BUILD, "planted")
JOBS = 2
SEEDS, STEPS = 400, 3000
CPU_S = 60              # for what makes a life hang; nothing else gets there
PATIENCE_S = 900        # the same, on a machine that others use too
SOURCES = ("controller/core/check.c", "tests/sim/oracle.c", "tests/sim/world.c", "tests/sim/people.c",
           "tests/sim/perform.c", "tests/sim/life.c")
# What no bug of the controller's can break: they are about the simulation itself.
OF_THE_SIMULATION = ("something is always awaited", "no transaction is wrong in itself",
                     "what is not there cannot be cancelled")
# Second nets: what breaks them breaks another, which is held sooner.
SECOND_NETS = ("every attempt ends", "every job ends", "every lease of a job ends", "no accepted job is lost",
               "no run holds a dead attempt")


def made(what):
    done = subprocess.run(["make", "-s", f"B={BUILD}", what], check=True, stdout=subprocess.PIPE, text=True)
    return shlex.split(done.stdout)


def patch(edits, folder):
    """Writes the patched copies; returns their paths, or None when the text is not there once."""
    texts = {}
    for path, old, new in edits:
        text = texts.get(path) or mutate.text_of(path)
        if text.count(old) != 1:
            return None
        texts[path] = text.replace(old, new)
    os.makedirs(folder, exist_ok=True)
    for path, text in texts.items():
        with open(os.path.join(folder, os.path.basename(path)), "w", encoding="utf-8") as f:
            f.write(text)
    return [os.path.join(folder, os.path.basename(p)) for p in texts]


def build(sources, program, compiler, link):
    objects = []
    for source in sources:
        objects.append(source[:-2] + ".o")
        done = subprocess.run([*compiler, "-O1", "-w", "-c", source, "-o", objects[-1]], check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            return done.stdout
    done = subprocess.run([compiler[0], "-o", program, *objects, *link], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode else None


def live(program):
    """(what broke or None, seeds, steps)"""
    argv = ["sh", "-c", f'ulimit -t {CPU_S}; exec "$@"', "sh", program, "--seeds", str(SEEDS), "--steps", str(STEPS), "--jobs", "1"]
    try:
        done = subprocess.run(argv, check=False, timeout=PATIENCE_S, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, errors="replace")
    except subprocess.TimeoutExpired:
        return None, 0, 0
    where = re.search(r"^sim: seed (\d+), step (-?\d+)", done.stderr, re.M)
    if not where:
        return None, SEEDS, SEEDS * STEPS
    seeds = int(where.group(1))
    first = next((line for line in done.stderr.splitlines()
                  if re.search(r"invariant broken|Assertion", line)), "")
    what = re.sub(r"^invariant broken: ", "", first) or re.search(r"ended by .*", done.stderr).group()
    return what, seeds, (seeds - 1) * STEPS + int(where.group(2))


def try_one(name, edits, compiler, link):
    folder = os.path.join(ROOT, name)
    sources = patch(edits, folder)
    if not sources:
        return name, "its text is not in the tree any more", 0, 0
    program = os.path.join(folder, "sim")
    trouble = build(sources, program, compiler, link)
    if trouble:
        return name, "does not build\n" + trouble, 0, 0
    what, seeds, steps = live(program)
    os.unlink(program)
    return name, what, seeds, steps


def invariants():
    """The texts by which an invariant says that it is broken, up to the first thing that varies."""
    found = set()
    for path in SOURCES:
        text = re.sub(r"^#define(?:.*\\\n)*.*\n", "", mutate.text_of(path), flags=re.M)
        for call in re.findall(r"\b(?:MUST\w*|sim_panic|fprintf)\([^;]*;", text):
            said = re.findall(r'"([a-z][^"%]*)', call)
            if said and (not call.startswith("fprintf") or said[0].startswith("invariant broken: ")):
                said = said[0].removeprefix("invariant broken: ")
                found.add(re.split(r": |: *$", said)[0].strip())
    return {f for f in found if f not in OF_THE_SIMULATION + SECOND_NETS}


def read():
    plants = []
    for path in sorted(glob.glob("tests/sim/planted/*.plants")):
        for _, head, edits in mutate.read(path):
            name, _, by = head.partition(": ")
            plants.append((name, by.split("|"), edits))
    return plants


def report(number, result, by):
    name, what, seeds, steps = result
    caught = bool(steps or seeds) and what is not None and (seeds < SEEDS or steps < SEEDS * STEPS)
    as_thought = caught and any(b in what for b in by)
    text = f"caught by \"{what}\"" if caught else (what or "NOTHING CATCHES IT")
    print(f"{'ok' if caught else 'not ok'} {number} - planted {name}: {text}"
          f"{f' after {seeds} seeds, {steps} steps' if caught else ''}"
          f"{'' if as_thought or not caught else ' (thought of: ' + ' or '.join(by) + ')'}", flush=True)
    return caught, what


def main(names):
    plants = [p for p in read() if not names or p[0] in names]
    compiler, link = made("sim-compiler"), made("sim-link")
    print(f"1..{len(plants) + (0 if names else 1)}")
    n_caught, seen = 0, []
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        runs = pool.map(lambda p: try_one(p[0], p[2], compiler, link), plants)
        for number, (result, plant) in enumerate(zip(runs, plants), 1):
            caught, what = report(number, result, plant[1])
            n_caught += caught
            seen.append(what or "")
    if names:
        return
    bare = sorted(i for i in invariants()
                  if not any(i in what for what in seen) and not any(i in b for p in plants for b in p[1]))
    unseen = sorted(i for i in invariants() if not any(i in what for what in seen))
    for i in unseen:
        print(f"# broken by no plant: {i}")
    print(f"{'not ok' if bare else 'ok'} {len(plants) + 1} - each invariant has a plant"
          + (f": none for {', '.join(bare)}" if bare else ""))
    print(f"# {n_caught} of {len(plants)} planted bugs were caught, by {len(invariants()) - len(unseen)} of "
          f"{len(invariants())} invariants")


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    main(sys.argv[1:])
