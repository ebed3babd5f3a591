//! The reference of providers, and the examples that belong to it.

use std::fmt::Write as _;
use std::path::Path;

use postpack::relay::{Auth, Provider, ProviderPort, Providers};

use super::hold;

/// A section for each provider, from `pkg/providers`, with the examples that use it.
#[test]
fn the_provider_reference_is_up_to_date() {
    let mut text = String::from(
        "# Providers\n\n<!-- Generated: just generate -->\n\nThe presets of mail providers. `[relay] provider` selects one. For \
         any other smarthost, set `[smarthost] host`, with `provider = \"custom\"` or none. `postpack providers NAME` shows \
         the same. [Accounts](accounts.md) describes how to prepare an account and a domain.\n",
    );
    let examples = examples();
    for provider in Providers::builtin().all() {
        let _ = write!(text, "\n## {}\n\n{}", provider.title, page(&provider, &examples, "../examples"));
    }
    hold("docs/providers.md", &text);
}

/// The facts about a provider in Markdown, without a heading. `folder` is the one of the examples, relative to the page.
pub(super) fn page(provider: &Provider, examples: &[(String, String)], folder: &str) -> String {
    let mut text = format!("`provider = \"{}\"`", provider.name);
    if let Some(url) = &provider.url {
        let _ = write!(text, "; [documentation]({url})");
    }
    text.push_str("\n\n| | |\n|---|---|\n");
    for (name, value) in rows(provider) {
        let _ = writeln!(text, "| {name} | {} |", value.replace('|', "\\|"));
    }
    let own: Vec<String> = examples
        .iter()
        .filter(|(_, of)| *of == provider.name)
        .map(|(file, _)| format!("[{file}]({folder}/{file})"))
        .collect();
    let spec = match own.as_slice() {
        [] => format!("`postpack init --provider {}`", provider.name),
        own => own.join(", "),
    };
    let _ = writeln!(text, "| spec | {spec} |");
    if !provider.notes.is_empty() {
        text.push('\n');
    }
    for note in &provider.notes {
        let _ = writeln!(text, "- {} ([source]({}), {})", note.text, note.source, note.date);
    }
    text
}

/// The files of `examples`, each with the provider it names.
pub(super) fn examples() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let spec: toml::Table = fs_err::read_to_string(&path).unwrap().parse().unwrap();
        let provider =
            spec["relay"].get("provider").and_then(toml::Value::as_str).unwrap_or(Provider::CUSTOM);
        found.push((path.file_name().unwrap().to_str().unwrap().to_owned(), provider.to_owned()));
    }
    found.sort();
    found
}

/// The facts about a provider, by name.
fn rows(provider: &Provider) -> Vec<(&'static str, String)> {
    let list = |words: Vec<String>| Some(words.join(", ")).filter(|text| !text.is_empty());
    let quoted = |text: &str| format!("`{text}`");
    let regions = || provider.regions.iter().map(|(name, host)| format!("`{name}`: `{host}`")).collect();
    let port = |port: &ProviderPort| format!("{} ({})", port.port, port.tls.name());
    let auth = |auth: &Auth| match auth {
        Auth::Password => "password".to_owned(),
        Auth::Xoauth2 => "access token (`xoauth2`)".to_owned(),
        Auth::None => "by IP address (`none`)".to_owned(),
    };
    let usual = provider.default_region.as_deref().map(quoted);
    [
        ("host", provider.host.as_deref().map(quoted)),
        ("hosts by `region`", list(regions())),
        ("default `region`", usual),
        ("ports", list(provider.ports.iter().map(port).collect())),
        ("login", list(provider.auth.iter().map(auth).collect())),
        ("`RELAY_USERNAME`", provider.username.clone()),
        ("`RELAY_PASSWORD`", provider.password.clone()),
        ("sender", provider.sender_rule.clone()),
        ("largest message", provider.message_size.map(|size| format!("{size} bytes, as sent"))),
        ("recipients of a message", provider.recipients.map(|count| count.to_string())),
        ("connections at a time", provider.concurrency.map(|count| count.to_string())),
        ("pause between messages", provider.rate_delay.map(|seconds| format!("{seconds} s"))),
        ("SMTPUTF8", Some(if provider.smtputf8 { "yes" } else { "no" }.to_owned())),
        ("null sender (bounces)", Some(provider.null_sender_text().to_owned())),
        ("not verified", list(provider.unverified.iter().map(|name| quoted(name)).collect())),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The five guides behind the first examples: each of their providers has one, and so has each profile.
#[test]
fn every_provider_of_the_guides_has_an_example() {
    let examples = examples();
    let count = |name: &str| examples.iter().filter(|(_, of)| of == name).count();
    for (provider, least) in
        [("gmail", 1), ("sendgrid", 1), ("mailgun", 1), ("ses", 1), ("google-workspace", 3)]
    {
        assert!(count(provider) >= least, "{provider}");
    }
    let readme = fs_err::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for (file, _) in &examples {
        assert!(readme.contains(&format!("(examples/{file})")), "{file} is not linked in the README");
    }
}
