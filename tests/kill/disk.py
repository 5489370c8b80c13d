#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A full disk and a disk that fails, under the store, the uploads and an agent's spool. While it is bad
whoever asks is told what to do, and what measures goes on and keeps what it has; when it is good again
everything goes on by itself, and the same is proved as behind the kills. The disk is a real small one where
this may mount, and otherwise faultdisk.c in front of libc."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "../system")]

from fflib.agentbox import BUILD, wait_for  # noqa: E402
from fflib.phone import ADB, Adb  # noqa: E402

import faults  # noqa: E402
from farm import Attempt, Phone, sha_of, until  # noqa: E402
from kill import Patients, processes  # noqa: E402
from proof import Proof  # noqa: E402

SEED = int(os.environ.get("FRAMEFARM_SEED", "1"))
LONG = {"min_ms": 1200, "max_ms": 10000, "min_runs": 1000, "max_runs": 100000}
IN_A_NAMESPACE = "FRAMEFARM_KILL_MOUNTS"
DISK_MB = 400  # a device needs 256 to be free


class DiskTest(unittest.TestCase):
    def farm(self, phone=(), agent=None, data_on=None):
        """This machine as the only device, and one phone where options are given for it."""
        folder = tempfile.mkdtemp(prefix="ff-disk-")
        f = self.f = Patients(folder, SEED)
        self.addCleanup(f.destroy)
        if data_on:
            data_on(f)
        if agent:
            shutil.copy(agent, os.path.join(f.tools, "framefarm-agent"))
        if phone:
            f.devices.append(Phone(f, *phone))
        f.begin()
        f.identified()
        return f

    def start_job(self, device=0, **measure):
        """It measures when this returns."""
        device = self.f.devices[device]
        key = self.f.submit(device, **dict(LONG, **measure))
        wait_for(lambda: (Attempt(device).ring() or (0,))[0] > 50, "a model to be timed")
        return key

    def problem(self, method, path, body=b"", **headers):
        a = self.f.daemon.http(method, path, body, headers)
        return a.status, (a.json if a.body else {})

    def not_ready(self):
        """What /readyz says, once it is not well."""
        def look():
            a = self.f.daemon.http("GET", "/readyz")
            return a.json if a.status == 503 else None
        return until(look, "/readyz to say that something is wrong")

    def is_ready(self):
        until(lambda: self.f.daemon.http("GET", "/readyz").status == 200, "/readyz to be well again")

    def said(self, word):
        return [x for x in self.f.daemon.log_text().splitlines() if word in x]

    def retried(self, times=3):
        """The bad disk was tried so often."""
        _, hits, _ = self.f.faults.counts()
        wait_for(lambda: self.f.faults.counts()[1] >= hits + times, "further tries")

    def measures_on(self, device=0):
        """The device does not wait for the disk of the daemon: it goes on, or has measured to its end by now."""
        device = self.f.devices[device]
        over = (1 << 60,)
        before = (Attempt(device).ring() or over)[0]
        wait_for(lambda: (Attempt(device).ring() or over)[0] > min(before + 100, over[0] - 1), "more iterations")

    def prove(self, kept=True):
        self.f.settle()
        self.assertEqual(processes(self.f), [])
        self.f.end()
        p = Proof(self.f)
        for what, complaints in p.all():
            self.assertEqual(complaints, [], what)
        if kept:
            self.assertGreater(p.n["iterations"], 0)
        return p

    def attempts(self):
        return [tuple(r) for r in Proof(self.f).control.execute("SELECT failure, counted, cause FROM attempts ORDER BY id")]


