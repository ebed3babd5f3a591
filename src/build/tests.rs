use std::path::Path;
use std::time::SystemTime;

use super::*;

struct Silent;

impl Progress for Silent {
    fn one_done(&self) {}
}

/// A unit for each list of files; the digest of its inputs is the number given with it.
struct Files(Vec<(u32, Vec<(&'static str, &'static str)>)>);

impl Units for Files {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn jobs(&self, unit: usize) -> Option<Vec<Job>> {
        let files = &self.0[unit].1;
        let jobs = files.iter().map(|(name, bytes)| Job::file(name, bytes.as_bytes())).collect();
        (!files.is_empty()).then_some(jobs)
    }

    fn inputs(&self, unit: usize) -> String {
        self.0[unit].0.to_string()
    }
}

fn run(units: &Files, out: &Path) -> Result<Report, BuildError> {
    let options = Options { reuse: true, inputs: format!("{:?}", units.0), ..Options::default() };
    build(units, out, &options, &Templates::builtin(), &Silent)
}

fn one(files: &[(&'static str, &'static str)]) -> Files {
    Files(vec![(0, files.to_vec())])
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs_err::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn files_appear_with_their_sums_and_nothing_else() {
    let out = tempfile::tempdir().unwrap();
    let report = run(&one(&[("b", "2"), ("a", "1")]), out.path()).unwrap();
    let names: Vec<_> = report.manifest.files().map(|file| file.file_name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(names_in(out.path()), [SUMS, "a", "b", MANIFEST]);
    insta::assert_snapshot!(fs_err::read_to_string(out.path().join(SUMS)).unwrap());
    insta::assert_snapshot!("manifest", fs_err::read_to_string(out.path().join(MANIFEST)).unwrap());
}

#[test]
fn a_collision_leaves_no_folder() {
    let parent = tempfile::tempdir().unwrap();
    let out = parent.path().join("dist");
    let units = Files(vec![(0, vec![("a", "")]), (1, vec![("a", "1")])]);
    assert!(matches!(run(&units, &out), Err(BuildError::Collision(name)) if name == "a"));
    assert!(!out.exists());
}

#[test]
fn what_fails_leaves_the_folder_as_it_was() {
    let out = tempfile::tempdir().unwrap();
    fs_err::write(out.path().join("a"), "old").unwrap();
    assert!(run(&one(&[("a", "new"), ("no/such/folder", "")]), out.path()).is_err());
    let refused = Files(vec![(0, vec![("a", "new")]), (1, vec![])]);
    assert!(matches!(run(&refused, out.path()), Err(BuildError::Refused)));
    assert_eq!(fs_err::read_to_string(out.path().join("a")).unwrap(), "old");
    assert_eq!(names_in(out.path()), ["a"]);
}

#[test]
fn what_did_not_change_is_not_made_again() {
    let out = tempfile::tempdir().unwrap();
    let before = Files(vec![(1, vec![("a", "1")]), (2, vec![("b", "2")]), (3, vec![("c", "3")])]);
    assert_eq!(run(&before, out.path()).unwrap().built(), 3);
    assert_eq!(run(&before, out.path()).unwrap().built(), 0);
    // One has other inputs, one is gone, one is new.
    let after = Files(vec![(1, vec![("a", "1")]), (4, vec![("b", "4")]), (5, vec![("d", "5")])]);
    let report = run(&after, out.path()).unwrap();
    assert_eq!(report.built(), 2);
    let fresh = tempfile::tempdir().unwrap();
    assert_eq!(run(&after, fresh.path()).unwrap().manifest, report.manifest);
    assert_eq!(fs_err::read_to_string(out.path().join("b")).unwrap(), "4");
}

#[test]
fn what_was_touched_or_lost_is_made_again() {
    let out = tempfile::tempdir().unwrap();
    let units = Files(vec![(1, vec![("a", "1")]), (2, vec![("b", "2")])]);
    run(&units, out.path()).unwrap();
    let late = SystemTime::now() + std::time::Duration::from_secs(5);
    fs_err::write(out.path().join("a"), "x").unwrap();
    std::fs::File::options().write(true).open(out.path().join("a")).unwrap().set_modified(late).unwrap();
    assert_eq!(run(&units, out.path()).unwrap().built(), 1);
    assert_eq!(fs_err::read_to_string(out.path().join("a")).unwrap(), "1");
    fs_err::remove_file(out.path().join("b")).unwrap();
    assert_eq!(run(&units, out.path()).unwrap().built(), 1);
    // Nothing is known of the folder: all is made again, and found to be there.
    fs_err::write(out.path().join(MANIFEST), "{").unwrap();
    assert_eq!(run(&units, out.path()).unwrap().built(), 0);
}
