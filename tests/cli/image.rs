//! `postpack image`: each recipe is parsed by a program that reads its language.

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::cli::world::World;

/// Two smarthosts with separate accounts, and a name that no template contains.
const SPEC: &str = r#"
[package]
name = "zeta-relay"
version = "2.0.0"
maintainer = "Ops <ops@zeta.example>"

[relay]
profile = "null-client"
from = "noreply@zeta.example"
root-mail-to = "ops@zeta.example"

[[smarthost]]
name = "main"
host = "smtp.zeta.example"

[[smarthost]]
name = "backup"
host = "smtp2.zeta.example"
"#;
const KEYS: [&str; 4] =
    ["relay_main_username", "relay_main_password", "relay_backup_username", "relay_backup_password"];

fn names(world: &World) -> Vec<String> {
    world
        .result("image")
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_list() {
    insta::assert_snapshot!(World::new().result("image"));
}

#[test]
fn each_names_the_package_its_credentials_and_the_proof() {
    let world = World::new().file("relay.toml", SPEC);
    let names = names(&world);
    assert!(names.len() >= 13, "{names:?}");
    for name in &names {
        let text = world.result(&format!("image {name}"));
        insta::assert_snapshot!(format!("image-{name}"), text);
        let lower = text.to_lowercase();
        for key in KEYS {
            assert!(lower.contains(key), "{name} does not name {key}");
        }
        // JSON has no comments.
        if name != "ignition" {
            assert!(text.contains("mail-relay test"), "{name}");
            assert!(text.contains("zeta-relay") || name == "cloud-init-boothook", "{name}");
            assert!(text.contains("Credentials"), "{name}");
        }
        assert!(!text.contains("{{") || name == "ansible", "{name}");
        assert!(text.lines().all(|line| line.len() <= 180 && !line.ends_with(' ')), "{name}");
    }
}

/// Standard output of a program that reads the text.
fn judged(program: &str, words: &[&str], text: &str) -> String {
    let mut reader = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    reader.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = reader.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn yaml(text: &str) -> serde_json::Value {
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))";
    serde_json::from_str(&judged("/usr/bin/python3", &["-c", program], text)).unwrap()
}

#[test]
fn real_readers_take_them() {
    let world = World::new().file("relay.toml", SPEC);
    let recipe = |name: &str| world.result(&format!("image {name}"));
    for name in names(&world) {
        let text = recipe(&name);
        if text.contains("#!/bin/sh") {
            judged("sh", &["-n"], &text);
        }
    }
    let files = |list: &serde_json::Value| -> Vec<String> {
        let path = |file: &serde_json::Value| file["path"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(path).collect()
    };
    let expected: Vec<String> = KEYS.iter().map(|key| format!("/etc/credstore/{key}")).collect();
    for name in ["cloud-init", "cloud-init-repository"] {
        let config = yaml(&recipe(name));
        assert_eq!(files(&config["write_files"]), expected);
        for file in config["write_files"].as_array().unwrap() {
            assert_eq!((file["content"].as_str(), file["permissions"].as_str()), (Some(""), Some("0600")));
        }
        assert!(config["merge_how"].is_array());
        // At the top level cloud-init of 2025 refuses it, and that of 2022 ignores it.
        assert!(config.get("debconf_selections").is_none());
    }
    let repository = yaml(&recipe("cloud-init-repository"));
    let debconf = &repository["apt"]["debconf_selections"]["zeta-relay"];
    assert_eq!(debconf, "postfix postfix/main_mailer_type select No configuration");
    assert_eq!(repository["packages"], serde_json::json!(["zeta-relay"]));
    // Else a boot waits for a package index, and reports the preseeded package as a fault.
    let image = yaml(&recipe("cloud-init"));
    assert!(image.get("packages").is_none() && image.get("apt").is_none());

    let autoinstall = &yaml(&recipe("autoinstall"))["autoinstall"];
    assert_eq!(files(&autoinstall["user-data"]["write_files"]), expected);
    let ansible = yaml(&recipe("ansible"));
    let tasks = ansible[0]["tasks"].as_array().unwrap();
    assert!(tasks.iter().any(|task| task["loop"].as_array().is_some_and(|keys| keys.len() == KEYS.len())));
    assert_eq!(tasks.last().unwrap()["ansible.builtin.command"], "mail-relay test");
    let ignition: serde_json::Value = serde_json::from_str(&recipe("ignition")).unwrap();
    assert_eq!(files(&ignition["storage"]["files"]), expected);
}

#[test]
fn a_relay_without_credentials_has_recipes_as_well() {
    let open = SPEC.replace("[[smarthost]]", "[[smarthost]]\nauth = \"none\"");
    let world = World::new().file("relay.toml", open);
    for name in names(&world) {
        let text = world.result(&format!("image {name}"));
        assert!(!text.to_lowercase().contains("relay_main"), "{name}");
        if text.contains("#!/bin/sh") {
            judged("sh", &["-n"], &text);
        }
    }
    assert!(yaml(&world.result("image cloud-init")).get("write_files").is_none());
}

#[test]
fn into_a_folder() {
    let world = World::with_example();
    insta::assert_snapshot!(world.said("image cloud-init relay.toml -o out"), @r#"
    exit 0
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
        Wrote out/acme-mail-relay.cloud-init.yaml first boot of an image that contains the package
    "#);
    insta::assert_snapshot!(world.said("image cloud-init relay.toml -o out"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: out/acme-mail-relay.cloud-init.yaml already exists
    "#);
    world.result("build relay.toml -o dist");
    assert_eq!(
        world.read("dist/acme-mail-relay.cloud-init.yaml"),
        world.read("out/acme-mail-relay.cloud-init.yaml")
    );
}

#[test]
fn refused() {
    let world = World::new().file("relay.toml", SPEC.replace("[relay]", "targets = [\"deb\"]\n\n[relay]"));
    insta::assert_snapshot!(world.said("image cloudinit relay.toml"), @"
    exit 2
    --- stderr
    error: there is no recipe `cloudinit`
    hint: did you mean `cloud-init`?
    ");
    insta::assert_snapshot!(world.said("image bootc relay.toml"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `zeta.example` is a domain for examples: it receives no mail
     --> relay.toml:5:14
      |
    5 | maintainer = "Ops <ops@zeta.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from`, `relay.root-mail-to` and `smarthost.host`
    error: the recipe bootc installs rpm, which relay.toml does not build
    hint: add the format to `package.targets`: rpm
    "#);
}
