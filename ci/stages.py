"""Runs the stages of a tier, side by side where they do not need each other, and reports. Called by ci/test."""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
LOGS = TARGET / "ci"
BINARY = TARGET / "debug/postpack"
# How often a run that has nothing to report says what it waits for.
HEARTBEAT = 60
SCREEN = 40


@dataclass
class Stage:
    name: str
    command: str
    after: tuple = ()
    # A failure of a cheap stage ends the run at once.
    cheap: bool = False
    # Leaves the processors to what the run waits for.
    nice: int = 0
    began: float = 0
    seconds: float = 0
    # Of processors.
    used: float = 0
    code: int | None = None
    process: subprocess.Popen | None = field(default=None, repr=False)

    @property
    def log(self):
        return LOGS / f"{re.sub(r'[^a-z]+', '-', self.name)}.log"


def stages(tier, complete, fresh):
    """The order in the list is the order of the table."""
    formatting = Stage("formatting", "cargo fmt --check", cheap=True)
    clippy = Stage("clippy", "cargo clippy --locked -- -D warnings", ("formatting",), cheap=True)
    # What a run waits for is the lint, the build and the lab, so the rest has the processors that they leave.
    rest = 10
    # The tests take longest after the lab: they must not begin at its end.
    tests = 5
    host = Stage("host program", "ci/host/run", ("clippy",), nice=rest)
    without_tools = Stage("unit, snapshot and property tests", "cargo test --locked -- --skip real_", ("clippy",))
    # One cargo at a time: they share a lock.
    clippy_of_tests = Stage("clippy of the tests", "cargo clippy --locked --all-targets -- -D warnings", (without_tools.name,), nice=rest)
    if not complete:
        return [formatting, clippy, without_tools, clippy_of_tests]
    if tier == "quick":
        return [formatting, clippy, host, without_tools, clippy_of_tests]
    lab = f"ci/lab/run --tier {tier}"
    thorough = "POSTPACK_THOROUGH=1 " if tier == "full" else ""
    return [
        formatting,
        clippy,
        Stage("build", "cargo build --locked", ("clippy",)),
        Stage("roots of the lab", f"{lab} --roots", nice=5),
        host,
        Stage("tests compiled", "cargo test --locked --no-run", ("build",), nice=tests),
        Stage("unit, snapshot and property tests", f"{thorough}ci/postfix-roots cargo test --locked", ("tests compiled", "roots of the lab"), nice=tests),
        clippy_of_tests,
        Stage("lintian, rpmlint, shellcheck", "ci/lint", ("build",), nice=rest),
        Stage("tests of the lab", "ci/lab/own/run", ("build",), nice=rest),
        Stage("list of mutants", "ci/mutants --check", nice=rest),
        Stage("reproducibility", "ci/reproducible && ci/reproducible --self-test", ("build", "host program"), nice=rest),
        Stage("bills of materials, provenance", "ci/attestations", ("reproducibility",), nice=rest),
        Stage("alert rules, dashboard", "ci/metrics", ("bills of materials, provenance",), nice=rest),
        Stage("lab", f"{lab}{' --fresh' if fresh else ''}", ("build", "roots of the lab")),
    ]


class Run:
    def __init__(self, todo):
        self.stages = todo
        self.start = time.monotonic()
        self.ended = threading.Condition()
        self.stopped = False
        # The first that failed, and was not ended.
        self.failed = None

    def all(self):
        LOGS.mkdir(parents=True, exist_ok=True)
        threads = [threading.Thread(target=self.stage, args=(stage,), daemon=True) for stage in self.stages]
        for thread in threads:
            thread.start()
        said = time.monotonic()
        with self.ended:
            while any(thread.is_alive() for thread in threads):
                self.ended.wait(timeout=1)
                if time.monotonic() - said > HEARTBEAT:
                    said = time.monotonic()
                    self.say("running: " + ", ".join(map(progress, self.running())))
        for thread in threads:
            thread.join()
        return all(stage.code == 0 for stage in self.stages)

    def stage(self, stage):
        needs = [other for other in self.stages if other.name in stage.after]
        with self.ended:
            self.ended.wait_for(lambda: self.stopped or all(other.code is not None for other in needs))
            if self.stopped or any(other.code for other in needs):
                stage.code = -1
                self.ended.notify_all()
                return
            stage.began = time.monotonic()
            with open(stage.log, "wb") as log:
                stage.process = subprocess.Popen(
                    ["nice", "-n", str(stage.nice), "bash", "-euo", "pipefail", "-c", stage.command],
                    cwd=ROOT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, "POSTPACK_BIN": str(BINARY)},
                )
            set_priority(stage)
        _, status, usage = os.wait4(stage.process.pid, 0)
        code = stage.process.returncode = os.waitstatus_to_exitcode(status)
        with self.ended:
            stage.used = usage.ru_utime + usage.ru_stime
            stage.seconds = time.monotonic() - stage.began
            stage.code = code
            if self.stopped:
                pass
            elif code == 0:
                self.say(f"passed: {stage.name} ({stage.seconds:.0f} s)")
            else:
                self.failed = self.failed or stage
                self.say(f"FAILED: {stage.name} ({stage.seconds:.0f} s), see {stage.log}")
                if stage.cheap:
                    self.stop()
            self.ended.notify_all()

    def running(self):
        return [stage for stage in self.stages if stage.process and stage.code is None]

    def stop(self):
        """End what runs, and begin nothing more."""
        self.stopped = True
        for stage in self.running():
            os.killpg(stage.process.pid, signal.SIGINT)
        threading.Thread(target=self.kill, daemon=True).start()

    def kill(self):
        """What does not end when it is told to."""
        time.sleep(20)
        for stage in self.running():
            os.killpg(stage.process.pid, signal.SIGKILL)

    def say(self, words):
        print(f"[{clock(time.monotonic() - self.start)}] {words}", flush=True)


