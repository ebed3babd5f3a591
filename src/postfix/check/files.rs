//! Files that values refer to: the sources of lookup tables, and the patterns of lists.
//!
//! The sources are DATABASE_README and postconf(5).

use std::ops::Range;

use super::super::catalogue::{Catalogue, Kind};
use super::super::list::items;
use super::Subject;
use super::maps::{FILES, INDEXED, PACKAGED};
use crate::postfix::Parameter;

/// Where the programs of Postfix look for their configuration.
const FOLDER: &str = "/etc/postfix";

/// Parameters that name what Postfix writes itself.
fn is_cache(name: &str) -> bool {
    ["_cache_database", "_cache_map", "_cache_name"].iter().any(|end| name.ends_with(end))
        || name == "address_verify_map"
}

/// Refuses the files that neither the package nor the administrator brings.
pub(super) fn check(subject: &mut Subject<'_>, written: &[Parameter]) {
    if is_cache(subject.name) {
        return;
    }
    for (range, path) in named(subject.name, subject.value, written) {
        if (subject.context.has_file)(&path) {
            continue;
        }
        subject.error(
            "missing-file",
            Some(range),
            format!("nothing brings the file `{path}`: mail would wait"),
        );
        subject.hint(format!(
            "If the administrator of each host brings it: own-files = [\"{path}\"] in [relay]. Then mail waits until it is there."
        ));
    }
}

/// The files in a value, each with its place.
fn named(name: &str, value: &str, written: &[Parameter]) -> Vec<(Range<usize>, String)> {
    let mut found = Vec::new();
    // bounce(8) would not start, and without it no message can be deferred either.
    if name == "bounce_template_file" {
        let path = expanded(value.trim(), written, 0);
        return if path.starts_with('/') { vec![(0..value.len(), path)] } else { found };
    }
    for item in items(value) {
        let text = expanded(item.text, written, 0);
        // A list of hosts or domains may be in a separate file.
        let is_list =
            Catalogue::get(name).is_some_and(|info| matches!(info.kind, Kind::Networks | Kind::Domains));
        let pattern = text.trim_start_matches('!');
        if is_list && pattern.starts_with('/') {
            found.push((item.range(), pattern.to_owned()));
        }
        for path in tables(&text) {
            // The place, where it is written as it is; else that of the item.
            let at = item.text.find(path).filter(|_| item.text == text);
            let range = at.map_or(item.range(), |at| item.start + at..item.start + at + path.len());
            found.push((range, path.to_owned()));
        }
    }
    found
}

/// The files of `TYPE:/path`, however deep in braces, in an expanded text.
fn tables(text: &str) -> Vec<&str> {
    let is_part = |c: char| !c.is_whitespace() && !"{},;\"".contains(c);
    let words = text.split(|c| !is_part(c)).filter(|word| !word.is_empty());
    words
        .filter_map(|word| {
            let (kind, path) = word.split_once(":/")?;
            let kind = kind.rsplit([':', '=']).next().unwrap_or(kind);
            let known = [&FILES[..], &INDEXED, &PACKAGED].concat().contains(&kind) || kind == INDEX;
            known.then(|| &word[word.len() - path.len() - 1..])
        })
        .collect()
}

/// Placeholder for the indexed type of each system.
const INDEX: &str = "$default_database_type";

/// A text with the parameters that are known here; others stay.
fn expanded(text: &str, written: &[Parameter], depth: u8) -> String {
    let mut text = text.to_owned();
    let mut known = vec![("config_directory", FOLDER)];
    known.extend(written.iter().map(|own| (own.name.as_str(), own.value.as_str())));
    for (name, value) in known {
        for form in [format!("${{{name}}}"), format!("$({name})"), format!("${name}")] {
            // `$name` ends where another character of a name would follow.
            while let Some(at) = text.match_indices(&form).map(|(at, _)| at).find(|at| {
                !text[at + form.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                    || form.ends_with(['}', ')'])
            }) {
                if depth > 4 || value.contains(&form) {
                    return text;
                }
                text.replace_range(at..at + form.len(), &expanded(value, written, depth + 1));
            }
        }
    }
    for form in ["${default_database_type}", "$(default_database_type)"] {
        text = text.replace(form, INDEX);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, value: &str) -> Vec<String> {
        let own = Parameter {
            name: "maps".to_owned(),
            value: "${config_directory}/maps".to_owned(),
            name_span: 0..0,
            value_span: 0..0,
        };
        named(name, value, &[own]).into_iter().map(|(_, path)| path).collect()
    }

    #[test]
    fn every_way_to_name_a_file() {
        for (name, value, paths) in [
            ("transport_maps", "hash:/etc/postfix/a", &["/etc/postfix/a"][..]),
            ("transport_maps", "$default_database_type:/etc/postfix/a, cidr:/b", &["/etc/postfix/a", "/b"]),
            ("transport_maps", "${default_database_type}:$config_directory/a", &["/etc/postfix/a"]),
            ("transport_maps", "$default_database_type:$(config_directory)/a", &["/etc/postfix/a"]),
            ("transport_maps", "proxy:$default_database_type:$maps/a", &["/etc/postfix/maps/a"]),
            ("transport_maps", "unionmap:{ regexp:/a, pcre:/b }", &["/a", "/b"]),
            ("smtpd_sender_restrictions", "check_sender_access { texthash:/a, x=y }, permit", &["/a"]),
            ("smtpd_client_restrictions", "check_client_access cidr:/a reject", &["/a"]),
            ("relay_domains", "acme.example, /etc/postfix/domains", &["/etc/postfix/domains"]),
            ("mynetworks", "!/etc/postfix/not", &["/etc/postfix/not"]),
            ("transport_maps", "mysql:/etc/postfix/sql.cf", &["/etc/postfix/sql.cf"]),
            ("transport_maps", "inline:{ {a = smtp:[b]:25} }", &[]),
            ("smtpd_milters", "unix:/run/milter.sock", &[]),
            ("virtual_transport", "lmtp:unix:/run/lmtp", &[]),
            ("transport_maps", "$other", &[]),
            ("myhostname", "/not/a/list", &[]),
            ("bounce_template_file", "$config_directory/bounce.cf", &["/etc/postfix/bounce.cf"]),
            ("bounce_template_file", "", &[]),
        ] {
            assert_eq!(found(name, value), paths, "{name} = {value}");
        }
    }
}
