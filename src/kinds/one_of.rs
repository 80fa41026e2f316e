//! Values that are written either as a word or as a map: a transport, a brick.
//!
//! serde's `untagged` would do it and say only "did not match any variant" about every mistake inside; this
//! visitor looks at what is there and lets the chosen form speak for itself, with its own place in the file.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserializer;
use serde::de::{Error, MapAccess, Visitor};

/// Reads a value that is a word or a map.
///
/// # Errors
/// What `word` says about a word, what `map` says about a map, and for anything else that `expected` was expected.
pub(super) fn word_or_map<'de, D, T>(
    deserializer: D,
    expected: &'static str,
    word: fn(&str) -> Result<T, String>,
    map: impl MapReader<'de, T>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(WordOrMap { expected, word, map, value: PhantomData })
}

/// Reads a value from a map's entries.
pub(super) trait MapReader<'de, T> {
    /// Reads it.
    fn read<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error>;
}

struct WordOrMap<T, M> {
    expected: &'static str,
    word: fn(&str) -> Result<T, String>,
    map: M,
    value: PhantomData<T>,
}

impl<'de, T, M: MapReader<'de, T>> Visitor<'de> for WordOrMap<T, M> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.word)(text).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        self.map.read(entries)
    }
}
