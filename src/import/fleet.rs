//! Several hosts as a fleet: what all have in common, what some share, and what one has alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::draft::{quoted_key, written};
use super::{Code, Imported};

/// The files of a fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fleet {
    /// fleet.toml.
    pub fleet: String,
    /// base.toml.
    pub base: String,
    /// hosts.csv.
    pub hosts: String,
    /// Differences, outliers first.
    pub report: String,
}

/// A key by its section and name.
type Path = (String, String);

/// Factors imported hosts, each with its name, into a fleet.
pub fn factor(hosts: &[(String, Imported)]) -> Fleet {
    let specs: Vec<BTreeMap<Path, String>> = hosts.iter().map(|(_, imported)| keys(imported)).collect();
    let all: BTreeSet<&Path> = specs.iter().flat_map(BTreeMap::keys).collect();
    let mut base: BTreeMap<Path, String> = BTreeMap::new();
    let mut shared: BTreeMap<Vec<usize>, Vec<(Path, String)>> = BTreeMap::new();
    let mut cells: Vec<(usize, Path, String)> = Vec::new();
    for path in all {
        let mut by_value: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (host, spec) in specs.iter().enumerate() {
            if let Some(value) = spec.get(path) {
                by_value.entry(value).or_default().push(host);
            }
        }
        let everywhere = by_value.values().map(Vec::len).sum::<usize>() == hosts.len();
        // The base cannot be taken back, so it has only what every host has.
        let common = everywhere
            .then(|| {
                by_value.iter().max_by_key(|(_, hosts)| hosts.len()).map(|(value, _)| (*value).to_owned())
            })
            .flatten();
        if let Some(value) = &common {
            base.insert(path.clone(), value.clone());
        }
        for (value, on) in by_value {
            if common.as_deref() == Some(value) {
                continue;
            }
            if on.len() > 1 || !fits_a_cell(path, value) {
                shared.entry(on).or_default().push((path.clone(), value.to_owned()));
            } else {
                cells.push((on[0], path.clone(), value.to_owned()));
            }
        }
    }
    let names: Vec<&str> = hosts.iter().map(|(name, _)| name.as_str()).collect();
    let groups = named(&shared, &names);
    Fleet {
        fleet: fleet_text(&groups),
        base: base_text(&base),
        hosts: hosts_text(&names, &groups, &cells),
        report: report(hosts, &base, &groups, &cells),
    }
}

/// The keys of a host with their values as TOML; the name of the package has the host's in it.
fn keys(imported: &Imported) -> BTreeMap<Path, String> {
    let entries = imported.draft.entries().iter();
    entries
        .filter(|entry| !(entry.section == "package" && entry.key == "name"))
        // The host's own name is what it is called.
        .filter(|entry| !(entry.section == "relay" && entry.key == "hostname"))
        .map(|entry| ((entry.section.clone(), entry.key.clone()), written(&entry.value)))
        .collect()
}

/// Whether a value can be a cell of an inventory: a column is a key without quotes, and a cell one plain value.
fn fits_a_cell((section, key): &Path, value: &str) -> bool {
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    !section.contains(['"', '#'])
        && section.split('.').all(plain)
        && plain(key)
        && !value.starts_with(['[', '{'])
        && !value.contains([';', '\n'])
}

/// A group: the hosts, and what they share.
struct Group {
    name: String,
    hosts: Vec<usize>,
    keys: Vec<(Path, String)>,
}

/// Names for groups: the beginning that the names of their hosts share, if it tells them from the others.
fn named(shared: &BTreeMap<Vec<usize>, Vec<(Path, String)>>, names: &[&str]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    // Larger groups first: smaller ones override them.
    let mut sets = Vec::from_iter(shared);
    sets.sort_by_key(|(hosts, _)| (std::cmp::Reverse(hosts.len()), (*hosts).clone()));
    for (index, (hosts, keys)) in sets.into_iter().enumerate() {
        let first = names[hosts[0]];
        let common = hosts.iter().fold(first.len(), |length, host| {
            first.bytes().zip(names[*host].bytes()).take(length).take_while(|(a, b)| a == b).count()
        });
        let stem = first
            .get(..common)
            .unwrap_or_default()
            .trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
        let alone = !stem.is_empty()
            && (0..names.len()).all(|host| hosts.contains(&host) || !names[host].starts_with(stem));
        let taken = groups.iter().any(|group| group.name == stem);
        let name = if alone && !taken { stem.to_owned() } else { format!("group-{}", index + 1) };
        groups.push(Group { name, hosts: hosts.clone(), keys: keys.clone() });
    }
    groups
}

/// Whether no host is in two groups: then one column is enough.
fn disjoint(groups: &[Group]) -> bool {
    let count: usize = groups.iter().map(|group| group.hosts.len()).sum();
    let all: BTreeSet<usize> = groups.iter().flat_map(|group| group.hosts.iter().copied()).collect();
    all.len() == count
}

