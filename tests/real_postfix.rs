//! What we write and know, compared with the real Postfix of every Debian release:
//!
//!     ci/postfix-roots cargo test --test integration real_postfix
//!
//! The script names root directories with Postfix in them; the tests write below /tmp of each.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use postpack::diag::Source;
use postpack::plan;
use postpack::platform::Distribution;
use postpack::postfix::catalogue::{Catalogue, Kind};
use postpack::postfix::master_cf::{self, Argument, Column, Edit, Service};
use postpack::postfix::services::Shipped;
use postpack::postfix::{MainCf, Release, Value, main_cf, table};
use postpack::relay::Providers;
use postpack::spec;
use postpack::template::Templates;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

struct Root(PathBuf);

/// The folder that the tests use, as seen from inside.
const FOLDER: &str = "/tmp/postpack-real-postfix";

impl Root {
    fn all() -> Vec<Self> {
        // A failure, and not a test left out: `cargo test -- --skip real_` leaves it out, and says so.
        let roots = std::env::var("POSTPACK_POSTFIX_ROOTS")
            .expect("no Postfix: run `ci/postfix-roots cargo test`, or `cargo test -- --skip real_`");
        roots.split(':').map(|root| Self(root.into())).collect()
    }

    /// The output of a command inside, which must succeed and say nothing on standard error.
    fn run(&self, command: &[&str]) -> String {
        let output = self.output(command);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && errors.is_empty(), "{}: {command:?}: {errors}", self.0.display());
        String::from_utf8(output.stdout).unwrap()
    }

    fn output(&self, command: &[&str]) -> std::process::Output {
        let mut chroot = Command::new("chroot");
        chroot.arg(&self.0).args(command).env("LC_ALL", "C").stdin(Stdio::null());
        chroot.output().unwrap()
    }

    /// Writes a file into a folder of its own, which is also a configuration folder.
    fn write(&self, case: &str, name: &str, text: &str) -> String {
        let inside = format!("{FOLDER}/{case}");
        let outside = self.0.join(Path::new(&inside).strip_prefix("/").unwrap());
        fs_err::create_dir_all(&outside).unwrap();
        fs_err::write(outside.join(name), text).unwrap();
        for missing in ["main.cf", "master.cf"] {
            if !outside.join(missing).exists() {
                fs_err::write(outside.join(missing), "").unwrap();
            }
        }
        // Postfix waits until nobody can be writing main.cf any more.
        let main_cf = fs_err::OpenOptions::new().write(true).open(outside.join("main.cf")).unwrap();
        main_cf.file().set_modified(SystemTime::now() - Duration::from_secs(60)).unwrap();
        inside
    }

    fn version(&self) -> Release {
        self.run(&["postconf", "-dh", "mail_version"]).trim().parse().unwrap()
    }
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Many examples of a strategy, the same ones each time.
fn examples<S: Strategy>(strategy: S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn real_main_cf_is_read_as_written() {
    let text = "[a-z$#,={} \t\\[\\]:/\"'\\\\]{0,30}";
    for root in Root::all() {
        let mut main = MainCf::new();
        for (index, (a, b)) in examples((text, text), 400).iter().enumerate() {
            main.section(format!("{a}\n{b}"));
            let (Ok(a), Ok(b)) = (Value::literal(a), Value::literal(b)) else { continue };
            let long = Value::literal(&"x".repeat(60)).unwrap();
            main.set(&format!("p_{index}"), Value::list([a, long, b])).unwrap();
        }
        let names: Vec<_> = main.iter().map(|setting| setting.name.clone()).collect();
        assert!(names.len() > 150, "{}", names.len());
        // Postfix takes names of our own if another parameter refers to them.
        let all = names.iter().map(|name| Value::expression(&format!("${name}")).unwrap());
        main.set("smtpd_banner", Value::list(all)).unwrap();
        let folder = root.write("main", "main.cf", &main.to_string());
        for name in &names {
            let read = root.run(&["postconf", "-c", &folder, "-h", name]);
            assert_eq!(words(&read), words(main.get(name).unwrap().as_str()), "{name}");
        }
        let warnings = String::from_utf8(root.output(&["postconf", "-c", &folder, "-n"]).stderr).unwrap();
        assert_eq!(warnings, "");
    }
}

fn services(text: &str) -> Vec<Service> {
    master_cf::parse(text).unwrap()
}

#[test]
fn real_master_cf_is_read_as_written() {
    for root in Root::all() {
        let text = "[a-z$,=/]{1,6}( [a-z,{}]{1,5})?";
        let values = examples((text, "[a-z=/]{1,6}", any::<u16>(), any::<bool>()), 40);
        let mut written = Vec::new();
        for (index, (value, word, number, flag)) in values.into_iter().enumerate() {
            let mut service = Service::new(format!("s{index}"), "unix".parse().unwrap(), "smtp")
                .with("smtp_helo_name", Value::literal(&value).unwrap_or_default());
            service.arguments.push(Argument::Word(word));
            service.max_processes = flag.then_some(number.into());
            service.chroot = Some(flag);
            if service.validate().is_ok() {
                written.push(service);
            }
        }
        assert!(written.len() > 20);
        let folder = root.write("master", "master.cf", &master_cf::write(&written));
        assert_eq!(services(&root.run(&["postconf", "-c", &folder, "-M"])), written);

        let edits = [
            Edit::Service(
                services("tlsproxy unix - - n - 0 tlsproxy -o tlsproxy_tls_security_level=may").remove(0),
            ),
            Edit::Override {
                service: written[0].id(),
                name: "smtp_header_checks".to_owned(),
                value: Value::expression("regexp:/a,regexp:/b").unwrap(),
            },
            Edit::Column { service: written[2].id(), column: Column::MaxProcesses, value: "7".to_owned() },
            Edit::Column { service: written[2].id(), column: Column::Wakeup, value: "1000?".to_owned() },
            Edit::Remove(written[1].id()),
            // What a host does not have is no fault.
            Edit::Remove("nothing/unix".to_owned()),
        ];
        for edit in &edits {
            edit.validate().unwrap();
            let line = edit.to_string();
            let (verb, argument) = line.split_once(' ').unwrap();
            let verb = if verb == "X" { "-MX".to_owned() } else { format!("-{verb}") };
            root.run(&["postconf", "-c", &folder, &verb, argument]);
        }
        let after = services(&root.run(&["postconf", "-c", &folder, "-M"]));
        assert!(after.iter().any(|service| Edit::Service(service.clone()) == edits[0]));
        assert!(after.iter().all(|service| service.name != written[1].name));
        let overridden = after.iter().find(|service| service.name == written[0].name).unwrap();
        assert!(overridden.to_string().contains("-o smtp_header_checks=regexp:/a,regexp:/b"));
        let changed = after.iter().find(|service| service.name == written[2].name).unwrap();
        assert_eq!(changed.max_processes, Some(7));
        assert_eq!(changed.wakeup, Some("1000?".parse().unwrap()));
        // Why `check` refuses a blank there.
        let blank = format!("{}/smtpd_banner=a b", written[0].id());
        let refused = root.output(&["postconf", "-c", &folder, "-P", &blank]);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("whitespace"), "{refused:?}");
    }
}

