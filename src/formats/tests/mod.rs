//! Tests that every format must pass.

mod bytes;
mod order;

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::package::{Lifecycle, sample};

/// The sample of a format.
pub(super) fn sample_bytes(format: Format) -> Vec<u8> {
    of(format).write(&sample::package(format), &Templates::builtin()).unwrap()
}

/// The sample in a new folder.
pub(super) fn sample_file(format: Format) -> (TempDir, PathBuf) {
    sample::in_folder(&of(format).file_name(&sample::package(format).meta), &sample_bytes(format))
}

/// The next version of the sample, in a folder.
pub(super) fn next_file(format: Format, folder: &Path) -> PathBuf {
    let mut next = sample::package(format);
    next.meta = sample::meta("1.2.0", 1);
    let path = folder.join(of(format).file_name(&next.meta));
    fs_err::write(&path, of(format).write(&next, &Templates::builtin()).unwrap()).unwrap();
    path
}

#[test]
fn a_program_is_packed_for_its_machine_and_without_scripts() {
    let templates = Templates::builtin();
    for (architecture, names) in [
        (Architecture::X86_64, ["_amd64.deb", ".x86_64.rpm", "-x86_64.pkg.tar.zst"]),
        (Architecture::Aarch64, ["_arm64.deb", ".aarch64.rpm", "-aarch64.pkg.tar.zst"]),
    ] {
        for (format, end) in Format::ALL.into_iter().map(of).zip(names) {
            let mut package = sample::package(Format::Deb);
            package.meta.architecture = architecture;
            package.lifecycle = Lifecycle::default();
            let name = format.file_name(&package.meta);
            assert!(name.ends_with(end), "{name}");
            let found = format.read(&format.write(&package, &templates).unwrap()).unwrap();
            assert_eq!(found.scripts, [], "{name}");
            assert!(!found.files.iter().any(|file| file.path.contains("/hooks/")), "{name}");
            let machine = format.architecture(architecture);
            assert!(found.fields.iter().any(|(_, value)| value == machine), "{name}");
        }
    }
}

#[test]
fn each_format_recognizes_its_own_packages_alone() {
    for format in Format::ALL {
        let bytes = sample_bytes(format);
        let takers = Format::ALL.into_iter().filter(|other| of(*other).recognizes(&bytes));
        assert_eq!(takers.collect::<Vec<_>>(), [format]);
        assert_eq!(inspect(&bytes).unwrap().format, format.name());
    }
}
