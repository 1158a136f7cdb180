"""What cannot be measured on one machine: thousands of deploys an hour, queues, batches and several config repos.

A discrete-event simulation of writers that read the tip, and push if it is still the tip. Its times are those of one bump,
alone, as `load` measured them; its waits are those of `src/command/pipeline.rs`. It has no processors that could be busy.
"""

import argparse
import heapq
import json
import random
from dataclasses import dataclass
from itertools import count

from tools import RESULTS, median, numbers, quantile, save, say, series, table

PATIENCE = 120
HOUR = 3600


@dataclass
class Times:
    """Seconds of the parts of a bump."""

    start: float
    window: float
    again: float
    end: float

    def slower(self, forge):
        """Returns the times where the forge takes so many seconds for each push."""
        return Times(self.start, self.window + forge, self.again + forge, self.end)


def measured(milliseconds):
    """Returns the times that `load` has measured at a distance."""
    rows = json.loads((RESULTS / "load.json").read_text())["tables"]["rounds"]["rows"]
    parts = next(row[1:] for row in rows if row[0] == f"{milliseconds} ms")
    return Times(*(part / 1000 for part in parts))


def ours(attempt, lasted):
    """Returns the longest wait after an attempt: see `wait` in src/command/pipeline.rs."""
    return min(max(lasted * 2 ** min(attempt - 1, 4), 0.05), 15)


WAITS = {
    "none": lambda attempt, lasted: 0,
    "one round": lambda attempt, lasted: lasted,
    "up to 4 rounds": lambda attempt, lasted: lasted * 2 ** min(attempt - 1, 2),
    "up to 16 rounds (gitops-steps)": ours,
    "up to 64 rounds": lambda attempt, lasted: lasted * 2 ** min(attempt - 1, 6),
    "doubling without end": lambda attempt, lasted: lasted * 2 ** (attempt - 1),
}


def race(arrivals, times, waits=ours, patience=None, seed=1):
    """Returns seconds and attempts of each writer; the seconds are None where its patience ended."""
    chance = random.Random(seed)
    order = count()
    events, began, tries, seen = [], {}, {}, {}
    ended = {}
    tip = 0

    def about(seconds):
        return seconds * chance.uniform(0.8, 1.2)

    def at(moment, what, writer):
        heapq.heappush(events, (moment, next(order), what, writer))

    for writer, moment in enumerate(arrivals):
        began[writer], tries[writer] = moment, 0
        at(moment + about(times.start), "read", writer)
    while events:
        now, _, what, writer = heapq.heappop(events)
        if what == "read":
            seen[writer] = tip
            tries[writer] += 1
            at(now + about(times.window if tries[writer] == 1 else times.again), "push", writer)
        elif seen[writer] == tip:
            tip += 1
            ended[writer] = now + about(times.end) - began[writer]
        else:
            lasted = about(times.again)
            wait = chance.uniform(0, waits(tries[writer], lasted))
            # From the refusal to the next question there is one way back and forth, as at the end of a run.
            again = now + times.end + wait
            if patience and again - began[writer] > patience:
                ended[writer] = None
            else:
                at(again, "read", writer)
    return [ended[writer] for writer in began], [tries[writer] for writer in began]


def poisson(an_hour, hours, seed):
    """Returns moments of chance, so many an hour on average."""
    chance = random.Random(seed)
    moment, moments = 0.0, []
    while (moment := moment + chance.expovariate(an_hour / HOUR)) < hours * HOUR:
        moments.append(moment)
    return moments


def queue(arrivals, service):
    """Returns the seconds of each writer where one after another is served."""
    free, seconds = 0.0, []
    for moment in arrivals:
        free = max(free, moment) + service
        seconds.append(free - moment)
    return seconds


