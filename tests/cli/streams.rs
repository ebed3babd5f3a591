//! What goes where: results, everything else, colours, and what happens when nobody reads.

use std::process::{Command, Stdio};

use crate::cli::world::{EXAMPLE, World};

#[test]
fn help_and_version() {
    let world = World::new();
    insta::assert_snapshot!(world.said("--version"), @"
    exit 0
    --- stdout
    postpack 0.1.0
    ");
    insta::assert_snapshot!(world.said("-h"), @"
    exit 0
    --- stdout
    Build native packages of a Postfix mail relay from one short description

    Usage: postpack [OPTIONS] <COMMAND>

    Commands:
      init         Write a commented spec as a starting point
      import       Write a spec for a Postfix that was configured by hand
      check        Check a spec for errors, and suggest fixes
      render       Write the files of a host, as on a given distribution, without building a package
      build        Build packages
      image        Write a recipe for an image builder, an installer or a container
      verify       Rebuild the packages in a folder, and compare them byte for byte
      merge        Join the shards of a fleet
      inspect      Show metadata, files and scripts of a package in any of the three formats
      diff         Show the changes on a host between two specs or packages, or on all hosts between two
                   fleets
      explain      Explain a key of the spec, a Postfix parameter, or the code of a finding
      key          Create and maintain the keys that sign packages and repositories
      sign         Sign files with OpenPGP: in a separate file, in the text, or in the header of an rpm
      repo         Publish signed repositories for apt, dnf, zypper and pacman as static files
      schema       Print the JSON Schema of the spec, for editors
      providers    List the provider presets, or show one
      profiles     List the kinds of relay
      targets      List the supported distributions, with the facts about each
      completions  Print a completion script for a shell
      man          Print the man page postpack(1), or write the pages of all verbs
      help         Print this message or the help of the given subcommand(s)

    Options:
      -q, --quiet         Print only errors
          --color <WHEN>  When to use colour [default: auto] [possible values: auto, always, never]
      -h, --help          Print help (see more with '--help')
      -V, --version       Print version

    Exit status: 0 fine, 1 something failed, 2 the input is wrong and nothing was written.
    Documentation: https://github.com/postpack/postpack/tree/main/docs
    ");
    insta::assert_snapshot!(world.said("biuld"), @"
    exit 2
    --- stderr
    error: unrecognized subcommand 'biuld'

      tip: a similar subcommand exists: 'build'

    Usage: postpack [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    let run = world.run("");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let verbs = "init check render build inspect diff schema providers profiles targets completions man";
    for verb in verbs.split_whitespace() {
        let run = world.run(&format!("{verb} --help"));
        assert!(run.code == 0 && run.stderr.is_empty() && run.stdout.contains("Usage: postpack"), "{run}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for verb in ["providers", "schema", "man", "completions bash", "init", "providers ses --format json"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postpack"));
        command.args(verb.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // The reading end is closed before the first byte is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{verb}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_postpack"));
    let output = command.arg("schema").stdout(full.into_parts().0).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stderr).unwrap(), @"error: standard output: No space left on device (os error 28)");
}

#[test]
fn colour_is_for_who_wants_it() {
    let wrong = EXAMPLE.replace("ses", "sess");
    let colourful = |world: &World, words: &str| world.run(words).stderr.contains("\u{1b}[");
    let world = World::new().file("wrong.toml", &wrong);
    // Not a terminal.
    assert!(!colourful(&world, "check wrong.toml"));
    assert!(colourful(&world, "check wrong.toml --color always"));
    assert!(colourful(&world, "--color always providers sess"));
    let world = World::new().file("wrong.toml", &wrong).variable("NO_COLOR", "1").variable("TERM", "xterm");
    assert!(!colourful(&world, "check wrong.toml"));
    let world = World::new().file("wrong.toml", &wrong).variable("CLICOLOR_FORCE", "1");
    assert!(colourful(&world, "check wrong.toml"));
    assert!(!colourful(&world, "check wrong.toml --color never"));
}
