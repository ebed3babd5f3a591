use crate::cli::world::World;

/// What a run says, but for sizes and digests, which change with every word of the host command.
pub(crate) fn steady(run: &crate::cli::world::Run) -> String {
    let text = run.to_string();
    let word = |word: &str| match word.trim_matches(['`', ',']) {
        number if number.len() > 2 && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            "[size]".to_owned()
        }
        digest if digest.len() == 64 => "[sha256]".to_owned(),
        _ => word.to_owned(),
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

const BASE: &str = r#"[package]
name = "acme-relay-{{host}}"
version = "1.0.{{serial}}"
maintainer = "Platform Team <platform@acme.example>"

[relay]
provider = "ses"
region = "eu-west-1"
from = "{{host}}@acme.example"
root-mail-to = "ops@acme.example"
"#;

const FLEET: &str = r#"[fleet]
base = "base.toml"
inventory = "hosts.csv"

[limits]
message-size = "5M"

[[group]]
when = "site=berlin*"
relay.root-mail-to = "berlin@acme.example"
"#;

const HOSTS: &str = "host,site,serial,relay.hostname,package.targets
web1,berlin-1,7,web1.acme.example,deb;rpm
web2,rome,8,,deb
db1,berlin-2,9,,
";

pub(crate) fn fleet() -> World {
    let world = World::new();
    world.write("base.toml", BASE);
    world.write("fleet.toml", FLEET);
    world.write("hosts.csv", HOSTS);
    world
}

#[test]
fn every_row_is_a_package_of_its_own() {
    let world = fleet();
    world.result("build fleet.toml --quiet");
    insta::assert_snapshot!(world.names("dist"));
    let facts = |name: &str| world.result(&format!("inspect dist/{name}"));
    assert!(facts("acme-relay-web1_1.0.7-1_all.deb").contains("1.0.7-1"));
    let listed = world.read("dist/manifest.json");
    assert!(listed.contains(r#""package":"acme-relay-db1","version":"1.0.9-1""#), "{listed}");
}

#[test]
fn what_a_row_says_wins_over_groups_and_they_over_the_base() {
    let world = fleet();
    world.result("build fleet.toml --package-format deb --quiet");
    // The same relay written by hand gives the same bytes.
    let by_hand = BASE
        .replace("{{host}}", "web1")
        .replace("{{serial}}", "7")
        .replace("ops@acme", "berlin@acme")
        .replace("[relay]", "targets = [\"deb\", \"rpm\"]\n\n[limits]\nmessage-size = \"5M\"\n\n[relay]\nhostname = \"web1.acme.example\"");
    world.write("web1.toml", &by_hand);
    world.result("build web1.toml --package-format deb --quiet -o hand");
    let name = "acme-relay-web1_1.0.7-1_all.deb";
    assert!(world.tree("dist")[name] == world.tree("hand")[name]);
}

#[test]
fn nothing_is_built_twice() {
    let world = fleet();
    insta::assert_snapshot!(steady(&world.run("build fleet.toml --package-format deb")));
    insta::assert_snapshot!(steady(&world.run("build fleet.toml --package-format deb")));
    let before = world.tree("dist");
    world.write("hosts.csv", &HOSTS.replace("web2,rome,8", "web2,rome,10"));
    let run = world.run("build fleet.toml --package-format deb --format json");
    assert!(
        run.stdout.contains(r#""built": 1"#) && run.stdout.contains(r#""unchanged": 2"#),
        "{}",
        run.stdout
    );
    world.result("build fleet.toml --package-format deb -o fresh --quiet");
    let (dist, fresh) = (world.tree("dist"), world.tree("fresh"));
    assert!(fresh.iter().all(|(name, bytes)| dist[name] == *bytes));
    assert!(before.len() + 1 == dist.len(), "the old package of web2 stays until somebody removes it");
}

#[test]
fn shards_put_together_are_the_whole() {
    let world = fleet();
    world.result("build fleet.toml --quiet -o whole");
    for shard in ["1/2", "2/2"] {
        let folder = shard.replace('/', "-");
        world.result(&format!("build fleet.toml --quiet --shard {shard} -o {folder}"));
    }
    world.result("merge 2-2 1-2 -o merged --quiet");
    assert_eq!(world.tree("whole"), world.tree("merged"));
    insta::assert_snapshot!(world.run("merge 1-2 -o other"));
    insta::assert_snapshot!(world.run("merge 1-2 whole -o other"));
    insta::assert_snapshot!(world.run("merge 1-2 1-2 -o other"));
    let name = "acme-relay-web2_1.0.8-1_all.deb";
    let mut bytes = world.tree("2-2")[name].clone();
    bytes[300] ^= 1;
    fs_err::write(world.path("2-2").join(name), bytes).unwrap();
    insta::assert_snapshot!(world.run("merge 1-2 2-2 -o other"));
    assert!(!world.path("other").exists());
}

#[test]
fn a_fleet_shares_the_host_program() {
    let world = fleet();
    world.write("base.toml", &BASE.replace("[package]\n", "[package]\nhost-program = \"shared\"\n"));
    world.result("build fleet.toml --quiet -o whole");
    let whole = world.tree("whole");
    let programs: Vec<&String> = whole.keys().filter(|name| name.starts_with("mail-relay")).collect();
    assert_eq!(programs.len(), 3, "{programs:?}");
    let size = |name: &str| {
        whole.iter().find(|(file, _)| file.starts_with(name) && file.ends_with("_all.deb")).unwrap().1.len()
    };
    assert!(size("acme-relay-web2_") * 4 < size("mail-relay_"));
    // Its bytes are those that any other spec gives.
    let alone = World::with_example();
    alone.result("build --quiet --set package.host-program=shared");
    for name in programs {
        assert!(alone.tree("dist")[name] == whole[name], "{name}");
    }
    for shard in ["1/2", "2/2"] {
        world.result(&format!("build fleet.toml --quiet --shard {shard} -o {}", shard.replace('/', "-")));
    }
    world.result("merge 2-2 1-2 -o merged --quiet");
    assert_eq!(world.tree("merged"), whole);
    world.result("build fleet.toml --quiet -o whole --only host=web1");
    assert_eq!(world.tree("whole"), whole);
    for verb in
        ["check fleet.toml", "verify whole fleet.toml", "render fleet.toml --target debian-13 -o rendered"]
    {
        world.result(verb);
    }
}

#[test]
fn some_of_a_fleet() {
    let world = fleet();
    world.result("build fleet.toml --quiet --package-format deb --only site=berlin* --only host=web2 -o all");
    world.result("build fleet.toml --quiet --package-format deb --only site=berlin*,host!=db1 -o one");
    assert!(world.names("all").contains("web2") && world.names("all").contains("db1"));
    assert!(world.names("one").contains("web1") && !world.names("one").contains("db1"));
    insta::assert_snapshot!(world.run("build fleet.toml --only sit=berlin*"));
    insta::assert_snapshot!(world.run("build base.toml --only site=berlin*"));
}

#[test]
fn what_is_wrong_is_said_once_with_its_file() {
    let world = fleet();
    world.write("base.toml", &BASE.replace("eu-west-1", "eu-wset-1"));
    world.write("hosts.csv", &HOSTS.replace("web1.acme.example", "web1_acme"));
    insta::assert_snapshot!(world.run("build fleet.toml"));
    assert!(!world.path("dist").exists());
    insta::assert_snapshot!("check", world.run("check fleet.toml"));
    let found = world.json("check fleet.toml --format json");
    assert_eq!(found[0]["findings"].as_array().unwrap().len(), 2);
    assert_eq!(fleet().run("check fleet.toml").code, 0);
    let world = fleet();
    world.write("base.toml", &BASE.replace("{{serial}}", "{{serail}}"));
    insta::assert_snapshot!("placeholder", world.run("build fleet.toml"));
    let world = fleet();
    world.write("base.toml", &BASE.replace("-{{host}}", "").replace(".{{serial}}", ""));
    insta::assert_snapshot!("collision", world.run("build fleet.toml"));
    let world = fleet();
    world.write("fleet.toml", &FLEET.replace("hosts.csv", "host.csv").replace("base =", "bas ="));
    insta::assert_snapshot!("files", world.run("build fleet.toml"));
    let world = fleet();
    world.write("fleet.toml", &FLEET.replace("site=berlin*", "site").replace("\"5M\"", "5M"));
    insta::assert_snapshot!("syntax", world.run("build fleet.toml"));
}

#[test]
fn an_inventory_may_be_json() {
    let world = fleet();
    world.result("build fleet.toml --quiet -o csv");
    world.write("fleet.toml", &FLEET.replace("hosts.csv", "hosts.json"));
    let json = r#"[
        {"host": "web1", "site": "berlin-1", "serial": 7, "relay": {"hostname": "web1.acme.example"},
         "package": {"targets": ["deb", "rpm"]}},
        {"host": "web2", "site": "rome", "serial": 8, "package.targets": "deb"},
        {"host": "db1", "site": "berlin-2", "serial": "9"}
    ]"#;
    world.write("hosts.json", json);
    world.result("build fleet.toml --quiet -o json");
    let (mut csv, mut json) = (world.tree("csv"), world.tree("json"));
    for tree in [&mut csv, &mut json] {
        // The manifest tells of the inputs, which are other files.
        tree.remove("manifest.json");
    }
    assert_eq!(csv, json);
}

#[test]
fn verify_finds_the_byte_and_the_field() {
    let world = fleet();
    world.result("build fleet.toml --quiet");
    insta::assert_snapshot!(world.run("verify dist fleet.toml"));
    // So much longer that the size of the package differs, too, however it is compressed.
    world.write("base.toml", &BASE.replace("Platform Team", "Xq7 Vw9 Zk4 Jp2 Hc6 Team"));
    let run = world.run("verify dist fleet.toml --only host=web2");
    insta::assert_snapshot!(steady(&run));
    let name = "acme-relay-web2_1.0.8-1_all.deb";
    world.write("base.toml", BASE);
    let mut bytes = world.tree("dist")[name].clone();
    bytes.truncate(2000);
    fs_err::write(world.path("dist").join(name), bytes).unwrap();
    fs_err::remove_file(world.path("dist/acme-relay-db1.preseed")).unwrap();
    insta::assert_snapshot!("damaged", steady(&world.run("verify dist fleet.toml")));
    let single = World::with_example();
    single.result("build relay.toml --quiet");
    insta::assert_snapshot!(single.run("verify dist relay.toml"));
}

#[test]
fn the_example_is_a_fleet() {
    let world = World::new();
    for name in ["fleet.toml", "base.toml", "hosts.csv"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet").join(name);
        world.write(name, &fs_err::read_to_string(path).unwrap());
    }
    world.result("build fleet.toml --quiet");
    assert_eq!(world.names("dist").lines().filter(|name| name.contains(".noarch.")).count(), 3);
}

/// A fleet of so many hosts in an empty world.
fn large(hosts: usize) -> World {
    let world = fleet();
    let heading = "host,site,serial,relay.hostname,package.targets".to_owned();
    let rows = (0..hosts).map(|host| format!("h{host},rome,{host},,"));
    let lines: Vec<String> = std::iter::once(heading).chain(rows).collect();
    world.write("hosts.csv", &(lines.join("\n") + "\n"));
    world
}

#[test]
fn ctrl_c_leaves_the_folder_as_it_was() {
    use std::process::{Command, Stdio};
    let world = large(3000);
    fs_err::create_dir(world.path("dist")).unwrap();
    world.write("dist/mine", "mine");
    let mut build = Command::new(env!("CARGO_BIN_EXE_postpack"))
        .args(["build", "fleet.toml", "--progress", "off"])
        .current_dir(world.path(""))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A stage with a package in it: the build is under way, and the handler is there.
    let begun = || {
        let entries = fs_err::read_dir(world.path("dist")).unwrap().map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.is_dir())
            .any(|stage| fs_err::read_dir(stage).is_ok_and(|mut files| files.next().is_some()))
    };
    while !begun() {
        assert!(build.try_wait().unwrap().is_none(), "it ended before it was stopped");
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &build.id().to_string()]).status().unwrap().success());
    let output = build.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("interrupted: nothing was changed"));
    assert_eq!(world.names("dist"), "mine\n");
}

