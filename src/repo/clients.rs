//! Files for hosts that use the repository: keys, sources, recipes for first boots, and the release package that contains all
//! of them and keeps them current.

use super::format::{self as repository, ClientFiles};
use super::keys::Keys;
use super::settings::Settings;
use super::{RepoError, apt, dnf, pacman, sha256};
use crate::formats;
use crate::package::{Architecture, Lifecycle, Meta, Package, Relations, Release, Version};
use crate::platform::Format;
use crate::template::Templates;

/// The name of the release package.
pub(super) fn package_name(settings: &Settings) -> String {
    format!("{}-repository", settings.repository.name)
}

/// The name under which the newest release package is found for ever.
pub(super) fn bootstrap_name(settings: &Settings, format: Format) -> String {
    format!("{}.{}", package_name(settings), format.facts().extension)
}

fn keyring(settings: &Settings, format: Format) -> String {
    repository::of(format).keyring(&settings.repository.name)
}

/// The files of hosts that people and tools fetch, by their paths in the tree.
///
/// # Errors
/// The release package cannot be made.
pub(super) fn files(
    settings: &Settings,
    keys: &Keys,
    release: u64,
) -> Result<Vec<(String, Vec<u8>)>, RepoError> {
    let name = &settings.repository.name;
    let url = &settings.repository.url;
    let key = format!("{url}/key.asc");
    let mut files: Vec<(String, Vec<u8>)> = vec![
        // GitHub Pages leaves out folders that it takes for its own without this file.
        (".nojekyll".to_owned(), Vec::new()),
        ("key.asc".to_owned(), keys.to_armor().into_bytes()),
        ("key.gpg".to_owned(), keys.to_bytes()),
        (format!("{name}.sources"), apt::source(settings).into_bytes()),
        (format!("{name}.repo"), dnf::source(settings, &key).into_bytes()),
        (format!("{name}-zypper.repo"), dnf::zypper_source(settings, &key).into_bytes()),
        (format!("{name}.pacman.conf"), pacman::source(settings).into_bytes()),
        (format!("{name}.cloud-init.yaml"), cloud_init(settings, keys).into_bytes()),
        (format!("{name}.ansible.yml"), ansible(settings, keys).into_bytes()),
    ];
    if release > 0 {
        for (format, _, bytes) in packages(settings, keys, release)? {
            files.push((bootstrap_name(settings, format), bytes));
        }
    }
    Ok(files)
}

/// SHA-256 of what is in the release packages: when it changes, they get a new version.
pub(super) fn digest(settings: &Settings, keys: &Keys) -> String {
    let key = keyring(settings, Format::Rpm);
    let texts = [
        env!("CARGO_PKG_VERSION").to_owned(),
        keys.to_armor(),
        pacman::trusted(keys),
        apt::source(settings),
        dnf::source(settings, &key),
        dnf::zypper_source(settings, &key),
        pacman::source(settings),
        settings.repository.maintainer.as_str().to_owned(),
    ];
    sha256(texts.join("\0").as_bytes())
}

/// The release packages: format, file name, bytes.
///
/// # Errors
/// A package cannot be written.
pub(super) fn packages(
    settings: &Settings,
    keys: &Keys,
    release: u64,
) -> Result<Vec<(Format, String, Vec<u8>)>, RepoError> {
    let templates = Templates::builtin();
    Format::ALL
        .into_iter()
        .map(|format| {
            let package = package(settings, keys, release, format);
            let writer = formats::of(format);
            Ok((format, writer.file_name(&package.meta), writer.write(&package, &templates)?))
        })
        .collect()
}

