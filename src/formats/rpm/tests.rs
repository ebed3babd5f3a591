use std::process::Command;

use ::rpm::FileOptions;

use super::*;
use crate::archive::MAX_KEPT;
use crate::formats::tests::{next_file, sample_bytes, sample_file};
use crate::package::host::{Host, Root};
use crate::package::sample::{self, run};
use crate::package::{Entry, EntryKind};
use crate::platform::Format;

#[test]
fn the_sample_reads_as_it_was_written() {
    let inspection = Rpm.read(&sample_bytes(Format::Rpm)).unwrap();
    insta::assert_snapshot!(sample::text(&inspection));
}

#[test]
fn names_longer_than_those_of_any_package_are_refused() {
    // Folders stand in the header once, however many files lie in them.
    let folder = format!("/{}", "f".repeat(4000));
    let mut builder = PackageBuilder::new("many", "1", "MIT", "noarch", "x");
    for number in 0..=MAX_KEPT / folder.len() {
        builder.with_file_contents("", FileOptions::new(format!("{folder}/{number}"))).unwrap();
    }
    let mut bytes = Vec::new();
    builder.build().unwrap().write(&mut bytes).unwrap();
    let refused = Rpm.read(&bytes).unwrap_err().to_string();
    assert!(refused.contains("longer than those of any package"), "{refused}");
}

#[test]
fn alternatives_are_a_rich_dependency() {
    let relation = |text: &str| Relation { any_of: text.split('|').filter_map(Requirement::parse).collect() };
    assert_eq!(dependency(&relation("a >= 1 | b")), Dependency::any("(a >= 1 or b)"));
    assert_eq!(dependency(&relation("a < 1")), Dependency::less("a", "1"));
}

