#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills controller, agents, runners and virtual phones of a working farm with SIGKILL at random points,
until every state of each was hit and as many kills were made as were asked for; then proves from the
store's files, from what the agents wrote and from what the client was told that nothing was lost and
nothing is there twice. Prints how often each process was killed in which state. What is random comes from
the seed, which is printed: the same seed aims at the same points in the same order, as far as real
processes take the same time."""

import argparse
import collections
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system")]

from fflib import daemon as ff  # noqa: E402
from fflib.agentbox import wait_for  # noqa: E402

import aims  # noqa: E402
from farm import LOST, Farm, Phone, deadline  # noqa: E402
from proof import Proof  # noqa: E402

GOLDEN_CASES = 60


class Patients(Farm):
    """The farm, and the book of what was done to it."""

    def __init__(self, folder, seed):
        super().__init__(folder, random.Random(seed))
        self.kills = collections.Counter()
        self.n_kills = 0

    def furnish(self):
        """This machine, two phones that work, and one that waits for a tap for ever."""
        self.devices.append(Phone(self, "--seed", "1"))
        self.devices.append(Phone(self, "--seed", "2", "--profile", "galaxy-s9"))
        self.devices.append(Phone(self, "--seed", "3", "--auth", "--deny"))
        self.spare = self.devices[2]
        self.begin()
        self.identified()

    def usable(self):
        return [d for d in self.devices if "--deny" not in getattr(d, "options", ())]

    def phones(self):
        return [d for d in self.usable() if d.virtual]

    def strangers(self):
        return [d for d in self.devices if d not in self.usable()]

    def count(self, process, *states):
        self.n_kills += 1
        self.kills.update((process, s) for s in states)

    def nurse(self):
        """An operator who brings back what failed too often."""
        for d in self.usable():
            if self.events.state("device", d.id) == "quarantined":
                try:
                    self.daemon.http("POST", "/api/v1/devices/%s/release" % d.id, b"")
                except LOST:
                    pass

    def submit_golden(self, device):
        def file(name):
            with open(os.path.join(ff.MODELS, name), "rb") as f:
                return self.upload(f.read(), os.path.basename(name))
        case = {"inputs": {"input": file("golden/mobilenet_v1_025/input_0.pb")},
                "outputs": {"probs": file("golden/mobilenet_v1_025/fp32_0.pb")}}
        job = ff.mlp_job(devices={"select": {"id": device.id, "virtual": "any"}}, retries=8,
                         model={"name": "mobilenet", "variants": [
                             {"name": "fp32", "file": file("mobilenet_v1_025_fp32.onnx"),
                              "golden": {"cosine": 0.999, "cases": [case] * GOLDEN_CASES}}]},
                         inputs=[{"name": "input", "file": case["inputs"]["input"]}],
                         measure={"pace_hz": 200, "min_ms": 100, "min_runs": 310})
        return self.client.submit(job)

    def settle(self):
        """Everything ends by itself."""
        bound = deadline(2 * aims.GIVE_UP_S)
        while self.client.waiting.unfinished_tasks or self.unfinished() or \
                not all(self.idle(d) for d in self.usable()) or self.holding():
            self.nurse()
            bound("every job to end: %s are left" % self.unfinished())
            self.turn(0.02)

    def holding(self):
        return any(aims.Attempt(d).dir for d in self.usable())


def rampage(farm, kills, told, only=None):
    """Each aim until it was hit, in a random order; then aims at random."""
    todo, tries = [a for a in aims.aims() if only in (None, a.state)], collections.Counter()
    farm.rng.shuffle(todo)
    every = list(todo)
    while todo or farm.n_kills < kills:
        aim = todo[0] if todo else farm.rng.choice(every)
        try:
            hit = aim.go(farm)
            farm.count(aim.process, *hit)
        except aims.Miss:
            hit = set()
        if todo:
            todo.pop(0)
            tries[aim.process, aim.state] += 1
            if not farm.kills[aim.process, aim.state]:
                if tries[aim.process, aim.state] == aims.TRIES:
                    raise AssertionError("%s was never killed while %s" % (aim.process, aim.state))
                todo.append(aim)
        told(aim, hit)


def table(farm, proof, seconds):
    lines = ["%d kills in %.0f s; daemon started %d times, phones %d times" % (
        farm.n_kills, seconds, farm.starts["controller"], farm.starts["phone"])]
    for process in ("controller", "agent", "runner", "phone"):
        found = sorted((s, n) for (p, s), n in farm.kills.items() if p == process)
        words = ["%s %d" % (s, n) for s, n in found]
        lines.append(process + ":")
        while words:
            line = "   "
            while words and len(line) + len(words[0]) < 100:
                line += " " + words.pop(0) + ("," if words else "")
            lines.append(line)
    if proof:
        n, = proof.control.execute("SELECT count(*) FROM attempts").fetchone()
        lost, = proof.control.execute("SELECT count(*) FROM attempts WHERE failure <> 0").fetchone()
        lines.append("%d jobs accepted, %d requests repeated; %d attempts, %d of them lost to a kill" % (
            len(farm.client.accepted), farm.client.repeats, n, lost))
        lines.append("compared: %(samples)d samples in %(chunks)d chunks, %(facts)d facts, %(iterations)d "
                     "iterations of %(spools)d spools" % proof.n)
    return lines


def processes(farm):
    """An agent for each device, no runner without a run, nothing of the daemon's."""
    bad = []
    for d in farm.usable():
        if len(d.agents()) != 1:
            bad.append("%s has the agents %s" % (d.name, d.agents()))
        if d.runners():
            bad.append("%s has the runners %s" % (d.name, d.runners()))
    return bad


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kills", type=int, default=60, metavar="N", help="at least so many (default: 60)")
    p.add_argument("--seed", type=int, help="of everything random; default: another one each time")
    p.add_argument("--only", metavar="STATE", help="aim at this state alone, for instance 'half sealed'")
    p.add_argument("--keep", action="store_true", help="leave the farm's directory where something failed")
    p.add_argument("--quiet", action="store_true", help="no line for each kill")
    args = p.parse_args()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(1 << 32)
    print("# seed %d; again: make kill N=%d SEED=%d" % (seed, args.kills, seed), flush=True)
    farm = Patients(tempfile.mkdtemp(prefix="ff-kill-"), seed)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    try:
        return examine(farm, args, seed)
    finally:  # also when it is interrupted
        farm.destroy()


