//! Machines that a package is for, by the names of the three formats.

/// Machine that a package runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Any machine: the package contains no machine code.
    All,
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Aarch64,
}

impl Architecture {
    /// The name in Debian packages (Debian policy 5.6.8).
    pub fn deb(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::X86_64 => "amd64",
            Self::Aarch64 => "arm64",
        }
    }

    /// The name in rpm packages.
    pub fn rpm(self) -> &'static str {
        match self {
            Self::All => "noarch",
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// The name in pacman packages (PKGINFO(5)).
    pub fn pacman(self) -> &'static str {
        match self {
            Self::All => "any",
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lifecycle, sample};
    use super::*;
    use crate::target::Format;
    use crate::template::Templates;
    use crate::{deb, pacman, rpm};

    #[test]
    fn a_program_is_packed_for_its_machine_and_without_scripts() {
        let templates = Templates::builtin();
        for (architecture, names) in [
            (Architecture::X86_64, ["_amd64.deb", ".x86_64.rpm", "-x86_64.pkg.tar.zst"]),
            (Architecture::Aarch64, ["_arm64.deb", ".aarch64.rpm", "-aarch64.pkg.tar.zst"]),
        ] {
            let mut package = sample::package(Format::Deb);
            package.meta.architecture = architecture;
            package.lifecycle = Lifecycle::default();
            let meta = &package.meta;
            for (name, end) in
                [deb::file_name(meta), rpm::file_name(meta), pacman::file_name(meta)].iter().zip(names)
            {
                assert!(name.ends_with(end), "{name}");
            }
            let inspections = [
                deb::read(&deb::write(&package, &templates).unwrap()).unwrap(),
                rpm::read(&rpm::write(&package, &templates).unwrap()).unwrap(),
                pacman::read(&pacman::write(&package, &templates).unwrap()).unwrap(),
            ];
            for found in inspections {
                assert_eq!(found.scripts, [], "{}", found.format);
                assert!(!found.files.iter().any(|file| file.path.contains("/hooks/")), "{}", found.format);
                let known = [architecture.deb(), architecture.rpm()];
                assert!(
                    found.fields.iter().any(|(_, value)| known.contains(&value.as_str())),
                    "{}",
                    found.format
                );
            }
        }
    }
}
