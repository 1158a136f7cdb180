"""The steps of a release that are the same on every system: `release.py STEP [argument…]`, in the project's folder.

The release workflow and the dry run of the gate both call them. DIST is the folder of the archives. What a step returns
is printed.
"""

import functools
import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

TARGETS = [
    "x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl", "x86_64-apple-darwin", "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc",
]

# What the container image calls the platforms of Linux.
IMAGES = {"amd64": "x86_64-unknown-linux-musl", "arm64": "aarch64-unknown-linux-musl"}

# What an archive holds beside the binary.
TEXTS = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md"]

MANIFEST = "action/manifest.txt"
SUMS = "SHA256SUMS"

# In the GitLab files, the manifest is a shell variable between these comments.
PART = re.compile(r"^( *)# generated: manifest\n.*?^ *# generated: end\n", flags=re.DOTALL | re.MULTILINE)


def ready(wanted):
    """Fails unless Cargo.toml and CHANGELOG.md are at the version that is to be released, and origin has no such tag."""
    if wanted.startswith("0."):
        fail("the first release is 1.0.0: the pages and starters name `v1`")
    if version() != wanted:
        fail(f"Cargo.toml says {version()}, the release is to be {wanted}: land the release's change first")
    if not section(wanted):
        fail(f"CHANGELOG.md says nothing in a section `## [{wanted}]`")
    if git("ls-remote", "origin", f"refs/tags/v{wanted}"):
        fail(f"v{wanted} exists: a version is released once; release the next one")


def notes():
    """What CHANGELOG.md says about this version."""
    return section(version())


def targets():
    """The targets of a release, one a line."""
    return "\n".join(TARGETS)


def archive(target, binary, dist):
    """Writes the archive of a target. The same binary at the same commit gives the same bytes."""
    name = f"gitops-steps-{version()}-{target}"
    files = [(path, Path(path), 0o644) for path in TEXTS]
    files.append(("gitops-steps.exe" if "windows" in target else "gitops-steps", Path(binary), 0o755))
    moment = int(git("log", "-1", "--format=%ct"))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for inside, path, mode in sorted(files):
            entry = tarfile.TarInfo(f"{name}/{inside}")
            content = path.read_bytes()
            entry.size, entry.mode, entry.mtime = len(content), mode, moment
            tar.addfile(entry, io.BytesIO(content))
    Path(dist).mkdir(parents=True, exist_ok=True)
    written = Path(dist, f"{name}.tar.gz")
    with written.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as zipped:
        zipped.write(packed.getvalue())
    return written


def complete(dist):
    """Fails unless DIST holds the archive of every target."""
    for target in TARGETS:
        if target not in archives(dist):
            fail(f"{dist} lacks the archive of {target}")


def stamp(dist):
    """Writes SHA256SUMS into DIST, and the manifest into the tree: action/manifest.txt and the GitLab files."""
    found = archives(dist)
    sums = [f"{sha256(path.read_bytes())}  {path.name}\n" for path in found.values()]
    Path(dist, SUMS).write_bytes("".join(sums).encode())
    lines = [
        f"{version()} {target} {sha256(path.read_bytes())} {sha256(binary_in(path))}" for target, path in found.items()
    ]
    comments = [line for line in Path(MANIFEST).read_text("utf-8").splitlines() if line.startswith("#")]
    write(MANIFEST, "\n".join(comments + lines) + "\n")
    for path in gitlab_files():
        write(path, with_part(Path(path).read_text("utf-8"), lines))


def verify(before, after, dist):
    """Fails unless AFTER is BEFORE with nothing but the manifest of DIST stamped into it."""
    for path in git("diff", "--name-only", before, after).split():
        if path == MANIFEST:
            continue
        if path not in gitlab_files():
            fail(f"{path} is not for a release to change")
        if PART.sub("", git("show", f"{before}:{path}")) != PART.sub("", git("show", f"{after}:{path}")):
            fail(f"{path} changed outside its manifest")

    stamped = [line for line in git("show", f"{after}:{MANIFEST}").splitlines() if not line.startswith("#")]
    sums = {name: sha for sha, name in map(str.split, Path(dist, SUMS).read_text("utf-8").splitlines())}
    expected = []
    for target, path in archives(dist).items():
        if sha256(path.read_bytes()) != sums.get(path.name):
            fail(f"{path} is not what {SUMS} says")
        expected.append(f"{version()} {target} {sums[path.name]} {sha256(binary_in(path))}")
    if not expected or stamped != expected:
        fail(f"{MANIFEST} at {after} is not that of {dist}")
    for path in gitlab_files():
        parts = PART.finditer(git("show", f"{after}:{path}"))
        if any(unindented(part) != manifest_part(stamped) for part in parts):
            fail(f"{path} at {after} has another manifest than {MANIFEST}")


def image(dist, context):
    """Lays out the files of the container image, one folder a platform, for the Dockerfile."""
    for platform, target in IMAGES.items():
        path = archives(dist).get(target)
        if path is None:
            continue
        root = Path(context, platform)
        binary = root / "usr/bin/gitops-steps"
        binary.parent.mkdir(parents=True, exist_ok=True)
        binary.write_bytes(binary_in(path))
        binary.chmod(0o755)
        # The binary makes bare repositories there, whichever user it runs as.
        (root / "tmp").mkdir(exist_ok=True)
        (root / "tmp").chmod(0o1777)


@functools.cache
def version():
    """The version that Cargo.toml says."""
    command = ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"][0]["version"]


def section(of):
    """The text below a version's heading in CHANGELOG.md."""
    text = Path("CHANGELOG.md").read_text("utf-8")
    found = re.search(rf"^## \[{re.escape(of)}\].*?\n(.*?)(?=^## |^\[|\Z)", text, flags=re.DOTALL | re.MULTILINE)
    return found.group(1).strip() if found else ""


def archives(dist):
    """The archives of this version by their target, in the order of TARGETS."""
    names = {target: Path(dist, f"gitops-steps-{version()}-{target}.tar.gz") for target in TARGETS}
    return {target: path for target, path in names.items() if path.is_file()}


def binary_in(path):
    with tarfile.open(path) as tar:
        inside = next(name for name in tar.getnames() if re.fullmatch(r"[^/]+/gitops-steps(\.exe)?", name))
        return tar.extractfile(inside).read()


def gitlab_files():
    return [path for path in git("ls-files", "gitlab-ci-template.yml", "templates/*/template.yml").split()]


def with_part(text, lines):
    """The text of a GitLab file with the manifest in its generated parts, indented as they are."""

    def filled(found):
        indent = found.group(1)
        inside = "".join(f"{indent}{line}\n" for line in manifest_part(lines).splitlines())
        return f"{indent}# generated: manifest\n{inside}{indent}# generated: end\n"

    return PART.sub(filled, text)


def manifest_part(lines):
    return "manifest='" + "\n".join(lines) + "'\n"


def unindented(found):
    """What stands between the comments of a part, without its indent."""
    inside = found.group().splitlines()[1:-1]
    return "".join(line.removeprefix(found.group(1)) + "\n" for line in inside)


def write(path, text):
    """Writes with `\\n` on every system."""
    Path(path).write_bytes(text.encode())


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def git(*arguments):
    return subprocess.run(["git", *arguments], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def fail(message):
    sys.exit(message)


STEPS = {step.__name__: step for step in (version, ready, notes, targets, archive, complete, stamp, verify, image)}

if __name__ == "__main__":
    returned = STEPS[sys.argv[1]](*sys.argv[2:])
    if returned is not None:
        print(returned)
