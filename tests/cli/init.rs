use crate::cli::world::World;

#[test]
fn every_provider_gives_a_spec_that_passes() {
    let world = World::new();
    let providers = world.json("providers --format json");
    let names: Vec<&str> =
        providers.as_array().unwrap().iter().map(|provider| provider["name"].as_str().unwrap()).collect();
    assert!(names.len() > 10);
    for name in names {
        assert_eq!(world.run(&format!("init --provider {name} -o {name}.toml")).code, 0);
        let run = world.run(&format!("check {name}.toml"));
        assert_eq!(run.code, 0, "{name}: {run}");
        assert_eq!(world.result(&format!("init --provider {name}")), world.read(&format!("{name}.toml")));
    }
}

#[test]
fn a_file_is_never_overwritten() {
    let world = World::new();
    insta::assert_snapshot!(world.said("init -o relay.toml --profile null-client"), @"
    exit 0
    --- stderr
        Wrote relay.toml edit it, then: postpack build relay.toml
    ");
    insta::assert_snapshot!(world.said("init -o relay.toml --provider ses"), @"
    exit 2
    --- stderr
    error: relay.toml already exists
    ");
    assert!(!world.read("relay.toml").contains("\"ses\""));
    insta::assert_snapshot!(world.said("init -o no/such/folder.toml"), @"
    exit 1
    --- stderr
    error: failed to open file `no/such/folder.toml`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_wrong_name_gets_a_hint() {
    let world = World::new();
    insta::assert_snapshot!(world.said("init --provider sendgird"), @"
    exit 2
    --- stderr
    error: there is no provider `sendgird`
    hint: did you mean `sendgrid`?
    ");
    insta::assert_snapshot!(world.said("init --provider zzz"), @"
    exit 2
    --- stderr
    error: there is no provider `zzz`
    hint: `postpack providers` lists them
    ");
    insta::assert_snapshot!(world.said("init --profile null-cleint"), @"
    exit 2
    --- stderr
    error: there is no profile `null-cleint`
    hint: did you mean `null-client`?
    ");
}

/// Gmail replaces any other sender by the account.
#[test]
fn the_sender_is_the_account_where_the_provider_wants_that() {
    let world = World::new();
    assert!(world.result("init --provider gmail").contains("\nfrom = \"person@gmail.com\"\n"));
    assert!(world.result("init --provider ses").contains("\nfrom = \"noreply@acme.example\"\n"));
}
