"""Very many processes at once in one config repo, by git and by a forge's API, near and far: who lands, and who waits."""

import argparse
import resource
import time
from statistics import mean

import config_repos
import ways
from config_repos import app_name, git, tag_at, tags_at
from race import ENV, many_apps, same_key, start_all
from remote import Remote
from tools import keep, median, numbers, quantile, run, save, say, scratch, series, table

# The default of --timeout: who needs longer than this gives up in a pipeline that says nothing else.
PATIENCE = 120
DISTANCES = [0, 20, 100]
# Not by `github`: it compares the branch, as git does, and its fake would need minutes for as many attempts.
ALL = [*(("git", milliseconds) for milliseconds in DISTANCES), ("gitlab", 20)]
TIMES = [
    "way", "round trip", "writers", "landed", "lost", "within 2 min", "wall s", "commits a second",
    "median s", "p95 s", "longest s",
]
COSTS = [
    "way", "round trip", "attempts", "median", "p95", "most", "CPU s: gitops-steps", "CPU s: server", "cores busy",
]
KEY = [
    "way", "round trip", "writers", "said done", "commits", "superseded", "stands at the end", "wall s",
    "median s", "longest s", "attempts: median", "most",
]


def race(remote, kind, count):
    """Lets all jobs start at once."""
    base = git(remote.repo, "rev-parse", "main")
    jobs = remote.jobs(kind, count)
    before, clock = remote.server_cpu(0), time.perf_counter()
    ran, wall = start_all(ways.ours, jobs)
    ours = sum(each.cpu for each in ran)
    server = remote.server_cpu(ours) - before
    commits = int(git(remote.repo, "rev-list", "--count", f"{base}..main"))
    return jobs, ran, wall, ours, server, commits, [each.ended - clock for each in ran]


def different_apps(remote, count):
    """Returns the rows of a race in which each writer has an app of its own, and the curve of those that landed."""
    jobs, ran, wall, ours, server, commits, ends = race(remote, many_apps, count)
    landed = [at for at, each in enumerate(ran) if each.code == 0]
    stands = tags_at(remote.repo, "main", [job.file for job in jobs])
    lost = sum(stands[at] != jobs[at].tag for at in landed)
    if lost or commits != len(landed):
        say(f"load: {lost} updates are lost, {commits} commits of {len(landed)} that landed")
    seconds = [each.seconds for each in ran]
    attempts = [job.told.get("attempts", 0) for job in jobs]
    where = [remote.way, f"{remote.milliseconds} ms"]
    times = [
        *where, count, len(landed), lost, sum(ran[at].seconds <= PATIENCE for at in landed),
        f"{wall:.1f}", f"{len(landed) / wall:.1f}",
        *(f"{value:.1f}" for value in (median(seconds), quantile(seconds, 0.95), max(seconds))),
    ]
    costs = [
        *where, sum(attempts), f"{median(attempts):.0f}", quantile(attempts, 0.95), max(attempts),
        f"{ours:.0f}", f"{server:.0f}", f"{(ours + server) / wall:.1f}",
    ]
    curve = sorted(ends[at] for at in landed)
    return times, costs, [[round(second, 2), at + 1] for at, second in enumerate(curve)]


def one_key(remote, count):
    """Returns the row of a race in which all writers bump the same key to rising versions."""
    jobs, ran, wall, _, _, commits, _ = race(remote, same_key, count)
    seconds = [each.seconds for each in ran]
    attempts = [job.told.get("attempts", 0) for job in jobs]
    done = [job for job, each in zip(jobs, ran) if each.code == 0]
    return [
        remote.way, f"{remote.milliseconds} ms", count, len(done), commits,
        sum(job.told.get("operation") == "superseded" for job in done),
        f"{tag_at(remote.repo, 'main', app_name(0), ENV)} of {count}", f"{wall:.1f}",
        f"{median(seconds):.1f}", f"{max(seconds):.1f}", f"{median(attempts):.0f}", max(attempts),
    ]


def queue_or_batch(template, options, raced):
    """Returns rows: so many bumps raced, one after another, and in one commit; `raced` holds races that are known."""
    rows = []
    for count in options.sizes:
        if count not in raced:
            with Remote("git", template, options.far) as remote:
                raced[count] = different_apps(remote, count)
        times, costs, _ = raced[count]
        with Remote("git", template, options.far) as remote:
            jobs = remote.jobs(many_apps, min(count, 10))
            alone = []
            for job in jobs:
                job.home.mkdir()
                alone.append(landed(run(ways.ours(job), home=job.home, cwd=job.home)))
        with Remote("git", template, options.far) as remote:
            jobs = remote.jobs(many_apps, count)
            jobs[0].home.mkdir()
            batch = landed(run(ways.ours_batch(jobs[0], jobs), home=jobs[0].home, cwd=jobs[0].home))
            if tags_at(remote.repo, "main", [job.file for job in jobs]) != [job.tag for job in jobs]:
                raise SystemExit("the batch did not bring all of its values")
        wall, attempts = dict(zip(TIMES, times))["wall s"], dict(zip(COSTS, costs))["attempts"]
        queued = f"{mean(alone) * count:.1f}"
        rows.append([count, wall, attempts, queued, f"{batch:.2f}"])
        say(f"load: {count} at once {wall} s, in a queue {queued} s, in a batch {batch:.2f} s")
    return rows


