"""Tries the steps of a release: one release after another in a copy of the current commit, with small files as binaries
and a stand-in for GitHub (stand-in/gh). What takes a real binary is rehearsed by dry-run.
"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import release

PROJECT = Path(__file__).resolve().parents[2]


class Copy:
    """A copy of the project's current commit in a folder of its own, with an origin and a place for releases."""

    def __init__(self, folder):
        self.folder = folder
        self.tree = folder / "tree"
        self.releases = folder / "releases"
        self.releases.mkdir()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "GITHUB_", "GH_"))}
        self.env |= {
            "RELEASES": str(self.releases),
            "PATH": f"{PROJECT}/.ci/release/stand-in:{os.environ['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com",
        }
        origin = f"file://{folder}/origin.git"
        self.run("git", "init", "--quiet", "--bare", "--initial-branch", "main", folder / "origin.git", at=folder)
        self.run("git", "fetch", "--quiet", "--depth", "1", f"file://{PROJECT}", "HEAD:refs/heads/main",
                 at=folder / "origin.git")
        self.run("git", "clone", "--quiet", "--branch", "main", origin, self.tree, at=folder)

    def run(self, *command, at=None):
        """What a command prints. It must succeed."""
        done = self.tried(*command, at=at)
        if done.returncode:
            raise AssertionError(f"{command} failed: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def tried(self, *command, at=None):
        return subprocess.run(command, cwd=at or self.tree, env=self.env, capture_output=True, encoding="utf-8")

    def step(self, *arguments):
        return self.tried("python3", ".ci/release/release.py", *arguments)

    def land(self, version, notes="Something new."):
        """Lands a release's change on main."""
        self.run("git", "checkout", "--quiet", "main")
        self.change("Cargo.toml", r'(?m)^version = ".*?"', f'version = "{version}"')
        self.change("Cargo.lock", r'(name = "gitops-steps"\nversion = )".*?"', rf'\1"{version}"')
        self.change("CHANGELOG.md", r"(?m)^## ", f"## [{version}] - 2026-01-31\n\n{notes}\n\n## ")
        self.run("git", "commit", "--quiet", "--all", "--message", f"Prepare {version}")
        self.run("git", "push", "--quiet", "origin", "main")
        release.version = lambda: version

    def change(self, file, pattern, replacement):
        path = self.tree / file
        text, count = re.subn(pattern, replacement, path.read_text("utf-8"), count=1)
        assert count, f"{file} has no {pattern}"
        path.write_text(text, "utf-8")

    def build(self, version, targets=tuple(release.TARGETS)):
        """The folder of the archives of a version, with small files as binaries."""
        dist = self.folder / f"dist-{version}"
        binary = self.folder / "binary"
        before = Path.cwd()
        os.chdir(self.tree)
        try:
            for target in targets:
                binary.write_text(f"{version} for {target}\n")
                release.archive(target, binary, dist)
        finally:
            os.chdir(before)
        return dist

    def publish(self, version):
        """Makes a release from its landed change to its end, as the workflow does."""
        self.land(version)
        self.run("python3", ".ci/release/release.py", "ready", version)
        dist = self.build(version)
        self.run("python3", ".ci/release/release.py", "complete", dist)
        self.run(".ci/release/commit", dist)
        self.run(".ci/release/publish", dist)
        return dist

    def tags(self):
        """The tags of origin, each with the version tag of the same commit."""
        lines = self.run("git", "ls-remote", "--tags", "origin").splitlines()
        commits = {line.split("refs/tags/")[1]: line.split()[0] for line in lines}
        versions = {commit: tag for tag, commit in commits.items() if "." in tag}
        return {tag: versions[commit] for tag, commit in commits.items()}

    def facts(self, version):
        """What the stand-in for GitHub knows of a release."""
        return {file.name: file.read_text().strip() for file in (self.releases / ".facts" / f"v{version}").iterdir()}


class Releases(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.copy = Copy(Path(folder.name).resolve())

    def refused(self, done, said):
        self.assertNotEqual(done.returncode, 0, f"not refused: {said}")
        self.assertIn(said, done.stderr)

    def test_one_release_after_another(self):
        expected = [
            # version, pre-release, the latest, v1, v2
            ("1.0.0", "false", "v1.0.0", "v1.0.0", None),
            ("1.3.0", "false", "v1.3.0", "v1.3.0", None),
            ("1.2.4", "false", "v1.3.0", "v1.3.0", None),
            ("1.10.0", "false", "v1.10.0", "v1.10.0", None),
            ("2.0.0-rc.1", "true", "v1.10.0", "v1.10.0", None),
            ("2.0.0", "false", "v2.0.0", "v1.10.0", "v2.0.0"),
        ]
        for version, prerelease, latest, first, second in expected:
            with self.subTest(version):
                dist = self.copy.publish(version)
                facts = self.copy.facts(version)
                self.assertEqual(facts["draft"], "false")
                self.assertEqual(facts["prerelease"], prerelease)
                self.assertEqual(facts["latest"], str(latest == f"v{version}").lower())
                self.assertEqual((facts["title"], facts["notes"]), (version, "Something new."))
                self.assertEqual((self.copy.releases / ".latest").read_text().strip(), latest)
                tags = self.copy.tags()
                self.assertEqual((tags.get("v1"), tags.get("v2")), (first, second))
                assets = {path.name for path in (self.copy.releases / f"v{version}").iterdir()}
                self.assertEqual(assets, {path.name for path in dist.iterdir()})
                self.assertEqual(len(assets), len(release.TARGETS) + 1)

    def test_nobody_sees_a_release_before_its_assets_are_whole(self):
        self.copy.publish("1.0.0")
        log = [line.split() for line in (self.copy.releases / ".log").read_text().splitlines()]
        commands = [line[0] for line in log if line[0] != "view"]
        self.assertEqual(commands, ["create", "upload", "download", "edit"])
        created = next(line for line in log if line[0] == "create")
        self.assertIn("--draft", created)
        self.assertIn("--verify-tag", created)

    def test_an_asset_that_differs_is_refused(self):
        dist = self.copy.publish("1.0.0")
        self.assertEqual(self.copy.tried(".ci/release/publish", dist).returncode, 0)
        asset = next((self.copy.releases / "v1.0.0").glob("*.tar.gz"))
        asset.write_bytes(asset.read_bytes() + b"\0")
        self.refused(self.copy.tried(".ci/release/publish", dist), "are not those of")

    def test_a_target_that_lacks_is_refused(self):
        self.copy.land("1.0.0")
        dist = self.copy.build("1.0.0", release.TARGETS[1:])
        self.refused(self.copy.step("complete", dist), f"lacks the archive of {release.TARGETS[0]}")

    def test_a_commit_that_changes_anything_else_is_refused(self):
        self.copy.land("1.0.0")
        dist = self.copy.build("1.0.0")
        self.copy.run(".ci/release/commit", dist)
        self.assertEqual(self.copy.step("verify", "HEAD~", "HEAD", dist).returncode, 0)
        cases = [
            ("README.md", r"\A", "stray\n", "README.md is not for a release to change"),
            ("gitlab-ci-template.yml", r"\A", "# stray\n", "changed outside its manifest"),
            ("gitlab-ci-template.yml", r"manifest='1.0.0 (\S+) .", r"manifest='1.0.0 \1 -", "has another manifest"),
            ("action/manifest.txt", r"(?m)^1.0.0 (\S+) .", r"1.0.0 \1 -", "is not that of"),
        ]
        for file, pattern, replacement, said in cases:
            with self.subTest(said):
                self.copy.change(file, pattern, replacement)
                self.copy.run("git", "commit", "--quiet", "--all", "--message", "Release 1.0.0")
                self.refused(self.copy.step("verify", "HEAD~2", "HEAD", dist), said)
                self.copy.run("git", "reset", "--quiet", "--hard", "HEAD~")

    def test_what_is_not_ready_is_refused(self):
        self.copy.land("0.9.0")
        self.refused(self.copy.step("ready", "0.9.0"), "the first release is 1.0.0")
        self.copy.land("1.0.0", notes="")
        self.refused(self.copy.step("ready", "1.0.1"), "Cargo.toml says 1.0.0")
        self.refused(self.copy.step("ready", "1.0.0"), "CHANGELOG.md says nothing")
        self.copy.publish("1.1.0")
        self.refused(self.copy.step("ready", "1.1.0"), "v1.1.0 exists")


if __name__ == "__main__":
    unittest.main()
