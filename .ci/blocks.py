"""Holds the YAML of the docs to the checkers that hold real files: every ```yaml block of README.md, docs and examples.

A block is a workflow of GitHub (or some keys or steps of one, which are put into a workflow), a policy file, jobs of GitLab,
or a manifest of Kubernetes. What is none of these says so after its fence, ```yaml values, and is only parsed. The starters
are held to the same as the blocks are, and so are the GitLab template, the components and their examples.

Each block goes to target/ci/blocks/KIND/PAGE-LINE.yml, so that a finding names the page and the line of the block.
"""

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import yaml

OUT = Path("target/ci/blocks")
TOOLS = Path(sys.executable).parent
ACTION = "org/gitops-steps@"
TEMPLATE = "gitlab-ci-template.yml"
# The keys of a GitLab file that are no jobs.
GITLAB = {"default", "include", "spec", "stages", "variables", "workflow"}
# The keys of a workflow that may stand alone in a block.
WORKFLOW = {"concurrency", "defaults", "env", "permissions", "run-name"}
# What a workflow has, where a block shows only a part of it.
PARTS = {
    "on": "on: push\n",
    "permissions": "permissions: {}\n",
    "jobs": "jobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n",
}
STEPS = "on: push\npermissions: {}\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n"
# How GitLab writes, in a file that has inputs itself, that one of them comes here.
INPUT = re.compile(r"\$\[\[ *inputs\.([\w-]+) *\]\]")
# What a value of each type is in YAML.
TYPES = {"string": str, "boolean": bool, "number": (int, float), "array": list}
# A word tells the kind; `save PATH` stands where the tests save the block as that file.
FENCE = re.compile(r"^ *```ya?ml(?: (\w+)(?: [^\n]*)?)?\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    found, files = [], {}
    for page in tracked("*.md"):
        for line, word, text in blocks(page):
            # What a run has made, to the byte, is held by the run.
            if word == "file":
                continue
            try:
                kind = (kind_of(text) or "values") if word == "save" else word or kind_of(text)
            except yaml.YAMLError as error:
                found.append(f"{page}:{line}: {error}")
                continue
            if kind is None:
                found.append(f"{page}:{line}: no kind of YAML that is checked; is it one that needs a word? See .ci/blocks.py")
                continue
            if kind == "workflow":
                text = whole(text)
            files.setdefault(kind, []).append(written(kind, f"{page}-{line}.yml", text))
    for path in tracked("workflow-templates/*.yml"):
        text = path.read_text("utf-8").replace("$default-branch", "main")
        files.setdefault("workflow", []).append(written("workflow", path, text))
    for path in tracked(TEMPLATE, ".gitlab-ci.yml", "templates/*/template.yml", "examples/gitlab/*.yml"):
        files.setdefault("gitlab", []).append(written("gitlab", path, path.read_text("utf-8")))

    for kind, paths in sorted(files.items()):
        print(f"{kind}: {len(paths)}")
    every = [path for paths in files.values() for path in paths]
    # The folder is one that yamllint passes over by .yamllint.
    found += run("yamllint", "--strict", "--config-data", "{extends: .yamllint, ignore: []}", *every)
    workflows = files.get("workflow", [])
    found += run("actionlint", "-shellcheck", TOOLS / "shellcheck", *workflows)
    found += run("zizmor", "--offline", "--pedantic", "--quiet", "--config", ".ci/zizmor.yml", *workflows)
    found += run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    found += run("check-jsonschema", "--schemafile", "schema/gitops-steps.schema.json", *files.get("policy", []))
    # A header and what it is for are two documents, and the schema is for one.
    halves = [half for path in files.get("gitlab", []) for half in split(path)]
    schema = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    found += run("check-jsonschema", *schema, *halves)
    for path in workflows:
        found += unknown_inputs_of_steps(path)
    for path in files.get("gitlab", []):
        found += wrong_inputs_of_includes(path)
        found += services_without_a_name(path)
    print(*found, f"blocks: {len(found) or 'ok'}", sep="\n")
    return 1 if found else 0


def blocks(page):
    """The blocks of a page: the line at which the YAML begins, the word after the fence, and the YAML."""
    text = page.read_text("utf-8")
    for match in FENCE.finditer(text):
        word, block = match.groups()
        yield text.count("\n", 0, match.start(2)) + 1, word, textwrap.dedent(block)


def kind_of(text):
    """What a block is, by its keys; `None` where they do not tell."""
    documents = [document for document in load(text) if document not in (None, "")]
    first = documents[0] if documents else {}
    if isinstance(first, list):
        return "workflow" if all(isinstance(step, dict) and step.keys() & {"uses", "run"} for step in first) else None
    if not isinstance(first, dict):
        return None
    keys = first.keys()
    if not keys:
        return "comment"
    if "apiVersion" in keys:
        return "kubernetes"
    if keys <= {"version", "apps", "holds"}:
        return "policy"
    if keys & {"on", "jobs"} or keys <= WORKFLOW:
        return "workflow"
    if all(re.match(r"(service|template|trigger)\.", key) for key in keys):
        return "argocd"
    jobs = [job for document in documents for key, job in document.items() if key not in GITLAB]
    if all(isinstance(job, dict) and job.keys() & {"script", "extends", "trigger", "variables", "rules"} for job in jobs):
        return "gitlab"
    return None


def whole(text):
    """A workflow of what may be a part of one."""
    document = next(load(text))
    if isinstance(document, list):
        return STEPS + re.sub(r"^(?=.)", "      ", text, flags=re.MULTILINE)
    if {"on", "jobs"} <= document.keys():
        return text
    return text + "".join(part for key, part in PARTS.items() if key not in document)


def written(kind, name, text):
    path = OUT / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def split(path):
    for number, half in enumerate(re.split(r"^---$", path.read_text("utf-8"), flags=re.MULTILINE)):
        yield written("halves", f"{path.relative_to(OUT / 'gitlab')}-{number}.yml", half.lstrip("\n"))


def run(tool, *arguments):
    """Runs a checker over files, if there are any; yields that it found something, which it prints itself."""
    if not isinstance(arguments[-1], Path) or not arguments[-1].is_relative_to(OUT):
        return
    folder = TOOLS if (TOOLS / tool).exists() else TOOLS.parent / "go"
    if subprocess.run([folder / tool, *arguments], check=False).returncode:
        yield f"{tool}: see above"


def unknown_inputs_of_steps(path):
    """Inputs of a step that is ours which action.yml does not have; no other checker can see into our action."""
    known = next(load(Path("action.yml").read_text("utf-8")))["inputs"].keys()
    jobs = next(load(path.read_text("utf-8")))["jobs"].values()
    for step in [step for job in jobs for step in job.get("steps", [])]:
        if step.get("uses", "").startswith(ACTION):
            for name in step.get("with", {}).keys() - known:
                yield f"{path}: action.yml has no input `{name}`"


def wrong_inputs_of_includes(path):
    """What GitLab would refuse in the inputs of an include of ours, which the schema of GitLab's files cannot know."""
    documents = list(yaml.load_all(path.read_text("utf-8"), Loader=Typed))
    own = documents[0].get("spec", {}).get("inputs", {}) if len(documents) > 1 else {}
    for document in documents:
        includes = document.get("include", []) if isinstance(document, dict) else []
        for include in includes if isinstance(includes, list) else [includes]:
            if not isinstance(include, dict):
                continue
            target = included(include)
            if target is None:
                continue
            if not target.exists():
                yield f"{path}: `{target}` is included, and does not exist"
                continue
            known = next(yaml.load_all(target.read_text("utf-8"), Loader=Typed))["spec"]["inputs"]
            given = include.get("inputs", {})
            for name, declared in known.items():
                if name in given:
                    for why in wrong(name, interpolated(given[name], own), declared):
                        yield f"{path}: {target}: {why}"
                elif "default" not in declared:
                    yield f"{path}: {target} needs the input `{name}`"
            for name in given.keys() - known.keys():
                yield f"{path}: {target} has no input `{name}`"


def interpolated(value, own):
    """A value as it is when the inputs of the file itself have their defaults; `None` where one of them has none."""
    for name in INPUT.findall(value) if isinstance(value, str) else []:
        default = own[name].get("default")
        if default is None or INPUT.fullmatch(value):
            return default
        value = re.sub(rf"\$\[\[ *inputs\.{name} *\]\]", lambda _: str(default), value)
    return value


def wrong(name, value, declared):
    """Why an input does not take this value, as GitLab sees it: before any variable has its value."""
    kind = declared.get("type", "string")
    options = declared.get("options")
    if value is None:
        return
    if not isinstance(value, TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
        yield f"`{name}` is a {kind}, and {value!r} is none"
    elif options is not None and value not in options:
        yield f"`{name}` cannot be {value!r}, only one of {options}"
    elif "regex" in declared and not re.fullmatch(declared["regex"], value):
        yield f"`{name}` cannot be {value!r}, which does not match {declared['regex']}"
    elif name == "rules" and not value:
        yield "`rules` cannot be an empty list"


def services_without_a_name(path):
    """Services whose image has a registry in its name and that have no alias: no script calls them by what comes of that."""
    for document in load(path.read_text("utf-8")):
        for name, job in document.items() if isinstance(document, dict) else []:
            for service in job.get("services", []) if isinstance(job, dict) else []:
                image = service if isinstance(service, str) else service.get("name", "")
                if "/" in image and (isinstance(service, str) or "alias" not in service):
                    host = re.sub(r"[:@].*", "", image).replace("/", "-")
                    yield f"{path}: `{name}` reaches its service {image} as {host} only; give it an alias"


def included(include):
    """The file of ours that an `include` means, if it means one."""
    component = re.search(r"/gitops-steps/([\w-]+)@", include.get("component", ""))
    if component:
        return Path("templates", component[1], "template.yml")
    named = " ".join([include.get(key, "") for key in ("local", "remote")] + [str(include.get("file", ""))])
    return Path(TEMPLATE) if TEMPLATE in named else None


class Typed(yaml.SafeLoader):
    """Reads a file with its types, as GitLab does; what it refers to by a tag such as `!reference` stays a list."""


Typed.add_multi_constructor("!", lambda loader, _, node: loader.construct_sequence(node))


def load(text):
    """The documents of a YAML text, with every scalar as text: `on` is a word here."""
    return yaml.load_all(text, Loader=yaml.BaseLoader)


def tracked(*patterns):
    names = subprocess.run(["git", "ls-files", "-z", *patterns], check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name and not name.startswith("tests/")]


if __name__ == "__main__":
    sys.exit(main())
