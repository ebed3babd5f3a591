//! `[headers]`, `[limits]`, `[network]`, `[hardening]` and `[main-cf]`: settings for sending.

use super::judge::Judge;
use super::pattern;
use super::values::{self, Fault};
use crate::diag::{Diagnostic, nearest};
use crate::keys::spot::{Entries, Many, Scalar, Spot};
use crate::keys::{HardeningSection, HeadersSection, Ip, LimitsSection, NetworkSection};
use crate::postfix::Parameter;
use crate::relay::{Hardening, Headers, IpVersion, Limits, Network, Provider};

/// Headers without which a message is not valid or not readable.
const VITAL_HEADERS: &[&str] =
    &["from", "date", "mime-version", "content-type", "content-transfer-encoding", "content-disposition"];

/// Headers to remove.
pub(super) fn headers(judge: &mut Judge, section: Option<&HeadersSection>) -> Headers {
    let Some(section) = section else { return Headers { strip_received: true, ..Headers::default() } };
    let (named, strip) = stripped(judge, "headers.strip", section.strip.as_ref());
    let strip_received = named || section.strip.is_none();
    let what = "POSIX extended regular expressions";
    let patterns = judge.read_all("pattern", "headers.patterns", what, section.patterns.as_ref(), |text| {
        pattern::check(text).map(|_| text.to_owned())
    });
    Headers { strip_received, strip, patterns: patterns.into_iter().map(|spot| spot.value).collect() }
}

/// Names of headers to remove: whether `received` is among them, and the others.
pub(super) fn stripped(judge: &mut Judge, path: &str, list: Option<&Many<String>>) -> (bool, Vec<String>) {
    let names = judge.read_all("header", path, "names of headers", list, header_name);
    let mut strip: Vec<String> = Vec::new();
    let mut strip_received = false;
    for name in names {
        let lower = name.value.to_ascii_lowercase();
        if VITAL_HEADERS.contains(&lower.as_str()) {
            judge.report(
                Diagnostic::error(
                    "header",
                    name.span,
                    format!("without `{}` a message is not readable", name.value),
                )
                .hint("remove it from `strip`"),
            );
        } else if lower == "received" {
            strip_received = true;
        } else if !strip.iter().any(|other| other.eq_ignore_ascii_case(&lower)) {
            strip.push(name.value);
        }
    }
    (strip_received, strip)
}

fn header_name(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    if let Some(name) = text.strip_suffix(':') {
        return Err(Fault::new("it has a colon").hint(format!("write `{name}`")));
    }
    // RFC 5322 allows more characters, but no existing header has them.
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "-_".contains(*c))) {
        Some(odd) => Err(Fault::new(format!("{} is not allowed here", values::character(odd)))
            .hint("for more than a name there is `headers.patterns`")),
        None => Ok(text.to_owned()),
    }
}

