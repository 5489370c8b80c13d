#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Debian's stock adb takes a virtual phone for a real one."""

import filecmp
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from fflib.agentbox import PATIENCE, wait_for
from fflib.phone import PHONE, PhoneTest, Phones, write_apk

TMP = "/data/local/tmp/"


def noise(n, seed=1):
    """Bytes that do not compress, without asking the kernel for each."""
    import random
    return random.Random(seed).randbytes(n)


class Shell(PhoneTest):
    def test_it_is_listed_with_its_names(self):
        self.assertRegex(self.adb.out("devices", "-l"),
                         r"127\.0\.0\.1:\d+ +device product:shiba model:Pixel_8 device:shiba")

    def test_exit_codes_and_both_streams(self):
        self.assertEqual(self.adb.run("shell", "echo out; echo err >&2; exit 3"), (3, "out\n", "err\n"))
        self.assertEqual(self.adb.run("shell", "true")[0], 0)
        self.assertEqual(self.adb.run("shell", "kill -9 $$")[0], 128 + 9)
        self.assertEqual(self.adb.run("shell", "no-such-program")[0], 127)

    def test_stdin_to_its_end(self):
        data = noise(3_000_000)
        code, out, _ = self.adb.run("shell", "cat", stdin=data, text=False)
        self.assertEqual((code, out), (0, data))

    def test_exec_out_is_binary(self):
        code, out, _ = self.adb.run("exec-out", "head -c 2000000 /dev/zero; echo", text=False)
        self.assertEqual((code, out), (0, b"\0" * 2_000_000 + b"\n"))

    def test_a_terminal(self):
        code, out, _ = self.adb.run("shell", "-tt", "tty; stty size; exit 5", stdin=b"")
        self.assertEqual(code, 5)
        self.assertRegex(out, r"^/dev/pts/\d+\r\n")

    def test_one_is_the_shell(self):
        self.assertIn("uid=2000(shell) gid=2000(shell)", self.adb.out("shell", "id"))
        self.assertEqual(self.adb.run("shell", "ls /root /home")[0], 2)

    def test_properties(self):
        self.assertEqual(self.adb.out("shell", "getprop ro.product.model"), "Pixel 8\n")
        self.assertEqual(self.adb.out("shell", "getprop ro.framefarm.virtual"), "1\n")
        self.assertEqual(self.adb.out("shell", "getprop ro.framefarm.root"), "/\n")
        self.assertEqual(self.adb.out("shell", "getprop ro.serialno").strip(), self.phones.serials[0])
        self.assertEqual(self.adb.out("shell", "setprop debug.x 'a b'; getprop debug.x"), "a b\n")
        self.assertEqual(self.adb.run("shell", "setprop ro.serialno 1")[0], 1)
        self.assertIn("[ro.build.version.sdk]: [34]\n", self.adb.out("shell", "getprop"))

    def test_settings_and_dumps(self):
        self.adb.out("shell", "settings put system screen_brightness 7")
        self.assertEqual(self.adb.out("shell", "settings get system screen_brightness"), "7\n")
        self.assertEqual(self.adb.out("shell", "settings get global no_such_thing"), "null\n")
        self.assertRegex(self.adb.out("shell", "dumpsys battery"), r"(?m)^  level: \d+$")
        told = self.adb.out("shell", "dumpsys battery set level 5; dumpsys battery; dumpsys battery reset")
        self.assertIn("UPDATES STOPPED", told)
        self.assertIn("  level: 5\n", told)
        self.assertNotIn("UPDATES STOPPED", self.adb.out("shell", "dumpsys battery"))
        self.assertIn("HAL Ready: true", self.adb.out("shell", "dumpsys thermalservice"))
        self.assertIn("peakRefreshRate=120", self.adb.out("shell", "dumpsys display"))

    def test_a_daemon_outlives_its_shell(self):
        self.adb.out("shell", "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >" + TMP + "pid")
        self.assertEqual(self.adb.run("shell", "kill -0 $(cat " + TMP + "pid)")[0], 0)
        self.adb.out("shell", "kill $(cat " + TMP + "pid)")

    def test_work_heats_it(self):
        """The body sees what its processes use, and sensors show it."""
        zone = "cat /sys/class/thermal/thermal_zone0/temp"
        before = int(self.adb.out("shell", zone))
        with self.adb.start("shell", "while :; do :; done"):
            wait_for(lambda: int(self.adb.out("shell", zone)) > before + 300, "heat")

    def test_logcat(self):
        self.adb.out("shell", "log -t tester 'a word of mine'")
        self.assertRegex(self.adb.out("logcat", "-d"), r"I tester +: a word of mine\n")
        with self.adb.start("logcat") as following:
            self.adb.out("shell", "log -t tester second")
            lines = iter(following.stdout.readline, "")
            self.assertTrue(any("second" in line for line in lines))
        self.adb.out("logcat", "-c")
        self.assertNotIn("a word of mine", self.adb.out("logcat", "-d"))


