//! Secrets must not be in a spec, because it is in version control, and its values are in packages that everyone can read.
//!
//! A secret is recognized by the name of a key or the form of a value. It is removed before the other checks, and masked
//! wherever the text is shown.

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use crate::diag::{Diagnostic, SECRET, Span};
use crate::keys::schema;

const HOME: &str = "credentials belong in /etc/mail-relay/relay.env on the host: RELAY_USERNAME=... and \
                    RELAY_PASSWORD=...";

/// Removes the secrets from a document. Also returns their paths.
pub(super) fn take_out(table: &mut DeTable<'_>) -> (Vec<Diagnostic>, Vec<String>) {
    let mut search = Search::default();
    search.table(table, "", Some(schema::raw()));
    (search.findings, search.removed)
}

/// Secrets in a text that is not TOML: lines that look like `password = ...`.
pub(super) fn in_broken_text(text: &str) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        if let Some((key, value)) = trimmed.split_once(['=', ':'])
            && let Some(name) = key.trim().trim_matches(['"', '\'']).rsplit('.').next()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
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
    /// Within a section whose name indicates secrets.
    inside: Option<Sign>,
}

/// Prose, in which a commit hash is not a secret.
const PROSE: &[&str] = &[
    "package.changelog",
    "package.description",
    "package.summary",
    "headers.patterns",
    "abuse.block-words",
    "abuse.greylist-words",
];

/// Actions that are followed by text for people. The text after `prepend` and `replace` may be a token.
const SPOKEN: &[&str] = &["reject", "defer", "discard", "hold", "warn", "error", "retry"];

/// Postfix parameters whose values are fingerprints of certificates, as random as any password.
const DIGESTS: &[&str] = &["fingerprint", "clientcerts"];

impl Search {
    /// `schema` is the schema of the table, if there is one. If keys are names of other things (users, headers, patterns,
    /// parameters of Postfix, directives of systemd), words in them do not indicate a secret.
    fn table(&mut self, table: &mut DeTable<'_>, path: &str, schema: Option<&'static Value>) {
        let foreign = schema.is_some_and(|schema| schema::names(schema).is_some());
        let mut taken = Vec::new();
        for (key, value) in table.iter_mut() {
            let name: &str = key.get_ref();
            let here = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let sign = if foreign { sign_of_foreign_key(name, value.get_ref()) } else { sign_of_key(name) };
            let sign = sign.or(self.inside);
            // An empty section named `token` is a wrong section, not a secret.
            let finding = match sign {
                Some(_) if !matches!(value.get_ref(), DeValue::Table(_) | DeValue::Boolean(_)) => {
                    Some(by_key(name, &here, value.span()))
                }
                _ => sign_of_value(name, true).map(|what| by_value(what, key.span())),
            };
            let outside = std::mem::replace(&mut self.inside, sign);
            let schema = schema.and_then(|schema| schema::part(schema, name));
            let gone = finding.is_some() || self.value(value, &here, schema);
            self.inside = outside;
            self.findings.extend(finding);
            if !gone {
                continue;
            }
            taken.push(key.clone());
            self.removed.push(here);
        }
        for key in taken {
            table.remove(&key);
        }
    }

    /// Checks a value. Returns whether it must be removed.
    fn value(
        &mut self,
        value: &mut Spanned<DeValue<'_>>,
        path: &str,
        schema: Option<&'static Value>,
    ) -> bool {
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(table) => {
                self.table(table, path, schema);
                false
            }
            DeValue::Array(array) => {
                let mut kept = DeArray::new();
                for mut item in std::mem::replace(array, DeArray::new()) {
                    if self.value(&mut item, path, schema) {
                        self.removed.push(path.to_owned());
                    } else {
                        kept.push(item);
                    }
                }
                *array = kept;
                false
            }
            DeValue::String(text) => {
                let spoken = || {
                    ["content.", "access.", "transports."].iter().any(|section| path.starts_with(section))
                        && SPOKEN.contains(&text.split(' ').next().unwrap_or_default())
                };
                let prose = PROSE.iter().any(|prose| path.starts_with(prose)) || spoken();
                let digests = DIGESTS
                    .iter()
                    .any(|word| path.rsplit('.').next().is_some_and(|name| name.contains(word)));
                let Some(what) = sign_of_value(text, prose || digests) else { return false };
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
        format!("`{name}` in a spec would be in version control and in packages that everyone can read");
    let finding = Diagnostic::error(SECRET, span, message).labelled("remove it");
    match sign_of_key(path.rsplit('.').next().unwrap_or(path)) {
        Some(Sign::User) => {
            finding.hint(HOME).hint("remove the user name as well, so that both change together")
        }
        _ => finding.hint(HOME).hint("if it has ever been committed or published, replace it with a new one"),
    }
}

fn by_value(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error(SECRET, span, format!("this looks like {what}; a spec must not contain secrets"))
        .labelled("remove it")
        .hint(HOME)
        .hint("if it has ever been committed or published, replace it with a new one")
}

/// The kind of secret that the name of a key indicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Secret,
    User,
}

const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "passwort",
    "kennwort",
    "secret",
    "token",
    "apikey",
    "authkey",
    "credential",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "bearer",
];
/// Words that indicate a secret only at the end of a name.
const SECRET_ENDS: &[&str] = &["pass", "pwd", "pw", "psk"];
const NO_SECRETS: &[&str] = &["allowcleartextpassword", "bypass"];
const USERS: &[&str] = &["user", "login", "account", "userid"];

