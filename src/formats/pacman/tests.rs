use std::process::Command;

use super::*;
use crate::formats::tests::{next_file, sample_bytes, sample_file};
use crate::package::host::{Host, Root};
use crate::package::sample::{self, run};
use crate::platform::Format;

#[test]
fn the_sample_reads_as_it_was_written() {
    insta::assert_snapshot!(sample::text(&Pacman.read(&sample_bytes(Format::Pacman)).unwrap()));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert!(sample_bytes(Format::Pacman) == sample_bytes(Format::Pacman));
}

#[test]
fn what_is_no_package_is_said_to_be_none() {
    use crate::package::ReadError;
    assert_eq!(Pacman.read(b"hello"), Err(ReadError::Unknown));
    assert!(Pacman.read(&::zstd::bulk::compress(b"hello", 1).unwrap()).is_err());
    let bytes = sample_bytes(Format::Pacman);
    assert!(matches!(Pacman.read(&bytes[..bytes.len() / 2]), Err(ReadError::Damaged(_))));
}

#[test]
fn real_pacman_installs_and_verifies_the_sample() {
    let (_folder, path) = sample_file(Format::Pacman);
    let host = Host::new(Root::Image);
    run(&mut pacman(&host, &["-Udd"], &[&path]));
    let name = sample::package(Format::Pacman).meta.name;
    let info = run(&mut pacman(&host, &["-Qi", &name], &[]));
    assert!(info.contains("1.2.0rc1-3"), "{info}");
    let verdict = run(&mut pacman(&host, &["-Qkk", &name], &[]));
    assert!(verdict.contains("0 altered files"), "{verdict}");
}

#[test]
fn real_sh_reads_the_install_script() {
    let script = scripts::install(&sample::package(Format::Pacman), &Templates::builtin()).unwrap();
    run(Command::new("sh").args(["-n", "-c", &script]));
}

#[test]
fn the_sample_describes_itself() {
    let bytes = sample_bytes(Format::Pacman);
    let unpack = |bytes: &[u8]| {
        let mut unpacked = Vec::new();
        std::io::Read::read_to_end(&mut crate::archive::decompressor(bytes).unwrap(), &mut unpacked).unwrap();
        unpacked
    };
    let listing = crate::archive::list(&unpack(&bytes)[..], |name| name.starts_with('.')).unwrap();
    let describe = |(name, content): &(String, Vec<u8>)| {
        ["--- ", name, "\n", &String::from_utf8(unpack(content)).unwrap()].concat()
    };
    insta::assert_snapshot!(listing.texts.iter().map(describe).collect::<String>());
}

fn add_texts(archive: &mut Tar, texts: &[(&str, &str)]) {
    for (name, text) in texts {
        archive.add(name, 0o644, Member::File(text.as_bytes()));
    }
}

/// A postfix that notes when its own script runs, and another package that it needs.
fn postfix(folder: &std::path::Path, version: &str) -> std::path::PathBuf {
    let mut archive = Tar::new(sample::TIME, Method::Zstd, Effort::High);
    let info = format!("pkgname = postfix\npkgver = {version}\npkgdesc = x\narch = any\nsize = 1\n");
    let script = "post_install() { echo 'postfix post_install' >>/calls; }\n";
    add_texts(
        &mut archive,
        &[(".PKGINFO", &info), (".INSTALL", script), ("usr/lib/postfix/master", version)],
    );
    let path = folder.join(format!("postfix-{version}-any.pkg.tar.zst"));
    fs_err::write(&path, archive.finish().compress().unwrap()).unwrap();
    path
}

fn pacman(host: &Host, action: &[&str], files: &[&std::path::Path]) -> Command {
    fs_err::create_dir_all(host.path("var/lib/pacman")).unwrap();
    let config = host.path("etc/pacman.conf");
    fs_err::write(&config, "[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n")
        .unwrap();
    let mut command = Command::new("pacman");
    command.arg("--root").arg(host.root()).arg("--config").arg(&config).arg("--noconfirm");
    command.args(action).args(files);
    command
}

#[test]
fn real_pacman_runs_the_scripts_of_a_whole_life() {
    let (folder, first) = sample_file(Format::Pacman);
    let second = next_file(Format::Pacman, folder.path());
    let (old, new) = (postfix(folder.path(), "3.7-1"), postfix(folder.path(), "3.10-1"));
    let name = "acme-mail-relay";

    let mut host = Host::new(Root::Running);
    host.step("install with Postfix", &mut pacman(&host, &["-Udd"], &[&first, &old]));
    fs_err::write(host.path("etc/mail-relay/relay.env"), "RELAY_PASSWORD=x\n").unwrap();
    host.step("upgrade", &mut pacman(&host, &["-Udd"], &[&second]));
    host.step("Postfix is upgraded", &mut pacman(&host, &["-Udd"], &[&new]));
    host.let_commands_fail(true);
    host.step("downgrade, apply fails", &mut pacman(&host, &["-Udd"], &[&first]));
    host.let_commands_fail(false);
    let changelog = run(&mut pacman(&host, &["-Qc", name], &[]));
    assert!(changelog.contains("Send by the new smarthost."), "{changelog}");
    host.step("remove", &mut pacman(&host, &["-Rdd", name], &[]));
    assert!(host.path("etc/mail-relay/relay.env").exists());
    insta::assert_snapshot!(host.report());
}

#[test]
fn real_pacman_touches_no_service_in_an_image() {
    let (_folder, path) = sample_file(Format::Pacman);
    let report = |root| {
        let mut host = Host::new(root);
        host.step("install", &mut pacman(&host, &["-Udd"], &[&path]));
        host.step("remove", &mut pacman(&host, &["-Rdd", "acme-mail-relay"], &[]));
        host.report().to_owned()
    };
    let of_image = report(Root::Image);
    assert_eq!(report(Root::ImageWithBuilder), of_image);
    insta::assert_snapshot!(of_image);
}