def examine(farm, args, seed):
    began, checks, proof = time.monotonic(), [], None

    def told(aim, hit):
        if not args.quiet:
            print("# %4d  %5.1f s  %s, aimed at %s: %s" % (
                farm.n_kills, time.monotonic() - began, aim.process, aim.state,
                ", ".join(sorted(hit)) or "missed"), flush=True)

    def check(what, fn):
        """A check that breaks off is one that failed; those behind it are wanted all the same."""
        try:
            checks.append((what, fn() or []))
        except Exception:
            checks.append((what, traceback.format_exc().splitlines()))

    check("the farm starts", farm.furnish)
    check("every state of every process was hit", lambda: rampage(farm, args.kills, told, args.only))
    check("every job ended by itself", farm.settle)
    check("no process is left behind", lambda: processes(farm))
    check("what is told to end ends", farm.end)
    try:
        proof = Proof(farm)
        checks += proof.all()
    except Exception:
        check("there is a proof", lambda: traceback.format_exc().splitlines())
    for line in table(farm, proof, time.monotonic() - began):
        print("# " + line)
    bad = 0
    for n, (what, complaints) in enumerate(checks, 1):
        print("%sok %d - %s" % ("not " if complaints else "", n, what))
        bad += bool(complaints)
        for c in complaints[:20]:
            print("#   " + c)
    print("1..%d" % len(checks), flush=True)
    if bad and farm.daemon:
        print("\n".join("# | " + line for line in farm.daemon.log_text().splitlines()[-60:]))
    if bad and args.keep:
        kept = farm.dir + ".kept"
        shutil.copytree(farm.dir, kept, symlinks=True, ignore=shutil.ignore_patterns("*.sock", "root"))
        print("# kept: " + kept)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
