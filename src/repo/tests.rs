//! Repositories as they are published, judged by their own verifier, by gpg and by rpm.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::json;

use super::site::{Files, Site};
use super::*;
use crate::diag::Source;
use crate::formats;
use crate::package::{Version, sample};
use crate::platform::Format;
use crate::sign::{Algorithm, FileSigner, SecretKey, create};
use crate::template::Templates;

/// Between the time of the sample packages and today.
const BORN: u64 = 1_690_000_000;
const NOW: u64 = 1_790_000_000;

fn secret(which: usize) -> &'static str {
    static KEYS: [OnceLock<String>; 3] = [const { OnceLock::new() }; 3];
    // One RSA key, because it takes half a second to make.
    let algorithm = if which == 0 { Algorithm::Rsa3072 } else { Algorithm::Ed25519 };
    KEYS[which]
        .get_or_init(|| create(algorithm, "ACME <it@acme.example>", BORN, None).unwrap().key.to_armor())
}

fn signer(which: usize) -> Box<dyn crate::sign::Signer> {
    Box::new(FileSigner::new(SecretKey::parse(secret(which).as_bytes()).unwrap()))
}

fn settings(text: &str) -> Settings {
    let text = starter(&"acme".parse().unwrap(), &"https://packages.acme.example".parse().unwrap()) + text;
    Settings::read(&Source { name: "repo.toml".into(), text }, Path::new("")).unwrap()
}

/// A folder as a build makes it, with packages of this version.
fn dist(version: &str, revision: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = Format::ALL
        .into_iter()
        .map(|format| {
            let mut package = sample::package(format);
            package.meta.version = Version::parse(version).unwrap().with_revision(revision);
            let templates = Templates::builtin();
            let writer = formats::of(format);
            let (name, bytes) =
                (writer.file_name(&package.meta), writer.write(&package, &templates).unwrap());
            fs_err::write(folder.path().join(&name), &bytes).unwrap();
            json!({ "file-name": name, "kind": format.name(), "size": bytes.len(), "sha256": sha256(&bytes) })
        })
        .collect();
    let unit = json!({ "package": "acme-mail-relay", "version": version, "inputs": "x", "files": files });
    let manifest = json!({ "postpack": "0", "inputs": "x", "units": [unit] });
    fs_err::write(folder.path().join("manifest.json"), manifest.to_string()).unwrap();
    folder
}

/// A repository in a folder of its own.
struct World {
    settings: Settings,
    keys: Keys,
    folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let keys = Keys::of(vec![signer(0)], Vec::new(), Vec::new());
        Self { settings: settings(""), keys, folder: tempfile::tempdir().unwrap() }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    fn repository(&self) -> Repository<'_> {
        Repository { settings: &self.settings, keys: &self.keys, root: self.root(), now: NOW, date: None }
    }

    fn publish(&self, dist: &tempfile::TempDir, suite: &str) -> Result<Published, RepoError> {
        let folders = [dist.path().to_path_buf()];
        self.repository().publish(&folders, &suite.parse().unwrap(), &Selection::default())
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = verify(&self.settings, &self.keys, &self.root()).unwrap();
        faults.extend(check(&self.settings, &self.keys, &self.root(), NOW).unwrap());
        faults
    }

    fn read(&self, path: &str) -> String {
        fs_err::read_to_string(self.root().join(path)).unwrap()
    }

    /// All published files and their digests.
    fn bytes(&self) -> BTreeMap<String, String> {
        let digest = |path: &String| sha256(&fs_err::read(self.root().join(path)).unwrap());
        Site::list(&self.root()).unwrap().into_iter().map(|path| (path.clone(), digest(&path))).collect()
    }

    fn versions(&self, suite: &str) -> Vec<String> {
        let state = self.repository().state().unwrap();
        let current = state.suites[&suite.parse().unwrap()].current().unwrap().clone();
        let ours = |item: &&state::Item| item.name == "acme-mail-relay" && item.format == Format::Deb;
        state.items_of(&current).filter(ours).map(|item| item.version.clone()).collect()
    }
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn a_tree_is_right_and_the_same_everywhere() {
    let (one, two, dist) = (World::new(), World::new(), dist("1.0.0", 1));
    one.publish(&dist, "stable").unwrap();
    two.publish(&dist, "stable").unwrap();
    assert_eq!(one.faults(), []);
    assert_eq!(one.bytes(), two.bytes());
    let before = one.bytes();
    // Nothing changes: no publication.
    assert_eq!(one.publish(&dist, "stable").unwrap().serial, 1);
    assert_eq!(one.bytes(), before);
    let state = one.repository().state().unwrap();
    assert_eq!(state.items.len(), 6, "three packages and three release packages");
    // A machine with the state alone goes on as one with everything.
    let next = self::dist("1.0.1", 1);
    let bare = World::new();
    for file in ["state.json", "state.json.asc"] {
        fs_err::copy(one.root().join(file), bare.root().join(file)).unwrap();
    }
    one.publish(&next, "stable").unwrap();
    bare.publish(&next, "stable").unwrap();
    let whole = one.bytes();
    assert!(bare.bytes().iter().all(|(path, digest)| whole[path] == *digest));
    assert_eq!(one.faults(), []);
}

