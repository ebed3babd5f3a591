use postpack::relay::{Profile, Providers, TlsMode};
use postpack::spec::starter;

use crate::cli::world::World;

#[test]
fn files_are_those_of_the_package() {
    let world = World::with_example();
    let run = world.run("render relay.toml --target debian-12 -o host");
    let said = run.to_string().replace(&format!("{} files", world.tree("host").len()), "[n] files");
    insta::assert_snapshot!(said, @"
    exit 0
    --- stderr
     Rendered host [n] files for Debian 12 (bookworm)
    ");
    // The parts of the host command are its own business.
    let names = world.names("host");
    let names: Vec<&str> = names.lines().filter(|name| !name.starts_with("usr/lib/mail-relay/")).collect();
    insta::assert_snapshot!(names.join("\n"), @"
    etc/postfix/aliases
    etc/postfix/header_checks
    etc/postfix/main.cf
    usr/lib/systemd/system-preset/80-mail-relay.preset
    usr/lib/systemd/system/mail-relay-apply.path
    usr/lib/systemd/system/mail-relay-apply.service
    usr/lib/systemd/system/mail-relay-credentials.service
    usr/lib/systemd/system/mail-relay-reapply.service
    usr/lib/systemd/system/mail-relay-recheck.service
    usr/lib/systemd/system/mail-relay-refresh.service
    usr/lib/systemd/system/mail-relay-refresh.timer
    usr/lib/systemd/system/mail-relay-retry.path
    usr/lib/systemd/system/mail-relay-retry.service
    usr/lib/systemd/system/postfix.service.d/50-mail-relay.conf
    usr/lib/systemd/system/postfix@.service.d/50-mail-relay.conf
    usr/lib/tmpfiles.d/mail-relay.conf
    usr/sbin/mail-relay
    usr/share/doc/acme-mail-relay/README
    usr/share/doc/acme-mail-relay/copyright
    usr/share/mail-relay/facts
    usr/share/mail-relay/main.cf
    usr/share/mail-relay/master.edits
    usr/share/mail-relay/refused
    usr/share/mail-relay/relay.env.example
    usr/share/mail-relay/tables/aliases
    usr/share/mail-relay/tables/header_checks
    usr/share/man/man8/mail-relay.8.gz
    ");
    world.result("build relay.toml -o dist");
    let package = world.json("inspect --format json dist/acme-mail-relay_1.0.0-1_all.deb");
    let rendered = world.tree("host");
    let mut compared = 0;
    for file in package["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap().trim_start_matches('/');
        if let (Some(size), Some(sha256), Some(content)) =
            (file["size"].as_u64(), file["sha256"].as_str(), rendered.get(path))
        {
            use sha2::Digest as _;
            assert_eq!(size, content.len() as u64, "{path}");
            assert_eq!(sha256, format!("{:x}", sha2::Sha256::digest(content)), "{path}");
            compared += 1;
        }
    }
    // All of the package is in the tree, but for the changelog, which is the format's own.
    let files = package["files"].as_array().unwrap().iter().filter(|file| file.get("sha256").is_some());
    let mut missing: Vec<_> = files
        .map(|file| file["path"].as_str().unwrap())
        .filter(|path| !rendered.contains_key(path.trim_start_matches('/')))
        .collect();
    missing.sort_unstable();
    insta::assert_snapshot!(missing.join("\n"), @"
    /usr/share/doc/acme-mail-relay/changelog.Debian.gz
    /usr/share/lintian/overrides/acme-mail-relay
    ");
    assert!(compared > 30, "{compared}");
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let world = World::with_example().file("full/mine", "mine");
    insta::assert_snapshot!(world.said("render relay.toml --target arch -o full"), @"
    exit 2
    --- stderr
    error: full is not an empty folder; render writes into a new or empty one only
    ");
    insta::assert_snapshot!(world.said("render relay.toml --target arch -o relay.toml"), @"
    exit 2
    --- stderr
    error: relay.toml is not an empty folder; render writes into a new or empty one only
    ");
    assert_eq!(world.names("full"), "mine\n");
    fs_err::create_dir_all(world.path("empty")).unwrap();
    assert_eq!(world.run("render relay.toml --target arch -o empty").code, 0);
    assert!(world.names("empty").contains("etc/postfix/main.cf"));
}

#[test]
fn a_fault_writes_nothing() {
    let world = World::with_example().file("wrong.toml", "[package]\n");
    insta::assert_snapshot!(world.said("render relay.toml --target debin-12 -o host"), @"
    exit 2
    --- stderr
    error: there is no target `debin-12`
    hint: did you mean `debian-12`?
    ");
    insta::assert_snapshot!(world.said("render relay.toml -o host"), @"
    exit 2
    --- stderr
    error: the following required arguments were not provided:
      --target <T>

    Usage: postpack render --target <T> --output <DIR> <SPEC>

    For more information, try '--help'.
    ");
    assert_eq!(world.run("render wrong.toml --target arch -o host").code, 2);
    insta::assert_snapshot!(world.said("render relay.toml --target arch -o relay.toml/host"), @"
    exit 1
    --- stderr
    error: failed to create directory `relay.toml/host`: Not a directory (os error 20)
    ");
    assert_eq!(world.names("host"), "absent");
}

#[test]
fn rebuilds_are_known_by_their_own_names() {
    let world = World::with_example();
    assert_eq!(world.run("render relay.toml --target archlinux -o host").code, 0);
    assert!(world.names("host").contains("usr/bin/mail-relay"));
}

#[test]
fn one_file_is_printed() {
    let world = World::with_example();
    world.result("render relay.toml --target debian-12 -o host");
    let path = "etc/postfix/main.cf";
    let printed = world.result(&format!("render relay.toml -t debian-12 --file /{path}"));
    assert_eq!(printed, world.read(&format!("host/{path}")));
    insta::assert_snapshot!(world.said("render relay.toml -t debian-12 -f /etc/postfix/man.cf"), @"
    exit 2
    --- stderr
    error: the relay has no file `/etc/postfix/man.cf` on Debian 12 (bookworm)
    hint: did you mean `/etc/postfix/main.cf`?
    ");
    assert_eq!(world.run("render relay.toml -t debian-12").code, 2);
    assert_eq!(world.run("render relay.toml -t debian-12 -o other -f /etc/postfix/main.cf").code, 2);
}

#[test]
fn verbs_of_other_tools_are_known() {
    let world = World::with_example();
    for verb in ["check", "lint", "validate"] {
        assert_eq!(world.run(&format!("{verb} relay.toml")).code, 0, "{verb}");
    }
    assert_eq!(world.run("plan relay.toml relay.toml").code, 0);
    assert_eq!(world.result("new --provider ses"), world.result("init -p ses"));
}

/// What a shell prints that has the rendered parts of the host command and the facts of the package.
fn on_host(world: &World, script: &str) -> String {
    let (lib, share) = (world.path("host/usr/lib/mail-relay"), world.path("host/usr/share/mail-relay"));
    let lib = lib.display();
    let setup = format!(
        "set -u; for part in common place smarthosts build; do . {lib}/$part.sh; done; share={}; relay_host='' relay_port=''; load_facts\n",
        share.display()
    );
    let run = std::process::Command::new("sh").args(["-c", &(setup + script)]).output().unwrap();
    assert!(run.status.success() && run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// `render` and the host compute the smarthosts separately, from the same spec.
#[test]
fn smarthosts_are_those_that_the_host_finds() {
    let listed = r#"show() { printf '%s ' "$(destination_of "$host" "$port")"; }; each_smarthost show"#;
    for host in ["smtp.acme.example", "192.0.2.25", "2001:db8::25"] {
        let world = World::with_example();
        let spec = format!(
            "[package]\nname = 'acme-mail-relay'\nversion = '1.0.0'\nmaintainer = 'Ops <ops@acme.example>'\n\
             [relay]\nfrom = 'noreply@acme.example'\n[tls]\nlevel = 'encrypt'\n\
             [[smarthost]]\nhost = '{host}'\n[[smarthost]]\nhost = 'backup.acme.example'\nport = 2525\n"
        );
        world.write("relay.toml", &spec);
        world.result("render relay.toml --target debian-12 -o host");
        let main_cf = world.read("host/etc/postfix/main.cf");
        let rendered = main_cf.lines().find_map(|line| line.strip_prefix("relay_smarthosts = ")).unwrap();
        assert_eq!(on_host(&world, listed).trim_end(), rendered.replace(',', ""), "{host}");
        assert_eq!(rendered.contains("[ipv6:2001:db8::25]:587"), host.contains(':'), "{rendered}");
    }
}

/// On each port of each provider, `RELAY_PORT` starts TLS as the provider does there.
#[test]
fn another_port_starts_tls_as_the_provider_does() {
    let (mut count, mut implicit) = (0, 0);
    for provider in Providers::builtin().all().iter().filter(|provider| !provider.ports.is_empty()) {
        let world = World::new().file("relay.toml", starter(&provider.name, Profile::NullClient));
        let targets = "render relay.toml --target fedora-44 -o host";
        world.result(targets);
        for own in &provider.ports {
            let script =
                format!("relay_port={}; show() {{ echo \"$port $tls\"; }}; each_smarthost show", own.port);
            let tls = match own.tls {
                TlsMode::Implicit => "wrapper",
                TlsMode::StartTls => "starttls",
            };
            assert_eq!(on_host(&world, &script), format!("{} {tls}\n", own.port), "{}", provider.name);
            count += 1;
            implicit += usize::from(own.tls == TlsMode::Implicit);
        }
    }
    assert!(count > 40 && implicit > 15, "{count} {implicit}");
}