/// What `check` takes for granted, and what the edits of a spec make of it.
#[test]
fn real_services_are_as_the_spec_says() {
    let text = include_str!("specs/valid/services.toml").to_owned();
    let source = Source { name: "services.toml".to_owned(), text };
    let checked = spec::load(&source, &Providers::builtin()).0.unwrap();
    let planned = plan::Planned::new(checked);
    for root in Root::all() {
        let name = root.0.file_name().unwrap().to_str().unwrap();
        let master = fs_err::read_to_string(root.0.join("etc/postfix/master.cf")).unwrap();
        let folder = root.write("services", "master.cf", &master);
        let before = services(&root.run(&["postconf", "-c", &folder, "-M"]));
        for service in &before {
            let known = Shipped::get(&service.id()).unwrap_or_else(|| panic!("{name}: {}", service.id()));
            assert_eq!(known.program, service.command, "{name}");
            if let Some(limit) = known.limit() {
                assert_eq!(service.max_processes, Some(limit), "{name}: {}", service.id());
            }
        }
        for known in Shipped::all().filter(|known| known.everywhere) {
            assert!(before.iter().any(|service| service.id() == known.id), "{name}: {}", known.id);
        }

        let files = plan::render(&planned, Distribution::get(name).unwrap(), &Templates::builtin()).unwrap();
        let text_of = |end: &str| {
            let file = files.iter().find(|file| file.path.ends_with(end)).unwrap();
            String::from_utf8(file.content.clone()).unwrap()
        };
        // Options may set parameters that only main.cf refers to.
        root.write("services", "main.cf", &text_of("/etc/postfix/main.cf"));
        for edit in text_of("/master.edits").lines() {
            let (verb, argument) = edit.split_once(' ').unwrap();
            let verb = if verb == "X" { "MX" } else { verb };
            root.run(&["postconf", "-c", &folder, &format!("-{verb}"), argument]);
        }
        let after = services(&root.run(&["postconf", "-c", &folder, "-M"]));
        let line = |id: &str| after.iter().find(|service| service.id() == id).map(Service::to_line);
        let said = |id: &str, text: &str| assert_eq!(line(id).as_deref(), Some(text), "{name}");
        said("smtp/unix", "smtp unix - - y - 20 smtp -o smtp_helo_timeout=60s -o smtp_connect_timeout=10");
        said(
            "127.0.0.1:10025/inet",
            "127.0.0.1:10025 inet n - n 60 - smtpd -o { smtpd_banner = $myhostname ESMTP second door }",
        );
        said(
            "dovecot/unix",
            "dovecot unix - n n - - pipe flags=DRhu user=vmail argv=/usr/lib/dovecot/deliver -f ${sender} -d ${recipient}",
        );
        assert!(line("showq/unix").unwrap().starts_with("showq unix n y "), "{name}");
        assert_eq!(line("uucp/unix"), None, "{name}");
        let own = ["smtp/unix", "showq/unix", "uucp/unix"];
        for service in before.iter().filter(|service| !own.contains(&service.id().as_str())) {
            // What returns mail is edited by every relay: src/plan/rewriting.rs.
            let returns = ["bounce/unix", "defer/unix", "trace/unix"].contains(&service.id().as_str());
            let option = if returns { " -o cleanup_service_name=bounce-cleanup" } else { "" };
            assert_eq!(line(&service.id()), Some(service.to_line() + option), "{name}");
        }
    }
}