def landed(done):
    """Returns the seconds of a run that must succeed."""
    if done.code != 0:
        raise SystemExit(f"a bump ended with {done.code}: {done.stderr}")
    return done.seconds


def rounds(template, milliseconds):
    """Returns the parts of one bump, alone, whose first push comes too late, in milliseconds.

    Told by the server's log: until the tip is asked for; from there to the push; the same when the branch has moved; and
    from the answer to the push to the end.
    """
    found = []
    for _ in range(3):
        with Remote("git", template, milliseconds) as remote:
            job = remote.jobs(many_apps, 2)[0]
            job.home.mkdir()
            pushes = []

            def move(remote=remote, pushes=pushes):
                pushes.append(time.perf_counter())
                if len(pushes) == 1:
                    tree, tip = git(remote.repo, "rev-parse", "main^{tree}", "main").split()
                    who = ["-c", "user.name=B", "-c", "user.email=b@example.com"]
                    git(remote.repo, "update-ref", "refs/heads/main",
                        git(remote.repo, *who, "commit-tree", tree, "-p", tip, "-m", "moved"))

            remote.server.before_push = move
            start = time.perf_counter()
            done = run(ways.ours(job), home=job.home, cwd=job.home)
            landed(done)
            log = sorted(remote.server.take_traffic().log, key=lambda each: each[1])
            if len(pushes) != 2:
                raise SystemExit(f"{len(pushes)} pushes instead of two")
            refused = next(answered for path, came, answered in log if path.endswith("receive-pack") and answered > pushes[0])
            again = next(came for path, came, answered in log if came > refused)
            found.append([
                log[0][1] - start, pushes[0] - log[0][1], pushes[1] - again, done.ended - log[-1][2],
            ])
    return [round(1000 * median(part)) for part in zip(*found)]


def races(text):
    """Reads the races that are asked for."""
    return [(way, int(milliseconds)) for way, _, milliseconds in (race.partition("@") for race in text.split(","))]


def main():
    """Races very many writers through git and through the tests' fake forges, with a delay on each round trip."""
    parser = argparse.ArgumentParser(prog="bench/run load", description=main.__doc__)
    parser.add_argument("--writers", type=int, default=200, help="processes at once")
    parser.add_argument("--races", type=races, default=ALL, help="such as git@20,gitlab@100: the way, and milliseconds")
    parser.add_argument("--sizes", type=numbers, default=[1, 5, 10, 20, 50, 100, 200], help="of queues and batches")
    parser.add_argument("--far", type=int, default=20, help="milliseconds of a round trip for queues and batches")
    options = parser.parse_args()
    # Each process, and each of its connections, is a file for the server and the proxy.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("\n## Load: one config repo, very many writers")
    template = scratch("load-template") / "config.git"
    config_repos.make(template, apps=max(options.writers, *options.sizes, 2), envs=[ENV], commits=200)
    columns = ["round trip", "until the tip is asked for", "tip to push", "tip to push, again", "push to end"]
    parts = [[f"{milliseconds} ms", *rounds(template, milliseconds)] for milliseconds in DISTANCES]
    table("The parts of one bump by git, alone, in milliseconds", columns, parts, "rounds")
    rows, prices, keys, curves, raced = [], [], [], {}, {}
    tables = [
        (f"{options.writers} writers, each with an app of its own", TIMES, rows, "apps"),
        ("What that took", COSTS, prices, "costs"),
        (f"{options.writers} writers, one key, rising versions", KEY, keys, "key"),
    ]
    for way, milliseconds in options.races:
        say(f"load: {options.writers} apps by {way}, {milliseconds} ms")
        with Remote(way, template, milliseconds) as remote:
            found = times, costs, curve = different_apps(remote, options.writers)
        curves[f"{way}, {milliseconds} ms"] = curve
        if (way, milliseconds) == ("git", options.far):
            raced[options.writers] = found
        rows.append(times)
        prices.append(costs)
        say(f"load: {dict(zip(TIMES, times))} {dict(zip(COSTS, costs))}")
        with Remote(way, template, milliseconds) as remote:
            keys.append(one_key(remote, options.writers))
        # What is measured is kept if a later race is broken off.
        series("landed", curves)
        for each in tables:
            keep(*each)
        save("load")
    for each in tables:
        table(*each)
    rows = queue_or_batch(template, options, raced)
    columns = ["bumps", "at once: s", "attempts", "one after another: s", "one --changes: s"]
    table(f"So many bumps at once, in a queue and in a batch, {options.far} ms away", columns, rows, "queue")
    save("load")


if __name__ == "__main__":
    main()
