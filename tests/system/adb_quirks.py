#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ADB driver with virtual phones that have quirks: the stories of adbquirks/, and that there is one
for each switch that the virtual phone has. Prints their TAP."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from fflib.agentbox import BUILD
from fflib.phone import PHONE, write_apk

STORIES = os.path.abspath(os.path.join(BUILD, "tests/adbquirks"))


def lines_of(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def switches():
    """Of the program: a line each, that begins with the name, indented; help may go on behind it."""
    return {line.split()[0].split("=")[0] for line in lines_of(PHONE, "--list-quirks")}


def told():
    words = " ".join(lines_of(STORIES, "-l")).split()
    return {b.split("=")[0] for a, b in zip(words, words[1:]) if a == "--quirk"}


def every_switch_has_a_story():
    untold, unknown = switches() - told(), told() - switches()
    if untold or unknown:
        print("# switches without a story:", *sorted(untold))
        print("# stories of switches that there are not:", *sorted(unknown))
    print("not ok" if untold or unknown else "ok", "- every switch has a story")
    return bool(untold or unknown)


def stories(argv):
    with tempfile.TemporaryDirectory(prefix="ff-quirks-") as folder:
        apk = os.path.join(folder, "base.apk")
        write_apk(apk, "org.example.quirk")
        return subprocess.run([STORIES, *argv], check=False, env=dict(
            os.environ, FRAMEFARM_PHONE=PHONE, FRAMEFARM_APK=apk,
            FRAMEFARM_AGENT=os.path.abspath(os.path.join(BUILD, "framefarm-agent")))).returncode


if __name__ == "__main__":
    sys.exit(max(every_switch_has_a_story(), stories(sys.argv[1:])))
