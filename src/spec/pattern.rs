//! POSIX extended regular expressions, as regcomp(3) of the GNU C library reads them.
//!
//! Postfix skips a table line whose expression does not compile, logs that once, and sends what the line should remove. So
//! expressions are checked here. Expressions that compile but have a different meaning than the author expects (`\d`,
//! `(?i)`, `.*?`) are also rejected.

use super::values::{Fault, character, line};

/// Checks an expression for lines of messages. Returns the number of groups in parentheses.
pub(super) fn check(text: &str) -> Result<u32, Fault> {
    line(text)?;
    if text.starts_with('#') {
        return Err(
            Fault::new("it looks like a comment of the table").hint("write `[#]` for the character itself")
        );
    }
    let (groups, empty) = parse(text)?;
    if empty {
        return Err(Fault::new("it matches every header, even an empty one, so no header would be left"));
    }
    Ok(groups)
}

/// Checks any expression. Returns the number of groups in parentheses.
pub(super) fn compile(text: &str) -> Result<u32, Fault> {
    parse(text).map(|(groups, _)| groups)
}

/// The number of groups, and whether the expression matches the empty text.
fn parse(text: &str) -> Result<(u32, bool), Fault> {
    let mut parser = Parser { rest: text, groups: 0, depth: 0 };
    let empty = parser.alternatives()?;
    if !parser.rest.is_empty() {
        return Err(Fault::new("a `)` closes nothing").hint("write `\\)` for the character itself"));
    }
    Ok((parser.groups, empty))
}

/// Atoms that match between two characters.
const PLACES: &[&str] = &["^", "$", "\\b", "\\B", "\\<", "\\>", "\\`", "\\'"];

/// Each level of groups is a level of the parser's stack.
const DEEPEST: u32 = 100;

const CLASSES: &[&str] = &[
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper",
    "xdigit",
];

struct Parser<'a> {
    rest: &'a str,
    groups: u32,
    depth: u32,
}

