"""run: what the entrypoint of a container takes from its environment, and how it starts Postfix; an apply beside it."""

import stat

import pytest


@pytest.fixture
def run(sh, tmp_path):
    """run(script, **environment): the script, with /run below the test's folder."""

    def call(script, **environment):
        return sh("service run", f"""
            store=$state/run/credstore container=$state/run/container container_log=$state/log verb=run
            mkdir -p "$state/run"
            in_system() {{ false; }}; need_root() {{ :; }}; is_running() {{ false; }}
            {script}""", **environment)  # fmt: skip

    return call


def stored(tmp_path):
    return {path.name: path.read_bytes() for path in (tmp_path / "run/credstore").iterdir()}


def test_values_and_files_become_credentials(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"pa'ss\"w $x`\n")
    secret.chmod(0o444)
    code, _, error = run("take_environment", RELAY_USERNAME="robot", RELAY_PASSWORD_FILE=str(secret), RELAY_FROM="", OTHER="x", RELAY_lower="x")
    assert (code, error) == (0, "")
    assert stored(tmp_path) == {"relay_username": b"robot", "relay_password": b"pa'ss\"w $x`\n"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "run/credstore").iterdir()} <= {0o600, 0o644}
    assert stat.S_IMODE((tmp_path / "run/credstore").stat().st_mode) == 0o700


def test_what_kubernetes_says_of_a_service_called_relay_is_no_setting(run, tmp_path):
    described = {
        "RELAY_SERVICE_HOST": "10.0.0.1", "RELAY_SERVICE_PORT": "25", "RELAY_PORT": "tcp://10.0.0.1:25", "RELAY_PORT_25_TCP": "tcp://10.0.0.1:25",
        "RELAY_PORT_25_TCP_ADDR": "10.0.0.1", "RELAY_SERVICE_PORT_SMTP": "25",
    }  # fmt: skip
    assert run("take_environment", **described)[0] == 0 and stored(tmp_path) == {}
    assert run("take_environment", RELAY_PORT="465")[0] == 0 and stored(tmp_path) == {"relay_port": b"465"}


def test_a_restart_forgets_what_is_no_longer_set(run, tmp_path):
    run("take_environment", RELAY_USERNAME="a", RELAY_PASSWORD="b")
    (tmp_path / "run/credstore/relay_from").write_text("mounted")
    assert run("take_environment", RELAY_USERNAME="c")[0] == 0
    assert stored(tmp_path) == {"relay_username": b"c", "relay_from": b"mounted"}


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"RELAY_PASSWORD_FILE": "/nonexistent/x"}, "RELAY_PASSWORD_FILE: there is no file /nonexistent/x"),
        # The value itself, where its path belongs.
        ({"RELAY_PASSWORD_FILE": "TopSecret"}, "RELAY_PASSWORD_FILE is not the absolute path of a file"),
        ({"RELAY_PASSWORD_FILE": "/etc/hostname", "RELAY_PASSWORD": "TopSecret"}, "RELAY_PASSWORD and RELAY_PASSWORD_FILE are both set"),
    ],
)
def test_refused(run, environment, words):
    code, out, error = run("run_main", **environment)
    assert code == 2 and words in error and "TopSecret" not in error + out


def test_no_process_keeps_the_environment(run, tmp_path):
    """/proc shows the environment that a process has started with, whatever it has unset since."""
    (tmp_path / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 2\n")
    (tmp_path / "sleep").chmod(0o755)
    script = """
        PATH=$state:$PATH
        take_environment && show_log >/dev/null 2>&1; /bin/sleep 0.5
        for process in /proc/[0-9]*; do
            [ "${process#/proc/}" != $$ ] || continue
            case $(tr '\\000' ' ' <"$process/cmdline") in *"$state"*) ;; *) continue ;; esac
            echo found
            ! tr '\\000' '\\n' <"$process/environ" | grep -q TopSecret || echo leak
            case $(cat "$process/cmdline") in *"$state"*) kill "${process#/proc/}" ;; esac
        done 2>/dev/null"""
    code, out, _ = run(script, RELAY_PASSWORD="TopSecret")
    assert "found" in out and "leak" not in out


def serve(sh, tmp_path, how, *, running=True, arguments="-i", new="no", code=0):
    """serve_alone with a Postfix whose master has these arguments: exit code, standard error, how postfix was called."""
    (tmp_path / "postfix").write_text(f"#!/bin/sh\necho $* >>{tmp_path}/asked\nexit {code}\n")
    (tmp_path / "postfix").chmod(0o755)
    script = f"""
        PATH=$state:$PATH mode=person new_addresses={new}
        is_running() {{ {'true' if running else 'false'}; }}; senders() {{ :; }}; postqueue() {{ :; }}; in_system() {{ false; }}
        is_daemon() {{ case '{arguments}' in *-w*) ;; *) false ;; esac; }}
        serve {how}"""
    done, _, error = sh("service", script)
    asked = tmp_path / "asked"
    return done, error, asked.read_text().split() if asked.exists() else []


@pytest.mark.parametrize(
    ("how", "arguments", "asked"),
    [
        ("none", "-i", []), ("reload", "-i", ["reload"]), ("restart", "-i", ["reload"]), ("reload", "-w", ["reload"]),
        # Nothing ends where it runs in the background.
        ("restart", "-w", ["stop", "start"]),
    ],
)  # fmt: skip
def test_a_postfix_without_systemd_is_reloaded(sh, tmp_path, how, arguments, asked):
    assert serve(sh, tmp_path, how, arguments=arguments) == (0, "", asked)


def test_a_postfix_that_does_not_run_is_left_alone(sh, tmp_path):
    assert serve(sh, tmp_path, "restart", running=False) == (0, "", [])


def test_what_a_reload_cannot_do_is_said(sh, tmp_path):
    done, error, asked = serve(sh, tmp_path, "restart", new="yes")
    assert (done, asked) == (1, ["reload"]) and "restart the container" in error
    done, error, _ = serve(sh, tmp_path, "reload", code=1)
    assert done == 1 and "did not reload" in error


@pytest.mark.parametrize(("inside", "words"), [("true", "chmod 600 "), ("false", "kubernetes: defaultMode: 0400")])
def test_an_open_secret_is_refused_with_what_mends_it(sh, tmp_path, inside, words):
    secret = tmp_path / "open/relay_password"
    secret.parent.mkdir()
    secret.parent.chmod(0o755)
    secret.write_text("x")
    secret.chmod(0o444)
    script = f"secrets=$state/open; in_system() {{ {inside}; }}; stat() {{ case $2 in -c) echo 0 444 1 ;; *) command stat \"$@\" ;; esac; }}; only_roots() {{ real=$1 open_part=$1; }}; check_source $secrets/relay_password"
    code, _, error = sh("sources", script)
    assert code == 2 and "can be read by others (mode 444)" in error and words in error
    assert inside == "true" or "RELAY_PASSWORD_FILE" in error