#[test]
fn every_tampered_file_is_found() {
    let world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    let unsigned = |path: &str| {
        path.starts_with("acme") || path.starts_with("key.") || [".nojekyll", "index.html"].contains(&path)
    };
    for path in world.bytes().keys().filter(|path| !unsigned(path) && path.rsplit('.').next() != Some("key"))
    {
        let file = world.root().join(path);
        let good = fs_err::read(&file).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs_err::write(&file, &bad).unwrap();
        let found = verify(&world.settings, &world.keys, &world.root());
        assert!(found.is_err() || !found.unwrap().is_empty(), "{path}");
        fs_err::remove_file(&file).unwrap();
        let found = verify(&world.settings, &world.keys, &world.root());
        assert!(found.is_err() || !found.unwrap().is_empty() || path == "state.json", "{path}");
        fs_err::write(&file, &good).unwrap();
    }
    assert_eq!(world.faults(), []);
}

#[test]
fn other_bytes_under_a_published_version_are_refused() {
    let world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    let before = world.bytes();
    let other = dist("1.0.1", 1);
    let old = dist("1.0.0", 1);
    // The bytes of the new version under the name of the old one.
    let text = fs_err::read_to_string(other.path().join("manifest.json")).unwrap();
    fs_err::write(other.path().join("manifest.json"), text.replace("1.0.1", "1.0.0")).unwrap();
    for name in fs_err::read_dir(old.path()).unwrap().map(|entry| entry.unwrap().file_name()) {
        let name = name.to_string_lossy().into_owned();
        if name != "manifest.json" {
            fs_err::rename(other.path().join(name.replace("1.0.0", "1.0.1")), other.path().join(&name))
                .unwrap();
        }
    }
    assert!(matches!(world.publish(&other, "stable"), Err(RepoError::Changed(_))));
    // A file that is not the one in the manifest.
    let damaged = dist("1.0.2", 1);
    let deb = fs_err::read_dir(damaged.path()).unwrap().map(|entry| entry.unwrap().path());
    let deb = deb.into_iter().find(|path| path.extension().is_some_and(|end| end == "deb")).unwrap();
    let mut bytes = fs_err::read(&deb).unwrap();
    bytes[500] ^= 1;
    fs_err::write(&deb, bytes).unwrap();
    assert!(matches!(world.publish(&damaged, "stable"), Err(RepoError::Io(_))));
    assert_eq!(world.bytes(), before);
}

