#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input of every kind gets an exit code and a sentence that says what is wrong or what to do, and
the farm goes on: behind each, a good job still passes."""

import json
import os
import unittest

from fflib import daemon as ff
from fflib.daemon import DaemonTest, mlp_job

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


if __name__ == "__main__":
    unittest.main()
