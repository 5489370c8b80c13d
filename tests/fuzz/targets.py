# SPDX-License-Identifier: Apache-2.0
"""The fuzz targets: what each may be given, and the files that it is there to reach. A target is
fuzz_NAME.c, a line FUZZ_SRC_NAME in etc/build/fuzz.mk, and a line here."""

import dataclasses
import glob
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclasses.dataclass
class Target:
    name: str
    max_len: int
    reaches: tuple      # files whose lines and functions are counted
    weight: float = 1   # its share of a time that is told for all
    dictionary: str = ""
    seeds: int = 64      # files of it in the tree, beside those that somebody wrote


def adb(*names):
    return tuple(f"drivers/adb/{n}.c" for n in names)


def phone(*names):
    return tuple(f"drivers/virtual/{n}.c" for n in names)


def rooms(pattern):
    return tuple(sorted(glob.glob(pattern, root_dir=ROOT)))


MUX = ("mux", "mux_in", "mux_out")

TARGETS = {t.name: t for t in (
    Target("adb_packet", 4096, adb("packet", "packet_buf", "host", "device", *MUX), 2),
    Target("adb_banner", 8192, adb("banner")),
    Target("adb_sync", 8192, adb("syncmsg"), dictionary="sync.dict"),
    Target("adb_shell", 4096, adb("shell2", "shell")),
    Target("adb_files", 4096, adb("sync", "sync_ask", "sync_pull", "sync_fill", "compress"), 1, "sync.dict"),
    Target("phone_sync", 4096, phone("syncer", "syncer_send", "syncer_recv", "syncer_stat"), 2, "sync.dict"),
    Target("phone_shell", 4096, phone("service_shell")),
    Target("proto", 8192, ("agents/proto.c", "agents/proto_crc.c", "agents/proto_parser.c",
                           "agents/msg.c")),
    Target("plan", 8192, ("agents/plan.c", "agents/field.c")),
    Target("session", 8192, ("controller/farm/session.c", "controller/farm/ingest.c",
                             "controller/store/samples.c", "controller/store/streams.c",
                             "controller/store/rollup.c"), 2),
    Target("http", 4096, rooms("controller/api/*.c"), 2, "http.dict", 256),
    Target("spool", 16384, tuple(f"agents/agent/{n}.c" for n in ("spool", "spool_recover", "recover", "ringfile",
                                                               "drain", "uplink", "shelf", "epoch"))),
    Target("config", 8192, ("controller/cmd/options_file.c", "controller/cmd/units.c", "drivers/virtual/profile.c",
                            "drivers/adb/key.c"), 1, "config.dict", 128),
    Target("chunk", 4096, ("agents/chunk.c", "agents/chunk_rice.c")),
    Target("job", 16384, rooms("controller/core/jobspec*.c"), dictionary="job.dict"),
    Target("elf", 4096, ("controller/farm/elf.c",), 0.5),
    Target("tensorpb", 4096, ("agents/runner/tensorpb.c", "agents/runner/tensor.c"), 0.5),
    Target("profile", 8192, ("agents/runner/profile.c",), 0.5, "profile.dict"),
)}

# Not among them: it has a bug on purpose, for the test of run.py.
PLANTED = Target("planted", 16, ("tests/fuzz/fuzz_planted.c",))
