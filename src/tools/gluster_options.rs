//! The volume options that glusterd knows: their names, defaults and what values they take.
//!
//! A mistyped option is told before anything is run, and two spellings of one value (`on` and `enable`, `1GB` and
//! `1024MB`) are known to be the same, so that nothing is set twice.

mod table;

use std::fmt;

use crate::model::nearest;

/// An option that glusterd knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its full name.
    pub name: &'static str,
    /// What values it takes.
    pub kind: ValueKind,
    /// Its value unless set; empty if it has none.
    pub default: &'static str,
}

/// What values an option takes. Bounds are inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Anything; glusterd may know better.
    Any,
    /// On or off, in one of glusterd's words.
    Bool,
    /// A whole number.
    Int(i64, i64),
    /// A number of bytes, with a unit or without.
    Size(i64, i64),
    /// A part of a hundred.
    Percent,
    /// A part of a hundred, or a number of bytes.
    PercentOrSize,
    /// A number of seconds, or a number with a unit of time.
    Time(i64, i64),
    /// One of some words.
    OneOf(&'static [&'static str]),
}

impl fmt::Display for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any text"),
            Self::Bool => f.write_str("`on` or `off`"),
            Self::Int(low, high) => write!(f, "a whole number{}", Range(*low, *high)),
            Self::Size(low, high) => write!(f, "a size such as `64MB`{}", Range(*low, *high)),
            Self::Percent => f.write_str("a percentage from 0 to 100"),
            Self::PercentOrSize => f.write_str("a percentage or a size such as `10GB`"),
            Self::Time(low, high) => write!(f, "a number of seconds{}", Range(*low, *high)),
            Self::OneOf(words) => write!(f, "one of `{}`", words.join("`, `")),
        }
    }
}

struct Range(i64, i64);

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self(i64::MIN, i64::MAX) => Ok(()),
            Self(low, i64::MAX) => write!(f, " from {low} up"),
            Self(low, high) => write!(f, " from {low} to {high}"),
        }
    }
}

/// What a name is to glusterd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The full name of an option.
    Known(&'static Known),
    /// A short name: glusterd takes it and answers with the full one ever after.
    Short(&'static Known),
    /// A name of the user's own: `user.` and anything.
    OfUser,
    /// Set for the whole pool, not for a volume.
    OfPool,
    /// None that is known here; the nearest known name, if one is near.
    Unknown(Option<&'static str>),
}

/// Options that are set for the whole pool: `gluster volume set all`.
const OF_POOL: &[&str] = &[
    "cluster.brick-graceful-cleanup",
    "cluster.brick-multiplex",
    "cluster.daemon-log-level",
    "cluster.enable-shared-storage",
    "cluster.localtime-logging",
    "cluster.max-bricks-per-process",
    "cluster.max-op-version",
    "cluster.op-version",
    "cluster.server-quorum-ratio",
    "glusterd.vol_count_per_thread",
];

/// Upstream's option group for databases: `extras/group-db-workload`.
pub const DB_WORKLOAD: &[(&str, &str)] = &[
    ("performance.open-behind", "on"),
    ("performance.write-behind", "off"),
    ("performance.stat-prefetch", "off"),
    ("performance.quick-read", "off"),
    ("performance.strict-o-direct", "on"),
    ("performance.read-ahead", "off"),
    ("performance.io-cache", "off"),
    ("performance.readdir-ahead", "off"),
    ("performance.client-io-threads", "on"),
    ("server.event-threads", "4"),
    ("client.event-threads", "4"),
    ("performance.read-after-open", "yes"),
];

/// Upstream's option group for images of virtual machines: `extras/group-virt.example`.
pub const VIRT: &[(&str, &str)] = &[
    ("performance.quick-read", "off"),
    ("performance.read-ahead", "off"),
    ("performance.io-cache", "off"),
    ("performance.low-prio-threads", "32"),
    ("network.remote-dio", "disable"),
    ("performance.strict-o-direct", "on"),
    ("cluster.eager-lock", "enable"),
    ("cluster.quorum-type", "auto"),
    ("cluster.server-quorum-type", "server"),
    ("cluster.data-self-heal-algorithm", "full"),
    ("cluster.locking-scheme", "granular"),
    ("cluster.shd-max-threads", "8"),
    ("cluster.shd-wait-qlength", "10000"),
    ("features.shard", "on"),
    ("user.cifs", "off"),
    ("cluster.choose-local", "off"),
    ("client.event-threads", "4"),
    ("server.event-threads", "4"),
    ("performance.client-io-threads", "on"),
    ("network.ping-timeout", "20"),
    ("server.tcp-user-timeout", "20"),
    ("server.keepalive-time", "10"),
    ("server.keepalive-interval", "2"),
    ("server.keepalive-count", "5"),
    ("cluster.lookup-optimize", "off"),
];

/// The value that glusterd itself gives to an option of a volume that it creates, where that is not the default: to
/// reset such an option is not to give it back.
#[must_use]
pub fn at_creation(name: &str, replicated: bool) -> Option<&'static str> {
    match name {
        "nfs.disable" | "storage.fips-mode-rchecksum" => Some("on"),
        "transport.address-family" => Some("inet"),
        "cluster.granular-entry-heal" if replicated => Some("on"),
        "performance.client-io-threads" if replicated => Some("off"),
        _ => None,
    }
}

/// Every known option, sorted by name.
#[must_use]
pub fn all() -> &'static [Known] {
    table::KNOWN
}

