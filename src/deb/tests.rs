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

#[test]
fn real_lintian_finds_nothing() {
    let (_folder, path) = sample_file();
    let findings = run(Command::new("lintian")
        .args(["--allow-root", "--no-cfg", "--fail-on", "error,warning,info", "--display-info", "--pedantic"])
        .arg(&path));
    assert_eq!(findings, "");
}
