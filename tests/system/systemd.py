#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The installed daemon as a service of a real systemd, which is booted in a container: this host's /usr, an empty
/etc and /var, a network of its own. As root only, and where systemd-nspawn can make such a container."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

from fflib import daemon as ff
from fflib.daemon import BUILD, MODELS, mlp_job

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MAKE = os.environ.get("MAKE", "make")
UNIT = "framefarm.service"
# What slows a boot and has nothing to do here.
MASKED = ("systemd-logind.service", "console-getty.service", "getty.target", "systemd-update-utmp.service",
          "systemd-update-utmp-runlevel.service", "systemd-user-sessions.service", "systemd-tmpfiles-clean.timer",
          "systemd-networkd.service", "systemd-resolved.service", "apt-daily.timer", "apt-daily-upgrade.timer",
          "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer", "man-db.timer", "logrotate.timer")
CONF = "local = yes\nno-usb = yes\n"


def can_boot():
    if os.geteuid() or not shutil.which("systemd-nspawn") or not os.path.exists("/usr/lib/systemd/systemd"):
        return False
    with tempfile.TemporaryDirectory(prefix="ff-") as top:
        make_root(top)
        return not subprocess.run([*nspawn(top), "/usr/bin/true"], stdin=subprocess.DEVNULL, capture_output=True,
                                  check=False).returncode


def make_root(top):
    for d in ("usr", "etc/systemd/system", "var", "tmp"):
        os.makedirs(os.path.join(top, d), exist_ok=True)
    for d in ("bin", "lib", "lib64", "sbin"):
        os.symlink("usr/" + d, os.path.join(top, d))
    shutil.copy("/usr/lib/os-release", os.path.join(top, "etc/os-release"))
    with open(os.path.join(top, "etc/machine-id"), "w", encoding="ascii"):
        pass


def nspawn(top, *more):
    return ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--bind-ro=/usr",
            # A host has these; the container would take them away.
            "--system-call-filter=landlock_create_ruleset landlock_add_rule landlock_restrict_self",
            "--directory=" + top, *more]


