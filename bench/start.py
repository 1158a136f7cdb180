"""What it costs to start and to install: a version, one edit of one small file, and the bytes on disk."""

import argparse
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from engine import EEMELI
from tools import BENCH, INSTALLED, KUSTOMIZE, OURS, ROOT, YQ, median, run, save, say, scratch, series, table

FILE = "web/dev-values.yaml"
NODE = INSTALLED / "node" / "node_modules"


def milliseconds(argv, home, runs, cwd):
    """Returns the median wall time of a command that must succeed."""
    say(f"start: {argv[0]}")
    done = [run(argv, home=home, cwd=cwd) for _ in range(runs)]
    for each in done:
        if each.code != 0:
            raise SystemExit(f"{argv} ended with {each.code}: {each.stderr}")
    return median(each.seconds for each in done) * 1000


def stripped(binary, home):
    """Returns the bytes of a binary without its symbols."""
    copy = home / "binary"
    shutil.copy(binary, copy)
    subprocess.run(["strip", copy], check=False, stderr=subprocess.DEVNULL)
    return copy.stat().st_size


# What a folder of Python holds beside what it needs.
NOT_NEEDED = {"__pycache__", "site-packages", "test", "tests", "idlelib", "ensurepip", "turtledemo"}


def size(path):
    """Returns the bytes of a file, or of all needed files below a folder."""
    if path.is_file():
        return path.stat().st_size
    files = (file for file in path.rglob("*") if file.is_file())
    return sum(file.stat().st_size for file in files if not NOT_NEEDED & set(file.relative_to(path).parts))


def closure(package, seen=None):
    """Returns the folders of a node package and of all that it needs."""
    seen = seen if seen is not None else {}
    if package not in seen and (NODE / package).exists():
        seen[package] = NODE / package
        told = json.loads((NODE / package / "package.json").read_text())
        for needed in told.get("dependencies", {}):
            closure(needed, seen)
    return seen.values()


def commands(home, repo):
    """Returns what is started: each its words, and where."""
    jobs = home / "jobs.json"
    jobs.write_text(json.dumps([{"file": str(repo / FILE), "document": 0, "path": ["image", "tag"], "new": "1.6.0"}]))
    by_path = [OURS, "bump-values", "--config-repo", repo, "--dry-run"]
    overlay = repo / "api" / "overlays" / "dev"
    python = [sys.executable, BENCH / "edit_ruamel.py", jobs]
    return {
        "true (starts, and ends)": ([shutil.which("true")], home),
        "gitops-steps --version": ([OURS, "--version"], home),
        "gitops-steps, dry run by path": ([*by_path, "--file", FILE, "--set", "image.tag=1.6.0"], home),
        "gitops-steps, dry run by policy": ([*by_path, "--app", "web", "--env", "dev", "--tag", "1.6.0"], home),
        "yq, one edit": ([YQ, '.image.tag = "1.6.0"', repo / FILE], home),
        "kustomize edit set image": (
            [KUSTOMIZE, "edit", "set", "image", "ghcr.io/acme/api=ghcr.io/acme/api:1.6.0"], overlay,
        ),
        "eemeli yaml on node, one edit": ([*EEMELI, "cst", jobs], home),
        "js-yaml + jsonpath on node, one edit": (["node", BENCH / "edit_js_yaml.mjs", NODE, jobs], home),
        "ruamel.yaml on Python, one edit": (python, home),
        "ruamel.yaml + jsonpath-ng on Python, one edit": ([sys.executable, BENCH / "edit_gitopscli.py", jobs], home),
        "git --version": (["git", "--version"], home),
    }


def sizes(home):
    """Returns rows: what has to be on disk, without and with the runtime below it."""
    python = INSTALLED / "python"
    ruamel = sum(size(each) for each in python.glob("ruamel*"))
    jsonpath_ng = sum(size(each) for each in python.glob("jsonpath_ng*"))
    runtimes = {
        "": 0,
        "Python": size(Path(sysconfig.get_path("stdlib"))) + size(Path(sys.executable).resolve()),
        "node": size(Path(shutil.which("node")).resolve()),
    }
    eemeli, js_yaml = sum(map(size, closure("yaml"))), sum(map(size, [*closure("js-yaml"), *closure("jsonpath")]))
    found = [
        ("gitops-steps", stripped(Path(OURS), home), ""),
        ("yq", stripped(YQ, home), ""),
        ("kustomize", stripped(KUSTOMIZE, home), ""),
        ("eemeli yaml", eemeli, "node"),
        ("js-yaml + jsonpath", js_yaml, "node"),
        ("ruamel.yaml", ruamel, "Python"),
        ("ruamel.yaml + jsonpath-ng", ruamel + jsonpath_ng, "Python"),
    ]
    return [
        [name, f"{alone / 1e6:.1f}", runtime or "none", f"{(alone + runtimes[runtime]) / 1e6:.1f}"]
        for name, alone, runtime in found
    ]


def main():
    """Measures the start of gitops-steps beside its peers and a program that does nothing, and what each takes on disk."""
    parser = argparse.ArgumentParser(prog="bench/run start", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=30, help="runs of each measurement; the median counts")
    options = parser.parse_args()
    home = scratch("start")
    repo = home / "config-repo"
    shutil.copytree(ROOT / "examples" / "config-repo", repo)
    print("\n## Start")
    found = {name: milliseconds(argv, home, options.runs, cwd) for name, (argv, cwd) in commands(home, repo).items()}
    table(f"Wall time, median of {options.runs}", ["command", "ms"], [[name, f"{ms:.1f}"] for name, ms in found.items()], "start")
    series("start", [[name, round(ms, 1)] for name, ms in found.items()])
    table("On disk", ["tool", "MB", "runtime", "MB with it"], sizes(home), "size")
    save("start")


if __name__ == "__main__":
    main()
