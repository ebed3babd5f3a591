//! Environment files and compose services of common relay images, as the main.cf that the images make of them.

use std::collections::BTreeMap;

/// Names of an image that are no parameters of Postfix, and the parameters that it makes of them.
const NAMES: [(&str, &str); 13] = [
    // boky/postfix
    ("RELAYHOST", "relayhost"),
    ("MYNETWORKS", "mynetworks"),
    ("RELAYHOST_TLS_LEVEL", "smtp_tls_security_level"),
    ("MASQUERADED_DOMAINS", "masquerade_domains"),
    ("MESSAGE_SIZE_LIMIT", "message_size_limit"),
    ("POSTFIX_HOSTNAME", "myhostname"),
    // juanluisbaptiste/postfix
    ("SERVER_HOSTNAME", "myhostname"),
    ("SMTP_NETWORKS", "mynetworks"),
    // Both, and others
    ("MAIL_HOSTNAME", "myhostname"),
    ("MAILNAME", "myhostname"),
    ("MYDESTINATION", "mydestination"),
    ("MYORIGIN", "myorigin"),
    ("MYHOSTNAME", "myhostname"),
];

/// Names that are needed together, and those whose values are secrets or accounts.
const OTHERS: [&str; 9] = [
    "SMTP_SERVER",
    "SMTP_PORT",
    "SMTP_USERNAME",
    "SMTP_PASSWORD",
    "RELAYHOST_USERNAME",
    "RELAYHOST_PASSWORD",
    "ALLOWED_SENDER_DOMAINS",
    "ALWAYS_ADD_MISSING_HEADERS",
    "OVERWRITE_FROM",
];

/// Beginnings of names that change what these images do with mail in ways that no key has.
const EXTRAS: [&str; 6] =
    ["DKIM_", "OPENDKIM_", "SMTP_HEADER_TAG", "RELAYHOST_PASSWORD_FILE", "SMTPD_", "XOAUTH2_"];

/// Whether a name is a variable of an image and no parameter of Postfix.
pub(super) fn is_variable(name: &str) -> bool {
    name.starts_with("POSTFIXMASTER_") || EXTRAS.iter().any(|start| name.starts_with(start))
}

/// The files that an image would write; `None` if the text is no environment of a relay image.
pub(super) fn files(bytes: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut found: Vec<(usize, String, String)> = Vec::new();
    for (line, text) in text.lines().enumerate() {
        if let Some((name, value)) = assignment(text) {
            found.push((line, name, value));
        }
    }
    let get = |name: &str| found.iter().find(|(_, own, _)| own == name).map(|(_, _, value)| value.clone());
    if !found.iter().any(|(_, name, _)| is_known(name)) {
        return None;
    }
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut main: Vec<String> = vec![String::new(); text.lines().count()];
    for (line, name, value) in &found {
        if let Some(parameter) =
            name.strip_prefix("POSTFIX_").filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            main[*line] = format!("{parameter} = {value}");
        } else if let Some(table) = name.strip_prefix("POSTMAP_") {
            files.insert(format!("/etc/postfix/{table}"), value.replace("\\n", "\n").into_bytes());
        } else if let Some((_, parameter)) = NAMES.iter().find(|(own, _)| own == name) {
            main[*line] = format!("{parameter} = {value}");
        } else if !OTHERS.contains(&name.as_str()) {
            // Postfix has no such parameter, so it gets a verdict as one that is lost.
            main[*line] = format!("{name} = {value}");
        }
        if name == "SMTP_SERVER" {
            main[*line] =
                format!("relayhost = [{value}]:{}", get("SMTP_PORT").unwrap_or_else(|| "587".to_owned()));
        }
        if name == "ALLOWED_SENDER_DOMAINS" {
            let rows = value.split([' ', ',']).filter(|domain| domain.contains('.'));
            let rows = rows.map(|domain| format!("{domain} OK\n")).collect::<Vec<_>>().concat();
            if !rows.is_empty() {
                files.insert("/etc/postfix/allowed_senders".to_owned(), rows.into_bytes());
                main.push("smtpd_sender_restrictions = check_sender_access hash:/etc/postfix/allowed_senders, reject".to_owned());
            }
        }
        if name == "ALLOWED_SENDER_DOMAINS"
            && !found.iter().any(|(_, own, _)| own == "POSTFIX_myorigin" || own == "MYORIGIN")
            && let Some(domain) = value.split([' ', ',']).find(|domain| domain.contains('.'))
        {
            main[*line] = format!("myorigin = {domain}");
        }
    }
    // The image replaces From of all mail.
    if let Some(from) = get("OVERWRITE_FROM") {
        let address = from.rsplit(['<', ' ']).next().unwrap_or_default().trim_end_matches('>');
        main.push(format!("sender_canonical_maps = static:{address}"));
    }
    let account = get("SMTP_USERNAME").or_else(|| get("RELAYHOST_USERNAME"));
    if let Some(user) = account {
        let password = get("SMTP_PASSWORD").or_else(|| get("RELAYHOST_PASSWORD")).unwrap_or_default();
        let host =
            main.iter().find_map(|line| line.strip_prefix("relayhost = ")).unwrap_or_default().to_owned();
        files.insert(
            "/etc/postfix/sasl_passwd".to_owned(),
            format!("{host} {user}:{password}\n").into_bytes(),
        );
        main.push("smtp_sasl_auth_enable = yes".to_owned());
        main.push("smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd".to_owned());
        main.push("smtp_sasl_security_options = noanonymous".to_owned());
    }
    // Containers of these images trust the private networks, and log to standard output.
    if !main.iter().any(|line| line.starts_with("mynetworks ")) {
        main.push("mynetworks = 127.0.0.0/8, 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16".to_owned());
    }
    if !main.iter().any(|line| line.starts_with("inet_interfaces ")) {
        main.push("inet_interfaces = all".to_owned());
    }
    if !main.iter().any(|line| line.starts_with("mydestination ")) {
        main.push("mydestination =".to_owned());
    }
    files.insert("/etc/postfix/main.cf".to_owned(), (main.join("\n") + "\n").into_bytes());
    Some(files)
}