class Service(unittest.TestCase):
    """Booted once; each test leaves the service running."""

    @classmethod
    def setUpClass(cls):
        if not can_boot():
            raise unittest.SkipTest("no container can be booted here")
        cls.top = tempfile.mkdtemp(prefix="ff-")
        cls.addClassCleanup(shutil.rmtree, cls.top, True)
        cls.root, dest = os.path.join(cls.top, "root"), os.path.join(cls.top, "dest")
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        ort = [] if not ff.find_ort() else ["ORT=" + ff.find_ort()]
        subprocess.run([MAKE, "-s", "-C", ROOT, "B=" + os.path.relpath(BUILD, ROOT), "DESTDIR=" + dest, *ort, "install"],
                       env=env, check=True, stdout=subprocess.DEVNULL)
        os.makedirs(cls.root)
        make_root(cls.root)
        cls.make_etc()
        cls.boot(dest)
        cls.until_active()

    @classmethod
    def make_etc(cls):
        units = os.path.join(cls.root, "etc/systemd/system")
        for unit in MASKED:
            os.symlink("/dev/null", os.path.join(units, unit))
        os.makedirs(units + "/multi-user.target.wants")
        os.symlink("/usr/local/lib/systemd/system/" + UNIT, f"{units}/multi-user.target.wants/{UNIT}")
        os.makedirs(f"{units}/{UNIT}.d")
        with open(f"{units}/{UNIT}.d/test.conf", "w", encoding="ascii") as f:
            f.write("[Service]\nWatchdogSec=3\nRestartSec=100ms\n[Unit]\nStartLimitBurst=50\n")
        os.makedirs(cls.root + "/etc/framefarm")
        cls.configure(CONF)

    @classmethod
    def configure(cls, text):
        with open(cls.root + "/etc/framefarm/framefarm.conf", "w", encoding="ascii") as f:
            f.write(text)

    @classmethod
    def boot(cls, dest):
        log = open(os.path.join(cls.top, "console"), "wb")
        cls.addClassCleanup(log.close)
        cls.spawned = subprocess.Popen(
            nspawn(cls.root, f"--bind-ro={dest}/usr/local:/usr/local", f"--bind-ro={MODELS}:/models",
                   f"--bind={cls.top}:/shared", "--boot", "systemd.unit=multi-user.target"),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        cls.addClassCleanup(cls.shut)
        cls.pid = ff.wait_for(lambda: cls.first_process(cls.spawned.pid), "the container's first process")
        ff.wait_for(lambda: os.path.exists(f"/proc/{cls.pid}/root/run/systemd/private"), "systemd")

    @classmethod
    def first_process(cls, pid):
        """The one below that is number 1 where it lives."""
        for child in ff.children_of(pid):
            try:
                with open(f"/proc/{child}/status", encoding="ascii") as f:
                    numbers = next(x for x in f if x.startswith("NSpid:")).split()[1:]
            except OSError:
                continue
            if len(numbers) > 1 and numbers[-1] == "1":
                return child
            found = cls.first_process(child)
            if found:
                return found
        return 0

    @classmethod
    def shut(cls):
        if cls.spawned.poll() is None:
            first = cls.first_process(cls.spawned.pid)
            if first:
                os.kill(first, signal.SIGKILL)
            cls.spawned.wait(ff.PATIENCE)

    @classmethod
    def inside(cls, *argv, check=True):
        r = subprocess.run(["nsenter", f"--target={cls.pid}", "--all", "--root", "--wd=/", *argv], text=True,
                           stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=4 * ff.PATIENCE,
                           env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"})
        if check and r.returncode:
            raise AssertionError(f"{argv}: {r.returncode}\n{r.stdout}{r.stderr}\n" + cls.journal())
        return r

    @classmethod
    def journal(cls, *more):
        return cls.inside("journalctl", "--no-pager", "-u", UNIT, *more, check=False).stdout

    @classmethod
    def show(cls, what):
        return cls.inside("systemctl", "show", "--value", "-p", what, UNIT).stdout.strip()

    @classmethod
    def until_active(cls):
        def look():
            state = cls.show("ActiveState")
            if state == "failed":
                raise AssertionError("the service failed\n" + cls.journal())
            return state == "active"
        ff.wait_for(look, "the service to be active")

    def restarted(self):
        """Until there is another daemon than before, and it is ready."""
        before = int(self.show("NRestarts"))
        yield
        ff.wait_for(lambda: int(self.show("NRestarts")) > before, "another start")
        self.until_active()
        yield

    def run_job(self, name):
        job = mlp_job(model={"name": "mlp", "variants": [{"name": "fp32", "file": "/models/mlp_16_32_10.onnx"}]},
                      name=name)
        with open(os.path.join(self.top, name + ".json"), "w", encoding="utf-8") as f:
            json.dump(job, f)
        r = self.inside("framefarm", "run", f"/shared/{name}.json", "--json", "-")
        return json.loads(r.stdout)

    def agent(self):
        return int(self.inside("cat", "/var/lib/framefarm/devices/local/device/agent.pid").stdout)

    # ---- the stories ----

    def test_a_job_passes_and_its_runner_is_guarded(self):
        self.assertEqual(self.run_job("first")["verdict"], "pass")
        owner = self.inside("stat", "-c", "%U %a", "/var/lib/framefarm", "/var/lib/framefarm/admin.token").stdout
        self.assertEqual(owner, "framefarm 700\nframefarm 600\n")
        said = self.inside("grep", "-ho", "protections=\"[^\"]*\"", "/var/lib/framefarm/devices/local/device/agent.log",
                           check=False).stdout or self.journal("-g", "protections")
        have = said.split("; not to be had")[0]
        for guard in ("no_new_privs", "rlimits", "seccomp", *(["landlock"] if self.knows_landlock() else [])):
            self.assertIn(guard, have)

    @staticmethod
    def knows_landlock():
        """landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)"""
        return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) > 0

    def test_it_says_what_goes_on(self):
        ff.wait_for(lambda: "http://127.0.0.1:8765: 1 devices" in self.show("StatusText"), "a line about the device")

    def test_one_that_dies_is_started_anew_and_its_agent_lives_on(self):
        self.run_job("before")
        agent = self.agent()
        story = self.restarted()
        next(story)
        self.inside("systemctl", "kill", "--kill-who=main", "-s", "KILL", UNIT)
        next(story)
        self.assertEqual(self.run_job("after")["verdict"], "pass")
        self.assertEqual(self.agent(), agent)

    def test_one_that_stands_still_is_started_anew(self):
        story = self.restarted()
        next(story)
        self.inside("systemctl", "kill", "--kill-who=main", "-s", "STOP", UNIT)
        next(story)
        self.assertIn("Watchdog timeout", self.journal())

    def test_one_that_turns_is_left_alone(self):
        pid, seen = self.show("MainPID"), set()

        def look():
            seen.add(self.show("WatchdogTimestampMonotonic"))
            return len(seen) > 3  # more than is waited for one
        ff.wait_for(look, "signs of life")
        self.assertEqual(self.show("MainPID"), pid)

    def test_the_journal_knows_what_matters(self):
        story = self.restarted()
        next(story)
        self.inside("systemctl", "kill", "--kill-who=main", "-s", "KILL", UNIT)
        next(story)
        lines = [json.loads(line) for line in self.journal("-o", "json").splitlines()]
        listening = [x for x in lines if str(x["MESSAGE"]).startswith("event=listening ")]
        self.assertTrue(listening)
        self.assertEqual({x["PRIORITY"] for x in listening}, {"6"})

    def test_a_hangup_ends_nothing(self):
        pid = self.show("MainPID")
        self.inside("systemctl", "kill", "--kill-who=main", "-s", "HUP", UNIT)
        ff.wait_for(lambda: "event=hangup" in self.journal(), "the daemon to pass it over")
        self.assertEqual((self.show("MainPID"), self.show("ActiveState")), (pid, "active"))

    def test_a_bad_configuration_is_not_tried_again_and_again(self):
        self.configure(CONF + "lisen = 127.0.0.1:1\n")
        self.assertNotEqual(self.inside("systemctl", "restart", UNIT, check=False).returncode, 0)
        self.assertEqual((self.show("ActiveState"), self.show("ExecMainStatus"), self.show("NRestarts")),
                         ("failed", "2", "0"))
        self.assertIn("framefarm.conf:3: there is no key \"lisen\"", self.journal())
        self.configure(CONF)
        self.inside("systemctl", "start", UNIT)
        self.until_active()

    def doctor(self):
        found = json.loads(self.inside("framefarm", "doctor", "--json", check=False).stdout)["checks"]
        return next(f for f in found if f["check"] == "service")

    def test_the_doctor_sees_what_is_in_its_way_and_how_to_mend_it(self):
        wants = "/etc/systemd/system/multi-user.target.wants/" + UNIT
        self.assertEqual(self.doctor()["level"], "ok")
        for breaking, level, words in (
                ("chown root: /var/lib/framefarm/control.db", "fail", "control.db belongs to user 0"),
                ("gpasswd -d framefarm plugdev", "warn", "not in the group plugdev"),
                ("rm " + wants, "warn", "not started with this host"),
                ("rm /etc/framefarm/framefarm.conf", "fail", "does not start without"),
                ("sed -i /^framefarm:/d /etc/passwd", "fail", "no user framefarm")):
            with self.subTest(breaking):
                self.inside("sh", "-c", breaking)
                found = self.doctor()
                self.assertEqual(found["level"], level, found)
                self.assertIn(words, found["text"])
                self.inside("sh", "-c", "sudo() { \"$@\"; }; " + found["fix"])
                self.assertEqual(self.doctor()["level"], "ok", self.doctor())
        self.configure(CONF)
        self.until_active()

    def test_a_stop_is_no_failure(self):
        self.inside("systemctl", "stop", UNIT)
        self.assertEqual((self.show("ActiveState"), self.show("Result"), self.show("ExecMainStatus")),
                         ("inactive", "success", "0"))
        self.inside("systemctl", "start", UNIT)
        self.until_active()


if __name__ == "__main__":
    unittest.main()
