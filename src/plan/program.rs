//! The host program `mail-relay`: part of each package, or a separate package that configurations share.

use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};
use serde_json::{Value, json};

use super::PlanError;
use super::entry::{document, file, folder, render};
use super::host::{units_of_program, year};
use super::verdicts;
use crate::archive::gzip;
use crate::package::{
    Architecture, Content, Entry, Lifecycle, Meta, Package, Relation, Relations, Release, Requirement,
    Version, Watch,
};
use crate::platform::{Format, FormatFacts};
use crate::relay::Profile;
use crate::spec;
use crate::template::Templates;

/// Name of the package that configurations share.
pub const NAME: &str = "mail-relay";

/// Licence of the host program.
pub(super) const LICENSE: &str = env!("CARGO_PKG_LICENSE");

const AUTHORS: &str = "The postpack authors <postpack@users.noreply.github.com>";

/// Folder of the parts of the program.
const LIB: &str = "/usr/lib/mail-relay";

/// Plain sh and awk: not a template, the same on every host.
static HOST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/host");

/// The package of the program. Its bytes depend only on the version of postpack, so they are the same in all repositories.
///
/// # Errors
/// If a template fails.
pub fn package(format: Format, templates: &Templates) -> Result<Package, PlanError> {
    let time = spec::FALLBACK_TIME;
    let values = json!({
        "program": null,
        "package": NAME,
        "maintainer": AUTHORS,
        "homepage": env!("CARGO_PKG_HOMEPAGE"),
        "license": LICENSE,
        "year": year(time),
        "licenses": licenses(&[LICENSE]),
    });
    let mut entries = entries(format.facts());
    entries.extend(units_of_program(&format.facts().sbin, templates)?);
    for profile in Profile::ALL {
        let path = format!("{LIB}/refused.{}", profile.name());
        entries.push(file(&path, verdicts::for_profile(*profile)));
    }
    entries.push(document(
        &format!("/usr/share/doc/{NAME}/copyright"),
        render(templates, "doc/copyright", &values)?,
    ));
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Package {
        meta: meta(),
        time,
        entries,
        relations: Relations::default(),
        // The packages of configuration watch it: they apply its changes.
        lifecycle: Lifecycle::default(),
    })
}

/// Metadata of the package.
pub fn meta() -> Meta {
    let version = Version::parse(env!("CARGO_PKG_VERSION")).unwrap_or_default().with_revision(1);
    Meta {
        name: NAME.to_owned(),
        version: version.clone(),
        architecture: Architecture::All,
        maintainer: AUTHORS.to_owned(),
        license: LICENSE.to_owned(),
        summary: "host program of mail relays made by postpack".to_owned(),
        description: "Applies, verifies, diagnoses and removes the Postfix configuration of a relay. The configuration\n\
                      comes in a separate package, without which this one does nothing."
            .to_owned(),
        homepage: Some(env!("CARGO_PKG_HOMEPAGE").to_owned()),
        changelog: vec![Release {
            version,
            time: spec::FALLBACK_TIME,
            author: AUTHORS.to_owned(),
            changes: vec![format!("Program of postpack {}.", env!("CARGO_PKG_VERSION"))],
        }],
    }
}

