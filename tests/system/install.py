#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`make install` into a directory: what lies where, that it works from there and knows nothing of the tree,
and that `make uninstall` takes it away again."""

import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
import unittest

from fflib import daemon as ff
from fflib.daemon import BUILD, DaemonTest, mlp_job

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
MAKE = os.environ.get("MAKE", "make")

INSTALLED = """
etc/framefarm/framefarm.conf
usr/bin/framefarm
usr/bin/framefarm-phone
usr/lib/framefarm/framefarm-agent
usr/lib/framefarm/framefarm-runner-onnxruntime
usr/lib/framefarm/framefarm_sql.so
usr/lib/systemd/system/framefarm.service
usr/lib/sysusers.d/framefarm.conf
usr/lib/udev/rules.d/51-framefarm.rules
usr/share/bash-completion/completions/framefarm
usr/share/bash-completion/completions/framefarm-phone
usr/share/doc/framefarm/CHANGELOG.md
usr/share/doc/framefarm/LICENSE
usr/share/doc/framefarm/README.md
usr/share/doc/framefarm/framefarm.conf
usr/share/doc/framefarm/job.schema.json
usr/share/man/man1/framefarm-phone.1
usr/share/man/man1/framefarm.1
usr/share/zsh/site-functions/_framefarm
usr/share/zsh/site-functions/_framefarm-phone
""".split()
# What depends on what was built and on the host.
MORE = r"usr/lib/framefarm/(libonnxruntime\.so\.1|(x86_64|aarch64|armv7l)/.*)|usr/share/doc/framefarm/examples/.*\.json"
TOOLS_OF_ABIS = ("aarch64/framefarm-agent", "armv7l/framefarm-agent", "aarch64/framefarm-runner-onnxruntime",
                 "aarch64/libonnxruntime.so.1", "aarch64/lib/libc.so.6")


def make(what, dest, *more):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return subprocess.run([MAKE, "-s", "-C", ROOT, "B=" + os.path.relpath(BUILD, ROOT), "DESTDIR=" + dest, *more, what],
                          env=env, check=True, text=True, capture_output=True).stdout


def files_below(top):
    return sorted(os.path.relpath(os.path.join(d, f), top) for d, _, names in os.walk(top) for f in names)


class Installed(DaemonTest):
    """It is installed once for all of them; nobody changes it."""

    @classmethod
    def setUpClass(cls):
        cls.dest = tempfile.mkdtemp(prefix="ff-install-")
        cls.addClassCleanup(shutil.rmtree, cls.dest, True)
        cls.said = make("install", cls.dest, "PREFIX=/usr")
        cls.program = os.path.join(cls.dest, "usr/bin/framefarm")

    def text(self, path):
        with open(os.path.join(self.dest, path), encoding="utf-8") as f:
            return f.read()

    def run_it(self, *args):
        env = {"PATH": "/usr/bin:/bin", "HOME": self.dir, "FRAMEFARM_DATA": self.data}
        return subprocess.run([self.program, *args], env=env, text=True, capture_output=True, check=False, cwd="/",
                              timeout=4 * ff.PATIENCE)

    def test_everything_is_where_it_belongs(self):
        there = files_below(self.dest)
        self.assertEqual([f for f in there if not re.fullmatch(MORE, f)], INSTALLED)
        for f in TOOLS_OF_ABIS:
            self.assertEqual(os.path.exists(os.path.join(BUILD, f)), "usr/lib/framefarm/" + f in there, f)
        for f in there:
            mode = os.stat(os.path.join(self.dest, f)).st_mode & 0o777
            self.assertIn(mode, (0o755, 0o644), f)

    def test_nothing_knows_where_it_was_built(self):
        places = {os.path.realpath(ROOT).encode(), os.path.abspath(BUILD).encode()}
        for f in files_below(self.dest):
            with open(os.path.join(self.dest, f), "rb") as opened:
                data = opened.read()
            self.assertEqual([p for p in places if p in data], [], f)

    def test_a_job_runs_from_there(self):
        log = open(os.path.join(self.dir, "log"), "w+", encoding="utf-8")
        self.addCleanup(log.close)
        daemon = subprocess.Popen(
            [self.program, "serve", "--data", self.data, "--local", "--no-usb", "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env={"PATH": "/usr/bin:/bin"})
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        url = os.path.join(self.data, "url")
        ff.wait_for(lambda: os.path.exists(url) or daemon.poll() is not None, "the daemon")
        r = self.run_it("run", self.job_file(mlp_job()), "--json", "-")
        log.seek(0)
        self.assertEqual(r.returncode, ff.PASS, r.stderr + log.read())
        self.assertEqual(json.loads(r.stdout)["verdict"], "pass")
        daemon.terminate()
        self.assertEqual(daemon.wait(ff.PATIENCE), 0)

    # ---- the configuration file ----

    def test_the_configuration_file_is_good_and_has_every_option(self):
        conf = os.path.join(self.dest, "etc/framefarm/framefarm.conf")
        r = self.run_it("serve", "-n", "--config", conf)
        self.assertEqual(r.returncode, 0, r.stderr)
        keys = re.findall(r"^#([a-z-]+) = ", self.text("etc/framefarm/framefarm.conf"), re.M)
        options = re.findall(r"^  (?:-\w, |    )--([a-z-]+)", self.run_it("serve", "--help").stdout, re.M)
        self.assertEqual(keys, [o for o in options if o not in ("config", "check", "help")])

    def test_its_defaults_are_what_it_says(self):
        given = re.sub(r"^#([a-z-]+ = [^<\n].*)$", r"\1", self.text("etc/framefarm/framefarm.conf"), flags=re.M)
        self.assertGreater(len(re.findall(r"^[a-z-]+ = ", given, re.M)), 8)
        conf = os.path.join(self.dir, "all.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(given)
        with_it, without = self.run_it("serve", "-n", "--config", conf), self.run_it("serve", "-n")
        self.assertEqual((with_it.returncode, with_it.stdout), (0, without.stdout), with_it.stderr)

    # ---- documentation ----

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_the_pages_have_every_command_and_option(self):
        page = self.page("framefarm.1")
        commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", self.run_it("help").stdout, re.M)
        self.assertGreater(len(commands), 20)
        for command in commands:
            part = re.search(r"^   framefarm %s (.*?)(?=^   framefarm |^[A-Z])" % command, page, re.M | re.S)
            self.assertIsNotNone(part, command)
            for option in re.findall(r"^  (?:-\w, |    )(--[a-z-]+)", self.run_it(*command.split(), "--help").stdout, re.M):
                if option != "--help":
                    self.assertIn(option, part.group(1), command)
        for section in ("EXIT STATUS", "ENVIRONMENT", "FILES", "SIGNALS", "EXAMPLES", "SEE ALSO"):
            self.assertIn("\n" + section + "\n", page)
        self.assertIn("framefarm-phone", self.page("framefarm-phone.1"))

    def page(self, name):
        r = subprocess.run(["man", "--warnings", "-l", os.path.join(self.dest, "usr/share/man/man1", name)],
                           env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200", "MANPAGER": "cat", "LC_ALL": "C"},
                           capture_output=True, text=True, check=True)
        self.assertEqual(r.stderr, "")
        return re.sub(".\b", "", r.stdout)

    def test_bash_completes_once_the_file_is_there(self):
        # As bash-completion does: the file of the command's name is read when it is first completed.
        r = subprocess.run(["bash", "-c", 'source "$0"; complete -p framefarm; COMP_WORDS=(framefarm dev); COMP_CWORD=1;'
                            ' _framefarm; echo "${COMPREPLY[@]}"',
                            os.path.join(self.dest, "usr/share/bash-completion/completions/framefarm")],
                           capture_output=True, text=True, check=True)
        self.assertRegex(r.stdout, r"^complete .* framefarm\ndevice\n$")

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_finds_its_function(self):
        there = os.path.join(self.dest, "usr/share/zsh/site-functions")
        r = subprocess.run(["zsh", "-f", "-c", 'fpath=("$0" $fpath); autoload -Uz compinit; compinit -u -D;'
                            ' autoload +X _framefarm; print $_comps[framefarm] $_comps[framefarm-phone]', there],
                           capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin", "HOME": self.dir})
        self.assertEqual((r.stdout, r.stderr), ("_framefarm _framefarm-phone\n", ""))

    # ---- the service ----

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd is not installed")
    def test_the_unit_exposes_little(self):
        r = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20",
                            "--root=" + self.dest, "framefarm.service"], capture_output=True, text=True, check=False)
        score = re.search(r"Overall exposure level for framefarm.service: ([0-9.]+)", r.stdout)
        self.assertIsNotNone(score, r.stdout + r.stderr)
        self.assertEqual(r.returncode, 0, r.stdout)
        print("# systemd-analyze security: exposure %s of 10" % score.group(1))

    def test_the_unit_starts_what_was_installed(self):
        unit = self.text("usr/lib/systemd/system/framefarm.service")
        self.assertIn("\nExecStart=/usr/bin/framefarm serve --config /etc/framefarm/framefarm.conf ", unit)
        self.assertNotIn("@", re.sub(r"@system-service", "", unit).replace("@BINDIR@", "@"))

    @unittest.skipUnless(shutil.which("systemd-sysusers"), "systemd is not installed")
    def test_the_user_is_made_as_it_says(self):
        root = os.path.join(self.dir, "root")
        os.makedirs(root + "/etc")
        subprocess.run(["systemd-sysusers", "--root=" + root,
                        os.path.join(self.dest, "usr/lib/sysusers.d/framefarm.conf")], check=True, capture_output=True)
        with open(root + "/etc/passwd", encoding="ascii") as f:
            self.assertRegex(f.read(), r"(?m)^framefarm:.*:/var/lib/framefarm:.*nologin$")
        with open(root + "/etc/group", encoding="ascii") as f:
            self.assertRegex(f.read(), r"(?m)^plugdev:.*:framefarm$")


class Twice(unittest.TestCase):
    def setUp(self):
        self.dest = tempfile.mkdtemp(prefix="ff install-")  # a package's build directory may have a blank
        self.addCleanup(shutil.rmtree, self.dest, True)

    def test_what_was_changed_stays_and_uninstall_takes_the_rest(self):
        conf = os.path.join(self.dest, "etc/framefarm/framefarm.conf")
        make("install", self.dest, "ORT=")
        self.assertTrue(os.path.exists(self.dest + "/usr/local/bin/framefarm"))
        self.assertFalse(os.path.exists(self.dest + "/usr/local/lib/framefarm/libonnxruntime.so.1"))
        with open(conf, "a", encoding="utf-8") as f:
            f.write("local = yes\n")
        self.assertIn("stays as it is", make("install", self.dest, "ORT="))
        with open(conf, encoding="utf-8") as f:
            self.assertTrue(f.read().endswith("local = yes\n"))
        self.assertIn("are left", make("uninstall", self.dest))
        self.assertEqual(files_below(self.dest), ["etc/framefarm/framefarm.conf"])

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "only root can be somebody else")
    def test_it_needs_nobody_s_rights(self):
        nobody = pwd.getpwnam("nobody")
        as_nobody = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        if subprocess.run([*as_nobody, "test", "-r", os.path.join(BUILD, "framefarm")], check=False).returncode:
            self.skipTest("nobody may not read the tree")
        make("docs", self.dest)
        os.chmod(self.dest, 0o777)
        subprocess.run([*as_nobody, os.path.join(ROOT, "etc/build/install.sh"), "install", os.path.abspath(BUILD)],
                       env={"PATH": "/usr/bin:/bin", "DESTDIR": self.dest}, check=True, stdout=subprocess.DEVNULL)
        program = os.stat(self.dest + "/usr/local/bin/framefarm")
        self.assertEqual((program.st_uid, program.st_mode & 0o777), (nobody.pw_uid, 0o755))

    def test_without_a_build_it_says_what_to_do(self):
        r = subprocess.run([os.path.join(ROOT, "etc/build/install.sh"), "install", self.dest], text=True,
                           capture_output=True, check=False)
        self.assertEqual(r.returncode, 1)
        self.assertIn("run `make` first", r.stderr)


if __name__ == "__main__":
    unittest.main()
