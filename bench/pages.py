"""Writes docs/performance.md, docs/scale.md and their plots from bench/results; what is said stands in bench/pages.

In a page, `{{table PART/KEY}}` stands for a table of results, `{{cell PART/KEY | ROW | COLUMN}}` for one of its cells,
`{{plot NAME: WORDS}}` for a plot, `{{machine PART}}` for what a part was measured on,
`{{note PART}}` for what was said of its run (BENCH_NOTE), `{{text PART/KEY: WORDS}}` for lines and what is said before them, if there are any.
"""

import json
import re
import sys
import textwrap
from pathlib import Path

import plot
from tools import BENCH, RESULTS, ROOT, markdown

DOCS = ROOT / "docs"
PAGES = ["performance.md", "scale.md"]


def results():
    """Returns what was measured, by part."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(RESULTS.glob("*.json"))}


def column(kept, name):
    """Returns a column of a table as numbers, with the first column's names."""
    at = kept["header"].index(name)
    return [(row[0], float(str(row[at]).replace(",", ""))) for row in kept["rows"]]


def plots(found):
    """Returns the plots: each name and its picture."""
    tables = {part: each["tables"] for part, each in found.items()}
    drawn = {part: each["series"] for part, each in found.items()}
    own = tables["engine"]["own"]
    inexact = dict(column(own, "not byte-exact"))
    edits = dict(column(own, "edits"))
    race = tables["race"]["apps"]
    said, wall = dict(column(race, "said done")), dict(column(race, "wall s"))
    landed = drawn["load"]["landed"]
    git = {name.removeprefix("git, ") + " away": curve for name, curve in landed.items() if name.startswith("git, ")}
    writers = tables["load"]["apps"]["rows"][0][2]
    middle = {name: curve for name, curve in landed.items() if name.endswith(", 20 ms")} or landed
    return {
        "engine": plot.bars(
            "One edit of one small file", "milliseconds an edit, the libraries in one process for all; beside it: outputs that are exact to the byte",
            [
                (short(name), 1000 * seconds / edits[name], f"{1000 * seconds / edits[name]:.1f}, {edits[name] - inexact[name]:.0f} of {edits[name]:.0f}")
                for name, seconds in column(own, "wall s")
            ],
        ),
        "bump": plot.lines(
            "One bump in a big config repo (ours: gitops-steps)", "milliseconds of a round trip", "seconds",
            {short(name).replace("gitops-steps,", "ours,"): curve for name, curve in drawn["big"]["bump"].items()},
        ),
        "start": plot.bars(
            "Started for one edit", "milliseconds", [(name, ms, f"{ms:.1f}") for name, ms in drawn["start"]["start"]]
        ),
        "race": plot.bars(
            "50 processes bump 50 apps at once", "seconds until the last one ended; beside it: how many landed",
            [(short(name), wall[name], f"{wall[name]:.1f}, {said[name]:.0f} of 50") for name in wall],
        ),
        "landed-git": plot.lines(f"{writers} writers at once, by git", "seconds", "writers that have landed", git),
        "landed-ways": plot.lines(f"{writers} writers at once, 20 ms away", "seconds", "writers that have landed", middle),
        "bursts": plot.lines(
            "A burst of bumps, until the last has landed", "bumps at once", "seconds", drawn["simulate"]["bursts"], (True, True)
        ),
        "rates": plot.lines(
            "From the build's end to the commit, for 19 of 20 deploys", "deploys an hour", "seconds",
            {name: [point for point in curve if point[1] < 3600] for name, curve in drawn["simulate"]["rates"].items()},
            (True, True),
        ),
    }


# What is too long to stand beside a bar or a line.
SHORT = {
    "clone --depth 1, then ": "",
    "clone --depth 1 and push, all again": "clone and push, again",
    "sparse clone without blobs, then push and ": "sparse, ",
    "clone --depth 1 --filter=blob:none --sparse + yq + push": "sparse clone, yq",
    "clone --depth 1 + yq + push": "clone --depth 1, yq",
    "yaml, one process": "yaml",
    "), one process": ")",
    " (yaml-update-action)": "",
}


def short(name):
    """Returns the name of a tool or a way, short enough for a plot."""
    for long, better in SHORT.items():
        name = name.replace(long, better)
    return name


def cell(found, place, row, name):
    """Returns one cell of a table; the first row whose first cells begin with the words of `row`."""
    part, key = place.split("/")
    kept = found[part]["tables"][key]
    words = row.split(" ; ")
    line = next((each for each in kept["rows"] if all(str(a).startswith(b) for a, b in zip(each, words))), None)
    if line is None:
        raise SystemExit(f"bench/results/{part}.json has no row `{row}` in `{key}`")
    return str(line[kept["header"].index(name)])


def filled(page, found):
    """Returns a page with the results in it."""

    def put(match):
        verb, _, rest = " ".join(match[1].split()).partition(" ")
        if verb == "table":
            part, key = rest.split("/")
            kept = found[part]["tables"][key]
            return "\n".join(markdown(kept["header"], kept["rows"]))
        if verb == "cell":
            return cell(found, *(word.strip() for word in rest.split("|")))
        if verb == "plot":
            name, _, words = rest.partition(": ")
            return f"![{words}](plots/{name}.svg)"
        if verb == "text":
            place, _, words = rest.partition(": ")
            part, key = place.split("/")
            told = found[part]["series"].get(key)
            return f"{words}\n\n```text\n" + "\n".join(told) + "\n```" if told else ""
        if verb == "machine":
            about = found[rest]["machine"]
            return f"Measured {about['date']} on {about['processors']}: {', '.join(about['tools'])}."
        if verb == "note":
            return found[rest]["machine"].get("note", "")
        raise SystemExit(f"no such word in a page: {match[0]}")

    blocks = [broken(block, re.sub(r"\{\{(.+?)\}\}", put, block, flags=re.DOTALL)) for block in page.split("\n\n")]
    return "\n\n".join(block for block in blocks if block)


def broken(block, text):
    """Returns a paragraph in lines that are as long as the others, where figures have come into it."""
    is_text = not block.startswith(("|", "{{plot", "{{table", "{{text"))
    return "\n".join(textwrap.wrap(text, 128, break_on_hyphens=False)) if is_text and "{{" in block else text


def main():
    """Writes the pages, or with `--check` tells whether they are those of the results."""
    found = results()
    written = {DOCS / "plots" / f"{name}.svg": picture for name, picture in plots(found).items()}
    for page in PAGES:
        written[DOCS / page] = filled((BENCH / "pages" / f"{page}.in").read_text(), found)
    if "--check" in sys.argv:
        stale = [str(path) for path, text in written.items() if not path.exists() or path.read_text() != text]
        raise SystemExit(f"stale: {', '.join(stale)}; run bench/run pages" if stale else 0)
    for path, text in written.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
