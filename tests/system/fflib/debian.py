# SPDX-License-Identifier: Apache-2.0
"""Modules that Debian's packages bring belong to the system's own Python, which need not be the first in PATH."""

import importlib.util
import os
import sys

SYSTEM = "/usr/bin/python3"


def need(*modules):
    """Starts the script again with the system's Python where this one lacks a module."""
    missing = [m for m in modules if importlib.util.find_spec(m) is None]
    if missing and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM):
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    if missing:
        sys.exit(f"these modules are missing: {', '.join(missing)} (make deps installs them)")
