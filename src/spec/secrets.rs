//! Secrets have no place in a spec: it lies in version control, and what it says lies in packages that all can read.
//!
//! Two signs: the name of a key, and the look of a value. What is found is taken out before anything else judges the
//! spec, and masked wherever the text is shown.

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diag::{Diagnostic, SECRET, Span};

const HOME: &str = "credentials belong onto the host, into /etc/mail-relay/relay.env: RELAY_USERNAME=... and \
                    RELAY_PASSWORD=...";

/// Takes the secrets out of a document; also returns the paths of what was taken.
pub(super) fn take_out(table: &mut DeTable<'_>) -> (Vec<Diagnostic>, Vec<String>) {
    let mut search = Search::default();
    search.table(table, "");
    (search.findings, search.removed)
}

/// Secrets in a text that is no TOML: lines that look like `password = ...`.
pub(super) fn in_broken_text(text: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        if let Some((key, value)) = trimmed.split_once(['=', ':'])
            && let Some(name) = key.trim().trim_matches(['"', '\'']).rsplit('.').next()
            && !value.trim().is_empty()
            && !matches!(value.trim(), "true" | "false")
            && sign_of_key(name).is_some()
        {
            let from = start + trimmed.len() - value.trim_start().len();
            findings.push(by_key(name, name, from..start + trimmed.len()));
        } else if let Some(what) = sign_of_value(trimmed, true) {
            findings.push(by_value(what, start..start + trimmed.len()));
        }
        start += line.len();
    }
    findings
}

#[derive(Default)]
struct Search {
    findings: Vec<Diagnostic>,
    removed: Vec<String>,
}

/// Tables whose keys are names of other things: users, headers, Postfix parameters, systemd directives.
const FOREIGN: &[&str] = &["aliases", "rewrite.senders", "main-cf", "hardening.service"];
/// Prose, in which a commit hash is no secret.
const PROSE: &[&str] = &["package.changelog", "package.description", "package.summary", "headers.patterns"];

impl Search {
    fn table(&mut self, table: &mut DeTable<'_>, path: &str) {
        let foreign = FOREIGN.contains(&path);
        let mut taken = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let here = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let sign = if foreign { sign_of_foreign_key(name, value.get_ref()) } else { sign_of_key(name) };
            // An empty section named `token` is a wrong section, not a secret.
            let finding = match sign {
                Some(_) if !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Boolean(_)) => {
                    Some(by_key(name, &here, value.span()))
                }
                _ => None,
            };
            if let Some(finding) = finding {
                self.findings.push(finding);
            } else if !self.value(value, &here) {
                continue;
            }
            taken.push(key.clone());
            self.removed.push(here);
        }
        for key in taken {
            table.remove(&key);
        }
    }

    /// Looks into a value; true if it has to go.
    fn value(&mut self, value: &mut Spanned<DeValue<'_>>, path: &str) -> bool {
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, path);
                false
            }
            DeValue::Array(array) => {
                let mut kept = DeArray::new();
                for mut item in std::mem::replace(array, DeArray::new()) {
                    if self.value(&mut item, path) {
                        self.removed.push(path.to_owned());
                    } else {
                        kept.push(item);
                    }
                }
                *array = kept;
                false
            }
            DeValue::String(text) => {
                let prose = PROSE.iter().any(|prose| path.starts_with(prose));
                let Some(what) = sign_of_value(text, prose) else { return false };
                self.findings.push(by_value(what, span));
                true
            }
            _ => false,
        }
    }
}

fn by_key(name: &str, path: &str, span: Span) -> Diagnostic {
    let name = super::values::shown(name);
    let message =
        format!("`{name}` in a spec would lie in version control and in packages that everyone can read");
    let finding = Diagnostic::error(SECRET, span, message).labelled("take it out");
    match sign_of_key(path.rsplit('.').next().unwrap_or(path)) {
        Some(Sign::User) => finding.hint(HOME).hint("user names stay out too, so that both change together"),
        _ => finding.hint(HOME).hint("if it has ever been committed or published, replace it with a new one"),
    }
}