/// Sizes, times and rates: those of the spec, else those of the provider.
pub(super) fn limits(
    judge: &mut Judge,
    section: Option<&LimitsSection>,
    provider: Option<&Provider>,
) -> Limits {
    let nothing = LimitsSection::default();
    let section = section.unwrap_or(&nothing);
    let size = "a size, such as `10MB`";
    let time = "a time, such as `4h`";
    let message =
        judge.read_scalar("size", "limits.message-size", size, section.message_size.as_ref(), values::size);
    let header =
        judge.read_scalar("size", "limits.header-size", size, section.header_size.as_ref(), values::size);
    let queue = judge.read_scalar(
        "time",
        "limits.queue-lifetime",
        time,
        section.queue_lifetime.as_ref(),
        values::duration,
    );
    let bounce = judge.read_scalar(
        "time",
        "limits.bounce-lifetime",
        time,
        section.bounce_lifetime.as_ref(),
        values::duration,
    );
    let delay = judge.read_scalar(
        "time",
        "limits.delay-warning",
        time,
        section.delay_warning.as_ref(),
        values::duration,
    );
    let pause =
        judge.read_scalar("time", "limits.rate-delay", time, section.rate_delay.as_ref(), values::duration);
    if let (Some(bounce), Some(queue)) = (&bounce, &queue)
        && bounce.value > queue.value
    {
        judge.report(
            Diagnostic::warning("time", bounce.span.clone(), "bounces would be kept longer than mail")
                .hint("Postfix keeps bounces no longer than `queue-lifetime`"),
        );
    }
    if let Some(queue) = queue.as_ref().filter(|queue| queue.value < 3600) {
        judge.report(
            Diagnostic::warning("time", queue.span.clone(), "mail expires after less than an hour")
                .hint("mail is then lost if the smarthost is down for an evening; the usual value is `5d`"),
        );
    }
    if let Some(provider) = provider {
        above(judge, provider, message.as_ref(), provider.message_size, |size| {
            format!("messages of at most {}", values::human_size(size))
        });
        let recipients = widened(section.recipients.as_ref());
        above(judge, provider, recipients.as_ref(), provider.recipients.map(u64::from), |count| {
            format!("messages to at most {count} recipients")
        });
        let connections = widened(section.concurrency.as_ref());
        above(judge, provider, connections.as_ref(), provider.concurrency.map(u64::from), |count| {
            format!("at most {count} connections at a time")
        });
    }
    let small = |spot: &Option<Spot<i64>>| spot.as_ref().and_then(|spot| u32::try_from(spot.value).ok());
    let preset = |own: Option<u32>, of: fn(&Provider) -> Option<u32>| own.or_else(|| provider.and_then(of));
    Limits {
        message_size: message
            .map(|spot| spot.value)
            .or_else(|| provider.and_then(|provider| provider.message_size)),
        header_size: header.map(|spot| spot.value),
        queue_lifetime: queue.map(|spot| spot.value),
        bounce_lifetime: bounce.map(|spot| spot.value),
        delay_warning: delay.map(|spot| spot.value),
        concurrency: preset(small(&section.concurrency), |provider| provider.concurrency),
        recipients: preset(small(&section.recipients), |provider| provider.recipients),
        hops: small(&section.hops),
        rate_delay: pause
            .map(|spot| spot.value)
            .or_else(|| provider.and_then(|provider| provider.rate_delay)),
    }
}

fn widened(spot: Option<&Spot<i64>>) -> Option<Spot<u64>> {
    spot.and_then(|spot| Some(Spot::new(u64::try_from(spot.value).ok()?, spot.span.clone())))
}

/// Warns of a value beyond the limit of the provider.
fn above(
    judge: &mut Judge,
    provider: &Provider,
    own: Option<&Spot<u64>>,
    most: Option<u64>,
    what: impl Fn(u64) -> String,
) {
    if let (Some(own), Some(most)) = (own, most)
        && own.value > most
    {
        let message = format!("{} takes {}", provider.title, what(most));
        judge.report(
            Diagnostic::warning("limit", own.span.clone(), message)
                .hint("remove the key: the preset sets the limit"),
        );
    }
}

/// Internet protocols.
pub(super) fn network(section: Option<&NetworkSection>) -> Network {
    let ip = match section.and_then(|section| section.ip.as_ref()).map(|spot| spot.value) {
        Some(Ip::Ipv4) => IpVersion::V4,
        Some(Ip::Ipv6) => IpVersion::V6,
        Some(Ip::Any) | None => IpVersion::Any,
    };
    let bare_newlines = section.and_then(|section| section.allow_bare_newlines.as_ref());
    Network { ip, bare_newlines: bare_newlines.is_some_and(|spot| spot.value) }
}

/// The sandbox, and the directives of the user.
pub(super) fn hardening(judge: &mut Judge, section: Option<&HardeningSection>) -> Hardening {
    let Some(section) = section else { return Hardening { enabled: true, service: Vec::new() } };
    let enabled = section.enabled.as_ref().is_none_or(|spot| spot.value);
    let entries = section.service.as_ref().map(|entries| entries.0.as_slice()).unwrap_or_default();
    if let (false, Some((key, _))) = (enabled, entries.first()) {
        judge.report(
            Diagnostic::warning(
                "hardening",
                key.span.clone(),
                "these directives have no effect with enabled = false",
            )
            .hint("remove one of the two"),
        );
    }
    let mut service = Vec::new();
    for (key, directive_values) in entries {
        let Some(name) = judge.read("directive", "hardening.service", "systemd directives", key, directive)
        else {
            continue;
        };
        let path = format!("hardening.service.{name}");
        let mut texts = Vec::new();
        for spot in &directive_values.value.0 {
            let text = Spot::new(spot.value.0.clone(), spot.span.clone());
            if let Some(text) =
                judge.read("directive", &path, "the value of a directive", &text, directive_value)
            {
                texts.push(text);
            }
        }
        if let Some(reason) = stops_postfix(&name, &texts) {
            judge.report(
                Diagnostic::error(
                    "directive",
                    key.span.clone(),
                    format!("Postfix does not work with this {name}: {reason}"),
                )
                .hint("remove it"),
            );
        }
        service.push((name, texts));
    }
    Hardening { enabled, service }
}

