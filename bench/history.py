"""The history of a big config repo: from a clone on this machine, beside what git itself takes to list the commits."""

import argparse

from big import ENVS, template_of
from config_repos import app_name
from tools import OURS, median, run, save, say, scratch, table


def main():
    """Measures history in a repository of 2,000 apps, three environments and 5,000 commits."""
    parser = argparse.ArgumentParser(prog="bench/run history", description=main.__doc__)
    parser.add_argument("--apps", type=int, default=2000, help="apps; each has three values files of about 1 KB")
    parser.add_argument("--commits", type=int, default=5000, help="commits of history")
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement; the median counts")
    options = parser.parse_args()
    repo = template_of(options.apps, options.commits)
    home = scratch("history")
    app = app_name(options.apps * 617 // 1000)
    history = [OURS, "history", "--config-repo", repo]
    commands = {
        "history (the last 50)": history,
        f"history --app {app}": [*history, "--app", app, "--limit", "0"],
        "history --limit 0 --output csv": [*history, "--limit", "0", "--output", "csv"],
        "history now": [OURS, "history", "now", "--config-repo", repo],
        "git log --first-parent --raw": ["git", "-C", repo, "log", "--first-parent", "--raw", "--no-renames"],
    }
    print("\n## History")
    rows = []
    for name, argv in commands.items():
        say(f"history: {name}")
        done = [run(argv, home=home, cwd=home) for _ in range(options.runs)]
        for each in done:
            if each.code != 0:
                raise SystemExit(f"{name} ended with {each.code}: {each.stderr}")
        seconds = [each.seconds for each in done]
        rows.append([name, f"{median(seconds):.2f}", f"{min(seconds):.2f}"])
    title = f"{options.apps * len(ENVS):,} values files, {options.commits:,} commits"
    table(title, ["command", "wall s, median", "wall s, best"], rows, "history")
    save("history")


if __name__ == "__main__":
    main()
