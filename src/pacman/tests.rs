use std::process::Command;

use super::*;
use crate::package::sample::{self, run};
use crate::target::Format;

fn sample_bytes() -> Vec<u8> {
    write(&sample::package(Format::Pacman), &Templates::builtin()).unwrap()
}

/// The sample in a folder of its own.
fn sample_file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file_name(&sample::package(Format::Pacman).meta));
    fs_err::write(&path, sample_bytes()).unwrap();
    (folder, path)
}

#[test]
fn the_sample_reads_as_it_was_written() {
    insta::assert_snapshot!(sample::text(&read(&sample_bytes()).unwrap()));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert!(sample_bytes() == sample_bytes());
}

#[test]
fn what_is_no_package_is_said_to_be_none() {
    use crate::package::ReadError;
    assert_eq!(read(b"hello"), Err(ReadError::Unknown));
    assert!(read(&zstd(b"hello").unwrap()).is_err());
    let bytes = sample_bytes();
    assert!(matches!(read(&bytes[..bytes.len() / 2]), Err(ReadError::Damaged(_))));
}

#[test]
fn real_pacman_installs_and_verifies_the_sample() {
    let (folder, path) = sample_file();
    let root = folder.path().join("root");
    fs_err::create_dir_all(root.join("var/lib/pacman")).unwrap();
    // pacman -U insists on root; fakeroot keeps the test free of it.
    let pacman = |args: &[&str]| {
        let mut command = Command::new("fakeroot");
        command.args(["pacman", "--config", "/dev/null", "--root"]).arg(&root).args(args);
        run(&mut command)
    };
    let quiet = ["-U", "--noscriptlet", "--noconfirm", "--nodeps", "--nodeps", "--hookdir", "/nonexistent"];
    pacman(&[&quiet[..], &[path.to_str().unwrap()]].concat());
    let name = sample::package(Format::Pacman).meta.name;
    let info = pacman(&["-Qi", &name]);
    assert!(info.contains("1.2.0rc1-3"), "{info}");
    let verdict = pacman(&["-Qkk", &name]);
    assert!(verdict.contains("0 altered files"), "{verdict}");
}

#[test]
fn real_sh_reads_the_install_script() {
    let script = scripts::install(&sample::package(Format::Pacman), &Templates::builtin()).unwrap();
    run(Command::new("sh").args(["-n", "-c", &script]));
}

#[test]
fn the_sample_describes_itself() {
    let bytes = sample_bytes();
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
