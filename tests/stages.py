#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and tests everything, stage by stage, and counts every test.

    stages.py [-l] [STAGE…]     all stages, or those named; -l lists them

A stage is a build, and then jobs, two at a time. A job is one program with a time of its own; what it
prints is read as TAP (`ok`, `not ok`, which cmocka prints too), as the summary of unittest or of node's
test runner, or, where it has none of these, as one test that its exit code decides. Output is shown for
what fails, and its name once more at the end. A stage that fails does not keep the next from running.
Exit code: 0 when nothing failed.
"""

import concurrent.futures
import dataclasses
import glob
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

JOBS = 2            # at a time; the target is a machine with two cores
WAITING_JOBS = 4    # of those that wait for most of their time: for phones, time-outs, models that are paced

BUILD = os.environ.get("B") or "build"
MAKE = os.environ.get("MAKE") or "make"
# Of what the simulation says, what a run that passes should show too.
SIM_TOLD = r"\d+ seeds|fault: |transitions:|never |# \d+ of|ok \d+ - planted"
# Of the system tests: half a minute and more.
LONG_SCRIPTS = ("farm_bad_agent", "farm_phone_gone", "farm_phone_faults", "adb_quirks", "adb_driver")

SUMMARY = os.path.join(BUILD, "check.summary")

# Rooms with threads, or code that runs on several.
TSAN_ROOMS = ("loop", "store", "drivers", "farm", "api", "agents", "agent", "runner")

SANITIZERS = {"asan": "address,undefined", "tsan": "thread"}

SAN_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


@dataclasses.dataclass
class Job:
    name: str
    argv: list
    timeout_s: int = 120
    lines: int = 200  # of its output that are shown when it fails
    told: str = ""  # a regular expression: lines that it matches are shown in any case
    env: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Result:
    job: Job
    code: int          # as subprocess has it; None: its time was over
    output: str
    seconds: float
    count: Count = None


@dataclasses.dataclass
class Stage:
    name: str
    jobs: object               # fn() → list of jobs, called once the build is done
    build: list = dataclasses.field(default_factory=list)  # arguments for make, or a list of such lists
    build_s: int = 400
    env: dict = dataclasses.field(default_factory=dict)
    at_a_time: int = JOBS


# ---- running ----

def environment(*more):
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "B")}
    env.update(CMOCKA_MESSAGE_OUTPUT="TAP", FRAMEFARM_BUILD=BUILD, PYTHONUNBUFFERED="1")
    for m in more:
        env.update(m)
    return env


def run(job, stage_env):
    """One job to its end. It gets a process group of its own, which is killed when its time is over,
    and at its end, so that nothing it started stays."""
    began = time.monotonic()
    with subprocess.Popen(job.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=environment(stage_env, job.env),
                          start_new_session=True) as child:
        try:
            output, _ = child.communicate(timeout=job.timeout_s)
            code = child.returncode
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            output, _ = child.communicate()
            code = None
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    return Result(job, code, output.decode(errors="replace"), time.monotonic() - began)


# ---- counting ----

TAP = re.compile(r"^(ok|not ok)\b[^\n#]*(# SKIP)?", re.M)
PLAN = re.compile(r"^1\.\.(\d+)", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.M)
PROBLEMS = re.compile(r"^(?:OK|FAILED)(?: \((.*)\))?$", re.M)
NODE_JS = re.compile(r"^(?:#|\u2139) (pass|fail|skipped|todo|cancelled) (\d+)$", re.M)
ONNX_NODES = re.compile(r"^onnx_node: .*?(\d+) ok\b", re.M)


def count_tap(output):
    count = Count()
    for word, skip in TAP.findall(output):
        if skip:
            count.skipped += 1
        elif word == "ok":
            count.passed += 1
        else:
            count.failed += 1
    # A test program that died in the middle has not said what it planned.
    planned = sum(int(n) for n in PLAN.findall(output))
    count.failed += max(0, planned - count.passed - count.failed - count.skipped)
    return count


def count_unittest(output):
    ran = sum(int(n) for n in UNITTEST.findall(output))
    words = ", ".join(PROBLEMS.findall(output))
    bad = sum(int(n) for n in re.findall(r"(?:failures|errors|unexpected successes)=(\d+)", words))
    skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", words))
    return Count(max(0, ran - bad - skipped), bad, skipped)


def count_node(output):
    sums = dict.fromkeys(("pass", "fail", "cancelled", "skipped", "todo"), 0)
    for word, n in NODE_JS.findall(output):
        sums[word] += int(n)
    return Count(sums["pass"], sums["fail"] + sums["cancelled"], sums["skipped"] + sums["todo"])


def count(result):
    """Never says that nothing failed of a job that failed."""
    if UNITTEST.search(result.output):
        got = count_unittest(result.output)
    elif NODE_JS.search(result.output):
        got = count_node(result.output)
    elif TAP.search(result.output) or PLAN.search(result.output):
        got = count_tap(result.output)
    elif result.code == 0 and "SKIPPED" in result.output:
        got = Count(skipped=1)
    else:
        got = Count(passed=1 if result.code == 0 else 0)
    got.passed += sum(int(n) for n in ONNX_NODES.findall(result.output))
    if result.code != 0 and not got.failed:
        got.failed = 1
    return got


# ---- showing ----

FAILED = re.compile(r"^\s*(?:not ok \d+ - |FAIL: |ERROR: )(\S[^\n]{0,160})", re.M)
REASON = re.compile(r"^\s*(?:# \S.*error:|\w*(?:Error|Exception|Timeout\w*)\b|==\d+==ERROR|SUMMARY: |.*: error: ).*",
                    re.M)


def failures(result):
    """Which tests of a job failed, and the first line that says why; for the end of a long log."""
    names = list(dict.fromkeys(FAILED.findall(result.output)))
    reason = REASON.search(result.output)
    ended = "its time was over" if result.code is None else f"exit code {result.code}"
    return f"{result.job.name}: {'; '.join(names[:8]) or ended}" + (
        f": {reason.group().strip()[:160]}" if reason else "")


def show(result):
    ended = "its time was over" if result.code is None else f"exit code {result.code}"
    print(f"-- {result.job.name}: {ended}, {result.seconds:.1f} s: {' '.join(result.job.argv)}")
    lines = result.output.splitlines()
    if len(lines) > result.job.lines:
        print(f"   ({len(lines) - result.job.lines} lines are left out)")
    for line in lines[-result.job.lines:]:
        print("   " + line)
    sys.stdout.flush()


def tell(result):
    for line in result.output.splitlines():
        if re.match(result.job.told, line):
            print("   " + line)
    sys.stdout.flush()


def build(stage):
    """None, or what failed."""
    for arguments in stage.build if isinstance(stage.build[0], list) else [stage.build]:
        result = run(Job("build", [MAKE, "-j2", f"B={BUILD}", *arguments], stage.build_s), {})
        if result.code != 0:
            show(result)
            return failures(result)
    return None


def processor_s():
    """What has been used by the processes that ended so far, and by those that these waited for."""
    t = os.times()
    return t.children_user + t.children_system


def do_stage(stage):
    began, used = time.monotonic(), processor_s()
    total, failed = Count(), []
    print(f"== {stage.name}", flush=True)
    broken = build(stage) if stage.build else None
    if broken:
        total.failed = 1
        failed.append(broken)
        jobs = []
    else:
        jobs = stage.jobs()
    built_s = time.monotonic() - began
    with concurrent.futures.ThreadPoolExecutor(stage.at_a_time) as pool:
        results = []
        for future in concurrent.futures.as_completed(
                [pool.submit(run, job, stage.env) for job in jobs]):
            result = future.result()
            results.append(result)
            result.count = count(result)
            if result.count.failed:
                show(result)
                failed.append(failures(result))
            elif result.job.told:
                tell(result)
            total.add(result.count)
    seconds = time.monotonic() - began
    note = f", {built_s:.0f} s of it building" if stage.build and jobs else ""
    longest = sorted(results, key=lambda r: -r.seconds)[:3]
    if len(results) > 1 and longest[0].seconds >= 10:
        note += "; longest " + ", ".join(f"{r.job.name} {r.seconds:.0f} s" for r in longest)
    print(f"== {stage.name}: {total} in {seconds:.0f} s ({processor_s() - used:.0f} s of processor time{note})",
          flush=True)
    return total, seconds, failed


# ---- the stages ----

def unit_jobs(b, rooms=None, before=()):
    jobs = []
    for source in sorted(glob.glob("tests/unit/*/test_*.c")):
        room = source.split("/")[2]
        program = os.path.join(b, "tests", room, os.path.basename(source)[:-2])
        if rooms is None or room in rooms:
            jobs.append(Job(f"{room}/{os.path.basename(program)}",
                            [*before, os.path.abspath(program)], 180))
    return jobs


def unit_targets(b, rooms):
    return [job.argv[-1].replace(os.path.abspath(b), b, 1) for job in unit_jobs(b, rooms)]


def sanitized(name, rooms):
    b = os.path.join(BUILD, name)
    # The thread sanitizer needs its memory where it expects it; kernels with more random bits of
    # address space than it was built for would stop it.
    before = ("setarch", platform.machine(), "-R") if name == "tsan" and shutil.which("setarch") else ()
    return Stage(f"unit tests under {name}", lambda: unit_jobs(b, rooms, before),
                 [f"B={b}", f"SAN={SANITIZERS[name]}", *unit_targets(b, rooms)], 500, SAN_ENV)


def umock(name=""):
    """The real libusb against phones that umockdev plays; tests/umock/README.md."""
    b = os.path.join(BUILD, name) if name else BUILD
    # Under the preload, libasan is not the first library.
    env = dict(SAN_ENV, ASAN_OPTIONS=SAN_ENV["ASAN_OPTIONS"] + ":verify_asan_link_order=0")
    before = ("setarch", platform.machine(), "-R", "umockdev-wrapper")
    stories = f"{b}/tests/adbdriver"

    def jobs():
        found = [Job(os.path.basename(t), [*before, os.path.abspath(t)], 180)
                 for t in (os.path.join(b, "tests", os.path.basename(c)[:-2])
                           for c in sorted(glob.glob("tests/umock/test_*.c")))]
        # The driver's stories; without a sanitizer they are among the system tests.
        return found + ([Job("adb_driver usb", ["python3", "tests/system/adb_driver.py", "usb"], 300,
                             env={"FRAMEFARM_ADBDRIVER": stories})] if name else [])
    return Stage(f"USB, mocked{', under ' + name if name else ''}", jobs,
                 [f"B={b}", f"SAN={SANITIZERS.get(name, '')}", "umock-bin", *([stories] if name else [])], 500, env)


def daemons_sanitized(stories):
    """Some stories again with the daemon built with a sanitizer; agent and runner stay as they are."""
    def jobs():
        return [Job(f"{script}, {name}", ["python3", f"tests/system/{script}.py"], 400,
                    env={"FRAMEFARM_DAEMON": os.path.join(BUILD, name, "framefarm")})
                for name, scripts in stories.items() for script in scripts]
    return Stage("system tests, daemon sanitized", jobs,
                 [[f"B={BUILD}/{name}", f"SAN={SANITIZERS[name]}", f"{BUILD}/{name}/framefarm"]
                  for name in stories], 500, SAN_ENV, WAITING_JOBS)


def format_jobs():
    files = [f for pattern in ("controller/**/*.[ch]", "drivers/**/*.[ch]", "agents/**/*.[ch]",
                               "tests/**/*.[ch]") for f in sorted(glob.glob(pattern, recursive=True))]
    return [Job(f, ["clang-format", "--dry-run", "-Werror", f], lines=2) for f in files]


def clang_format_is_ours():
    """Other versions format differently; the tree is kept as version 14 has it."""
    if not shutil.which("clang-format"):
        return False
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=False)
    return " version 14." in version.stdout


def script_jobs(folder, timeout_s):
    """Each file of the folder that can be executed; a shell script gets the build directory. Those that
    take longest come first, so that the stage does not end with one of them alone."""
    jobs = []
    for path in sorted(glob.glob(f"{folder}/*.py") + glob.glob(f"{folder}/*.sh"),
                       key=lambda p: (os.path.basename(p).split(".")[0] not in LONG_SCRIPTS, p)):
        if os.access(path, os.X_OK):
            argv = ["python3", path] if path.endswith(".py") else [path, BUILD]
            long = os.path.basename(path).split(".")[0] in LONG_SCRIPTS
            jobs.append(Job(os.path.basename(path), argv, timeout_s * (3 if long else 1)))
    return jobs


def fuzz_jobs():
    """It runs two at a time itself, and its own test needs a processor for a moment."""
    return [Job("fuzz", ["python3", "tests/fuzz/run.py", "--check"], 500, told="# "),
            Job("test_run.py", ["python3", "tests/fuzz/test_run.py"])]


def simulation():
    """At full size; a tenth of it under the sanitizers; scripts; bugs that must be caught. Each uses both
    processors by itself."""
    b = os.path.join(BUILD, "asan")
    stories = sorted(glob.glob("tests/sim/stories/*.story"))
    return [
        Stage("simulation", lambda: [
            Job("sim", [MAKE, "-s", f"B={BUILD}", "sim"], 400, told=SIM_TOLD),
            Job("stories", [f"{BUILD}/tests/sim", "--story", *stories]),
            Job("shrinking", ["python3", "tests/sim/test_shrink.py"], 200),
            Job("planted bugs", ["python3", "tests/sim/planted.py"], 300, told=SIM_TOLD)],
            [f"{BUILD}/tests/sim"], at_a_time=1),
        Stage("simulation under asan", lambda: [
            Job("sim", [f"{b}/tests/sim", "--seeds", "20", "--steps", "50000"], 400, told=r"\d+ seeds"),
            Job("stories", [f"{b}/tests/sim", "--story", *stories])],
            [f"B={b}", f"SAN={SANITIZERS['asan']}", f"{b}/tests/sim"], 400, SAN_ENV, at_a_time=1)]


def all_stages():
    stages = [
        Stage("build", lambda: [], ["check-bin"], 600),
        Stage("rules", lambda: [
            Job("includes", ["python3", "tests/check_includes.py"]),
            Job("mutations", ["python3", "tests/mutate.py", "-c", *sorted(glob.glob("tests/**/mutations*", recursive=True))])]),
        Stage("unit tests", lambda: unit_jobs(BUILD)),
        sanitized("asan", None),
        sanitized("tsan", TSAN_ROOMS),
        umock(),
        umock("asan"),
        umock("tsan"),
        *simulation(),
        Stage("kills", lambda: [Job("kill", ["python3", "tests/kill/kill.py", "--quiet"], 300, told="# ")] + [
            Job("disk " + part, ["python3", "tests/kill/disk.py", part], 300)
            for part in ("Store", "Spool", "Uploads", "FullDisk")], at_a_time=WAITING_JOBS),
        Stage("system tests", lambda: script_jobs("tests/system", 300), at_a_time=WAITING_JOBS),
        daemons_sanitized({"asan": ("farm_slice", "farm_kills", "farm_bad_input", "farm_bad_http",
                                    "api_contract", "api_events", "api_stop"),
                           "tsan": ("farm_slice", "farm_kills")}),
    ]
    if clang_format_is_ours():
        stages.insert(1, Stage("formatting", format_jobs))
    if os.path.exists("tests/browser/run.sh"):
        stages.append(Stage("browser tests", lambda: [
            Job("browser", [MAKE, "-s", f"B={BUILD}", "browser"], 400)]))
    if shutil.which("clang"):
        stages.append(Stage("fuzzing", fuzz_jobs, ["fuzz-bin"], 600, at_a_time=1))
    return stages


def main():
    stages = all_stages()
    if sys.argv[1:] == ["-l"]:
        print("\n".join(s.name for s in stages))
        return 0
    if sys.argv[1:]:
        stages = [s for s in stages if s.name in sys.argv[1:]]
    total, times, failed = Count(), [], []
    if "FRAMEFARM_DEPS_S" in os.environ:
        times.append(("deps", "", float(os.environ["FRAMEFARM_DEPS_S"])))
    for stage in stages:
        got, seconds, bad = do_stage(stage)
        total.add(got)
        failed += [f"{stage.name}: {b}" for b in bad]
        times.append((stage.name, str(got), seconds))
    print("\n== times")
    for name, got, seconds in times:
        print(f"{seconds:6.0f} s  {name:24} {got}")
    print(f"{sum(t[2] for t in times):6.0f} s  in all\n")
    if failed:
        print("== failed", *failed, "", sep="\n")
    with open(SUMMARY, "w", encoding="utf-8") as f:
        print(total, file=f)
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.makedirs(BUILD, exist_ok=True)
    sys.exit(main())
