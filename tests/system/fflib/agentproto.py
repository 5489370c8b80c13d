# SPDX-License-Identifier: Apache-2.0
"""The protocol between controller and agent (agents/proto.h, msg.h, plan.h, chunk.h), written a
second time for the tests, so that an error of the C code is not repeated in what checks it."""

import math
import struct

MAGIC = 0x31504646
HELLO, LEASE, START, STOP, ACK, DISCARD, PING, QUIT = range(1, 9)
WELCOME, STATUS, CHUNK, END, REFUSE, PONG = range(32, 38)
(REFUSE_VERSION, REFUSE_SECRET, REFUSE_EPOCH, REFUSE_BUSY, REFUSE_PLAN, REFUSE_SPACE,
 REFUSE_FRAME) = range(1, 8)
(OK, CANCELLED, GOLDEN, MODEL, CRASH, HANG, MEMORY, RUNTIME, INTERRUPTED, LEASE_OVER, STORAGE,
 INTERNAL) = range(12)
FACTS, TEXT, COUNTER, ITER, PACED, EXEC, MARKS = range(1, 8)
(NONE, BASELINE, LOAD_COLD, GOLDEN_PHASE, COVERAGE, LOAD_WARM, FIRST, WARMUP, THERMAL, BACK2BACK,
 PACED_PHASE, SUSTAINED, AFTER) = range(13)
INT32_MIN = -2**31


def _crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82F63B78 if n & 1 else 0)
        yield n


_CRC = list(_crc_table())


def crc32c(data):
    c = 0xFFFFFFFF
    for b in data:
        c = c >> 8 ^ _CRC[(c ^ b) & 255]
    return c ^ 0xFFFFFFFF


def frame(kind, payload=b""):
    head = struct.pack("<HHI", kind, 0, len(payload))
    return struct.pack("<I", MAGIC) + head + struct.pack("<I", crc32c(head + payload)) + payload


def frames(data, checked=True):
    """(kind, payload) of the whole frames of a spool; behind the first that is torn there is nothing.
    Sums take long in Python: unchecked, a frame is whole where its length is."""
    at, found = 0, []
    while at + 16 <= len(data):
        magic, kind, _, size, crc = struct.unpack_from("<IHHII", data, at)
        payload = data[at + 16:at + 16 + size]
        if magic != MAGIC or len(payload) < size or (
                checked and crc != crc32c(data[at + 4:at + 12] + payload)):
            break
        found.append((kind, payload))
        at += 16 + size
    return found


def text(s):
    b = s.encode()
    return struct.pack("<H", len(b)) + b


def blob(b):
    return struct.pack("<I", len(b)) + b


class Parser:
    """Takes frames out of bytes; what is no frame fails the test."""

    def __init__(self):
        self.buf = b""

    def feed(self, data):
        self.buf += data

    def __iter__(self):
        while len(self.buf) >= 16:
            magic, kind, _, size, crc = struct.unpack_from("<IHHII", self.buf)
            assert magic == MAGIC, "foreign magic"
            assert size <= 256 * 1024, "frame too long"
            if len(self.buf) < 16 + size:
                return
            payload = self.buf[16:16 + size]
            assert crc == crc32c(self.buf[4:12] + payload), "wrong checksum"
            self.buf = self.buf[16 + size:]
            yield kind, payload


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def get(self, fmt):
        v, = struct.unpack_from("<" + fmt, self.data, self.at)
        self.at += struct.calcsize("<" + fmt)
        return v

    def bytes(self, n):
        assert self.at + n <= len(self.data)
        self.at += n
        return self.data[self.at - n:self.at]

    def text(self):
        return self.bytes(self.get("H")).decode()

    def blob(self):
        return self.bytes(self.get("I"))

    def fields(self, spec):
        """spec: "name:code …", where code is a struct letter, t for a text."""
        out = {}
        for part in spec.split():
            name, code = part.split(":")
            out[name] = self.text() if code == "t" else self.get(code)
        return out


# ---- controller to agent ----

def hello(secret, farm="farm-a", epoch=0, versions=(1, 3)):
    return frame(HELLO, struct.pack("<HH", *versions) + blob(secret) + text(farm) +
                 struct.pack("<q", epoch))


def lease(epoch, ttl_ms):
    return frame(LEASE, struct.pack("<qI", epoch, ttl_ms))


