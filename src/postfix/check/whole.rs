//! Checks of all parameters together.

use super::super::catalogue::Catalogue;
use super::super::list::items;
use super::super::main_cf::MainCf;
use super::super::value::Value;
use super::lookup::{Answer, lookup};
use super::{Context, Subject};
use crate::diag::Diagnostic;
use crate::postfix::Parameter;

/// Checks a whole main.cf. `written` are the parameters of the user, whose findings have a place. [`super::parameters`] checks
/// these one by one; here they are checked together with the others.
pub fn whole(main: &MainCf, written: &[Parameter], context: &Context<'_>) -> Vec<Diagnostic> {
    let mut file = File { main, written, context, findings: Vec::new() };
    file.values();
    file.relaying();
    file.classes();
    file.grants();
    file.authentication();
    file.tls();
    file.rewriting();
    file.findings
}

pub(super) struct File<'a> {
    pub(super) main: &'a MainCf,
    pub(super) written: &'a [Parameter],
    context: &'a Context<'a>,
    findings: Vec<Diagnostic>,
}

impl<'a> File<'a> {
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.main.get(name).map(Value::as_str)
    }

    pub(super) fn is(&self, name: &str, value: &str) -> bool {
        self.value(name).is_some_and(|set| set.eq_ignore_ascii_case(value))
    }

    pub(super) fn is_empty(&self, name: &str) -> bool {
        self.value(name).is_none_or(str::is_empty)
    }

    /// A finding about one parameter of any origin.
    pub(super) fn about(&mut self, name: &'a str, say: impl FnOnce(&mut Subject<'a>)) {
        let value = self.value(name).unwrap_or_default();
        let place = self.written.iter().find(|parameter| parameter.name == name);
        let mut subject = Subject::new(name, value, place, self.context).within(self.main);
        say(&mut subject);
        self.findings.append(&mut subject.findings);
    }

    /// Values that nobody wrote by their Postfix name, and names that nothing reads.
    fn values(&mut self) {
        let main = self.main;
        for setting in main.iter() {
            let name = setting.name.as_str();
            if self.written.iter().any(|parameter| parameter.name == name) {
                continue;
            }
            self.about(name, Subject::value_line);
            let referenced = || main.iter().any(|other| other.value.references().contains(&name));
            if Catalogue::get(name).is_none() && !referenced() {
                let message = format!("nothing reads `{name}`: Postfix would warn about it");
                self.about(name, |subject| subject.name_error("unknown-parameter", message));
            }
        }
    }

    fn authentication(&mut self) {
        for (program, enable, maps) in [
            ("smtp(8)", "smtp_sasl_auth_enable", "smtp_sasl_password_maps"),
            ("lmtp(8)", "lmtp_sasl_auth_enable", "lmtp_sasl_password_maps"),
        ] {
            if self.is(enable, "yes") && self.is_empty(maps) {
                self.about(enable, |subject| {
                    let message = format!("there is no `{maps}`: {program} would not start");
                    subject.error("sasl-without-passwords", None, message);
                });
            }
        }
        // Its default is `no`. Where a section or a flag decides it, it is set.
        let offers =
            self.is("smtpd_sasl_auth_enable", "yes") && !self.is("smtpd_tls_security_level", "encrypt");
        if offers && self.is_empty("smtpd_tls_auth_only") {
            self.about("smtpd_sasl_auth_enable", |subject| {
                let message = "without `smtpd_tls_auth_only = yes` clients may send their passwords in clear";
                subject.error("password-in-clear", None, message.to_owned());
                subject.hint("Set `smtpd_tls_auth_only = yes` next to it.".to_owned());
            });
        }
        if self.is("smtp_sasl_auth_enable", "yes") {
            let options = self.value("smtp_sasl_security_options");
            let guarded = self.context.clear
                || options.is_none_or(|options| options.contains("noplaintext") || options.contains('$'));
            let level = self.value("smtp_tls_security_level").unwrap_or_default();
            if !guarded && matches!(level, "" | "none" | "may") {
                self.about("smtp_sasl_security_options", |subject| {
                    let message = "without TLS the password would travel in clear";
                    subject.error("password-in-clear", None, message.to_owned());
                    subject
                        .hint("Keep `noplaintext`; `smtp_sasl_tls_security_options` is for TLS.".to_owned());
                });
            }
        } else if self.main.get("smtp_sasl_password_maps").is_some_and(|maps| !maps.is_empty()) {
            self.about("smtp_sasl_password_maps", |subject| {
                let message = "`smtp_sasl_auth_enable` is not `yes`: the passwords are never used";
                subject.warning("passwords-without-sasl", None, message.to_owned());
            });
        }
    }

    fn tls(&mut self) {
        let level = self.value("smtp_tls_security_level").unwrap_or_default();
        if level.contains('$') {
            return;
        }
        let mandatory = !matches!(level, "" | "none" | "may");
        if self.is("smtp_tls_wrappermode", "yes") && !mandatory {
            self.about("smtp_tls_wrappermode", |subject| {
                let message = "TLS from the start needs `smtp_tls_security_level = encrypt` or better";
                subject.error("wrappermode-level", None, message.to_owned());
            });
        }
        let written = |name: &str| self.written.iter().any(|parameter| parameter.name == name);
        let ignored = [
            ("smtp_tls_protocols", "smtp_tls_mandatory_protocols", mandatory && level != "dane"),
            ("smtp_tls_ciphers", "smtp_tls_mandatory_ciphers", mandatory && level != "dane"),
            ("smtp_tls_mandatory_protocols", "smtp_tls_protocols", !mandatory),
            ("smtp_tls_mandatory_ciphers", "smtp_tls_ciphers", !mandatory),
        ];
        // A default of ours for the other level does no harm; what a person wrote is to have an effect.
        let ignored: Vec<_> =
            ignored.into_iter().filter(|(name, _, applies)| *applies && written(name)).collect();
        for (name, instead, _) in ignored {
            self.about(name, |subject| {
                let level = if level.is_empty() { "empty" } else { level };
                let message = format!("`{name}` has no effect: the level is {level}");
                subject.push_name(crate::diag::Severity::Warning, "ineffective-parameter", message);
                subject.hint(format!("At this level Postfix reads `{instead}`."));
            });
        }
    }

    /// Tables that rewrite addresses that no table may rewrite, by the text that they match.
    fn rewriting(&mut self) {
        for (name, classes, default) in REWRITING {
            let value = self.value(name).unwrap_or_default();
            let classes = classes.and_then(|classes| self.value(classes)).unwrap_or(default);
            let of = |class: &str| classes.contains(class);
            for item in items(value) {
                let is = |key: &str, answer| lookup(item.text, key) == answer;
                let (id, why) = if of("recipient") && is(SOMEBODY, Answer::Yes) {
                    ("all-recipients", "this replaces every recipient: all mail would go to one address")
                } else if of("envelope_sender") && is(NULL_SENDER, Answer::Yes) {
                    (
                        "null-sender",
                        "this gives bounces a sender: two hosts could send them to each other for ever",
                    )
                } else {
                    if of("envelope_sender") && is(NULL_SENDER, Answer::Unknown) && item.text.contains('{') {
                        self.about(name, |subject| {
                            let message = "it is not clear whether this matches the null sender of bounces, which is looked up as `\"\"`";
                            subject.warning("null-sender", Some(item.range()), message.to_owned());
                        });
                    }
                    continue;
                };
                self.about(name, |subject| {
                    subject.error(id, Some(item.range()), why.to_owned());
                    subject.hint(
                        "For one sender instead of all others: `senders = { \"*\" = \"noreply@acme.example\" }` in `[rewrite]`."
                            .to_owned(),
                    );
                });
            }
        }
    }
}

/// Parameters with tables that rewrite addresses, the parameter that says which, and its default; generic(5) knows no classes.
const REWRITING: [(&str, Option<&str>, &str); 5] = [
    ("smtp_generic_maps", None, "envelope_sender envelope_recipient"),
    ("lmtp_generic_maps", None, "envelope_sender envelope_recipient"),
    ("sender_canonical_maps", Some("sender_canonical_classes"), "envelope_sender header_sender"),
    ("recipient_canonical_maps", Some("recipient_canonical_classes"), "envelope_recipient header_recipient"),
    (
        "canonical_maps",
        Some("canonical_classes"),
        "envelope_sender envelope_recipient header_sender header_recipient",
    ),
];

/// The null sender as Postfix looks it up (quote_822_local.c), measured on Postfix 3.5 to 3.11.
const NULL_SENDER: &str = "\"\"";
/// An address that no table for some addresses knows.
const SOMEBODY: &str = "somebody.unknown@recipient.invalid";
