"""One bump in a big config repo over HTTP: the bytes that pass, and the time."""

import argparse
import shutil

import config_repos
import ways
from config_repos import app_name, git, tag_at
from git_server import GitServer
from tools import INSTALLED, median, run, say, scratch, table

ENVS = ["dev", "staging", "prod"]
WAYS = {
    "gitops-steps": ways.ours,
    "clone --depth 1 + yq + push": ways.clone_push,
    "clone --depth 1 --filter=blob:none --sparse + yq + push": ways.sparse_push,
}


def template_of(apps, commits):
    """Returns the big repository; it is made once, and kept."""
    repo = INSTALLED / f"big-{apps}-{commits}.git"
    if not repo.exists():
        say(f"big: making {apps * len(ENVS)} files and {commits} commits")
        unfinished = repo.with_suffix(".new")
        config_repos.make(unfinished, apps=apps, envs=ENVS, commits=commits)
        unfinished.rename(repo)
    return repo


def measure(way, template, runs):
    """Bumps one app `runs` times, each time to a new tag; returns seconds and traffic of each run."""
    home = scratch("big")
    repo = home / "config.git"
    shutil.copytree(template, repo)
    seconds, traffic = [], []
    with GitServer(home) as server:
        for at in range(runs):
            job = ways.Job(server.url("config.git"), app_name(1234), "dev", f"3.{at}.0", home / f"job-{at}")
            job.home.mkdir()
            done = run(way(job), home=job.home, cwd=job.home)
            if done.code != 0 or tag_at(repo, "main", job.app, job.env) != job.tag:
                raise SystemExit(f"the bump did not land (exit {done.code}): {done.stderr}")
            seconds.append(done.seconds)
            traffic.append(server.take_traffic())
    return seconds, traffic


def main():
    """Measures one bump in a repository of 2,000 apps, three environments and 5,000 commits."""
    parser = argparse.ArgumentParser(prog="bench/run big", description=main.__doc__)
    parser.add_argument("--apps", type=int, default=2000, help="apps; each has three values files of about 1 KB")
    parser.add_argument("--commits", type=int, default=5000, help="commits of history")
    parser.add_argument("--runs", type=int, default=5, help="runs of each measurement; the median counts")
    options = parser.parse_args()
    template = template_of(options.apps, options.commits)
    size = git(template, "count-objects", "-vH").split("size-pack: ")[1].split("\n")[0]
    print("\n## Big: one bump over HTTP")
    rows = []
    for name, way in WAYS.items():
        say(f"big: {name}")
        seconds, traffic = measure(way, template, options.runs)
        rows.append([
            name,
            f"{median(each.down for each in traffic) / 1000:.1f}",
            f"{median(each.up for each in traffic) / 1000:.1f}",
            f"{median(each.requests for each in traffic):.0f}",
            f"{median(seconds):.2f}",
            f"{min(seconds):.2f}",
        ])
    title = f"{options.apps * len(ENVS):,} values files, {options.commits:,} commits, a pack of {size}"
    table(title, ["way", "KB down", "KB up", "requests", "wall s, median", "wall s, best"], rows)


if __name__ == "__main__":
    main()
