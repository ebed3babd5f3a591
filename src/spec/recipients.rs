//! `[access] allowed-recipients` and `[staging]`: limits on recipients.

use super::judge::Judge;
use super::values::{self, Fault};
use crate::diag::Diagnostic;
use crate::keys::Spec;
use crate::keys::spot::Many;
use crate::relay::{Mailboxes, Recipient, Source};

/// The only recipients, if there are any.
pub(super) fn allowed(judge: &mut Judge, spec: &Spec, mailboxes: Option<&Mailboxes>) -> Vec<Recipient> {
    let list = spec.access.as_ref().and_then(|access| access.allowed_recipients.as_ref());
    let what = "addresses or domains";
    let read = judge.read_all("allowed-recipients", "access.allowed-recipients", what, list, recipient);
    let found: Vec<Recipient> = read.into_iter().map(|spot| spot.value).collect();
    if let (Some(first), Some(Source::Database(_))) =
        (list.and_then(|list: &Many<String>| list.0.first()), mailboxes.map(|mailboxes| &mailboxes.source))
        && !found.iter().any(|recipient| matches!(recipient, Recipient::Domain(_) | Recipient::Below(_)))
    {
        let message =
            "the domains of the database are not in this list, so mail to their mailboxes would be rejected";
        judge.report(
            Diagnostic::error("allowed-recipients", first.span.clone(), message)
                .hint("add each domain: `\"@acme.example\"`"),
        );
    }
    found
}

/// An address, `@domain`, or a domain with its subdomains.
fn recipient(text: &str) -> Result<Recipient, Fault> {
    let lower = |text: String| text.to_ascii_lowercase();
    match text.strip_prefix('@') {
        Some(domain) => values::domain(domain).map(lower).map(Recipient::Domain),
        None if text == "*" => {
            Err(Fault::new("it would allow all recipients").hint("remove `allowed-recipients`"))
        }
        None if text.contains('@') => values::address(text).map(lower).map(Recipient::Address),
        None if text.contains('.') => values::domain(text).map(lower).map(Recipient::Below),
        None => {
            Err(Fault::new("it has no domain").hint("local names are always allowed, see `root-mail-to`"))
        }
    }
}

/// The address for all mail of a staging host.
pub(super) fn all_mail_to(judge: &mut Judge, spec: &Spec) -> Option<String> {
    let spot = spec.staging.as_ref()?.all_mail_to.as_ref()?;
    let address = judge.read("address", "staging.all-mail-to", "a mail address", spot, values::address);
    let list = spec.access.as_ref().and_then(|access| access.allowed_recipients.as_ref());
    if let Some(first) = list.and_then(|list| list.0.first()) {
        let message =
            "`staging.all-mail-to` redirects all mail, so `access.allowed-recipients` has no effect";
        judge.report(Diagnostic::error("staging", first.span.clone(), message).hint("keep one of them"));
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings() {
        for (text, read) in [
            ("Ops@Acme.example", Some(Recipient::Address("ops@acme.example".to_owned()))),
            ("@Acme.example", Some(Recipient::Domain("acme.example".to_owned()))),
            ("acme.example", Some(Recipient::Below("acme.example".to_owned()))),
            ("root", None),
            ("*", None),
            ("", None),
            ("@", None),
            ("Ops <ops@acme.example>", None),
        ] {
            assert_eq!(recipient(text).ok(), read, "{text}");
        }
    }
}
