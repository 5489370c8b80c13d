# SPDX-License-Identifier: Apache-2.0
"""The switch of faultdisk.c: which calls on which files fail, from which one on, or are the last thing
that a process does."""

import atexit
import mmap
import os
import shutil
import struct
import tempfile

OFF, FAIL_IO, FAIL_SPACE, DIE = range(4)
WRITE, SYNC, TRUNCATE, RENAME, CREATE = 1, 2, 4, 8, 16
EVERY = WRITE | SYNC | TRUNCATE | RENAME | CREATE
OPS = {WRITE: "write", SYNC: "sync", TRUNCATE: "truncate", RENAME: "rename", CREATE: "create"}

# struct faults: mode ops after every partial seen hits last, below
LAYOUT = struct.Struct("<8I1024s")


class Faults:
    """One file, mapped by the process that it is about."""

    def __init__(self, path):
        with open(path, "wb") as f:
            f.write(bytes(LAYOUT.size))
        self.path = path
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), LAYOUT.size)

    def close(self):
        self.map.close()
        self.file.close()

    def set(self, mode, below, ops=EVERY, after=0, every=1, partial=0):
        self.map[0:4] = bytes(4)  # off while the rest changes
        self.map[4:LAYOUT.size] = LAYOUT.pack(mode, ops, after, every, partial, 0, 0, 0,
                                              below.encode())[4:]
        self.map[0:4] = struct.pack("<I", mode)

    def off(self):
        self.map[0:4] = bytes(4)

    def counts(self):
        """Calls that were meant, those that failed, and what the last of them was."""
        seen, hits, last = struct.unpack("<3I", self.map[20:32])
        return seen, hits, OPS.get(last, "")

    @staticmethod
    def preload(build):
        """For LD_PRELOAD, which is separated by blanks and colons and knows no way to quote them."""
        path = os.path.abspath(os.path.join(build, "tests", "faultdisk.so"))
        if " " in path or ":" in path:
            folder = tempfile.mkdtemp(prefix="ff-faults-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            os.symlink(path, os.path.join(folder, "faultdisk.so"))
            path = os.path.join(folder, "faultdisk.so")
        return path
