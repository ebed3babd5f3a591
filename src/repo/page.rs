//! The page for people: what is here, how to use it, and what changed. One file that needs neither a network nor a script;
//! with a script, the list of packages can be searched.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::keys::Keys;
use super::settings::Settings;
use super::site::Files;
use super::state::State;
use super::{RepoError, clients, day, markup, sha256};
use crate::platform::Format;
use crate::template::{Error, Templates};

/// The page. The release packages, whose digests it shows, are among the files.
///
/// # Errors
/// The template fails.
pub(super) fn html(
    settings: &Settings,
    keys: &Keys,
    state: &State,
    files: &Files,
) -> Result<String, RepoError> {
    let description = &settings.repository;
    let bootstrap = |format: Format| {
        let name = clients::bootstrap_name(settings, format);
        let file = files.pointers.iter().find(|(path, _)| *path == name);
        let digest = file.and_then(|(_, bytes)| bytes.as_deref()).map(sha256);
        json!({ "file": escape(&name), "sha256": digest })
    };
    let keys: Vec<_> = keys
        .certificates()
        .into_iter()
        .map(|key| {
            json!({
                "fingerprint": spaced(&key.fingerprint()),
                "plain": key.fingerprint(),
                "owner": escape(key.user_id()),
                "algorithm": key.algorithm(),
                "expires": key.expires().map(day),
                "revoked": key.is_revoked(),
            })
        })
        .collect();
    let suites: Vec<_> = description
        .suites
        .iter()
        .filter_map(|name| Some((name, state.suites.get(name)?)))
        .map(|(name, suite)| {
            let mut rows: BTreeMap<(&str, &str), BTreeSet<Format>> = BTreeMap::new();
            for item in suite.current().into_iter().flat_map(|publication| state.items_of(publication)) {
                rows.entry((&item.name, &item.version)).or_default().insert(item.format);
            }
            let packages: Vec<_> = rows
                .into_iter()
                .map(|((name, version), formats)| {
                    let formats: Vec<&str> = formats.into_iter().map(Format::name).collect();
                    json!({ "name": escape(name), "version": escape(version), "formats": formats.join(", ") })
                })
                .collect();
            let history: Vec<_> = suite
                .publications
                .iter()
                .rev()
                .map(|one| json!({ "serial": one.serial, "date": day(one.date), "what": escape(&one.what) }))
                .collect();
            json!({ "name": name, "count": packages.len(), "packages": packages, "history": history })
        })
        .collect();
    let values = json!({
        "name": description.name,
        "title": escape(description.title.as_str()),
        "url": description.url,
        "maintainer": escape(description.maintainer.as_str()),
        "deb": bootstrap(Format::Deb),
        "rpm": bootstrap(Format::Rpm),
        "pacman": bootstrap(Format::Pacman),
        "keys": keys,
        "suites": suites,
    });
    let failed = |error: Error| RepoError::Write(error.into());
    Templates::builtin().render("repo/index.html", &values).map_err(failed)
}

/// A text in HTML; templates do not escape.
fn escape(text: &str) -> String {
    markup(text).replace('\'', "&#39;")
}

/// A fingerprint in groups of four, as people compare it.
fn spaced(fingerprint: &str) -> String {
    let groups = fingerprint.as_bytes().chunks(4).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(" ")
}
