//! Names that have been looked at once and can be trusted from then on.
//!
//! A value from a YAML file becomes an argument of a program on a node. Each name type takes only what its
//! program accepts, so that no name can be an option, a shell word or a second path; whoever holds a
//! [`NodeName`] needs no check of its own.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A name that was refused, with the rule that it breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {what}: {rule}")]
pub struct InvalidName {
    /// The text as it was written.
    pub value: String,
    /// What it was meant to be.
    pub what: &'static str,
    /// The rule in words.
    pub rule: &'static str,
}

/// Declares a string type that is checked when it is made.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $pattern:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes `value` if it follows the rule of this type.
            ///
            /// # Errors
            /// [`InvalidName`] with the rule that `value` breaks.
            pub fn new(value: impl Into<String>) -> Result<Self, InvalidName> {
                let value = value.into();
                let accepts: fn(&str) -> bool = $accepts;
                if accepts(&value) {
                    Ok(Self(value))
                } else {
                    Err(InvalidName { value, what: $what, rule: $rule })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "description": concat!("A ", $what, ": ", $rule, ".") })
            }
        }
    };
}

name!(
    /// The name of a cluster; also a folder's name in the state directory.
    ClusterName,
    "cluster name",
    "letters, digits, `-` and `_`, a letter or digit first, at most 63",
    "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
    |s| is_word(s, b"-_", 63)
);
name!(
    /// The name of a node as the YAML file uses it.
    NodeName,
    "node name",
    "letters, digits, `-` and `.`, a letter or digit first, at most 63",
    "^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$",
    |s| is_word(s, b"-.", 63)
);
name!(
    /// The name of a `GlusterFS` volume; glusterd takes letters, digits, `-` and `_` (`cli_cmd_volume_create_parse`).
    VolumeName,
    "volume name",
    "letters, digits, `-` and `_`, a letter or digit first, at most 255",
    "^[A-Za-z0-9][A-Za-z0-9_-]{0,254}$",
    |s| is_word(s, b"-_", 255)
);
name!(
    /// The name of a mount as the YAML file uses it.
    MountName,
    "mount name",
    "letters, digits, `-`, `_` and `.`, a letter or digit first, at most 63",
    "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$",
    |s| is_word(s, b"-_.", 63)
);
name!(
    /// A host name or an IP address at which a node is reached.
    Address,
    "host name or IP address",
    "letters, digits, `-`, `.` and `:`, a letter or digit first, at most 253",
    "^[A-Za-z0-9:][A-Za-z0-9.:-]{0,252}$",
    is_address
);
name!(
    /// An absolute path on a node, in its shortest form: no `..`, no `.`, no double or trailing slash.
    AbsPath,
    "path",
    "absolute, not `/` itself, without `.` or `..` parts, double or trailing slashes; letters, digits and `_ - . + @ =`",
    "^(/[A-Za-z0-9_+@=.-]+)+$",
    is_abs_path
);

name!(
    /// The name of a service; also the id of its group in the cluster manager, an XML `NCName`.
    ServiceName,
    "service name",
    "letters, digits, `-` and `_`, a letter first, at most 63",
    "^[A-Za-z][A-Za-z0-9_-]{0,62}$",
    is_id
);
name!(
    /// The name of a fence device; also its id in the cluster manager, an XML `NCName`.
    FenceDeviceName,
    "fence device name",
    "letters, digits, `-` and `_`, a letter first, at most 63",
    "^[A-Za-z][A-Za-z0-9_-]{0,62}$",
    is_id
);
name!(
    /// The name of a failover domain as the YAML file uses it.
    DomainName,
    "failover domain name",
    "letters, digits, `-` and `_`, a letter first, at most 63",
    "^[A-Za-z][A-Za-z0-9_-]{0,62}$",
    is_id
);
name!(
    /// The name of a program of a family that others extend: a fence agent, a resource agent, a systemd unit.
    AgentName,
    "agent name",
    "letters, digits and `- _ . : @`, a letter first, at most 127",
    "^[A-Za-z][A-Za-z0-9_.:@-]{0,126}$",
    |s| s.starts_with(|c: char| c.is_ascii_alphabetic()) && is_word(s, b"-_.:@", 127)
);

/// An id of Pacemaker's that begins with a letter, as an XML `NCName` must.
fn is_id(s: &str) -> bool {
    s.starts_with(|c: char| c.is_ascii_alphabetic()) && is_word(s, b"-_", 63)
}

fn is_word(s: &str, punctuation: &[u8], longest: usize) -> bool {
    s.len() <= longest
        && s.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && s.bytes().all(|b| b.is_ascii_alphanumeric() || punctuation.contains(&b))
}

fn is_address(s: &str) -> bool {
    // A colon makes it an IPv6 address or nothing: `host:port` is no address.
    if s.contains(':') { s.parse::<std::net::Ipv6Addr>().is_ok() } else { is_word(s, b"-.", 253) }
}

fn is_abs_path(s: &str) -> bool {
    s.len() <= 1024
        && s.strip_prefix('/').is_some_and(|rest| {
            rest.split('/').all(|part| {
                !part.is_empty()
                    && part != "."
                    && part != ".."
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.+@=".contains(&b))
            })
        })
}

impl AbsPath {
    /// Whether `other` is this path or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The directory that holds this path; none for a path directly below `/`.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (parent, _) = self.0.rsplit_once('/')?;
        (!parent.is_empty()).then(|| Self(parent.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_an_option_a_shell_word_or_a_second_path() {
        for bad in ["", "-rf", "a b", "a;b", "$(x)", "`x`", "a\nb", "a'b", "a\"b", "a%b", "a/b", "ä"] {
            assert!(NodeName::new(bad).is_err(), "{bad:?}");
            assert!(VolumeName::new(bad).is_err(), "{bad:?}");
            assert!(Address::new(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "/", "a", "/a/", "/a//b", "/a/../b", "/a/./b", "/a b", "/a\nb", "/a;b", "/-a b"] {
            assert!(AbsPath::new(bad).is_err(), "{bad:?}");
        }
        assert!(Address::new("fe80::1").is_ok() && Address::new("host:22").is_err());
    }

    #[test]
    fn a_path_contains_itself_and_what_lies_below_it() {
        let brick = AbsPath::new("/bricks/a").unwrap();
        assert!(brick.contains(&brick) && brick.contains(&AbsPath::new("/bricks/a/b").unwrap()));
        assert!(!brick.contains(&AbsPath::new("/bricks/ab").unwrap()));
        assert_eq!(brick.parent().unwrap().as_str(), "/bricks");
        assert_eq!(AbsPath::new("/bricks").unwrap().parent(), None);
    }
}
