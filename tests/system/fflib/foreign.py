# SPDX-License-Identifier: Apache-2.0
"""Agents of other machines under qemu-user. What they start is of their machine too, so qemu is registered
for it (binfmt_misc) in a user and mount name space of its own around the agent; the host's stays as it is."""

import os
import subprocess

from .agentbox import BUILD

MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
# By uname -m: class of the ELF file, its machine, qemu.
MACHINES = {"aarch64": (r"\x02", r"\xb7", "qemu-aarch64-static"), "armv7l": (r"\x01", r"\x28", "qemu-arm-static")}


def around(machine):
    """argv in front of a program of the machine and its arguments."""
    bits, number, qemu = MACHINES[machine]
    magic = r"\x7fELF" + bits + r"\x01\x01" + r"\x00" * 9 + r"\x02\x00" + number + r"\x00"
    rule = f":ff-{machine}:M::{magic}:{MASK}:/usr/bin/{qemu}:OCF"
    inside = ("mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && "
              "printf %s \"$1\" >/proc/sys/fs/binfmt_misc/register && shift && exec \"$@\"")
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside, "sh", rule]


def agent(machine):
    """argv of its agent."""
    return [*around(machine), os.path.abspath(os.path.join(BUILD, machine, "framefarm-agent"))]


def why_not(machine):
    if not os.path.exists(agent(machine)[-1]):
        return f"the agent for {machine} is not built: make agents"
    done = subprocess.run([*agent(machine), "--version"], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"no {machine} programs here (binfmt_misc in a name space, Linux 6.7): {done.stderr.strip()}"
    return ""