def batch(arrivals, every, service):
    """Returns the seconds of each writer where all that wait go out together, at most once in `every` seconds."""
    return [(moment // every + 1) * every - moment + service for moment in arrivals]


def sharded(arrivals, repos, times, seed=1):
    """Returns seconds and attempts where the apps are spread over several config repos."""
    chance = random.Random(seed)
    shards = [[] for _ in range(repos)]
    for moment in arrivals:
        chance.choice(shards).append(moment)
    seconds, tries = [], []
    for at, shard in enumerate(shards):
        one, other = race(shard, times, patience=PATIENCE, seed=seed + at)
        seconds, tries = seconds + one, tries + other
    return seconds, tries


def held_to_the_measured():
    """Returns rows: the measured races beside the simulated ones."""
    kept = json.loads((RESULTS / "load.json").read_text())["tables"]
    rows = []
    for times, costs in zip(kept["apps"]["rows"], kept["costs"]["rows"]):
        raced, spent = dict(zip(kept["apps"]["header"], times)), dict(zip(kept["costs"]["header"], costs))
        if raced["way"] != "git":
            continue
        seconds, tries = race([0.0] * raced["writers"], measured(int(raced["round trip"].split()[0])))
        rows.append([
            f"{raced['writers']} writers, {raced['round trip']}", raced["wall s"], f"{max(seconds):.1f}",
            raced["median s"], f"{median(seconds):.1f}", spent["attempts"], sum(tries), spent["cores busy"],
        ])
    return rows


def waiting(times, writers):
    """Returns rows: what each way to wait costs, the middle of nine runs."""
    rows = []
    for name, waits in WAITS.items():
        runs = [race([0.0] * writers, times, waits, seed=seed) for seed in range(9)]
        rows.append([
            name,
            *(f"{median(each):.1f}" for each in (
                [max(seconds) for seconds, _ in runs],
                [median(seconds) for seconds, _ in runs],
                [quantile(seconds, 0.95) for seconds, _ in runs],
            )),
            *(f"{median(each):.0f}" for each in (
                [sum(tries) for _, tries in runs],
                [median(tries) for _, tries in runs],
                [max(tries) for _, tries in runs],
            )),
        ])
    return rows


def bursts(times, options):
    """Returns, for a burst of each size, the seconds until the last has landed: raced, queued and in a batch."""
    curves = {"all at once": [], "a queue of bumps": [], "a queue of CI jobs": [], "one --changes": []}
    alone = times.start + times.window + times.end
    for size in options.bursts:
        seconds, _ = race([0.0] * size, times)
        curves["all at once"].append([size, round(max(seconds), 2)])
        curves["a queue of bumps"].append([size, round(alone * size, 2)])
        curves["a queue of CI jobs"].append([size, round((alone + options.job) * size, 2)])
        curves["one --changes"].append([size, round(alone, 2)])
    return curves


def rates(times, options):
    """Returns rows and curves: so many deploys an hour, by each set-up."""
    alone = times.start + times.window + times.end
    rows, curves = [], {}
    for an_hour in options.rates:
        arrivals = poisson(an_hour, 2, seed=an_hour)
        raced = race(arrivals, times, patience=PATIENCE)
        four = sharded(arrivals, 4, times)
        queued = queue(arrivals, options.job + alone)
        batched = batch(arrivals, options.every, alone)
        landed = [each for each in raced[0] if each is not None]
        late = len(raced[0]) - len(landed)
        for name, seconds in [
            ("each pushes", raced[0]),
            ("each pushes, 4 repos", four[0]),
            ("a queue of CI jobs", queued),
            (f"a batch each {options.every} s", batched),
        ]:
            waits = [PATIENCE if each is None else each for each in seconds]
            curves.setdefault(name, []).append([an_hour, round(quantile(waits, 0.95), 2)])
        rows.append([
            f"{an_hour:,}",
            f"{an_hour / 60:.1f}", f"{sum(raced[1]) / 120:.1f}", f"{quantile(landed, 0.95):.1f}", late,
            f"{sum(four[1]) / 480:.1f}", f"{quantile([each or PATIENCE for each in four[0]], 0.95):.1f}",
            shown(quantile(queued, 0.95)), f"{min(an_hour, HOUR / options.every) / 60:.1f}",
            f"{quantile(batched, 0.95):.1f}",
        ])
    return rows, curves


def reach(options):
    """Returns rows: how many of very many writers at once land before their patience ends, by distance and forge."""
    rows = []
    for milliseconds in options.round_trips:
        landed = []
        for forge in options.forges:
            seconds, _ = race([0.0] * options.crowd, measured(milliseconds).slower(forge), patience=PATIENCE)
            count = sum(each is not None for each in seconds)
            landed.append(f"{count:,}" if count < options.crowd else f"all {count:,}")
        rows.append([f"{milliseconds} ms", *landed])
    return rows


def shown(seconds):
    """Returns a time as text; a queue that grows without end has none."""
    return f"{seconds:.1f}" if seconds < 900 else "grows without end"


def main():
    """Simulates what one machine cannot measure, with the times that `load` measured."""
    parser = argparse.ArgumentParser(prog="bench/run simulate", description=main.__doc__)
    parser.add_argument("--far", type=int, default=20, help="milliseconds of a round trip, one that load measured")
    parser.add_argument("--forge", type=float, default=0.5, help="seconds that a hosted forge takes for each push")
    parser.add_argument("--round-trips", type=numbers, default=[0, 20, 100], help="of a crowd, as load measured them")
    parser.add_argument("--forges", type=numbers, default=[0, 0.5, 1], help="seconds a push, for a crowd")
    parser.add_argument("--crowd", type=int, default=1000, help="writers at once, of whom not all may land")
    parser.add_argument("--job", type=float, default=20, help="seconds until a CI job starts")
    parser.add_argument("--every", type=int, default=60, help="seconds between two batches")
    parser.add_argument("--writers", type=int, default=200, help="writers at once, where ways to wait are compared")
    parser.add_argument("--bursts", type=numbers, default=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000])
    parser.add_argument("--rates", type=numbers, default=[30, 60, 120, 240, 360, 720, 1500, 3000, 6000])
    options = parser.parse_args()
    print("\n## Simulation")
    say("simulate: the measured races again")
    columns = [
        "race", "wall s, measured", "wall s, simulated", "median s, measured", "median s, simulated",
        "attempts, measured", "attempts, simulated", "cores busy",
    ]
    table("The measured races, simulated", columns, held_to_the_measured(), "held")
    times = measured(options.far).slower(options.forge)
    say("simulate: ways to wait")
    columns = ["longest wait", "wall s", "median s", "p95 s", "attempts", "median", "most"]
    table(f"{options.writers} writers at once, by how they wait", columns, waiting(times, options.writers), "waits")
    say("simulate: within the default --timeout")
    columns = ["round trip", *(f"{forge:g} s for a push" for forge in options.forges)]
    table(f"Of {options.crowd:,} at once, landed within two minutes", columns, reach(options), "reach")
    say("simulate: bursts")
    series("bursts", bursts(times, options))
    say("simulate: rates")
    rows, curves = rates(times, options)
    series("rates", curves)
    columns = [
        "deploys an hour", "a minute", "pushes tried a minute", "p95 s", "gave up",
        "4 repos: tried a minute and repo", "4 repos: p95 s", "queue of CI jobs: p95 s",
        f"batch each {options.every} s: pushes a minute", "batch: p95 s",
    ]
    table("So many deploys an hour", columns, rows, "rates")
    series("given", vars(options))
    save("simulate")


if __name__ == "__main__":
    main()