class Store(DiskTest):
    """Under control.db and samples.db."""

    def bad_control(self, mode, *words, **how):
        f = self.farm()
        self.start_job()
        f.faults.set(mode, os.path.join(f.data, "control.db"), **how)
        f.submit(f.devices[0])  # its answer waits
        said = self.not_ready()
        for word in words:
            self.assertIn(word, said["detail"])
        status, told = self.problem("POST", "/api/v1/jobs", f.client.body, **{
            "Idempotency-Key": "other", "Content-Type": "application/json"})
        self.assertEqual((status, told["type"].rpartition(":")[2]), (503, "store-unavailable"))
        self.assertIn("nothing was changed, try again", told["detail"])
        self.measures_on()
        self.retried()
        said = self.said("event=store_failed")
        self.assertEqual(len(said), 1, said)
        f.faults.off()
        self.is_ready()
        self.assertEqual(len(self.said("event=store_recovered")), 1)
        self.prove()
        self.assertEqual([a[:2] for a in self.attempts()], [(0, 1)] * len(self.attempts()))

    def test_rows_cannot_be_written(self):
        self.bad_control(faults.FAIL_IO, "disk I/O error", ops=faults.WRITE)

    def test_rows_cannot_be_synced(self):
        self.bad_control(faults.FAIL_IO, "disk I/O error", ops=faults.SYNC)

    def test_there_is_no_room_for_rows(self):
        self.bad_control(faults.FAIL_SPACE, "free some space", ops=faults.WRITE)

    def test_rows_are_written_in_part(self):
        self.bad_control(faults.FAIL_SPACE, "free some space", ops=faults.WRITE, partial=500)

    def bad_samples(self, mode, *words, **how):
        f = self.farm()
        f.faults.set(mode, os.path.join(f.data, "samples.db"), **how)
        self.start_job()
        said = self.not_ready()
        for word in words:
            self.assertIn(word, said["detail"])
        self.measures_on()
        self.retried()
        said = self.said("event=samples_failed")
        self.assertEqual(len(said), 1, said)
        self.assertGreater(os.path.getsize(os.path.join(Attempt(f.devices[0]).dir, "frames")), 0)
        f.faults.off()
        self.is_ready()
        self.assertEqual(len(self.said("event=samples_recovered")), 1)
        self.prove()
        self.assertEqual([a[:2] for a in self.attempts()], [(0, 1)])

    def test_samples_cannot_be_written(self):
        self.bad_samples(faults.FAIL_IO, "disk I/O error", ops=faults.WRITE)

    def test_samples_cannot_be_synced(self):
        self.bad_samples(faults.FAIL_IO, "disk I/O error", ops=faults.SYNC)

    def test_there_is_no_room_for_samples(self):
        self.bad_samples(faults.FAIL_SPACE, "free some space", ops=faults.WRITE)

    def test_now_and_then_something_fails(self):
        """Each few calls, of every kind, in both files: nothing is lost and nothing is there twice."""
        f = self.farm()
        for _ in range(4):
            f.faults.set(f.rng.choice((faults.FAIL_IO, faults.FAIL_SPACE)), f.data + "/",
                         after=f.rng.randrange(5), every=f.rng.randrange(12, 40),
                         partial=f.rng.randrange(1000))

            def failed_often():
                f.nurse()   # the device's own files are among them: failing thrice quarantines it
                if len(f.unfinished()) + f.client.waiting.unfinished_tasks < 2:
                    f.submit(f.devices[0])
                return f.faults.counts()[1] >= 4
            wait_for(failed_often, "faults")
        f.faults.off()
        self.prove()

    def test_a_daemon_that_cannot_write_at_its_start_says_so_and_starts_later(self):
        f = self.farm()
        self.start_job()
        f.daemon.kill()
        f.is_up.clear()
        for name in ("lock", "control.db", "samples.db"):
            f.faults.set(faults.FAIL_SPACE, os.path.join(f.data, name), ops=faults.WRITE | faults.CREATE)
            before = len(f.daemon.log_text())
            d = f.spawn()
            wait_for(lambda d=d: d.process.poll() is not None or os.path.exists(d.url_file()), name)
            if d.process.poll() is None:  # it needed no byte of this one
                self.assertNotEqual(name, "lock")
                d.kill()
                continue
            self.assertEqual(d.process.returncode, 1)
            self.assertRegex(d.log_text()[before:], "(?i)space|full")
        f.faults.off()
        f.start()
        self.prove()


