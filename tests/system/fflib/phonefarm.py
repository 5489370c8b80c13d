# SPDX-License-Identifier: Apache-2.0
"""Virtual phones as devices of the real daemon: what the tests of their faults share."""

import json
import os
import shutil
import tempfile
import threading
import urllib.request

from .agentbox import wait_for
from .daemon import DaemonTest
from .phone import Phones

VIRTUAL = {"select": {"virtual": "yes"}, "count": 1}


def parent_of(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


def descendants(root, name):
    """Processes of this name whose ancestor is root."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cmdline" % entry, "rb") as f:
                if name not in f.read():
                    continue
            pid = int(entry)
            while pid > 1 and pid != root:
                pid = parent_of(pid)
            if pid == root:
                found.append(int(entry))
        except (OSError, IndexError):
            pass
    return found


class PhonesTest(DaemonTest):
    def phones(self, *options, count=1):
        folder = tempfile.mkdtemp(prefix="framefarm-phones-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        phones = Phones(folder, *options, count=count)
        self.addCleanup(self.end, phones)
        return phones

    @staticmethod
    def end(phones):
        if phones.process.poll() is None:
            phones.stop()
        else:
            phones.process.stdout.close()
            phones.errors.close()

    def farm(self, *addresses, options=()):
        given = [x for a in addresses for x in ("--adb", a)]
        return self.daemon("--match-time", "0", *given, *options)

    @staticmethod
    def devices(d, **want):
        return [x for x in d.get("/api/v1/devices")["devices"]
                if all(x[k] == v for k, v in want.items())]

    def wait_ready(self, d, n):
        wait_for(lambda: len(self.devices(d, state="ready")) >= n, "%d ready devices" % n)

    def device_at(self, d, address, **want):
        found = self.devices(d, where="tcp " + address, **want)
        return found[0] if found else None

    def watch(self, d):
        """Every event of the daemon, from its first on, as they come."""
        w = Watch(d)
        self.addCleanup(w.close)
        return w

    def name_at(self, d, address):
        return self.device_at(d, address)["name"]

    def attempts(self, d, job):
        """Of the job's only run, in their order."""
        run = d.get("/api/v1/jobs/" + job)["runs"][0]
        return d.get("/api/v1/runs/" + run["id"])["attempts"]


class Watch:
    """Reads /api/v1/events on a thread; `seen` only grows."""

    def __init__(self, d):
        request = urllib.request.Request(d.url + "/api/v1/events?after=0",
                                         headers={"Authorization": "Bearer " + d.token})
        self.stream = urllib.request.urlopen(request)
        self.seen = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            for line in self.stream:
                if line.startswith(b"data: "):
                    self.seen.append(json.loads(line[6:]))
        except (OSError, ValueError, AttributeError):
            pass  # the daemon has ended, or the test has

    def transitions(self, topic, subject=None):
        """Pairs of states, in their order."""
        return [(e["from"], e["to"]) for e in list(self.seen)
                if e.get("topic") == topic and subject in (None, e.get("subject"))]

    def close(self):
        try:
            self.stream.close()
        except OSError:
            pass
