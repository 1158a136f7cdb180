"""Makes every edit of a jobs file as gitopscli does: ruamel.yaml with quotes kept, and a JSONPath of jsonpath-ng."""

from edit_each import edit_each
from jsonpath_ng.ext import parse
from ruamel.yaml import YAML

YAML_INSTANCE = YAML()
YAML_INSTANCE.preserve_quotes = True


def edit(job):
    """Sets one value in one file; a file of several documents cannot be read this way."""
    with open(job["file"], encoding="utf-8") as file:
        content = YAML_INSTANCE.load(file)
    steps = (f"[{step}]" if isinstance(step, int) else f".'{step}'" for step in job["path"])
    place = parse("$" + "".join(steps))
    if not place.find(content):
        raise KeyError(job["path"])
    place.update(content, job["new"])
    with open(job["file"], "w", encoding="utf-8") as file:
        YAML_INSTANCE.dump(content, file)


edit_each(edit)
