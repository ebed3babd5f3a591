//! Values by which a temporary cause gets a permanent answer: mail is lost while another program is away.
//!
//! The source is postconf(5).

use super::super::list::items;
use super::Subject;

/// Warns about them.
pub(super) fn check(subject: &mut Subject<'_>) {
    let (name, value) = (subject.name, subject.value.trim());
    let permanent = |text: &str| text.starts_with('5') || text.to_ascii_lowercase().starts_with("reject");
    let why = match name {
        "milter_default_action" if permanent(value) => "while a milter does not answer",
        "smtpd_policy_service_default_action" if permanent(value) => "while a policy service does not answer",
        "defer_code" | "access_map_defer_code" if permanent(value) => "while something is away for a moment",
        "smtp_sasl_auth_soft_bounce" | "lmtp_sasl_auth_soft_bounce" if is_no(value) => {
            "while the server does not accept the password"
        }
        "smtp_skip_5xx_greeting" | "lmtp_skip_5xx_greeting" if is_no(value) => {
            "while the server greets nobody"
        }
        _ => return in_braces(subject, permanent),
    };
    say(subject, 0..value.len(), why);
}

fn is_no(value: &str) -> bool {
    value.eq_ignore_ascii_case("no")
}

/// `default_action` of one policy service or milter.
fn in_braces(subject: &mut Subject<'_>, permanent: impl Fn(&str) -> bool) {
    let value = subject.value;
    for item in items(value).into_iter().filter(|item| item.text.starts_with('{')) {
        let words = item.text.split(['{', '}', ',']).filter_map(|word| word.split_once('='));
        if words.into_iter().any(|(name, action)| name.trim() == "default_action" && permanent(action.trim()))
        {
            say(subject, item.range(), "while this one does not answer");
        }
    }
}

fn say(subject: &mut Subject<'_>, range: std::ops::Range<usize>, why: &str) {
    subject.warning("permanent-answer", Some(range), format!("{why}, mail is refused for good"));
    subject.hint("Leave it at the default: then mail waits.".to_owned());
}
