use std::process::Command;

use super::*;
use crate::formats::tests::{next_file, sample_bytes, sample_file};
use crate::package::host::{Host, Root};
use crate::package::sample::{self, run};
use crate::platform::Format;

#[test]
fn the_sample_reads_as_it_was_written() {
    let inspection = Deb.read(&sample_bytes(Format::Deb)).unwrap();
    insta::assert_snapshot!(sample::text(&inspection));
}

#[test]
fn real_dpkg_deb_reads_the_sample() {
    let (_folder, path) = sample_file(Format::Deb);
    let listing = run(Command::new("dpkg-deb").arg("--contents").arg(&path).env("TZ", "UTC"));
    insta::assert_snapshot!(listing);
    let fields = run(Command::new("dpkg-deb").arg("--field").arg(&path));
    let inspection = Deb.read(&sample_bytes(Format::Deb)).unwrap();
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
    let (_folder, path) = sample_file(Format::Deb);
    assert_eq!(lintian(&path), "");
}

#[test]
fn real_lintian_finds_nothing_in_a_first_release() {
    let mut package = sample::package(Format::Deb);
    package.meta = sample::meta("1.0.0", 1);
    package.meta.changelog.truncate(1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Deb.file_name(&package.meta));
    fs_err::write(&path, Deb.write(&package, &Templates::builtin()).unwrap()).unwrap();
    assert_eq!(lintian(&path), "");
}

/// A package with one file below /usr/lib, where our trigger looks for Postfix.
fn stand_in(folder: &std::path::Path, name: &str, version: &str) -> std::path::PathBuf {
    let tree = folder.join(format!("{name}-{version}"));
    fs_err::create_dir_all(tree.join("DEBIAN")).unwrap();
    fs_err::create_dir_all(tree.join("usr/lib").join(name)).unwrap();
    fs_err::write(tree.join("usr/lib").join(name).join("file"), version).unwrap();
    let control =
        format!("Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: x\nDescription: x\n");
    fs_err::write(tree.join("DEBIAN/control"), control).unwrap();
    let path = folder.join(format!("{name}_{version}.deb"));
    run(Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(&path));
    path
}

fn dpkg(host: &Host, action: &[&str], files: &[&std::path::Path]) -> Command {
    for folder in ["info", "updates", "triggers"] {
        fs_err::create_dir_all(host.path("var/lib/dpkg").join(folder)).unwrap();
    }
    for file in ["status", "available"] {
        let path = host.path("var/lib/dpkg").join(file);
        if !path.exists() {
            fs_err::write(path, "").unwrap();
        }
    }
    let mut command = Command::new("dpkg");
    command.arg(format!("--root={}", host.root().display())).args(["--force-depends", "--log=/dev/null"]);
    command.args(action).args(files);
    command
}

#[test]
fn real_dpkg_runs_the_scripts_of_a_whole_life() {
    let (folder, first) = sample_file(Format::Deb);
    let second = next_file(Format::Deb, folder.path());
    let stand_in = |name, version| stand_in(folder.path(), name, version);
    let (old, new) = (stand_in("postfix", "3.7"), stand_in("postfix", "3.10"));
    // dpkg runs triggers only where nothing is missing.
    let others = [stand_in("ca-certificates", "1"), stand_in("libsasl2-modules", "1")];
    let name = "acme-mail-relay";

    let mut host = Host::new(Root::Running);
    host.step("install with Postfix", &mut dpkg(&host, &["-i"], &[&first, &old, &others[0], &others[1]]));
    fs_err::create_dir_all(host.path("etc/mail-relay")).unwrap();
    fs_err::write(host.path("etc/mail-relay/relay.env"), "RELAY_PASSWORD=x\n").unwrap();
    host.step("upgrade", &mut dpkg(&host, &["-i"], &[&second]));
    host.step("Postfix is upgraded", &mut dpkg(&host, &["-i"], &[&new]));
    host.let_commands_fail(true);
    host.step("Postfix is upgraded, apply fails", &mut dpkg(&host, &["-i"], &[&old]));
    host.step("upgrade, apply fails", &mut dpkg(&host, &["-i"], &[&second]));
    host.step("remove, which fails", &mut dpkg(&host, &["-r", name], &[]));
    host.let_commands_fail(false);
    host.step("configure again", &mut dpkg(&host, &["--configure", name], &[]));
    host.step("remove", &mut dpkg(&host, &["-r", name], &[]));
    assert!(host.path("etc/mail-relay/relay.env").exists());
    host.step("purge", &mut dpkg(&host, &["-P", name], &[]));
    assert!(!host.path("etc/mail-relay").exists());
    assert!(!host.path("var/lib/mail-relay").exists());
    insta::assert_snapshot!(host.report());
}

#[test]
fn real_dpkg_touches_no_service_in_an_image() {
    let (_folder, path) = sample_file(Format::Deb);
    let report = |root| {
        let mut host = Host::new(root);
        host.step("install", &mut dpkg(&host, &["-i"], &[&path]));
        host.step("purge", &mut dpkg(&host, &["-P", "acme-mail-relay"], &[]));
        host.report().to_owned()
    };
    let of_image = report(Root::Image);
    assert_eq!(report(Root::ImageWithBuilder), of_image);
    insta::assert_snapshot!(of_image);
}
