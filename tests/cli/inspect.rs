use crate::cli::world::World;

const PACKAGES: [&str; 3] = [
    "acme-mail-relay_1.0.0-1_all.deb",
    "acme-mail-relay-1.0.0-1.noarch.rpm",
    "acme-mail-relay-1.0.0-1-any.pkg.tar.zst",
];

#[test]
fn text_and_json_say_the_same() {
    let world = World::with_example();
    world.result("build");
    for package in PACKAGES {
        let text = world.result(&format!("inspect dist/{package}"));
        let json = world.json(&format!("inspect --format json dist/{package}"));
        for file in json["files"].as_array().unwrap() {
            assert!(text.contains(file["path"].as_str().unwrap()), "{package}: {file}");
        }
        for pair in json["fields"].as_array().unwrap() {
            let (name, value) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            assert!(
                text.contains(&format!("{name}: {}", value.lines().next().unwrap_or_default())),
                "{pair}"
            );
        }
        for pair in json["scripts"].as_array().unwrap() {
            assert!(text.contains(&format!("--- {}\n", pair[0].as_str().unwrap())), "{pair}");
        }
        assert!(json["files"].as_array().unwrap().len() > 30);
        // Fields and scripts are the formats' own; their sizes and hashes change with every line of the host command.
        let (head, rest) = text.split_once("\nMODE ").unwrap();
        let names: Vec<_> = rest.lines().filter(|line| line.starts_with("--- ")).collect();
        let filters = vec![(r"(?m)^(Installed-Size|size|Size): .*", "$1: [n]"), ("[0-9a-f]{64}", "[sha256]")];
        insta::with_settings!({ filters => filters }, {
            let name = json["format"].as_str().unwrap();
            insta::assert_snapshot!(name, format!("{head}\n{}\n", names.join("\n")));
        });
    }
}

#[test]
fn what_is_no_package_is_said() {
    let world = World::with_example().file("empty", "").file("folder/file", "");
    for wrong in ["relay.toml", "empty", "folder", "missing.deb"] {
        insta::assert_snapshot!(format!("inspect-{wrong}"), world.said(&format!("inspect {wrong}")));
    }
}

/// Cut anywhere, a package is damaged or unknown: never a panic, never a success.
#[test]
fn a_truncated_package_is_damaged() {
    let world = World::with_example();
    world.result("build");
    for package in PACKAGES {
        let whole = fs_err::read(world.path(&format!("dist/{package}"))).unwrap();
        for part in 0..12 {
            fs_err::write(world.path("cut"), &whole[..whole.len() * part / 12]).unwrap();
            let run = world.run("inspect cut");
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{package} {part}: {run}");
            assert!(run.stderr.starts_with("error: cut: "), "{run}");
        }
    }
}

/// A tar with this text as the name of a file and in its description, as a package of pacman.
fn acting_on_a_terminal() -> Vec<u8> {
    let member = |name: &str, content: &str| {
        let mut header = [0; 512];
        let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
        put(0, name);
        put(100, "0000644\x000000000\x000000000\0");
        put(124, &format!("{:011o}\x0000000000000\0        0", content.len()));
        put(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut member = [&header, content.as_bytes()].concat();
        member.resize(member.len().next_multiple_of(512), 0);
        member
    };
    let info = "pkgname = x\npkgdesc = \u{1b}[2Jgone \u{9b}31m\n";
    [member(".PKGINFO", info), member("etc/\u{1b}]0;title\u{7}", "x"), vec![0; 1024]].concat()
}

#[test]
fn what_a_package_says_does_not_act_on_the_terminal() {
    let world = World::new().file("evil", acting_on_a_terminal()).file("other", {
        let bytes = acting_on_a_terminal();
        [&bytes[..1536], &bytes[2560..]].concat()
    });
    for words in ["inspect evil", "diff evil other"] {
        let run = world.run(&format!("--color always {words}"));
        assert!(!run.stdout.is_empty(), "{run}");
        let acts = |c: char| c.is_control() && c != '\n';
        assert!(!run.stdout.contains(acts), "{words}: {:?}", run.stdout);
    }
    assert!(world.result("inspect evil").contains("u{1b}[2Jgone"));
}

#[test]
fn a_file_without_an_end_is_refused() {
    let run = World::new().run("inspect /dev/zero");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("larger than"), "{run}");
}
