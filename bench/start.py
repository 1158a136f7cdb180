"""What it costs to start: a version, a dry run on a laptop, and the size of the binary."""

import argparse
import shutil
import subprocess
from pathlib import Path

from tools import OURS, ROOT, YQ, median, run, scratch, table


def milliseconds(argv, home, runs):
    """Returns the median wall time of a command that must succeed."""
    done = [run(argv, home=home, cwd=home) for _ in range(runs)]
    for each in done:
        if each.code != 0:
            raise SystemExit(f"{argv} ended with {each.code}: {each.stderr}")
    return f"{median(each.seconds for each in done) * 1000:.1f}"


def stripped_size(binary, home):
    """Returns the size of a binary without its symbols, in MB."""
    copy = home / "binary"
    shutil.copy(binary, copy)
    subprocess.run(["strip", copy], check=False, stderr=subprocess.DEVNULL)
    return f"{copy.stat().st_size / 1e6:.1f}"


def main():
    """Measures the start of gitops-steps beside yq, and beside a program that does nothing."""
    parser = argparse.ArgumentParser(prog="bench/run start", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=30, help="runs of each measurement; the median counts")
    options = parser.parse_args()
    home = scratch("start")
    repo = home / "config-repo"
    shutil.copytree(ROOT / "examples" / "config-repo", repo)
    dry_run = [OURS, "bump-values", "--config-repo", repo, "--dry-run"]
    commands = {
        "true (starts, and ends)": [shutil.which("true")],
        "gitops-steps --version": [OURS, "--version"],
        "gitops-steps, dry run by path": [*dry_run, "--file", "web/dev-values.yaml", "--set", "image.tag=1.6.0"],
        "gitops-steps, dry run by policy": [*dry_run, "--app", "web", "--env", "dev", "--tag", "1.6.0"],
        "yq --version": [YQ, "--version"],
        "yq, one edit to stdout": [YQ, '.image.tag = "1.6.0"', repo / "web" / "dev-values.yaml"],
    }
    print("\n## Start")
    rows = [[name, milliseconds(argv, home, options.runs)] for name, argv in commands.items()]
    table(f"Wall time, median of {options.runs}", ["command", "ms"], rows)
    rows = [[name, stripped_size(Path(binary), home)] for name, binary in [("gitops-steps", OURS), ("yq", YQ)]]
    table("Size, stripped", ["binary", "MB"], rows)


if __name__ == "__main__":
    main()
