"""tokens.sh against a real token endpoint, over real TLS."""

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from conftest import HOST

LOGIN = {"client_id": "a b&c", "client_secret": "s=+%\"'\\\\", "refresh_token": "1//refresh"}


@pytest.fixture
def endpoint(pki):
    """endpoint.answer is what it says, as an object or a text; endpoint.asked what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            server.asked.append({key: values[0] for key, values in parse_qs(body).items()})
            text = (server.answer if isinstance(server.answer, str) else json.dumps(server.answer, indent=1)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answer = [], {}
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pki / "good.pem")
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def ask(sh, tmp_path, pki, endpoint):
    """ask(): the fault, or what was kept."""

    def run(authorities="ca"):
        for folder in ("login", "fresh"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for name, value in LOGIN.items():
            (tmp_path / "login" / name).write_text(value)
        script = f'''
            login=$state/login fresh=$state/fresh endpoint=https://{HOST}:{endpoint.server_port}/token scope='' app_scope=''
            ask_for_token || echo "$fault${{fault_mend:+; mend: $fault_mend}}"'''
        code, out, err = sh("tokens", script, CURL_CA_BUNDLE=str(pki / f"{authorities}.crt"))
        assert (code, err) == (0, ""), err
        return out.strip() or {path.name: path.read_text().strip() for path in (tmp_path / "fresh").iterdir()}

    return run


def test_a_token_and_when_it_is_renewed(ask, endpoint):
    for seconds, early in ((3600, 900), (1800, 900), (600, 300)):
        endpoint.answer = {"access_token": "ya29.a-b_c~d+e/f==", "expires_in": seconds, "token_type": "Bearer"}
        kept, now = ask(), time.time()
        assert kept["access_token"] == "ya29.a-b_c~d+e/f=="
        assert 0 <= now + seconds - int(kept["expires"]) < 30 and int(kept["expires"]) - int(kept["renew"]) == early
    assert endpoint.asked[0] == LOGIN | {"grant_type": "refresh_token"}


def test_a_newer_refresh_token_is_kept(ask, endpoint):
    endpoint.answer = {"access_token": "t", "refresh_token": "1//next\\/"}
    assert ask()["refresh_token"] == "1//next\\/"


def test_what_is_no_token_is_refused(ask, endpoint):
    """It becomes a part of what is said to the smarthost."""
    for odd in ('a"b', "a b", "a\r\nMAIL FROM:<x>", "a\x01b"):
        endpoint.answer = {"access_token": odd}
        assert "characters that no token has" in ask(), odd
    endpoint.answer = {"error": "invalid_grant", "error_description": "Bad\nRequest"}
    assert "says: invalid_grant Bad Request; mend: the refresh token is expired or revoked" in ask()
    endpoint.answer = "<html>"
    assert "says:" in ask()


def test_nobody_else_is_told(ask, endpoint):
    assert "certificate" in ask(authorities="other-ca") and endpoint.asked == []


def test_a_rotated_refresh_token_outlives_a_failed_attempt(sh, tmp_path):
    """The provider may have withdrawn the configured one with the answer that could not be used."""
    script = f"""
        taken={tmp_path} token_hosts=PRIMARY quiet=yes oauth2_endpoint_PRIMARY=e oauth2_scope_PRIMARY= oauth2_app_scope_PRIMARY=
        same() {{ cmp -s "$1" "$2"; }}
        token_folder() {{ echo {tmp_path}/none; }}
        only_roots() {{ false; }}
        read_env() {{ printf id >"$3/client_id"; printf configured >"$3/refresh_token"; }}
        ask_for_token() {{
            cat "$login/refresh_token"; echo
            fault=f fault_mend=$mend
            printf rotated >"$fresh/refresh_token"
            [ "$answer" = good ] && printf t >"$fresh/access_token"
        }}
        mkdir -p "$token_state"
        answer=bad mend= fetch_token PRIMARY 2>&1
        ls "$token_state/PRIMARY"
        drop_tokens
        answer=bad mend=m fetch_token PRIMARY 2>&1
        cat "$token_state/PRIMARY/fault_mend"
        answer=good mend= fetch_token PRIMARY
        cat "$token_state"/PRIMARY/*_token; ls "$token_state" """
    said = sh("tokens", script)[1].split("\n")
    assert said == [
        "configured", "mail-relay: f", "fault",
        "rotated", "mail-relay: f; mend: m", "m",
        "rotated", "trotatedPRIMARY", "",
    ], said  # fmt: skip


def test_every_beginning_of_an_answer_ends(awk, tmp_path):
    """Where a connection ends, an answer may as well end with a backslash, or within a string of backslashes alone."""
    whole = rb'{"error":"\\\"\\","error_description":"\u0026\\\\","x":["\\"],"access_token":"a\/b\\"}'
    for size in range(len(whole) + 1):
        code, _, error = awk("json_fields.awk", whole[:size] + b"\n", names="error error_description access_token", into=tmp_path)
        assert (code, error) == (0, b""), whole[:size]
    assert (tmp_path / "access_token").read_text() == "a/b\\"