class Files(PhoneTest):
    def test_a_large_file_there_and_back(self):
        data = noise(20_000_001)
        there = self.write("large", data)
        self.adb.out("push", there, TMP + "large")
        self.assertEqual(self.adb.out("shell", "stat -c %s,%a " + TMP + "large"), "20000001,666\n")
        self.adb.out("pull", TMP + "large", self.path("back"))
        self.assertTrue(filecmp.cmp(there, self.path("back"), shallow=False))

    def test_a_tree_there_and_back(self):
        for i in range(200):
            self.write("tree/a/f%d" % i, noise(i * 37, i))
        self.write("tree/b/c/empty", b"")
        self.adb.out("push", self.path("tree"), TMP)
        self.adb.out("pull", TMP + "tree", self.path("tree-back"))
        compared = subprocess.run(["diff", "-r", self.path("tree"), self.path("tree-back")], check=False)
        self.assertEqual(compared.returncode, 0)

    def test_modes_times_and_links(self):
        path = self.write("tool", b"#!/bin/sh\necho runs\n")
        os.chmod(path, 0o750)
        os.utime(path, (1_000_000_000, 1_000_000_000))
        self.adb.out("push", path, TMP)
        self.assertEqual(self.adb.out("shell", "stat -c %a,%Y " + TMP + "tool"), "777,1000000000\n")
        self.assertEqual(self.adb.out("shell", TMP + "tool"), "runs\n")
        self.adb.out("shell", "ln -sf tool " + TMP + "link")
        self.adb.out("pull", TMP + "link", self.path("from-link"))
        self.assertTrue(filecmp.cmp(path, self.path("from-link"), shallow=False))

    def test_what_cannot_be_is_said(self):
        there = self.write("some", b"x")
        code, out, err = self.adb.run("push", there, "/system/bin/some")
        self.assertEqual(code, 1)
        self.assertIn("Read-only file system", out + err)
        code, out, err = self.adb.run("pull", TMP + "not-there", self.path("x"))
        self.assertEqual(code, 1)
        self.assertIn("No such file", out + err)
        self.adb.out("push", there, TMP + "some")  # the next one is well

    def test_no_way_out_of_the_phone(self):
        """Links and dots of the phone's stay in the phone."""
        outside = self.write("outside", b"the host's")
        self.adb.out("shell", "ln -sf %s %sout" % (outside, TMP))
        self.assertEqual(self.adb.run("pull", TMP + "out", self.path("got"))[0], 1)
        self.adb.run("push", self.write("evil", b"evil"), "../../../.." + outside)
        with open(outside, "rb") as f:
            self.assertEqual(f.read(), b"the host's")

    def test_proc_can_be_pulled(self):
        self.adb.out("pull", "/proc/meminfo", self.path("meminfo"))
        with open(self.path("meminfo"), encoding="utf-8") as f:
            self.assertRegex(f.read(), r"^MemTotal: +7782400 kB\n")


class Packages(PhoneTest):
    def installed(self):
        return self.adb.out("shell", "pm list packages -3").split()

    def test_install_list_and_uninstall(self):
        write_apk(self.path("a.apk"), "org.example.first", noise(300_000))
        self.assertIn("Success", self.adb.out("install", self.path("a.apk")))
        self.assertIn("package:org.example.first", self.installed())
        self.assertEqual(self.adb.out("shell", "pm path org.example.first"),
                         "package:/data/app/org.example.first/base.apk\n")
        self.assertIn("Success", self.adb.out("install", "-r", self.path("a.apk")))
        self.assertIn("Success", self.adb.out("uninstall", "org.example.first"))
        self.assertNotIn("package:org.example.first", self.installed())

    def test_pushed_and_then_installed(self):
        write_apk(self.path("b.apk"), "org.example.pushed")
        self.assertIn("Success", self.adb.out("install", "--no-streaming", self.path("b.apk")))
        self.assertIn("package:org.example.pushed", self.installed())

    def test_splits(self):
        write_apk(self.path("base.apk"), "org.example.split")
        write_apk(self.path("config.apk"), "org.example.split", b"other")
        self.adb.out("install-multiple", self.path("base.apk"), self.path("config.apk"))
        self.assertEqual(self.adb.out("shell", "pm path org.example.split").count("package:"), 2)

    def test_what_is_no_package(self):
        code, out, err = self.adb.run("install", self.write("bad.apk", b"PK nothing"))
        self.assertEqual(code, 1)
        self.assertIn("INSTALL_PARSE_FAILED_NOT_APK", out + err)
        self.assertEqual(self.adb.out("shell", "ls /data/app | grep -c tmp; true"), "0\n")