fn fleet_text(groups: &[Group]) -> String {
    let mut text = String::from(
        "# Made by `postpack import`: docs/fleet.md describes fleets.\n\n[fleet]\nbase = \"base.toml\"\ninventory = \"hosts.csv\"\n",
    );
    let one = disjoint(groups);
    for group in groups {
        let when = if one { format!("group={}", group.name) } else { format!("{}=yes", group.name) };
        let _ = writeln!(text, "\n[[group]]\nwhen = \"{when}\"");
        for ((section, key), value) in &group.keys {
            let _ = writeln!(text, "{section}.{} = {value}", quoted_key(key));
        }
    }
    text
}

fn base_text(base: &BTreeMap<Path, String>) -> String {
    let mut text =
        String::from("# Settings of all hosts of the fleet.\n\n[package]\nname = \"mail-relay-{{host}}\"\n");
    let mut section = "package";
    let of_package = base.iter().filter(|((section, _), _)| section == "package");
    for ((own, key), value) in of_package.chain(base.iter().filter(|((section, _), _)| section != "package"))
    {
        if own != section {
            let _ = match own.split_once('#') {
                Some((name, _)) => writeln!(text, "\n[[{name}]]"),
                None => writeln!(text, "\n[{own}]"),
            };
            section = own;
        }
        let _ = writeln!(text, "{} = {value}", quoted_key(key));
    }
    text
}

fn hosts_text(names: &[&str], groups: &[Group], cells: &[(usize, Path, String)]) -> String {
    let mut columns: Vec<String> = vec!["host".to_owned()];
    let one = disjoint(groups);
    if one && !groups.is_empty() {
        columns.push("group".to_owned());
    } else {
        columns.extend(groups.iter().map(|group| group.name.clone()));
    }
    let paths: BTreeSet<&Path> = cells.iter().map(|(_, path, _)| path).collect();
    columns.extend(paths.iter().map(|(section, key)| format!("{section}.{key}")));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let _ = writer.write_record(&columns);
    for (host, name) in names.iter().enumerate() {
        let mut row = vec![(*name).to_owned()];
        if one && !groups.is_empty() {
            row.push(
                groups
                    .iter()
                    .find(|group| group.hosts.contains(&host))
                    .map(|group| group.name.clone())
                    .unwrap_or_default(),
            );
        } else {
            row.extend(
                groups
                    .iter()
                    .map(|group| if group.hosts.contains(&host) { "yes".to_owned() } else { String::new() }),
            );
        }
        for path in &paths {
            let cell = cells
                .iter()
                .find(|(own, of, _)| *own == host && of == *path)
                .map(|(_, _, value)| value.as_str())
                .unwrap_or_default();
            row.push(unquoted(cell));
        }
        let _ = writer.write_record(&row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A text without the quotes of TOML.
fn unquoted(value: &str) -> String {
    match format!("x = {value}").parse::<toml::Table>() {
        Ok(table) => match table.get("x") {
            Some(toml::Value::String(text)) => text.clone(),
            _ => value.to_owned(),
        },
        Err(_) => value.to_owned(),
    }
}

fn report(
    hosts: &[(String, Imported)],
    base: &BTreeMap<Path, String>,
    groups: &[Group],
    cells: &[(usize, Path, String)],
) -> String {
    let mut text = format!(
        "{} hosts: {} keys in the base, {} groups, {} single values\n",
        hosts.len(),
        base.len(),
        groups.len(),
        cells.len()
    );
    let name = |(section, key): &Path| format!("{section}.{key}");
    for (host, path, value) in cells {
        let _ = writeln!(text, "\n{} alone: {} = {value}", hosts[*host].0, name(path));
    }
    for group in groups {
        let on: Vec<&str> = group.hosts.iter().map(|host| hosts[*host].0.as_str()).collect();
        let _ = writeln!(text, "\n{} ({}):", group.name, on.join(", "));
        for (path, value) in &group.keys {
            let _ = writeln!(text, "  {} = {value}", name(path));
        }
    }
    // Losses and questions are the same on many hosts.
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (host, imported) in hosts {
        for item in imported
            .report
            .items()
            .filter(|item| matches!(item.code, Code::Lost | Code::Asked | Code::Changed | Code::Fixed))
        {
            said.entry(format!("{}: {}: {}", item.code.name(), item.subject, item.reason))
                .or_default()
                .push(host);
        }
    }
    if !said.is_empty() {
        text.push('\n');
    }
    for (line, on) in said {
        let who = if on.len() == hosts.len() { "all hosts".to_owned() } else { on.join(", ") };
        let _ = writeln!(text, "{line} ({who})");
    }
    text
}
