//! Tests that every format must pass.

mod bytes;
mod order;

use super::*;
use crate::package::{Lifecycle, sample};

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
    let templates = Templates::builtin();
    for format in Format::ALL {
        let bytes = of(format).write(&sample::package(format), &templates).unwrap();
        let takers = Format::ALL.into_iter().filter(|other| of(*other).recognizes(&bytes));
        assert_eq!(takers.collect::<Vec<_>>(), [format]);
        assert_eq!(inspect(&bytes).unwrap().format, format.name());
    }
}
