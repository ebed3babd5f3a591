//! A folder of its own for each test, and nothing of the outside in it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;

/// The example of the README.
pub(crate) const EXAMPLE: &str = include_str!("../../examples/null-client.toml");

/// An empty folder that is home and working directory.
pub(crate) struct World {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

/// What a run left on the streams.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// An empty folder but for the example, as relay.toml.
    pub(crate) fn with_example() -> Self {
        Self::new().file("relay.toml", EXAMPLE)
    }

    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, content).unwrap();
        self
    }

    /// Writes a file over what may be there.
    pub(crate) fn write(&self, name: &str, content: &str) {
        fs_err::write(self.path(name), content).unwrap();
    }

    pub(crate) fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// `postpack WORDS`, not yet run. Without LLVM_PROFILE_FILE and the like: the environment is empty.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postpack"));
        command.args(words.split_whitespace()).current_dir(self.folder.path()).env_clear();
        command.env("HOME", self.folder.path()).env("LC_ALL", "C").env("PATH", "/usr/bin:/bin");
        command.envs(self.variables.iter().copied());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Run {
        self.run_with(words, "")
    }

    /// With this on standard input.
    pub(crate) fn run_with(&self, words: &str, input: impl Into<Vec<u8>>) -> Run {
        let output = self.command(words).write_stdin(input).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Exit code, standard output and standard error in one text, for a snapshot.
    pub(crate) fn said(&self, words: &str) -> String {
        self.run(words).to_string()
    }

    /// The result of a run that must succeed.
    pub(crate) fn result(&self, words: &str) -> String {
        let run = self.run(words);
        assert_eq!(run.code, 0, "{words}: {}", run.stderr);
        run.stdout
    }

    /// The result as JSON, whatever the exit code.
    pub(crate) fn json(&self, words: &str) -> serde_json::Value {
        let run = self.run(words);
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{words}: {error}: {run}"))
    }

    /// Every file below a folder, with its bytes.
    pub(crate) fn tree(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.path(folder), "", &mut files);
        files
    }

    /// The names of the files below a folder; `absent` if there is none.
    pub(crate) fn names(&self, folder: &str) -> String {
        if !self.path(folder).exists() {
            return "absent".to_owned();
        }
        self.tree(folder).keys().fold(String::new(), |mut text, name| {
            let _ = writeln!(text, "{name}");
            text
        })
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "exit {}", self.code)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.is_empty() {
                writeln!(out, "--- {name}")?;
                // No blanks at the ends of lines: editors take them away.
                text.lines().try_for_each(|line| writeln!(out, "{}", line.trim_end()))?;
            }
        }
        Ok(())
    }
}

fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs_err::read(&path).unwrap());
        }
    }
}
