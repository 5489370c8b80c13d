# SPDX-License-Identifier: Apache-2.0
"""What must hold once everything has been killed often enough: read from both files of the store, from
what the agents had written, and from what the client was told. Each check gives its complaints."""

import os
import re
import sqlite3
import struct

from fflib import agentproto as ap

ITERATIONS, FACTS, TEXT = ("back_to_back", "paced", "sustained"), 0, 1
RING_BLOCK = struct.Struct("<IIqQQqqq")
FINAL = {4: "completed", 5: "errored", 6: "cancelled"}         # enum job_state
RUN_FINAL = {7: "completed", 8: "errored", 9: "cancelled", 10: "timed out"}
DONE = 5                                                       # enum attempt_state


def open_copy(data, name):
    """Read-only and without locks that would last: the daemon has ended."""
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(data, name), uri=True)
    db.row_factory = sqlite3.Row
    return db


# ---- what agents wrote ----

def whole_frames(path):
    with open(path, "rb") as f:
        return ap.frames(f.read())


def ring_records(path):
    """The iterations that a runner wrote, by block: [(stream, [(time, value)…], [(start, run)…])…]."""
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < 4096 or not data.startswith(b"RING"):
        return []
    head, n_blocks, closed = struct.unpack_from("<QII", data, 16)
    records = list(struct.iter_unpack("<qqq", data[4096:4096 + 24 * head]))
    found = []
    for b in range(n_blocks):
        _, _, period, first, count, _, _, _ = RING_BLOCK.unpack_from(data, 40 + b * RING_BLOCK.size)
        mine = records[first:first + count] if b < closed else records[first:]
        begin = 0 if period else 1
        found.append((3 + 2 * b, [(r[begin], r[2] - r[begin]) for r in mine],
                      [(r[1], r[2] - r[1]) for r in mine] if period else []))
    return found


class Attempt:
    """What was kept of one attempt's spool."""

    def __init__(self, number):
        self.number, self.frames, self.rings, self.ends = number, [], [], []

    def add(self, name, path):
        if name == "frames":
            self.frames.append([ap.chunk(p) for kind, p in whole_frames(path) if kind == ap.CHUNK])
        elif name == "ring":
            self.rings.append(ring_records(path))
        elif name == "end":
            self.ends += [ap.end(p) for kind, p in whole_frames(path) if kind == ap.END]


# ---- the proof ----