/// The relation of a configuration to the program: this version or a later one, which reads the facts of earlier versions.
pub(super) fn needed() -> Relation {
    // The formats order pre-releases differently, so those are not compared.
    let is_final = env!("CARGO_PKG_VERSION_PRE").is_empty();
    let constraint = is_final.then(|| (">=".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
    Relation { any_of: vec![Requirement { name: NAME.to_owned(), constraint }] }
}

/// The watch by which a package of configuration applies again after an upgrade of the program.
pub(super) fn watch() -> Watch {
    Watch { package: NAME.to_owned(), path: LIB.to_owned(), gives_back: false }
}

/// The paragraph about the program in a copyright file.
pub(super) fn copyright() -> Value {
    json!({
        "files": "usr/lib/mail-relay/* usr/*bin/mail-relay usr/share/man/man8/mail-relay.8.gz",
        "copyright": "2026 The postpack authors",
        "license": LICENSE,
    })
}

/// The licence paragraphs of a copyright file, each once.
pub(super) fn licenses(names: &[&str]) -> Vec<Value> {
    let mut names = names.to_vec();
    names.dedup();
    let text = |name: &str| {
        if name == spec::OWN_LICENSE {
            "All rights reserved."
        } else {
            "The text is at https://spdx.org/licenses/."
        }
    };
    names.into_iter().map(|name| json!({ "name": name, "text": text(name) })).collect()
}

/// `mail-relay`, its parts, its man page and its completions.
pub(super) fn entries(facts: &FormatFacts) -> Vec<Entry> {
    // Read, packed and digested once for all packages of a run.
    static PARTS: LazyLock<Vec<(String, Content)>> = LazyLock::new(|| {
        let named = |file: &File<'_>| {
            let name = file.path().file_name()?.to_str()?;
            Some((format!("{LIB}/{name}"), file.contents().into()))
        };
        HOST.get_dir("lib").into_iter().flat_map(Dir::files).filter_map(named).collect()
    });
    static COMMAND: LazyLock<Content> = LazyLock::new(|| host_file("mail-relay").into());
    static PAGE: LazyLock<Content> = LazyLock::new(|| gzip(&host_file("mail-relay.8")).into());
    static COMPLETIONS: LazyLock<[Content; 3]> = LazyLock::new(|| {
        ["bash", "zsh", "fish"].map(|shell| host_file(&format!("completions/mail-relay.{shell}")).into())
    });
    let mut entries = vec![folder(LIB, 0o755)];
    entries.extend(PARTS.iter().map(|(path, content)| file(path, content.clone())));
    let command = file(&format!("{}/mail-relay", facts.sbin), COMMAND.clone());
    entries.push(Entry { mode: 0o755, ..command });
    entries.push(document("/usr/share/man/man8/mail-relay.8.gz", PAGE.clone()));
    let paths = [
        "/usr/share/bash-completion/completions/mail-relay".to_owned(),
        format!("{}/_mail-relay", facts.zsh_completions),
        "/usr/share/fish/vendor_completions.d/mail-relay.fish".to_owned(),
    ];
    let completions = paths.iter().zip(COMPLETIONS.iter());
    entries.extend(completions.map(|(path, content)| file(path, content.clone())));
    entries
}

/// A file of the program. That it exists is proven by a test.
fn host_file(name: &str) -> Vec<u8> {
    HOST.get_file(name).map(|file| file.contents().to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Source;
    use crate::package::EntryKind;
    use crate::plan::{self, Planned};
    use crate::relay::Providers;

    fn planned(more: &str) -> Planned {
        let text = spec::example().replace("[package]\n", &format!("[package]\n{more}\n"));
        let (checked, findings) = spec::load(&Source { name: "x".into(), text }, &Providers::builtin());
        Planned::new(checked.unwrap_or_else(|| panic!("{findings:?}")))
    }

    /// All but documents, which are about the package.
    fn files(package: &Package) -> Vec<&Entry> {
        package.entries.iter().filter(|entry| !entry.path.starts_with("/usr/share/doc/")).collect()
    }

    #[test]
    fn the_shared_packages_have_what_the_bundled_one_has() {
        let templates = Templates::builtin();
        for format in Format::ALL {
            let of = |spec: &str| plan::package(&planned(spec), format, &templates).unwrap();
            let (bundled, thin) = (of(""), of("host-program = 'shared'"));
            let program = package(format, &templates).unwrap();
            // The rules of other profiles are there for other configurations.
            let mut together: Vec<String> =
                files(&thin).into_iter().chain(files(&program)).map(|entry| entry.path.clone()).collect();
            let is_rule = |path: &String| path.contains("/refused");
            together.retain(|path| !is_rule(path));
            together.sort();
            let expected: Vec<String> = files(&bundled)
                .into_iter()
                .map(|entry| entry.path.clone())
                .filter(|path| !is_rule(path))
                .collect();
            assert_eq!(together, expected);
            let text = |package: &Package, path: &str| {
                let found = package.entries.iter().find(|entry| entry.path == path).unwrap();
                found.kind.content().to_vec()
            };
            assert!(
                text(&program, "/usr/lib/mail-relay/refused.null-client")
                    == text(&bundled, "/usr/share/mail-relay/refused")
            );
            let size = |package: &Package| {
                package
                    .entries
                    .iter()
                    .filter(|entry| entry.kind != EntryKind::Directory)
                    .map(|entry| entry.kind.content().len())
                    .sum::<usize>()
            };
            assert!(size(&thin) * 4 < size(&bundled), "{format:?}: {} of {}", size(&thin), size(&bundled));

            let names = |list: &[Relation]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert!(
                names(&thin.relations.depends)
                    .contains(&format!("mail-relay >= {}", env!("CARGO_PKG_VERSION")))
            );
            assert!(names(&bundled.relations.conflicts).contains(&NAME.to_owned()));
            assert!(!names(&thin.relations.conflicts).contains(&NAME.to_owned()));
            assert!(program.relations.provides.is_empty() && !program.lifecycle.has_commands());
            assert!(bundled.lifecycle.watch.len() + 1 == thin.lifecycle.watch.len());
        }
    }

    #[test]
    fn dnf_finds_no_configuration_by_a_name_that_people_type() {
        let package = plan::package(&planned(""), Format::Rpm, &Templates::builtin()).unwrap();
        let provided: Vec<String> = package.relations.provides.iter().map(ToString::to_string).collect();
        assert_eq!(provided, ["mail-relay-config(exclusive)"]);
    }

    #[test]
    fn the_manual_and_the_help_name_the_project() {
        let url = format!("{}/tree/main/docs", env!("CARGO_PKG_HOMEPAGE"));
        for file in ["mail-relay", "mail-relay.8"] {
            assert!(
                String::from_utf8(host_file(file)).unwrap().contains(&format!("Documentation: {url}")),
                "{file}"
            );
        }
    }
}
