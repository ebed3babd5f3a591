//! The page on the exposure of the units: what `systemd-analyze security` says of them in the lab.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::hold;

/// The highest level that a unit may have: Postfix keeps its sockets, port 25 and the change of user; an apply writes to /etc; the
/// metrics are only read.
fn limit(unit: &str) -> f32 {
    match unit {
        "mail-relay-metrics.service" => 2.0,
        _ if unit.starts_with("mail-relay-") => 2.7,
        _ => 2.5,
    }
}

#[test]
fn the_exposure_of_the_units_is_up_to_date() {
    let mut levels: BTreeMap<&str, BTreeMap<&str, f32>> = BTreeMap::new();
    let rows = include_str!("../../pkg/systemd/exposure.tsv").lines().filter(|line| !line.starts_with('#'));
    for row in rows {
        let [root, unit, level] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let level: f32 = level.parse().unwrap();
        assert!(level <= limit(unit), "{root}: {unit} has {level}");
        levels.entry(unit).or_default().insert(root, level);
    }
    let roots: BTreeSet<&str> = levels.values().flat_map(|of_unit| of_unit.keys().copied()).collect();
    let mut text = String::from(
        "# Exposure of the units\n\n<!-- Generated: just generate -->\n\nThe exposure level of each unit as `systemd-analyze security` \
         rates it, from 0 (contained) to 10 (exposed): the highest level of all profiles, measured while mail flowed. Each run of the \
         lab compares the levels with this table. The roots are those of the [lab](../ci/lab/README.md). [The \
         sandbox](host.md#the-sandbox) describes what is contained, and how to change it.\n\n| Unit | Limit |",
    );
    for root in &roots {
        let _ = write!(text, " {root} |");
    }
    let _ = writeln!(text, "\n|---|---|{}", "---|".repeat(roots.len()));
    for (unit, of_unit) in &levels {
        let _ = write!(text, "| `{unit}` | {:.1} |", limit(unit));
        for root in &roots {
            let _ = match of_unit.get(root) {
                Some(level) => write!(text, " {level:.1} |"),
                None => write!(text, " - |"),
            };
        }
        text.push('\n');
    }
    hold("docs/exposure.md", &text);
}
