#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`framefarm backup` while the farm works, and `framefarm restore`, held against each other row by row."""

import json
import os
import shutil
import signal
import sqlite3
import threading
import unittest

from fflib import daemon as ff
from fflib.agentbox import wait_for
from fflib.daemon import Daemon, DaemonTest, mlp_job

TABLES = {"control.db": ["jobs", "runs", "attempts", "devices", "leases", "events", "audit", "pins"],
          "samples.db": ["streams", "chunks", "aged", "facts"]}


def rows(data, name):
    """{table: {id: row}} of a file that no daemon has open."""
    db = sqlite3.connect("file:%s?mode=ro" % os.path.join(data, name), uri=True)
    try:
        return {t: {r[0]: r for r in db.execute("SELECT * FROM " + t)} for t in TABLES[name]}
    finally:
        db.close()


class Backup(DaemonTest):
    def farm(self):
        """A farm with a judged job, which is pinned."""
        d = self.daemon()
        job = json.loads(self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS).stdout)
        self.cli("job", "pin", job["id"], "--reason", "the baseline", check=0)
        return d, job

    def backup(self, where="backup", check=0):
        path = os.path.join(self.dir, where)
        return path, self.cli("backup", path, check=check)

    def restored(self, backup, *options, check=0):
        data = os.path.join(self.dir, "restored")
        return data, self.cli("restore", backup, "--data", data, *options, check=check)

    def serve(self, data):
        d = Daemon(data)
        self.daemons.append(d)
        return d.start()

    def test_what_comes_back_is_what_was_there(self):
        d, job = self.farm()
        run = job["runs"][0]["id"]
        stop = threading.Event()
        submitted = []

        def submit():   # rows and samples are written while the backup is made
            while not stop.is_set():
                r = self.cli("run", self.job_file(mlp_job(), "more.json"), "--async")
                submitted.append(r.returncode)

        crowd = threading.Thread(target=submit)
        crowd.start()
        try:
            wait_for(lambda: len(submitted) > 1, "jobs to be submitted")
            backup, r = self.backup()
        finally:
            stop.set()
            crowd.join()
        self.assertEqual(set(submitted), {0})
        self.assertIn("of backup", r.stderr)
        self.assertEqual(r.stdout.strip(), backup)
        paths = ["/api/v1/jobs/" + job["id"], "/api/v1/runs/" + run,
                 "/api/v1/runs/%s/series?stream=paced&buckets=50" % run]
        before = [d.get(p) for p in paths]
        csv = d.http("GET", "/api/v1/runs/%s/samples?stream=paced" % run).body
        for j in d.get("/api/v1/jobs?state=queued")["jobs"] + d.get("/api/v1/jobs?state=running")["jobs"]:
            self.cli("job", "cancel", j["id"])
        d.stop()

        # Appended tables: what the copy has is what the source has. Of the others, what was over by then.
        for name in TABLES:
            live, copy = rows(self.data, name), rows(backup, name)
            for table in ("chunks", "facts", "events", "audit", "pins"):
                for key, row in copy.get(table, {}).items():
                    self.assertEqual(row, live[table][key])
        self.assertEqual(rows(backup, "control.db")["jobs"][1], rows(self.data, "control.db")["jobs"][1])
        known = set(rows(backup, "control.db")["attempts"])
        self.assertLessEqual({s[1] for s in rows(backup, "samples.db")["streams"].values()}, known)

        data, r = self.restored(backup)
        self.assertIn("framefarm serve --data", r.stderr)
        for name in TABLES:
            self.assertEqual(rows(data, name), rows(backup, name))
        again = self.serve(data)
        for path, was in zip(paths, before):
            got = again.get(path)
            for o in (was, got):    # of each daemon its own address
                for x in [o] + o.get("runs", []):
                    x.pop("url", None)
            self.assertEqual(got, was)
        self.assertEqual(again.http("GET", "/api/v1/runs/%s/samples?stream=paced" % run).body, csv)
        # And it works: ids that the first farm may have given out since are not given again.
        self.data = data
        r = self.cli("run", self.job_file(mlp_job()), "--json", "-", check=ff.PASS)
        attempts = again.get("/api/v1/runs/" + json.loads(r.stdout)["runs"][0]["id"])["attempts"]
        self.assertGreater(int(attempts[0]["id"][1:]), 100000)

    def test_no_secret_is_in_it_and_no_file_that_nobody_needs(self):
        d, job = self.farm()
        self.cli("run", self.job_file(mlp_job(name="other", inputs=[
            {"name": "input", "fill": "normal", "seed": 9}])), check=ff.PASS)
        os.makedirs(os.path.join(self.data, "devices/adb"), exist_ok=True)
        with open(os.path.join(self.data, "devices/adb/addresses"), "w") as f:
            f.write("127.0.0.1:5555\n")
        with open(os.path.join(self.data, "devices/adb/adbkey"), "w") as f:
            f.write("PRIVATE KEY")
        backup, _ = self.backup()
        found = sorted(os.path.relpath(os.path.join(folder, n), backup)
                       for folder, _, names in os.walk(backup) for n in names)
        self.assertEqual(found[:3], ["MANIFEST", "control.db", "devices/adb/addresses"])
        self.assertEqual(len([n for n in found if n.startswith("files/")]), 1)   # of the pinned job
        self.assertEqual(os.stat(backup).st_mode & 0o777, 0o700)
        for name in found:
            with open(os.path.join(backup, name), "rb") as f:
                everything = f.read()
            self.assertNotIn(d.token.encode(), everything)
            self.assertNotIn(b"PRIVATE KEY", everything)
        _, r = self.backup(check=1)     # each gets a directory of its own
        self.assertIn("is not empty", r.stderr)

    def test_a_daemon_killed_in_the_middle_leaves_nothing_that_restores(self):
        d, _ = self.farm()
        os.mkfifo(os.path.join(self.data, "runtimes.json"))     # whoever copies it waits
        path = os.path.join(self.dir, "backup")
        a = d.http("POST", "/api/v1/backup", json.dumps({"dir": path}).encode(),
                   {"Content-Type": "application/json"})
        self.assertEqual(a.status, 202)
        wait_for(lambda: os.path.isdir(os.path.join(path, "files")), "the uploads to be copied")
        d.kill(signal.SIGKILL)
        self.assertTrue(os.path.exists(os.path.join(path, "samples.db")))
        data, r = self.restored(path, check=1)
        self.assertIn("no MANIFEST", r.stderr)
        self.assertFalse(os.path.exists(data))

    def test_a_damaged_backup_is_refused_by_the_file_s_name(self):
        self.farm()
        backup, _ = self.backup()
        names = [os.path.relpath(os.path.join(folder, n), backup)
                 for folder, _, ns in os.walk(backup) for n in ns]
        self.assertGreaterEqual(len(names), 4)
        for name in names:
            path = os.path.join(backup, name)
            os.chmod(path, 0o600)
            with open(path, "r+b") as f:
                whole = f.read()
                f.seek(len(whole) // 2)
                f.write(bytes([whole[len(whole) // 2] ^ 1]))
            data, r = self.restored(backup, check=1)
            self.assertIn("the backup is damaged", r.stderr)
            self.assertIn(name, r.stderr)
            self.assertFalse(os.path.exists(data))
            with open(path, "wb") as f:
                f.write(whole[:-1])     # cut by a byte
            _, r = self.restored(backup, check=1)
            self.assertIn(name, r.stderr)
            os.unlink(path)
            _, r = self.restored(backup, check=1)
            self.assertIn(name, r.stderr)
            with open(path, "wb") as f:
                f.write(whole)
        self.restored(backup)

    def test_a_store_is_checked_as_a_whole(self):
        d, _ = self.farm()
        self.assertIn("samples.db is whole", self.cli("store", "check", check=0).stdout)   # at work
        d.stop()
        path = os.path.join(self.data, "samples.db")
        with open(path, "r+b") as f:
            f.seek(os.path.getsize(path) // 2)
            f.write(b"\xa5" * 1024)
        r = self.cli("store", "check", check=1)
        self.assertIn("control.db is whole", r.stdout)
        self.assertIn("samples.db", r.stderr)

    def test_nothing_is_overwritten(self):
        d, job = self.farm()
        backup, _ = self.backup()
        r = self.cli("restore", backup, "--data", self.data, "--replace", check=1)
        self.assertIn("another framefarm (pid %d)" % d.process.pid, r.stderr)
        d.stop()
        r = self.cli("restore", backup, "--data", self.data, check=1)
        self.assertIn("--replace", r.stderr)
        before = rows(self.data, "control.db")
        r = self.cli("restore", backup, "--data", self.data, "--replace", check=0)
        aside = [n for n in os.listdir(self.data) if n.startswith("replaced-")]
        self.assertEqual(len(aside), 1)
        self.assertEqual(rows(os.path.join(self.data, aside[0]), "control.db"), before)
        with open(os.path.join(self.data, "admin.token")) as f:
            token = f.read().strip()    # of the directory, and it stays
        again = self.daemon()
        self.assertEqual(again.token, token)
        self.assertEqual(again.get("/api/v1/jobs/" + job["id"])["pinned"]["reason"], "the baseline")
        self.cli("restore", backup, check=2)

    def test_a_newer_backup_is_refused(self):
        self.farm()
        backup, _ = self.backup()
        shutil.copy(os.path.join(backup, "MANIFEST"), os.path.join(self.dir, "kept"))
        with open(os.path.join(backup, "MANIFEST"), "r+") as f:
            f.write("framefarm.backup/2")
        _, r = self.restored(backup, check=1)
        self.assertIn("newer framefarm", r.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