#[test]
fn progress_is_lines_or_events_and_quiet_in_a_small_build() {
    let world = large(60);
    let events = world.run("build fleet.toml --package-format deb --progress json -o json");
    let last = events.stderr.lines().rfind(|line| line.starts_with('{')).unwrap();
    let event: serde_json::Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&event["event"], &event["done"], &event["total"]),
        (&"finished".into(), &60.into(), &60.into())
    );
    let built = world.run("build fleet.toml --package-format deb");
    assert!(built.stderr.contains("60 built, 0 unchanged, 180 files"), "{}", built.stderr);
}

/// A few kilobytes that a stack or a memory would not be large enough for.
#[test]
fn inventories_that_would_exhaust_the_machine_are_refused() {
    let world = fleet();
    world.write("json.toml", &FLEET.replace("hosts.csv", "hosts.json"));
    let deep = format!("[{}1{}]", r#"{"a":"#.repeat(20_000), "}".repeat(20_000));
    let described = format!("description = \"{}\"\nmaintainer", "{{host}}".repeat(20_000));
    for (file, text, spec, said) in [
        ("hosts.csv", format!("{}a\nx\n", "a.".repeat(12_000)), "fleet.toml", "at most 16 parts"),
        ("hosts.json", deep, "json.toml", "nested more than 16 deep"),
        (
            "hosts.csv",
            format!("host,site,serial\n{},x,1\n", "y".repeat(200_000)),
            "fleet.toml",
            "longer than 1048576 bytes",
        ),
    ] {
        world.write(file, &text);
        if said.starts_with("longer") {
            world.write("base.toml", &BASE.replace("maintainer", &described));
        }
        let run = world.run(&format!("check {spec}")).to_string();
        assert!(run.contains(said), "{}", run.chars().take(600).collect::<String>());
    }
}
