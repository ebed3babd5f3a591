//! A layer of main.cf while it is being written.

use super::PlanError;
use crate::postfix::Parameter;
use crate::postfix::check;
use crate::postfix::{MainCf, Value, table};

/// Collects parameters; remembers the first that cannot be written, so that the writers read as lists.
#[derive(Debug, Default)]
pub(super) struct Layer<'a> {
    main: MainCf,
    /// Parameters of the user that override defaults.
    own: &'a [Parameter],
    error: Option<PlanError>,
}

/// An item of a list, in Postfix's own notation.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// As it is.
    Text(String),
    /// `inline:{ {key = result} }`: a table of one entry, so that it has no duplicate keys with any host name.
    Inline(String, String),
}

/// A table of one entry.
pub(super) fn inline(key: &str, result: &str) -> Item {
    Item::Inline(key.to_owned(), result.to_owned())
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl<'a> Layer<'a> {
    /// A layer in which parameters of the user replace those with the same name.
    pub(super) fn new(own: &'a [Parameter]) -> Self {
        Self { own, ..Self::default() }
    }

    /// Starts a section under a comment: what it is for, or why.
    pub(super) fn section(&mut self, title: &str) {
        self.main.section(title);
    }

    /// Sets a parameter.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.list(name, [Item::from(value)]);
    }

    /// Sets a parameter that is a list.
    pub(super) fn list(&mut self, name: &str, items: impl IntoIterator<Item = Item>) {
        if self.own.iter().any(|parameter| parameter.name == name) {
            return;
        }
        let values: Result<Vec<Value>, String> = items.into_iter().map(|item| item.value()).collect();
        self.add(name, values.map(Value::list));
    }

    /// Sets the user's parameters.
    pub(super) fn own(&mut self) {
        for parameter in self.own {
            self.add(&parameter.name, check::value(parameter).map_err(|error| error.to_string()));
        }
    }

    fn add(&mut self, name: &str, value: Result<Value, String>) {
        let done = value.and_then(|value| self.main.set(name, value).map_err(|error| error.to_string()));
        if let Err(reason) = done {
            self.error.get_or_insert(PlanError::Parameter { name: name.to_owned(), reason });
        }
    }

    /// The layer, if all of it can be written.
    pub(super) fn finish(self) -> Result<MainCf, PlanError> {
        match self.error {
            None => Ok(self.main),
            Some(error) => Err(error),
        }
    }
}

impl Item {
    fn value(&self) -> Result<Value, String> {
        let expression = |text: &str| Value::expression(text).map_err(|error| error.to_string());
        match self {
            Self::Text(text) => expression(text),
            Self::Inline(key, result) => {
                let (key, result) = (expression(key)?, expression(result)?);
                table::inline([(&key, &result)]).map_err(|error| error.to_string())
            }
        }
    }
}