#[test]
fn suites_are_promoted_rolled_back_and_pruned() {
    let mut world = World::new();
    world.settings.repository.keep = 2;
    let (testing, stable) = (name("testing"), name("stable"));
    world.publish(&dist("1.0.0", 1), "testing").unwrap();
    let pool = |world: &World| {
        world.bytes().into_iter().filter(|(path, _)| path.contains("pool")).collect::<Vec<_>>()
    };
    let before = pool(&world);
    world.repository().promote(&testing, &stable, &Selection::default()).unwrap();
    assert_eq!(pool(&world), before, "promotion copies nothing");
    world.publish(&dist("1.1.0", 1), "testing").unwrap();
    assert_eq!(
        (world.versions("stable"), world.versions("testing")),
        (vec!["1.0.0-1".into()], vec!["1.1.0-1".into()])
    );
    world.repository().promote(&testing, &stable, &Selection::default()).unwrap();
    let date = |world: &World| world.repository().state().unwrap().suites[&stable].current().unwrap().date;
    let newer = date(&world);
    world.repository().rollback(&stable, 2).unwrap();
    assert_eq!(world.versions("stable"), ["1.0.0-1"]);
    assert!(date(&world) > newer, "clients ignore an older index");
    assert!(world.read("apt/dists/stable/InRelease").contains(&http_date(date(&world))));
    assert!(matches!(world.repository().rollback(&stable, 99), Err(RepoError::Unknown(_))));
    assert_eq!(world.faults(), []);

    world.publish(&dist("1.2.0", 1), "testing").unwrap();
    world.publish(&dist("1.2.0", 1), "stable").unwrap();
    world.publish(&dist("1.3.0", 1), "stable").unwrap();
    world.publish(&dist("1.3.0", 1), "testing").unwrap();
    assert!(world.repository().prune().unwrap() > 6);
    assert_eq!(world.faults(), []);
    assert!(!world.bytes().keys().any(|path| path.contains("1.0.0") || path.contains("stable-2/")));
    assert!(world.bytes().keys().any(|path| path.contains("1.2.0")), "two publications stay");
    world.repository().remove(&stable, &Selection::new(&["acme-mail-*".to_owned()])).unwrap();
    assert_eq!(world.versions("stable"), [""; 0]);
    assert_eq!(world.faults(), []);
}

#[test]
fn keys_rotate_without_a_gap() {
    let mut world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    let count = |world: &World, path: &str| world.read(path).matches("BEGIN PGP PUBLIC KEY BLOCK").count();
    // Announced: apt has both signatures, the others one, and hosts get a new release package.
    world.keys = Keys::of(vec![signer(0)], vec![signer(1)], Vec::new());
    world.repository().resign().unwrap();
    assert_eq!(
        (world.faults().iter().filter(|fault| fault.urgent).count(), count(&world, "key.asc")),
        (0, 2)
    );
    let state = world.repository().state().unwrap();
    assert_eq!(state.release.0, 2);
    // Either key is enough for apt.
    for which in [0, 1] {
        let keys = Keys::of(vec![signer(which)], Vec::new(), Vec::new());
        let text = world.read("apt/dists/stable/InRelease");
        let message = crate::sign::Cleartext::parse(&text).unwrap();
        let kind = crate::sign::Kind::Text;
        crate::sign::verify(&keys.certificates(), kind, &message.signed(), &message.signatures).unwrap();
    }
    // Switched: what the old key signed is still offered.
    let old = signer(0).certificate().clone();
    world.keys = Keys::of(vec![signer(1)], Vec::new(), vec![old]);
    world.publish(&dist("1.1.0", 1), "stable").unwrap();
    assert_eq!(world.faults().iter().filter(|fault| fault.urgent).count(), 0);
    // Forgotten too early.
    world.keys = Keys::of(vec![signer(1)], Vec::new(), Vec::new());
    let faults = check(&world.settings, &world.keys, &world.root(), NOW).unwrap();
    assert!(faults.iter().any(|fault| fault.message.contains("no longer get")), "{faults:?}");
    // A stranger's state is not gone on with.
    world.keys = Keys::of(vec![signer(2)], Vec::new(), Vec::new());
    assert!(matches!(world.publish(&dist("1.2.0", 1), "stable"), Err(RepoError::State(_))));
}

