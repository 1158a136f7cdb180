"""Checks that no ready tool does: `check.py CHECK…` runs the named ones and fails if any finds something.

Each check is a function that yields what it finds; its docstring says what holds.
"""

import html
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

# A file above this has probably been added by mistake.
LARGEST = 1024 * 1024

# What the licence file of a crate says that names none, by its version: each was read.
READ = {("jsonpath-rust", "0.3.5"): "MIT"}


def sizes():
    """No tracked file is larger than LARGEST bytes."""
    for path in tracked():
        if path.is_file() and path.stat().st_size > LARGEST:
            yield f"{path}: {path.stat().st_size} bytes; at most {LARGEST} are expected"


def links():
    """Every relative link of a Markdown file leads to a file, and a `#part` of it to a heading."""
    for path in tracked("*.md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text("utf-8"))):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, part = target.partition("#")
            file = (path.parent / name) if name else path
            if not file.exists():
                yield f"{path}: `{target}` leads nowhere"
            elif part and file.suffix == ".md" and part not in headings(file):
                yield f"{path}: `{target}`: no such heading"


def book():
    """Every link of the built site leads to a page, and a `#part` of it to something there."""
    folder = Path("target/book")
    pages = {page: page.read_text("utf-8") for page in folder.rglob("*.html")}
    parts = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    if len(pages) < 30:
        yield f"{folder} has {len(pages)} pages: was it built?"
    for page, text in pages.items():
        for target in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            name, _, part = html.unescape(target).partition("#")
            # The page for what is not found has its links from the root of the site.
            if re.match(r"[a-z]+:", name) or page.name == "404.html":
                continue
            file = (page.parent / name).resolve() if name else page.resolve()
            file = file.relative_to(folder.resolve()) if file.is_relative_to(folder.resolve()) else None
            if file is None or not (folder / file).is_file():
                yield f"{page}: `{target}` leads nowhere"
            elif part and (folder / file) in parts and part not in parts[folder / file]:
                yield f"{page}: `{target}`: no such part"


def rust_version():
    """No locked dependency needs a newer Rust than Cargo.toml promises."""
    packages = metadata()["packages"]
    ours = next(package for package in packages if package["name"] == "gitops-steps")["rust_version"]
    for package in packages:
        needed = package["rust_version"]
        if needed and numbers(needed) > numbers(ours):
            yield f"{package['name']} {package['version']} needs Rust {needed}; Cargo.toml promises {ours}"


def licences():
    """Every locked dependency can be had under licences of deny.toml (an SPDX expression, or the old `MIT/Apache-2.0`)."""
    allowed = set(tomllib.loads(Path("deny.toml").read_text("utf-8"))["licenses"]["allow"])

    def truth(match):
        word = match.group()
        return word.lower() if word in ("AND", "OR") else str(word in allowed)

    for package in metadata()["packages"]:
        text = package["license"] or READ.get((package["name"], package["version"]), "")
        text = text.replace("/", " OR ")
        logic = re.sub(r"[\w.+-]+( WITH [\w.+-]+)?", truth, text)
        known = re.fullmatch(r"(True|False|and|or|[() ])+", logic)
        if not known or not eval(logic):
            yield f"{package['name']} {package['version']}: licence `{package['license']}`"


def tracked(pattern="*"):
    names = subprocess.run(["git", "ls-files", "-z", pattern], check=True, capture_output=True, text=True).stdout
    return [Path(name) for name in names.split("\0") if name]


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def numbers(version):
    return ([int(part) for part in version.split(".")] + [0, 0])[:3]


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", re.sub(r"^(```+).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE))


def headings(file):
    """The anchors that GitHub and GitLab give to a file's headings."""
    text = re.sub(r"^(```+).*?^\1", "", file.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    for title in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def main(names):
    failed = False
    for name in names:
        found = list(globals()[name.replace("-", "_")]())
        print(f"{name}: {len(found) or 'ok'}")
        for line in found:
            print(f"  {line}")
        failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
