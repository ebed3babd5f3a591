use super::*;
use proptest::prelude::*;

fn expression(text: &str) -> Value {
    Value::expression(text).unwrap()
}

#[test]
fn edits_are_arguments_of_postconf() {
    let tlsproxy = Service { max_processes: Some(0), ..Service::new("tlsproxy", Kind::Unix, "tlsproxy") };
    let relay = Service::new("relay465", Kind::Unix, "smtp")
        .with("smtp_tls_wrappermode", true.into())
        .with("smtp_header_checks", expression("regexp:/a, regexp:/b"));
    let edits = [
        Edit::Service(tlsproxy),
        Edit::Service(relay),
        Edit::Override {
            service: "submission/inet".to_owned(),
            name: "syslog_name".to_owned(),
            value: expression("postfix/$service_name"),
        },
        Edit::Column {
            service: "smtp/unix".to_owned(),
            column: Column::MaxProcesses,
            value: "20".to_owned(),
        },
        Edit::Remove("smtp/inet".to_owned()),
    ];
    insta::assert_snapshot!(edits.map(|edit| edit.to_string()).join("\n"), @r"
        M tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy
        M relay465/unix=relay465 unix - - n - - smtp -o smtp_tls_wrappermode=yes -o { smtp_header_checks = regexp:/a, regexp:/b }
        P submission/inet/syslog_name=postfix/$service_name
        F smtp/unix/process_limit=20
        X smtp/inet
        ");
}

#[test]
fn a_whole_file() {
    let text = "\
smtp      inet  n       -       y       -       -       smtpd
#smtp      inet  n       -       y       -       1       postscreen
submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
# comment
  -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject } -v
pickup    unix  n       -       y       60      1       pickup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       y       1000?   1       tlsmgr
postlog   unix-dgram n  -       n       -       1       postlogd
maildrop  unix  -       n       n       -       -       pipe
  flags=DRXhu user=vmail argv=/usr/bin/maildrop -d ${recipient}
";
    let services = parse(text).unwrap();
    assert_eq!(parse(&write(&services)).unwrap(), services);
    insta::assert_snapshot!(write(&services), @r"
        # service   type  private unpriv  chroot  wakeup  maxproc command + args
        #                 (yes)   (yes)   (no)    (never) (100)
        smtp        inet  n       -       y       -       -       smtpd
        submission  inet  n       -       y       -       -       smtpd
            -o syslog_name=postfix/submission
            -o { smtpd_relay_restrictions = permit_sasl_authenticated, reject }
            -v
        pickup      unix  n       -       y       60      1       pickup
        qmgr        unix  n       -       n       300     1       qmgr
        tlsmgr      unix  -       -       y       1000?   1       tlsmgr
        postlog     unix-dgram n       -       n       -       1       postlogd
        maildrop    unix  -       n       n       -       -       pipe
            flags=DRXhu
            user=vmail
            argv=/usr/bin/maildrop
            -d
            ${recipient}
        ");
}

#[test]
fn what_is_no_service() {
    for (text, message) in [
        ("smtp inet n - y - -", "a service has eight columns, this has 7"),
        ("smtp tcp n - y - - smtpd", "`tcp` is no service type: inet, unix, unix-dgram, fifo or pass"),
        ("smtp inet x - y - - smtpd", "`x` does not fit its column"),
        ("smtp inet y - y - - smtpd", "the inet service `smtp` cannot be private"),
        ("smtp inet n - y - - smtpd -o", "nothing after `-o`"),
        ("smtp inet n - y - - smtpd -o x", "no `=` in `-o x`"),
        (
            "x unix - n n - - pipe flags=R -o x=y",
            "`-o x` follows an argument that is not an option, so it has no effect",
        ),
        ("smtp inet n - y - - smtpd -o {x=y", "a brace is not closed in `{x=y`"),
        ("  smtp inet n - y - - smtpd", "this line continues nothing: a service starts at the left margin"),
    ] {
        assert_eq!(parse(text).unwrap_err().message, message);
    }
}

/// Options of the program that a service starts are not its own.
#[test]
fn arguments_of_another_program() {
    let text =
        "spam unix - n n - - pipe flags=R user=spamd argv=/usr/bin/spamc -f -e /usr/sbin/sendmail -oi -o x=y";
    let services = parse(text).unwrap();
    assert_eq!(services[0].arguments.len(), 9);
    assert!(services[0].arguments.iter().all(|argument| matches!(argument, Argument::Word(_))));
    assert_eq!(parse(&write(&services)).unwrap(), services);
}

fn argument() -> impl Strategy<Value = Argument> {
    let text = "[a-z${}=, #/:\n-]{0,20}";
    prop_oneof![
        ("[a-z_]{1,8}", text).prop_map(|(name, text)| {
            let value = Value::expression(&text).or_else(|_| Value::literal(&text));
            Argument::Override(name, value.unwrap_or_default())
        }),
        text.prop_map(Argument::Word),
    ]
}

fn any_service() -> impl Strategy<Value = Service> {
    let flag = || proptest::option::of(any::<bool>());
    let wakeup = (any::<u32>(), any::<bool>()).prop_map(|(seconds, if_used)| Wakeup { seconds, if_used });
    (
        "[a-z0-9:\\[\\].#{-]{1,12}",
        proptest::sample::select(Kind::ALL.to_vec()),
        (flag(), flag(), flag(), proptest::option::of(wakeup), proptest::option::of(any::<u32>())),
        "[a-z]{1,8}",
        proptest::collection::vec(argument(), 0..5).prop_map(|mut arguments| {
            arguments.sort_by_key(|argument| matches!(argument, Argument::Word(_)));
            arguments
        }),
    )
        .prop_map(
            |(name, kind, (private, unprivileged, chroot, wakeup, max_processes), command, arguments)| {
                Service {
                    name,
                    kind,
                    private,
                    unprivileged,
                    chroot,
                    wakeup,
                    max_processes,
                    command,
                    arguments,
                }
            },
        )
}

proptest! {
    #[test]
    fn forty_services_are_read_as_written(services in proptest::collection::vec(any_service(), 40)) {
        let valid: Vec<_> = services.into_iter().filter(|service| service.validate().is_ok()).collect();
        prop_assert_eq!(&parse(&write(&valid)).unwrap(), &valid);
        let lines: String = valid.iter().map(|service| service.to_line() + "\n").collect();
        prop_assert_eq!(&parse(&lines).unwrap(), &valid);
    }

    #[test]
    fn the_reader_takes_anything(text in "[a-z${}=, #/:\n\t-]{0,80}") {
        if let Err(error) = parse(&text) {
            prop_assert!(text.get(error.span).is_some());
        }
    }
}
