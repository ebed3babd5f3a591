"""The pages of the site: which there are, where each is in the site, and whether their links and code are right."""

import json
import posixpath
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SUMMARY = "docs/SUMMARY.md"
# Chapters that the generator writes.
LISTS = ("codes.md", "findings.md")
SOURCE = "https://github.com/postpack/postpack/blob/main/"

ENTRY = re.compile(r"^(?P<before>\s*(?:- )?)\[(?P<title>[^]]*)\]\((?P<path>[^)]*)\)$")
MARK = re.compile(r"^<!-- pages: (?P<name>[a-z]+) -->$")
FENCE = re.compile(r"^ *(`{3,}|~{3,})(?P<language>[a-z]*)\n(?P<code>.*?)^ *\1 *$", re.M | re.S)
LINK = re.compile(r"(?P<text>!?\[(?:[^][]|\[[^]]*\])*\]\()(?P<target>[^)\s]+)(?P<end>\))")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.M)


@dataclass
class Page:
    """A page by its path in the repository, or among the generated ones."""

    path: str
    text: str
    generated: bool = False

    @property
    def place(self):
        """Its path in the site. Pages of docs/ keep theirs, so that links between them are the same on GitHub and here."""
        path = self.path if self.generated else self.path.removeprefix("docs/")
        # mdBook would write index.html for it, and not change links to it.
        return posixpath.join(posixpath.dirname(path), "index.md") if posixpath.basename(path) == "README.md" else path

    @property
    def anchors(self):
        """The identifiers of its headings, as GitHub and mdBook make them."""
        found, seen = set(), {}
        for heading in HEADING.findall(FENCE.sub("", self.text)):
            name = slug(heading)
            count = seen[name] = seen.get(name, -1) + 1
            found.add(f"{name}-{count}" if count else name)
        return found

    def links(self):
        """Line and target of each link outside of code."""
        bare = re.sub(r"`[^`\n]*`", lambda code: " " * len(code[0]), blanked(self.text))
        for link in LINK.finditer(bare):
            yield self.text.count("\n", 0, link.start()) + 1, link["target"]


def blanked(text):
    """The text with code blocks blanked, so that lines stay."""
    return FENCE.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)


def slug(heading):
    """The anchor of a heading: lower case, punctuation removed, blanks to hyphens."""
    heading = re.sub(r"!?\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


def generated(folder):
    """The pages that the generator wrote, by kind: {"sections": [Page, ...]}."""
    index = json.loads((folder / "pages.json").read_text())
    return {
        kind: [(entry["title"], Page(entry["path"], (folder / entry["path"]).read_text(), True)) for entry in entries]
        for kind, entries in index.items()
    }


def entries(summary):
    """Each line of the summary: a chapter (before, title, path), a mark, or text."""
    for line in summary.split("\n"):
        yield line, ENTRY.match(line), MARK.match(line)


def chapter(entry):
    """The path of a chapter in the repository; the summary has it relative to docs/."""
    return posixpath.normpath(posixpath.join("docs", entry["path"]))


def chapters(root=ROOT):
    """The pages of the repository that the summary names, in its order."""
    for _, entry, _ in entries((root / SUMMARY).read_text()):
        if entry:
            path = chapter(entry)
            if (root / path).is_file():
                yield Page(path, (root / path).read_text())


def missing(made, root=ROOT):
    """Chapters and generated pages of the summary that do not exist, and pages of docs/ that are no chapter."""
    named = set()
    for _, entry, mark in entries((root / SUMMARY).read_text()):
        if entry:
            path = chapter(entry)
            named.add(path)
            if entry["path"] not in LISTS and not (root / path).is_file():
                yield f"{SUMMARY}: there is no {entry['path']}"
        if mark and made and mark["name"] not in made:
            yield f"{SUMMARY}: there are no pages `{mark['name']}`"
    for path in sorted((root / "docs").rglob("*.md")):
        path = str(path.relative_to(root))
        if path != SUMMARY and path not in named:
            yield f"{SUMMARY}: {path} is missing"


def summary(made, root=ROOT):
    """The summary with generated pages, and paths as they are in the site."""
    lines = []
    for line, entry, mark in entries((root / SUMMARY).read_text()):
        if mark:
            lines += [f"  - [{title}]({page.place})" for title, page in made[mark["name"]]]
        elif entry:
            path = chapter(entry)
            lines.append(f"{entry['before']}[{entry['title']}]({Page(path, '').place})")
        else:
            lines.append(line)
    return "\n".join(lines)


def staged(page, places, root=ROOT):
    """The text of a page with its links as the site needs them. What is in the repository alone links to its source there."""

    def moved(link):
        target, _, anchor = link["target"].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), target))
        if path in places:
            target = posixpath.relpath(places[path], posixpath.dirname(page.place) or ".")
        elif (root / path).exists() and not path.endswith((".svg", ".json")):
            target = SOURCE + path
        elif (root / path).exists():
            target = posixpath.relpath(path.removeprefix("docs/"), posixpath.dirname(page.place) or ".")
        return link["text"] + target + ("#" + anchor if anchor else "") + link["end"]

    if page.generated:
        return page.text
    pieces, last = [], 0
    for block in FENCE.finditer(page.text):
        pieces += [LINK.sub(moved, page.text[last : block.start()]), block[0]]
        last = block.end()
    return "".join([*pieces, LINK.sub(moved, page.text[last:])])


def faults(pages, root=ROOT):
    """Links that lead nowhere, and code that is not in its language, in pages of the repository and generated ones."""
    by_path = {page.path: page for page in pages}
    by_place = {page.place: page for page in pages}
    for page in pages:
        for line, target in page.links():
            target, _, anchor = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            own = by_place if page.generated else by_path
            path = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), target)) if target else page.path
            if path not in own and (page.generated or not (root / path).exists()):
                yield f"{page.path}:{line}: there is no {target}"
            elif anchor and path in own and anchor not in own[path].anchors:
                yield f"{page.path}:{line}: {path} has no heading #{anchor}"
        for block in FENCE.finditer(page.text):
            fault = wrong(block["language"], block["code"])
            if fault:
                yield f"{page.path}:{page.text.count(chr(10), 0, block.start()) + 1}: {fault}"


def wrong(language, code):
    """Why a block is not in its language, as far as that is known here."""
    try:
        if language == "toml":
            tomllib.loads(code)
        elif language == "json":
            json.loads(code)
    except ValueError as fault:
        return f"invalid {language.upper()}: {fault}"
    return None


def repository_pages(root=ROOT):
    """The pages of the repository, with those that are in no chapter."""
    found = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "ci").rglob("README.md"), *(root / "fuzz").glob("README.md")]
    return [Page(str(path.relative_to(root)), path.read_text()) for path in sorted(found) if path != root / SUMMARY]
