"""The picture of the README shows what the doctor really prints. POSTPACK_GENERATE=1 writes the file that ci/picture draws."""

import os

import pytest

from lab.record import uses
from lab.shell import REPOSITORY

PRINTED = REPOSITORY / "ci/picture.doctor"


@pytest.mark.roots("debian-12")
def test_the_doctor_prints_what_the_picture_shows(relay):
    relay.credentials(password="not the password")
    relay.sh("mail-relay apply")
    printed = relay.sh("mail-relay doctor --color always", check=False).out
    if os.environ.get("POSTPACK_GENERATE"):
        PRINTED.write_text(printed)
    uses("file:ci/picture.doctor")
    assert printed == PRINTED.read_text()
