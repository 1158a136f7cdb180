"""The tools that are measured, how they are run and timed, and how a table is printed."""

import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
INSTALLED = ROOT / "target" / "bench"
YQ = INSTALLED / "bin" / "yq"
OURS = os.environ.get("BENCH_BINARY", str(ROOT / "target" / "release" / "gitops-steps"))


@dataclass
class Run:
    """What one process cost."""

    seconds: float
    code: int
    stderr: str


def environment(home):
    """Returns what a process sees: no settings of the user, no CI, no proxy, the peers first in PATH."""
    return {
        "PATH": f"{YQ.parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(INSTALLED / "python"),
        "NODE_OPTIONS": "--max-old-space-size=12288",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Bench",
        "GIT_AUTHOR_EMAIL": "bench@example.com",
        "GIT_COMMITTER_NAME": "Bench",
        "GIT_COMMITTER_EMAIL": "bench@example.com",
    }


def run(argv, *, home, cwd=None, limit=900):
    """Runs a process to its end, or kills it after `limit` seconds (the code is then -9)."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in argv],
        cwd=cwd,
        env=environment(home),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        _, errors = process.communicate()
    return Run(time.perf_counter() - start, process.returncode, errors)


def median(values):
    """Returns the middle of some measurements."""
    return statistics.median(values)


def scratch(part):
    """Returns an empty folder for a part of the bench."""
    folder = INSTALLED / "work" / part
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def table(title, header, rows):
    """Prints a Markdown table; all but the first column stand to the right."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("| --- |" + " --: |" * (len(header) - 1))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def say(text):
    """Tells the one who waits what is being measured."""
    print(text, file=sys.stderr, flush=True)


def version(*argv):
    """Returns the first line that a tool says of itself."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip().split("\n")[0]


def processor():
    """Returns the name of the processor, where Linux tells it."""
    try:
        found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def print_machine():
    """Prints what the figures below were measured with."""
    ruamel = next((INSTALLED / "python").glob("ruamel*.dist-info"), Path("-")).name
    eemeli = version("node", "-p", f"require('{INSTALLED}/node/node_modules/yaml/package.json').version")
    print(f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} × {processor()}, {platform.system()}.\n")
    for line in [
        version(OURS, "--version"),
        version(YQ, "--version"),
        f"{ruamel.removesuffix('.dist-info')} on Python {platform.python_version()}",
        f"yaml (eemeli) {eemeli} on node {version('node', '--version')}",
        version("git", "--version"),
    ]:
        print(f"- {line}")
    sys.stdout.flush()


if __name__ == "__main__":
    print_machine()
