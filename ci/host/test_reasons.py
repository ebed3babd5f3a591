"""The fix for a refused login names what the provider expects; anything may stand in a preset."""

REFUSED = "535-5.7.8 Username and Password not accepted."
ADVICE = r"Gmail expects as user name: full address; as password: an app password & no \1 {login}"


def fix(result):
    code, out, error = result
    assert code == 0 and not error
    return out.rstrip("\n").split("\t")[3]


def test_the_advice_of_the_provider(sh):
    script = f"login_advice='{ADVICE}'; printf '%s\\n' '{REFUSED}' | explain"
    assert f"('mail-relay doctor' names the keys; {ADVICE})" in fix(sh("reasons", script))


def test_advice_for_smarthosts_that_are_no_provider(sh):
    assert "some providers want an app password" in fix(sh("reasons", f"printf '%s\\n' '{REFUSED}' | explain"))


def test_other_reasons_have_none(sh):
    assert "{login}" not in fix(sh("reasons", "echo 'Connection refused' | explain"))
