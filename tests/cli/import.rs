//! Moving in: ten configurations as people write them, with what must become of each.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::world::{Run, World};

/// Name, exit code, role.
const EXAMPLES: [(&str, i32, &str); 9] = [
    ("by-sender", 0, "null-client"),
    ("gmail-twice", 1, "null-client"),
    ("mailgun-headers", 0, "null-client"),
    ("suse-stock", 0, "null-client"),
    ("wrong-port", 0, "lan-relay"),
    ("debian-direct", 1, "null-client"),
    ("aliases-gateway", 1, "mail-gateway"),
    ("amavis-gateway", 1, "mail-gateway"),
    ("sql-mailserver", 1, "mail-server"),
];

const PASSWORD: &str = "not-a-real-password";

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name)
}

/// A copy of an example that a test may change.
fn copy(world: &World, name: &str, change: &dyn Fn(&str, Vec<u8>) -> Vec<u8>) {
    fn walk(from: &Path, to: &Path, change: &dyn Fn(&str, Vec<u8>) -> Vec<u8>) {
        fs_err::create_dir_all(to).unwrap();
        for entry in fs_err::read_dir(from).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() {
                walk(&entry.path(), &to.join(&name), change);
            } else {
                fs_err::write(to.join(&name), change(&name, fs_err::read(entry.path()).unwrap())).unwrap();
            }
        }
    }
    walk(&folder(name), &world.path(name), change);
}

fn import(world: &World, source: &str, more: &str) -> Run {
    world.run(&format!("import {source} {more}"))
}

/// The spec of an example that was copied into the world.
fn spec(world: &World, source: &str) -> String {
    import(world, source, "-q").stdout
}

fn report(world: &World, source: &str) -> Value {
    let run = import(world, source, "-q -o unused.toml --format json --report report.json");
    assert!(run.code < 2, "{run}");
    let report = serde_json::from_str(&world.read("report.json")).unwrap();
    fs_err::remove_file(world.path("report.json")).unwrap();
    fs_err::remove_file(world.path("unused.toml")).unwrap();
    report
}

#[test]
fn each_example_becomes_its_spec() {
    for (name, code, role) in EXAMPLES {
        let world = World::new();
        copy(&world, name, &|_, bytes| bytes);
        let run = import(&world, name, "-q");
        assert_eq!(run.code, code, "{name}: {run}");
        insta::assert_snapshot!(name, run.stdout);
        let report = report(&world, name);
        assert_eq!(report["role"], role, "{name}");
        assert_eq!(report["whole"], code == 0, "{name}");
    }
}

#[test]
fn each_setting_has_one_verdict_with_its_place_and_each_difference_a_reason() {
    for (name, _, _) in EXAMPLES {
        let world = World::new();
        copy(&world, name, &|_, bytes| bytes);
        let report = report(&world, name);
        let (entries, _) = postpack::postfix::main_cf::parse(&world.read(&format!("{name}/main.cf")));
        let names: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let settings = report["settings"].as_array().unwrap();
        let told: Vec<&str> = settings.iter().map(|it| it["subject"].as_str().unwrap()).collect();
        assert_eq!(told.len(), names.len(), "{name}");
        assert_eq!(told.iter().copied().collect::<BTreeSet<_>>(), names, "{name}");
        for setting in settings {
            let verdict = setting["verdict"].as_str().unwrap();
            assert!(
                ["key", "implied", "main-cf", "changed", "fixed", "dropped", "lost", "asked"]
                    .contains(&verdict),
                "{setting}"
            );
            assert!(setting["place"]["line"].as_u64().unwrap() > 0, "{setting}");
            let reason = setting["reason"].as_str().unwrap();
            assert!(!reason.is_empty() || ["key", "main-cf"].contains(&verdict), "{name}: {setting}");
        }
        let proof = &report["proof"][0];
        assert!(proof["same"].as_u64().unwrap() > 500, "{name}: {proof}");
        for difference in proof["differences"].as_array().unwrap() {
            assert_ne!(difference["reason"], "no reason", "{name}: {difference}");
        }
    }
}

