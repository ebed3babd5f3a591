//! `[tables]` with rows in a file next to the spec.

use crate::cli::world::{EXAMPLE, World};

const TABLE: &str = "\n[tables.subjects]\ntype = \"pcre\"\nfile = \"tables/subjects.pcre\"\n\n\
                     [main-cf]\nmaster_service_disable = \"\"\n";

/// The example with a table in a file, and a value that refers to it.
fn world(lines: &str) -> World {
    let spec = EXAMPLE.to_owned()
        + &TABLE.replace("master_service_disable = \"\"", "smtp_reply_filter = \"table:subjects\"");
    World::new().file("relay.toml", spec).file("tables/subjects.pcre", lines)
}

#[test]
fn lines_of_a_file_become_a_part_of_the_package() {
    let world = world("# text of a person\r\n/^(2\\d\\d .*)$/ $1\r\n");
    let main = world.result("render relay.toml --target debian-12 --file /etc/postfix/main.cf");
    assert!(main.contains("\nsmtp_reply_filter = pcre:/etc/postfix/table_subjects\n"), "{main}");
    let table = world.result("render relay.toml --target debian-12 --file /etc/postfix/table_subjects");
    assert_eq!(table, "# text of a person\n/^(2\\d\\d .*)$/ $1\n");
    world.result("build relay.toml --quiet --provenance --builder-id https://ci.acme.example/packages");
    let before = world.tree("dist");
    let shown = world.result("inspect dist/acme-mail-relay_1.0.0-1_all.deb");
    assert!(shown.contains("postfix-pcre"), "{shown}");
    let provenance: Vec<&String> =
        before.keys().filter(|name| name.contains(".jsonl") || name.contains("provenance")).collect();
    let document = world.read(&format!("dist/{}", provenance[0]));
    assert!(document.contains("subjects.pcre"), "{document}");

    // Only the file has changed: the package is another one.
    world.write("tables/subjects.pcre", "/^2(.*)$/ 2$1\n");
    world.result("build relay.toml --quiet --output again");
    let name = "acme-mail-relay_1.0.0-1_all.deb";
    assert_ne!(before[name], world.tree("again")[name]);
}

#[test]
fn faults_of_a_file_have_its_name_and_line() {
    let world = world("# text\n/^(2/ $1\n/^2/ $1\n");
    insta::assert_snapshot!(world.run("check relay.toml"));
}

#[test]
fn a_missing_file_is_reported_where_it_is_named() {
    let world = World::new().file("relay.toml", EXAMPLE.to_owned() + TABLE);
    insta::assert_snapshot!(world.run("check relay.toml"));
}

#[test]
fn hosts_of_a_fleet_share_files() {
    let fleet = "[fleet]\ninventory = \"hosts.csv\"\nbase = \"relay.toml\"\n\n[[group]]\nwhen = \"site=berlin\"\n\
                 [group.tables.subjects]\nfile = \"berlin.pcre\"\n";
    let spec = EXAMPLE.replace("name = \"acme-mail-relay\"", "name = \"acme-{{site}}\"")
        + &TABLE.replace("master_service_disable = \"\"", "smtp_reply_filter = \"table:subjects\"");
    let world = World::new()
        .file("fleet.toml", fleet)
        .file("relay.toml", spec)
        .file("hosts.csv", "site\nberlin\nparis\n")
        .file("tables/subjects.pcre", "/^2/ 2\n")
        .file("berlin.pcre", "/^5/ 5\n");
    for (site, lines) in [("berlin", "/^5/ 5\n"), ("paris", "/^2/ 2\n")] {
        let words = format!(
            "render fleet.toml --only site={site} --target debian-12 --file /etc/postfix/table_subjects"
        );
        assert_eq!(world.result(&words), lines, "{site}");
    }
    world.result("build fleet.toml --quiet");
    world.write("berlin.pcre", "/^5\n");
    let run = world.run("check fleet.toml");
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("berlin.pcre:1:1") || run.stderr.contains("berlin.pcre:1:1"), "{run}");
}
