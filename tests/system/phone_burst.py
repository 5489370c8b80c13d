#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A host that uses delayed acknowledgement to the full: packets of all lengths come while the virtual
phone is busy with those before, and wait in it. The stock client has no such thing; this is one of its
own, in a few lines."""

import os
import random
import shutil
import socket
import struct
import tempfile
import unittest

from fflib.agentbox import PATIENCE
from fflib.phone import Phones

CNXN, OPEN, OKAY, WRTE = b"CNXN", b"OPEN", b"OKAY", b"WRTE"
PATH = b"/data/local/tmp/burst"
WINDOW = 1 << 20


def request(name, n, data=b""):
    return struct.pack("<4sI", name, n) + data


class Host:
    def __init__(self, address):
        host, port = address.split(":")
        self.s = socket.create_connection((host, int(port)), PATIENCE)
        self.f = self.s.makefile("rb")
        self.send([self.packet(CNXN, 0x01000001, 1 << 20, b"host::features=delayed_ack")])
        banner = self.until(CNXN)[2]
        assert b"delayed_ack" in banner, banner
        self.send([self.packet(OPEN, 1, WINDOW, b"sync:\0")])
        self.remote, _, credit = self.until(OKAY)
        self.credit = struct.unpack("<i", credit)[0]

    def packet(self, name, a, b, data):
        command = struct.unpack("<I", name)[0]
        return struct.pack("<6I", command, a, b, len(data), sum(data) if name == CNXN else 0,
                           command ^ 0xffffffff) + data

    def send(self, packets):
        self.s.sendall(b"".join(packets))

    def receive(self):
        name, a, b, n = struct.unpack("<4s3I", self.f.read(24)[:16])
        return name, (a, b, self.f.read(n))

    def until(self, name):
        while True:
            got, rest = self.receive()
            if got == name:
                return rest

    def write(self, packets):
        """As many at once as there is credit for, and then the next."""
        while packets:
            burst = []
            while packets and self.credit > 0:
                self.credit -= len(packets[0])
                burst.append(self.packet(WRTE, 1, self.remote, packets.pop(0)))
            self.send(burst)
            while packets and self.credit <= 0:
                self.credit += struct.unpack("<i", self.until(OKAY)[2])[0]

    def read(self, n):
        """n bytes of the stream, or more where packets end behind them."""
        data = b""
        while len(data) < n:
            name, (_, _, part) = self.receive()
            if name == OKAY:
                self.credit += struct.unpack("<i", part)[0]
            else:
                self.send([self.packet(OKAY, 1, self.remote, struct.pack("<i", len(part)))])
                data += part
        return data


class BurstTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="ff-burst-")
        os.chmod(self.folder, 0o1777)
        self.phone = Phones(self.folder, "--quirk", "delayed-ack")
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(self.phone.stop)

    def push(self, host, r, content):
        stream, at = request(b"SEND", len(PATH) + 6, PATH + b",33188"), 0
        while at < len(content):
            n = r.choice((1, 100, 4000, 65536))
            stream += request(b"DATA", len(content[at:at + n]), content[at:at + n])
            at += n
        stream += request(b"DONE", 7)
        packets = []
        while stream:
            n = r.choice((1, 7, 300, 70000, 150000, 600000))
            packets.append(stream[:n])
            stream = stream[n:]
        host.write(packets)
        self.assertEqual(host.read(8), request(b"OKAY", 0))

    def pull(self, host, size):
        host.write([request(b"RECV", len(PATH), PATH)])
        raw, content = host.read(size + 16), b""
        while True:
            while len(raw) < 8:
                raw += host.read(1)
            name, n = struct.unpack("<4sI", raw[:8])
            if name == b"DONE":
                return content
            self.assertEqual(name, b"DATA")
            while len(raw) < 8 + n:
                raw += host.read(1)
            content += raw[8:8 + n]
            raw = raw[8 + n:]

    def test_what_waits_is_stored_in_its_order(self):
        r = random.Random(1)
        host = Host(self.phone.addresses[0])
        for _ in range(10):
            content = r.randbytes(3 * 1000 * 1000)
            self.push(host, r, content)
            self.assertTrue(self.pull(host, len(content)) == content)
        host.f.close()
        host.s.close()


if __name__ == "__main__":
    unittest.main()