fn sign_of_key(name: &str) -> Option<Sign> {
    let plain: String =
        name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if NO_SECRETS.contains(&plain.as_str()) {
        return None;
    }
    if SECRETS.iter().any(|word| plain.contains(word)) || SECRET_ENDS.iter().any(|end| plain.ends_with(end)) {
        Some(Sign::Secret)
    } else if plain.contains("username") || USERS.iter().any(|end| plain.ends_with(end)) {
        Some(Sign::User)
    } else {
        None
    }
}

/// In a table of foreign names, only names that exist to carry secrets count.
fn sign_of_foreign_key(name: &str, value: &DeValue<'_>) -> Option<Sign> {
    let texts: Vec<&str> = match value {
        DeValue::String(text) => vec![text],
        DeValue::Array(items) => items.iter().filter_map(|item| item.get_ref().as_str()).collect(),
        _ => Vec::new(),
    };
    let secret = match name {
        "SetCredential" | "SetCredentialEncrypted" => true,
        // An inline map, `static:user:password`.
        _ if name.contains("password") => {
            texts.iter().any(|text| text.contains("static:") || text.contains("inline:"))
        }
        "Environment" => texts
            .iter()
            .flat_map(|text| text.split_whitespace())
            .any(|word| word.split_once('=').is_some_and(|(key, _)| sign_of_key(key) == Some(Sign::Secret))),
        _ => false,
    };
    secret.then_some(Sign::Secret)
}

/// The kind of secret that a value looks like. In prose, only unmistakable forms count.
fn sign_of_value(text: &str, prose: bool) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY") || text.contains("PuTTY-User-Key-File") {
        return Some("a private key");
    }
    if !prose && is_app_password(text) {
        return Some("a Google app password");
    }
    if !prose && (assigns_secret(text) || is_password_row(text)) {
        return Some("a password");
    }
    text.split(|c: char| c.is_whitespace() || "\"'`,;()<>{}|=?&".contains(c))
        .find_map(|word| sign_of_word(word, prose))
}

/// `password=...` within a text. A file or a parameter of Postfix after the sign is not a secret.
fn assigns_secret(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        let word =
            text[..at].trim_end().rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).next();
        let ends_so = |end: &&str| {
            word.is_some_and(|word| word.to_ascii_lowercase().replace(['_', '-'], "").ends_with(*end))
        };
        let names = ["password", "passwd", "pwd", "secret", "token", "apikey", "accesskey", "passphrase"];
        let value = text[at + 1..].trim_start();
        names.iter().any(ends_so) && !value.is_empty() && !value.starts_with(['/', '$', '=', '{'])
    })
}

/// A row of a password table, `[smtp.acme.example]:587 user:password`.
fn is_password_row(text: &str) -> bool {
    text.match_indices("]:").any(|(at, _)| {
        let rest = text[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphanumeric());
        let row = rest.trim_start_matches([' ', '\t', '=']);
        let word = row.split([' ', '\t', ',', '}']).next().unwrap_or_default();
        row.len() < rest.len()
            && !word.starts_with('[')
            && word.split_once(':').is_some_and(|(_, end)| !end.is_empty())
    })
}

