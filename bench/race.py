"""Many processes at once in one config repo: who lands, what gets lost, and how long it takes."""

import argparse
import random
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import config_repos
import ways
from config_repos import app_name, git, tag_at
from git_server import GitServer
from tools import median, run, save, say, scratch, table

ENV = "dev"
HEADER = [
    "way", "jobs", "said done", "commits", "lost", "other files", "other lines", "wall s",
    "attempts all", "median", "most",
]


def start_all(way, jobs):
    """Starts all jobs at once; returns what became of each, and the seconds until the last one ended."""
    for job in jobs:
        job.home.mkdir()
    start = time.perf_counter()

    def run_one(job):
        return run(way(job), home=job.home, cwd=job.home, extra=job.variables)

    with ThreadPoolExecutor(len(jobs)) as pool:
        done = list(pool.map(run_one, jobs))
    return done, time.perf_counter() - start


def changed_files(repo, base):
    """Returns, for each file, its changed lines between a revision and the branch."""
    lines = git(repo, "diff", "--numstat", base, "main").splitlines()
    return {path: max(int(added), int(removed)) for added, removed, path in (line.split("\t") for line in lines)}


def race(name, template, jobs_of):
    """Runs one race in a fresh copy of the repository; returns what happened, and the repository."""
    way = (WAYS | PATIENT_WAYS)[name]
    home = scratch("race")
    repo = home / "config.git"
    shutil.copytree(template, repo)
    ways.prepare(name, repo)
    base = git(repo, "rev-parse", "main")
    with GitServer(home) as server:
        jobs = jobs_of(server.url("config.git"), home)
        ran, wall = start_all(way, jobs)
    done = [job for job, each in zip(jobs, ran) if each.code == 0]
    landed = [job for job in done if job.told.get("changed", True)]
    attempts = [job.told.get("attempts", 0) for job in jobs]
    files = changed_files(repo, base)
    asked = {job.file for job in jobs}
    row = {
        "jobs": len(jobs),
        "said done": len(done),
        "commits": git(repo, "rev-list", "--count", f"{base}..main"),
        "lost": sum(tag_at(repo, "main", job.app, ENV) != job.tag for job in landed),
        "other files": len(files.keys() - asked),
        "other lines": sum(count - 1 for file, count in files.items() if file in asked),
        "wall s": f"{wall:.1f}",
        "attempts all": sum(attempts),
        "median": f"{median(attempts):.0f}",
        "most": max(attempts),
    }
    return row, repo


def many_apps(count, url, home):
    """Returns one job for each app."""
    return [ways.Job(url, app_name(at), ENV, "2.0.0", home / f"job-{at}") for at in range(count)]


def same_key(count, url, home):
    """Returns jobs that bump the same key to rising versions, in an order of chance that is the same each time."""
    jobs = [ways.Job(url, app_name(0), ENV, f"2.{at}.0", home / f"job-{at}") for at in range(1, count + 1)]
    random.Random(7).shuffle(jobs)
    return jobs


WAYS = {
    "gitops-steps": ways.ours,
    ways.FOLDERS: ways.ours,
    ways.WHOLE: ways.ours,
    "clone --depth 1, then pull --rebase && push × 5": ways.rebase_push,
    "clone --depth 1 and push, all again × 5": partial(ways.clone_push, tries=5),
    "sparse clone without blobs, then push and pull --rebase × 5": partial(ways.sparse_push, tries=5),
}
# Only for files of their own: in one key a rebase that conflicts would go on for ever.
PATIENT_WAYS = {"clone --depth 1, then pull --rebase && push until it lands": partial(ways.rebase_push, tries=1000)}


def race_many_apps(template, options):
    """Prints the race of jobs that each have a file of their own."""
    rows = []
    for name in WAYS | PATIENT_WAYS:
        say(f"race: {options.jobs} apps: {name}")
        row, _ = race(name, template, partial(many_apps, options.jobs))
        rows.append([name, *(row[column] for column in HEADER[1:])])
    table(f"{options.jobs} processes bump {options.jobs} apps", HEADER, rows, "apps")


def race_same_key(template, options):
    """Prints the race of jobs that all bump one key: which version stands there in the end."""
    columns = ["jobs", "said done", "commits", "other files", "other lines", "wall s", "attempts all"]
    rows = []
    for name in WAYS:
        finals, kept = Counter(), []
        for at in range(options.rounds):
            say(f"race: the same key: {name}, round {at + 1}")
            row, repo = race(name, template, partial(same_key, options.same))
            finals[tag_at(repo, "main", app_name(0), ENV)] += 1
            kept.append(row)
        highest = f"2.{options.same}.0"
        ended = ", ".join(f"{tag} × {count}" for tag, count in finals.most_common())
        middle = sorted(kept, key=lambda row: float(row["wall s"]))[len(kept) // 2]
        rows.append([name, f"{finals[highest]} of {options.rounds}", ended, *(middle[column] for column in columns)])
    title = f"{options.same} processes bump the same key to rising versions (the round of median wall)"
    table(title, ["way", "ended on the highest", "ended on", *columns], rows, "key")


def main():
    """Races gitops-steps and the usual shell loops through `git http-backend` on loopback."""
    parser = argparse.ArgumentParser(prog="bench/run race", description=main.__doc__)
    parser.add_argument("--jobs", type=int, default=50, help="processes, each with an app of its own")
    parser.add_argument("--same", type=int, default=10, help="processes that bump the same key")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the race for the same key")
    options = parser.parse_args()
    print("\n## Race: one config repo, many writers")
    template = scratch("race-template") / "config.git"
    config_repos.make(template, apps=max(options.jobs, 50), envs=[ENV], commits=200)
    race_many_apps(template, options)
    race_same_key(template, options)
    save("race")


if __name__ == "__main__":
    main()
