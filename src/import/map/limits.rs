//! `[limits]` and `[notices]`: sizes, times, rates, and recipients of notices.

use super::{Code, Map, is_address, is_default, list};

pub(super) fn map(map: &mut Map<'_, '_>) {
    size(map, "message_size_limit", "message-size");
    size(map, "header_size_limit", "header-size");
    for (name, key, unit) in [
        ("maximal_queue_lifetime", "queue-lifetime", 'd'),
        ("bounce_queue_lifetime", "bounce-lifetime", 'd'),
        ("delay_warning_time", "delay-warning", 'h'),
    ] {
        duration(map, name, key, unit);
    }
    for (names, key) in [
        (["smtp_destination_concurrency_limit", "default_destination_concurrency_limit"], "concurrency"),
        (["smtp_destination_recipient_limit", "default_destination_recipient_limit"], "recipients"),
    ] {
        if let Some(name) = names.into_iter().find(|name| map.reading.is_set(name)) {
            number(map, name, key);
        }
    }
    for name in ["smtp_destination_rate_delay", "default_destination_rate_delay"] {
        if map.reading.is_set(name) && map.draft.get("limits", "rate-delay").is_none() {
            duration(map, name, "rate-delay", 's');
        }
    }
    number(map, "hopcount_limit", "hops");
    if map.role.profile.has_clients() {
        for (name, key) in [
            ("smtpd_client_connection_rate_limit", "client-connections"),
            ("smtpd_client_message_rate_limit", "client-messages"),
            ("smtpd_client_recipient_rate_limit", "client-recipients"),
            ("smtpd_client_connection_count_limit", "client-sessions"),
        ] {
            number(map, name, key);
        }
    }
    notices(map);
}

/// Bytes as a person writes them.
fn written_size(bytes: u64) -> toml::Value {
    for (unit, name) in [(1 << 20, "MiB"), (1_000_000, "MB"), (1_000, "kB")] {
        if bytes.is_multiple_of(unit) {
            return toml::Value::String(format!("{}{name}", bytes / unit));
        }
    }
    toml::Value::Integer(i64::try_from(bytes).unwrap_or(i64::MAX))
}

/// The smallest size that a spec takes.
const SMALLEST: u64 = 10_000;

fn size(map: &mut Map<'_, '_>, name: &'static str, key: &'static str) {
    if !map.reading.is_set(name) {
        return;
    }
    let value = map.reading.value(name);
    let path = format!("limits.{key}");
    if is_default(map.reading, name, &value) {
        let preset = map.provider.as_ref().and_then(|provider| provider.message_size);
        let reason = if key == "message-size" && preset.is_some() {
            "the default of Postfix; the limit of the provider applies"
        } else {
            "Postfix's default"
        };
        map.say(name, Code::Implied, &[&path], reason);
        return;
    }
    match value.parse::<u64>() {
        Ok(0) => map.say(
            name,
            Code::Changed,
            &[&path],
            "0 was no limit: now the default of Postfix or that of the provider applies",
        ),
        Ok(bytes) if bytes < SMALLEST => {
            map.say(
                name,
                Code::Changed,
                &[&path],
                "less than a message needs: the default of Postfix applies",
            );
        }
        Ok(bytes) => {
            let preset = map
                .provider
                .as_ref()
                .and_then(|provider| provider.message_size)
                .filter(|_| key == "message-size");
            match preset {
                Some(preset) if preset == bytes => {
                    map.say(name, Code::Implied, &[&path], "the limit of the provider");
                }
                Some(preset) if bytes > preset => {
                    map.say(name, Code::Fixed, &[&path], "the provider rejects messages above its limit");
                }
                _ => {
                    map.key("limits", key, written_size(bytes), &[name]);
                }
            }
        }
        Err(_) => {}
    }
}

