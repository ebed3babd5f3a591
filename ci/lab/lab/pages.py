"""What the pages of docs/ tell a person to type, typed as it stands there."""

import re

from .shell import REPOSITORY

PROGRAMS = "journalctl|postmap|postconf|mailq|systemctl|ls|ss|ip|openssl|doveadm|mail-relay"


def blocks(page):
    """The shell blocks of a page, each stopping at a command that fails."""
    return [f"set -e\n{block}" for block in re.findall(r"^```sh\n(.*?)^```", _text(page), re.M | re.S)]


def try_all(host, page, here, but=()):
    """The commands within the text of a page, but those that hold one of these words; `here` has the lab's names of what they name."""
    found = dict.fromkeys(re.findall(rf"`((?:{PROGRAMS})(?: [^`]+)?)`", _text(page)))
    for command in found:
        if command != "postmap -q" and not any(word in command for word in but):
            done = host.sh(_here(command, here), check=False)
            # journalctl -g says so when it finds nothing.
            assert done.code == 0 or (" -g " in command and done.code == 1 and not done.err), done


def _here(text, here):
    for name, own in here.items():
        text = text.replace(name, own)
    return text


def _text(page):
    return (REPOSITORY / "docs" / page).read_text()
