use std::process::Command;

use super::*;
use crate::package::sample::{self, run};
use crate::target::Format;

fn sample_bytes() -> Vec<u8> {
    write(&sample::package(Format::Rpm), &Templates::builtin()).unwrap()
}

/// The sample in a folder of its own.
fn sample_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_name(&sample::package(Format::Rpm).meta));
    fs_err::write(&path, sample_bytes()).unwrap();
    (folder, path)
}

#[test]
fn the_sample_reads_as_it_was_written() {
    let inspection = read(&sample_bytes()).unwrap();
    insta::assert_snapshot!(sample::text(&inspection));
}

#[test]
fn alternatives_are_a_rich_dependency() {
    let relation = |text: &str| Relation { any_of: text.split('|').filter_map(Requirement::parse).collect() };
    assert_eq!(dependency(&relation("a >= 1 | b")), Dependency::any("(a >= 1 or b)"));
    assert_eq!(dependency(&relation("a < 1")), Dependency::less("a", "1"));
}

#[test]
fn real_rpm_reads_the_sample() {
    let (_folder, path) = sample_file();
    let query = "--info --requires --recommends --suggests --conflicts --obsoletes --provides --changelog \
                 --scripts --triggers";
    let shown = run(Command::new("rpm").arg("-qp").args(query.split(' ')).arg(&path).env("TZ", "UTC"));
    insta::assert_snapshot!(shown);
    let listing = run(Command::new("rpm").args(["-qp", "--dump"]).arg(&path));
    insta::assert_snapshot!("dump", listing);
    let verdict = run(Command::new("rpm").arg("-K").arg(&path));
    assert!(verdict.ends_with(": digests OK\n"), "{verdict}");
}

#[test]
fn real_rpmlint_finds_nothing() {
    let (folder, path) = sample_file();
    let config = folder.path().join("rpmlint.toml");
    fs_err::write(&config, include_str!("../../ci/rpmlint.toml")).unwrap();
    let findings = run(Command::new("rpmlint").arg("--strict").arg("--config").arg(&config).arg(&path));
    assert!(findings.contains(" 0 errors, 0 warnings, 0 badness"), "{findings}");
}