fn is_known(name: &str) -> bool {
    name == "RELAYHOST"
        || name == "SMTP_SERVER"
        || name
            .strip_prefix("POSTFIX_")
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

/// `NAME=value`, `export NAME=value`, `- NAME=value` and `NAME: value` of a compose file.
fn assignment(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_prefix("- ").unwrap_or(line).trim_start().trim_start_matches("export ").trim();
    let line =
        line.strip_prefix(['"', '\'']).and_then(|inner| inner.strip_suffix(['"', '\''])).unwrap_or(line);
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))?;
    let (name, rest) = line.split_at(end);
    let value = rest
        .strip_prefix('=')
        .or_else(|| rest.strip_prefix(": "))
        .or_else(|| rest.strip_prefix(':').filter(|rest| rest.is_empty()))?
        .trim();
    let value =
        value.strip_prefix(['"', '\'']).and_then(|inner| inner.strip_suffix(['"', '\''])).unwrap_or(value);
    let known = name.starts_with("POSTFIX_")
        || name.starts_with("POSTFIXMASTER_")
        || name.starts_with("POSTMAP_")
        || NAMES.iter().any(|(own, _)| *own == name)
        || EXTRAS.iter().any(|start| name.starts_with(start))
        || OTHERS.contains(&name);
    known.then(|| (name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_cf(text: &str) -> Option<String> {
        let files = files(text.as_bytes())?;
        Some(String::from_utf8(files["/etc/postfix/main.cf"].clone()).unwrap())
    }

    #[test]
    fn three_images() {
        let boky = main_cf("RELAYHOST=[smtp.acme.example]:587\nRELAYHOST_USERNAME=u\nRELAYHOST_PASSWORD=p\nALLOWED_SENDER_DOMAINS=acme.example\n").unwrap();
        assert!(
            boky.starts_with("relayhost = [smtp.acme.example]:587\n")
                && boky.contains("myorigin = acme.example\n")
                && boky.contains("check_sender_access hash:/etc/postfix/allowed_senders, reject\n"),
            "{boky}"
        );
        let mwader = main_cf("services:\n  relay:\n    environment:\n      - POSTFIX_myhostname=relay.acme.example\n      - POSTFIX_relayhost=[smtp.acme.example]\n").unwrap();
        assert!(
            mwader.contains("myhostname = relay.acme.example\nrelayhost = [smtp.acme.example]\n"),
            "{mwader}"
        );
        let other =
            main_cf("environment:\n  SMTP_SERVER: smtp.acme.example\n  SMTP_PORT: \"465\"\n").unwrap();
        assert!(other.contains("relayhost = [smtp.acme.example]:465\n"), "{other}");
        assert_eq!(main_cf("A=b\nrelayhost = x\n"), None);
    }
}
