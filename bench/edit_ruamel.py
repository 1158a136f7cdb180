"""Makes every edit of a jobs file with ruamel.yaml, in place: the round trip, set up to change as little as it can."""

import json
import sys

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import ScalarString


def edit(job):
    """Sets one value in one file."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 1_000_000
    with open(job["file"], encoding="utf-8", newline="") as file:
        documents = list(yaml.load_all(file))
    parent = documents[job["document"]]
    for key in job["path"][:-1]:
        parent = parent[key]
    last = job["path"][-1]
    old = parent[last]
    parent[last] = type(old)(job["new"]) if isinstance(old, ScalarString) else job["new"]
    with open(job["file"], "w", encoding="utf-8", newline="") as file:
        yaml.dump_all(documents, file)


failed = 0
with open(sys.argv[1], encoding="utf-8") as jobs:
    for job in json.load(jobs):
        try:
            edit(job)
        except Exception as error:  # one file that cannot be read must not end the others
            failed += 1
            print(f"{job['file']}: {type(error).__name__}", file=sys.stderr)
print(f"failed: {failed}", file=sys.stderr)