fn by_value(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(SECRET, span, format!("this looks like {what}; a spec must hold no secrets"))
        .labelled("take it out")
        .hint(HOME)
        .hint("if it has ever been committed or published, replace it with a new one")
}

/// What the name of a key gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Secret,
    User,
}

const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "credential",
    "accesskey",
    "privatekey",
];
const USERS: &[&str] = &["username", "user", "login", "smtpuser", "account"];

fn sign_of_key(name: &str) -> Option<Sign> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if plain == "allowcleartextpassword" {
        return None;
    }
    if SECRETS.iter().any(|word| plain.contains(word)) || plain == "pass" || plain == "pw" {
        Some(Sign::Secret)
    } else if USERS.contains(&plain.as_str()) {
        Some(Sign::User)
    } else {
        None
    }
}

/// In a table of foreign names only what exists to carry secrets is a sign.
fn sign_of_foreign_key(name: &str, value: &DeValue<'_>) -> Option<Sign> {
    let texts: Vec<&str> = match value {
        DeValue::String(text) => vec![text],
        DeValue::Array(items) => items.iter().filter_map(|item| item.get_ref().as_str()).collect(),
        _ => Vec::new(),
    };
    let assigns =
        |text: &str| text.split_once('=').is_some_and(|(key, _)| sign_of_key(key) == Some(Sign::Secret));
    let secret = match name {
        "SetCredential" | "SetCredentialEncrypted" => true,
        // A map that is written out, `static:user:password`.
        _ if name.contains("password") => {
            texts.iter().any(|text| text.contains("static:") || text.contains("inline:"))
        }
        "Environment" => texts.iter().flat_map(|text| text.split_whitespace()).any(assigns),
        _ => false,
    };
    secret.then_some(Sign::Secret)
}

/// What a value looks like. In prose only unmistakable forms count.
fn sign_of_value(text: &str, prose: bool) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") {
        return Some("a private key");
    }
    if !prose && is_app_password(text) {
        return Some("a Google app password");
    }
    text.split(|c: char| c.is_whitespace() || "\"'`,;()<>=".contains(c))
        .find_map(|word| sign_of_word(word, prose))
}

/// `abcd efgh ijkl mnop`.
fn is_app_password(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    words.len() == 4
        && words.iter().all(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// Words that begin like the keys of a service: prefix, shortest rest, name.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("SG.", 20, "a SendGrid API key"),
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("key-", 32, "a Mailgun API key"),
    ("re_", 16, "a Resend API key"),
    ("xsmtpsib-", 16, "a Brevo SMTP key"),
    ("xkeysib-", 16, "a Brevo API key"),
    ("mlsn.", 16, "a MailerSend API token"),
    ("mssp.", 16, "a MailerSend SMTP password"),
    ("ghp_", 20, "a GitHub token"),
    ("gho_", 20, "a GitHub token"),
    ("ghs_", 20, "a GitHub token"),
    ("github_pat_", 20, "a GitHub token"),
    ("glpat-", 16, "a GitLab token"),
    ("xoxb-", 10, "a Slack token"),
    ("xoxp-", 10, "a Slack token"),
    ("AIza", 30, "a Google API key"),
    ("ya29.", 16, "a Google access token"),
    ("GOCSPX-", 16, "a Google client secret"),
    ("hvs.", 16, "a Vault token"),
    ("eyJ", 40, "a JSON web token"),
];

fn sign_of_word(word: &str, prose: bool) -> Option<&'static str> {
    for (prefix, shortest, what) in PREFIXES {
        if let Some(rest) = word.strip_prefix(prefix)
            && rest.len() >= *shortest
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        {
            return Some(what);
        }
    }
    if let Some((_, rest)) = word.split_once("://")
        && let Some((user, _)) =
            rest.split(['/', '?', '#']).next().and_then(|authority| authority.rsplit_once('@'))
        && user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
    {
        return Some("a URL with a password");
    }
    if prose {
        return None;
    }
    if is_uuid(word) {
        return Some("a token (a UUID)");
    }
    if word.len() >= 32
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
    {
        return Some("a token (hexadecimal digits)");
    }
    is_random(word).then_some("a password or token (random characters)")
}

