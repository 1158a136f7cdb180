"""The edits of the engine's part: big values files of our own making, and the corpus."""

import hashlib
import json
import textwrap
from dataclasses import dataclass
from pathlib import Path

NEW_TAG = "9.9.9-bench"


@dataclass
class Edit:
    """One value to set in one file, and what must come out."""

    text: bytes
    document: int
    path: list
    new: str
    line: int
    sha256: str

    @property
    def alone(self):
        """Whether the file has one document only: no separator but before its first line of content."""
        lines = [line for line in self.text.splitlines() if line.strip() and not line.startswith(b"#")]
        return not any(line.startswith(b"---") for line in lines[1:])

    def touches_other_lines(self, output):
        """Whether any line but the asked one differs."""
        before, after = self.text.splitlines(keepends=True), output.splitlines(keepends=True)
        pairs = enumerate(zip(before, after), start=1)
        return len(before) != len(after) or any(a != b and at != self.line for at, (a, b) in pairs)

    def is_exact(self, output):
        """Whether the output is, byte for byte, the one that is expected."""
        return hashlib.sha256(output).hexdigest() == self.sha256


def values(app, tag):
    """Returns a values file of about 1 KB, as a person writes it."""
    return f"""\
# {app}: owned by team-{sum(app.encode()) % 17}
image:
  repository: ghcr.io/acme/{app}
  tag: "{tag}"   # written by CI
  pullPolicy: IfNotPresent

replicaCount: 2
podAnnotations:
  prometheus.io/scrape: 'true'
  prometheus.io/port: "9102"

env:
  # Read at start only; restart the pods after a change.
  - name: LOG_LEVEL
    value: info
  - {{name: REGION, value: eu-central-1}}
  - name: DATABASE_URL
    value: "postgres://{app}@db.acme.internal:5432/{app}?sslmode=require"

resources:
  requests: {{cpu: 100m, memory: 128Mi}}
  limits:
    memory: 512Mi

ingress:
  enabled: true
  hosts:
  - host: {app}.acme.example
    paths: ["/", "/healthz"]

config: |
  server:
    tag: not-a-tag
    listen: 0.0.0.0:8080
  # this is text, too
affinity: {{}}
tolerations: []
extraLabels:
  app.kubernetes.io/part-of: shop
  acme.example/cost-centre: "0{len(app)}17"
  acme.example/notes: >-
    Ask before you scale this above
    ten replicas.
"""


def one_big(megabytes):
    """Returns an edit in the middle of one values file of so many MB: an app under each key."""
    size, blocks = 0, []
    while size < megabytes * 1_000_000:
        app = f"app-{len(blocks):06}"
        blocks.append(f"{app}:\n" + textwrap.indent(values(app, "1.0.0"), "  "))
        size += len(blocks[-1])
    middle = len(blocks) // 2
    head, tail = "".join(blocks[:middle]), "".join(blocks[middle:])
    line = head.count("\n") + tail[: tail.index('"1.0.0"')].count("\n") + 1
    expected = head + tail.replace('"1.0.0"', f'"{NEW_TAG}"', 1)
    return Edit(
        text=(head + tail).encode(),
        document=0,
        path=[f"app-{middle:06}", "image", "tag"],
        new=NEW_TAG,
        line=line,
        sha256=hashlib.sha256(expected.encode()).hexdigest(),
    )


def corpus(folder):
    """Returns the edits of a corpus: a folder of files and its `targets.json`."""
    folder = Path(folder)
    return [
        Edit(
            text=(folder / target["file"]).read_bytes(),
            document=target["doc"],
            path=target["path"],
            new=target["new"],
            line=target["line"],
            sha256=target["expected_sha256"],
        )
        for target in json.loads((folder / "targets.json").read_text())
    ]