class Ports(PhoneTest):
    def serve_backwards(self):
        """A listener on this host that answers everything backwards."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def answer():
            with listener.accept()[0] as c:
                data = b""
                while part := c.recv(65536):
                    data += part
                    if data.endswith(b"."):
                        break
                c.sendall(data[::-1])
        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]

    def ask(self, port, data):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.sendall(data)
            got = b""
            while part := s.recv(65536):
                got += part
            return got

    def test_forward(self):
        data = noise(2_000_000).replace(b".", b",") + b"."
        port = int(self.adb.out("forward", "tcp:0", "tcp:%d" % self.serve_backwards()))
        self.assertEqual(self.ask(port, data), data[::-1])
        closed = int(self.adb.out("forward", "tcp:0", "localabstract:nobody-there"))
        self.assertEqual(self.ask(closed, b""), b"")

    def test_forward_to_a_socket_in_the_phones_files(self):
        listen = ("python3 -c \"import socket; l = socket.socket(socket.AF_UNIX); l.bind('%ss'); l.listen(); "
                  "print('up', flush=True); c = l.accept()[0]; c.sendall(c.recv(9)[::-1])\"" % TMP)
        with self.adb.start("shell", listen) as server:
            self.assertEqual(server.stdout.readline(), "up\n")
            port = int(self.adb.out("forward", "tcp:0", "localfilesystem:%ss" % TMP))
            self.assertEqual(self.ask(port, b"hello"), b"olleh")

    def test_reverse(self):
        data = noise(2_000_000).replace(b".", b",") + b"."
        port = int(self.adb.out("reverse", "tcp:0", "tcp:%d" % self.serve_backwards()))
        self.assertIn("tcp:%d" % port, self.adb.out("reverse", "--list"))
        self.assertEqual(self.ask(port, data), data[::-1])
        self.adb.out("reverse", "--remove", "tcp:%d" % port)
        self.assertEqual(self.adb.out("reverse", "--list").strip(), "")
        with self.assertRaises(OSError):
            socket.create_connection(("127.0.0.1", port))


class Reboot(PhoneTest):
    options = ("--profile", "minimal")

    def test_it_comes_back_without_what_ran(self):
        self.adb.out("shell", "echo kept > %sf; setprop debug.x 1; setprop persist.x 2" % TMP)
        self.adb.out("shell", "setsid sleep 98765 </dev/null >/dev/null 2>&1 &")
        self.adb.out("reboot")
        self.wait_for_state("device")
        self.assertEqual(self.adb.out("shell", "cat %sf; getprop debug.x; getprop persist.x" % TMP),
                         "kept\n\n2\n")
        self.assertNotIn("98765", self.adb.out("shell", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"))

    def test_an_old_phone_has_no_exit_codes(self):
        self.wait_for_state("device")
        self.assertEqual(self.adb.run("shell", "echo x; exit 3")[:2], (0, "x\n"))


class Keys(PhoneTest):
    options = ("--auth", "--deny")

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="framefarm-phone-test-")
        from fflib.phone import Adb
        cls.adb = Adb(cls.folder)
        cls.adb.run("start-server")
        cls.adb.run("keygen", os.path.join(cls.folder, "known"))
        cls.phones = Phones(cls.folder, *cls.options, "--key", os.path.join(cls.folder, "known.pub"))

    def test_a_dialog_that_nobody_answers(self):
        out = self.adb.run("connect", self.phones.addresses[0])[1]
        self.assertIn("failed to authenticate", out)
        wait_for(lambda: self.adb.state(self.phones.addresses[0]) == "unauthorized", "unauthorized")
        self.adb.out("disconnect", self.phones.addresses[0])

    def test_a_key_that_is_known(self):
        self.adb.stop()
        self.adb.env["ADB_VENDOR_KEYS"] = os.path.join(self.folder, "known")
        self.adb.connect(self.phones.addresses[0])
        self.assertEqual(self.adb.out("shell", "getprop ro.adb.secure"), "1\n")


class Program(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="framefarm-phone-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_bad_options_get_a_sentence(self):
        for options, word in ((["--profile", "nokia"], "--list-profiles"), (["--quirk", "x"], "--list-quirks"),
                              (["--count", "0"], "from 1 to"), (["--abi", "mips"], "arm64"),
                              (["--auth", "--key", "/nonexistent"], "/nonexistent"), (["x"], "--help"),
                              ([""], "--help"), (["-"], "--help"), (["--dir="], "DIR"),
                              # What would have no effect is a mistake.
                              (["--deny"], "--auth"), (["--key", "/nonexistent"], "--auth"),
                              (["--quirk", "silent-dialog"], "--auth"),
                              (["--quirk", "vanish-for=100"], "vanish-after"),
                              (["--completion", "fish"], "zsh")):
            done = subprocess.run([PHONE, *options], capture_output=True, text=True, timeout=PATIENCE,
                                  check=False, env=dict(os.environ, TMPDIR=self.folder))
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(word, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(os.listdir(self.folder), [])

    def told(self, *options):
        return subprocess.run([PHONE, *options], capture_output=True, text=True, timeout=PATIENCE,
                              check=True).stdout

    def test_help_and_the_manual_page_tell_of_every_option_quirk_and_profile(self):
        help_text, page = self.told("--help"), self.told("--man")
        options = re.findall(r"^  (--[a-z-]+)", help_text, re.M)
        self.assertGreater(len(options), 15)
        self.assertTrue(all(len(line) <= 88 for line in help_text.splitlines()))
        names = [line.split()[0].partition("=")[0]
                 for line in (self.told("--list-quirks") + self.told("--list-profiles")).splitlines()]
        for word in options + names:
            self.assertIn(word.replace("-", "\\-"), page)
        if shutil.which("man"):
            shown = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=page.encode(),
                                   env={**os.environ, "MANWIDTH": "80", "MANPAGER": "cat"},
                                   capture_output=True, check=True)
            self.assertEqual(shown.stderr, b"")
            self.assertIn(b"framefarm-phone - virtual Android phones", shown.stdout)

    def complete(self, *words):
        """What bash offers at the end of a line."""
        harness = self.told("--completion", "bash") + """