#[test]
fn a_killed_publication_is_all_or_nothing() {
    let world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    let before = world.bytes();
    let private = world.root().join(".postpack");
    // Killed before the journal: what was staged goes.
    fs_err::write(private.join("0"), "new").unwrap();
    fs_err::write(private.join("file"), "half").unwrap();
    drop(Site::lock(&world.root()).unwrap());
    assert_eq!(world.bytes(), before);
    // Files that it had written are in nobody's way.
    let left = world.root().join("rpm/snapshots/stable-2/repodata/repomd.xml");
    fs_err::create_dir_all(left.parent().unwrap()).unwrap();
    fs_err::write(&left, "half").unwrap();
    world.publish(&dist("1.0.1", 1), "stable").unwrap();
    assert_eq!(world.faults(), []);
    // Killed between the renames: the next run does the rest. The first one was done.
    fs_err::write(private.join("1"), "new").unwrap();
    let moves = json!([
        { "path": "apt/dists/stable/Release", "staged": 0 },
        { "path": "pacman/acme.db.sig", "staged": null },
        { "path": "apt/dists/stable/InRelease", "staged": 1 },
    ]);
    fs_err::write(private.join("journal.json"), moves.to_string()).unwrap();
    drop(Site::lock(&world.root()).unwrap());
    assert_eq!(world.read("apt/dists/stable/InRelease"), "new");
    assert!(!world.root().join("pacman/acme.db.sig").exists());
    assert_eq!(fs_err::read_dir(&private).unwrap().count(), 1, "only the lock stays");
    // A journal cannot leave the tree.
    let moves = json!([{ "path": "../x", "staged": null }]);
    fs_err::write(private.join("journal.json"), moves.to_string()).unwrap();
    assert!(matches!(Site::lock(&world.root()), Err(RepoError::Name(_))));
}

#[test]
fn two_publishers_do_not_meet_and_times_grow() {
    let world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    let time = |path: &str| fs_err::metadata(world.root().join(path)).unwrap().modified().unwrap();
    let before = time("pacman/acme.db");
    world.publish(&dist("1.0.1", 1), "stable").unwrap();
    let difference = time("pacman/acme.db").duration_since(before).unwrap();
    assert!(difference.as_secs() >= 1, "pacman would keep the old database");
    let site = Site::lock(&world.root()).unwrap();
    assert!(matches!(world.publish(&dist("1.0.2", 1), "stable"), Err(RepoError::Locked(_))));
    let mut files = Files::default();
    files.fix("../outside", "x");
    assert!(matches!(site.write(&files), Err(RepoError::Name(_))));
    drop(site);
    let early = Repository { now: BORN, ..world.repository() };
    assert!(matches!(early.resign(), Err(RepoError::Rejected(_))), "a date in the future");
}