class Uploads(DiskTest):
    """Under DATA/files."""

    def bad_upload(self, mode, ops, status, *words, **how):
        f = self.farm()
        data = f.rng.randbytes(1 << 20)
        path = "/api/v1/files/" + sha_of(data)
        f.faults.set(mode, os.path.join(f.data, "files"), ops=ops, **how)
        got, told = self.problem("PUT", path, data)
        self.assertEqual(got, status, told)
        for word in ("send it again", *words):
            self.assertIn(word, told["detail"])
        self.assertEqual(self.problem("HEAD", path, None)[0], 404)
        self.assertEqual(os.listdir(os.path.join(f.data, "files/tmp")), [], "nothing of it stays")
        f.faults.off()
        self.assertEqual(self.problem("PUT", path, data)[0], 201)
        f.uploads.append(sha_of(data))
        self.start_job(min_ms=320, max_ms=1000, min_runs=320)
        self.prove()

    def test_one_that_cannot_be_written(self):
        self.bad_upload(faults.FAIL_IO, faults.WRITE, 503, "see to the disk", "Input/output error")

    def test_one_for_which_there_is_no_room(self):
        self.bad_upload(faults.FAIL_SPACE, faults.WRITE, 507, "make room", partial=300)

    def test_one_that_cannot_be_begun(self):
        self.bad_upload(faults.FAIL_SPACE, faults.CREATE, 507, "make room")

    def test_one_that_cannot_be_synced(self):
        self.bad_upload(faults.FAIL_IO, faults.SYNC, 503, "see to the disk")

    def test_one_that_cannot_get_its_name(self):
        self.bad_upload(faults.FAIL_SPACE, faults.RENAME, 507, "make room")

    def test_its_room_is_given_back(self):
        """Failed uploads do not use up the quota."""
        f = self.farm()
        f.daemon.stop()
        f.options = ["--files-max", "3MiB"]
        f.start()
        f.faults.set(faults.FAIL_IO, os.path.join(f.data, "files"), ops=faults.WRITE, after=3)
        data = f.rng.randbytes(2 << 20)
        for _ in range(4):
            self.assertEqual(self.problem("PUT", "/api/v1/files/" + sha_of(data), data)[0], 503)
        f.faults.off()
        self.assertEqual(self.problem("PUT", "/api/v1/files/" + sha_of(data), data)[0], 201)
        self.start_job(min_ms=320, max_ms=1000, min_runs=320)
        self.prove()


class Spool(DiskTest):
    """Under an agent's directory."""
    AGENT = os.path.join(BUILD, "tests", "framefarm-agent-faults")

    def setUp(self):
        def beside(f):
            os.makedirs(os.path.join(f.data, "devices/local"), mode=0o700)
            self.switch = faults.Faults(os.path.join(f.data, "devices/local/faults"))
            self.addCleanup(self.switch.close)
        self.beside = beside

    def spool_farm(self):
        return self.farm(agent=self.AGENT, data_on=self.beside)

    def where(self, name=""):
        return os.path.join(self.f.devices[0].home, "spool", name)

    def bad_spool(self, mode, ops, name="", **how):
        f = self.spool_farm()
        self.start_job()
        number = Attempt(f.devices[0]).number
        self.switch.set(mode, self.where(name and "%d/%s" % (number, name)), ops, **how)
        wait_for(lambda: self.switch.counts()[1], "the disk to fail")
        until(lambda: any(a["cause"] for a in self.run_attempts()), "the attempt to be given up")
        self.switch.off()
        p = self.prove()
        causes = self.attempts()
        self.assertEqual([a[:2] for a in causes][-1], (0, 1))
        self.assertEqual((causes[0][0], causes[0][1]), (1, 0))
        return causes[0][2], p

    def run_attempts(self):
        job = list(self.f.client.accepted.values())[0]
        run = self.f.daemon.get("/api/v1/jobs/" + job)["runs"][0]["id"]
        return self.f.daemon.get("/api/v1/runs/" + run)["attempts"]

    def test_chunks_cannot_be_written(self):
        cause, _ = self.bad_spool(faults.FAIL_IO, faults.WRITE, "frames")
        self.assertIn("could not be written: ", cause)

    def test_there_is_no_room_for_chunks(self):
        cause, _ = self.bad_spool(faults.FAIL_SPACE, faults.WRITE, "frames", partial=500)
        self.assertIn("No space left on device", cause)

    def test_chunks_cannot_be_synced(self):
        self.bad_spool(faults.FAIL_IO, faults.SYNC, "frames")

    def test_nothing_can_be_written_for_a_while(self):
        self.bad_spool(faults.FAIL_SPACE, faults.EVERY)

    def test_the_end_cannot_be_written(self):
        """It has its room, but the disk fails: what was measured stays, and the run is not lost."""
        f = self.spool_farm()
        self.start_job(min_ms=600, max_ms=3000, min_runs=500)
        number = Attempt(f.devices[0]).number
        self.switch.set(faults.FAIL_IO, self.where("%d/end" % number))
        wait_for(lambda: self.switch.counts()[1], "the end to fail")
        self.switch.off()
        self.prove()

    def test_an_agent_that_dies_in_the_middle_of_a_write(self):
        f = self.spool_farm()
        for n in range(4):
            wait_for(lambda: f.idle(f.devices[0]), "an idle device")
            self.switch.set(faults.DIE, f.devices[0].home, after=f.rng.randrange(40),
                            partial=f.rng.randrange(1000))
            f.submit(f.devices[0])
            wait_for(lambda: self.switch.counts()[1] and len(f.client.accepted) > n, "its death")
            self.switch.off()
        self.prove()

    @unittest.skipUnless(ADB, "no adb here")
    def test_a_phone_that_is_full(self):
        """Its /data is a real file system of that size."""
        f = self.farm(phone=("--storage-mb", str(DISK_MB), "--seed", "5"))
        phone = f.devices[1]
        wait_for(lambda: f.idle(phone), "the phone")
        adb = Adb(f.dir)
        self.addCleanup(adb.stop)
        adb.connect(phone.address)
        ballast = "/data/local/tmp/ballast"
        key = f.submit(phone, **dict(LONG, min_ms=8000, max_ms=20000))
        wait_for(lambda: key in f.client.accepted, "the job")
        job = f.client.accepted[key]
        until(lambda: any(r["progress"] and r["progress"]["phase"] == "paced" for r in
                             f.daemon.get("/api/v1/jobs/" + job)["runs"]), "a model to be timed")
        adb.run("shell", "dd if=/dev/zero of=%s bs=65536; dd if=/dev/zero of=%s.2 bs=1" % (ballast, ballast))
        f.submit(phone)
        until(lambda: any(a["cause"] for a in self.run_attempts()), "an attempt to fail")
        adb.run("shell", "rm %s %s.2" % (ballast, ballast))
        self.prove(kept=False)
        self.assertRegex(self.attempts()[0][2], "(?i)space")


