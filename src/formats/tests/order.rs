//! The order of versions, asked of the three real comparators.

use std::cmp::Ordering;
use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::Version;
use crate::formats::{Deb, PackageFormat as _, Pacman, Rpm};

const PAIRS: usize = 600;

/// Versions near each other: from few words and numbers, so that most pairs share a beginning.
fn any_version() -> impl Strategy<Value = Version> {
    let number = || prop_oneof![Just(0u64), Just(1), Just(2), Just(9), Just(10), Just(100), Just(20_261_121)];
    let word =
        || prop::sample::select(vec!["a", "alpha", "b", "beta", "dev", "git", "pre", "preview", "rc", "rcx"]);
    let tail = move || prop::collection::vec(number(), 0..3);
    let identifiers = move |sign: &'static str| {
        prop::option::of((word(), tail())).prop_map(move |part| {
            part.map_or(String::new(), |(word, numbers)| {
                numbers.iter().fold(format!("{sign}{word}"), |text, number| format!("{text}.{number}"))
            })
        })
    };
    let parts =
        (prop::collection::vec(number(), 1..5), identifiers("-"), identifiers("+"), 0u32..2, 1u32..12);
    parts.prop_filter_map("a version too long", |(numbers, pre, build, epoch, revision)| {
        let release = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".");
        match Version::parse(&format!("{release}{pre}{build}")) {
            Ok(version) => Some(version.with_epoch(epoch).with_revision(revision)),
            Err(error) => {
                assert!(error.to_string().contains("long"), "{error}");
                None
            }
        }
    })
}

/// The same pairs for everybody: half of them are neighbours in the order, where mistakes are.
fn pairs() -> Vec<(Version, Version)> {
    let mut runner = TestRunner::default();
    let mut versions: Vec<Version> =
        (0..PAIRS).map(|_| any_version().new_tree(&mut runner).unwrap().current()).collect();
    let far: Vec<_> = versions.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    versions.sort();
    let near = versions.windows(2).step_by(2).map(|pair| (pair[0].clone(), pair[1].clone()));
    far.into_iter().chain(near).collect()
}

/// Runs a script that prints a line for each pair, and compares with what we say.
fn agree(what: &str, script: &str, render: fn(&Version) -> String) {
    let pairs = pairs();
    let mut input = String::new();
    for (left, right) in &pairs {
        input += &[&render(left), " ", &render(right), "\n"].concat();
    }
    let mut child = Command::new("bash")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("bash: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), pairs.len(), "{what} answers every pair");
    for (answer, (left, right)) in answers.lines().zip(&pairs) {
        let theirs = answer.trim().parse::<i32>().unwrap().cmp(&0);
        assert_eq!(left.cmp(right), theirs, "{what}: {} and {}", render(left), render(right));
    }
}

#[test]
fn real_dpkg_orders_versions_as_we_do() {
    // One process: dpkg --compare-versions takes a pair only, and Dpkg::Version is the same code in Perl.
    let script = "perl -MDpkg::Version -lane 'print version_compare($F[0], $F[1])'";
    agree("dpkg", script, |version| Deb.version(version));
}

#[test]
fn real_dpkg_itself_agrees_with_its_perl_half() {
    for (left, right) in pairs().into_iter().step_by(20) {
        let relation = match left.cmp(&right) {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        let status = Command::new("dpkg")
            .args(["--compare-versions", &Deb.version(&left), relation, &Deb.version(&right)])
            .status()
            .unwrap();
        assert!(status.success(), "{left} {relation} {right}");
    }
}

#[test]
fn real_rpm_orders_versions_as_we_do() {
    // The parts of the label are compared one after the other, as rpm does it; each once, in Lua.
    let script = r#"
        lua='for line in io.stdin:lines() do
            local e1, v1, r1, e2, v2, r2 = line:match("^(%S+):(%S+)%-(%S+) (%S+):(%S+)%-(%S+)$")
            local c = rpm.vercmp(e1, e2)
            if c == 0 then c = rpm.vercmp(v1, v2) end
            if c == 0 then c = rpm.vercmp(r1, r2) end
            print(c .. "\n")
        end'
        rpm --eval "%{lua:$lua}" | sed '/^$/d'"#;
    agree("rpm", script, |version| {
        let text = Rpm.version(version);
        if version.epoch == 0 { format!("0:{text}") } else { text }
    });
}

#[test]
fn real_vercmp_orders_versions_as_we_do() {
    agree("vercmp", r#"while read -r left right; do vercmp "$left" "$right"; done"#, |version| {
        Pacman.version(version)
    });
}

proptest! {
    #[test]
    fn parsing_never_panics_and_is_stable(text in "[0-9a-zA-Z.+~:é -]{0,40}") {
        if let Ok(version) = Version::parse(&text) {
            let again = Version::parse(&version.to_string()).unwrap();
            prop_assert_eq!(again, version);
        }
    }

    #[test]
    fn a_pre_release_comes_before_and_a_build_after(version in any_version()) {
        let release = Version { pre: vec![], build: vec![], ..version.clone() };
        let pre = Version { pre: vec!["rc".into(), "1".into()], ..release.clone() };
        let build = Version { build: vec!["git".into(), "7".into()], ..release.clone() };
        prop_assert!(pre < release && release < build);
    }
}