def start(epoch, attempt, plan):
    return frame(START, struct.pack("<qq", epoch, attempt) + blob(plan))


def stop(epoch, attempt, reason=""):
    return frame(STOP, struct.pack("<qq", epoch, attempt) + text(reason))


def ack(attempt, stream, seq):
    return frame(ACK, struct.pack("<qIQ", attempt, stream, seq))


def discard(attempt):
    return frame(DISCARD, struct.pack("<q", attempt))


def ping(nonce):
    return frame(PING, struct.pack("<Q", nonce))


def quit_(epoch):
    return frame(QUIT, struct.pack("<q", epoch))


# ---- agent to controller ----

def welcome(payload):
    r = Reader(payload)
    m = r.fields("version:H agent_uuid:t agent_boot:Q kernel_boot_id:t abi:t os:t agent_version:t "
                 "farm_id:t epoch:q mono_ns:q boot_ns:q wall_ns:q protections:t")
    m["counters"] = [r.fields("name:t unit:t source:t available:B error:i")
                     for _ in range(r.get("I"))]
    m["attempts"] = [r.fields("attempt:q boot:Q state:B") for _ in range(r.get("I"))]
    return m


def status(payload):
    return Reader(payload).fields(
        "attempt:q phase:H block:I permille:I mono_ns:q iterations:Q over_budget:Q spool_bytes:Q "
        "hottest_mc:i thermal_known:B note:t")


def chunk(payload):
    r = Reader(payload)
    m = r.fields("attempt:q boot:Q stream:I seq:Q kind:B n:I")
    m["payload"] = r.blob()
    return m


def decl(payload):
    return Reader(payload).fields("kind:B name:t unit:t scale:q source:t budget_ns:q period_ns:q")


def end(payload):
    r = Reader(payload)
    m = r.fields("attempt:q boot:Q outcome:H cause:t")
    m["streams"] = {}
    for _ in range(r.get("I")):
        stream = r.get("I")
        m["streams"][stream] = r.get("Q")
    return m


def refuse(payload):
    return Reader(payload).fields("about:H attempt:q code:H text:t")


def pong(payload):
    return Reader(payload).fields("nonce:Q mono_ns:q boot_ns:q wall_ns:q")


def facts(payload, n):
    r = Reader(payload)
    out = []
    for _ in range(n):
        f = r.fields("mono_ns:q key:t kind:B")
        f["value"] = r.text() if f["kind"] == 3 else r.get("q" if f["kind"] == 1 else "d")
        out.append(f)
    assert r.at == len(payload)
    return out


# ---- packed series ----

def _wrap(v):
    return (v + 2**63) % 2**64 - 2**63


class _Packed:
    def __init__(self, data):
        self.data, self.at = data, 1

    def varint(self):
        v = shift = 0
        while True:
            b = self.data[self.at]
            self.at += 1
            v |= (b & 127) << shift
            shift += 7
            if b < 128:
                return v

    def zigzag(self):
        return _unzigzag(self.varint())


def _unzigzag(v):
    return v >> 1 ^ -(v & 1)


def unpack(data):
    """(time, value) pairs of a packed chunk (chunk.h)."""
    p = _Packed(data)
    n = p.varint()
    t, v = [p.zigzag()], [p.zigzag()]
    if n > 1 and data[0] == 2:
        _unpack_rice(p, t, v, n)
    else:
        _unpack_plain(p, t, v, n)
        assert p.at == len(data)
    assert data[0] < 3 and len(t) == len(v) == n
    return list(zip(t, v))


def _unpack_plain(p, t, v, n):
    step = p.zigzag() if n > 1 else 0
    for _ in range(1, n):
        residual = p.zigzag()
        if p.data[0] == 1:
            t.append(_wrap(t[-1] + v[-1] + residual))
        else:
            step = _wrap(step + residual)
            t.append(_wrap(t[-1] + step))
        v.append(_wrap(v[-1] + p.zigzag()))


class _Bits:
    """One number of all the bytes, whose lowest bit is the next."""

    def __init__(self, data):
        self.rest, self.n = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, n):
        assert n <= self.n
        v = self.rest & (1 << n) - 1
        self.rest >>= n
        self.n -= n
        return v

    def sized(self):
        return self.take(self.take(7))

    def code(self, k):
        q = 0
        while q < 20 and self.take(1):
            q += 1
        return self.sized() if q == 20 else q << k | self.take(k)


