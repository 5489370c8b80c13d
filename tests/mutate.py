#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes handling away and sees a test fail.

    mutate.py LIST [NAME…]      applies each mutation of LIST, or those of the tests named
    mutate.py -c LIST           looks only whether what they replace still stands in the tree

Works in a copy of what git knows, under the build directory; the tree is not touched. A list:

    target: what make builds            command: what runs; %s is the test's name

    the_tests_name
    @ file
    -lines that are there, once
    +lines that take their place

Several files, or places of one, may follow each other in one mutation; a blank line ends it. Not part of
`make check` but for -c: each mutation is a build.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

BUILD = os.environ.get("FRAMEFARM_BUILD") or "build"
COPY = os.path.join(BUILD, "mutate")
PATIENCE_S = float(os.environ.get("FRAMEFARM_MUTATE_S") or 180)    # a test that hangs has failed


def read(path):
    """[(head, name, [(file, old, new)…])…]; what a head says holds for what stands below it."""
    head, found, edits = {}, [], None
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if not line:
            edits = None
        elif line.startswith("#"):
            continue
        elif edits is None and re.match(r"(target|command): ", line):
            key, _, value = line.partition(": ")
            head = dict(head, **{key: value})
        elif edits is None:
            edits = []
            found.append((head, line, edits))
        elif line.startswith("@ "):
            edits.append([line[2:], "", ""])
        elif line[0] == "-" and edits[-1][2]:   # another place of the same file
            edits.append([edits[-1][0], line[1:] + "\n", ""])
        else:
            edits[-1][1 if line[0] == "-" else 2] += line[1:] + "\n"
    return found


def text_of(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def find(edit, root):
    """Where the text stands: in the file that is named, or in one other of its folder."""
    path = os.path.join(root, edit[0])
    if os.path.exists(path) and text_of(path).count(edit[1]) == 1:
        return path
    found = [p for p in glob.glob(os.path.dirname(path) + "/*.[ch]") if text_of(p).count(edit[1])]
    return found[0] if len(found) == 1 and text_of(found[0]).count(edit[1]) == 1 else None


def missing(edits, root="."):
    return [e[0] for e in edits if not find(e, root)]


def check(path):
    """TAP, for make check: a skip is one that wants to be looked at, since somebody changed the place."""
    for number, (_, name, edits) in enumerate(read(path), 1):
        stale = missing(edits)
        print(f"ok {number} - {name}: what is mutated is there", *(["# SKIP not in", *stale] if stale else []))


def copy_tree():
    files = subprocess.run(["git", "ls-files", "-z", "-c", "-o", "--exclude-standard"], check=True,
                           stdout=subprocess.PIPE).stdout.decode().split("\0")
    for folder, _, names in os.walk(COPY):
        for there in (os.path.join(folder, n) for n in names):
            if os.path.relpath(there, COPY) not in files and not there.startswith(COPY + "/build/"):
                os.unlink(there)
    for name in filter(os.path.isfile, files):
        there = os.path.join(COPY, name)
        os.makedirs(os.path.dirname(there), exist_ok=True)
        if not os.path.exists(there) or open(there, "rb").read() != open(name, "rb").read():
            shutil.copy(name, there)


def make(head):
    return subprocess.run(["make", "-s", "-C", COPY, "B=build", *head["target"].split()], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def fails(head, name):
    command = head["command"].replace("%s", name)
    try:
        done = subprocess.run(command, shell=True, cwd=COPY, check=False, timeout=PATIENCE_S, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT="tap", FRAMEFARM_BUILD="build"))
    except subprocess.TimeoutExpired:
        return True
    if done.returncode < 0 or done.returncode > 128 or "1.." not in done.stdout:
        return True                             # it died
    return bool(re.search(r"^not ok \d+ - " + re.escape(name), done.stdout, re.M))


def try_one(head, name, edits):
    places = [find(e, COPY) for e in edits]
    before = {p: text_of(p) for p in places}
    try:
        for path, (_, old, new) in zip(places, edits):
            text = text_of(path)
            with open(path, "w", encoding="utf-8") as f:
                f.write(text.replace(old, new))
        built = make(head)
        if built.returncode:
            return "DOES NOT BUILD\n" + built.stdout
        return "fails, as it must" if fails(head, name) else "PASSES WITHOUT THE HANDLING"
    finally:
        for path, text in before.items():
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)


def main(argv):
    if not argv or argv[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if argv else 2
    if argv[:1] == ["-c"]:
        for path in argv[1:]:
            check(path)
        return 0
    found = [m for m in read(argv[0]) if len(argv) == 1 or m[1] in argv[1:]]
    copy_tree()
    bad = 0
    for name, head in {name: head for head, name, _ in found}.items():
        built = make(head)
        if built.returncode:
            sys.exit(built.stdout)
        if fails(head, name):
            print(f"{name}: FAILS WITHOUT A MUTATION", flush=True)
            bad += 1
    for head, name, edits in found:
        outcome = "NOT IN THE TREE" if missing(edits, COPY) else try_one(head, name, edits)
        bad += outcome != "fails, as it must"
        print(f"{name}: {edits[0][0]}: {outcome}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
