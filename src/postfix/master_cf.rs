//! master.cf: the services of Postfix, written and read, and edits to a master.cf that is already there.

use std::fmt;
use std::str::FromStr;

use super::main_cf::{LogicalLine, is_name, logical_lines};
use super::value::{Value, braces_balance, closing, is_blank};
use crate::diag::Span;

/// One service: a line of master.cf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Port, `host:port`, or the name of a socket.
    pub name: String,
    /// What it listens on.
    pub kind: Kind,
    /// Whether only Postfix itself can reach it; Postfix's default is yes.
    pub private: Option<bool>,
    /// Whether it runs as `mail_owner`; Postfix's default is yes.
    pub unprivileged: Option<bool>,
    /// Whether it runs in the queue directory as its root. The default depends on `compatibility_level`.
    pub chroot: Option<bool>,
    /// How often it is woken.
    pub wakeup: Option<Wakeup>,
    /// Most processes at a time, 0 for any number.
    pub max_processes: Option<u32>,
    /// The program in `daemon_directory`.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// What a service listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A TCP port.
    Inet,
    /// A stream socket in the file system.
    Unix,
    /// A datagram socket in the file system.
    UnixDgram,
    /// A named pipe.
    Fifo,
    /// A stream socket that receives connections from another service.
    Pass,
}

impl Kind {
    const ALL: [Self; 5] = [Self::Inet, Self::Unix, Self::UnixDgram, Self::Fifo, Self::Pass];

    /// The word in master.cf.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inet => "inet",
            Self::Unix => "unix",
            Self::UnixDgram => "unix-dgram",
            Self::Fifo => "fifo",
            Self::Pass => "pass",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("`{text}` is no service type: inet, unix, unix-dgram, fifo or pass"))
    }
}

/// How often a service is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wakeup {
    /// Seconds between two wake-ups.
    pub seconds: u32,
    /// Only once it has been used: a `?` after the number.
    pub if_used: bool,
}

/// One argument of a service's command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argument {
    /// `-o name=value`: another value of a parameter, for this service only.
    Override(String, Value),
    /// Anything else: a flag, or `flags=`, `user=`, `argv=` of pipe(8).
    Word(String),
}

/// Why a text is no service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ServiceError {
    /// One sentence.
    pub message: String,
    /// Where the line stands in the file.
    pub span: Span,
}

impl Service {
    /// A service with Postfix's defaults, outside of a chroot.
    pub fn new(name: impl Into<String>, kind: Kind, command: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            kind,
            private: (kind == Kind::Inet).then_some(false),
            unprivileged: None,
            chroot: Some(false),
            wakeup: None,
            max_processes: None,
            command: command.into(),
            arguments: Vec::new(),
        }
    }

    /// Adds an override.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.arguments.push(Argument::Override(name.into(), value));
        self
    }

    /// `name/kind`, by which postconf(1) knows it.
    pub fn id(&self) -> String {
        format!("{}/{}", self.name, self.kind.name())
    }

    /// What can break the line or be read as something else.
    ///
    /// # Errors
    /// With a sentence that names the field.
    pub fn validate(&self) -> Result<(), String> {
        for (what, word, more) in [("name", &self.name, "._-:[]"), ("command", &self.command, "._-/")] {
            let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
            if word.is_empty() || word.starts_with('-') || !word.chars().all(fits) {
                return Err(format!("`{word}` cannot be the {what} of a service"));
            }
        }
        if self.kind == Kind::Inet && self.private == Some(true) {
            return Err(format!("the inet service `{}` cannot be private", self.name));
        }
        if self.wakeup.is_some_and(|wakeup| wakeup.if_used && wakeup.seconds == 0) {
            return Err(format!(
                "the service `{}` is woken every 0 seconds if used: that is never",
                self.name
            ));
        }
        let mut words = false;
        for argument in &self.arguments {
            match argument {
                Argument::Override(name, _) if words => {
                    return Err(format!(
                        "`-o {name}` stands behind a word that is no option: nothing reads it there"
                    ));
                }
                Argument::Override(name, _) if !is_name(name) => {
                    return Err(format!("`{name}` is no parameter name"));
                }
                Argument::Override(name, value) if !braces_balance(value.as_str()) => {
                    return Err(format!("the braces in `{name} = {value}` do not balance"));
                }
                Argument::Word(word)
                    if word.starts_with("-o")
                        || word.starts_with('#')
                        || word.chars().any(char::is_control)
                        || word.trim_matches(is_blank) != word
                        || !braces_balance(word) =>
                {
                    return Err(format!("`{word}` cannot be an argument of `{}`", self.command));
                }
                Argument::Word(word) => words |= !word.starts_with('-'),
                Argument::Override(..) => {}
            }
        }
        Ok(())
    }

    fn columns(&self) -> [String; 7] {
        let flag = |flag: Option<bool>| flag.map_or("-", |yes| if yes { "y" } else { "n" }).to_owned();
        [
            self.name.clone(),
            self.kind.name().to_owned(),
            flag(self.private),
            flag(self.unprivileged),
            flag(self.chroot),
            self.wakeup
                .map_or("-".to_owned(), |w| format!("{}{}", w.seconds, if w.if_used { "?" } else { "" })),
            self.max_processes.map_or("-".to_owned(), |n| n.to_string()),
        ]
    }

    /// On one line, as `postconf -M` takes it.
    pub fn to_line(&self) -> String {
        let mut line = format!("{} {}", self.columns().join(" "), self.command);
        for argument in &self.arguments {
            line.push(' ');
            line.push_str(&argument.to_string());
        }
        line
    }
}

