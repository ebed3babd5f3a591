"""Extracts the sentences that people read from pages, Rust, data files and the host program."""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

# A literal or a cell with fewer words is a name or a value.
LEAST_WORDS = 3

RUST = re.compile(
    r"""
    (?P<comment>//[^\n]*)
    | (?P<block>/\*.*?\*/)
    | b?r(?P<hashes>\#*)"(?P<raw>.*?)"(?P=hashes)
    | b?"(?P<string>(?:\\.|[^"\\])*)"
    | '(?:\\[^']+|[^'\\])'
    """,
    re.X | re.S,
)
RUST_TESTS = re.compile(r"^#\[cfg\(test\)\]\nmod tests \{", re.M)
TOML = re.compile(r"""(?P<comment>\#[^\n]*)|\"{3}(?P<long>.*?)\"{3}|"(?P<string>(?:\\.|[^"\\\n])*)"|'[^'\n]*'""", re.S)
CODE = re.compile(r"``[^`]+``|`[^`\n]+`")
LINK = re.compile(r"\]\([^)]*\)|<https?://[^>]*>|https?://\S+")
# A sentence begins with a capital letter, code, a link, or a name that is never capitalized.
SMALL_NAMES = (
    "apply apt cloud-init dnf dpkg libdeflate main.cf master.cf msmtp nFPM nullmailer pacman postconf postpack relay.env rPGP rpm "
    "smtpd systemd zypper"
).split()
SENTENCE = re.compile(
    r"(?<=[.?!])(?<!e\.g\.)(?<!i\.e\.)[\"”)*_]*\s+(?=[A-Z§*\"([]|(?:" + "|".join(map(re.escape, SMALL_NAMES)) + r")\b)"
)
# A link, as `without_code` leaves it.
LINK_IN_TEXT = re.compile(r"\[[^\[\]§]*§+")
LEAST_LINKS = 3


@dataclass
class Text:
    """A run of prose, and the line that each of its characters comes from."""

    kind: str
    text: str = ""
    starts: list = field(default_factory=list)
    lines: list = field(default_factory=list)

    def add(self, line, text):
        self.text += " " if self.text else ""
        self.starts.append(len(self.text))
        self.lines.append(line)
        self.text += text
        return self

    def line(self, offset):
        return self.lines[bisect_right(self.starts, offset) - 1]


def texts(path, content):
    """The prose of a file, by the kind of the file."""
    name = path.rsplit("/", 1)[-1]
    if name.endswith(".md"):
        found = page(content)
    elif name.endswith(".rs"):
        found = rust(content)
    elif name.endswith(".toml"):
        found = toml(content)
    elif name.endswith(".tsv"):
        found = cells(content)
    else:
        found = host(content)
    for text in found:
        text.text = without_code(text.text)
        yield text


def without_code(text):
    """Code and addresses give way to a neutral character, so that offsets stay."""
    for pattern in (CODE, LINK):
        text = pattern.sub(lambda match: "§" * len(match[0]), text)
    return text


def page(content):
    """Paragraphs, list items, headings and cells of Markdown, without code blocks."""
    text, fence = None, None
    for number, line in enumerate(content.split("\n"), 1):
        bare = line.strip()
        mark = re.match(r"`{3,}|~{3,}", bare)
        if fence or mark:
            fence = None if fence and bare.startswith(fence) else fence or mark[0]
            bare = ""
        if not text and re.match(r" {4}", line):
            bare = ""
        if bare.startswith("|"):
            if text:
                yield text
                text = None
            for cell in re.split(r"(?<!\\)\|", bare.strip("|")):
                yield Text("cell").add(number, cell.strip())
        elif bare.startswith("#"):
            if text:
                yield text
                text = None
            yield Text("heading").add(number, bare.lstrip("# "))
        elif not bare or bare.startswith("<"):
            if text:
                yield text
            text = None
        else:
            item = re.match(r"(?:[-*+]|\d+\.) +", bare)
            if text and item:
                yield text
                text = None
            text = (text or Text("paragraph")).add(number, bare[item.end() :] if item else bare)
    if text:
        yield text


def rust(content):
    """Doc comments, comments and string literals, without those of tests."""
    tests = RUST_TESTS.search(content)
    if tests:
        content = content[: tests.start()]
    comment, last = None, 0
    for match in RUST.finditer(content):
        number = content.count("\n", 0, match.start()) + 1
        if match["comment"]:
            kind = "doc" if re.match(r"//[/!](?!/)", match["comment"]) else "comment"
            line = re.sub(r"^//[/!]?", "", match["comment"]).strip()
            if comment and (number != last + 1 or comment.kind != kind or not line):
                yield comment
                comment = None
            if line:
                comment = (comment or Text(kind)).add(number, line)
            last = number
            continue
        literal = match["raw"] if match["raw"] is not None else match["string"]
        if comment:
            yield comment
            comment = None
        if literal is not None:
            yield from literal_of(number, literal, raw=match["raw"] is not None)
    if comment:
        yield comment


def is_prose(text):
    return len(re.findall(r"[A-Za-z]{2,}", text)) >= LEAST_WORDS


def literal_of(number, literal, raw):
    text = Text("string")
    for offset, line in enumerate(literal.split("\n")):
        line = line.rstrip("\\").strip() if not raw else line.strip()
        line = line.replace("\\n", " \n").replace('\\"', '"') if not raw else line
        if line:
            text.add(number + offset, line)
    if is_prose(text.text) and " " in text.text:
        yield text


def toml(content):
    for match in TOML.finditer(content):
        number = content.count("\n", 0, match.start()) + 1
        if match["comment"]:
            yield Text("comment").add(number, match["comment"].lstrip("# "))
        else:
            literal = match["long"] or match["string"] or ""
            yield from literal_of(number, literal, raw=False)


def cells(content):
    for number, line in enumerate(content.split("\n"), 1):
        row = [line.lstrip("# ")] if line.startswith("#") else line.split("\t")
        for cell in row:
            if is_prose(cell):
                yield Text("cell").add(number, cell)


def host(content):
    """Shell, awk, units and man pages: comments in whole, and what stands in quotes."""
    for number, line in enumerate(content.split("\n"), 1):
        bare = line.strip()
        if re.match(r"#(?!!)|\.\\\"", bare):
            yield Text("comment").add(number, bare.lstrip('#.\\" '))
        elif re.match(r"\.[A-Z]{1,2}\b|[A-Z][a-z]+ ", bare):
            yield Text("paragraph").add(number, re.sub(r"\\f[BIRP]|^\.[A-Z]+ ", "", bare))
        else:
            for quoted in re.findall(r'"([^"]*)"|\'([^\']*)\'', bare):
                text = "".join(quoted)
                if is_prose(text):
                    yield Text("string").add(number, text)


def sentences(text):
    """Offset and wording of each sentence."""
    start = 0
    for gap in SENTENCE.finditer(text):
        yield start, text[start : gap.start()]
        start = gap.end()
    if text[start:].strip():
        yield start, text[start:]


def is_list_of_links(sentence):
    """Whether a sentence, without its code and addresses, has more links than words around them."""
    rest, links = LINK_IN_TEXT.subn("", sentence)
    return links >= LEAST_LINKS and len(re.findall(r"\w+", rest)) < links
