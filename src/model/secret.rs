//! Where a secret comes from. Its value is never in a file of bricklayer's, in a plan or in a log: it is read by the
//! transport, at the moment in which it goes to a node, and by nothing else.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A secret by reference: `{file: ./bmc.pw}`, relative to the cluster's file, or `{env: BMC_PASSWORD}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "Written")]
#[schemars(!try_from)]
pub enum SecretRef {
    /// The text of a file that only its owner can read, without the line end that editors add.
    File(PathBuf),
    /// The value of an environment variable of bricklayer's.
    Env(String),
}

/// A reference as it is written: a map with one key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    file: Option<PathBuf>,
    env: Option<String>,
}

impl TryFrom<Written> for SecretRef {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let name = |name: &String| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            !name.is_empty() && name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        match written {
            Written { file: Some(file), env: None } if !file.as_os_str().is_empty() => Ok(Self::File(file)),
            Written { file: None, env: Some(env) } if name(&env) => Ok(Self::Env(env)),
            _ => Err("a secret is written as `{file: ./PATH}` or `{env: NAME}`, never by its value"),
        }
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Env(name) => write!(f, "environment variable {name}"),
        }
    }
}
