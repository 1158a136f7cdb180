"""One bump in a big config repo over HTTP, near and far: the bytes that pass, and the time."""

import argparse

import config_repos
import ways
from config_repos import app_name, git, tag_at, tags_at
from remote import Remote
from tools import INSTALLED, median, numbers, run, save, say, series, table

ENVS = ["dev", "staging", "prod"]
WAYS = {
    "gitops-steps, git": ways.ours,
    ways.FOLDERS: ways.ours,
    ways.WHOLE: ways.ours,
    "clone --depth 1 + yq + push": ways.clone_push,
    "clone --depth 1 --filter=blob:none --sparse + yq + push": ways.sparse_push,
}
HEADER = ["way", "KB down", "KB up", "requests"]


def template_of(apps, commits):
    """Returns the big repository; it is made once, and kept."""
    repo = INSTALLED / f"big-{apps}-{commits}.git"
    if not repo.exists():
        say(f"big: making {apps * len(ENVS)} files and {commits} commits")
        unfinished = repo.with_suffix(".new")
        config_repos.make(unfinished, apps=apps, envs=ENVS, commits=commits)
        unfinished.rename(repo)
    return repo


def measure(name, template, app, milliseconds, runs):
    """Bumps one app `runs` times, each time to a new tag; returns the seconds and the traffic of each run."""
    seconds, traffic = [], []
    with Remote("git", template, milliseconds) as remote:
        ways.prepare(name, remote.repo)
        for at in range(runs):
            home = remote.home / f"job-{at}"
            job = ways.Job(remote.address, app, "dev", f"3.{at}.0", home)
            home.mkdir()
            done = run(WAYS[name](job), home=home, cwd=home)
            if done.code != 0 or tag_at(remote.repo, "main", job.app, job.env) != job.tag:
                raise SystemExit(f"the bump did not land (exit {done.code}): {done.stderr}")
            seconds.append(done.seconds)
            traffic.append(remote.server.take_traffic())
    return seconds, traffic


def batch(template, count, runs):
    """Brings a new tag to so many apps in one commit; returns the seconds and the traffic of each run."""
    seconds, traffic = [], []
    with Remote("git", template, 0) as remote:
        for at in range(runs):
            home = remote.home / f"job-{at}"
            jobs = [ways.Job(remote.address, app_name(each), "dev", f"4.{at}.0", home) for each in range(count)]
            home.mkdir()
            done = run(ways.ours_batch(jobs[0], jobs), home=home, cwd=home)
            stands = tags_at(remote.repo, "main", [job.file for job in jobs])
            if done.code != 0 or stands != [job.tag for job in jobs]:
                raise SystemExit(f"the batch did not land (exit {done.code}): {done.stderr}")
            seconds.append(done.seconds)
            traffic.append(remote.server.take_traffic())
    return seconds, traffic


def main():
    """Measures one bump in a repository of 2,000 apps, three environments and 5,000 commits, near and far."""
    parser = argparse.ArgumentParser(prog="bench/run big", description=main.__doc__)
    parser.add_argument("--apps", type=int, default=2000, help="apps; each has three values files of about 1 KB")
    parser.add_argument("--commits", type=int, default=5000, help="commits of history")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement; the median counts")
    parser.add_argument("--round-trips", type=numbers, default=[0, 20, 100], help="milliseconds, with commas")
    parser.add_argument("--batches", type=numbers, default=[1, 100, 2000], help="apps in one commit, with commas")
    options = parser.parse_args()
    template = template_of(options.apps, options.commits)
    size = git(template, "count-objects", "-vH").split("size-pack: ")[1].split("\n")[0]
    print("\n## Big: one bump over HTTP")
    app = app_name(options.apps * 617 // 1000)
    rows, bars = [], {}
    for name in WAYS:
        medians = []
        for milliseconds in options.round_trips:
            say(f"big: {name}, {milliseconds} ms")
            seconds, traffic = measure(name, template, app, milliseconds, options.runs)
            medians.append(median(seconds))
        passed = [
            f"{median(each.down for each in traffic) / 1000:.1f}",
            f"{median(each.up for each in traffic) / 1000:.1f}",
            f"{median(each.requests for each in traffic):.0f}",
        ]
        rows.append([name, *passed, *(f"{each:.2f}" for each in medians)])
        bars[name] = [[each, round(middle, 3)] for each, middle in zip(options.round_trips, medians)]
    title = f"{options.apps * len(ENVS):,} values files, {options.commits:,} commits, a pack of {size}"
    table(title, [*HEADER, *(f"s, {each} ms away" for each in options.round_trips)], rows, "bump")
    series("bump", bars)
    rows = []
    for count in options.batches:
        say(f"big: a batch of {count}")
        seconds, traffic = batch(template, count, options.runs)
        down, up = median(each.down for each in traffic), median(each.up for each in traffic)
        rows.append([f"{count:,}", f"{down / 1000:.1f}", f"{up / 1000:.1f}", f"{median(seconds):.2f}"])
    table("So many apps in one commit by --changes, 0 ms away", ["apps", "KB down", "KB up", "s"], rows, "batch")
    save("big")


if __name__ == "__main__":
    main()
