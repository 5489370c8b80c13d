#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ADB driver's speed beside the stock client's, on the same phone, interleaved: one of ours, one of
theirs, and the median of the pairs' ratios.

    bench_adb.py [--rounds N] [--small] [--check] [--no-aosp] [--no-bad]

What is compared:
  push, pull      50 MB of random bytes, a new name each time, the same directory; the rate that each
                  reports itself, which leaves out how a process begins. A client that can compress
                  is told not to (-Z), which is its faster way here.
  push a tree     1 000 files of 2 to 4 KiB, the time of the whole process; ours connects in it, theirs
                  has a server that is connected already.
  shell           `true`, one behind the other: ours in one session, theirs a process a command, as
                  there is no other way to ask it. Most of theirs is the process.
  stat            answers of sync, one behind the other; the stock client has no such command.
The rows with "what ours may use" have delayed acknowledgement, or compress a file that can be, where the
stock client is as Debian ships it (it compresses too, and has delayed acknowledgement off). Then, for a
misbehaving phone's cost: two pulls at once in one process, with and without a third phone beside them
that stalls, is slow, or floods; what is compared there is our own rate.

The phone's storage and the host's files lie in memory. The end is 0 whatever the ratios are, with --check
1 when one misses its target."""

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "system"))
from fflib import aosp
from fflib.agentbox import BUILD
from fflib.phone import ADB, Adb, Phones
from table import Table

OURS = os.path.abspath(os.path.join(BUILD, "tests/bench/bench_adb"))
REPLAY = os.path.abspath(os.path.join(BUILD, "tests/bench/replay"))
MB = 1000 * 1000
TARGET, BAD_TARGET = 1.5, 0.9


def run(argv, **more):
    t0 = time.monotonic()
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, **more)
    seconds = time.monotonic() - t0
    if done.returncode:
        raise RuntimeError("%s: %s%s" % (" ".join(argv), done.stdout, done.stderr))
    return seconds, done.stdout + done.stderr


def ours(*args):
    """Seconds of the process, and of each session with its bytes and answers."""
    seconds, out = run([OURS, *args])
    lines = [line.split() for line in out.splitlines()]
    return seconds, [(float(s), int(n), int(k)) for s, n, k in lines]


def uncompressed():
    """What keeps the stock client from compressing; those before 31 cannot compress."""
    text = subprocess.run([ADB, "help"], capture_output=True, text=True, check=False)
    return ["-Z"] if " -Z:" in text.stdout + text.stderr else []


def write_random(path, size, seed):
    with open(path, "wb") as f:
        f.write(random.Random(seed).randbytes(size))


def write_text(path, size, seed):
    """What a compressor makes a quarter of: lines of a log."""
    r = random.Random(seed)
    words = ["%x" % r.getrandbits(20) for _ in range(3000)]
    with open(path, "w", encoding="ascii") as f:
        n = 0
        while n < size:
            n += f.write("%d I %s: %s\n" % (n, r.choice(words), " ".join(r.choices(words, k=9))))


class Bench:
    def __init__(self, options, folder, where, address, phone_dir, table):
        self.options, self.folder, self.where = options, folder, where
        self.address, self.dir, self.table = address, phone_dir, table
        self.adb = Adb(folder)
        self.n = 0
        self.adb.connect(address)
        self.adb.out("shell", "mkdir -p " + phone_dir)

    def name(self, kind):
        self.n += 1
        return "%s%d" % (kind, self.n)

    def peer(self, *args):
        """Process time, and the rate that it reports, in bytes a second."""
        seconds, out = run([ADB, "-s", self.address, *args], env=self.adb.env)
        m = re.search(r"\((\d+) bytes in ([0-9.]+)s\)", out)
        return seconds, int(m.group(1)) / float(m.group(2)) if m and float(m.group(2)) else 0

    def forget(self):
        """What was pushed takes memory, and would fill it."""
        self.adb.out("shell", "rm -rf %s/*" % self.dir)

    def pairs(self, what, ours_fn, peer_fn, unit, note="", target=TARGET):
        """Each gives units a second."""
        got = []
        for i in range(self.options.rounds):
            sides = [ours_fn, peer_fn] if i % 2 else [peer_fn, ours_fn]
            rates = {fn: fn() for fn in sides}
            got.append((rates[ours_fn], rates[peer_fn]))
            self.forget()
        self.table.add(what, statistics.median(g[0] for g in got),
                       statistics.median(g[1] for g in got),
                       statistics.median(g[0] / g[1] for g in got), unit, target,
                       " ".join(filter(None, (self.where, note))))

    # ---- one file ----

    def push_ours(self, path, *options):
        _, ((s, n, _),) = ours(*options, self.address, "push", path, self.dir + "/" + self.name("o"))
        return n / s / MB

    def push_peer(self, path, *options):
        rate = self.peer("push", *options, path, self.dir + "/" + self.name("p"))[1]
        return rate / MB

    def pull_ours(self, path, *options):
        to = os.path.join(self.folder, self.name("o"))
        _, ((s, n, _),) = ours(*options, self.address, "pull", path, to)
        os.unlink(to)
        return n / s / MB

    def pull_peer(self, path, *options):
        to = os.path.join(self.folder, self.name("p"))
        rate = self.peer("pull", *options, path, to)[1]
        os.unlink(to)
        return rate / MB

    # ---- a tree ----

    def tree_ours(self, tree, n, *options):
        return n / ours(*options, self.address, "pushtree", tree, self.dir + "/" + self.name("o"))[0]

    def tree_peer(self, tree, n, *options):
        return n / self.peer("push", *options, tree, self.dir + "/" + self.name("p"))[0]

    # ---- round trips ----

    def trips_ours(self, what, n):
        _, ((s, _, k),) = ours(self.address, what, str(n), "-")
        return k / s

    def trips_peer(self, n):
        return n / sum(self.peer("shell", "true")[0] for _ in range(n))

    def all(self, files, delayed):
        noise, text, tree, n = files
        kept = self.dir + "-kept"
        self.adb.out("shell", "mkdir -p " + kept)
        self.adb.out("push", noise, kept + "/noise")
        self.adb.out("push", text, kept + "/text")
        size = "%d MB" % (os.path.getsize(noise) // MB)
        plain = uncompressed()
        count = "push %d small files" % n

        self.pairs("push " + size, lambda: self.push_ours(noise), lambda: self.push_peer(noise, *plain), "MB/s")
        self.pairs("pull " + size, lambda: self.pull_ours(kept + "/noise"),
                   lambda: self.pull_peer(kept + "/noise", *plain), "MB/s")
        self.pairs(count, lambda: self.tree_ours(tree, n), lambda: self.tree_peer(tree, n, *plain), "files/s")
        if delayed:
            self.pairs("push " + size, lambda: self.push_ours(noise, "-d"),
                       lambda: self.push_peer(noise, *plain), "MB/s", "delayed ack", None)
            self.pairs("pull " + size, lambda: self.pull_ours(kept + "/noise", "-d"),
                       lambda: self.pull_peer(kept + "/noise", *plain), "MB/s", "delayed ack", None)
            self.pairs(count, lambda: self.tree_ours(tree, n, "-d"),
                       lambda: self.tree_peer(tree, n, *plain), "files/s", "delayed ack", None)
        self.pairs("push " + size, lambda: self.push_ours(text, "-z", "lz4"),
                   lambda: self.push_peer(text), "MB/s", "text, compressed", None)
        self.pairs("pull " + size, lambda: self.pull_ours(kept + "/text", "-z", "lz4"),
                   lambda: self.pull_peer(kept + "/text"), "MB/s", "text, compressed", None)
        trips = 20 if self.options.small else 100
        self.pairs("shell true", lambda: self.trips_ours("shell", trips),
                   lambda: self.trips_peer(trips // 5), "1/s", "one session : processes", None)
        rates = [self.trips_ours("stat", 10 * trips) for _ in range(self.options.rounds)]
        self.table.add("stat", statistics.median(rates), None, None, "1/s", None, self.where)
        self.adb.out("shell", "rm -rf " + kept)

    def stop(self):
        self.adb.stop()


# ---- what a misbehaving phone costs the others ----

def bad_phones(folder):
    """(name, address, what is done with it, what ends it)"""
    slow = Phones(folder, "--quirk", "slow-ack=200")
    return [("is slow", slow.addresses[0], slow.stop), replayed("stalls", "--stall"),
            replayed("floods", "--flood")]


def replayed(name, option):
    """Politely, since a real phone brings its own processor."""
    child = subprocess.Popen(["nice", "-n", "19", REPLAY, option], stdout=subprocess.PIPE, text=True)
    address = child.stdout.readline().split()[1]

    def end():
        child.kill()
        child.wait()
        child.stdout.close()
    return name, address, end


def cost_of_bad(options, folder, noise, table):
    """Two pulls at once in one process, alone and beside the bad one; the rate of the slower."""
    good = [Phones(folder) for _ in range(2)]
    bad = bad_phones(folder)
    adb = Adb(folder)
    try:
        for phone in good:
            adb.connect(phone.addresses[0])
            adb.out("push", noise, "/data/local/tmp/noise")
        to = [os.path.join(folder, "pulled%d" % i) for i in range(2)]
        pulls = []
        for phone, path in zip(good, to):
            pulls += ["and"] * bool(pulls) + [phone.addresses[0], "pull", "/data/local/tmp/noise", path]

        def rate(*beside):
            return min(n / s for s, n, _ in ours(*pulls, *beside)[1]) / MB

        for name, address, _ in bad:
            got = []
            for i in range(options.rounds * 2):
                beside = ("beside", address, "push", noise, "/data/local/tmp/bad")
                sides = [(), beside] if i % 2 else [beside, ()]
                rates = {len(b): rate(*b) for b in sides}
                got.append((rates[5], rates[0]))
            table.add("2 pulls, a third " + name, statistics.median(g[0] for g in got),
                      statistics.median(g[1] for g in got),
                      statistics.median(g[0] / g[1] for g in got), "MB/s", BAD_TARGET, "against without it")
    finally:
        adb.stop()
        for phone in good:
            phone.stop()
        for _, _, end in bad:
            end()


def make_files(folder, small):
    noise, text, tree = (os.path.join(folder, n) for n in ("noise", "text", "tree"))
    size, n = (5 * MB, 100) if small else (50 * MB, 1000)
    write_random(noise, size, 1)
    write_text(text, size, 2)
    os.mkdir(tree)
    for i in range(n):
        write_random(os.path.join(tree, "file%d" % i), 2048 + i * 2048 // n, i)
    return noise, text, tree, n


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--small", action="store_true", help="a tenth of everything")
    p.add_argument("--check", action="store_true", help="end with 1 when a target is missed")
    p.add_argument("--no-aosp", action="store_true")
    p.add_argument("--no-bad", action="store_true", help="nothing of misbehaving phones")
    p.add_argument("--only-bad", action="store_true")
    options = p.parse_args()
    if not ADB:
        print("bench_adb: skipped: there is no adb to compare with")
        return 0
    table = Table("adb", "ours", "peer")
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="ff-bench-", dir=memory)
    os.chmod(folder, 0o711)  # the phone is an ordinary user
    shared = os.path.join(folder, "phones")
    os.mkdir(shared)
    os.chmod(shared, 0o1777)
    try:
        files = make_files(folder, options.small)
        if options.only_bad:
            cost_of_bad(options, shared, files[0], table)
            return 0
        phone = Phones(shared, "--quirk", "delayed-ack")
        bench = Bench(options, folder, "virtual phone", phone.addresses[0], "/data/local/tmp/bench", table)
        try:
            bench.all(files, delayed=True)
        finally:
            bench.stop()
            phone.stop()
        why = "not asked for" if options.no_aosp else aosp.why_not()
        if why:
            print("bench_adb: AOSP's adbd is left out: " + why)
        else:
            data = os.path.join(folder, "adbd")
            os.mkdir(data)
            daemon = aosp.Aosp(data).start()
            bench = Bench(options, folder, "AOSP's adbd", daemon.address, "/data/local/tmp/bench", table)
            try:
                bench.all(files, delayed=False)
            finally:
                bench.stop()
                daemon.stop()
        if not options.no_bad:
            cost_of_bad(options, shared, files[0], table)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table.show()
    return 1 if options.check and table.missed() else 0


if __name__ == "__main__":
    sys.exit(main())
