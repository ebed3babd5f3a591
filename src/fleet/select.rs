//! Selection of rows of an inventory: `site=berlin*,role!=db`.

use wildmatch::WildMatch;

/// Conditions, separated by commas, that must all match.
#[derive(Debug, Clone)]
pub struct Selector {
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
struct Condition {
    column: String,
    pattern: WildMatch,
    /// `!=`: the pattern must not match.
    negated: bool,
}

/// The fault of a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no condition: write column=pattern or column!=pattern, where * stands for anything")]
pub struct SelectorError(String);

impl std::str::FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let condition = |part: &str| {
            let (column, pattern) = part.split_once('=')?;
            let (column, negated) = column.strip_suffix('!').map_or((column, false), |column| (column, true));
            let (column, pattern) = (column.trim(), pattern.trim());
            let condition =
                Condition { column: column.to_owned(), pattern: WildMatch::new(pattern), negated };
            (!column.is_empty()).then_some(condition)
        };
        let conditions = text
            .split(',')
            .map(|part| condition(part).ok_or_else(|| SelectorError(part.trim().to_owned())))
            .collect::<Result<_, _>>()?;
        Ok(Self { conditions })
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, Condition { column, pattern, negated }) in self.conditions.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{column}{}{pattern}", if *negated { "!=" } else { "=" })?;
        }
        Ok(())
    }
}

impl Selector {
    /// Its conditions, each as a selector.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> {
        self.conditions.iter().map(|condition| Self { conditions: vec![condition.clone()] })
    }

    /// The pattern of the first condition.
    pub(super) fn pattern(&self) -> String {
        self.conditions.first().map(|condition| condition.pattern.to_string()).unwrap_or_default()
    }

    /// The columns in its conditions.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().map(|condition| condition.column.as_str())
    }

    /// Whether a row matches; a missing column counts as empty.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.conditions.iter().all(|condition| {
            let value = value_of(&condition.column).unwrap_or_default();
            condition.pattern.matches(value) != condition.negated
        })
    }
}

/// One of N equal parts of a fleet: `2/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// Whether it is the first part: it also has what all parts share.
    pub fn is_first(self) -> bool {
        self.number == 1
    }
}

impl std::str::FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed =
            text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        match parsed {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err(format!("`{text}` is no shard: write K/N with K from 1 to N, such as 2/8")),
        }
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Shard {
    /// Whether the item of this index, from 0, belongs to it. Neighbours go to different shards.
    pub fn takes(self, index: usize) -> bool {
        index % self.of == self.number - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, row: &[(&str, &str)]) -> bool {
        let selector: Selector = selector.parse().unwrap();
        selector.matches(|column| row.iter().find(|(name, _)| *name == column).map(|(_, value)| *value))
    }

    #[test]
    fn all_conditions_must_hold() {
        let row = [("site", "berlin-2"), ("role", "db")];
        assert!(matches("site=berlin*", &row));
        assert!(matches("site=berlin-?, role=db", &row));
        assert!(!matches("site=berlin*,role!=db", &row));
        assert!(!matches("site=Berlin*", &row));
        assert!(matches("rack=", &row));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "site", "=x", "a=b,", "!=x"] {
            assert!(text.parse::<Selector>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn conditions_are_written_in_one_way() {
        for text in ["site=berlin*,role!=db", "site = berlin* , role != db"] {
            assert_eq!(text.parse::<Selector>().unwrap().to_string(), "site=berlin*,role!=db");
        }
    }

    #[test]
    fn every_item_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=3).map(|number| format!("{number}/3").parse().unwrap()).collect();
        for index in 0..10 {
            assert_eq!(shards.iter().filter(|shard| shard.takes(index)).count(), 1);
        }
        for text in ["0/3", "4/3", "1", "a/b", "1/0", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text:?}");
        }
    }
}
