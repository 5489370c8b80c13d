#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests that are none, or come from elsewhere, are answered or cut off, and the daemon goes on."""

import http.client
import socket
import unittest

from fflib import daemon as ff
from fflib.daemon import DaemonTest


class BadHttp(DaemonTest):
    def test_malformed_and_foreign_requests(self):
        d = self.daemon()
        host, port = d.url.split("//")[1].split(":")
        for raw in (b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"A" * 100000,
                    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n"):
            with socket.create_connection((host, int(port)), ff.PATIENCE) as s:
                try:
                    s.sendall(raw)
                    s.settimeout(ff.PATIENCE)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
                except OSError:
                    pass  # it hung up on us: right
        self.assertEqual(d.http("GET", "/api/v1/jobs").status, 200)
        self.assertEqual(d.http("GET", "/api/v1/jobs",
                                headers={"Authorization": "Bearer wrong"}).status, 401)
        c = http.client.HTTPConnection(host, int(port), timeout=ff.PATIENCE)
        c.request("GET", "/api/v1/jobs", headers={"Host": "evil.example",
                                                  "Authorization": "Bearer " + d.token})
        self.assertIn(c.getresponse().status, (400, 403, 421))
        c.close()
        a = d.http("POST", "/api/v1/jobs", b"{}", {"Origin": "http://evil.example",
                                                    "Idempotency-Key": "k"})
        self.assertEqual(a.status, 403)

    def test_a_bad_job_over_http_is_a_problem_document(self):
        d = self.daemon()
        a = d.http("POST", "/api/v1/jobs", b"{\"schema\": 1}",
                   {"Idempotency-Key": "k", "Content-Type": "application/json"})
        self.assertEqual(a.status, 400)
        self.assertEqual(a.headers["Content-Type"].split(";")[0], "application/problem+json")
        self.assertIn("line 1", a.json["detail"])


if __name__ == "__main__":
    unittest.main()