/// In columns, each argument on a line of its own.
impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [name, kind, private, unprivileged, chroot, wakeup, max] = self.columns();
        write!(f, "{name:<11} {kind:<5} {private:<7} {unprivileged:<7} {chroot:<7} {wakeup:<7} {max:<7} ")?;
        f.write_str(&self.command)?;
        for argument in &self.arguments {
            write!(f, "\n    {argument}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Override(name, value) if must_be_braced(value.as_str()) => {
                write!(f, "-o {{ {name} = {value} }}")
            }
            Self::Override(name, value) => write!(f, "-o {name}={value}"),
            Self::Word(word) if word.contains(is_blank) || word.starts_with('{') || word.is_empty() => {
                write!(f, "{{ {word} }}")
            }
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Blanks end a word of master.cf.
fn must_be_braced(text: &str) -> bool {
    text.contains(is_blank)
}

/// A change to a master.cf that is there already, in the words of postconf(1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Adds a service or takes the place of one: `postconf -M`.
    Service(Service),
    /// Sets one parameter of a service: `postconf -P`.
    Override {
        /// `name/kind`.
        service: String,
        /// The parameter.
        name: String,
        /// Its value.
        value: Value,
    },
    /// Takes a service out: `postconf -MX`.
    Remove(String),
}

impl Edit {
    /// What postconf(1) would not carry over as it is.
    ///
    /// # Errors
    /// With a sentence that names it.
    pub fn validate(&self) -> Result<(), String> {
        let service = match self {
            Self::Service(service) => service,
            Self::Override { name, value, .. } if value.as_str().contains(is_blank) => {
                return Err(format!(
                    "`postconf -P` takes no blanks: `{name} = {value}` needs a whole service"
                ));
            }
            Self::Override { .. } | Self::Remove(_) => return Ok(()),
        };
        service.validate()?;
        for argument in &service.arguments {
            if let Argument::Word(word) = argument
                && (word.is_empty() || word.contains(is_blank))
            {
                return Err(format!("postconf(1) would take `{word}` apart at its blanks"));
            }
        }
        Ok(())
    }
}

/// `M`, `P` or `X`, a blank, and the argument of `postconf -M`, `-P` or `-MX`.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => write!(f, "M {}={}", service.id(), service.to_line()),
            Self::Override { service, name, value } => write!(f, "P {service}/{name}={value}"),
            Self::Remove(service) => write!(f, "X {service}"),
        }
    }
}

/// Writes a whole master.cf.
pub fn write(services: &[Service]) -> String {
    let header = "# service   type  private unpriv  chroot  wakeup  maxproc command + args\n\
                  #                 (yes)   (yes)   (no)    (never) (100)\n";
    let lines = services.iter().map(|service| format!("{service}\n"));
    std::iter::once(header.to_owned()).chain(lines).collect()
}

