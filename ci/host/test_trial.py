"""trial.sh: new credentials, tried at real servers before the old ones go."""

import pytest
from conftest import HOST


@pytest.fixture
def trial(sh, tmp_path, pki):
    """trial(port): the exit code, and what was said, about the password `secret`."""
    (tmp_path / "wanted").write_text(
        f"smtp_tls_security_level = encrypt\nsmtp_tls_CAfile = {pki}/ca.crt\nsmtp_host_lookup = native\ninet_protocols = ipv4\n"
        "smtp_helo_name = web1.example.com\n"
    )

    def run(port):
        (tmp_path / "sasl_passwd").write_text(f"[{HOST}]:{port} user:secret\n")
        # Postfix, which reads the policy out of main.cf, need not be here.
        script = f'policy_of() {{ cp {tmp_path}/wanted "$probe_folder/policy"; }}; stage={tmp_path}; try_credentials'
        code, out, err = sh("dialogue probe trial", script)
        assert "secret" not in out + err
        return code, out + err

    return run


def test_accepted(trial, server):
    assert trial(server().port)[0] == 0


def test_refused(trial, server):
    code, said = trial(server(login=(b"user", b"another")).port)
    assert code == 1 and "refuses the credentials: 535 5.7.8" in said


def test_who_cannot_be_asked_does_not_stand_in_the_way(trial, server):
    for there in (server(greeting=""), server(starttls="refused"), server(login=(b"", b""), refusal="454 4.7.0 later")):
        code, said = trial(there.port)
        assert code == 0 and "taken untried" in said, said
