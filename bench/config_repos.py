"""Synthetic config repos: apps × environments values files, a policy file, and a history of bumps."""

import shutil
import subprocess

from edits import values

FIRST_TAG = "1.0.0"
POLICY = """\
version: 1
apps:
  "*":
    image: ghcr.io/acme/{app}
    environments:
      "*":
        auto-deploy: on
        targets:
          - file: apps/{app}/{env}/values.yaml
            path: image
"""


def file_of(app, env):
    """Returns the path of an app's values file."""
    return f"apps/{app}/{env}/values.yaml"


def app_name(number):
    """Returns the name of an app."""
    return f"app-{number:04}"


def git(repo, *words, **options):
    """Runs git in a repository and returns what it prints."""
    argv = ["git", "-C", str(repo), *words]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, **options).stdout.strip()


def make(repo, *, apps, envs, commits):
    """Makes a bare repository by `git fast-import`, packed into one pack."""
    shutil.rmtree(repo, ignore_errors=True)
    repo.mkdir(parents=True)
    git(repo, "init", "--quiet", "--bare", "--initial-branch=main")
    for key in ["http.receivepack", "uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"]:
        git(repo, "config", key, "true")
    stream = "".join(history(apps, envs, commits))
    git(repo, "fast-import", "--quiet", input=stream)
    git(repo, "repack", "-adq")


def history(apps, envs, commits):
    """Yields the stream of a first commit with every file, and of one bump in each later commit."""
    first = {file_of(app_name(at), env): values(app_name(at), FIRST_TAG) for at in range(apps) for env in envs}
    yield from commit(0, "first", {".gitops-steps.yaml": POLICY, **first})
    for number in range(1, commits):
        app, env = app_name(number * 7919 % apps), envs[number % len(envs)]
        yield from commit(number, f"deploy({env}): {app}", {file_of(app, env): values(app, f"1.0.{number}")})


def commit(number, subject, files):
    """Yields one commit of a stream (git-fast-import(1))."""
    yield f"commit refs/heads/main\ncommitter CI <ci@example.com> {1_700_000_000 + number * 600} +0000\n"
    yield f"data {len(subject)}\n{subject}\n"
    for path, text in files.items():
        yield f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}\n"


def tag_at(repo, revision, app, env):
    """Returns the tag that an app has at a revision."""
    return tag_in(git(repo, "show", f"{revision}:{file_of(app, env)}"))


def tags_at(repo, revision, files):
    """Returns the tag in each of some values files at a revision, in one call of git."""
    asked = "".join(f"{revision}:{file}\n" for file in files)
    told = git(repo, "cat-file", "--batch", input=asked)
    return [tag_in(text) for text in told.split(" blob ")[1:]]


def tag_in(values):
    """Returns the tag in the text of a values file."""
    return values.split('tag: "', 1)[1].split('"', 1)[0]