#[test]
fn check_takes_the_spec_or_asks_only_what_is_open() {
    for (name, code, _) in EXAMPLES {
        let world = World::new();
        copy(&world, name, &|_, bytes| bytes);
        world.write("relay.toml", &spec(&world, name));
        let run = world.run("check --format json");
        let result: Value = serde_json::from_str(&run.stdout).unwrap();
        let findings = result[0]["findings"].as_array().unwrap();
        let errors: Vec<&Value> = findings.iter().filter(|finding| finding["severity"] == "error").collect();
        assert!(errors.iter().all(|error| error["code"] == "todo"), "{name}: {errors:?}");
        assert!(code == 1 || errors.is_empty(), "{name}");
    }
}

#[test]
fn no_output_holds_a_secret_and_masked_sources_give_the_same_spec() {
    for (name, _, _) in EXAMPLES {
        let world = World::new();
        copy(&world, name, &|_, bytes| bytes);
        let run = import(&world, name, "--report report.txt");
        assert!(!run.stdout.contains(PASSWORD) && !run.stderr.contains(PASSWORD), "{name}");
        assert!(!world.read("report.txt").contains(PASSWORD), "{name}");
        assert!(!report(&world, name).to_string().contains(PASSWORD), "{name}");
        let masked = World::new();
        copy(&masked, name, &|_, bytes| match String::from_utf8(bytes) {
            Ok(text) => text.replace(PASSWORD, "***").into_bytes(),
            Err(error) => error.into_bytes(),
        });
        assert_eq!(spec(&masked, name), run.stdout, "{name}");
    }
}

#[test]
fn what_does_not_count_changes_nothing() {
    for (name, _, _) in EXAMPLES {
        let world = World::new();
        copy(&world, name, &|_, bytes| bytes);
        // CRLF, comments, and the same lines twice.
        let other = World::new();
        copy(&other, name, &|file, bytes| match file {
            "main.cf" => {
                let text = String::from_utf8(bytes).unwrap();
                format!("# a comment\n\n{text}\n# the same again\n{text}").replace('\n', "\r\n").into_bytes()
            }
            _ => bytes,
        });
        let without_places = |text: String| -> String {
            text.lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| format!("{line}\n"))
                .collect::<Vec<_>>()
                .concat()
        };
        assert_eq!(without_places(spec(&other, name)), without_places(spec(&world, name)), "{name}");
    }
}

#[test]
fn what_stops_postfix_stops_the_import() {
    let world = World::new();
    copy(&world, "broken", &|_, bytes| bytes);
    let run = import(&world, "broken", "-o relay.toml");
    assert_eq!(run.code, 2);
    assert!(!world.path("relay.toml").exists() && !run.stderr.contains(PASSWORD));
    insta::assert_snapshot!("broken", run.stderr);
}

#[test]
fn archives_and_the_output_of_postconf_are_sources() {
    let world = World::new();
    copy(&world, "wrong-port", &|_, bytes| bytes);
    let expected = spec(&world, "wrong-port");
    for prefix in ["etc/postfix", "backup/host1/etc/postfix", "."] {
        let mut archive = tar::Builder::new(Vec::new());
        archive.append_dir_all(prefix, world.path("wrong-port")).unwrap();
        let bytes = archive.into_inner().unwrap();
        let run = world.run_with("import - -q", bytes.clone());
        assert_eq!((run.code, run.stdout.as_str()), (0, expected.as_str()), "{prefix}");
        let packed = zstd::encode_all(bytes.as_slice(), 1).unwrap();
        assert_eq!(world.run_with("import - -q", packed).stdout, expected, "{prefix}");
    }
    // Without the tables: what they say is lost or asked for, and the rest is there.
    let text = world.read("wrong-port/main.cf") + &world.read("wrong-port/master.cf");
    let run = world.run_with("import - -q", text);
    assert!(run.code < 2 && run.stdout.contains("host = \"smtp.acme.example\""), "{run}");
    let run = world.run_with("import - -q", "not a configuration\n");
    assert_eq!(run.code, 2, "{run}");
    let run = world.run_with("import - -q", "RELAYHOST=[smtp.acme.example]:587\nRELAYHOST_USERNAME=u@acme.example\nRELAYHOST_PASSWORD=not-a-real-password\n");
    assert!(
        run.code < 2 && run.stdout.contains("profile = \"lan-relay\"") && !run.stdout.contains(PASSWORD),
        "{run}"
    );
}