#[test]
fn real_tables_answer_what_was_put_in() {
    for root in Root::all() {
        let mut lookup = table::Lookup::new("title");
        let mut keys = Vec::new();
        for (key, result) in examples(("[a-z@.\\[\\]:0-9\"#]{1,12}", "[ -~]{1,30}"), 100) {
            if lookup.insert(&key, &result).is_ok() {
                keys.push((key, result));
            }
        }
        let mut aliases = table::Aliases::new("title\nof two lines");
        let mut names = Vec::new();
        for name in examples("[ -~]{1,12}", 100) {
            if aliases.insert(&name, ["root", "\"a, b\"@acme.example"]).is_ok() {
                names.push(name);
            }
        }
        assert!(keys.len() > 30 && names.len() > 30);

        let folder = root.write("tables", "lookup", &lookup.to_string());
        for (key, result) in &keys {
            let read = root.run(&["postmap", "-c", &folder, "-q", key, &format!("texthash:{folder}/lookup")]);
            assert_eq!(read.strip_suffix('\n'), Some(result.as_str()), "{key}");
        }
        root.write("tables", "aliases", &aliases.to_string());
        let kind = root.run(&["postconf", "-dh", "default_database_type"]);
        let database = format!("{}:{folder}/aliases", kind.trim());
        root.run(&["postalias", "-c", &folder, &database]);
        for name in &names {
            let read = root.run(&["postalias", "-c", &folder, "-q", name, &database]);
            assert_eq!(words(&read), "root, \"a, b\"@acme.example", "{name}");
        }

        let mut rules = table::Regexp::new("title");
        let mut known: Vec<(String, usize)> = Vec::new();
        for (index, text) in examples("[!-~]([ -~]{0,10}[!-~])?", 80).into_iter().enumerate() {
            let pattern = format!("^{}$", table::Regexp::escape(&text));
            // The first rule that fits wins, and letters match in both cases.
            let seen = known.iter().any(|(other, _)| other.eq_ignore_ascii_case(&text));
            if !seen && rules.push(&pattern, &format!("rule {index} $$1")).is_ok() {
                known.push((text, index));
            }
        }
        assert!(known.len() > 40);
        root.write("tables", "rules", &rules.to_string());
        for (text, index) in known {
            // `-q -` would read keys from standard input.
            if text != "-" {
                let read =
                    root.run(&["postmap", "-c", &folder, "-q", &text, &format!("regexp:{folder}/rules")]);
                assert_eq!(read.trim_end(), format!("rule {index} $1"), "{text}");
            }
        }

        let value = |text| Value::expression(text).unwrap();
        let pairs = [(value("@$myhostname"), value("a@x, b@y")), (value("root"), value("$myhostname {c}"))];
        let inline = table::inline(pairs.iter().map(|(key, result)| (key, result))).unwrap();
        let mut main = MainCf::new();
        main.set("myhostname", value("h.example")).unwrap();
        main.set("virtual_alias_maps", inline).unwrap();
        let folder = root.write("inline", "main.cf", &main.to_string());
        let expanded = root.run(&["postconf", "-c", &folder, "-xh", "virtual_alias_maps"]);
        for (key, result) in [("@h.example", "a@x, b@y"), ("root", "h.example {c}")] {
            assert_eq!(root.run(&["postmap", "-c", &folder, "-q", key, expanded.trim()]).trim_end(), result);
        }
    }
}

