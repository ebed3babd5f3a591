//! master.cf: the services of Postfix, written and read, and edits to a master.cf that is already there.

mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use super::main_cf::is_name;
use super::value::{Value, braces_balance, is_blank};
use crate::diag::Span;
pub use read::parse;

/// One service: a line of master.cf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Port, `host:port`, or the name of a socket.
    pub name: String,
    /// Its type.
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

/// Type of a service.
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

/// As the column has it.
impl fmt::Display for Wakeup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, if self.if_used { "?" } else { "" })
    }
}

impl FromStr for Wakeup {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = text.strip_suffix('?');
        let fault = || format!("`{text}` is no number of seconds, with or without a `?`");
        Ok(Self {
            seconds: seconds.unwrap_or(text).parse().map_err(|_| fault())?,
            if_used: seconds.is_some(),
        })
    }
}

/// `y` or `n`, as the columns have it.
pub fn flag(yes: bool) -> &'static str {
    if yes { "y" } else { "n" }
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
    /// Place of the line in the file.
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

    /// Text that would break the line or have a different meaning.
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
        let (mut words, mut of_command) = (false, false);
        for argument in &self.arguments {
            of_command |= matches!(argument, Argument::Word(word) if word.starts_with("argv="));
            match argument {
                Argument::Override(name, _) if words => {
                    return Err(format!(
                        "`-o {name}` follows an argument that is not an option, so it has no effect"
                    ));
                }
                Argument::Override(name, _) if !is_name(name) => {
                    return Err(format!("`{name}` is no parameter name"));
                }
                Argument::Override(name, value) if !braces_balance(value.as_str()) => {
                    return Err(format!("the braces in `{name} = {value}` do not balance"));
                }
                Argument::Word(word)
                    if (word.starts_with("-o") && !of_command)
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
        let flag = |column: Option<bool>| column.map_or("-", flag).to_owned();
        [
            self.name.clone(),
            self.kind.name().to_owned(),
            flag(self.private),
            flag(self.unprivileged),
            flag(self.chroot),
            self.wakeup.map_or("-".to_owned(), |wakeup| wakeup.to_string()),
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

/// In columns, with each argument on a separate line.
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

/// A column that can be set separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Whether only Postfix itself can reach it.
    Private,
    /// Whether it runs as `mail_owner`.
    Unprivileged,
    /// Whether it runs in the queue directory as its root.
    Chroot,
    /// How often it is woken.
    Wakeup,
    /// Most processes at a time.
    MaxProcesses,
}

impl Column {
    /// The word of postconf(1).
    pub fn name(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Unprivileged => "unprivileged",
            Self::Chroot => "chroot",
            Self::Wakeup => "wakeup",
            Self::MaxProcesses => "process_limit",
        }
    }
}

/// A change to a master.cf that already exists, in the words of postconf(1).
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
    /// Sets one column of a service: `postconf -F`.
    Column {
        /// `name/kind`.
        service: String,
        /// The column.
        column: Column,
        /// Its value.
        value: String,
    },
    /// Takes a service out: `postconf -MX`.
    Remove(String),
}

impl Edit {
    /// Checks for text that postconf(1) would change.
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
            Self::Override { .. } | Self::Column { .. } | Self::Remove(_) => return Ok(()),
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

/// `M`, `P`, `F` or `X`, a blank, and the argument of `postconf -M`, `-P`, `-F` or `-MX`.
impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => write!(f, "M {}={}", service.id(), service.to_line()),
            Self::Override { service, name, value } => write!(f, "P {service}/{name}={value}"),
            Self::Column { service, column, value } => write!(f, "F {service}/{}={value}", column.name()),
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