class FullDisk(DiskTest):
    """Store, uploads and spool on one small file system, which is full for a while."""

    @unittest.skipUnless(os.environ.get(IN_A_NAMESPACE), "mounting takes root")
    def test_everything_is_on_one_full_disk(self):
        def mount(f):
            os.mkdir(f.data, 0o700)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm,mode=700" % DISK_MB, "none", f.data],
                           check=True)
            self.addCleanup(subprocess.run, ["umount", "-l", f.data], check=True)
        f = self.farm(data_on=mount)
        self.start_job()
        ballast = os.path.join(f.data, "ballast")
        fill(ballast)

        def pressed():
            """Small writes find room in what the logs have taken already, for a while."""
            if not f.client.waiting.unfinished_tasks and len(f.unfinished()) < 20:
                f.submit(f.devices[0])
            return f.daemon.http("GET", "/readyz").status == 503
        until(pressed, "a store that is full")
        self.assertIn("free some space", self.not_ready()["detail"])
        data = f.rng.randbytes(1 << 20)
        status, told = self.problem("PUT", "/api/v1/files/" + sha_of(data), data)
        self.assertEqual(status, 507, told)
        self.assertIn("make room", told["detail"])
        os.unlink(ballast)
        self.is_ready()
        self.assertEqual(self.problem("PUT", "/api/v1/files/" + sha_of(data), data)[0], 201)
        f.uploads.append(sha_of(data))
        self.prove(kept=False)


def fill(path):
    with open(path, "wb", buffering=0) as f:
        for size in (1 << 20, 4096, 1):
            try:
                while f.write(b"x" * size):
                    pass
            except OSError:
                pass


def in_a_namespace():
    """Starts itself again where it may mount; what it mounts goes with it."""
    if os.geteuid() or os.environ.get(IN_A_NAMESPACE):
        return
    try:
        subprocess.run(["unshare", "-m", "true"], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return
    os.environ[IN_A_NAMESPACE] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])


if __name__ == "__main__":
    in_a_namespace()
    unittest.main()