def _rice_block(bits, n, before):
    middle = _wrap(before + _unzigzag(bits.sized()))
    k = bits.take(6)
    assert k <= 56 or k == 63
    return middle, [middle + (0 if k == 63 else _unzigzag(bits.code(k))) for _ in range(n)]


def _unpack_rice(p, t, v, n):
    models = p.data[p.at]
    p.at += 1
    times, values = models & 15, models >> 4
    period = p.zigzag() if times == 2 else 0
    bits = _Bits(p.data[p.at:])
    middle_v, middle_t = 0 if values else v[0], 0
    while len(t) < n:
        size = min(128, n - len(t))
        middle_v, ev = _rice_block(bits, size, middle_v)
        middle_t, et = _rice_block(bits, size, middle_t)
        for e, f in zip(ev, et):
            t.append(_wrap(f + (t[-1], t[-1] + v[-1], t[0] + len(t) * period)[times]))
            v.append(_wrap(e + (v[-1] if values else 0)))
    assert bits.n < 8 and not bits.rest


# ---- plans ----

BLOCK = dict(on=0, min_runs=0, max_runs=0, min_ms=0, max_ms=0, period_ns=0)
PLAN = dict(
    job="job", variant="variant", runner="fake", runner_sha256="", runtime_sha256="",
    model_sha256="", model_bytes=0, threads=0, inter_threads=0, optimization=3, provider="cpu",
    strict=0, provider_options={}, session_options={}, dimensions={}, fix_dimensions=0, inputs=[],
    tolerance=(math.nan, math.nan, math.nan, math.nan), golden_stop=1, cold_loads=1, warm_loads=0,
    coverage=0, warmup_min_runs=1, warmup_min_ms=0, warmup_max_ms=1000, baseline_ms=0,
    thermal_wait_ms=0, thermal_start_mc=INT32_MIN, back2back=BLOCK, paced=BLOCK, sustained=BLOCK,
    budget_ns=16000000, sample_hz=10, sample_hz_timed=10, deadline_ms=60000, stall_ms=20000,
    memory_bytes=0)


def _options(d):
    return struct.pack("<I", len(d)) + b"".join(text(k) + text(str(v)) for k, v in d.items())


def _block(b):
    b = dict(BLOCK, **b)
    return struct.pack("<BIIIIq", b["on"], b["min_runs"], b["max_runs"], b["min_ms"], b["max_ms"],
                       b["period_ns"])


def plan(**changes):
    p = dict(PLAN, **changes)
    out = b"".join(text(p[k]) for k in ("job", "variant", "runner", "runner_sha256",
                                        "runtime_sha256", "model_sha256"))
    out += struct.pack("<qiiB", p["model_bytes"], p["threads"], p["inter_threads"],
                       p["optimization"]) + text(p["provider"]) + struct.pack("<B", p["strict"])
    out += _options(p["provider_options"]) + _options(p["session_options"])
    out += struct.pack("<I", len(p["dimensions"]))
    out += b"".join(text(k) + struct.pack("<q", v) for k, v in p["dimensions"].items())
    out += struct.pack("<B", p["fix_dimensions"])
    out += struct.pack("<I", len(p["inputs"]))
    for sha in p["inputs"]:
        out += text("x") + text(sha) + struct.pack("<BQddB", 0, 0, 0, 0, 0)
    out += struct.pack("<I", 0)
    out += struct.pack("<ddddB", *p["tolerance"], p["golden_stop"])
    out += struct.pack("<IIBIIIIIi", p["cold_loads"], p["warm_loads"], p["coverage"],
                       p["warmup_min_runs"], p["warmup_min_ms"], p["warmup_max_ms"],
                       p["baseline_ms"], p["thermal_wait_ms"], p["thermal_start_mc"])
    out += _block(p["back2back"]) + _block(p["paced"]) + _block(p["sustained"])
    out += struct.pack("<qIIIIq", p["budget_ns"], p["sample_hz"], p["sample_hz_timed"],
                       p["deadline_ms"], p["stall_ms"], p["memory_bytes"])
    if "loader_sha256" not in p:  # a plan of version 1
        return out
    out += text(p["loader_sha256"]) + struct.pack("<I", len(p["support"]))
    return out + b"".join(text(name) + text(sha) for name, sha in p["support"].items())