#[test]
fn real_catalogue_is_that_of_postfix() {
    for root in Root::all() {
        let version = root.version();
        let defaults = root.run(&["postconf", "-d"]);
        let mut names = 0;
        for line in defaults.lines() {
            let (name, value) = line.split_once(" =").unwrap();
            let value = value.trim();
            let info = Catalogue::get(name).unwrap_or_else(|| panic!("{version}: no parameter {name}"));
            assert!(info.exists_in(version), "{version}: {name} is said to be missing");
            // Its own default must be a value of the kind.
            if !value.contains('$') {
                match info.kind {
                    Kind::Boolean => assert!(matches!(value, "yes" | "no"), "{version}: {line}"),
                    Kind::Integer(low, high) => {
                        let number: i64 = value.parse().unwrap_or_else(|_| panic!("{version}: {line}"));
                        assert!(number >= low && high.is_none_or(|high| number <= high), "{version}: {line}");
                    }
                    Kind::Word(words) => assert!(words.contains(&value), "{version}: {line}"),
                    _ => {}
                }
            }
            names += 1;
        }
        assert!(names > 800);
    }
}

/// What a host of the release gets, for every example: Postfix reads all of it, and has nothing to say.
#[test]
fn real_postfix_takes_every_example() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut specs: Vec<PathBuf> =
        fs_err::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // examples/fleet is of more than one file, and has tests of its own.
    specs.retain(|path| path.is_file());
    specs.sort();
    assert!(specs.len() > 5);
    for root in Root::all() {
        let name = root.0.file_name().unwrap().to_str().unwrap();
        let distribution = Distribution::get(name).unwrap();
        // What check(1) judges by is what is really there.
        assert_eq!(distribution.postfix.version, root.version(), "{name}");
        for spec in &specs {
            let text = fs_err::read_to_string(spec).unwrap();
            let source = Source { name: spec.display().to_string(), text };
            let checked = spec::load(&source, &Providers::builtin()).0.unwrap();
            let planned = plan::Planned::new(checked);
            let files = plan::render(&planned, distribution, &Templates::builtin()).unwrap();
            let file = |path: &str| {
                let file = files.iter().find(|file| file.path == path).unwrap();
                String::from_utf8(file.content.clone()).unwrap()
            };
            let text = file("/etc/postfix/main.cf");
            let case = format!("examples/{}", spec.file_stem().unwrap().display());
            root.write(&case, "main.cf", &text);
            // Some parameters are named after the services of master.cf.
            let services = fs_err::read_to_string(root.0.join("etc/postfix/master.cf")).unwrap();
            let folder = root.write(&case, "master.cf", &services);
            for edit in file("/usr/share/mail-relay/master.edits").lines() {
                let (verb, argument) = edit.split_once(' ').unwrap();
                root.run(&["postconf", "-c", &folder, &format!("-{verb}"), argument]);
            }
            // How to ask a database is read where it will be.
            for table in files.iter().filter(|file| file.path.starts_with("/etc/postfix/sql_")) {
                fs_err::write(root.0.join(table.path.trim_start_matches('/')), &table.content).unwrap();
            }
            let read = root.run(&["postconf", "-c", &folder, "-n"]);
            let (written, errors) = main_cf::parse(&text);
            assert!(errors.is_empty(), "{errors:?}");
            for entry in &written {
                let line = words(&format!("{} = {}", entry.name, entry.value));
                assert!(read.lines().any(|other| words(other) == line), "{name}: {case}: {line}: {read}");
            }
            // Which configuration it is comes from the command line.
            let read: Vec<_> = read.lines().filter(|line| !line.starts_with("config_directory")).collect();
            assert_eq!(read.len(), written.len(), "{name}: {case}: {read:?}");
        }
    }
}
