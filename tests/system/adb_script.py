#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One script, two daemons: what Debian's adb sees of AOSP's own adbd, it sees of a virtual phone too.
Each step returns what it observed; the two must be equal, so that nothing here knows the right answer
but the daemon that nobody of this project wrote."""

import hashlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from fflib import aosp
from fflib.phone import ADB, Adb, Phones

TMP = "/data/local/tmp/"
LARGE = random.Random(1).randbytes(12_000_007)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Script:
    """Its steps are the methods that begin with step_."""

    def __init__(self, adb, folder):
        self.adb, self.folder = adb, folder

    def path(self, *parts):
        path = os.path.join(self.folder, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def write(self, name, data, mode=0o644):
        path = self.path(name)
        with open(path, "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        os.utime(path, (1_234_567_890, 1_234_567_890))
        return path

    def seen(self, *args, stdin=b""):
        """Exit code and what was said, without rates and times."""
        code, out, err = self.adb.run(*args, stdin=stdin, text=False)
        return code, out, err.replace(self.folder.encode(), b"FOLDER")

    def failed(self, *args):
        """Exit code and the daemon's own words of a failure."""
        code, out, err = self.seen(*args)
        return code, (out + err).decode().replace(self.folder, "FOLDER").strip().splitlines()[:1]

    # ---- shell ----

    def step_exit_codes(self):
        return [self.seen("shell", c)[0] for c in ("true", "false", "exit 255", "kill -9 $$", "kill -15 $$",
                                                   "no-such-program 2>/dev/null", "/data 2>/dev/null")]

    def step_streams_apart(self):
        return self.seen("shell", "echo out; echo err >&2; printf 'no\\r\\nmangling\\n'")

    def step_stdin(self):
        return self.seen("shell", "wc -c", stdin=LARGE[:1_000_000])

    def step_stdin_that_nobody_reads(self):
        return self.seen("shell", "exit 4", stdin=LARGE[:3_000_000])[0]

    def step_binary(self):
        data = self.seen("exec-out", "head -c 3000000 /dev/zero")[1]
        return len(data), hashlib.sha256(data).hexdigest()

    def step_terminal(self):
        code, out, _ = self.seen("shell", "-tt", "test -t 0 && test -t 1 && echo tty; exit 6")
        return code, out

    def step_large_command(self):
        return self.seen("shell", "echo " + "x" * 3000)

    def step_daemon_outlives_its_shell(self):
        self.seen("shell", "nohup sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > " + TMP + "pid")
        return self.seen("shell", "kill -0 $(cat %spid) && kill $(cat %spid) && echo lived" % (TMP, TMP))

    # ---- files ----

    def step_large_file(self):
        there = self.write("large", LARGE)
        code = self.seen("push", there, TMP + "large")[0]
        self.seen("pull", TMP + "large", self.path("large-back"))
        return code, digest(self.path("large-back")) == digest(there), self.stat("large")

    def stat(self, name):
        return self.seen("shell", "stat -c '%s %a %Y %F' " + TMP + name)[1]

    def step_modes(self):
        seen = []
        for mode in (0o400, 0o600, 0o640, 0o644, 0o700, 0o755, 0o4755):
            self.seen("push", self.write("mode", b"x", mode), TMP + "mode")
            seen.append(self.stat("mode"))
        return seen

    def step_tree(self):
        for i in range(60):
            self.write("tree/a/f%d" % i, LARGE[:i * 100])
        self.write("tree/b/c/d/deep", b"")
        os.makedirs(self.path("tree/nothing/"), exist_ok=True)
        code = self.seen("push", self.path("tree"), TMP)[0]
        listed = self.seen("shell", "cd %stree && find . | sort" % TMP)
        self.seen("pull", TMP + "tree", self.path("tree-back"))
        same = subprocess.run(["diff", "-r", self.path("tree"), self.path("tree-back")],
                              stdout=subprocess.DEVNULL, check=False).returncode
        return code, listed, same

    def step_over_a_link(self):
        """What stood there goes, what it led to stays."""
        self.seen("shell", "cd %s && echo old > target && ln -sf target link" % TMP)
        self.seen("push", self.write("new", b"new\n"), TMP + "link")
        return self.seen("shell", "cd %s && cat target link && stat -c %%F link" % TMP)

    def step_pull_follows_links(self):
        self.seen("shell", "cd %s && echo behind > behind && ln -sf behind before" % TMP)
        return self.failed("pull", TMP + "before", self.path("pulled"))[0], digest(self.path("pulled"))

    def step_directories_are_made(self):
        code = self.seen("push", self.write("x", b"x"), TMP + "new/newer/newest/x")[0]
        return code, self.stat("new/newer/newest/x"), self.seen("shell", "stat -c %a " + TMP + "new/newer")

    def step_failures(self):
        self.seen("shell", "cd %s && echo x > file && mkdir -p dir" % TMP)
        there = self.write("x", b"x" * 200_000)
        return [self.failed("pull", TMP + "none", self.path("none")),
                self.failed("push", there, TMP + "file/below"),
                self.failed("push", self.path("not-here"), TMP),
                self.seen("shell", "cat " + TMP + "file")]

    def step_rights_of_what_a_shell_makes(self):
        return self.seen("shell", "cd %s && rm -rf made && mkdir made && touch made/f && stat -c %%a made made/f" % TMP)

    def step_list(self):
        """adb ls: mode and name; sizes of directories are a file system's own."""
        self.seen("shell", "cd %s && mkdir -p ls/sub && echo 12345 > ls/file && ln -sf file ls/link" % TMP)
        lines = self.seen("ls", TMP + "ls")[1].decode().splitlines()
        missing = self.seen("ls", TMP + "nothing-here")[:2]
        return sorted((line.split()[0], line.split()[3]) for line in lines if not line.endswith(" ..")), missing

    # ---- ports ----

    def step_forward(self):
        listener = socket.create_server(("127.0.0.1", 0))

        def answer():
            with listener.accept()[0] as c:
                got = b""
                while not got.endswith(b"\0END"):
                    got += c.recv(65536)
                c.sendall(hashlib.sha256(got).hexdigest().encode())
        threading.Thread(target=answer, daemon=True).start()
        port = int(self.adb.out("forward", "tcp:0", "tcp:%d" % listener.getsockname()[1]))
        got = self.ask(port, LARGE[:2_000_000] + b"\0END")
        refused = int(self.adb.out("forward", "tcp:0", "localabstract:nobody-listens"))
        listener.close()
        return got, self.ask(refused, b"")

    def ask(self, port, data):
        with socket.create_connection(("127.0.0.1", port)) as s:
            try:
                s.sendall(data)
                return s.recv(65536)
            except ConnectionError:
                return b""

    def step_reverse(self):
        listener = socket.create_server(("127.0.0.1", 0))
        local = "localabstract:framefarm-script-%d" % os.getpid()
        made = self.seen("reverse", local, "tcp:%d" % listener.getsockname()[1])[0]
        again = self.seen("reverse", "--no-rebind", local, "tcp:1")[0]
        listed = self.adb.out("reverse", "--list").split()[1:]
        removed = self.seen("reverse", "--remove", local)[0]
        gone = self.seen("reverse", "--remove", local)[0]
        listener.close()
        return made, again, [w.startswith(local) for w in listed], removed, gone, self.adb.out("reverse", "--list").split()

    # ---- what is refused ----

    def step_unknown_services(self):
        return [self.failed("jdwp-nonsense")[0], self.seen("shell", "")[0]]


