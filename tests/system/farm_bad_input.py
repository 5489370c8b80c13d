#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind gets an exit code and a sentence that says what is wrong or what to do, and
the farm goes on: behind each, a good job still passes."""

import http.client
import json
import os
import socket
import stat
import unittest

from fflib import daemon as ff
from fflib.daemon import DaemonTest, mlp_job, wait_for

BAD = os.path.join(ff.MODELS, "bad")


def with_model(path, **more):
    job = mlp_job(**more)
    job["model"]["variants"][0]["file"] = path
    return job


class BadJobs(DaemonTest):
    """What the CLI refuses before anything is sent, by name and line."""

    def refused(self, job, *words):
        r = self.cli("run", self.job_file(job), check=ff.USAGE)
        for w in words:
            self.assertIn(w, r.stderr)
        self.assertEqual(r.stdout, "")

    def test_not_json(self):
        self.refused("{ \"schema\": ", "line 1", "ends before")
        self.refused("hello", "line 1", "not JSON")

    def test_wrong_type(self):
        self.refused(json.dumps(mlp_job(priority="high"), indent=1), "priority", "a whole number")

    def test_unknown_key(self):
        text = json.dumps(mlp_job(), indent=1).replace("\"budget\"", "\"bugdet\"")
        self.refused(text, "bugdet", "line %d" % (text[:text.index("bugdet")].count("\n") + 1))

    def test_doubled_key(self):
        self.refused("{\"schema\": \"framefarm.job/1\",\n\"schema\": \"framefarm.job/1\"}",
                     "line 2", "twice")

    def test_nested_a_hundred_thousand_deep(self):
        self.refused("[" * 100000 + "]" * 100000, "nested deeper")

    def test_missing_job_file(self):
        r = self.cli("run", os.path.join(self.dir, "none.json"), check=ff.USAGE)
        self.assertIn("none.json", r.stderr)

    def test_missing_model(self):
        self.daemon()
        self.refused(with_model("/nowhere/model.onnx"), "/nowhere/model.onnx")

    def test_empty_model(self):
        self.daemon()
        self.refused(with_model(os.path.join(BAD, "empty.onnx")), "empty.onnx", "empty")

    def test_oversized_model(self):
        self.daemon()
        big = os.path.join(self.dir, "big.onnx")
        with open(big, "wb") as f:
            f.truncate(3 << 30)  # sparse: takes no space
        self.refused(with_model(big), "big.onnx", "2")


class BadModels(DaemonTest):
    """What only the device finds out: a result with its cause, never a lost run."""

    def judged(self, job, gate, *words, code=ff.GATE):
        d = self.daemon()
        r = self.cli("run", self.job_file(job), "--json", "-", check=code)
        run = json.loads(r.stdout)["runs"][0]
        self.assertEqual((run["state"], run["verdict"]), ("completed", "fail"))
        text = {g["name"]: g["text"] for g in run["result"]["gates"]}[gate]
        for w in words:
            self.assertIn(w.lower(), text.lower())
        self.cli("run", self.job_file(mlp_job()), check=ff.PASS)
        return d, run

    def bad(self, name):
        return os.path.join(BAD, name)

    def test_truncated(self):
        self.judged(with_model(self.bad("truncated.onnx")), "execution", "refused",
                    "mend the model")

    def test_corrupted(self):
        self.judged(with_model(self.bad("random.onnx")), "execution", "refused")

    def test_input_of_the_wrong_shape(self):
        job = mlp_job(inputs=[{"name": "input", "file": self.bad("input_wrong_shape.pb")}])
        self.judged(job, "execution", "input", "float32[1,16]", "float32[1,17]")

    def test_input_that_is_no_tensor(self):
        job = mlp_job(inputs=[{"name": "input", "file": self.bad("garbage.pb")}])
        self.judged(job, "execution", "tensor")

    def test_golden_data_of_the_wrong_shape(self):
        job = mlp_job(golden={"cosine": 0.9, "cases": [
            {"inputs": {}, "outputs": {"logits": self.bad("logits_wrong_shape.pb")}}]})
        self.judged(job, "execution", "logits")

    def test_a_model_that_answers_nan(self):
        job = with_model(self.bad("nan.onnx"), golden={"cosine": 0.9, "cases": [
            {"inputs": {}, "outputs": {"logits": self.tensor([1, 10], [0.1] * 10)}}]})
        self.judged(job, "golden", "nan", code=ff.GOLDEN)

    def tensor(self, dims, values):
        """An ONNX TensorProto of floats: dims, data_type 1, raw_data."""
        import struct
        raw = struct.pack("<%df" % len(values), *values)
        body = b"".join(b"\x08" + bytes([d]) for d in dims) + b"\x10\x01"
        body += b"\x4a" + bytes([len(raw)]) + raw
        path = os.path.join(self.dir, "t.pb")
        with open(path, "wb") as f:
            f.write(body)
        return path

    def test_a_model_that_never_ends(self):
        job = with_model(self.bad("hang.onnx"), measure={"stall_ms": 1500})
        self.judged(job, "execution", "hung", "no sign of life", "measure.stall_ms")

    def test_a_model_that_takes_all_memory(self):
        job = with_model(self.bad("hungry.onnx"), measure={"memory_mb": 600, "stall_ms": 60000})
        self.judged(job, "execution", "memory", "measure.memory_mb")


class BadRuntime(DaemonTest):
    """The host's own fault: no verdict, exit code 20, and the remedy."""

    def infrastructure(self, *words):
        r = self.cli("run", self.job_file(mlp_job(retries=0)), check=ff.INFRASTRUCTURE)
        for w in words:
            self.assertIn(w, r.stdout + r.stderr)

    def test_missing_runtime(self):
        self.daemon("--ort", "/nowhere/libonnxruntime.so")
        self.infrastructure("/nowhere/libonnxruntime.so", "make deps")

    def test_foreign_runtime(self):
        self.daemon("--ort", os.path.realpath("/lib/x86_64-linux-gnu/libm.so.6"))
        self.infrastructure("OrtGetApiBase", "FRAMEFARM_ORT")

    def test_damaged_runtime(self):
        half = os.path.join(self.dir, "libhalf.so")
        with open(ff.find_ort(), "rb") as src, open(half, "wb") as dst:
            dst.write(src.read(os.path.getsize(src.name) // 2))
        self.daemon("--ort", half)
        self.infrastructure("crashed while it was opened", "FRAMEFARM_ORT")


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
    import struct
    body = struct.pack("<HHI", kind, 0, len(payload))
    crc = 0xffffffff
    for byte in body + payload:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return struct.pack("<I", 0x31504646) + body + struct.pack("<I", crc ^ 0xffffffff) + payload


class BadAgent(DaemonTest):
    """An agent that speaks another language costs its device, not the farm."""

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
