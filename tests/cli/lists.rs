//! What postpack knows: providers, profiles, targets, the schema; completions and man pages.

use std::process::{Command, Stdio};

use crate::cli::world::World;

#[test]
fn providers() {
    let world = World::new();
    insta::assert_snapshot!("providers", world.result("providers"));
    insta::assert_snapshot!("providers-gmail", world.result("providers gmail"));
    insta::assert_snapshot!(world.said("providers sess"), @"
    exit 2
    --- stderr
    error: there is no provider `sess`
    hint: did you mean `ses`?
    ");
    let all = world.json("providers --format json");
    for provider in all.as_array().unwrap() {
        let name = provider["name"].as_str().unwrap();
        assert_eq!(&world.json(&format!("providers {name} --format json")), provider);
        assert!(world.result(&format!("providers {name}")).contains(provider["title"].as_str().unwrap()));
    }
}

#[test]
fn profiles_and_targets() {
    let world = World::new();
    insta::assert_snapshot!(world.result("profiles"), @"
    PROFILE       DESCRIPTION
    null-client   sends only: mail of the host leaves through a smarthost; it receives none
    lan-relay     sends for a network: mail of trusted hosts leaves through a smarthost
    mail-gateway  receives for domains: rejects abuse, and relays the rest to backends
    submission    sends for users: accepts mail from authenticated users on 587 and 465, and relays it
    mail-server   a mail server: delivers to mailboxes in Dovecot, and sends mail of their owners
    ");
    insta::assert_snapshot!(world.result("profiles --format json"), @r#"
    [
      {
        "name": "null-client",
        "summary": "sends only: mail of the host leaves through a smarthost; it receives none"
      },
      {
        "name": "lan-relay",
        "summary": "sends for a network: mail of trusted hosts leaves through a smarthost"
      },
      {
        "name": "mail-gateway",
        "summary": "receives for domains: rejects abuse, and relays the rest to backends"
      },
      {
        "name": "submission",
        "summary": "sends for users: accepts mail from authenticated users on 587 and 465, and relays it"
      },
      {
        "name": "mail-server",
        "summary": "a mail server: delivers to mailboxes in Dovecot, and sends mail of their owners"
      }
    ]
    "#);
    insta::assert_snapshot!("targets", world.result("targets"));
    let targets = world.json("targets --format json");
    let text = world.result("targets");
    assert_eq!(text.lines().count(), targets.as_array().unwrap().len() + 1);
    for target in targets.as_array().unwrap() {
        assert!(text.contains(target["id"].as_str().unwrap()));
        assert!(text.contains(target["postfix"]["version"].as_str().unwrap()));
    }
    insta::assert_snapshot!(world.said("targets --format yaml"), @"
    exit 2
    --- stderr
    error: invalid value 'yaml' for '--format <FORMAT>'
      [possible values: text, json]

    For more information, try '--help'.
    ");
}

#[test]
fn the_schema_is_the_published_one() {
    assert_eq!(World::new().result("schema"), include_str!("../../docs/spec.schema.json"));
}

#[test]
fn completions_are_scripts_of_their_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = world.result(&format!("completions {shell}"));
        for word in ["package-format", "providers", "strict"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    fs_err::write(world.path("bash"), world.result("completions bash")).unwrap();
    let script = ". ./bash; COMP_WORDS=(postpack bu); COMP_CWORD=1; _postpack postpack bu postpack; echo \"$COMPREPLY\"";
    let mut bash = Command::new("bash");
    bash.args(["-c", script]).current_dir(world.path("")).stdin(Stdio::null());
    assert_eq!(String::from_utf8(bash.output().unwrap().stdout).unwrap(), "build\n");
    insta::assert_snapshot!(world.said("completions tcsh"), @"
    exit 2
    --- stderr
    error: invalid value 'tcsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'zsh'

    For more information, try '--help'.
    ");
}

#[test]
fn man_pages() {
    let world = World::new();
    let page = world.result("man");
    assert!(page.contains(".TH postpack 1"), "{page}");
    insta::assert_snapshot!(world.said("man -o pages/man1"), @"
    exit 0
    --- stderr
        Wrote pages/man1
    ");
    insta::assert_snapshot!(world.names("pages/man1"), @"
    postpack-build.1
    postpack-check.1
    postpack-completions.1
    postpack-diff.1
    postpack-explain.1
    postpack-image.1
    postpack-import.1
    postpack-init.1
    postpack-inspect.1
    postpack-key-extend.1
    postpack-key-new.1
    postpack-key-revoke.1
    postpack-key-rotate.1
    postpack-key-show.1
    postpack-key.1
    postpack-man.1
    postpack-merge.1
    postpack-profiles.1
    postpack-providers.1
    postpack-render.1
    postpack-repo-check.1
    postpack-repo-init.1
    postpack-repo-promote.1
    postpack-repo-prune.1
    postpack-repo-publish.1
    postpack-repo-remove.1
    postpack-repo-resign.1
    postpack-repo-rollback.1
    postpack-repo-upload-plan.1
    postpack-repo-verify.1
    postpack-repo.1
    postpack-schema.1
    postpack-sign.1
    postpack-targets.1
    postpack-verify.1
    postpack.1
    ");
    assert!(world.read("pages/man1/postpack-build.1").contains("package\\-format"));
}

/// A key, a parameter, a section, the code of a finding here and on the host, and names that are none of these.
#[test]
fn explain() {
    let world = World::new();
    for name in [
        "limits.hops",
        "hopcount_limit",
        "mynetworks",
        "mydestination",
        "host-name",
        "parameter-owned",
        "headers",
    ] {
        insta::assert_snapshot!(format!("explain-{name}"), world.result(&format!("explain {name}")));
    }
    insta::assert_snapshot!("explain-json", world.result("explain mynetworks --format json"));
    assert_eq!(world.json("explain aliases.webmaster --format json")[0]["name"], "aliases");
    assert_eq!(world.json("explain credentials-missing --format json")[0]["topic"], "finding");
    for (name, near) in [("hops", "limits.hops"), ("limits.hop", "limits.hops"), ("mynetwork", "mynetworks")]
    {
        let said = world.said(&format!("explain {name}"));
        assert!(said.contains("exit 2") && said.contains(&format!("did you mean `{near}`?")), "{said}");
    }
}

#[test]
fn completions_know_names() {
    let script = World::new().result("completions bash");
    for name in ["mail-gateway", "sendgrid", "limits.hops", "credentials-missing"] {
        assert!(script.contains(name), "{name}");
    }
}
