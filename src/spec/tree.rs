//! What a file says, with the place of every word: a tree that knows neither YAML nor the kinds.
//!
//! Scalars stay text, as they were written. What a text means (`on`, `010`, `1GB`) is for the field that reads it.

use std::collections::BTreeMap;

use crate::model::{Position, SpecPath};

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its place: a scalar's text, or the first line of a list or map.
    pub at: Position,
    /// The value.
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// A key with nothing behind it, `~` or `null`.
    Nothing,
    /// A text; `plain` if it was written without quotes.
    Scalar { text: String, plain: bool },
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Map),
    /// Something that is not taken and was told of already.
    Refused,
}

/// A map in the order written, which finds its entries by key too.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Map {
    entries: Vec<Entry>,
    by_key: BTreeMap<String, usize>,
}

/// A key, its place and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub key: String,
    /// The key's place.
    pub at: Position,
    /// The value.
    pub value: Node,
}

impl Map {
    /// Adds an entry, unless its key is there already: then the first one's place is given back.
    pub fn add(&mut self, entry: Entry) -> Result<(), Position> {
        if let Some(&first) = self.by_key.get(&entry.key) {
            return Err(self.entries[first].at.clone());
        }
        self.by_key.insert(entry.key.clone(), self.entries.len());
        self.entries.push(entry);
        Ok(())
    }

    /// The entry with this key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.by_key.get(key).map(|&at| &self.entries[at])
    }

    /// The entries in the order written.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Entry {
    /// The place to speak of when its value as a whole is wrong: a text itself, or the name of what is below it.
    pub fn place(&self) -> &Position {
        match self.value.value {
            Value::Scalar { .. } => &self.value.at,
            Value::Nothing | Value::List(_) | Value::Map(_) | Value::Refused => &self.at,
        }
    }
}

impl Node {
    fn is(&self, written: &str) -> bool {
        matches!(&self.value, Value::Scalar { text, .. } if text == written)
    }

    /// The place of `path`, or of as much of it as is written. A key with a text is meant as a whole, a key with
    /// more below it by its name. An item of a list goes by its index or its text.
    pub fn locate(&self, path: &SpecPath) -> Position {
        let mut node = self;
        let mut at = Position { end: self.at.start, ..self.at.clone() };
        for key in &path.0 {
            match &node.value {
                Value::Map(map) => {
                    let Some(entry) = map.get(key) else { return at };
                    node = &entry.value;
                    at = entry.at.clone();
                    if matches!(node.value, Value::Scalar { .. }) && node.at.line == at.line {
                        at.end = node.at.end;
                    }
                }
                Value::List(items) => {
                    let by_index = key.parse().ok().and_then(|index: usize| items.get(index));
                    let by_text = || items.iter().find(|item| item.is(key));
                    let Some(item) = by_index.or_else(by_text) else { return at };
                    node = item;
                    at = item.at.clone();
                }
                Value::Nothing | Value::Scalar { .. } | Value::Refused => return at,
            }
        }
        at
    }
}
