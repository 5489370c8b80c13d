# SPDX-License-Identifier: Apache-2.0
"""AOSP's own adbd, as Debian 13 packages it, in a root, a mount and a process namespace of its own: the
one ADB daemon here that nobody of this project wrote. What it lacks of Android is told in
tests/README.md; tests/system/adbd_shim.c gives it properties."""

import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import unittest

from .agentbox import BUILD, wait_for

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))

ADBD = "usr/lib/android-sdk/platform-tools/adbd"

# The daemon of Debian's build asks nobody for a key: one byte of its data says so. In 34.0.5-12, whose
# program has this SHA-256, it stands here.
AUTH_FLAG = 0x3adaf
AUTH_SHA256 = "12e6493107d4c51ccc595efde96acae75838584bd1cf4d451a50e679f1498d1a"

SCRIPT = r"""
set -e
root=$1 data=$2 shim=$3 adbd=$4 keys=$6
mount --bind "$root" "$root"
for d in null zero full random urandom tty; do : >"$data/dev/$d"; mount --bind /dev/$d "$data/dev/$d"; done
mkdir -p "$data/dev/pts"
mount -t devpts -o newinstance,ptmxmode=666 none "$data/dev/pts"
ln -s pts/ptmx "$data/dev/ptmx"
mount --rbind "$data/dev" "$root/dev"
mount --bind "$data/data" "$root/data"
mount --bind "$data/tmp" "$root/tmp"
mount --bind "$shim" "$root/shim"
[ -z "$adbd" ] || mount --bind "$adbd" "$root/usr/lib/android-sdk/platform-tools/adbd"
[ -z "$keys" ] || mount --bind "$keys" "$root/adb_keys"
mount -t proc proc "$root/proc"
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin HOME=/tmp LD_PRELOAD=/shim/shim.so \
    "P_service_adb_listen_addrs=tcp:localhost:$5" P_ro_product_name=aosp \
    P_ro_product_model="AOSP adbd" P_ro_product_device=aosp /usr/sbin/adbd
"""


def root():
    """Where it is unpacked; None where it cannot be had."""
    got = subprocess.run([os.path.join(TREE, "etc/build/fetch-adbd-debian13.sh")],
                         capture_output=True, text=True, check=False)
    lines = got.stdout.splitlines()
    return lines[-1] if got.returncode == 0 and lines else None


def why_not():
    """A reason why it cannot run here, or ""."""
    if os.geteuid() != 0:
        return "needs root for a root of its own"
    if subprocess.run(["unshare", "-m", "--pid", "--fork", "true"], check=False).returncode:
        return "needs mount and process namespaces"
    return "" if root() else "Debian 13's adbd cannot be had"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Aosp:
    """One daemon. `data` is a directory of the test's; with `auth` it lets in the keys in `keys` alone
    (lines as in adbkey.pub)."""

    def __init__(self, data, auth=False, keys=(), port=None):
        self.data, self.auth, self.keys = data, auth, list(keys)
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        self.log_path = os.path.join(data, "adbd.log")

    def start(self):
        shutil.rmtree(os.path.join(self.data, "dev"), ignore_errors=True)
        for d in ("dev", "data/local/tmp", "tmp", "shim"):
            os.makedirs(os.path.join(self.data, d), exist_ok=True)
        shutil.copy(os.path.join(BUILD, "tests/adbd_shim.so"), os.path.join(self.data, "shim/shim.so"))
        adbd = keys = ""
        if self.auth:
            adbd, keys = self.with_auth(), os.path.join(self.data, "adb_keys")
            with open(keys, "w", encoding="ascii") as f:
                f.writelines(k.strip() + "\n" for k in self.keys)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", "--pid", "--fork", "--kill-child", "sh", "-c", SCRIPT, "adbd",
                 root(), self.data, os.path.join(self.data, "shim"), adbd, str(self.port), keys],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.listens, "adbd to listen")
        return self

    def with_auth(self):
        """A copy that asks for a key."""
        copy = os.path.join(self.data, "adbd")
        with open(os.path.join(root(), ADBD), "rb") as f:
            program = bytearray(f.read())
        if hashlib.sha256(program).hexdigest() != AUTH_SHA256:
            raise unittest.SkipTest("another adbd than the one whose flag is known")
        program[AUTH_FLAG] = 1
        with open(copy, "wb") as f:
            f.write(program)
        os.chmod(copy, 0o755)
        return copy

    def listens(self):
        if self.process.poll() is not None:
            with open(self.log_path, errors="replace") as f:
                raise AssertionError("adbd ended:\n" + f.read())
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def path(self, inside):
        """Where a path of the daemon's /data or /tmp lies outside."""
        return os.path.join(self.data, inside.lstrip("/"))

    def stop(self):
        """It ignores SIGTERM; its namespace goes with unshare."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def folder():
    return tempfile.TemporaryDirectory(prefix="ff-adbd-", ignore_cleanup_errors=True)


def make_key(path):
    """As `adb keygen`: a private key in PEM and PATH.pub beside it."""
    subprocess.run(["adb", "keygen", path], check=True, capture_output=True,
                   env=dict(os.environ, HOME=os.path.dirname(path)))