#[test]
fn rpm_accepts_the_signature_in_the_header() {
    let world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    let database = tempfile::tempdir().unwrap();
    let rpmkeys = |arguments: &[&str]| {
        let mut command = std::process::Command::new("rpmkeys");
        command.arg("--dbpath").arg(database.path()).args(["--define", "_pkgverify_level all"]);
        let output = command.args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert!(rpmkeys(&["--import", world.root().join("key.asc").to_str().unwrap()]).0);
    let pool = fs_err::read_dir(world.root().join("rpm/pool")).unwrap();
    for path in pool.map(|entry| entry.unwrap().path()) {
        let (good, said) = rpmkeys(&["-Kv", path.to_str().unwrap()]);
        assert!(good && said.contains("Signature") && !said.contains("NOKEY"), "{said}");
    }
}

#[test]
fn the_indexes_are_the_known_ones() {
    let world = World::new();
    world.publish(&dist("1.0.0+git.7", 2), "stable").unwrap();
    let mut text = String::new();
    for path in world.bytes().keys() {
        // Digests and signatures depend on the key, which is new in each run.
        let digest = |part: &str| part.len() >= 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parts: Vec<String> = path
            .split('/')
            .map(|part| match part.split_once('-') {
                Some((first, rest)) if digest(first) => format!("DIGEST-{rest}"),
                _ if digest(part) => "DIGEST".to_owned(),
                _ => part.to_owned(),
            })
            .collect();
        let _ = writeln!(text, "{}", parts.join("/"));
    }
    let state = world.repository().state().unwrap();
    for item in state.items.values().filter(|item| item.name == "acme-mail-relay") {
        let entry = item.entry.replace(&item.sha256, "DIGEST").replace(&item.size.to_string(), "SIZE");
        let _ = write!(text, "--- {}\n{entry}", item.format);
    }
    for path in ["acme.sources", "acme.repo", "acme-zypper.repo", "acme.pacman.conf", "rpm/stable.mirrorlist"]
    {
        let _ = write!(text, "--- {path}\n{}", world.read(path));
    }
    insta::with_settings!({ filters => vec![(r#"(header-range start=|end=|package=)"\d+""#, "${1}\"N\"")] }, {
        insta::assert_snapshot!(text);
    });
}

#[test]
fn wrong_settings_are_refused_with_their_place() {
    let good = starter(&name("acme"), &"https://packages.acme.example".parse().unwrap());
    let cases = [
        ("name = \"acme\"", "name = \"../x\""),
        ("name = \"acme\"", "nam = \"acme\""),
        ("title = \"acme packages\"", "title = \"a: b\""),
        ("https://packages.acme.example\"", "https://packages.acme.example/\""),
        ("https://packages.acme.example\"", "ftp://x\""),
        ("\"testing\"]", "\"stable\"]"),
        ("keep = 5", "keep = 1"),
        ("keep = 5", "valid-days = 1"),
        ("use = \"sign\"", "use = \"announce\""),
        ("file = \"acme.key\"", ""),
        ("file = \"acme.key\"", "command = [\"x\"]"),
        ("file = \"acme.key\"", "file = \"acme.key\"\ngpg = \"x\""),
        ("<packages@packages.acme.example>", "packages"),
    ];
    let mut text = String::new();
    for (old, new) in cases {
        assert!(good.contains(old), "{old}");
        let source = Source { name: "repo.toml".into(), text: good.replace(old, new) };
        let findings = Settings::read(&source, Path::new("")).unwrap_err();
        text += &crate::diag::render_text(&findings, &source, false);
        text += "\n";
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_upload_begins_with_what_clients_do_not_see() {
    let world = World::new();
    world.publish(&dist("1.0.0", 1), "stable").unwrap();
    world.publish(&dist("1.0.1", 1), "stable").unwrap();
    let state = world.repository().state().unwrap();
    let plan = upload_plan(&world.root(), &state, Some(1), Some(b"old")).unwrap();
    let all: Vec<&String> = plan.steps.iter().flat_map(|step| &step.files).collect();
    let at = |name: &str| all.iter().position(|path| path.ends_with(name)).unwrap();
    let pool = at("acme-mail-relay_1.0.1-1_all.deb");
    let first = [at("stable/InRelease"), at("stable/repodata/repomd.xml"), at("acme.db"), at(".mirrorlist")];
    assert!(first.iter().all(|first| pool < at("Release.gpg") && at("Release.gpg") < *first));
    assert_eq!(at("state.json").max(at("state.json.asc")), all.len() - 1);
    assert!(!all.iter().any(|path| path.contains("1.0.0") || path.contains(".postpack/")));
    let whole = upload_plan(&world.root(), &state, None, None).unwrap();
    let mut files: Vec<String> = whole.steps.into_iter().flat_map(|step| step.files).collect();
    files.sort();
    assert_eq!(files, Site::list(&world.root()).unwrap(), "each file once");
    for tool in [Tool::Rclone, Tool::Aws, Tool::Rsync] {
        let script = plan.script(tool, "https://packages.acme.example");
        assert!(script.contains(&sha256(b"old")) && script.contains("InRelease"));
    }
}
