"""The tests' fake GitHub or GitLab (tests/support), served to the bench by tests/load_forge.rs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from tools import ROOT

TEST = "load_forge::a_forge_is_served_to_the_bench"
TICKS = os.sysconf("SC_CLK_TCK")


class FakeForge:
    """A running fake forge that holds a copy of a bare repository, as `with FakeForge("github", repo) as forge:`."""

    def __init__(self, kind, template):
        self.kind, self.template = kind, template

    def __enter__(self):
        self.process = subprocess.Popen(
            [program(), "--exact", TEST, "--ignored", "--nocapture"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self.process.stdin.write(self.kind + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("places "):
                break
        else:
            raise SystemExit(f"the fake {self.kind} did not start")
        places = json.loads(line.removeprefix("places "))
        self.api, self.repo, self.token = places["api"], places["repo"], places["token"]
        self.bare = Path(places["bare"])
        shutil.rmtree(self.bare)
        shutil.copytree(self.template, self.bare)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()

    @property
    def port(self):
        """The port that it listens on."""
        return int(self.api.split(":")[2].split("/")[0])

    def api_by(self, port):
        """Returns the address of its API behind another port."""
        return self.api.replace(f":{self.port}", f":{port}")

    def cpu(self):
        """Returns the seconds of the processor that it has taken, where Linux tells them."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0
        return sum(int(field) for field in fields[11:15]) / TICKS


def program():
    """Returns the tests' program: the one that BENCH_TESTS names, else it is built if it has to be."""
    if named := os.environ.get("BENCH_TESTS"):
        return named
    built = ["cargo", "test", "--locked", "--test", "tests", "--no-run", "--message-format", "json"]
    done = subprocess.run(built, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    for line in done.stdout.splitlines():
        told = json.loads(line)
        if told.get("executable") and told["target"]["name"] == "tests":
            return told["executable"]
    raise SystemExit("cargo built no program of tests")
