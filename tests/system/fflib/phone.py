# SPDX-License-Identifier: Apache-2.0
"""Virtual phones, and Debian's adb with a server of its own: its port, its HOME, its TMPDIR. Nothing of
the host's own adb is touched, and the server is stopped at the end."""

import contextlib
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest
import zipfile

from .agentbox import BUILD, PATIENCE, wait_for

PHONE = os.path.abspath(os.path.join(BUILD, "framefarm-phone"))
ADB = shutil.which("adb")


class Phones:
    """The program, with as many phones as it was asked for."""

    def __init__(self, folder, *options, count=1):
        self.env = dict(os.environ, TMPDIR=folder)
        self.errors = open(os.path.join(folder, "phone.err"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [PHONE, "--count", str(count), *options], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.errors, text=True, env=self.env)
        self.lines = [self.process.stdout.readline() for _ in range(count)]
        if not all(self.lines):
            self.errors.seek(0)
            raise AssertionError("no phone: " + self.errors.read())
        found = [re.fullmatch(r"listening (127\.0\.0\.1:\d+) serial=(\S*) profile=(\S+)\n", line)
                 for line in self.lines]
        self.addresses = [m.group(1) for m in found]
        self.serials = [m.group(2) for m in found]

    def stop(self, sig=signal.SIGTERM):
        self.process.send_signal(sig)
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.errors.close()
        return code


class Adb:
    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.env = {"PATH": os.environ["PATH"], "HOME": folder, "TMPDIR": folder, "LANG": "C.UTF-8",
                    "ANDROID_ADB_SERVER_PORT": str(self.port)}
        self.serial = None

    def run(self, *args, stdin=b"", text=True):
        """Exit code, stdout, stderr."""
        which = ["-s", self.serial] if self.serial else []
        done = subprocess.run([ADB, *which, *args], input=stdin, capture_output=True, env=self.env,
                              timeout=PATIENCE * 2, check=False)
        if not text:
            return done.returncode, done.stdout, done.stderr
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def out(self, *args, stdin=b""):
        code, out, err = self.run(*args, stdin=stdin)
        if code:
            raise AssertionError("adb %s: %d: %s%s" % (" ".join(args), code, out, err))
        return out

    @contextlib.contextmanager
    def start(self, *args):
        """A command that goes on; it is ended with the block, and PATIENCE later at the latest."""
        which = ["-s", self.serial] if self.serial else []
        child = subprocess.Popen([ADB, *which, *args], stdin=subprocess.DEVNULL, env=self.env,
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        bound = threading.Timer(PATIENCE, child.kill)
        bound.start()
        try:
            yield child
        finally:
            bound.cancel()
            child.kill()
            child.wait()
            child.stdout.close()

    def connect(self, address):
        out = self.out("connect", address)
        if "connected to" not in out:
            raise AssertionError(out)
        self.serial = address

    def state(self, serial):
        listed = dict(line.split("\t") for line in self.run("devices")[1].splitlines() if "\t" in line)
        return listed.get(serial)

    def stop(self):
        subprocess.run([ADB, "-P", str(self.port), "kill-server"], env=self.env, check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def binary_manifest(package):
    """The least AndroidManifest.xml as aapt compiles it: a pool of strings and one element."""
    words = ["manifest", "package", package]
    data = b"".join(struct.pack("<H", len(w)) + w.encode("utf-16le") + b"\0\0" for w in words)
    data += b"\0" * (-len(data) % 4)
    offsets, at = [], 0
    for w in words:
        offsets.append(at)
        at += 4 + 2 * len(w)
    start = 28 + 4 * len(words)
    pool = struct.pack("<HHIIIIII", 1, 28, start + len(data), len(words), 0, 0, start, 0)
    pool += struct.pack("<%dI" % len(words), *offsets) + data
    none = 0xffffffff
    element = struct.pack("<HHIIIIIHHHHHH", 0x102, 16, 36 + 20, 1, none, none, 0, 20, 20, 1, 0, 0, 0)
    element += struct.pack("<IIIHBBI", none, 1, 2, 8, 0, 3, 2)
    return struct.pack("<HHI", 3, 8, 8 + len(pool) + len(element)) + pool + element


def write_apk(path, package, filler=b"code"):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("classes.dex", filler)
        z.writestr("AndroidManifest.xml", binary_manifest(package))


@unittest.skipUnless(ADB, "no adb here")
class PhoneTest(unittest.TestCase):
    """A phone for the whole class, connected to by an adb of its own."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="framefarm-phone-test-")
        cls.phones = Phones(cls.folder, *cls.options)
        cls.adb = Adb(cls.folder)
        cls.adb.connect(cls.phones.addresses[0])

    @classmethod
    def tearDownClass(cls):
        cls.adb.stop()
        code = cls.phones.stop()
        left = [n for n in os.listdir(cls.folder) if n.startswith("framefarm-phone-")]
        shutil.rmtree(cls.folder)
        if code or left:
            raise AssertionError("the program ended with %d and left %s" % (code, left))

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def write(self, name, data):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def wait_for_state(self, state):
        wait_for(lambda: self.adb.state(self.adb.serial) == state, "state " + state)


class OwnPhone(unittest.TestCase):
    """Each story starts phones of its own, with its own options, and the stock client at the first."""

    def start(self, *options):
        self.folder = tempfile.mkdtemp(prefix="framefarm-phone-test-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.phones = Phones(self.folder, *options)
        self.addCleanup(self.phones.stop)
        self.adb = Adb(self.folder)
        self.addCleanup(self.adb.stop)
        self.adb.connect(self.phones.addresses[0])