#[test]
fn links_out_of_the_folder_are_not_followed() {
    let world = World::new()
        .file("secret", "key value-of-a-stranger\n")
        .file("a/main.cf", "smtp_generic_maps = hash:/etc/postfix/x\nrelayhost = [a.example]\n");
    std::os::unix::fs::symlink(world.path("secret"), world.path("a/x")).unwrap();
    let run = import(&world, "a", "--report report.txt");
    assert!(!run.stdout.contains("stranger") && !world.read("report.txt").contains("stranger"));
}

#[test]
fn accounts_go_to_a_file_of_their_own_outside_of_version_control() {
    let world = World::new();
    copy(&world, "wrong-port", &|_, bytes| bytes);
    let run = import(&world, "wrong-port", "-q -o relay.toml --relay-env relay.env");
    assert_eq!(run.code, 0, "{run}");
    assert_eq!(
        world.read("relay.env"),
        format!("RELAY_USERNAME=sat1@acme.example\nRELAY_PASSWORD={PASSWORD}\n")
    );
    assert_eq!(fs_err::metadata(world.path("relay.env")).unwrap().permissions().mode() & 0o777, 0o600);
    fs_err::create_dir(world.path(".git")).unwrap();
    fs_err::create_dir(world.path("inside")).unwrap();
    for file in ["other.env", "inside/relay.env", "-"] {
        let run = import(&world, "wrong-port", &format!("-q --relay-env {file}"));
        assert_eq!(run.code, 2, "{run}");
        assert!(run.stdout.is_empty() && !run.stderr.contains(PASSWORD), "{run}");
    }
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let world = World::new().file("relay.toml", "mine");
    copy(&world, "wrong-port", &|_, bytes| bytes);
    assert_eq!(import(&world, "wrong-port", "-o relay.toml").code, 2);
    assert_eq!(import(&world, "wrong-port", "--report relay.toml").code, 2);
    assert_eq!(world.read("relay.toml"), "mine");
}

#[test]
fn answers_fill_what_is_open() {
    let world = World::new();
    copy(&world, "gmail-twice", &|_, bytes| bytes);
    let run = import(&world, "gmail-twice", "-q --root-mail-to ops@acme.example --name acme-relay");
    assert_eq!(run.code, 0, "{run}");
    assert!(
        run.stdout.contains("root-mail-to = \"ops@acme.example\"")
            && run.stdout.contains("name = \"acme-relay\"")
    );
    assert_eq!(import(&world, "gmail-twice", "--provider gmial").code, 2);
    assert_eq!(import(&world, "gmail-twice", "--profile relay").code, 2);
    assert_eq!(import(&world, "gmail-twice", "--target beos").code, 2);
}

#[test]
fn several_hosts_become_a_fleet_whose_rows_are_their_own_imports() {
    let world = World::new();
    copy(&world, "fleet-of-six", &|_, bytes| bytes);
    let run = import(&world, "fleet-of-six", "-q -o fleet");
    assert_eq!(run.code, 0, "{run}");
    let files = ["fleet.toml", "base.toml", "hosts.csv", "report.txt"]
        .map(|name| format!("--- {name}\n{}", world.read(&format!("fleet/{name}"))));
    insta::assert_snapshot!("fleet-of-six", files.join("\n"));
    let run = world.run("check fleet/fleet.toml");
    assert_eq!(run.code, 0, "{run}");
    for host in ["db1", "mon1", "stg1", "stg2", "web1", "web2"] {
        world.run(&format!("import fleet-of-six/{host} -q -o {host}.toml"));
        world.run(&format!("render {host}.toml --target debian-13 -o alone-{host}"));
        world.run(&format!(
            "render fleet/fleet.toml --only host={host} --target debian-13 -o of-fleet-{host}"
        ));
        let name = format!("of-fleet-{host}/mail-relay-{host}/etc/postfix/main.cf");
        assert_eq!(world.read(&name), world.read(&format!("alone-{host}/etc/postfix/main.cf")), "{host}");
    }
}

#[test]
fn the_collector_is_printed() {
    let world = World::new();
    let run = world.run("import --collect");
    assert!(run.code == 0 && run.stdout.starts_with("#!/bin/sh\n"), "{run}");
    assert_eq!(world.run("import").code, 2);
}
