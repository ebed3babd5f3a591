use crate::cli::world::{EXAMPLE, World};

fn wrong() -> String {
    EXAMPLE.replace("eu-west-1", "eu-wst-1").replace("root-mail-to", "rot-mail-to")
}

/// Passes with a warning.
fn warned() -> String {
    format!("{EXAMPLE}\n[tls]\nlevel = \"encrypt\"\n")
}

#[test]
fn what_is_wrong_is_shown_at_its_place() {
    let world = World::with_example().file("wrong.toml", wrong());
    insta::assert_snapshot!(world.said("check relay.toml"), @r#"
    exit 0
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
      Checked relay.toml 1 warning
    "#);
    insta::with_settings!({ filters => vec![("one of: .*", "one of: [regions]")] }, {
        insta::assert_snapshot!(world.said("check wrong.toml"), @r#"
        exit 2
        --- stderr
        error[region]: Amazon SES has no region `eu-wst-1`
          --> wrong.toml:12:10
           |
        12 | region = "eu-wst-1"
           |          ^^^^^^^^^^
           |
           = help: did you mean `eu-west-1`?
           = help: one of: [regions]

        error[unknown-key]: there is no key `rot-mail-to` in [relay]
          --> wrong.toml:14:1
           |
        14 | rot-mail-to = "ops@acme.example"
           | ^^^^^^^^^^^
           |
           = help: did you mean `root-mail-to`?
        "#);
    });
}

#[test]
fn all_specs_are_judged_even_if_one_cannot_be_read() {
    let world = World::with_example()
        .file("bytes.toml", b"a = 1\nb = \"\xff\"\n")
        .file("broken.toml", "[package\n")
        .file("empty.toml", "");
    insta::assert_snapshot!(world.said("check missing.toml bytes.toml broken.toml empty.toml relay.toml"), @r#"
    exit 2
    --- stderr
    error[unreadable]: failed to open file `missing.toml`: No such file or directory (os error 2)
    --> missing.toml
     = help: `postpack init -o relay.toml` writes a starting point
    error[unreadable]: bytes.toml:2: not UTF-8 text (byte 11)
    --> bytes.toml
     = help: a spec is a TOML file, and TOML is UTF-8
    error[syntax]: not TOML: unclosed table, expected `]`
     --> broken.toml:1:9
      |
    1 | [package
      |         ^
    error[missing-key]: `relay` is missing
    --> empty.toml
     = help: add [relay] with provider and from

    error[missing-key]: `package` is missing
    --> empty.toml
     = help: add [package] with name, version and maintainer
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
      Checked relay.toml 1 warning
    "#);
    insta::assert_snapshot!(world.said("check ."), @"
    exit 2
    --- stderr
    error[unreadable]: failed to read from file `.`: Is a directory (os error 21)
    --> .
    ");
}

#[test]
fn standard_input_is_a_spec() {
    let world = World::new();
    insta::assert_snapshot!(world.run_with("check -", EXAMPLE), @r#"
    exit 0
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> <stdin>:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
      Checked <stdin> 1 warning
    "#);
    insta::assert_snapshot!(world.run_with("check -", "[relay]\nprovder = 1\n"), @r#"
    exit 2
    --- stderr
    error[unknown-key]: there is no key `provder` in [relay]
     --> <stdin>:2:1
      |
    2 | provder = 1
      | ^^^^^^^
      |
      = help: did you mean `provider`?

    error[missing-key]: `package` is missing
    --> <stdin>
     = help: add [package] with name, version and maintainer

    warning[root-mail]: mail to root has no recipient: it goes to root@HOST at the smarthost, which probably rejects it
    --> <stdin>
     = help: set the recipient: root-mail-to = "ops@acme.example" in [relay]
    "#);
    insta::assert_snapshot!(world.run_with("check - -", EXAMPLE), @"
    exit 2
    --- stderr
    error: `-` was given more than once; standard input can be read only once
    ");
}

#[test]
fn strict_turns_warnings_into_errors() {
    let world = World::new().file("relay.toml", warned());
    insta::assert_snapshot!(world.said("check relay.toml"), @r#"
    exit 0
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`

    warning[tls-level]: `encrypt` sends the password to any server that answers: the certificate is not verified
      --> relay.toml:17:9
       |
    17 | level = "encrypt"
       |         ^^^^^^^^^
       |
       = help: remove `level`: `secure` is the default
      Checked relay.toml 2 warnings
    "#);
    insta::assert_snapshot!(world.said("check --strict relay.toml"), @r#"
    exit 2
    --- stderr
    error[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`

    error[tls-level]: `encrypt` sends the password to any server that answers: the certificate is not verified
      --> relay.toml:17:9
       |
    17 | level = "encrypt"
       |         ^^^^^^^^^
       |
       = help: remove `level`: `secure` is the default
    "#);
    assert_eq!(world.json("check --format json relay.toml")[0]["ok"], true);
    assert_eq!(world.json("check --format json --strict relay.toml")[0]["ok"], false);
}

#[test]
fn quiet_says_errors_only() {
    let world = World::new().file("warned.toml", warned()).file("wrong.toml", wrong());
    insta::assert_snapshot!(world.said("check --quiet warned.toml"), @"exit 0");
    assert!(world.run("check -q wrong.toml").stderr.starts_with("error"));
}

#[test]
fn json_has_every_place() {
    let world = World::with_example().file("wrong.toml", wrong());
    let run = world.run("check --format json wrong.toml relay.toml missing.toml");
    assert_eq!(run.code, 2);
    assert_eq!(run.stderr, "");
    insta::with_settings!({ filters => vec![("one of: .*", "one of: [regions]\"")] }, {
        insta::assert_snapshot!(run.stdout, @r#"
        [
          {
            "spec": "wrong.toml",
            "ok": false,
            "findings": [
              {
                "severity": "error",
                "code": "region",
                "message": "Amazon SES has no region `eu-wst-1`",
                "place": {
                  "file": "wrong.toml",
                  "line": 12,
                  "column": 10,
                  "end-line": 12,
                  "end-column": 20,
                  "start": 331,
                  "end": 341,
                  "label": ""
                },
                "hints": [
                  "did you mean `eu-west-1`?",
                  "one of: [regions]"
                ]
              },
              {
                "severity": "error",
                "code": "unknown-key",
                "message": "there is no key `rot-mail-to` in [relay]",
                "place": {
                  "file": "wrong.toml",
                  "line": 14,
                  "column": 1,
                  "end-line": 14,
                  "end-column": 12,
                  "start": 372,
                  "end": 383,
                  "label": ""
                },
                "hints": [
                  "did you mean `root-mail-to`?"
                ]
              }
            ]
          },
          {
            "spec": "relay.toml",
            "ok": true,
            "findings": [
              {
                "severity": "warning",
                "code": "example-value",
                "message": "`acme.example` is a domain for examples: it receives no mail",
                "place": {
                  "file": "relay.toml",
                  "line": 7,
                  "column": 14,
                  "end-line": 7,
                  "end-column": 53,
                  "start": 232,
                  "end": 271,
                  "label": ""
                },
                "hints": [
                  "replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`"
                ]
              }
            ]
          },
          {
            "spec": "missing.toml",
            "ok": false,
            "findings": [
              {
                "severity": "error",
                "code": "unreadable",
                "message": "failed to open file `missing.toml`: No such file or directory (os error 2)",
                "place": null,
                "hints": [
                  "`postpack init -o relay.toml` writes a starting point"
                ]
              }
            ]
          }
        ]
        "#);
    });
    let all = world.json("check --format json wrong.toml");
    for finding in all[0]["findings"].as_array().unwrap() {
        let place = &finding["place"];
        let at = |name: &str| usize::try_from(place[name].as_u64().unwrap()).unwrap();
        let line = wrong().lines().nth(at("line") - 1).unwrap().to_owned();
        assert_eq!(line[at("column") - 1..at("end-column") - 1], wrong()[at("start")..at("end")]);
    }
}

#[test]
fn tokens_are_refused_where_no_package_has_the_plugin() {
    let tokens = EXAMPLE.replace("provider = \"ses\"\nregion = \"eu-west-1\"", "provider = \"gmail\"")
        + "\n[smarthost]\nauth = \"xoauth2\"\n";
    let on = |targets: &str| tokens.replacen("[relay]", &format!("targets = [{targets}]\n\n[relay]"), 1);
    let plugin = "\n[dependencies.deb]\ndepends = \"sasl-xoauth2 (>= 0.24)\"\n";
    let world = World::with_example()
        .file("refused.toml", on("\"deb\", \"opensuse-leap-15.6\", \"rhel-9\""))
        .file("fedora.toml", on("\"fedora-44\", \"rhel-9\""))
        .file("own.toml", on("\"deb\"") + plugin);
    assert!(world.said("check fedora.toml own.toml").contains("exit 0"));
    let refused = world.said("check refused.toml");
    for words in [
        "exit 2",
        "error[xoauth2]: some of the targets have no package of the SASL plugin for XOAUTH2",
        "debian-12, ",
        "opensuse-leap-15.6",
        "auth = \"password\" with an app password",
        "auth = \"none\" with a smarthost that accepts the IP address of the host",
        "only for the other targets: targets = [\"rhel-9\"] in [package]",
    ] {
        assert!(refused.contains(words), "{words}: {refused}");
    }
}

#[test]
fn restrictions_are_judged_where_they_stand() {
    let profile = "profile = \"null-client\"";
    assert!(EXAMPLE.contains(profile));
    let spec = EXAMPLE.replace(profile, "profile = \"lan-relay\"")
        + r#"
[network]
trusted = "192.168.1.0/24"

[restrictions]
client = ["reject_rbl_client"]
helo = ["reject_invalid_helo_hostnam", "reject_invalid_hostname"]
sender = "check_policy_service policy"
recipient = ["check_relay_domains", "reject_rbl_client dnsbl.sorbs.net"]
"#;
    let world = World::new().file("lan.toml", spec);
    insta::assert_snapshot!("restrictions", world.said("check lan.toml"));
}