def set_priority(stage):
    """Linux may weigh whole sessions against each other (sched(7), autogroup): nice(1) alone then says nothing between stages."""
    try:
        Path(f"/proc/{stage.process.pid}/autogroup").write_text(str(stage.nice))
    except OSError:  # another kernel, or it has ended
        pass


def progress(stage):
    """The stage, and for the lab how far it is."""
    found = re.findall(rb"\[ *(\d+)%\]", stage.log.read_bytes())
    return f"{stage.name} ({found[-1].decode()} %)" if found else stage.name


def clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def report(run):
    """A table of durations, the first failure within one screen, and the counts."""
    first = run.failed
    print("\nstage                                 begins  duration  processors")
    for stage in run.stages:
        if stage.process:
            words = "" if stage.code == 0 else "  FAILED" if stage is first or not run.stopped else "  ended"
            print(f"{stage.name:36} {clock(stage.began - run.start):>7} {clock(stage.seconds):>9} {clock(stage.used):>11}{words}")
        else:
            print(f"{stage.name:36} {'-':>7} {'not run':>9}")
    print(f"{'all':36} {'':7} {clock(time.monotonic() - run.start):>9} {clock(sum(stage.used for stage in run.stages)):>11}")
    if first:
        text = first.log.read_text(errors="replace")
        # The lab ends with its own account of the first failure.
        _, found, account = text.rpartition("= the first failure =")
        words = account if found else text
        lines = words.strip("=\n ").splitlines()
        print(f"\n!!! {first.name} failed. Its log: {first.log}\n!!! Repeat: {first.command}\n")
        print("\n".join(lines[:SCREEN] if found else lines[-SCREEN:]))
    print(counts(run))


def counts(run):
    """Closing lines: tests of all kinds, and what the lab remembered."""
    text = "".join(stage.log.read_text(errors="replace") for stage in run.stages if stage.process)
    passed, failed = (sum(map(int, re.findall(rf"\b(\d+) {word}\b[^\n]*(?:;| in \d)", text))) for word in ("passed", "failed"))
    lines = [f"tests: {passed} passed, {max(failed, 1) if run.failed else 0} failed"]
    if lab := re.findall(r"^lab: \d+ scenarios run, \d+ remembered.*", text, re.MULTILINE):
        lines.append(lab[-1])
    return "\n".join(lines)


def main():
    options = argparse.ArgumentParser(prog="ci/test", allow_abbrev=False)
    tiers = options.add_mutually_exclusive_group()
    tiers.add_argument("--quick", action="store_const", dest="tier", const="quick", help="formatting, lints, unit and host tests")
    tiers.add_argument("--full", action="store_const", dest="tier", const="full", help="every scenario on all of its roots")
    options.add_argument("--fresh", action="store_true", help="ignore remembered verdicts of the lab")
    options.add_argument("--complete", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--incomplete", action="store_false", dest="complete", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    tier = chosen.tier or "standard"
    run = Run(stages(tier, chosen.complete, chosen.fresh))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: run.stop())
    passed = run.all()
    report(run)
    if not chosen.complete:
        print("\n!!! NOT EVERYTHING WAS TESTED: the tests against real package managers, Postfix and hosts need root on Debian (ci/setup)",
              file=sys.stderr)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
