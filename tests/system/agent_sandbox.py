#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What guards the device against a runner, tried by a runner that is up to no good. What the agent
claims to have must hold, and what this kernel has it must claim."""

import ctypes
import errno
import os
import stat
import unittest

from fflib import agentproto as ap
from fflib.agentbox import AgentTest, wait_for

UID = 61999
ROOT = os.geteuid() == 0
ACTIONS = "/proc/sys/kernel/seccomp/actions_avail"


def landlock_of_kernel():
    """landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION): its ABI, or below 1."""
    return ctypes.CDLL(None).syscall(ctypes.c_long(444), None, ctypes.c_size_t(0), ctypes.c_uint(1))


def seccomp_of_kernel():
    """Whether filters are to be had that refuse with an error."""
    if not os.path.exists(ACTIONS):
        return False
    with open(ACTIONS) as f:
        return "errno" in f.read().split()


def spare_of(pid):
    """The network name spaces that the process holds open."""
    folder, found = "/proc/%d/fd" % pid, []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, name)))
        except FileNotFoundError:  # closed meanwhile
            pass
    return [to for to in found if to.startswith("net:")]


class Prison(AgentTest):
    def serve_time(self, *options, plan=None, **popen):
        """Runs the prisoner; returns its facts and the agent's claims."""
        box = self.box.start(*options, **popen)
        outside = os.path.join(box.home, "secret.txt")
        with open(outside, "w") as f:
            f.write("not for the model")
        os.chmod(outside, 0o644)
        os.chmod(box.home, 0o755)
        c = box.controller()
        orders = dict(do="prison", at="first", path=outside)
        end = self.run_to_end(1, box.plan(orders, runs=2, **(plan or {})), c, discard=False)
        self.assertEqual(end["outcome"], ap.OK, end["cause"])
        facts = {k[7:]: v[0] for k, v in box.facts(1).items() if k.startswith("prison.")}
        claims = c.welcome["protections"]
        self.assertEqual(box.fact(1, "agent.protections"), claims)
        return facts, claims.partition(";")[0].split(","), claims

    def check_common(self, facts, have):
        self.assertEqual(facts["no_new_privs"], 1)
        self.assertEqual(facts["core"], 0)
        self.assertEqual(facts["foreign_fd"], 0)
        self.assertEqual(facts["write_scratch"], 0)
        self.assertEqual(facts["reopen_file"], 0)
        self.assertEqual(facts["read_libs"], 0)
        self.assertEqual(facts["read_status"], 0)
        self.assertLessEqual({"no_new_privs", "rlimits"}, set(have))
        if landlock_of_kernel() >= 1:
            self.assertIn("landlock=%d" % landlock_of_kernel(), have)
        if seccomp_of_kernel():
            self.assertIn("seccomp", have)
        if any(h.startswith("landlock") for h in have):
            for what in ("read_foreign", "read_passwd", "write_foreign"):
                self.assertEqual(facts[what], errno.EACCES, what)
        if "seccomp" in have:
            self.assertEqual(facts["socket"], errno.EACCES)

    def test_as_the_agents_own_user(self):
        facts, have, _ = self.serve_time()
        self.check_common(facts, have)
        self.assertEqual(facts["uid"], os.geteuid())

    @unittest.skipUnless(ROOT, "giving a user away takes root")
    def test_as_a_user_of_its_own(self):
        facts, have, _ = self.serve_time("--runner-uid", str(UID))
        self.assertIn("uid=%d" % UID, have)
        self.check_common(facts, have)
        self.assertEqual(facts["uid"], UID)
        self.assertEqual(facts["kill_parent"], errno.EPERM)
        self.assertEqual(facts["new_session_keys"], errno.EPERM)
        self.assertIn("netns", have)

    @unittest.skipUnless(ROOT, "becoming somebody else takes root")
    def test_an_agent_without_privileges_says_what_is_not_to_be_had(self):
        os.chown(self.box.home, UID, UID)
        facts, have, claims = self.serve_time("--runner-uid", "61998", user=UID, group=UID,
                                              extra_groups=[])
        missing = claims.partition("; not to be had: ")[2]
        self.assertIn("uid (Operation not permitted)", missing)
        self.assertIn("netns (Operation not permitted)", missing)
        self.check_common(facts, have)
        self.assertEqual(facts["uid"], UID)
        self.assertEqual(self.box.fact(1, "process.0.major_faults") >= 0, True)

    @unittest.skipUnless(ROOT, "name spaces take root")
    def test_each_attempt_has_a_network_of_its_own(self):
        """Also where one was made in advance, as for all but an agent's first moment."""
        box = self.box.start()
        c = box.controller()
        c.until_pong()
        spaces = [os.readlink("/proc/%d/ns/net" % box.pid)]
        for attempt in (1, 2):
            wait_for(lambda: spare_of(box.pid), "one made in advance")
            spare = spare_of(box.pid)
            c.send(ap.start(1, attempt, box.plan(dict(hold_at="back_to_back", hold_runs=2), runs=9)))
            c.until(lambda c, n=attempt: c.statuses and c.status()["attempt"] == n and
                    c.status()["iterations"] == 2, "two iterations")
            with open(box.spool(attempt, "runner"), encoding="ascii") as f:
                spaces.append(os.readlink("/proc/%s/ns/net" % f.read().split()[0]))
            self.assertEqual([spaces[-1]], spare)
            c.send(ap.stop(1, attempt))
            c.until_end(attempt)
        self.assertEqual(len(set(spaces)), 3)

    @unittest.skipUnless(ROOT, "giving a user away takes root")
    def test_nothing_of_the_agents_is_open_to_the_runners_user(self):
        self.serve_time("--runner-uid", str(UID))
        for name in ("spool", "scratch", "files"):
            mode = stat.S_IMODE(os.stat(os.path.join(self.box.dir, name)).st_mode)
            self.assertEqual(mode & 0o077, 0, name)
        self.assertEqual(os.stat(self.box.spool(1, "frames")).st_mode & 0o077, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
