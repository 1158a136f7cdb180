"""Makes every edit of a jobs file with ruamel.yaml, in place: the round trip, set up to change as little as it can."""

from edit_each import edit_each
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


edit_each(edit)
