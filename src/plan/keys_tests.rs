//! The table of keys against what relays really set.

use std::collections::{BTreeMap, BTreeSet};

use super::tests::checked;
use super::verdicts::samples::{sample, with};
use super::{clients, host, main_cf};
use crate::diag::{Diagnostic, Source, has_errors, render_text};
use crate::keys::{self, Key, Relation};
use crate::relay::{Profile, Providers, Relay};
use crate::spec;

fn relay(profile: Profile, more: &str) -> Option<Relay> {
    spec::load(&with(profile, more), &Providers::builtin()).0.map(|checked| checked.relay)
}

/// The parameters of main.cf that a relay sets, with their values.
fn of_main(relay: &Relay) -> BTreeMap<String, String> {
    let main = main_cf::main_cf(relay).unwrap();
    let always = main.iter().map(|setting| (setting.name.clone(), setting.value.as_str().to_owned()));
    let where_known = clients::where_known(relay).into_iter().filter_map(|line| line.split_once('='));
    always.chain(where_known.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The parameters that a relay sets, with their values: main.cf and the options of services.
fn set_by(relay: &Relay) -> BTreeMap<String, String> {
    let mut set = of_main(relay);
    for edit in host::master_edits(relay) {
        for option in edit.split(" -o ").skip(1) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            set.entry(name.to_owned()).or_default().push_str(value);
        }
    }
    set
}

fn findings(source: &Source) -> Vec<Diagnostic> {
    checked(source).1
}

/// Each key with an example, in each of its profiles.
fn samples() -> impl Iterator<Item = (&'static Key, Profile, String)> {
    // The specs below the examples have a profile.
    let keys = keys::all().iter().filter(|key| !key.examples.is_empty() && key.path != "relay.profile");
    keys.flat_map(|key| key.profiles.iter().map(move |profile| (key, *profile, sample(&key.path))))
}

#[test]
fn every_example_passes_in_every_profile_of_its_key() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (key, profile, more) in samples() {
        let source = with(profile, &more);
        let found = findings(&source);
        count += 1;
        if has_errors(&found) {
            wrong.push(format!(
                "{} in {}\n{}",
                key.path,
                profile.name(),
                render_text(&found, &source, false)
            ));
        }
    }
    assert!(count > 500, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_other_profile_rejects_the_example() {
    let mut wrong = Vec::new();
    for key in keys::all().iter().filter(|key| !key.examples.is_empty()) {
        for profile in Profile::ALL.iter().filter(|profile| !key.is_for(**profile)) {
            if !has_errors(&findings(&with(*profile, &sample(&key.path)))) {
                wrong.push(format!("{} passes in {}", key.path, profile.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys of parts that postpack packs, and of names within tables, whose examples are in the table that contains them; and a
/// key that needs a second file, which tests/cli/tables.rs has.
const WITHOUT_EXAMPLE: &[&str] = &["package.changelog.", "dependencies.", "tables.NAME.file"];

#[test]
fn every_key_has_an_example_and_one_sentence() {
    let mut wrong = Vec::new();
    for key in keys::all() {
        if key.examples.is_empty() && !WITHOUT_EXAMPLE.iter().any(|part| key.path.starts_with(part)) {
            wrong.push(format!("{} has no example", key.path));
        }
        if key.summary.is_empty() || !key.summary.ends_with(['.', ':']) {
            wrong.push(format!("{}: {:?}", key.path, key.summary));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Parameters that the host sets, and not the package.
const OF_HOST: &[&str] = &[
    "myhostname",
    "relay_ca_file",
    "relay_fallback",
    "relay_from",
    "relay_return",
    "relay_root_address",
    "relay_root_mail_to",
    "relay_smarthosts",
    "smtp_tls_wrappermode",
];

#[test]
fn a_parameter_that_a_relay_sets_has_one_deciding_key() {
    let mut set: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let alone = Profile::ALL.iter().map(|profile| (*profile, String::new()));
    for (profile, more) in samples().map(|(_, profile, more)| (profile, more)).chain(alone) {
        for name in of_main(&relay(profile, &more).unwrap()).into_keys() {
            set.entry(name).or_default().insert(profile.name());
        }
    }
    // [main-cf] of its own example.
    set.remove("smtp_helo_timeout");
    let mut wrong = Vec::new();
    for (name, profiles) in &set {
        let decides = |key: &&Key| key.decides.contains(&name.as_str());
        let everywhere: Vec<&Key> = keys::all().iter().filter(decides).collect();
        match keys::internal(name) {
            Some(_) if everywhere.is_empty() => continue,
            Some(_) => wrong.push(format!("{name} is internal, and {} decides it", everywhere[0].path)),
            None => {}
        }
        for profile in Profile::ALL.iter().filter(|profile| profiles.contains(profile.name())) {
            let here: Vec<&str> =
                everywhere.iter().filter(|key| key.is_for(*profile)).map(|key| key.path.as_str()).collect();
            // Where no key of the profile decides it, the profile itself does, instead of a key of another one.
            if here.len() > 1 || everywhere.is_empty() {
                wrong.push(format!("{name} in {}: {here:?}", profile.name()));
            }
        }
    }
    for (name, _) in keys::INTERNAL {
        if !name.starts_with("relay_") && !set.contains_key(*name) {
            wrong.push(format!("{name} is internal, and no relay sets it"));
        }
    }
    assert!(set.len() > 100, "{}", set.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Parameters with the same value in every relay that has them: they name a table or a parameter of the host, and keys decide
/// what that contains.
const CONSTANT: &[&str] = &[
    "canonical_classes",
    "canonical_maps",
    "recipient_canonical_classes",
    "recipient_canonical_maps",
    "relayhost",
    "sender_canonical_classes",
    "smtp_generic_maps",
    "smtp_header_checks",
    "smtp_tls_CAfile",
    "smtpd_sender_login_maps",
    "virtual_mailbox_maps",
];

/// Relations that the example of the key does not show, and what does.
const UNSEEN: &[(&str, &str, &str)] = &[
    ("relay.from", "sender_canonical_maps", "`from` is in the specs below the examples"),
    ("relay.provider", "smtputf8_enable", "a provider with SMTPUTF8"),
    ("relay.root-mail-to", "virtual_alias_maps", "`root-mail-to` is in the specs below the examples"),
    ("server.proxy-protocol", "postscreen_upstream_proxy_protocol", "[postscreen]"),
    ("smarthost.host", "smtp_fallback_relay", "provider = \"direct\""),
    ("smarthost.tls", "smtp_tls_security_level", "`none`, without a password"),
    ("tls.level", "smtp_dns_support_level", "`dane`"),
    ("tls.level", "smtp_tls_policy_maps", "`secure` with [transports]"),
    ("tls.match", "smtp_tls_verify_cert_match", "`verify`"),
    ("tls.policies", "smtp_dns_support_level", "`dane`"),
    ("transports", "smtp_dns_support_level", "`dane`"),
    ("transports", "smtp_tls_policy_maps", "names in `tls.match`"),
];

#[test]
fn a_key_decides_what_it_says() {
    let alone: BTreeMap<&str, BTreeMap<String, String>> =
        Profile::ALL.iter().map(|profile| (profile.name(), set_by(&relay(*profile, "").unwrap()))).collect();
    let mut changed: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for (key, profile, more) in samples() {
        let now = set_by(&relay(profile, &more).unwrap());
        // The same without the key, if that is a spec.
        let without = relay(profile, key.with).map(|relay| set_by(&relay));
        let without = without.as_ref().unwrap_or(&alone[profile.name()]);
        for (name, relation) in key.parameters() {
            let differs = now.get(name) != without.get(name);
            if relation != Relation::Replaces && !OF_HOST.contains(&name) && !CONSTANT.contains(&name) {
                *changed.entry((&key.path, name)).or_default() |= differs;
            }
        }
    }
    let unseen: Vec<_> = changed.iter().filter(|(_, changed)| !**changed).map(|(pair, _)| *pair).collect();
    let known: Vec<_> = UNSEEN.iter().map(|(key, name, _)| (*key, *name)).collect();
    assert_eq!(unseen, known);
    assert!(changed.len() > 120, "{}", changed.len());
}

/// A hint names a key that a spec of the profile can have, and that has to do with the parameter.
#[test]
fn a_hint_names_keys_of_the_profile() {
    for profile in Profile::ALL {
        for key in keys::all() {
            for (name, _) in key.parameters() {
                for hint in keys::hint(name, *profile) {
                    let hinted = keys::get(hint).unwrap();
                    assert!(hinted.is_for(*profile), "{hint} in {}", profile.name());
                    assert!(hinted.parameters().any(|(one, _)| one == name), "{hint}: {name}");
                }
            }
        }
    }
}

/// All parts of the examples of codes: what is refused, and with which code, and what is not.
#[test]
fn the_examples_of_codes_are_true() {
    let mut wrong = Vec::new();
    for code in crate::explain::codes() {
        let profile = Profile::ALL.iter().find(|profile| profile.name() == code.profile).unwrap();
        let source = |part: &str| {
            if part.parse::<toml::Table>().is_ok() {
                with(*profile, part)
            } else {
                Source { name: "relay.toml".to_owned(), text: part.to_owned() }
            }
        };
        if !code.bad.is_empty() && !findings(&source(&code.bad)).iter().any(|found| found.code == code.name) {
            wrong.push(format!("{}: {:?} passes", code.name, code.bad));
        }
        let found = findings(&source(&code.good));
        if has_errors(&found) || found.iter().any(|found| found.code == code.name && !code.bad.is_empty()) {
            wrong.push(format!(
                "{}: {:?}\n{}",
                code.name,
                code.good,
                render_text(&found, &source(&code.good), false)
            ));
        }
    }
    assert!(crate::explain::codes().len() > 100);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