fn is_uuid(word: &str) -> bool {
    let groups: Vec<usize> = word.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12] && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Whether a word is long, of mixed letters and digits, and without the structure of names, paths and addresses.
fn is_random(word: &str) -> bool {
    const SHORTEST: usize = 20;
    let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
    if word.len() < SHORTEST
        || word.len() > 512
        || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
        || word.starts_with('/')
        || !(has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
    {
        return false;
    }
    // Words of a language change between letters, cases and digits rarely; random characters all the time.
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let changes = word.as_bytes().windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    changes * 3 >= word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for key in [
            "password",
            "smtp-password",
            "SMTP_PASSWORD",
            "api-key",
            "apiKey",
            "auth_token",
            "client-secret",
            "credentials",
        ] {
            assert_eq!(sign_of_key(key), Some(Sign::Secret), "{key}");
        }
        assert_eq!(sign_of_key("username"), Some(Sign::User));
        for key in ["allow-cleartext-password", "name", "auth", "root-mail-to", "client-key", "match"] {
            assert_eq!(sign_of_key(key), None, "{key}");
        }
    }

    #[test]
    fn values() {
        // Put together at run time: no scanner of repositories shall take these for real ones.
        let random = ["BJ7kQ2p", "X9fLm3R", "t8VwZ1c", "Y6hN4sD", "0aE5gU=="].concat();
        let secrets = [
            format!("SG.{}", "aB3dE5gH7jK9mN1pQ3sT5v"),
            format!("AKIA{}", "IOSFODNN7EXAMPLE"),
            format!("key-{}", "3ax6xnjp29jd6fds4gc373sgvjxteol0"),
            format!("re_{}", "AbCdEf123456789012"),
            format!("xsmtpsib-{}", "0123456789abcdef0123"),
            format!("smtp://{}:{}@mail.acme.example", "user", "pass"),
            format!("-----BEGIN RSA {} KEY-----", "PRIVATE"),
            "abcd efgh ijkl mnop".to_owned(),
            "0123456789abcdef0123456789abcdef".to_owned(),
            "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
            random,
        ];
        for text in &secrets {
            assert!(sign_of_value(text, false).is_some(), "{text}");
        }
        let harmless = [
            "acme-mail-relay",
            "noreply@acme.example",
            "email-smtp.eu-west-1.amazonaws.com",
            "Platform Team <p@acme.example>",
            "/etc/ssl/certs/ca-certificates.crt",
            "https://acme.example/relay",
            "re_",
            "key-value",
            "permit_mynetworks, reject",
            "$default_database_type:/etc/postfix/transport",
            "X-Originating-IP",
            "smtpd_client_restrictions",
            "VerySpecialMailRelayPackage2026",
            "AF_UNIX AF_INET AF_INET6 AF_NETLINK",
            "1.2.0-rc.1+git.20261121",
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_AES_256_GCM_SHA384",
        ];
        for text in harmless {
            assert_eq!(sign_of_value(text, false), None, "{text}");
        }
        assert_eq!(sign_of_value("Fixes 3f2a9c0d4e5b6a7f8091a2b3c4d5e6f708192a3b", true), None);
    }

    #[test]
    fn broken_text() {
        let text = "[smarthost]\npassword = hunter2 \nallow-cleartext-password = true\nauth = \"password\"\n";
        let findings = in_broken_text(text);
        assert_eq!(findings.len(), 1);
        assert_eq!(&text[findings[0].label.clone().unwrap().0], "hunter2");
    }
}
