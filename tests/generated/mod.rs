//! The generated files of the repository are what the code would generate now.
//!
//! `POSTPACK_GENERATE=1 cargo test --test integration generated` (or `just generate`) writes them.

mod exposure;
mod providers;
mod site;

use std::fmt::Write as _;
use std::path::Path;

use postpack::keys::{self, reference};
use postpack::relay::Profile;

/// Compares a file with what it should hold, or writes it.
fn hold(path: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("POSTPACK_GENERATE").is_some() {
        fs_err::write(path, expected).unwrap();
        return;
    }
    let actual = fs_err::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{} is stale: run `just generate`", path.display());
}

#[test]
fn the_schema_is_up_to_date() {
    let text = serde_json::to_string_pretty(&keys::schema::published()).unwrap();
    hold("docs/spec.schema.json", &format!("{text}\n"));
}

#[test]
fn the_command_reference_is_up_to_date() {
    let mut command = postpack::cli::command().term_width(100);
    command.build();
    let mut text = String::from("# The command line\n\n<!-- Generated: just generate -->\n");
    for verb in std::iter::once(command.clone()).chain(command.get_subcommands().cloned()) {
        if verb.get_name() == "help" {
            continue;
        }
        let title = if verb.get_name() == "postpack" {
            "postpack".to_owned()
        } else {
            format!("postpack {}", verb.get_name())
        };
        let help = verb.clone().render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(text, "\n## {title}\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    }
    hold("docs/cli.md", &text);
}

#[test]
fn the_spec_reference_is_up_to_date() {
    hold("docs/spec.md", &reference::spec_md());
}

/// What `mail-relay show-config` reads.
#[test]
fn the_origins_of_the_host_are_up_to_date() {
    hold("templates/host/lib/origins.tsv", &reference::origins_tsv());
}

/// The parameters that are not free, from the table that `check` and `apply` read.
#[test]
fn the_parameter_reference_is_up_to_date() {
    let mut text = String::from(
        "# Postfix parameters\n\n<!-- Generated: just generate -->\n\nThese parameters are restricted. All others in postconf(5) can be \
         set in `[main-cf]` of a spec, in the options of its services, and in `main.cf.d` of a host. The source is \
         `pkg/postfix/verdicts.tsv`, where every parameter has a verdict; the keys are from the table of keys (`src/keys`).\n\n\
         - **never**: rejected in `[main-cf]`, for services of Postfix or other sections, and in `main.cf.d`.\n\
         - **must**: other values are rejected in the same places.\n\
         - **spec**: rejected in `[main-cf]`, because a key decides it. A host may differ in `main.cf.d`.\n\
         - **section**: rejected in `[main-cf]` while the relay sets it, by one of these keys or for its profile; with a \
         reason, also for services of Postfix.\n\
         - **no effect**: `check` warns.\n\n\
         | Parameter | Profiles | Verdict | Keys | Reason |\n|---|---|---|---|---|\n",
    );
    let rows = include_str!("../../pkg/postfix/verdicts.tsv").lines().filter(|line| !line.starts_with('#'));
    for row in rows.map(|line| line.split('\t').collect::<Vec<_>>()) {
        let [name, profiles, verdict, why, _] = row.as_slice() else { panic!("{row:?}") };
        let (rule, unless) = verdict.split_once(" unless ").unwrap_or((verdict, ""));
        let (word, words) = rule.split_once(' ').unwrap_or((rule, ""));
        let words = words.replace('|', "or");
        let mut told = match word {
            "free" => continue,
            "never" => "never".to_owned(),
            "key" => "spec".to_owned(),
            "set" => "section".to_owned(),
            "idle" => "no effect".to_owned(),
            "only" if words.is_empty() => "must be empty".to_owned(),
            "only" => format!("must be `{words}`"),
            "not" => format!("must not contain `{}`", words.replace(' ', "`, `")),
            "has" => format!("must contain `{words}`"),
            "clients" => "must not trust everybody".to_owned(),
            "closed" => "must reject strangers".to_owned(),
            "under" => format!("must begin with `{words}`"),
            _ => "must name a service of master.cf".to_owned(),
        };
        if !unless.is_empty() {
            let _ = write!(told, ", unless `{unless} = true`");
        }
        let of_row =
            |profile: &&Profile| *profiles == "all" || profiles.split(' ').any(|it| it == profile.name());
        let mut keys: Vec<String> = Vec::new();
        for profile in Profile::ALL.iter().filter(of_row) {
            for key in keys::hint(name, *profile).into_iter().map(|key| format!("`{key}`")) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        let why = if *why == "-" { "" } else { why };
        let _ = writeln!(text, "| `{name}` | {profiles} | {told} | {} | {why} |", keys.join(" "));
    }
    hold("docs/parameters.md", &text);
}

/// What an import does with each parameter, and the keys that say the same.
#[test]
fn the_reference_of_the_import_is_up_to_date() {
    let mut text = String::from(
        "# Parameters and keys\n\n<!-- Generated: just generate -->\n\n\
         The verdict of `postpack import` on each parameter. The source is `pkg/import/verdicts.tsv`, where every parameter has a row. \
         Parameters that go to `[main-cf]` unchanged in every profile are omitted.\n\n\
         | Parameter | Profiles | Value | Verdict | Keys | Reason |\n|---|---|---|---|---|---|\n",
    );
    let rows = include_str!("../../pkg/import/verdicts.tsv").lines().filter(|line| !line.starts_with('#'));
    for row in rows.map(|line| line.split('\t').collect::<Vec<_>>()) {
        let [name, profiles, values, verdict, keys, reason] = row.as_slice() else { panic!("{row:?}") };
        if (*profiles, *values, *verdict) == ("all", "*", "main-cf") {
            continue;
        }
        let code =
            |text: &str| if text.is_empty() { "empty".to_owned() } else { format!("`{}`", text.trim()) };
        let values: Vec<String> = match *values {
            "*" => Vec::new(),
            "(empty)" => vec!["empty".to_owned()],
            values => values.split('|').map(code).collect(),
        };
        let keys: Vec<String> =
            keys.split(' ').filter(|key| *key != "-").map(|key| format!("`{key}`")).collect();
        let reason = if *reason == "-" { "" } else { reason };
        let _ = writeln!(
            text,
            "| `{name}` | {profiles} | {} | {verdict} | {} | {reason} |",
            values.join(", "),
            keys.join(" ")
        );
    }
    hold("docs/postfix-parameters.md", &text);
}
