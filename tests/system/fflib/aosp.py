# SPDX-License-Identifier: Apache-2.0
"""AOSP's own adbd, as Debian 13 packages it, in a root, a mount and a process namespace of its own: the
one ADB daemon here that nobody of this project wrote. What it lacks of Android is told in
tests/README.md; tests/system/adbd_shim.c gives it properties."""

import os
import shutil
import socket
import subprocess
import tempfile

from .agentbox import BUILD, wait_for

TREE = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))

# The daemon of Debian's build asks nobody for a key: one byte of its data says so.
AUTH_FLAG = {"size": 0, "offset": 0x3adaf}

SCRIPT = r"""
set -e
root=$1 data=$2 shim=$3 adbd=$4
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
mount -t proc proc "$root/proc"
exec chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin:/usr/sbin HOME=/tmp LD_PRELOAD=/shim/shim.so \
    "P_service_adb_listen_addrs=tcp:localhost:$5" P_ro_product_name=aosp \
    P_ro_product_model="AOSP adbd" P_ro_product_device=aosp /usr/sbin/adbd
"""


def root():
    """Where it is unpacked; None where it cannot be had."""
    got = subprocess.run([os.path.join(TREE, "etc/build/fetch-adbd-debian13.sh")],
                         capture_output=True, text=True, check=False)
    lines = got.stdout.split()
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
    """One daemon. `data` is a directory of the test's; `auth` makes it ask for a key, and `keys` are
    lines of its /data/misc/adb/adb_keys."""

    def __init__(self, data, auth=False, keys=()):
        self.data, self.auth, self.keys = data, auth, list(keys)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process = None
        self.log_path = os.path.join(data, "adbd.log")

    def start(self):
        for d in ("dev", "data/local/tmp", "tmp", "shim"):
            os.makedirs(os.path.join(self.data, d), exist_ok=True)
        shutil.copy(os.path.join(BUILD, "tests/adbd_shim.so"), os.path.join(self.data, "shim/shim.so"))
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", "--pid", "--fork", "--kill-child", "sh", "-c", SCRIPT, "adbd",
                 root(), self.data, os.path.join(self.data, "shim"), "", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(self.listens, "adbd to listen")
        return self

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
