//! A length of time as people write it: `20s`, `3m`, `500ms`. A number alone is none: it is not known of what.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A length of time, more than nothing and at most a day, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval(Duration);

/// The longest one that is taken.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

impl Interval {
    /// So many seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// It, for the clock.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds.
    #[must_use]
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whole seconds, a part of one counted as one: a bound stays a bound.
    #[must_use]
    pub fn whole_seconds(self) -> u64 {
        self.0.as_secs() + u64::from(self.0.subsec_nanos() > 0)
    }
}

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time: write a number with its unit, such as `20s`, `500ms` or `3m`, at most a day")]
pub struct NotAnInterval(String);

impl TryFrom<String> for Interval {
    type Error = NotAnInterval;

    fn try_from(text: String) -> Result<Self, NotAnInterval> {
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let parsed = text.parse::<SignedDuration>().ok().and_then(|parsed| Duration::try_from(parsed).ok());
        let whole = |duration: &Duration| duration.subsec_nanos().is_multiple_of(1_000_000);
        match parsed.filter(whole).filter(|duration| plain && !duration.is_zero() && *duration <= LONGEST) {
            Some(duration) => Ok(Self(duration)),
            None => Err(NotAnInterval(text)),
        }
    }
}

impl fmt::Display for Interval {
    /// In the largest unit of which it is a whole number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.milliseconds();
        let (number, unit) = match ms {
            ms if ms.is_multiple_of(60_000) => (ms / 60_000, "m"),
            ms if ms.is_multiple_of(1000) => (ms / 1000, "s"),
            ms => (ms, "ms"),
        };
        f.pad(&format!("{number}{unit}"))
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> Self {
        interval.to_string()
    }
}

impl JsonSchema for Interval {
    fn schema_name() -> Cow<'static, str> {
        "Interval".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^([0-9]+(ms|s|m|h))+$",
            "description": "A length of time with its unit: `20s`, `500ms`, `3m`."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_a_unit_and_is_neither_nothing_nor_endless() {
        let of = |text: &str| Interval::try_from(text.to_owned()).map(Interval::milliseconds).ok();
        assert_eq!(
            [of("20s"), of("500ms"), of("3m"), of("1h30m")],
            [Some(20_000), Some(500), Some(180_000), Some(5_400_000)]
        );
        for wrong in ["", "20", "20 s", "-3s", "0s", "25h", "1us", "s", "1e3s", "20S", "P1D"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_said_in_its_largest_whole_unit() {
        let said = |text: &str| Interval::try_from(text.to_owned()).unwrap().to_string();
        assert_eq!([said("120s"), said("90s"), said("1500ms")], ["2m", "90s", "1500ms"]);
    }
}