/// Seconds; `unit` is that of a number without one.
pub(super) fn time(text: &str, unit: char) -> Option<u64> {
    let text = text.trim();
    let (digits, unit) = match text.chars().next_back()? {
        c if c.is_ascii_digit() => (text, unit),
        c => (&text[..text.len() - c.len_utf8()], c),
    };
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// A time as a person writes it.
pub(super) fn written_time(seconds: u64) -> String {
    for (factor, unit) in [(86_400, 'd'), (3_600, 'h'), (60, 'm')] {
        if seconds > 0 && seconds.is_multiple_of(factor) {
            return format!("{}{unit}", seconds / factor);
        }
    }
    format!("{seconds}s")
}

fn duration(map: &mut Map<'_, '_>, name: &'static str, key: &'static str, unit: char) {
    if !map.reading.is_set(name) {
        return;
    }
    let value = map.reading.value(name);
    let path = format!("limits.{key}");
    let Some(seconds) = time(&value, unit) else { return };
    let default = crate::import::defaults::of(name, map.reading.version).and_then(|text| time(text, unit));
    if default == Some(seconds) {
        map.say(name, Code::Implied, &[&path], "Postfix's default");
    } else if seconds == 0 {
        map.say(name, Code::Changed, &[&path], "0 is not a time in a spec: the default of Postfix applies");
    } else {
        map.key("limits", key, written_time(seconds), &[name]);
    }
}

fn number(map: &mut Map<'_, '_>, name: &'static str, key: &'static str) {
    if !map.reading.is_set(name) {
        return;
    }
    let value = map.reading.value(name);
    let path = format!("limits.{key}");
    let preset = map.provider.as_ref().and_then(|provider| match key {
        "concurrency" => provider.concurrency,
        "recipients" => provider.recipients,
        _ => None,
    });
    match value.parse::<u32>() {
        _ if is_default(map.reading, name, &value) => {
            map.say(name, Code::Implied, &[&path], "Postfix's default");
        }
        Ok(0) => map.say(name, Code::Implied, &[&path], "no limit"),
        Ok(number) if preset.is_some_and(|preset| preset == number) => {
            map.say(name, Code::Implied, &[&path], "the limit of the provider");
        }
        Ok(number) if preset.is_some_and(|preset| number > preset) => {
            map.say(name, Code::Fixed, &[&path], "the provider allows less");
        }
        Ok(number) => {
            map.key("limits", key, i64::from(number), &[name]);
        }
        Err(_) => {}
    }
}

fn notices(map: &mut Map<'_, '_>) {
    if map.reading.is_set("notify_classes") {
        let classes = map.reading.list("notify_classes");
        let mut sorted = classes.clone();
        sorted.sort();
        if sorted == ["resource", "software"] {
            map.say("notify_classes", Code::Implied, &["notices.classes"], "the default of the spec");
        } else {
            map.key("notices", "classes", list(classes), &["notify_classes"]);
        }
    }
    for (name, key) in [
        ("error_notice_recipient", "to"),
        ("bounce_notice_recipient", "bounces-to"),
        ("2bounce_notice_recipient", "double-bounces-to"),
        ("delay_notice_recipient", "delays-to"),
    ] {
        if !map.reading.is_set(name) {
            continue;
        }
        let value = map.reading.value(name);
        if is_address(&value) {
            map.key("notices", key, value, &[name]);
        } else {
            map.say(
                name,
                Code::Implied,
                &[&format!("notices.{key}")],
                "a local name, whose mail goes to root-mail-to",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times() {
        assert_eq!(written_size(52_428_800), toml::Value::String("50MiB".to_owned()));
        assert_eq!(written_size(102_400_000), toml::Value::String("102400kB".to_owned()));
        assert_eq!(written_size(25_000_000), toml::Value::String("25MB".to_owned()));
        assert_eq!(written_size(10_240_001), toml::Value::Integer(10_240_001));
        assert_eq!(time("5d", 's'), Some(432_000));
        assert_eq!(time("5", 'd'), Some(432_000));
        assert_eq!(time("x", 'd'), None);
        assert_eq!(written_time(2_592_000), "30d");
        assert_eq!(written_time(90), "90s");
    }
}