class Proof:
    def __init__(self, farm):
        self.farm = farm
        self.control = open_copy(farm.data, "control.db")
        self.samples = open_copy(farm.data, "samples.db")
        self.attempts = {}
        for (_, number, name), paths in sorted(farm.keeper.files.items()):
            kept = self.attempts.setdefault(number, Attempt(number))
            for path in paths:
                kept.add(name, path)
        self.n = dict.fromkeys(("samples", "chunks", "facts", "iterations", "spools"), 0)

    def all(self):
        """(what holds, complaints) for each check."""
        return [
            ("both files of the store are whole", self.integrity()),
            ("no accepted job is lost, and none is there twice", self.jobs()),
            ("each round has one attempt that counts", self.counted()),
            ("everything that agents wrote is in the store, byte for byte", self.written()),
            ("every iteration of every runner is there once", self.iterations()),
            ("a run that passed has as many iterations as its runner counted", self.as_counted()),
            ("what was accepted as a file is there and whole", self.files()),
            ("nothing waits in a spool, and nothing temporary is left", self.leftovers()),
        ]

    def integrity(self):
        return [("%s: %s" % (name, row[0])) for name, db in
                (("control.db", self.control), ("samples.db", self.samples))
                for pragma in ("integrity_check", "foreign_key_check")
                for row in db.execute("PRAGMA " + pragma) if row[0] != "ok"]

    def jobs(self):
        bad, client = [], self.farm.client
        rows = {r["id"]: r for r in self.control.execute("SELECT * FROM jobs")}
        by_key = {}
        for r in rows.values():
            by_key.setdefault(r["idempotency_key"], []).append(r["id"])
        for key, job in client.accepted.items():
            row = rows.get(int(job[1:]))
            if not row or row["idempotency_key"] != key:
                bad.append("job %s (%s) was accepted and is not there" % (job, key))
            elif FINAL.get(row["state"]) != "completed":
                bad.append("job %s: state %d, %s" % (job, row["state"], row["cause"]))
        bad += ["%s made the jobs %s" % (key, jobs) for key, jobs in by_key.items() if len(jobs) > 1]
        return bad

    def counted(self):
        bad = ["run %d: %s, %s" % (r["id"], RUN_FINAL.get(r["state"], r["state"]), r["cause"])
               for r in self.control.execute("SELECT * FROM runs WHERE state <> 7")]
        bad += ["attempt %d has no end" % r["id"]
                for r in self.control.execute("SELECT id FROM attempts WHERE state <> ?", (DONE,))]
        for run in self.control.execute("SELECT id, round FROM runs"):
            got = [r[0] for r in self.control.execute(
                "SELECT round FROM attempts WHERE run = ? AND counted ORDER BY round", (run["id"],))]
            if got != list(range(1, run["round"] + 1)):
                bad.append("run %d of %d rounds: attempts count in rounds %s" % (
                    run["id"], run["round"], got))
        return bad

    # ---- samples ----

    def streams(self, attempt):
        return {(r["boot"] % 2**64, r["stream"]): r for r in self.samples.execute(
            "SELECT * FROM streams WHERE attempt = ?", (attempt,))}

    def written(self):
        bad = []
        live = {r[0] for r in self.control.execute("SELECT id FROM attempts")}
        for a in self.attempts.values():
            if a.number not in live:
                bad.append("attempt %d is not in the store" % a.number)
                continue
            for spool in a.frames:
                self.n["spools"] += 1
                bad += self.spool(a.number, spool)
            bad += self.end(a)
        return bad

    def spool(self, attempt, chunks):
        bad, streams = [], self.streams(attempt)
        last = {}
        for c in chunks:
            key = c["boot"], c["stream"]
            last[key] = c["seq"]
            if key not in streams:
                bad.append("attempt %d: stream %d of boot %x was written and is not stored" % (
                    attempt, c["stream"], c["boot"]))
                return bad
            if c["seq"] > 1 and c["stream"] != FACTS and c["n"]:
                bad += self.chunk(attempt, streams[key]["id"], c)
        for key, seq in last.items():
            if streams[key]["mark"] != seq:
                bad.append("attempt %d: stream %d ends with chunk %d, stored are %d" % (
                    attempt, key[1], seq, streams[key]["mark"]))
        return bad + self.facts(attempt, streams, chunks)

    def chunk(self, attempt, stream, c):
        rows = list(self.samples.execute("SELECT n, data FROM chunks WHERE stream = ? AND seq = ?",
                                         (stream, c["seq"])))
        self.n["chunks"] += 1
        self.n["samples"] += c["n"] if c["stream"] != TEXT else 0
        if len(rows) == 1 and rows[0]["n"] == c["n"] and rows[0]["data"] == c["payload"]:
            return []
        return ["attempt %d: chunk %d of stream %d is stored %d times%s" % (
            attempt, c["seq"], c["stream"], len(rows), ", with other bytes" if rows else "")]

    def facts(self, attempt, streams, chunks):
        wrote, boots = [], set()
        for c in chunks:
            boots.add((c["boot"], FACTS))
            if c["stream"] == FACTS and c["seq"] > 1:
                wrote += [(f["mono_ns"], f["key"]) for f in ap.facts(c["payload"], c["n"])]
        got = []
        for key in boots & set(streams):
            got += [tuple(r) for r in self.samples.execute(
                "SELECT t, key FROM facts WHERE stream = ? ORDER BY id", (streams[key]["id"],))]
        self.n["facts"] += len(wrote)
        return [] if wrote == got else ["attempt %d: %d facts were written, %d are stored" % (
            attempt, len(wrote), len(got))]

    def end(self, a):
        """Of an attempt that has an end, every stream up to the number that stands there."""
        for e in a.ends[-1:]:
            marks = {stream: r["mark"] for (boot, stream), r in self.streams(a.number).items()
                     if boot == e["boot"]}
            if marks != e["streams"]:
                return ["attempt %d: its end says %s, stored is %s" % (a.number, e["streams"], marks)]
        return []

    def series(self, attempt, stream):
        return [p for r in self.samples.execute(
            "SELECT data FROM chunks WHERE stream IN (SELECT id FROM streams WHERE attempt = ? AND"
            " stream = ?) ORDER BY stream, seq", (attempt, stream)) for p in ap.unpack(r["data"])]

    def iterations(self):
        """Against the ring, which the runner wrote: each of its records, in order, and no other."""
        bad = []
        for a in self.attempts.values():
            for ring in a.rings:
                for stream, timed, ran in ring:
                    bad += self.same(a, stream, timed)
                    bad += self.same(a, stream + 1, ran) if ran else []
        names = ",".join("?" * len(ITERATIONS))
        for r in self.samples.execute(
                "SELECT DISTINCT attempt, stream FROM streams WHERE name IN (%s)" % names, ITERATIONS):
            times = [t for t, _ in self.series(r["attempt"], r["stream"])]
            if len(set(times)) != len(times):
                bad.append("attempt %d: stream %d has %d iterations twice" % (
                    r["attempt"], r["stream"], len(times) - len(set(times))))
        return bad

    def same(self, a, stream, wrote):
        """Where the agent's disk failed, what it had taken before."""
        got = self.series(a.number, stream)
        if any(e["outcome"] == ap.STORAGE for e in a.ends) or self.failed_on_storage(a.number):
            wrote = wrote[:len(got)]
        self.n["iterations"] += len(wrote)
        return [] if got == wrote else ["attempt %d: %d iterations of stream %d were measured, %d are stored" % (
            a.number, len(wrote), stream, len(got))]

    def failed_on_storage(self, attempt):
        return self.control.execute("SELECT outcome FROM attempts WHERE id = ?", (attempt,)).fetchone()[0] == ap.STORAGE

    def as_counted(self):
        bad = []
        for r in self.samples.execute(
                "SELECT f.attempt, f.i, f.key FROM facts f WHERE f.key LIKE 'block.%.runs'"):
            name = re.fullmatch(r"block\.(.*)\.runs", r["key"]).group(1)
            n, = self.samples.execute("SELECT coalesce(sum(n_values), -1) FROM streams WHERE attempt = ? AND name = ?",
                                      (r["attempt"], name)).fetchone()
            if n != r["i"]:
                bad.append("attempt %d: its runner counted %d of %s, stored are %d" % (
                    r["attempt"], r["i"], name, n))
        return bad

    # ---- files ----

    def files(self):
        from farm import sha_of
        bad = []
        for sha in self.farm.uploads:
            try:
                with open(os.path.join(self.farm.data, "files", sha[:2], sha), "rb") as f:
                    if sha_of(f.read()) != sha:
                        bad.append("the file %s is damaged" % sha)
            except OSError as e:
                bad.append("a file that was accepted is gone: %s" % e)
        return bad

    def leftovers(self):
        bad = ["attempt %d: the agent may still hold data" % r[0]
               for r in self.control.execute("SELECT id FROM attempts WHERE spool <> 0")]
        for home in [self.farm.data] + [d.home for d in self.farm.devices]:
            for folder, _, names in os.walk(home):
                bad += ["%s is left" % os.path.join(folder, n) for n in names
                        if re.search(r"\.(tmp|part|new)$|^up-", n)]
                if re.search("/(spool|scratch)/[0-9]+$", folder):
                    bad.append("%s is left" % folder)
        return bad
