#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The ADB driver's stories (adbdriver.c) with daemons that are really there: AOSP's own adbd, and the
virtual phone, over TCP and at a mocked USB port. Prints their TAP."""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(__file__))
from fflib import aosp, usb
from fflib.agentbox import BUILD
from fflib.phone import Phones

# The stories may be another build (one with a sanitizer) than the rest.
STORIES = os.path.abspath(os.environ.get("FRAMEFARM_ADBDRIVER", os.path.join(BUILD, "tests/adbdriver")))
AGENT = os.path.abspath(os.path.join(BUILD, "framefarm-agent"))


def tell(name, address, wrap=(), env=None):
    print(f"# with {name} at {address}", flush=True)
    return subprocess.run([*wrap, STORIES], check=False, env=dict(
        env or os.environ, FRAMEFARM_ADB=address, FRAMEFARM_AGENT=AGENT)).returncode


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


def with_phone_on_usb():
    why = usb.why_not()
    if why:
        print(f"ok - the virtual phone over USB # SKIP {why}")
        return 0
    with tempfile.TemporaryDirectory(prefix="ff-phone-") as folder:
        phones, bus = Phones(folder), usb.Bus()
        try:
            bus.plug_phone("1-4.2", phones.addresses[0])
            return tell("the virtual phone over USB", "usb", bus.wrap, bus.env)
        finally:
            bus.stop()
            phones.stop()


WITH = {"aosp": with_aosp, "phone": with_phone, "usb": with_phone_on_usb}

if __name__ == "__main__":
    sys.exit(max(WITH[name]() for name in sys.argv[1:] or WITH))