#[test]
fn real_rpm_reads_the_sample() {
    let (_folder, path) = sample_file(Format::Rpm);
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
fn real_rpm2cpio_is_content() {
    let (_folder, path) = sample_file(Format::Rpm);
    // It exits with 1 where the payload is not as long as the header says.
    let cpio = Command::new("rpm2cpio").arg(&path).output().unwrap();
    assert!(cpio.status.success(), "{cpio:?}");
    let size = run(Command::new("rpm").args(["-qp", "--qf", "%{ARCHIVESIZE}"]).arg(&path));
    assert_eq!(size, cpio.stdout.len().to_string());
}

#[test]
fn real_rpmlint_finds_nothing() {
    let (folder, path) = sample_file(Format::Rpm);
    let config = folder.path().join("rpmlint.toml");
    fs_err::write(&config, include_str!("../../../ci/rpmlint.toml")).unwrap();
    let findings = run(Command::new("rpmlint").arg("--strict").arg("--config").arg(&config).arg(&path));
    assert!(findings.contains(" 0 errors, 0 warnings, 0 badness"), "{findings}");
}

/// A postfix that notes when its own script edits its files.
fn postfix(folder: &std::path::Path, version: &str) -> std::path::PathBuf {
    let mut builder = PackageBuilder::new("postfix", version, "MIT", "noarch", "x");
    builder.post_install_script("echo \"postfix %post $1\" >>/calls");
    builder.with_file_contents(version, FileOptions::new("/usr/libexec/postfix/master")).unwrap();
    let path = folder.join(format!("postfix-{version}.rpm"));
    let mut bytes = Vec::new();
    builder.build().unwrap().write(&mut bytes).unwrap();
    fs_err::write(&path, bytes).unwrap();
    path
}

fn rpm_command(host: &Host, action: &[&str], files: &[&std::path::Path]) -> Command {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(host.root()).args(["--dbpath", "/var/lib/rpm", "--nodeps"]);
    command.args(action).args(files);
    command
}

#[test]
fn real_rpm_runs_the_scripts_of_a_whole_life() {
    let (folder, first) = sample_file(Format::Rpm);
    let second = next_file(Format::Rpm, folder.path());
    let (old, new) = (postfix(folder.path(), "3.7"), postfix(folder.path(), "3.10"));
    let name = "acme-mail-relay";

    let mut host = Host::new(Root::Running);
    host.step("install with Postfix", &mut rpm_command(&host, &["-i"], &[&first, &old]));
    fs_err::write(host.path("etc/mail-relay/relay.env"), "RELAY_PASSWORD=x\n").unwrap();
    let verdict = run(&mut rpm_command(&host, &["-V", name], &[]));
    assert_eq!(verdict, "");
    host.step("upgrade", &mut rpm_command(&host, &["-U"], &[&second]));
    host.step("Postfix is upgraded", &mut rpm_command(&host, &["-U"], &[&new]));
    host.let_commands_fail(true);
    host.step(
        "Postfix is downgraded, apply fails",
        &mut rpm_command(&host, &["-U", "--oldpackage"], &[&old]),
    );
    host.step("downgrade, apply fails", &mut rpm_command(&host, &["-U", "--oldpackage"], &[&first]));
    host.step("remove, which fails", &mut rpm_command(&host, &["-e", name], &[]));
    host.let_commands_fail(false);
    host.step("Postfix goes", &mut rpm_command(&host, &["-e", "postfix"], &[]));
    host.step("Postfix comes", &mut rpm_command(&host, &["-i"], &[&new]));
    host.step("remove", &mut rpm_command(&host, &["-e", name], &[]));
    assert!(host.path("etc/mail-relay/relay.env").exists());
    insta::assert_snapshot!(host.report());
}

#[test]
fn real_rpm_touches_no_service_in_an_image() {
    let (_folder, path) = sample_file(Format::Rpm);
    let report = |root| {
        let mut host = Host::new(root);
        host.step("install", &mut rpm_command(&host, &["-i"], &[&path]));
        host.step("remove", &mut rpm_command(&host, &["-e", "acme-mail-relay"], &[]));
        host.report().to_owned()
    };
    let of_image = report(Root::Image);
    assert_eq!(report(Root::ImageWithBuilder), of_image);
    insta::assert_snapshot!(of_image);
}

/// The library packs the same files by itself: but for the compression, ours must be what it makes.
#[test]
fn our_payload_is_the_one_of_the_library() {
    let time = 1_700_000_000;
    let entry = |path: &str, mode, kind| Entry { path: path.into(), mode, kind, common: false };
    let entries = [
        entry("/opt/x", 0o750, EntryKind::Directory),
        entry("/opt/x/b", 0o640, EntryKind::File("four".into())),
        entry("/opt/x/a", 0o755, EntryKind::File("hello\n".into())),
        entry("/opt/x/link", 0o777, EntryKind::Symlink("../y".into())),
    ];
    let tree = Tree::new(&entries).unwrap();
    let builder = || {
        let mut builder = PackageBuilder::new("x", "1", "MIT", "noarch", "x");
        builder.using_config(BuildConfig::v4().compression(CompressionWithLevel::None).source_date(time));
        builder
    };
    let mut theirs = builder();
    for (path, node) in tree.iter() {
        let mode = u16::try_from(node.mode()).unwrap();
        match node {
            Node::Listed(Entry { kind: EntryKind::File(content), .. }, _) => {
                theirs.with_file_contents(content.to_vec(), FileOptions::new(path).permissions(mode))
            }
            Node::Listed(Entry { kind: EntryKind::Symlink(target), .. }, _) => {
                theirs.with_symlink(FileOptions::symlink(path, target.as_str()))
            }
            _ => theirs.with_dir_entry(FileOptions::dir(path).permissions(mode)),
        }
        .unwrap();
    }
    let theirs = theirs.build().unwrap();
    let nodes: Vec<_> = tree.iter().collect();
    let mut ours = builder().build().unwrap();
    let payload = Payload::new(&nodes, time);
    payload.compress().unwrap().complete(&mut ours).unwrap();

    let mut cpio = Vec::new();
    std::io::Read::read_to_end(&mut crate::archive::decompressor(&ours.payload).unwrap(), &mut cpio).unwrap();
    assert_eq!(String::from_utf8_lossy(&cpio), String::from_utf8_lossy(&theirs.payload));
    let compressed = ["PAYLOADSHA256", "PAYLOADFLAGS", "PAYLOADCOMPRESSOR"];
    let left_out = ["PAYLOADSHA256ALT"];
    let header = |package: &::rpm::Package| {
        let entries = package.metadata.header.get_all_entries().unwrap();
        let mut texts: Vec<String> = entries
            .into_iter()
            .filter(|(tag, _)| *tag != ::rpm::IndexTag::RPMTAG_HEADERIMMUTABLE as u32)
            .map(|(tag, data)| format!("{tag} {data:?}"))
            .collect();
        texts.sort();
        texts
    };
    let (ours, theirs) = (header(&ours), header(&theirs));
    let differing: Vec<&String> = ours.iter().filter(|line| !theirs.contains(line)).collect();
    assert_eq!(differing.len(), compressed.len(), "{differing:?}");
    assert_eq!(ours.len() + left_out.len(), theirs.len() + 1, "the library names no compressor of its own");
}
