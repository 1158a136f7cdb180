"""The tools that are measured, how they are run and timed, and how a table is printed."""

import json
import math
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
INSTALLED = ROOT / "target" / "bench"
# What was measured last, one file a part: the pages are written from it (pages.py).
RESULTS = BENCH / "results"
YQ = INSTALLED / "bin" / "yq"
KUSTOMIZE = INSTALLED / "bin" / "kustomize"
OURS = os.environ.get("BENCH_BINARY", str(ROOT / "target" / "release" / "gitops-steps"))


@dataclass
class Run:
    """What one process cost."""

    seconds: float
    code: int
    stderr: str
    # Seconds of the processor: its own, and those of the processes that it waited for.
    cpu: float
    # When it ended, on the clock of `time.perf_counter`.
    ended: float


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


def run(argv, *, home, cwd=None, limit=900, extra=None):
    """Runs a process to its end, or kills it after `limit` seconds (the code is then -9)."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=cwd,
            env=environment(home) | (extra or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        watch = threading.Timer(limit, process.kill)
        watch.daemon = True
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        told = errors.read().decode(errors="replace")
    return Run(seconds, process.returncode, told, usage.ru_utime + usage.ru_stime, start + seconds)


def cpu_of_children():
    """Returns the seconds of the processor that all processes took which have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def quantile(values, part):
    """Returns the value below or at which so large a part of the measurements lies."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]


def numbers(text):
    """Reads numbers with commas between them."""
    return [float(number) if "." in number else int(number) for number in text.split(",") if number]


def median(values):
    """Returns the middle of some measurements."""
    return statistics.median(values)


def scratch(part):
    """Returns an empty folder for a part of the bench."""
    folder = INSTALLED / "work" / part
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


KEPT = {"tables": {}, "series": {}}


def keep(title, header, rows, key):
    """Keeps a table under `key`."""
    KEPT["tables"][key] = {"title": title, "header": list(header), "rows": [list(row) for row in rows]}


def table(title, header, rows, key):
    """Keeps a table and prints it as Markdown."""
    keep(title, header, rows, key)
    print(f"\n### {title}\n")
    print("\n".join(markdown(header, rows)))
    sys.stdout.flush()


def markdown(header, rows):
    """Returns the lines of a Markdown table; all but the first column stand to the right."""
    yield "| " + " | ".join(header) + " |"
    yield "| --- |" + " --: |" * (len(header) - 1)
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def series(key, points):
    """Keeps what a plot shows: for each name its points."""
    KEPT["series"][key] = points


def save(part):
    """Writes what a part has measured to its file of results, with what it was measured on."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"machine": machine(), **KEPT}, indent=1, ensure_ascii=False)
    # One point or row a line: short enough to read, long enough to compare.
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: "[" + re.sub(r",\s+", ", ", found[1]) + "]", text)
    (RESULTS / f"{part}.json").write_text(text + "\n")


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


def node_version(package):
    """Returns the version of an installed node package."""
    return version("node", "-p", f"require('{INSTALLED}/node/node_modules/{package}/package.json').version")


def python_version(package):
    """Returns the version of an installed Python package."""
    found = next((INSTALLED / "python").glob(f"{package}-*.dist-info"), Path("-"))
    return found.name.removesuffix(".dist-info").rpartition("-")[2]


def machine():
    """Returns what the figures are measured with."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        # What else the reader has to know, such as other work on the machine.
        "note": os.environ.get("BENCH_NOTE", ""),
        "processors": f"{os.cpu_count()} × {processor()}, {platform.system()}",
        "tools": [
            version(OURS, "--version"),
            f"git {version('git', '--version').split()[-1]}",
            f"yq {version(YQ, '--version').split()[-1]}",
            f"kustomize {version(KUSTOMIZE, 'version')}",
            f"ruamel.yaml {python_version('ruamel_yaml')} and jsonpath-ng {python_version('jsonpath_ng')}"
            f" on Python {platform.python_version()}",
            f"yaml (eemeli) {node_version('yaml')}, js-yaml {node_version('js-yaml')} and"
            f" jsonpath {node_version('jsonpath')} on node {version('node', '--version')}",
        ],
    }


def print_machine():
    """Prints what the figures below were measured with."""
    about = machine()
    print(f"Measured {about['date']} on {about['processors']}.\n")
    for line in about["tools"]:
        print(f"- {line}")
    sys.stdout.flush()


if __name__ == "__main__":
    print_machine()