/// `abcd efgh ijkl mnop`.
fn is_app_password(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    words.len() == 4
        && words.iter().all(|word| word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// Prefixes of keys of services: prefix, minimum length of the rest, name.
const PREFIXES: &[(&str, usize, &str)] = &[
    ("SG.", 20, "a SendGrid API key"),
    ("AKIA", 16, "an AWS access key"),
    ("ASIA", 16, "an AWS access key"),
    ("xsmtpsib-", 16, "a Brevo SMTP key"),
    ("xkeysib-", 16, "a Brevo API key"),
    ("mlsn.", 16, "a MailerSend API token"),
    ("mssp.", 16, "a MailerSend SMTP password"),
    ("ghp_", 20, "a GitHub token"),
    ("gho_", 20, "a GitHub token"),
    ("ghu_", 20, "a GitHub token"),
    ("ghs_", 20, "a GitHub token"),
    ("ghr_", 20, "a GitHub token"),
    ("github_pat_", 20, "a GitHub token"),
    ("glpat-", 16, "a GitLab token"),
    ("xoxa-", 10, "a Slack token"),
    ("xoxb-", 10, "a Slack token"),
    ("xoxp-", 10, "a Slack token"),
    ("xoxr-", 10, "a Slack token"),
    ("xapp-", 10, "a Slack token"),
    ("AIza", 30, "a Google API key"),
    ("ya29.", 16, "a Google access token"),
    ("GOCSPX-", 16, "a Google client secret"),
    ("hvs.", 16, "a Vault token"),
    ("hvb.", 16, "a Vault token"),
    ("eyJ", 40, "a JSON web token"),
    ("sk_live_", 16, "a Stripe key"),
    ("rk_live_", 16, "a Stripe key"),
    ("dop_v1_", 32, "a DigitalOcean token"),
    ("ATATT3x", 20, "an Atlassian token"),
    ("glsa_", 20, "a Grafana token"),
    ("pypi-", 40, "a PyPI token"),
    ("npm_", 30, "an npm token"),
    ("AGE-SECRET-KEY-1", 20, "a private key"),
    ("https://hooks.slack.com/services/", 20, "the secret URL of a webhook"),
];

/// The same for prefixes that could begin a name: the rest is one word with a digit or a capital.
const WORDS: &[(&str, usize, &str)] = &[
    ("key-", 32, "a Mailgun API key"),
    ("re_", 16, "a Resend API key"),
    ("md-", 22, "a Mailchimp Transactional key"),
    ("api-", 32, "an SMTP2GO API key"),
    ("sk-", 20, "an API key"),
    ("SK", 32, "a Twilio API key"),
];

/// Prefixes of crypt(5) hashes, from which a password can be guessed.
const HASHES: &[&str] = &["$1$", "$2a$", "$2b$", "$2y$", "$5$", "$6$", "$7$", "$y$", "$gy$", "$argon2"];
/// Prefixes of digests, which are not secrets.
const DIGEST_MARKS: &[&str] = &["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];

fn sign_of_word(word: &str, prose: bool) -> Option<&'static str> {
    let begins = |prefix: &str, shortest: usize, more: &[u8]| {
        word.strip_prefix(prefix).filter(|rest| {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
            rest.len() >= shortest && rest.bytes().all(fits)
        })
    };
    let whole = PREFIXES.iter().find(|(prefix, shortest, _)| begins(prefix, *shortest, b"._-/").is_some());
    let word_like = || {
        WORDS.iter().find(|(prefix, shortest, _)| {
            let odd = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
            begins(prefix, *shortest, b"").is_some_and(|rest| rest.bytes().any(odd))
        })
    };
    if let Some((_, _, what)) = whole.or_else(word_like) {
        return Some(what);
    }
    // Postfix requires `$$` for `$`.
    let single = word.replace("$$", "$");
    if word.len() >= 20 && HASHES.iter().any(|prefix| single.starts_with(prefix)) {
        return Some("a hashed password");
    }
    if let Some((_, rest)) = word.split_once("://")
        && let Some((user, _)) =
            rest.split(['/', '?', '#']).next().and_then(|authority| authority.rsplit_once('@'))
        && user.split_once(':').is_some_and(|(_, password)| !password.is_empty())
    {
        return Some("a URL with a password");
    }
    let digest = word.split_once([':', '-', '$']).map(|(mark, _)| mark.to_ascii_lowercase());
    if prose || digest.is_some_and(|mark| DIGEST_MARKS.contains(&mark.as_str())) {
        return None;
    }
    if is_uuid(word) {
        return Some("a token (a UUID)");
    }
    let is_key = |part: &str| {
        part.len() >= 32
            && part.bytes().all(|byte| byte.is_ascii_hexdigit())
            && part.bytes().any(|byte| byte.is_ascii_digit())
    };
    if word.split('-').any(is_key) {
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
    let (small, large, digit) =
        (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit));
    let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if word.len() < SHORTEST
        || word.len() > 512
        || !word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/_-".contains(&byte))
        // A path has names between its slashes, which have no capitals among digits.
        || word.starts_with('/') && !large
        || !digit
        || !(small && large || plain && word.len() >= 24)
    {
        return false;
    }
    // Natural words rarely change between letters, cases and digits; random characters change all the time.
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
    fn broken_text() {
        let text = "[smarthost]\npassword = hunter2 \nallow-cleartext-password = true\nauth = \"password\"\n";
        let findings = in_broken_text(text);
        assert_eq!(findings.len(), 1);
        assert_eq!(&text[findings[0].label.clone().unwrap().0], "hunter2");
    }
}
