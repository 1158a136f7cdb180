"""The engine beside yq, kustomize and the YAML libraries that other tools are made of: the same edits, timed and checked."""

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import corpus
import edits
from tools import BENCH, INSTALLED, KUSTOMIZE, OURS, ROOT, YQ, median, run, save, say, scratch, series, table

HEADER = [
    "tool", "edits", "MB", "runs", "wall s", "MB/s", "failed", "other lines touched", "not byte-exact",
]


@dataclass
class Measured:
    """What a tool did with a list of edits."""

    seconds: list = field(default_factory=list)
    failed: int = 0
    touched: int = 0
    inexact: int = 0


def path_of(path):
    """Spells a path for gitops-steps: every key in quotes."""
    words = [f"[{key}]" if isinstance(key, int) else "." + json.dumps(key) for key in path]
    return "".join(words).removeprefix(".")


def ours_each(jobs, home):
    """Starts gitops-steps once a file."""
    for job in jobs:
        yield run(
            [
                OURS, "bump-values", "--config-repo", home, "--file", Path(job["file"]).name, "--publish", "files",
                "--document", job["document"], "--set", f"{path_of(job['path'])}={job['new']}",
                "--guard", "none", "--quiet",
            ],
            home=home,
        )


def ours_once(jobs, home):
    """Starts gitops-steps once, with a list of changes."""
    changes = home / "changes.json"
    changes.write_text(
        json.dumps([{"file": Path(job["file"]).name, "set": {path_of(job["path"]): job["new"]}} for job in jobs])
    )
    yield run(
        [
            OURS, "bump-values", "--config-repo", home, "--changes", changes, "--publish", "files",
            "--guard", "none", "--quiet",
        ],
        home=home,
    )


def yq_each(jobs, home):
    """Starts yq once a file."""
    for job in jobs:
        place = "." + "".join(f"[{json.dumps(key)}]" for key in job["path"])
        place = f"(select(document_index == {job['document']}) | {place})" if job["document"] else place
        yield run([YQ, "-i", f"{place} = {json.dumps(job['new'])}", job["file"]], home=home)


def in_one_process(*argv):
    """Makes a tool of a script that makes all the edits of a jobs file."""

    def tool(jobs, home):
        jobs_file = home / "jobs.json"
        jobs_file.write_text(json.dumps(jobs))
        yield run([*argv, jobs_file], home=home)

    return tool


def kustomize_each(names):
    """Makes a tool that starts kustomize once a file, each in a folder of its own, for these images."""

    def tool(jobs, home):
        for name, job in zip(names, jobs):
            folder = Path(job["file"]).with_suffix("")
            folder.mkdir()
            file = Path(job["file"]).rename(folder / "kustomization.yaml")
            yield run([KUSTOMIZE, "edit", "set", "image", f"{name}={name}:{job['new']}"], home=home, cwd=folder)
            file.rename(job["file"])

    return tool


EEMELI = ["node", BENCH / "edit_eemeli.mjs", INSTALLED / "node" / "node_modules" / "yaml"]
TOOLS = {
    "gitops-steps, a process a file": ours_each,
    "gitops-steps, one process": ours_once,
    "yq, a process a file": yq_each,
    "eemeli yaml (document), one process": in_one_process(*EEMELI, "document"),
    "eemeli yaml (cst), one process": in_one_process(*EEMELI, "cst"),
    "ruamel.yaml, one process": in_one_process(sys.executable, BENCH / "edit_ruamel.py"),
    "ruamel.yaml + jsonpath-ng (gitopscli), one process": in_one_process(sys.executable, BENCH / "edit_gitopscli.py"),
    "js-yaml + jsonpath (yaml-update-action), one process": in_one_process(
        "node", BENCH / "edit_js_yaml.mjs", INSTALLED / "node" / "node_modules"
    ),
}


