//! What is printed is what happened: builds, verifications and comparisons of fleets.

use serde_json::Value;

use crate::cli::fleet::{fleet, steady};
use crate::cli::world::{EXAMPLE, World};

fn statuses(report: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = report["packages"].as_array().unwrap().iter();
    packages.map(|unit| format!("{} {}", text(&unit["package"]), text(&unit["status"]))).collect()
}

#[test]
fn a_build_names_what_it_wrote_and_what_it_left() {
    let world = fleet();
    let build = "build fleet.toml --package-format deb";
    world.result(&format!("{build} --quiet"));
    world.write("fleet.toml", &world.read("fleet.toml").replace("berlin@acme", "berlin-ops@acme"));
    insta::assert_snapshot!("group_changed", steady(&world.run(build)));
    let report = world.json(&format!("{build} --format json --rebuild"));
    let all = ["acme-relay-db1 unchanged", "acme-relay-web1 unchanged", "acme-relay-web2 unchanged"];
    assert_eq!(statuses(&report), all);
    let report =
        world.json(&format!("{build} --format json --set relay.from=x@acme.example --only host=web2"));
    let one = ["acme-relay-db1 unchanged", "acme-relay-web1 unchanged", "acme-relay-web2 built"];
    assert_eq!(statuses(&report), one);
    assert_eq!(report["same-version"], serde_json::json!(["acme-relay-web2_1.0.8-1_all.deb"]));
}

#[test]
fn some_rows_do_not_make_it_forget_the_others() {
    let world = fleet();
    world.result("build fleet.toml --quiet -o whole");
    world.result("build fleet.toml --quiet");
    world.result("build fleet.toml --quiet --only host=web2");
    assert_eq!(world.tree("whole"), world.tree("dist"));
    world.result("verify dist fleet.toml --quiet");
    // One by one they become the whole.
    for host in ["web1", "db1", "web2"] {
        world.result(&format!("build fleet.toml --quiet -o parts --only host={host}"));
        world.result(&format!("verify parts fleet.toml --quiet --only host={host}"));
    }
    assert_eq!(world.tree("whole"), world.tree("parts"));
    // Nobody can say of what the others were made.
    assert_eq!(world.run("build fleet.toml --only host=web2 --provenance").code, 2);
    assert_eq!(world.run("build fleet.toml --only host=web2 --provenance -o apart").code, 0);
}

#[test]
fn what_matches_nothing_is_an_error_or_a_warning() {
    let world = fleet();
    world.result("build fleet.toml --quiet");
    for (only, hint) in [
        ("site=rom", "did you mean `rome`?"),
        ("host=web*,site=z", "values of `site`: berlin-1, berlin-2, rome"),
        ("host=web1,site=rome", "no row matches all of them"),
        ("host=web1 --only host=wbe2", "did you mean `web2`?"),
    ] {
        for verb in ["build", "check", "verify dist", "render --target debian-12 -o host"] {
            let run = world.run(&format!("{verb} fleet.toml --only {only}"));
            assert_eq!((run.code, run.stderr.contains(hint)), (2, true), "{verb} {only}: {run}");
        }
    }
    world.write("fleet.toml", &world.read("fleet.toml").replace("berlin*", "berln*"));
    insta::assert_snapshot!("idle_group", world.run("check fleet.toml"));
    assert_eq!(world.run("check fleet.toml --strict").code, 2);
}

/// A file of a folder with its new content; nothing if it is removed.
type Edit = (String, Option<Vec<u8>>);

