use std::process::Command;

use super::*;
use crate::package::sample::{self, run};
use crate::target::Format;

fn sample_bytes() -> Vec<u8> {
    write(&sample::package(Format::Deb), &Templates::builtin()).unwrap()
}

/// The sample in a folder of its own.
fn sample_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_name(&sample::package(Format::Deb).meta));
    fs_err::write(&path, sample_bytes()).unwrap();
    (folder, path)
}

#[test]
fn the_sample_reads_as_it_was_written() {
    let inspection = read(&sample_bytes()).unwrap();
    insta::assert_snapshot!(sample::text(&inspection));
}

#[test]
fn real_dpkg_deb_reads_the_sample() {
    let (_folder, path) = sample_file();
    let listing = run(Command::new("dpkg-deb").arg("--contents").arg(&path).env("TZ", "UTC"));
    insta::assert_snapshot!(listing);
    let fields = run(Command::new("dpkg-deb").arg("--field").arg(&path));
    let inspection = read(&sample_bytes()).unwrap();
    for (name, value) in inspection.fields.iter().filter(|(name, _)| name != "Description") {
        assert!(fields.contains(&format!("{name}: {value}\n")), "{name} is not in {fields}");
    }
}

fn lintian(path: &std::path::Path) -> String {
    run(Command::new("lintian")
        .args(["--allow-root", "--no-cfg", "--fail-on", "error,warning,info", "--display-info", "--pedantic"])
        .arg(path))
}

#[test]
fn real_lintian_finds_nothing() {
    let (_folder, path) = sample_file();
    assert_eq!(lintian(&path), "");
}

#[test]
fn real_lintian_finds_nothing_in_a_first_release() {
    let mut package = sample::package(Format::Deb);
    package.meta = sample::meta("1.0.0", 1);
    package.meta.changelog.truncate(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_name(&package.meta));
    fs_err::write(&path, write(&package, &Templates::builtin()).unwrap()).unwrap();
    assert_eq!(lintian(&path), "");
}
