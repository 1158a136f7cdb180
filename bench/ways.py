"""The ways to bring one tag into a config repo over HTTP: ours, and those that pipelines have today."""

import json
from dataclasses import dataclass
from pathlib import Path

from config_repos import file_of, git
from tools import BENCH, OURS

WAYS = BENCH / "ways"
# Ours where the server counts no floors of folders, as GitHub's: all folders are fetched then.
FOLDERS = "gitops-steps, git without tree:2"
# And where it takes no filters: libgit2 fetches the tip as a whole.
WHOLE = "gitops-steps, git without filters"


@dataclass
class Job:
    """One bump: which app's tag in which environment, and where the result goes."""

    url: str
    app: str
    env: str
    tag: str
    home: Path
    # What it needs to reach a forge's API: `--api-url` and the token.
    api: tuple = ()

    @property
    def result(self):
        """The file that tells the number of attempts."""
        return self.home / "result.json"

    @property
    def told(self):
        """What it wrote of itself; a job that died early wrote nothing."""
        return json.loads(self.result.read_text()) if self.result.exists() else {}

    @property
    def variables(self):
        """What its process has in its environment."""
        return {"GITOPS_STEPS_TOKEN": self.api[1]} if self.api else {}

    @property
    def file(self):
        """The values file."""
        return file_of(self.app, self.env)


def prepare(name, repo):
    """Lets the server of a repository take the filters that belong to a way, and no others."""
    git(repo, "config", "uploadpack.allowFilter", "false" if name == WHOLE else "true")
    if name == FOLDERS:
        git(repo, "config", "uploadpackfilter.tree.maxDepth", "0")


def ours(job):
    """Returns the command of gitops-steps: by policy, pushed without a clone."""
    return [
        OURS, "bump-values", "--config-repo", job.url, "--app", job.app, "--env", job.env, "--tag", job.tag,
        "--publish", "push", "--timeout", "15m", "--result-file", job.result, "--quiet",
        *(["--api-url", job.api[0]] if job.api else []),
    ]


def ours_batch(job, jobs):
    """Returns the command of gitops-steps that carries what all the jobs bring in one commit."""
    changes = job.home / "changes.json"
    changes.write_text(json.dumps([{"file": each.file, "set": {"image.tag": each.tag}} for each in jobs]))
    return [
        OURS, "bump-values", "--config-repo", job.url, "--changes", changes, "--publish", "push",
        "--timeout", "15m", "--result-file", job.result, "--quiet",
    ]


def rebase_push(job, tries=5):
    """Returns the command of the usual loop: clone once, then pull --rebase and push."""
    return [WAYS / "rebase-push.sh", job.url, job.file, job.tag, job.result, tries]


def clone_push(job, tries=1):
    """Returns the command of a shallow clone, an edit and a push."""
    return [WAYS / "clone-push.sh", job.url, job.file, job.tag, job.result, tries]


def sparse_push(job, tries=1):
    """Returns the command of a partial, sparse clone, an edit and a push, and of its rounds of pull --rebase."""
    return [WAYS / "sparse-push.sh", job.url, job.file, job.tag, job.result, tries]