def measure(tool, wanted, runs, patience):
    """Makes the edits `runs` times on fresh files, fewer where one run outlasts `patience` seconds."""
    measured = Measured()
    for _ in range(runs):
        home = scratch("engine")
        files = [home / f"{at:04}.yaml" for at in range(len(wanted))]
        for file, edit in zip(files, wanted):
            file.write_bytes(edit.text)
        jobs = [
            {"file": str(file), "document": edit.document, "path": edit.path, "new": edit.new}
            for file, edit in zip(files, wanted)
        ]
        done = list(tool(jobs, home))
        measured.seconds.append(sum(each.seconds for each in done))
        if measured.seconds[-1] > patience:
            break
    reported = [int(found) for each in done for found in re.findall(r"^failed: (\d+)$", each.stderr, re.M)]
    measured.failed = sum(reported) + sum(each.code != 0 for each in done)
    outputs = [file.read_bytes() for file in files]
    measured.touched = sum(edit.touches_other_lines(output) for edit, output in zip(wanted, outputs))
    measured.inexact = sum(not edit.is_exact(output) for edit, output in zip(wanted, outputs))
    return measured


def compare(key, title, wanted, options, tools=None):
    """Prints one table: every tool with the same edits."""
    rows = []
    for name, tool in (tools or TOOLS).items():
        if not re.search(options.tools, name):
            continue
        # A list of changes cannot name a document: those edits are left to the others.
        mine = [edit for edit in wanted if edit.alone] if tool is ours_once else wanted
        say(f"{title}: {name}")
        measured = measure(tool, mine, options.runs, options.patience)
        megabytes = sum(len(edit.text) for edit in mine) / 1e6
        wall = median(measured.seconds)
        rows.append([
            name, len(mine), short(megabytes), len(measured.seconds), f"{wall:.2f}", short(megabytes / wall),
            measured.failed, measured.touched, measured.inexact,
        ])
    table(title, HEADER, rows, key)


def short(number):
    """Returns a number with two digits that tell."""
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def print_example(name, *arguments):
    """Prints what an example program says: the engine alone, without the command around it."""
    command = ["cargo", "run", "--release", "--locked", "--quiet", "--example", name, "--", *arguments]
    done = subprocess.run(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True)
    print(f"\n### The engine alone: `{' '.join(command)}`\n\n```text\n{done.stdout.strip()}\n```")
    series(name, done.stdout.strip().splitlines())


def main():
    """Compares the tools on files of our own making, and on a corpus from outside where one is given."""
    parser = argparse.ArgumentParser(prog="bench/run engine", description=main.__doc__)
    parser.add_argument("--each", type=int, default=40, help="files of each kind in our own corpus")
    parser.add_argument("--sizes", default="1,10", help="sizes of values files in MB, with commas (none: '')")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement; the median counts")
    parser.add_argument("--patience", type=float, default=10, help="seconds after which a run is not repeated")
    parser.add_argument("--tools", default="", help="regular expression that the names of the tools must match")
    parser.add_argument(
        "--corpus", default=os.environ.get("GITOPS_STEPS_CORPUS"), help="a folder of files and its targets.json"
    )
    parser.add_argument("--no-examples", action="store_true", help="leave out the example programs, which have to be built")
    options = parser.parse_args()
    print("\n## Engine: one edit in each file")
    compare("own", "Our own corpus: each edit on a file of its own", corpus.own(options.each), options)
    names, wanted = zip(*corpus.kustomizations(options.each))
    tools = {name: tool for name, tool in TOOLS.items() if "process a file" in name}
    tools["kustomize edit set image, a process a file"] = kustomize_each(names)
    compare("kustomizations", "Kustomizations: the tag of one image", list(wanted), options, tools)
    sizes = [size for size in options.sizes.split(",") if size]
    for size in sizes:
        compare(f"{size} MB", f"One values file of {size} MB", [edits.one_big(float(size))], options)
    if options.corpus:
        compare("given", "The corpus that was given", edits.corpus(options.corpus), options)
    alone = not options.no_examples and re.search(options.tools, "gitops-steps")
    if sizes and alone:
        print_example("engine", *sizes)
    if options.corpus and alone:
        print_example("corpus", str(Path(options.corpus).resolve()))
    save("engine")


if __name__ == "__main__":
    main()