/// Everything that can be done to a folder of a build, and what `verify` names.
#[test]
fn verify_believes_nothing_in_the_folder() {
    let world = fleet();
    let all = "--quiet --sbom=build,packages --provenance";
    world.result(&format!("build fleet.toml {all} -o good"));
    world.result(&format!("verify good fleet.toml {all}"));
    let good = world.tree("good");
    let deb = "acme-relay-web2_1.0.8-1_all.deb";
    let replace = |name: &str, from: &str, to: &str| {
        let text = String::from_utf8(good[name].clone()).unwrap();
        assert!(text.contains(from), "{name}: {from}");
        (name.to_owned(), Some(text.replacen(from, to, 1).into_bytes()))
    };
    let digest = world.read("good/SHA256SUMS").lines().next().unwrap()[..64].to_owned();
    let (zeros, dead) = ("0".repeat(64), "dead".repeat(16));
    let mut package = good[deb].clone();
    package[3000] ^= 1;
    let cases: Vec<(Vec<Edit>, &str)> = vec![
        (vec![(deb.to_owned(), Some(package))], deb),
        (vec![(deb.to_owned(), None)], deb),
        (vec![replace("SHA256SUMS", &digest, &zeros)], "SHA256SUMS"),
        (vec![replace("SHA256SUMS", "  ", " *")], "SHA256SUMS"),
        (vec![("SHA256SUMS".to_owned(), None)], "SHA256SUMS"),
        (vec![replace("manifest.json", &digest, &dead)], "manifest.json"),
        (vec![replace("manifest.json", "\"postpack\":\"", "\"postpack\":\"9")], "manifest.json"),
        (vec![replace("manifest.json", "\n", "\n\n")], "manifest.json"),
        (vec![replace("manifest.json", deb, "../x")], "manifest.json"),
        (vec![("manifest.json".to_owned(), None)], "manifest.json"),
        (vec![("evil_9.9_all.deb".to_owned(), Some(b"x".to_vec()))], "evil_9.9_all.deb"),
        (vec![("evil.asc".to_owned(), Some(b"x".to_vec()))], "evil.asc"),
        (vec![("provenance.intoto.json".to_owned(), None)], "provenance.intoto.json"),
        (vec![replace("sbom.spdx.json", "SPDX-2.3", "SPDX-2.2")], "sbom.spdx.json"),
    ];
    for (number, (changes, named)) in cases.into_iter().enumerate() {
        let folder = format!("bad{number}");
        for (name, bytes) in &good {
            let path = world.path(&folder).join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, bytes).unwrap();
        }
        for (name, bytes) in changes {
            let path = world.path(&folder).join(name);
            match bytes {
                Some(bytes) => fs_err::write(path, bytes).unwrap(),
                None => fs_err::remove_file(path).unwrap(),
            }
        }
        let run = world.run(&format!("verify {folder} fleet.toml"));
        assert!(run.code == 1 && run.stdout.contains(named), "{number}: {run}");
    }
    // Signatures are made after the build.
    fs_err::write(world.path("good/SHA256SUMS.asc"), "x").unwrap();
    world.result("verify good fleet.toml --quiet");
}

#[test]
fn documents_that_were_asked_for_must_be_there() {
    let world = fleet();
    world.result("build fleet.toml --quiet");
    for demand in ["--sbom", "--provenance", "--provenance --builder-id urn:acme:ci"] {
        assert_eq!(world.run(&format!("verify dist fleet.toml {demand}")).code, 1, "{demand}");
    }
    world.result("build fleet.toml --quiet --provenance --builder-id urn:acme:ci");
    world.result("verify dist fleet.toml --quiet --provenance --builder-id urn:acme:ci");
    assert_eq!(world.run("verify dist fleet.toml --provenance --builder-id urn:acme:other").code, 1);
}

/// A poisoned cache: the package was exchanged, and its digest in the manifest.
#[test]
fn an_attested_build_takes_nothing_from_the_folder() {
    use sha2::Digest as _;
    let world = fleet();
    world.result("build fleet.toml --quiet -o clean --provenance");
    world.result("build fleet.toml --quiet");
    let name = "acme-relay-web2_1.0.8-1_all.deb";
    let mut bytes = world.tree("dist")[name].clone();
    let before = format!("{:x}", sha2::Sha256::digest(&bytes));
    bytes[3000] ^= 1;
    let after = format!("{:x}", sha2::Sha256::digest(&bytes));
    fs_err::write(world.path("dist").join(name), bytes).unwrap();
    world.write("dist/manifest.json", &world.read("dist/manifest.json").replace(&before, &after));
    world.result("build fleet.toml --quiet --provenance");
    assert_eq!(world.tree("clean"), world.tree("dist"));
}

#[cfg(unix)]
#[test]
fn only_regular_files_of_a_folder_are_read() {
    let world = World::with_example();
    world.result("build relay.toml --quiet");
    for name in ["acme-mail-relay.preseed", "SHA256SUMS", "manifest.json"] {
        let path = world.path("dist").join(name);
        let bytes = fs_err::read(&path).unwrap();
        fs_err::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let run = world.run("verify dist relay.toml");
        assert!(run.code == 1 && run.stdout.contains(name), "{run}");
        fs_err::remove_file(&path).unwrap();
        fs_err::write(&path, bytes).unwrap();
    }
}

#[test]
fn a_manifest_names_files_of_its_folder_only() {
    for evil in ["../.profile", "../../x", "/etc/x", "sub/x", "x\\ny", ".", ".."] {
        let world = fleet();
        world.result("build fleet.toml --quiet --shard 1/1 -o part");
        let name = "acme-relay-web2.preseed";
        let manifest = world.read("part/manifest.json");
        assert!(manifest.contains(name));
        world.write("part/manifest.json", &manifest.replace(name, evil));
        fs_err::copy(world.path("part").join(name), world.path(".profile")).unwrap();
        let run = world.run("merge part -o dist");
        assert_eq!((run.code, world.names("dist").as_str()), (2, "absent"), "{evil}: {run}");
        assert_eq!(world.run("build fleet.toml --quiet -o part").code, 0, "{evil}");
    }
}

