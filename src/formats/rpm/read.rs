//! Reading a .rpm that nobody vouches for: the headers are checked first, the payload is never unpacked.

use rpm::{DependencyFlags, FileType, Package, PackageMetadata};

use super::guard;
use crate::archive::MAX_KEPT;
use crate::package::{InspectedFile, Inspection, ReadError, mode_text};

/// Whether the first bytes are those of a .rpm.
pub(super) fn is_rpm(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xed\xab\xee\xdb")
}

/// Reads the content of a .rpm. Digests of the headers and of the payload are verified, if there are any.
///
/// # Errors
/// It is no .rpm, or is damaged.
pub(super) fn read(bytes: &[u8]) -> Result<Inspection, ReadError> {
    let package = parse(bytes)?;
    package.check_digests().and_then(|report| report.result()).map_err(damaged)?;
    inspect(&package.metadata)
}

/// The same without a look at the digests: what a forger with correct digests reaches.
#[cfg(test)]
pub(crate) fn read_unverified(bytes: &[u8]) -> Result<Inspection, ReadError> {
    inspect(&parse(bytes)?.metadata)
}

pub(super) fn parse(mut bytes: &[u8]) -> Result<Package, ReadError> {
    if !is_rpm(bytes) {
        return Err(ReadError::Unknown);
    }
    guard::check(bytes)?;
    Package::parse(&mut bytes).map_err(damaged)
}

fn inspect(metadata: &PackageMetadata) -> Result<Inspection, ReadError> {
    Ok(Inspection {
        format: "rpm",
        fields: fields(metadata)?,
        files: files(metadata)?,
        scripts: scripts(metadata)?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn damaged(error: rpm::Error) -> ReadError {
    ReadError::Damaged(error.to_string())
}

/// By the names of `rpm -qi`; what is missing is left out.
fn fields(metadata: &PackageMetadata) -> Result<Vec<(String, String)>, ReadError> {
    let mut fields = Vec::new();
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            fields.push((name.to_owned(), value));
        }
    };
    let text = |value: Result<&str, rpm::Error>| value.ok().map(str::to_owned);
    add("Name", text(metadata.get_name()));
    add("Epoch", metadata.get_epoch().ok().filter(|epoch| *epoch > 0).map(|epoch| epoch.to_string()));
    add("Version", text(metadata.get_version()));
    add("Release", text(metadata.get_release()));
    add("Architecture", text(metadata.get_arch()));
    add("Size", metadata.get_installed_size().ok().map(|size| size.to_string()));
    add("License", text(metadata.get_license()));
    add("Build Date", metadata.get_build_time().ok().map(|time| time.to_string()));
    add("Build Host", text(metadata.get_build_host()));
    add("Packager", text(metadata.get_packager()));
    add("Vendor", text(metadata.get_vendor()));
    add("URL", text(metadata.get_url()));
    let list = |relations: Result<Vec<rpm::Dependency>, rpm::Error>| -> Result<Option<String>, ReadError> {
        let relations = relations.map_err(damaged)?;
        // Required features of rpm itself say nothing about the package.
        let shown = relations.iter().filter(|relation| !relation.flags.contains(DependencyFlags::RPMLIB));
        Ok(Some(shown.map(ToString::to_string).collect::<Vec<_>>().join(", ")))
    };
    add("Requires", list(metadata.get_requires())?);
    add("Recommends", list(metadata.get_recommends())?);
    add("Suggests", list(metadata.get_suggests())?);
    add("Conflicts", list(metadata.get_conflicts())?);
    add("Provides", list(metadata.get_provides())?);
    add("Obsoletes", list(metadata.get_obsoletes())?);
    add("Summary", text(metadata.get_summary()));
    add("Description", text(metadata.get_description()));
    Ok(fields)
}

fn files(metadata: &PackageMetadata) -> Result<Vec<InspectedFile>, ReadError> {
    let entries = metadata.get_file_entries().map_err(damaged)?;
    // A folder can contain any number of files, and its name occurs in the header once.
    let length: usize = entries.iter().map(|entry| entry.dirname().len() + entry.basename().len()).sum();
    if length > MAX_KEPT {
        return Err(ReadError::Damaged("its names are longer than those of any package".to_owned()));
    }
    let inspect = |entry: &rpm::FileEntry<'_>| {
        let is_file = entry.file_type() == FileType::Regular;
        let letter = match entry.file_type() {
            FileType::Dir => 'd',
            FileType::SymbolicLink => 'l',
            FileType::CharacterDevice => 'c',
            FileType::BlockDevice => 'b',
            FileType::Fifo => 'p',
            FileType::Socket => 's',
            _ => '-',
        };
        let is_sha256 = |digest: &&rpm::FileDigest<'_>| digest.algorithm() == rpm::DigestAlgorithm::Sha2_256;
        InspectedFile {
            path: format!("{}{}", entry.dirname(), entry.basename()),
            mode: mode_text(letter, u32::from(entry.permissions())),
            owner: format!("{}:{}", entry.user(), entry.group()),
            size: if is_file { entry.size() as u64 } else { 0 },
            sha256: entry
                .digest()
                .filter(is_sha256)
                .filter(|_| is_file)
                .map(|digest| digest.as_hex().to_owned()),
            target: entry.linkto().map(str::to_owned),
        }
    };
    Ok(entries.iter().map(inspect).collect())
}

/// Scriptlets and triggers, by their names in a spec file.
fn scripts(metadata: &PackageMetadata) -> Result<Vec<(String, String)>, ReadError> {
    let scriptlets = [
        ("%pretrans", metadata.get_pre_trans_script()),
        ("%pre", metadata.get_pre_install_script()),
        ("%post", metadata.get_post_install_script()),
        ("%posttrans", metadata.get_post_trans_script()),
        ("%preun", metadata.get_pre_uninstall_script()),
        ("%postun", metadata.get_post_uninstall_script()),
        ("%preuntrans", metadata.get_pre_untrans_script()),
        ("%postuntrans", metadata.get_post_untrans_script()),
        ("%verify", metadata.get_verify_script()),
    ];
    let mut scripts: Vec<(String, String)> = scriptlets
        .into_iter()
        .filter_map(|(name, script)| Some((name.to_owned(), script.ok()?.script)))
        .collect();
    let kinds = [
        (DependencyFlags::TRIGGERPREIN, "triggerprein"),
        (DependencyFlags::TRIGGERIN, "triggerin"),
        (DependencyFlags::TRIGGERUN, "triggerun"),
        (DependencyFlags::TRIGGERPOSTUN, "triggerpostun"),
    ];
    let families = [
        ("%", metadata.get_triggers()),
        ("%file", metadata.get_file_triggers()),
        ("%transfile", metadata.get_trans_file_triggers()),
    ];
    for (prefix, triggers) in families {
        for trigger in triggers.map_err(damaged)? {
            let flags = trigger.conditions.first().map(|condition| condition.flags);
            let kind = kinds.iter().find(|(flag, _)| flags.is_some_and(|flags| flags.contains(*flag)));
            let names: Vec<&str> =
                trigger.conditions.iter().map(|condition| condition.name.as_str()).collect();
            let kind = kind.map_or("trigger", |(_, name)| name);
            scripts.push((format!("{prefix}{kind} -- {}", names.join(", ")), trigger.script));
        }
    }
    Ok(scripts)
}
