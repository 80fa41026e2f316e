//! Reads values from the tree for serde, so that each mistake has its place and says what to write instead.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor};

use super::tree::{Entry, Node, Value};
use crate::model::{Position, did_you_mean};

/// A value that is not of the form its field needs.
#[derive(Clone, Debug)]
pub(super) struct ShapeError {
    /// Where, as soon as it is known.
    pub at: Option<Position>,
    /// The word for it.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
    /// Whether it was told of already, while the tree was made.
    pub told: bool,
}

impl ShapeError {
    fn new(code: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { at: None, code, message: message.into(), hint: hint.into(), told: false }
    }

    /// The same error, at `at` unless it knows a nearer place.
    fn or_at(mut self, at: &Position) -> Self {
        self.at.get_or_insert_with(|| at.clone());
        self
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ShapeError {}

impl de::Error for ShapeError {
    /// A kind's own sentence. What stands behind its first `; ` says what to write instead.
    fn custom<T: fmt::Display>(message: T) -> Self {
        let message = message.to_string();
        let (message, hint) = message.split_once("; ").unwrap_or((&message, ""));
        Self::new("bad-value", message, hint)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let all = format!("the keys here are {}", list(expected));
        Self::new(
            "unknown-key",
            format!("there is no key `{field}` here"),
            did_you_mean(field, expected.iter().copied(), all),
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("missing-key", format!("`{field}` is missing"), format!("add `{field}:`"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let all = format!("write {}", list(expected));
        Self::new(
            "bad-value",
            format!("`{variant}` is not one of {}", list(expected)),
            did_you_mean(variant, expected.iter().copied(), all),
        )
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let found = match unexpected {
            Unexpected::Str(text) => format!("`{text}`"),
            Unexpected::Map => "a map".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            other => other.to_string(),
        };
        Self::new("wrong-type", format!("expected {expected}, found {found}"), "")
    }
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// Reads a `T` from what stands behind a key. What is wrong with it as a whole is said of the key.
pub(super) fn read<T: de::DeserializeOwned>(entry: &Entry) -> Result<T, ShapeError> {
    T::deserialize(At(&entry.value)).map_err(|error| error.or_at(entry.place()))
}

/// A node as serde sees it.
#[derive(Clone, Copy)]
struct At<'a>(&'a Node);

impl<'a> At<'a> {
    /// The text of a scalar; anything else is not `what`.
    fn text(self, what: &str) -> Result<&'a str, ShapeError> {
        let found = match &self.0.value {
            Value::Scalar { text, .. } => return Ok(text),
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Refused => return Err(self.told()),
            // Nothing has no place of its own: it is said of the key.
            Value::Nothing => {
                let message = format!("expected {what}, found nothing");
                return Err(ShapeError::new("wrong-type", message, "write a value, or leave the key out"));
            }
        };
        Err(self.wrong(format!("expected {what}, found {found}"), ""))
    }

    fn wrong(self, message: String, hint: &str) -> ShapeError {
        ShapeError::new("wrong-type", message, hint).or_at(&self.0.at)
    }

    fn told(self) -> ShapeError {
        ShapeError { told: true, ..self.wrong(String::new(), "") }
    }

    /// A whole number in decimal digits: what other readers take `010` for is anybody's guess.
    fn number<T: std::str::FromStr>(self) -> Result<T, ShapeError> {
        let text = self.text("a whole number")?;
        let plain = matches!(self.0.value, Value::Scalar { plain: true, .. });
        if !plain {
            return Err(self.wrong(format!("expected a whole number, found the text `{text}`"), "leave the quotes out"));
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(self.wrong(format!("`{text}` could be decimal or octal"), "write it without the leading zero"));
        }
        text.parse().map_err(|_| self.wrong(format!("`{text}` is not a whole number, or too large for one here"), ""))
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
            visitor.$visit(self.number()?).map_err(|error: ShapeError| error.or_at(&self.0.at))
        })*
    };
}

impl<'de> Deserializer<'de> for At<'de> {
    type Error = ShapeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match &self.0.value {
            Value::Scalar { text, .. } => visitor.visit_str(text).map_err(|error: ShapeError| error.or_at(&self.0.at)),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(map) => visitor.visit_map(Entries { rest: map.entries().iter(), open: None }),
            Value::Nothing => visitor.visit_unit(),
            Value::Refused => Err(self.told()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match self.text("`true` or `false`")? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            other => Err(self.wrong(format!("expected `true` or `false`, found `{other}`"), "")),
        }
    }

    numbers!(
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64,
        deserialize_f32 visit_f32, deserialize_f64 visit_f64
    );

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_str(self.text("a text")?).map_err(|error: ShapeError| error.or_at(&self.0.at))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ShapeError> {
        visitor.visit_newtype_struct(self).map_err(|error: ShapeError| error.or_at(&self.0.at))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match &self.0.value {
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Nothing => visitor.visit_seq(Items([].iter())),
            Value::Map(_) => Err(self.wrong("expected a list, found a map".to_owned(), "")),
            Value::Scalar { text, .. } => {
                Err(self.wrong(format!("expected a list, found `{text}`"), &format!("write `[{text}]`")))
            }
            Value::Refused => Err(self.told()),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ShapeError> {
        match &self.0.value {
            Value::Map(map) => visitor.visit_map(Entries { rest: map.entries().iter(), open: None }),
            Value::Nothing => visitor.visit_map(Entries { rest: [].iter(), open: None }),
            Value::List(_) => Err(self.wrong("expected a map, found a list".to_owned(), "")),
            Value::Scalar { text, .. } => Err(self.wrong(format!("expected a map, found `{text}`"), "")),
            Value::Refused => Err(self.told()),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ShapeError> {
        let word: StrDeserializer<'_, ShapeError> = self.text("a word")?.into_deserializer();
        visitor.visit_enum(word).map_err(|error| error.or_at(&self.0.at))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Node>);

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = ShapeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ShapeError> {
        let Some(node) = self.0.next() else { return Ok(None) };
        seed.deserialize(At(node)).map(Some).map_err(|error| error.or_at(&node.at))
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, Entry>,
    open: Option<&'a Entry>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = ShapeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ShapeError> {
        self.open = self.rest.next();
        let Some(entry) = self.open else { return Ok(None) };
        let key: StrDeserializer<'_, ShapeError> = entry.key.as_str().into_deserializer();
        seed.deserialize(key).map(Some).map_err(|error| error.or_at(&entry.at))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ShapeError> {
        let entry = self.open.take().ok_or_else(|| ShapeError::custom("a value without its key"))?;
        seed.deserialize(At(&entry.value)).map_err(|error| error.or_at(entry.place()))
    }
}