#[test]
fn a_key_is_set_on_the_command_line() {
    let world = World::with_example();
    world.result("build relay.toml --quiet --set package.version=1.4.0 --release 3");
    assert!(world.names("dist").contains("acme-mail-relay_1.4.0-3_all.deb"));
    world.result("verify dist relay.toml --quiet --set package.version=1.4.0 --release 3");
    assert_eq!(world.run("verify dist relay.toml").code, 1);
    world.result("check relay.toml --set package.targets=debian-12;arch --set limits.message-size=20M");
    insta::assert_snapshot!(
        "set_wrong",
        world.run("check relay.toml --set relay.from=nobody --set packge.version=2")
    );
    insta::assert_snapshot!("release_wrong", world.run("check relay.toml --release x"));
    assert_eq!(world.run("check relay.toml --set version=2").code, 2);
    let world = fleet();
    world.result(
        "build fleet.toml --quiet --package-format deb --set package.version=2.{{serial}} --provenance",
    );
    assert!(world.names("dist").contains("acme-relay-web2_2.8-1_all.deb"));
    assert!(world.read("dist/provenance.intoto.json").contains("package.version=2.{{serial}}"));
}

#[test]
fn other_bytes_under_the_same_version_are_named() {
    let world = World::with_example();
    world.result("build relay.toml --package-format deb");
    world.write("relay.toml", &EXAMPLE.replace("ops@acme", "staff@acme"));
    insta::assert_snapshot!("same_version", steady(&world.run("build relay.toml --package-format deb")));
    let run = world.run("build relay.toml --package-format deb --release 2");
    assert!(!run.stderr.contains("different bytes"), "{run}");
    // Without a manifest, what is there counts.
    fs_err::remove_file(world.path("dist/manifest.json")).unwrap();
    let run = world.run("build relay.toml --package-format deb --release 2 --set relay.from=x@acme.example");
    assert!(run.stderr.contains("different bytes under the same version"), "{run}");
}

#[test]
fn the_spec_of_the_folder_is_used_and_named() {
    let world = World::with_example();
    for verb in ["check", "build", "verify dist", "render --target debian-12 -o host"] {
        let run = world.run(verb);
        assert!(run.code == 0 && run.stderr.contains("Using relay.toml"), "{verb}: {run}");
    }
    let run = world.run("build --example -o example --set package.name=other");
    assert!(run.code == 0 && !run.stderr.contains("Using"), "{run}");
    let run = fleet().run("build");
    assert!(run.stderr.contains("Using fleet.toml"), "{run}");
    let world = fleet().file("relay.toml", EXAMPLE);
    insta::assert_snapshot!("two_defaults", world.run("build"));
    let run = World::new().run("check");
    assert_eq!((run.code, run.stderr.contains("neither relay.toml nor fleet.toml")), (2, true), "{run}");
}

#[test]
fn a_row_of_a_fleet_is_rendered_and_compared() {
    let world = fleet();
    world.result("render fleet.toml --target debian-12 -o host --only host=web*");
    let names = world.names("host");
    assert!(names.contains("acme-relay-web1/etc/postfix/main.cf") && !names.contains("db1"), "{names}");
    world.write("old.toml", &world.read("fleet.toml"));
    assert_eq!(world.run("diff old.toml fleet.toml").code, 0);
    world.write(
        "fleet.toml",
        &world.read("fleet.toml").replace("\"5M\"", "\"6M\"").replace("hosts.csv", "new.csv"),
    );
    let hosts = world.read("hosts.csv").replace("db1,berlin-2,9,,\n", "db2,berlin-2,9,,deb\n");
    world.write("new.csv", &hosts);
    insta::assert_snapshot!(
        "diff_fleets",
        crate::cli::diff::without_sizes(&world.said("diff old.toml fleet.toml"))
    );
    let found = world.json("diff old.toml fleet.toml --format json --only host=web2");
    assert_eq!(found["packages"].as_array().unwrap().len(), 1);
    assert_eq!(found["packages"][0]["status"], "changed");
    let diff = found["packages"][0]["differences"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "/usr/share/mail-relay/main.cf");
    let diff = diff.unwrap()["diff"].as_str().unwrap();
    assert!(diff.contains("-message_size_limit = 5000000\n+message_size_limit = 6000000"), "{diff}");
}
