//! Keys, signatures and repositories from the command line.

use std::os::unix::fs::PermissionsExt as _;

use crate::cli::world::World;

fn mode(world: &World, name: &str) -> u32 {
    fs_err::metadata(world.path(name)).unwrap().permissions().mode() & 0o777
}

/// Settings, an Ed25519 key, which is made at once, and the example built.
fn repository() -> World {
    let world = World::with_example();
    world.result("repo init acme https://packages.acme.example");
    world.result("key new acme.key --owner it@acme.example --algorithm ed25519");
    world.result("build");
    world
}

#[test]
fn a_key_is_for_its_owner_alone_and_is_never_shown() {
    let world = World::new();
    let made = world.run("key new acme.key --owner it@acme.example --algorithm ed25519 --days 30");
    assert_eq!(made.code, 0, "{made}");
    assert!(made.stderr.contains("RHEL 8 and 9") && made.stderr.contains("expires in"), "{made}");
    assert_eq!(
        [mode(&world, "acme.key"), mode(&world, "acme.key.rev"), mode(&world, "acme.key.asc")],
        [0o600, 0o600, 0o644]
    );
    let secret = world.read("acme.key");
    let before = world.read("acme.key.asc");
    let again = world.run("key new acme.key --owner it@acme.example");
    assert_eq!((again.code, world.read("acme.key")), (2, secret.clone()));
    let extended = world.run("key extend acme.key --days 400");
    assert!(extended.code == 0 && mode(&world, "acme.key") == 0o600, "{extended}");
    assert!(world.read("acme.key.asc").len() > before.len());
    let shown = world.run("key show acme.key");
    assert!(shown.stdout.contains("Ed25519"), "{shown}");
    for run in [made, again, extended, shown] {
        let said = format!("{run}");
        assert!(!secret.lines().skip(2).any(|line| line.len() > 20 && said.contains(line)), "{said}");
    }
    let revoked = world.run("key revoke acme.key.asc --certificate acme.key.rev");
    assert!(revoked.code == 0 && revoked.stderr.contains("rpm -e gpg-pubkey-"), "{revoked}");
    assert!(world.run("key show acme.key.asc").stderr.contains("revoked"));
    world.result("key new other.key --owner it@acme.example --algorithm ed25519");
    let foreign = world.run("key revoke other.key.asc --certificate acme.key.rev");
    assert_eq!(foreign.code, 2, "{foreign}");
    let steps = world.result("key rotate other.key third.key --algorithm ed25519");
    assert!(steps.contains("announce") && steps.contains("retire"), "{steps}");
    assert_eq!(world.run("key show relay.toml").code, 1);
    world.write("no.key", "hello");
    assert_eq!(world.run("key show no.key").code, 2);
}

#[test]
fn files_are_signed_and_gpg_accepts_them() {
    let world = repository();
    world.write("text", "hello\n");
    world.result("sign text --key acme.key");
    let first = fs_err::read(world.path("text.sig")).unwrap();
    world.result("sign text --key acme.key");
    assert_eq!(fs_err::read(world.path("text.sig")).unwrap(), first);
    world.result("sign text --repo repo.toml --clear");
    assert!(
        world.read("text.asc").starts_with("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nhello\n")
    );
    let home = world.path("gnupg");
    fs_err::create_dir(&home).unwrap();
    fs_err::set_permissions(&home, std::fs::Permissions::from_mode(0o700)).unwrap();
    let gpg = |arguments: &[&str]| {
        let mut command = std::process::Command::new("gpg");
        let output = command
            .arg("--batch")
            .args(arguments)
            .env("GNUPGHOME", &home)
            .current_dir(world.path("."))
            .output();
        assert!(output.as_ref().unwrap().status.success(), "{output:?}");
    };
    gpg(&["--import", "acme.key.asc"]);
    gpg(&["--verify", "text.sig", "text"]);
    gpg(&["--verify", "text.asc"]);
    world.result("sign text --key acme.key --armor");
    gpg(&["--verify", "text.asc", "text"]);
    assert_eq!(world.run("sign text").code, 2);
    assert_eq!(world.run("sign text --key acme.key.asc").code, 2);
    assert_eq!(world.run("sign text --key-env NO_KEY").code, 2);
}

#[test]
fn a_repository_is_published_verified_and_watched() {
    let world = repository();
    let published = world.run("repo publish --suite testing");
    assert!(published.code == 0 && published.stderr.contains("publication 1"), "{published}");
    world.result("repo promote testing stable");
    assert_eq!(world.result("repo verify"), "");
    assert_eq!(world.result("repo verify --key acme.key.asc"), "");
    assert!(published.stderr.contains("RHEL 8 and 9"), "{published}");
    assert_eq!(world.result("repo check --format json").trim(), "[]");
    let plan = world.json("repo upload-plan");
    assert_eq!(plan["steps"][3]["files"], serde_json::json!(["state.json", "state.json.asc"]));
    assert!(world.result("repo upload-plan --tool rsync").contains("--no-times"));
    let page = world.read("site/index.html");
    for text in
        ["bootstrap-apt", "bootstrap-dnf", "bootstrap-pacman", "acme-mail-relay", "promoted from testing"]
    {
        assert!(page.contains(text), "{text}");
    }
    // A package changes on the server.
    let pool = fs_err::read_dir(world.path("site/apt/pool/main")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = fs_err::read(&pool).unwrap();
    bytes[900] ^= 1;
    fs_err::write(&pool, bytes).unwrap();
    let verified = world.run("repo verify");
    assert!(verified.code == 1 && verified.stdout.contains("SHA-256 mismatch"), "{verified}");
}

#[test]
fn wrong_input_is_refused_and_nothing_is_written() {
    let world = World::with_example();
    assert_eq!(world.run("repo publish").code, 2);
    assert_eq!(world.run("repo init ../x https://a.example").code, 2);
    assert_eq!(world.run("repo init acme ftp://a.example").code, 2);
    let world = repository();
    for words in [
        "repo publish nowhere",
        "repo publish --suite unknown",
        "repo publish --only nothing-*",
        "repo promote testing stable",
        "repo rollback stable --to 7",
        "repo remove stable x",
        "repo resign",
        "repo init acme https://packages.acme.example",
    ] {
        let run = world.run(words);
        assert_eq!(run.code, 2, "{words}: {run}");
        assert!(!world.path("site/state.json").exists(), "{words}");
    }
    world.result("repo publish");
    world.result("build --set package.summary=different");
    let changed = world.run("repo publish");
    assert!(changed.code == 2 && changed.stderr.contains("other bytes"), "{changed}");
}