COMP_WORDS=(%s); COMP_CWORD=%d; _framefarm_phone; printf '%%s\\n' "${COMPREPLY[@]}"
""" % (" ".join("'%s'" % w for w in words), len(words) - 1)
        return subprocess.run(["bash", "-u", "-c", harness], capture_output=True, text=True, check=True,
                              cwd=self.folder).stdout.split()

    def test_bash_completes_options_quirks_profiles_and_files(self):
        self.assertEqual(self.complete("framefarm-phone", "--pro"), ["--profile", "--prop"])
        self.assertEqual(self.complete("framefarm-phone", "--quirk", "stale-b"), ["stale-bytes"])
        self.assertEqual(self.complete("framefarm-phone", "--quirk", "=", "stale-b"), ["stale-bytes"])
        self.assertEqual(self.complete("framefarm-phone", "--profile", "pix"), ["pixel-8"])
        self.assertEqual(self.complete("framefarm-phone", "--abi", "a"), ["arm64"])
        self.assertEqual(self.complete("framefarm-phone", "--count", ""), [])
        with open(os.path.join(self.folder, "known.pub"), "w", encoding="ascii"):
            pass
        self.assertEqual(self.complete("framefarm-phone", "--key", "kn"), ["known.pub"])
        self.assertIn("#compdef framefarm-phone", self.told("--completion", "zsh"))

    def test_a_host_without_name_spaces_gets_a_sentence(self):
        """In a name space that may have none below it, the kernel refuses as a closed host does."""
        command = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$0\""
        done = subprocess.run(["unshare", "-Ur", "sh", "-c", command, PHONE], capture_output=True, text=True,
                              timeout=PATIENCE, check=False, env=dict(os.environ, TMPDIR=self.folder))
        self.assertEqual(done.returncode, 1)
        self.assertIn("user.max_user_namespaces", done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(os.listdir(self.folder), [])

    def test_a_shelf_and_a_hard_death(self):
        phones = Phones(self.folder, count=3)
        self.assertEqual(len(set(phones.addresses)), 3)
        self.assertEqual(len(set(phones.serials)), 3)
        phones.stop(signal.SIGKILL)
        # Nothing stays: neither processes nor files.
        wait_for(lambda: not [n for n in os.listdir(self.folder) if n.startswith("framefarm-phone-")],
                 "the end of the phones' files")

    def test_storage_that_is_kept(self):
        kept = os.path.join(self.folder, "kept")
        first = Phones(self.folder, "--dir", kept)
        serial = first.serials[0]
        self.assertEqual(first.stop(), 0)
        self.assertEqual(os.listdir(kept), [serial])
        self.assertTrue(os.stat(os.path.join(kept, serial, "root")).st_mode & 0o200)  # can be removed
        again = Phones(self.folder, "--dir", kept)
        self.assertEqual(again.serials, [serial])
        self.assertEqual(again.stop(), 0)


if __name__ == "__main__":
    unittest.main()