def steps():
    return sorted(name for name in dir(Script) if name.startswith("step_"))


@unittest.skipUnless(ADB, "no adb here")
class Alike(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        reason = aosp.why_not()
        if reason:
            raise unittest.SkipTest(reason)
        cls.folder = tempfile.mkdtemp(prefix="framefarm-script-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.scripts = {}
        cls.daemon = aosp.Aosp(cls.place("aosp")).start()
        cls.addClassCleanup(cls.daemon.stop)
        cls.phones = Phones(cls.place("phone"))
        cls.addClassCleanup(cls.phones.stop)
        for name, address in (("aosp", cls.daemon.address), ("phone", cls.phones.addresses[0])):
            adb = Adb(cls.place(name + "-adb"))
            cls.addClassCleanup(adb.stop)
            adb.connect(address)
            cls.scripts[name] = Script(adb, cls.place(name + "-files"))

    @classmethod
    def place(cls, name):
        path = os.path.join(cls.folder, name)
        os.makedirs(path, exist_ok=True)
        return path

    def compare(self, step):
        expected, got = (getattr(self.scripts[name], step)() for name in ("aosp", "phone"))
        self.assertEqual(got, expected)


def add(step):
    setattr(Alike, "test_" + step[5:], lambda self: self.compare(step))


for each in steps():
    add(each)

if __name__ == "__main__":
    unittest.main()