/// Reads a whole master.cf.
///
/// # Errors
/// Of the first line that is no service.
pub fn parse(text: &str) -> Result<Vec<Service>, ServiceError> {
    logical_lines(text).iter().map(service).collect()
}

fn service(line: &LogicalLine) -> Result<Service, ServiceError> {
    let fail = |message: String| ServiceError { message, span: line.span.clone() };
    if !line.starts_at_margin {
        return Err(fail("this line continues nothing: a service starts at the left margin".to_owned()));
    }
    let words = words(&line.text).map_err(fail)?;
    let [name, kind, private, unprivileged, chroot, wakeup, max, command, rest @ ..] = words.as_slice()
    else {
        return Err(fail(format!("a service has eight columns, this has {}", words.len())));
    };
    let service = Service {
        name: name.clone(),
        kind: kind.parse().map_err(fail)?,
        private: flag(private).map_err(fail)?,
        unprivileged: flag(unprivileged).map_err(fail)?,
        chroot: flag(chroot).map_err(fail)?,
        wakeup: column(wakeup, |text| {
            let seconds = text.strip_suffix('?');
            Some(Wakeup { seconds: seconds.unwrap_or(text).parse().ok()?, if_used: seconds.is_some() })
        })
        .map_err(fail)?,
        max_processes: column(max, |text| text.parse().ok()).map_err(fail)?,
        command: command.clone(),
        arguments: arguments(rest).map_err(fail)?,
    };
    service.validate().map_err(fail)?;
    Ok(service)
}

fn flag(text: &str) -> Result<Option<bool>, String> {
    column(text, |text| match text {
        "y" => Some(true),
        "n" => Some(false),
        _ => None,
    })
}

fn column<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
    if text == "-" {
        return Ok(None);
    }
    read(text).map(Some).ok_or_else(|| format!("`{text}` does not fit its column"))
}

fn arguments(words: &[String]) -> Result<Vec<Argument>, String> {
    let mut arguments = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let setting = match word.strip_prefix("-o") {
            Some("") => Some(words.next().ok_or("nothing after `-o`")?.as_str()),
            attached => attached,
        };
        arguments.push(match setting {
            None => Argument::Word(word.clone()),
            Some(setting) => {
                let (name, value) =
                    setting.split_once('=').ok_or_else(|| format!("no `=` in `-o {setting}`"))?;
                let value = Value::expression(value.trim_matches(is_blank));
                let name = name.trim_matches(is_blank);
                Argument::Override(name.to_owned(), value.map_err(|error| format!("`{name}`: {error}"))?)
            }
        });
    }
    Ok(arguments)
}

/// Splits at blanks outside of braces; a word in braces loses them and the blanks inside its ends.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let end = word_end(rest)?;
        let word = &rest[..end];
        words.push(match word.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')) {
            Some(inner) if closing(word, '{') == Some(word.len() - 1) => {
                inner.trim_matches(is_blank).to_owned()
            }
            _ if word.starts_with('{') => return Err(format!("text after the closing brace in `{word}`")),
            _ => word.to_owned(),
        });
        rest = rest[end..].trim_start_matches(is_blank);
    }
    Ok(words)
}

fn word_end(text: &str) -> Result<usize, String> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            c if is_blank(c) && depth == 0 => return Ok(at),
            _ => {}
        }
    }
    if depth > 0 { Err(format!("a brace is not closed in `{text}`")) } else { Ok(text.len()) }
}

#[cfg(test)]
mod tests {
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
            Edit::Remove("smtp/inet".to_owned()),
        ];
        insta::assert_snapshot!(edits.map(|edit| edit.to_string()).join("\n"), @r"
        M tlsproxy/unix=tlsproxy unix - - n - 0 tlsproxy
        M relay465/unix=relay465 unix - - n - - smtp -o smtp_tls_wrappermode=yes -o { smtp_header_checks = regexp:/a, regexp:/b }
        P submission/inet/syslog_name=postfix/$service_name
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
                "`-o x` stands behind a word that is no option: nothing reads it there",
            ),
            ("smtp inet n - y - - smtpd -o {x=y", "a brace is not closed in `{x=y`"),
            (
                "  smtp inet n - y - - smtpd",
                "this line continues nothing: a service starts at the left margin",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().message, message);
        }
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
}
