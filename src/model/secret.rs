//! Where a secret comes from. Its value is never in a file of bricklayer's, in a plan or in a log: it is read by the
//! transport, at the moment in which it goes to a node, and by nothing else.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AbsPath, NodeName};

/// A secret by reference: `{file: ./bmc.pw}`, relative to the cluster's file, or `{env: BMC_PASSWORD}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", try_from = "Written")]
#[schemars(!try_from)]
pub enum SecretRef {
    /// The text of a file that only its owner can read, to the last byte.
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

/// Why a secret cannot be had. None of these ever says a part of its value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SecretError {
    /// The file cannot be read.
    #[error("the secret file {0} cannot be read: {1}; its path is relative to the cluster's file")]
    Unreadable(PathBuf, String),
    /// The path is not that of a file.
    #[error("the secret file {0} is not a regular file; write the path of the file itself")]
    NotAFile(PathBuf),
    /// Somebody else may read the file, or it may be run.
    #[error("the secret file {0} has the mode {1:04o}; make it its owner's alone: `chmod 600` it")]
    Open(PathBuf, u32),
    /// The environment has no such variable.
    #[error("the environment variable {0} is not set; bricklayer has to be started with it")]
    NoVariable(String),
    /// There is nothing in it.
    #[error("the secret of {0} is empty; write it there")]
    Empty(SecretRef),
    /// It is no text that a program could be given.
    #[error("the secret of {0} is not a text; it must be UTF-8 without NUL and at most 64 KiB long")]
    NotText(SecretRef),
    /// Another node's file cannot be read.
    #[error("{1} of {0} cannot be read: {2}")]
    NoFile(NodeName, AbsPath, String),
}
