#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ADB driver's stories (adbdriver.c) with daemons that are really there: AOSP's own adbd, and the
virtual phone. Prints their TAP."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from fflib import aosp
from fflib.agentbox import BUILD
from fflib.phone import Phones

STORIES = os.path.abspath(os.path.join(BUILD, "tests/adbdriver"))
AGENT = os.path.abspath(os.path.join(BUILD, "framefarm-agent"))


def tell(name, address):
    print(f"# with {name} at {address}", flush=True)
    return subprocess.run([STORIES], check=False, env=dict(
        os.environ, FRAMEFARM_ADB=address, FRAMEFARM_AGENT=AGENT)).returncode


def with_aosp():
    why = aosp.why_not()
    if why:
        print(f"ok - AOSP's adbd # SKIP {why}")
        return 0
    with aosp.folder() as folder:
        daemon = aosp.Aosp(folder).start()
        try:
            return tell("AOSP's adbd", daemon.address)
        finally:
            daemon.stop()


def with_phone():
    with tempfile.TemporaryDirectory(prefix="ff-phone-") as folder:
        phones = Phones(folder)
        try:
            return tell("the virtual phone", phones.addresses[0])
        finally:
            phones.stop()


if __name__ == "__main__":
    sys.exit(max(with_aosp(), with_phone()))
