#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom, and what every file and folder must have. Prints one `ok` or `not ok` line a
test. The rules are the tables below; where a rule changes, its reason stands in a folder's README.

    check_includes.py [DIRECTORY]     the tree to look at; default: the one this script is in
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys

# What a room may include besides itself: rooms, or single headers of a room. The longest matching
# path is a file's room.
ROOMS = {
    "controller/base": [],
    "controller/core": ["controller/base"],
    "controller/gate": ["controller/base"],
    "controller/loop": ["controller/base", "drivers/driver.h"],
    "controller/store": ["controller/base", "controller/core/rows.h", "agents/*.h"],
    "controller/farm": ["controller/base", "controller/core", "controller/gate", "controller/store",
                        "drivers/driver.h", "agents/*.h"],
    "controller/api": ["controller/base", "controller/core/rows.h", "controller/core/farm.h",
                       "controller/core/jobspec.h", "controller/store/store.h",
                       "controller/farm/ctl.h", "agents/*.h"],
    "controller/cmd": ["controller/base", "controller/core", "controller/gate", "controller/store",
                       "controller/loop", "controller/farm/ctl.h", "controller/api",
                       "drivers/driver.h", "agents/*.h"],
    "drivers": ["controller/base", "agents/proto.h"],
    "drivers/filter": ["controller/base", "drivers/driver.h", "agents/proto.h"],
    "drivers/local": ["controller/base", "drivers/driver.h", "agents/proto.h"],
    "drivers/adb": ["controller/base", "drivers/driver.h", "agents/proto.h"],
    # The virtual phone is a program of its own: the other end of drivers/adb.
    "drivers/virtual": ["controller/base", "controller/loop", "drivers/driver.h", "drivers/adb",
                        "agents/*.h"],
    "agents": [],
    "agents/agent": ["agents/*.h"],
    "agents/runner": ["agents/*.h"],
}

# The one file that names the concrete drivers.
REGISTRY = "drivers/registry.c"

# A library's headers are included in one folder (of what is shipped; tests may use any).
LIBRARIES = {
    "cjson/": "controller/base", "openssl/": "controller/base", "uthash.h": "controller/base",
    "sqlite3.h": "controller/store", "sqlite3ext.h": "controller/store", "event2/": "controller/loop", "microhttpd.h": "controller/api",
    "curl/": "controller/cmd", "dlfcn.h": "agents/runner", "libusb-1.0/": "drivers/adb",
    "brotli/": "drivers/adb", "lz4frame.h": "drivers/adb", "zstd.h": "drivers/adb",
    "zlib.h": "drivers/virtual", "zip.h": "controller/farm",
}

# core/ and gate/ are pure: no I/O, no clock, no thread. A broken invariant may say so on stderr before
# it aborts.
PURE = ["controller/core", "controller/gate"]
PURE_HEADERS = {"assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
                "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h",
                "strings.h", "sys/queue.h"}
PURE_CALLS = r"\b(fopen|fprintf(?!\(stderr)|printf|puts|open|read|write|time|clock_\w+|usleep|nanosleep|sleep)\("

# Drivers get time from their host; they read no clock and never sleep.
TIMELESS_CALLS = r"\b(clock_gettime|gettimeofday|time|usleep|nanosleep|clock_nanosleep|sleep)\("

# Headers of the C library and the kernel. Anything else in <> is a library, and must be in LIBRARIES.
SYSTEM = re.compile(
    r"(sys|linux|arpa|netinet|net|asm)/[\w/]+\.h|(assert|ctype|dirent|endian|errno|fcntl|fenv|float|ftw|"
    r"getopt|glob|grp|ifaddrs|inttypes|libgen|limits|locale|malloc|math|netdb|poll|pthread|pty|pwd|sched|"
    r"semaphore|setjmp|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|"
    r"stdnoreturn|string|strings|syslog|termios|threads|time|unistd|wchar|elf)\.h")