impl Parser<'_> {
    /// Reads `a|b`. Returns whether it can match the empty text.
    fn alternatives(&mut self) -> Result<bool, Fault> {
        let mut empty = self.sequence()?;
        while self.take('|') {
            empty |= self.sequence()?;
        }
        Ok(empty)
    }

    fn sequence(&mut self) -> Result<bool, Fault> {
        let mut empty = true;
        let mut length = 0;
        while let Some(c) = self.rest.chars().next().filter(|c| *c != '|' && *c != ')') {
            let start = self.rest;
            let optional = self.atom(c)?;
            let atom = &start[..start.len() - self.rest.len()];
            let optional = self.repetition(atom)? || optional;
            empty &= optional;
            length += 1;
        }
        if length == 0 {
            return Err(Fault::new("it has an empty alternative"));
        }
        Ok(empty)
    }

    /// Reads one atom. Returns whether it can match the empty text.
    fn atom(&mut self, first: char) -> Result<bool, Fault> {
        self.skip(first);
        match first {
            '^' | '$' => Ok(true),
            '*' | '+' | '?' => {
                Err(Fault::new(format!("there is nothing before `{first}` that could be repeated")))
            }
            '{' => Err(Fault::new("there is nothing before `{` that could be repeated")
                .hint("write `\\{` for the character itself")),
            '(' => self.group(),
            '[' => self.bracket().map(|()| false),
            '\\' => self.escape(),
            _ => Ok(false),
        }
    }

    fn group(&mut self) -> Result<bool, Fault> {
        if self.rest.starts_with('?') {
            return Err(
                Fault::new("`(?` is not POSIX syntax").hint("case is ignored anyway; use `(...)` for groups")
            );
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::new(format!("its groups are nested more than {DEEPEST} levels deep")));
        }
        let empty = self.alternatives()?;
        self.depth -= 1;
        self.groups += 1;
        if self.take(')') {
            Ok(empty)
        } else {
            Err(Fault::new("a `(` is not closed").hint("write `\\(` for the character itself"))
        }
    }

    fn repetition(&mut self, before: &str) -> Result<bool, Fault> {
        let mut optional = false;
        let mut count = 0;
        while let Some(c) = self.rest.chars().next().filter(|c| "*+?{".contains(*c)) {
            if count > 0 {
                return Err(Fault::new(format!(
                    "`{c}` repeats a repetition: POSIX has no lazy or possessive ones"
                )));
            }
            if PLACES.contains(&before) {
                return Err(Fault::new(format!("`{c}` repeats `{before}`, which matches a position")));
            }
            self.skip(c);
            optional = match c {
                '*' | '?' => true,
                '+' => false,
                _ => self.interval()? == 0,
            };
            count += 1;
        }
        Ok(optional)
    }

    /// Reads `2,5}`. Returns the lower bound.
    fn interval(&mut self) -> Result<u32, Fault> {
        // RE_DUP_MAX of the GNU C library.
        const MOST: u32 = 32_767;
        let wrong = || {
            Fault::new("a `{` is not a count such as `{2}`, `{2,}` or `{2,5}`")
                .hint("write `\\{` for the character itself")
        };
        let end = self.rest.find('}').ok_or_else(wrong)?;
        let (low, high) = match self.rest[..end].split_once(',') {
            Some((low, "")) => (low, None),
            Some((low, high)) => (low, Some(high)),
            None => (&self.rest[..end], None),
        };
        let number = |text: &str| -> Result<u32, Fault> {
            if text.bytes().all(|byte| byte.is_ascii_digit()) {
                text.parse().map_err(|_| wrong())
            } else {
                Err(wrong())
            }
        };
        let low = number(low)?;
        let high = high.map(number).transpose()?.unwrap_or(low);
        if high < low {
            return Err(Fault::new(format!("the range `{{{low},{high}}}` runs backwards")));
        }
        if high > MOST {
            return Err(Fault::new(format!("a count is at most {MOST}")));
        }
        self.rest = &self.rest[end + 1..];
        Ok(low)
    }

    fn escape(&mut self) -> Result<bool, Fault> {
        let Some(c) = self.rest.chars().next() else {
            return Err(Fault::new("it ends with a backslash"));
        };
        self.skip(c);
        match c {
            '.' | '[' | ']' | '\\' | '(' | ')' | '*' | '+' | '?' | '{' | '}' | '|' | '^' | '$' | '/'
            | '-' | ':' | '"' | '#' | '@' | '=' | '%' | '&' | ',' | ';' | '!' | '~' | ' ' | '_' | 'w'
            | 'W' | 's' | 'S' => Ok(false),
            'b' | 'B' | '<' | '>' | '`' | '\'' => Ok(true),
            '1'..='9' if c.to_digit(10).is_some_and(|number| number <= self.groups) => Ok(true),
            '1'..='9' => Err(Fault::new(format!("`\\{c}` refers to a group that does not exist"))),
            'd' => Err(Fault::new("POSIX has no `\\d`").hint("write `[0-9]`")),
            _ => Err(Fault::new(format!("POSIX has no `\\{}`", c.escape_default()))),
        }
    }

    /// Reads the rest of `[...]`.
    fn bracket(&mut self) -> Result<(), Fault> {
        let unclosed = || Fault::new("a `[` is not closed").hint("write `\\[` for the character itself");
        self.take('^');
        let mut first = true;
        loop {
            let c = self.rest.chars().next().ok_or_else(unclosed)?;
            if c == ']' && !first {
                self.skip(c);
                return Ok(());
            }
            if c == '-' && !first && !self.rest.starts_with("-]") {
                return Err(Fault::new("a range cannot begin where another ends")
                    .hint("write `-` first or last in the brackets"));
            }
            first = false;
            let low = self.member(c)?;
            let range = self.rest.strip_prefix('-').filter(|rest| !rest.starts_with(']'));
            if let Some(rest) = range {
                self.rest = rest;
                let c = self.rest.chars().next().ok_or_else(unclosed)?;
                let high = self.member(c)?;
                match (low, high) {
                    (Some(low), Some(high)) if low <= high => {}
                    (Some(low), Some(high)) => {
                        return Err(Fault::new(format!(
                            "the range {} to {} runs backwards",
                            character(low),
                            character(high)
                        )));
                    }
                    _ => return Err(Fault::new("a range needs a character on both sides")),
                }
            }
        }
    }

    /// Reads a character of a bracket expression, or a class like `[:alpha:]` (which is `None`).
    fn member(&mut self, first: char) -> Result<Option<char>, Fault> {
        self.skip(first);
        if first != '[' {
            return Ok(Some(first));
        }
        if self.rest.starts_with(['.', '=']) {
            return Err(Fault::new("collating elements (`[.x.]`, `[=x=]`) depend on the host's language"));
        }
        let Some(rest) = self.rest.strip_prefix(':') else { return Ok(Some(first)) };
        let Some((name, rest)) = rest.split_once(":]") else {
            return Err(Fault::new("a `[:` is not closed by `:]`"));
        };
        if !CLASSES.contains(&name) {
            return Err(Fault::new(format!(
                "there is no character class `[:{}:]`",
                super::values::shown(name)
            ))
            .hint(format!("known: {}", CLASSES.join(", "))));
        }
        self.rest = rest;
        Ok(None)
    }

    fn skip(&mut self, c: char) {
        self.rest = &self.rest[c.len_utf8()..];
    }

    fn take(&mut self, c: char) -> bool {
        let there = self.rest.starts_with(c);
        if there {
            self.skip(c);
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    const GOOD: &[&str] = &[
        "^X-Mailer:",
        "^User-Agent: .*Mozilla",
        "^(X-A|X-B):",
        "^X-[[:alnum:]_-]+:",
        "^Received: .*\\[10\\.",
        "a{2}",
        "a{2,}b",
        "a{2,5}",
        "(a)(b)\\2x",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[a-c-]",
        "[-a]",
        "[+--]",
        "\\(x\\)",
        "^X-A: \\$",
        "a|b",
        "\\bfoo\\b",
        "[[:space:]]x",
        "ü+",
        "x[.]y",
        "a/b",
        "^Subject: \\{x\\}",
        "[a[:digit:]]",
    ];
    /// Neither the C library nor we take them.
    const BAD: &[&str] = &[
        "(",
        "a)b(",
        "[a",
        "[[:foo:]]",
        "a{2,1}",
        "a{1",
        "a\\",
        "[z-a]",
        "(a)\\2",
        "[[:alpha:]",
        "a{99999}",
        "((a)",
        "[a-c-e]",
    ];
    /// The C library takes them, but not as they were meant.
    const OTHERWISE: &[&str] = &[
        "*a", "+a", "a**", "a+?", ".*?x", "(?i)x", "\\d+", "a||b", "(|a)", "", ".*", "a*", "^", "$",
        "(a|b*)", "^*", "\\n", "{2}", "^$", "a|", "x?",
    ];

    #[test]
    fn known_expressions() {
        for good in GOOD {
            assert!(check(good).is_ok(), "{good}: {:?}", check(good));
        }
        for bad in BAD.iter().chain(OTHERWISE) {
            assert!(check(bad).is_err(), "{bad}");
        }
    }

    /// bash's `=~` hands its right side to regcomp(3) with REG_EXTENDED and returns 2 if that refuses it.
    fn regcomp_takes(patterns: &[&str]) -> Vec<bool> {
        let script = "for pattern; do [[ x =~ $pattern ]] 2>/dev/null; echo $?; done";
        let output =
            std::process::Command::new("bash").args(["-c", script, "bash"]).args(patterns).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line != "2").collect()
    }

    #[test]
    fn real_regcomp_agrees() {
        assert!(regcomp_takes(GOOD).iter().all(|taken| *taken));
        let taken = regcomp_takes(BAD);
        assert!(taken.iter().all(|taken| !taken), "{taken:?}");
    }

    proptest::proptest! {
        #[test]
        fn real_regcomp_takes_what_we_take(patterns in proptest::collection::vec(r"[\]a-c^$.*+?(){}|,\\:0-3\[-]{1,12}", 64)) {
            let good: Vec<&str> = patterns.iter().map(String::as_str).filter(|text| check(text).is_ok()).collect();
            let taken = regcomp_takes(&good);
            for (pattern, taken) in good.iter().zip(taken) {
                proptest::prop_assert!(taken, "{pattern}");
            }
        }
    }
}
