use crate::cli::world::{EXAMPLE, World};

#[test]
fn without_a_spec_it_builds_the_example() {
    let world = World::new();
    let run = world.run("build");
    insta::with_settings!({ filters => vec![(r"[\d.]+ k?B", "[size]")] }, {
        insta::assert_snapshot!(run, @"
        exit 0
        --- stderr
            Using the embedded example relay.toml and fleet.toml do not exist
            Built dist/acme-mail-relay-1.0.0-1-any.pkg.tar.zst [size]
            Built dist/acme-mail-relay-1.0.0-1.noarch.rpm [size]
            Built dist/acme-mail-relay.cloud-init.yaml [size]
            Built dist/acme-mail-relay.preseed [size]
            Built dist/acme-mail-relay_1.0.0-1_all.deb [size]
        ");
    });
    insta::assert_snapshot!(world.names("dist"), @"
    SHA256SUMS
    acme-mail-relay-1.0.0-1-any.pkg.tar.zst
    acme-mail-relay-1.0.0-1.noarch.rpm
    acme-mail-relay.cloud-init.yaml
    acme-mail-relay.preseed
    acme-mail-relay_1.0.0-1_all.deb
    manifest.json
    ");
    let same = World::with_example();
    same.result("build relay.toml --output there --jobs 3 --quiet");
    assert_eq!(world.tree("dist"), same.tree("there"));
}

#[test]
fn sums_are_right() {
    use sha2::Digest as _;
    let world = World::new();
    world.result("build");
    let tree = world.tree("dist");
    let sums = world.read("dist/SHA256SUMS");
    // But for itself and the manifest.
    assert_eq!(sums.lines().count(), tree.len() - 2);
    for line in sums.lines() {
        let (sum, name) = line.split_once("  ").unwrap();
        assert_eq!(sum, format!("{:x}", sha2::Sha256::digest(&tree[name])));
    }
}

#[test]
fn several_specs_and_formats() {
    let world = World::with_example();
    let other = EXAMPLE.replace("acme-mail-relay", "other-relay");
    let run = world.run_with("build relay.toml - --package-format rpm,pacman -q", other);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
    insta::assert_snapshot!(world.names("dist"), @"
    SHA256SUMS
    acme-mail-relay-1.0.0-1-any.pkg.tar.zst
    acme-mail-relay-1.0.0-1.noarch.rpm
    acme-mail-relay.cloud-init.yaml
    acme-mail-relay.preseed
    manifest.json
    other-relay-1.0.0-1-any.pkg.tar.zst
    other-relay-1.0.0-1.noarch.rpm
    other-relay.cloud-init.yaml
    other-relay.preseed
    ");
}

#[test]
fn a_format_that_the_spec_excludes_is_refused() {
    let targets = EXAMPLE.replace("version =", "targets = [\"debian-12\", \"arch\"]\nversion =");
    let world = World::new().file("relay.toml", targets);
    insta::assert_snapshot!(world.said("build relay.toml --package-format deb,rpm"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:8:14
      |
    8 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: relay.toml: no rpm package belongs to it: its `targets` need deb and pacman
    hint: add a target of that format to `package.targets`, or select a different --package-format
    "#);
    insta::assert_snapshot!(world.said("build relay.toml --package-format zip"), @"
    exit 2
    --- stderr
    error: invalid value 'zip' for '--package-format <FORMAT,...>': `zip` is no package format: deb, rpm or pacman

    For more information, try '--help'.
    ");
    assert_eq!(world.names("dist"), "absent");
    assert_eq!(world.run("build relay.toml --package-format deb").code, 0);
}

#[test]
fn json() {
    let world = World::new();
    let report = world.json("build --format json -o out");
    assert_eq!(report["output"], "out");
    let artifacts = report["artifacts"].as_array().unwrap();
    let sums: Vec<String> = artifacts
        .iter()
        .map(|one| format!("{}  {}\n", one["sha256"].as_str().unwrap(), one["file-name"].as_str().unwrap()))
        .collect();
    assert_eq!(sums.concat(), world.read("out/SHA256SUMS"));
    let kinds: Vec<_> = artifacts.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["pacman", "rpm", "file", "file", "deb"]);
}

#[test]
fn the_time_stamp_of_the_environment() {
    let default = World::new();
    default.result("build");
    let world = World::new().variable("SOURCE_DATE_EPOCH", "1700000000");
    world.result("build");
    assert_ne!(world.tree("dist"), default.tree("dist"));
    let rpm = world.result("inspect dist/acme-mail-relay-1.0.0-1-any.pkg.tar.zst");
    assert!(rpm.contains("builddate: 1700000000"), "{rpm}");
    for wrong in ["", "yesterday", "-1", "+1", "1.5", "4294967296", "99999999999999999999999"] {
        let world = World::new().variable("SOURCE_DATE_EPOCH", wrong);
        let name = if wrong.is_empty() { "empty" } else { wrong };
        insta::assert_snapshot!(format!("epoch-{name}"), world.said("build"));
        assert_eq!(world.names("dist"), "absent");
    }
}

#[test]
fn a_fault_writes_nothing() {
    let world = World::with_example()
        .file("wrong.toml", EXAMPLE.replace("noreply@", "nore ply@"))
        .file("other.toml", EXAMPLE.replace("1.0.0", "2.0.0"));
    insta::assert_snapshot!(world.said("build relay.toml wrong.toml"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error[from]: `relay.from` must be a mail address or `@domain`
      --> wrong.toml:13:8
       |
    13 | from = "nore ply@acme.example"
       |        ^^^^^^^^^^^^^^^^^^^^^^^ a blank is not allowed here
    "#);
    insta::assert_snapshot!(world.said("build relay.toml missing.toml"), @"
    exit 2
    --- stderr
    error: failed to open file `missing.toml`: No such file or directory (os error 2)
    hint: `postpack init -o relay.toml` writes a starting point
    ");
    insta::assert_snapshot!(world.said("build relay.toml other.toml"), @r#"
    exit 2
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> other.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: two of the specs would both make acme-mail-relay.cloud-init.yaml
    hint: give each [package] a different name, or build into different folders
    "#);
    insta::assert_snapshot!(world.said("build - -"), @"
    exit 2
    --- stderr
    error: `-` was given more than once; standard input can be read only once
    ");
    insta::assert_snapshot!(world.said("build --jobs 0"), @"
    exit 2
    --- stderr
    error: invalid value '0' for '--jobs <N>': number would be zero for non-zero type

    For more information, try '--help'.
    ");
    assert_eq!(world.names("dist"), "absent");
}

#[test]
fn what_cannot_be_written_leaves_no_trace() {
    let world = World::with_example().file("file", "");
    insta::assert_snapshot!(world.said("build relay.toml -o file"), @r#"
    exit 1
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: failed to create directory `file`: File exists (os error 17)
    "#);
    insta::assert_snapshot!(world.said("build relay.toml -o file/dist"), @r#"
    exit 1
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: failed to create directory `file/dist`: Not a directory (os error 20)
    "#);
    // Something in the way of one file: none of the others appears.
    let world = World::with_example().file("dist/acme-mail-relay_1.0.0-1_all.deb/mine", "");
    insta::assert_snapshot!(world.said("build relay.toml"), @r#"
    exit 1
    --- stderr
    warning[example-value]: `acme.example` is a domain for examples: it receives no mail
     --> relay.toml:7:14
      |
    7 | maintainer = "Platform Team <platform@acme.example>"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: replace it in `package.maintainer`, `relay.from` and `relay.root-mail-to`
    error: dist/acme-mail-relay_1.0.0-1_all.deb is a folder and in the way
    "#);
    assert_eq!(world.names("dist"), "acme-mail-relay_1.0.0-1_all.deb/mine\n");
}

#[test]
fn a_second_build_replaces_the_first() {
    let world = World::with_example().file("dist/mine", "mine").file("dist/SHA256SUMS", "old");
    world.result("build relay.toml");
    assert_eq!(world.read("dist/mine"), "mine");
    assert!(world.read("dist/SHA256SUMS").contains("acme-mail-relay"));
}

const RESTYLED: &str = "{{#each sections}}\n### {{comment}}\n{{#each lines}}{{this}}\n{{/each}}{{/each}}";

#[test]
fn a_users_template_restyles() {
    let world = World::with_example().file("style/postfix/main.cf.hbs", RESTYLED);
    world.result("render relay.toml --target arch -o host --templates style");
    let main_cf = world.read("host/usr/share/mail-relay/main.cf");
    assert!(main_cf.contains("\n### "), "{main_cf}");
    world.result("build relay.toml --templates style -o styled");
    world.result("build relay.toml -o plain");
    let package = "acme-mail-relay_1.0.0-1_all.deb";
    let difference = world.said(&format!("diff plain/{package} styled/{package}"));
    assert!(difference.contains("~ /usr/share/mail-relay/main.cf"), "{difference}");
}

/// Whatever is wrong with a template is the input's fault, and is said with its place.
#[test]
fn a_users_template_cannot_break_anything() {
    let cases = [
        ("postfix/main.cf", RESTYLED.replace("{{this}}", "{{this}} x")),
        ("postfix/main.cf", format!("{RESTYLED}\nsmtp_tls_security_level = none\n")),
        ("postfix/main.cf", String::new()),
        ("postfix/main.cf", "a\n {{nothing}}".to_owned()),
        ("postfix/main.cf", "{{#each sections}}".to_owned()),
        ("deb/postinst", "{{nothing}}".to_owned()),
        ("deb/postints", String::new()),
    ];
    for (index, (name, text)) in cases.into_iter().enumerate() {
        let world = World::with_example().file(&format!("style/{name}.hbs"), text);
        insta::assert_snapshot!(
            format!("template-{index}"),
            world.said("build relay.toml --templates style")
        );
        assert_eq!(world.names("dist"), "absent");
    }
    insta::assert_snapshot!(World::new().said("build --templates style"), @"
    exit 2
    --- stderr
        Using the embedded example relay.toml and fleet.toml do not exist
    error: failed to read directory `style`: No such file or directory (os error 2)
    ");
}
