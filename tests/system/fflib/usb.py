# SPDX-License-Identifier: Apache-2.0
"""Mocked USB ports (tests/umock), and virtual phones behind them. A program that shall see them runs with
Bus.wrap before it and Bus.env as its environment."""

import os
import platform
import shutil
import socket
import subprocess

from .agentbox import BUILD, PATIENCE

BUS = os.path.abspath(os.path.join(BUILD, "tests/umock-bus"))
WRAPPER = shutil.which("umockdev-wrapper")


def why_not():
    """Why there are no mocked ports here, or None."""
    if not WRAPPER:
        return "no umockdev here"
    return None if os.path.exists(BUS) else BUS + " is not built"


class Bus:
    """The program with the ports; orders are in tests/umock/README.md."""

    # The thread sanitizer needs its memory where it expects it.
    wrap = ["setarch", platform.machine(), "-R", WRAPPER]

    def __init__(self):
        ours, theirs = socket.socketpair()
        with theirs:
            # The bus is no subject of the sanitizers, whose programs it may serve.
            self.process = subprocess.Popen(
                ["sh", "-c", 'exec "$0" "$1" 3<&%d' % theirs.fileno(), WRAPPER, BUS],
                stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
        ours.settimeout(PATIENCE)
        self.orders = ours.makefile("rw", encoding="utf-8")
        ours.close()
        self.root = self.answer("its start")
        self.env = dict(os.environ, UMOCKDEV_DIR=self.root)
        options = self.env.get("ASAN_OPTIONS", "")
        self.env["ASAN_OPTIONS"] = "verify_asan_link_order=0:" + options

    def answer(self, order):
        line = self.orders.readline()
        if not line.startswith("ok"):
            raise AssertionError("the bus says to \"%s\": %s" % (order, line or "nothing"))
        return line[3:].strip()

    def tell(self, order):
        """An order; gives the number in its answer."""
        self.orders.write(order + "\n")
        self.orders.flush()
        return int(self.answer(order) or 0)

    def plug_phone(self, path, address, serial="UMOCK0001"):
        """The virtual phone that plays adbd at this address, on a cable to the port."""
        self.tell("plug %s role=phone tcp=%s serial=%s" % (path, address.rsplit(":", 1)[1], serial))

    def stop(self):
        self.orders.close()
        code = self.process.wait(PATIENCE)
        if code:
            raise AssertionError("the bus ended with %d" % code)