/// Looks a name up.
#[must_use]
pub fn find(name: &str) -> Lookup {
    if let Ok(at) = table::KNOWN.binary_search_by(|known| known.name.cmp(name)) {
        return Lookup::Known(&table::KNOWN[at]);
    }
    if name.strip_prefix("user.").is_some_and(|rest| !rest.is_empty()) {
        return Lookup::OfUser;
    }
    if OF_POOL.contains(&name) {
        return Lookup::OfPool;
    }
    match table::KNOWN.iter().find(|known| known.name.split_once('.').is_some_and(|(_, short)| short == name)) {
        Some(known) => Lookup::Short(known),
        None => Lookup::Unknown(nearest(name, table::KNOWN.iter().map(|known| known.name))),
    }
}

impl Known {
    /// Whether glusterd takes `value` for this option, as far as this table can tell.
    #[must_use]
    pub fn takes(&self, value: &str) -> bool {
        let within = |number: Option<f64>, low: i64, high: i64| {
            // Bounds and sizes are far below 2^53, except the open ones, for which being off by one is nothing.
            #[expect(clippy::cast_precision_loss, reason = "see above")]
            number.is_some_and(|n| n >= low as f64 && n <= high as f64)
        };
        match self.kind {
            ValueKind::Any => true,
            ValueKind::Bool => truth(value).is_some(),
            ValueKind::Int(low, high) => int(value).is_some_and(|n| n >= low && n <= high),
            ValueKind::Size(low, high) => within(size(value), low, high),
            ValueKind::Percent => within(percent(value), 0, 100),
            ValueKind::PercentOrSize => within(percent(value), 0, 100) || size(value).is_some(),
            ValueKind::Time(low, high) => within(seconds(value), low, high),
            ValueKind::OneOf(words) => words.iter().any(|word| word.eq_ignore_ascii_case(value)),
        }
    }
}

/// Whether two spellings of the value of option `name` mean the same to glusterd.
#[must_use]
pub fn same(name: &str, a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let Lookup::Known(known) = find(name) else { return false };
    match known.kind {
        ValueKind::Any => false,
        ValueKind::Bool => equal(truth(a), truth(b)),
        ValueKind::Int(..) => equal(int(a), int(b)),
        ValueKind::Size(..) => equal(size(a), size(b)),
        ValueKind::Percent => equal(percent(a), percent(b)),
        ValueKind::PercentOrSize => {
            let is_percent = |value: &str| value.ends_with('%');
            is_percent(a) == is_percent(b)
                && if is_percent(a) { equal(percent(a), percent(b)) } else { equal(size(a), size(b)) }
        }
        ValueKind::Time(..) => equal(seconds(a), seconds(b)),
        ValueKind::OneOf(words) => a.eq_ignore_ascii_case(b) || (words.contains(&"on") && equal(truth(a), truth(b))),
    }
}

/// Whether both were read, and as the same.
fn equal<T: PartialEq + Copy>(a: Option<T>, b: Option<T>) -> bool {
    a.is_some() && a == b
}

/// glusterd's words for on and off.
#[must_use]
pub fn truth(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "on" | "yes" | "true" | "enable" | "1" => Some(true),
        "off" | "no" | "false" | "disable" | "0" => Some(false),
        _ => None,
    }
}

/// A whole number as C's `strtol` with base 0 reads it: `0777` is octal.
fn int(value: &str) -> Option<i64> {
    let (sign, digits) = value.strip_prefix('-').map_or((1, value), |digits| (-1, digits));
    if !digits.bytes().next()?.is_ascii_digit() {
        return None;
    }
    let number = if let Some(hex) = digits.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    number.ok().map(|number| sign * number)
}

/// A number and the unit behind it, in lower case.
fn number_and_unit(value: &str) -> Option<(f64, String)> {
    let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    Some((value[..digits].parse().ok()?, value[digits..].to_ascii_lowercase()))
}

