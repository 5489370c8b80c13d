#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An agent that speaks another language costs its device, not the farm; who waits for that device is told."""

import os
import stat
import struct
import unittest

from fflib import daemon as ff
from fflib.daemon import DaemonTest, mlp_job, wait_for

AGENT = """#!/usr/bin/python3 -I
import os, socket, sys
args = dict(a[2:].split("=", 1) for a in sys.argv[1:] if "=" in a)
path = args["listen"].split(":", 1)[1]
sys.stdin.buffer.read(32)
if os.path.exists(path):
    os.unlink(path)
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen(8)
pid = os.fork()
if pid:
    print("ready unix:" + path, flush=True)
    os._exit(0)
os.setsid()
with open(os.path.join(args["dir"], "agent.pid"), "w") as f:
    f.write("%%d\\n" %% os.getpid())
null = os.open("/dev/null", os.O_RDWR)
for fd in 0, 1, 2:
    os.dup2(null, fd)
while True:
    c, _ = s.accept()
    c.sendall(bytes.fromhex("%s"))
    try:
        while c.recv(4096):
            pass
    except OSError:
        pass
"""


def frame(kind, payload):
    """Header and payload of agents/proto.h, with its CRC-32C."""
    body = struct.pack("<HHI", kind, 0, len(payload))
    crc = 0xffffffff
    for byte in body + payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return struct.pack("<I", 0x31504646) + body + struct.pack("<I", crc ^ 0xffffffff) + payload


class BadAgent(DaemonTest):
    def bad_agent(self, hello, *words, options=()):
        tools = os.path.join(self.dir, "tools")
        os.mkdir(tools)
        agent = os.path.join(tools, "framefarm-agent")
        with open(agent, "w") as f:
            f.write(AGENT % hello.hex())
        os.chmod(agent, stat.S_IRWXU)
        d = self.daemon("--tools", tools, *options)
        device = wait_for(lambda: [x for x in d.get("/api/v1/devices")["devices"]
                                   if x["state"] in ("recovering", "quarantined")],
                          "the device to fail")[0]
        for w in (*words, "build"):  # whose agent it must be
            self.assertIn(w, device["need"])
        self.assertEqual(d.http("GET", "/readyz").status, 200)

    def test_who_waits_for_the_device_is_told_why_and_how_it_comes_back(self):
        self.bad_agent(b"GET / HTTP/1.1\r\n\r\n" * 4, "garbage",
                       options=("--reattach-time", "1s", "--match-time", "1s"))
        r = self.cli("run", self.job_file(mlp_job()), check=ff.INFRASTRUCTURE)
        self.assertIn("quarantined; local (d1): the agent sent garbage", r.stdout)
        self.assertIn("framefarm device release d1", r.stdout)

    def test_garbage(self):
        self.bad_agent(b"GET / HTTP/1.1\r\n\r\n" * 4, "garbage")

    def test_a_frame_whose_checksum_is_wrong(self):
        self.bad_agent(frame(32, b"x" * 40)[:-1] + b"y", "garbage")

    def test_a_welcome_that_is_malformed(self):
        self.bad_agent(frame(32, b"\x01\x00"), "welcome")

    def test_another_version(self):
        text = b"only version 9"
        self.bad_agent(frame(36, b"\x01\x00" + bytes(8) + b"\x01\x00" +
                             bytes([len(text), 0]) + text), "version")

    def test_data_before_the_welcome(self):
        self.bad_agent(frame(33, bytes(64)), "before its welcome")


if __name__ == "__main__":
    unittest.main()
