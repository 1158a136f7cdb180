"""A copy of a config repo at a distance: served by git, or by the API of a fake forge."""

import shutil
from contextlib import ExitStack

from delay import Delay
from fake_forge import FakeForge
from git_server import GitServer
from tools import cpu_of_children, scratch


class Remote:
    """A copy of a repository, served by git or by a fake forge, so many milliseconds away."""

    def __init__(self, way, template, milliseconds):
        self.way, self.template, self.milliseconds = way, template, milliseconds

    def __enter__(self):
        self.home = scratch("remote")
        self.stack = ExitStack()
        self.api, self.forge = (), None
        if self.way == "git":
            self.repo = self.home / "config.git"
            shutil.copytree(self.template, self.repo)
            self.server = self.stack.enter_context(GitServer(self.home))
            port = self.stack.enter_context(Delay(self.server.server_port, self.milliseconds))
            self.address = self.server.url("config.git", port)
        else:
            self.forge = self.stack.enter_context(FakeForge(self.way, self.template))
            self.repo = self.forge.bare
            port = self.stack.enter_context(Delay(self.forge.port, self.milliseconds))
            self.address = f"{self.way}:{self.forge.repo}"
            self.api = (self.forge.api_by(port), self.forge.token)
        return self

    def __exit__(self, *_):
        self.stack.close()

    def jobs(self, kind, count):
        """Returns jobs: `many_apps` or `same_key` of the race."""
        jobs = kind(count, self.address, self.home)
        for job in jobs:
            job.api = self.api
        return jobs

    def server_cpu(self, ours):
        """Returns what the server has taken of the processor, as far as it can be told from `ours`."""
        return self.forge.cpu() if self.forge else cpu_of_children() - ours