SPDX = "SPDX-License-Identifier: Apache-2.0"
SPDX_ENDINGS = (".c", ".h", ".py", ".sh", ".mk", ".sql", ".js", ".css", ".html", ".yml")
SKIPPED_DIRS = {".git", ".cache", "build", "__pycache__", "node_modules"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = []
        for folder, dirs, names in os.walk(root):
            dirs[:] = sorted(d for d in dirs if d not in SKIPPED_DIRS and not d.startswith("build-"))
            for name in sorted(names):
                self.files.append(os.path.relpath(os.path.join(folder, name), root))
        self.known = set(self.files)

    def text(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
            return f.read()

    def of_room(self, room):
        return [f for f in self.files if f.endswith((".c", ".h")) and room_of(f) == room]

    def resolve(self, path, name):
        """The file that #include "name" in path means, searched as the Makefile's -I does."""
        for base in (os.path.dirname(path), "", "controller", "agents"):
            found = os.path.normpath(os.path.join(base, name))
            if found in self.known:
                return found
        return None


def room_of(path):
    rooms = [r for r in ROOMS if path.startswith(r + "/")]
    return max(rooms, key=len) if rooms else None


def may_include(room, target):
    if room_of(target) == room:
        return True
    for allowed in ROOMS[room]:
        if allowed.endswith("/*.h"):
            if os.path.dirname(target) == allowed[:-4]:
                return True
        elif allowed.endswith(".h"):
            if target == allowed:
                return True
        elif room_of(target) == allowed:
            return True
    return False


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\"", " ", text, flags=re.S)


# ---- the tests: each yields complaints ----

def included(tree, room):
    for path in tree.of_room(room):
        for kind, name in INCLUDE.findall(tree.text(path)):
            if kind == "<":
                yield from library(path, name)
                continue
            target = tree.resolve(path, name)
            if not target:
                if "/gen/" not in name:
                    yield f'{path}: "{name}" is not in the tree'
            elif path != REGISTRY and not may_include(room, target):
                yield f"{path}: {room} may not include {target}"


def library(path, name):
    for prefix, folder in LIBRARIES.items():
        if name.startswith(prefix):
            if os.path.dirname(path) != folder:
                yield f"{path}: <{name}> is {folder}'s alone"
            return
    if not SYSTEM.fullmatch(name):
        yield f"{path}: <{name}> is a library that the table does not know"


def own_header_first(tree, room):
    """Or an internal header of the room that begins with it."""
    for path in tree.of_room(room):
        header = path[:-2] + ".h"
        if path.endswith(".c") and header in tree.known:
            first = INCLUDE.search(tree.text(path))
            target = tree.resolve(path, first.group(2)) if first else None
            if target != header and not (target and header in included_by(tree, target)):
                yield f"{path}: does not include {header} first"


def included_by(tree, path):
    return [tree.resolve(path, name) for kind, name in INCLUDE.findall(tree.text(path)) if kind == '"']


def pure(tree, room):
    for path in tree.of_room(room):
        text = tree.text(path)
        for kind, name in INCLUDE.findall(text):
            if kind == "<" and name not in PURE_HEADERS:
                yield f"{path}: <{name}> in a room that is pure"
        for call in re.finditer(PURE_CALLS, without_comments(text)):
            yield f"{path}: calls {call.group(1)}() in a room that is pure"


def timeless(tree):
    for path in tree.files:
        if path.startswith("drivers/") and path.endswith(".c"):
            for call in re.finditer(TIMELESS_CALLS, without_comments(tree.text(path))):
                yield f"{path}: a driver calls {call.group(1)}(); its host has the time"


def drivers_are_named_once(tree):
    concrete = [r for r in ROOMS if r.startswith("drivers/")]
    for path in tree.files:
        if not path.endswith((".c", ".h")) or path.startswith(("drivers/", "tests/")):
            continue
        for kind, name in INCLUDE.findall(tree.text(path)):
            target = tree.resolve(path, name) if kind == '"' else None
            if target and room_of(target) in concrete:
                yield f"{path}: names a driver; only {REGISTRY} does"


def every_room_is_known(tree):
    for path in tree.files:
        if path.endswith((".c", ".h")) and path.startswith(("controller/", "drivers/", "agents/")):
            folder = os.path.dirname(path)
            if folder not in ROOMS:
                yield f"{path}: {folder} is not in the table of rooms"


def spdx(tree):
    for path in tree.files:
        text = tree.text(path) if path.endswith(SPDX_ENDINGS) or "." not in path else ""
        script = text.startswith("#!")
        if text and (path.endswith(SPDX_ENDINGS) or script or path == "Makefile") and \
                SPDX not in "\n".join(text.splitlines()[:3]):
            yield f"{path}: no SPDX line at its head"


def readmes(tree):
    """A folder has a README, or one of a folder above tells of it by name. The folders of tests/unit
    are the rooms'."""
    folders = {os.path.dirname(f) for f in tree.files}
    for folder in sorted(f for f in folders if f and not f.startswith((".", "tests/unit/"))):
        above, named = os.path.dirname(folder), folder + "/README.md" in tree.known
        while not named:
            path = os.path.join(above, "README.md")
            named = path in tree.known and os.path.basename(folder) + "/" in tree.text(path)
            if not above:
                break
            above = os.path.dirname(above)
        if not named:
            yield f"{folder}: no README.md of its own, and none above tells of it"


def head_paragraph(tree):
    for path in tree.files:
        if room_of(path) and path.endswith((".c", ".h")):
            lines = tree.text(path).splitlines()[1:2]
            if not lines or not lines[0].startswith("/*"):
                yield f"{path}: no paragraph behind the SPDX line"


def compiles_alone(tree, header):
    cc = os.environ.get("CC", "cc").split()
    run = subprocess.run(
        cc + ["-std=c11", "-D_GNU_SOURCE", "-DFRAMEFARM_VERSION=\"x\"", "-Wall", "-Wextra", "-Werror",
              "-fsyntax-only", "-I.", "-Icontroller", "-Iagents", "-include", header, "-x", "c",
              os.devnull],
        cwd=tree.root, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return "" if run.returncode == 0 else run.stderr.strip()


def headers(tree):
    names = [f for f in tree.files if f.endswith(".h") and room_of(f)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, text in zip(names, pool.map(lambda n: compiles_alone(tree, n), names)):
            if text:
                yield f"{name} does not compile alone:\n{text}"


def tests_of(tree):
    for room in ROOMS:
        yield f"{room} includes what it may", lambda room=room: included(tree, room)
        yield f"{room}: each file includes its own header first", \
            lambda room=room: own_header_first(tree, room)
    for room in PURE:
        yield f"{room} is pure", lambda room=room: pure(tree, room)
    yield "drivers read no clock and do not sleep", lambda: timeless(tree)
    yield "only the registry names drivers", lambda: drivers_are_named_once(tree)
    yield "every folder of C is a room of the table", lambda: every_room_is_known(tree)
    yield "every file has an SPDX line", lambda: spdx(tree)
    yield "every C file says what it is", lambda: head_paragraph(tree)
    yield "every folder has a README", lambda: readmes(tree)
    if shutil.which(os.environ.get("CC", "cc").split()[0]):
        yield "every header compiles alone", lambda: headers(tree)


def main():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tree = Tree(sys.argv[1] if len(sys.argv) > 1 else here)
    bad = 0
    for number, (name, test) in enumerate(tests_of(tree), 1):
        complaints = list(test())
        bad += bool(complaints)
        print(f"{'not ok' if complaints else 'ok'} {number} - {name}")
        for line in "\n".join(complaints).splitlines():
            print(f"# {line}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
