use crate::cli::world::{EXAMPLE, World};

fn two() -> World {
    World::with_example().file(
        "new.toml",
        EXAMPLE
            .replace("1.0.0", "1.1.0")
            .replace("ops@acme.example", "staff@acme.example")
            .replace("Platform Team", "Mail Team"),
    )
}

/// Without the lines on sizes, which change with every word of the host command.
pub(crate) fn without_sizes(said: &str) -> String {
    let is_size = |line: &str| line.to_lowercase().contains("size: ");
    said.lines().filter(|line| !is_size(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_same_is_said() {
    let world = two();
    world.result("build relay.toml");
    insta::assert_snapshot!(world.said("diff relay.toml relay.toml"), @r#"
    exit 0
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
         Same relay.toml relay.toml
    "#);
    insta::assert_snapshot!(world.said("diff relay.toml dist/acme-mail-relay-1.0.0-1.noarch.rpm"), @r#"
    exit 0
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
         Same relay.toml dist/acme-mail-relay-1.0.0-1.noarch.rpm
    "#);
    insta::assert_snapshot!(world.run_with("diff --quiet - relay.toml", EXAMPLE), @"exit 0");
}

#[test]
fn a_difference_is_an_answer_with_exit_code_one() {
    let world = two();
    let said = world.said("diff relay.toml new.toml");
    insta::assert_snapshot!("diff_specs", without_sizes(&said));
}

#[test]
fn packages_are_known_by_their_bytes() {
    let world = two();
    world.result("build relay.toml -o a --package-format deb");
    world.result("build new.toml -o b --package-format deb");
    fs_err::rename(world.path("b/acme-mail-relay_1.1.0-1_all.deb"), world.path("renamed")).unwrap();
    let said = world.said("diff a/acme-mail-relay_1.0.0-1_all.deb renamed");
    insta::assert_snapshot!("diff_packages", without_sizes(&said));
}

#[test]
fn what_cannot_be_compared_is_the_inputs_fault() {
    let world = two().file("wrong.toml", "x = 1\n").file("cut.deb", b"!<arch>\ndebian-binary   ");
    world.result("build relay.toml");
    insta::assert_snapshot!(world.said("diff relay.toml missing.toml"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: failed to open file `missing.toml`: No such file or directory (os error 2)
    hint: `postpack init -o relay.toml` writes a starting point
    "#);
    insta::assert_snapshot!(world.said("diff relay.toml cut.deb"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: cut.deb: the package is damaged: the ar archive ends or is broken in the middle
    "#);
    insta::assert_snapshot!(world.said("diff - -"), @"
    exit 2
    --- stderr
    error: `-` was given more than once; standard input can be read only once
    ");
    let packages = "dist/acme-mail-relay_1.0.0-1_all.deb dist/acme-mail-relay-1.0.0-1.noarch.rpm";
    insta::assert_snapshot!(world.said(&format!("diff {packages}")), @"
    exit 2
    --- stderr
    error: the two sides have no common package format
    ");
    assert_eq!(world.run("diff relay.toml wrong.toml").code, 2);
}