fn package(settings: &Settings, keys: &Keys, release: u64, format: Format) -> Package {
    let description = &settings.repository;
    let ClientFiles { mut entries, keyring } = repository::of(format).client_files(settings, keys);
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let version = Version { numbers: vec![release], ..Version::default() };
    // Of the keys, so that the same settings give the same bytes on any day.
    let time = keys
        .certificates()
        .iter()
        .map(|key| u64::from(key.newest_self_signature()))
        .max()
        .unwrap_or_default();
    let maintainer = description.maintainer.as_str().to_owned();
    let change = Release {
        version: version.clone(),
        time,
        author: maintainer.clone(),
        changes: vec!["Current keys and addresses of the repository.".to_owned()],
    };
    Package {
        meta: Meta {
            name: package_name(settings),
            architecture: Architecture::All,
            version,
            maintainer,
            license: "CC0-1.0".to_owned(),
            summary: format!("keys and sources of {}", description.title),
            description: format!(
                "Lets this host install packages from {} and verify their signatures. Upgrades bring new keys before they \
                 are used.",
                description.url
            ),
            homepage: Some(description.url.as_str().to_owned()).filter(|url| url.starts_with("http")),
            changelog: vec![change],
        },
        time,
        entries,
        relations: Relations::default(),
        lifecycle: Lifecycle { keyring, ..Lifecycle::default() },
    }
}

/// Indented lines of a YAML block.
fn block(text: &str, indent: usize) -> String {
    text.lines().map(|line| format!("{:indent$}{line}\n", "")).collect::<Vec<_>>().concat()
}

/// User data of cloud-init that adds the repository on the first boot, before packages are installed.
fn cloud_init(settings: &Settings, keys: &Keys) -> String {
    let name = &settings.repository.name;
    let armor = block(&keys.to_armor(), 6);
    let [deb, rpm] = [Format::Deb, Format::Rpm].map(|format| keyring(settings, format));
    let deb = deb.replace(".gpg", ".asc").replace("/usr/share/keyrings", "/etc/apt/keyrings");
    let apt = apt::source(settings).replace(&keyring(settings, Format::Deb), &deb);
    let dnf = dnf::source(settings, &format!("file://{rpm}"));
    format!(
        "#cloud-config\n# Adds the repository on the first boot. Keep the part of your distribution, and add `packages:`.\n\
         write_files:\n  # Debian, Ubuntu\n  - path: {deb}\n    content: |\n{armor}  - path: \
         /etc/apt/sources.list.d/{name}.sources\n    content: |\n{}  # RHEL, Fedora\n  - path: {rpm}\n    content: |\n{armor}  \
         - path: /etc/yum.repos.d/{name}.repo\n    content: |\n{}package_update: true\n",
        block(&apt, 6),
        block(&dnf, 6),
    )
}

/// Tasks of Ansible that install the release package.
fn ansible(settings: &Settings, keys: &Keys) -> String {
    let name = &settings.repository.name;
    let url = &settings.repository.url;
    let fingerprint = keys.certificates().first().map(|key| key.fingerprint()).unwrap_or_default();
    format!(
        "# Tasks that add the repository {url}. The key is {fingerprint}.\n\
         - name: Add the repository on Debian and Ubuntu\n  when: ansible_facts.pkg_mgr == 'apt'\n  ansible.builtin.apt:\n    \
         deb: {url}/{}\n\
         - name: Trust the key on RHEL and Fedora\n  when: ansible_facts.pkg_mgr in ['dnf', 'dnf5', 'zypper']\n  \
         ansible.builtin.rpm_key:\n    key: {url}/key.asc\n    fingerprint: {fingerprint}\n\
         - name: Add the repository on RHEL and Fedora\n  when: ansible_facts.pkg_mgr in ['dnf', 'dnf5']\n  \
         ansible.builtin.get_url:\n    url: {url}/{name}.repo\n    dest: /etc/yum.repos.d/{name}.repo\n    mode: '0644'\n\
         - name: Add the repository on SUSE\n  when: ansible_facts.pkg_mgr == 'zypper'\n  \
         ansible.builtin.get_url:\n    url: {url}/{name}-zypper.repo\n    dest: /etc/zypp/repos.d/{name}.repo\n    \
         mode: '0644'\n",
        bootstrap_name(settings, Format::Deb),
    )
}