fn directive(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    if let Some(odd) = text.chars().find(|c| !c.is_ascii_alphanumeric()) {
        return Err(Fault::new(format!("{} is not allowed in a name", values::character(odd))));
    }
    if !text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Err(Fault::new("names begin with a capital letter, as in `ProtectHome`"));
    }
    if text.starts_with("Exec") || ["Type", "User", "Group", "PIDFile"].contains(&text) {
        return Err(Fault::new("it would change the program of the service, not its permissions")
            .hint("use `systemctl edit` on the host instead"));
    }
    if !crate::systemd::directives().any(|known| known == text) {
        let fault = Fault::new("systemd has no such directive in [Service], and would ignore it");
        return Err(match nearest(text, crate::systemd::directives()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint("a newer one can be set by `systemctl edit` on the host"),
        });
    }
    Ok(text.to_owned())
}

/// An empty value empties a list. A `%` is a specifier of systemd, on purpose.
fn directive_value(text: &str) -> Result<String, Fault> {
    if text.is_empty() {
        return Ok(String::new());
    }
    values::line(text)?;
    if text.ends_with('\\') {
        return Err(Fault::new("a backslash at the end joins it with the next line"));
    }
    Ok(text.to_owned())
}

fn stops_postfix(name: &str, texts: &[String]) -> Option<&'static str> {
    let yes = texts.iter().any(|text| ["yes", "true", "on", "1"].contains(&text.as_str()));
    match name {
        "PrivateNetwork" if yes => Some("it would have no network"),
        "PrivateUsers" if yes => Some("its daemons could not become the mail owner"),
        "DynamicUser" if yes => Some("it must start as root"),
        "RootDirectory" | "RootImage" => Some("it would not find its files"),
        "IPAddressDeny" if texts.iter().any(|text| text == "any") => Some("it would have no network"),
        _ => None,
    }
}

/// Postfix parameters of the user. The `postfix` module checks their meaning.
pub(super) fn parameters(
    judge: &mut Judge,
    section: &str,
    entries: Option<&Entries<Scalar>>,
) -> Vec<Parameter> {
    let entries = entries.map(|entries| entries.0.as_slice()).unwrap_or_default();
    let mut parameters = Vec::new();
    for (key, value) in entries {
        let name = judge.read("parameter", section, "names of Postfix parameters", key, parameter_name);
        let text = Spot::new(value.value.0.clone(), value.span.clone());
        let path = format!("{section}.{}", values::shown(key.as_str()));
        let text =
            judge.read("parameter", &path, "the value of a parameter, on one line", &text, parameter_value);
        if let (Some(name), Some(value_text)) = (name, text) {
            parameters.push(Parameter {
                name,
                value: value_text,
                name_span: key.span.clone(),
                value_span: value.span.clone(),
            });
        }
    }
    parameters
}

fn parameter_name(text: &str) -> Result<String, Fault> {
    values::line(text)?;
    // The name of a transport can be part of it, as in `smtp-amavis_destination_recipient_limit`.
    match text.chars().find(|c| !(c.is_ascii_alphanumeric() || "_.-".contains(*c))) {
        Some(odd) => Err(Fault::new(format!("{} is not allowed in a name", values::character(odd)))),
        None => Ok(text.to_owned()),
    }
}

/// An empty value is valid in Postfix.
fn parameter_value(text: &str) -> Result<String, Fault> {
    if text.is_empty() { Ok(String::new()) } else { values::line(text).map(str::to_owned) }
}
