# SPDX-License-Identifier: Apache-2.0
"""Which lines and functions a corpus reaches, by clang's own counting: the target is built once more
with it (build/fuzz/cov_NAME), is given each input once, and llvm-cov reads what it counted."""

import dataclasses
import json
import os
import shutil
import subprocess

AT_ONCE = 2000   # inputs that one process is given


@dataclasses.dataclass
class Reached:
    files: tuple = ()
    lines: int = 0
    of_lines: int = 0
    functions: dict = dataclasses.field(default_factory=dict)  # (file, function) → whether it was entered

    def entered(self):
        """Of the functions of its own files, how many, and of how many."""
        own = [was for (file, _), was in self.functions.items() if file in self.files]
        return sum(own), len(own)

    def percent(self):
        return 100 * self.lines / self.of_lines if self.of_lines else 0


def tool(name):
    """The one that belongs to this clang, since their formats differ; None where it is not installed."""
    got = subprocess.run(["clang", f"-print-prog-name={name}"], capture_output=True, text=True, check=False)
    return shutil.which(got.stdout.strip() or name)


def available():
    return bool(tool("llvm-cov") and tool("llvm-profdata"))


def run_inputs(program, inputs, raw):
    """Each batch writes a profile of its own. Returns their paths, or None with the output of what failed."""
    paths = []
    for at in range(0, len(inputs), AT_ONCE):
        paths.append(f"{raw}.{at}")
        got = subprocess.run([program, *inputs[at:at + AT_ONCE]], env=dict(os.environ, LLVM_PROFILE_FILE=paths[-1]),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if got.returncode:
            raise RuntimeError(f"{program} ended with {got.returncode}:\n" +
                               got.stdout.decode(errors="replace")[-2000:])
    return paths


def measure(program, inputs, files, more=()):
    """Lines of the files; functions of more files too. Raises RuntimeError where an input ends the program."""
    raw, merged = program + ".raw", program + ".profdata"
    paths = run_inputs(program, inputs, raw)
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", "-o", merged, *paths], check=True)
    for path in paths:
        os.unlink(path)
    out = subprocess.run([tool("llvm-cov"), "export", "-instr-profile", merged, program],
                         capture_output=True, check=True).stdout
    return read(json.loads(out)["data"][0], files, [*files, *more])


def read(data, files, all_files):
    got = Reached(files=files)
    wanted = {os.path.abspath(f): f for f in all_files}
    for f in data["files"]:
        if wanted.get(os.path.abspath(f["filename"])) in files:
            got.lines += f["summary"]["lines"]["covered"]
            got.of_lines += f["summary"]["lines"]["count"]
    for f in data["functions"]:
        file = wanted.get(os.path.abspath(f["filenames"][0]))
        if file:
            key = file, f["name"].rsplit(":", 1)[-1]
            got.functions[key] = got.functions.get(key, False) or f["count"] > 0
    return got


def never(all_reached):
    """By file, the functions that none of them entered."""
    entered = {}
    for r in all_reached:
        for key, was in r.functions.items():
            entered[key] = entered.get(key, False) or was
    left = {}
    for (file, name), was in sorted(entered.items()):
        if not was:
            left.setdefault(file, []).append(name)
    return left, len(entered)
