//! Lookup tables: `type:name`.

use super::super::catalogue::nearest;
use super::super::installation::Release;
use super::super::list::items;
use super::{Subject, is_expression, some_of};

/// Types that every Postfix has.
const BUILT_IN: [&str; 18] = [
    "cidr",
    "debug",
    "environ",
    "fail",
    "inline",
    "internal",
    "memcache",
    "nis",
    "pipemap",
    "proxy",
    "randmap",
    "regexp",
    "socketmap",
    "static",
    "tcp",
    "texthash",
    "unionmap",
    "unix",
];

/// Types of files that postmap makes: which of them there are differs between systems.
pub(super) const INDEXED: [&str; 6] = ["btree", "cdb", "dbm", "hash", "lmdb", "sdbm"];

/// Types that need separate packages.
pub(super) const PACKAGED: [&str; 6] = ["ldap", "mongodb", "mysql", "pcre", "pgsql", "sqlite"];

/// Types whose name is a file.
pub(super) const FILES: [&str; 12] = [
    "btree", "cdb", "cidr", "dbm", "hash", "lmdb", "memcache", "pcre", "regexp", "sdbm", "sqlite", "texthash",
];

/// Checks a list of tables.
pub(super) fn list(subject: &mut Subject<'_>) {
    let value = subject.value;
    for item in items(value) {
        one(subject, item.text, item.start);
    }
}

/// Checks one table, at `start` in the value.
pub(super) fn one(subject: &mut Subject<'_>, text: &str, start: usize) {
    let range = start..start + text.len();
    // A table named as a whole by another parameter is checked there.
    if text.starts_with('$') && !text.contains(':') {
        return;
    }
    if subject.name == "alias_database" && text.starts_with('/') {
        return;
    }
    let Some((kind, name)) = text.split_once(':') else {
        let message = format!("`{text}` is no lookup table: a table is `type:name`");
        subject.error("map", Some(range), message);
        return;
    };
    if name.is_empty() {
        subject.error(
            "map",
            Some(range),
            format!("the name after `{kind}:` is missing: the daemon would stop"),
        );
        subject.hint(format!("Write `{kind}:/path` without a blank."));
        return;
    }
    if is_expression(kind) {
        return;
    }
    if INDEXED.contains(&kind) {
        indexed(subject, text, kind, name, range);
        return;
    }
    let inside = start + kind.len() + 1;
    match kind {
        "proxy" | "debug" => return one(subject, name, inside),
        "unionmap" | "pipemap" => {
            match name.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(list) => {
                    for item in items(list) {
                        one(subject, item.text, inside + 1 + item.start);
                    }
                }
                None => subject.error("map", Some(range), format!("`{kind}:` takes tables in braces")),
            }
            return;
        }
        "inline" | "randmap" => {
            if !(name.starts_with('{') && name.ends_with('}')) {
                subject.error("map", Some(range), format!("`{kind}:` takes its entries in braces"));
            }
            return;
        }
        _ => {}
    }
    if PACKAGED.contains(&kind) {
        packaged(subject, kind, range.clone());
    } else if !BUILT_IN.contains(&kind) {
        subject.error("map-type", Some(range), format!("Postfix has no table type `{kind}`"));
        let known = BUILT_IN.into_iter().chain(INDEXED).chain(PACKAGED);
        match nearest(kind, known) {
            Some(known) if INDEXED.contains(&known) => {
                subject.hint(format!(
                    "Write `$default_database_type:{name}`: which indexed types there are differs."
                ));
            }
            Some(known) => subject.hint(format!("Did you mean `{known}:`?")),
            None => {}
        }
        return;
    }
    if name.starts_with('{') && matches!(kind, "regexp" | "cidr" | "pcre") {
        let old = subject.targets(|target| target.postfix.version < Release::new(3, 7));
        if !old.is_empty() {
            let message =
                format!("rules inside of `{kind}:{{}}` need Postfix 3.7: {} would stop", some_of(&old));
            subject.error("map-inline-rules", Some(range), message);
            subject.hint("Name newer distributions alone: `targets` in [package].".to_owned());
        }
    } else if FILES.contains(&kind) && !name.starts_with(['/', '$']) {
        subject.error("map", Some(range), format!("`{name}` is no absolute path"));
    }
}

fn indexed(subject: &mut Subject<'_>, text: &str, kind: &str, name: &str, range: std::ops::Range<usize>) {
    let missing = subject.targets(|target| !target.postfix.indexed.iter().any(|known| known == kind));
    let other = subject.targets(|target| target.postfix.default_database_type != kind);
    let message = if !missing.is_empty() {
        let verb = if missing.len() == 1 { "has" } else { "have" };
        format!("`{text}`: {} {verb} no tables of the type `{kind}`", some_of(&missing))
    } else if !other.is_empty() {
        format!(
            "`{text}`: on {} postmap makes tables of another type, and `{kind}` is not found",
            some_of(&other)
        )
    } else {
        format!("`{text}`: the type of indexed tables is for each system to choose")
    };
    subject.error("map-hard-coded", Some(range), message);
    subject.hint(format!("Write `$default_database_type:{name}`."));
}

fn packaged(subject: &mut Subject<'_>, kind: &str, range: std::ops::Range<usize>) {
    let packages: Vec<String> = {
        let mut names: Vec<&String> =
            subject.context.targets.iter().filter_map(|target| target.map_packages.get(kind)).collect();
        names.sort();
        names.dedup();
        names.into_iter().map(|name| format!("`{name}`")).collect()
    };
    let without = subject.targets(|target| !target.map_packages.contains_key(kind));
    if kind == "mongodb" {
        let old = subject.targets(|target| target.postfix.version < Release::new(3, 9));
        if !old.is_empty() {
            subject.error(
                "map-type",
                Some(range),
                format!("`mongodb:` needs Postfix 3.9: {} would stop", some_of(&old)),
            );
            return;
        }
    }
    if packages.is_empty() {
        subject.error(
            "map-type",
            Some(range),
            format!("there is no package for `{kind}:` on {}", some_of(&without)),
        );
    } else if !subject.context.brought.contains(&kind) {
        let message = format!("tables of the type `{kind}` need the package {}", packages.join(", "));
        subject.warning("map-package", Some(range), message);
        subject.hint("Add it to `[dependencies]`.".to_owned());
    }
}