fn size(value: &str) -> Option<f64> {
    let (number, unit) = number_and_unit(value)?;
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" => 1,
        "m" | "mb" => 2,
        "g" | "gb" => 3,
        "t" | "tb" => 4,
        "p" | "pb" => 5,
        _ => return None,
    };
    Some(number * 1024_f64.powi(power))
}

fn percent(value: &str) -> Option<f64> {
    let (number, unit) = number_and_unit(value)?;
    (unit.is_empty() || unit == "%").then_some(number)
}

/// A number of seconds, or a number with a unit of time, as glusterd reads it.
#[must_use]
pub fn seconds(value: &str) -> Option<f64> {
    let (number, unit) = number_and_unit(value)?;
    let seconds = match unit.as_str() {
        "" | "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" | "hr" => 3_600,
        "d" | "days" => 86_400,
        "w" | "wk" => 604_800,
        _ => return None,
    };
    Some(number * f64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(table::KNOWN.is_sorted_by(|a, b| a.name < b.name));
        assert!(table::KNOWN.len() > 300);
    }

    #[test]
    fn every_default_is_a_value_that_its_option_takes() {
        for known in all().iter().filter(|known| !known.default.is_empty()) {
            // glusterd's own default of this one is a word that it would not take from us.
            if known.name != "cluster.server-quorum-type" {
                assert!(known.takes(known.default), "{known:?}");
            }
        }
    }

    #[test]
    fn glusterd_itself_tells_of_the_same_options_and_defaults() {
        let told = crate::tools::sample::read("30-options/volume-get-after.txt").stdout;
        let document = roxmltree::Document::parse(&told).unwrap();
        let text = |option: roxmltree::Node<'_, '_>, tag: &str| {
            option.children().find(|child| child.has_tag_name(tag)).and_then(|child| child.text()).unwrap().to_owned()
        };
        let options: Vec<_> = document.descendants().filter(|node| node.has_tag_name("Opt")).collect();
        assert!(options.len() > 300);
        for option in options {
            let (name, value) = (text(option, "Option"), text(option, "Value"));
            match find(&name) {
                Lookup::Known(known) => {
                    let Some(default) = value.strip_suffix(" (DEFAULT)").filter(|_| !known.default.is_empty()) else {
                        continue;
                    };
                    assert_eq!(default, known.default, "{name}");
                }
                other => assert!(matches!(other, Lookup::OfPool | Lookup::OfUser), "{name} {other:?}"),
            }
        }
    }

    #[test]
    fn every_option_of_the_groups_is_known_and_taken() {
        for (name, value) in DB_WORKLOAD.iter().chain(VIRT) {
            match find(name) {
                Lookup::Known(known) => assert!(known.takes(value), "{name} {value}"),
                other => assert_eq!(other, Lookup::OfUser, "{name}"),
            }
        }
    }

    #[test]
    fn two_spellings_of_one_value_are_the_same() {
        assert!(same("performance.io-cache", "on", "enable") && !same("performance.io-cache", "on", "off"));
        assert!(same("performance.cache-size", "1GB", "1024MB") && same("performance.cache-size", "1024", "1KB"));
        assert!(same("network.ping-timeout", "60", "1min") && !same("network.ping-timeout", "20", "42"));
        assert!(same("storage.create-mask", "0777", "511"));
        assert!(!same("cluster.min-free-disk", "10%", "10") && same("cluster.min-free-disk", "10%", "10.0%"));
        assert!(!same("user.mine", "on", "yes"));
    }

    #[test]
    fn a_short_and_a_mistyped_name_lead_to_the_full_one() {
        assert!(matches!(find("ping-timeout"), Lookup::Short(known) if known.name == "network.ping-timeout"));
        assert_eq!(find("network.pingtimeout"), Lookup::Unknown(Some("network.ping-timeout")));
        assert_eq!(find("cluster.brick-multiplex"), Lookup::OfPool);
    }

    #[test]
    fn values_out_of_range_or_of_another_kind_are_not_taken() {
        for (name, bad) in [
            ("network.ping-timeout", "1014"),
            ("network.ping-timeout", "soon"),
            ("performance.io-cache", "maybe"),
            ("client.event-threads", "33"),
            ("client.event-threads", "4KB"),
            ("features.shard-block-size", "1MB"),
            ("cluster.quorum-type", "automatic"),
            ("cluster.min-free-inodes", "101%"),
        ] {
            assert!(matches!(find(name), Lookup::Known(known) if !known.takes(bad)), "{name} {bad}");
        }
    }
}
