//! Secrets on the nodes: files that only root can read, compared and written without their values in any argument.

use super::{scripts, succeeded};
use crate::model::{Command, Output, Program, Query, ReadError, SecretRef};

/// Its owner may read and write it, and nobody else.
const MODE: &str = "0600";

/// How a secret's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// As it should be.
    Same,
    /// With another content, mode or owner.
    Differs,
    /// Not there.
    Absent,
}

/// Asks whether the file at `path` holds `secret`.
#[must_use]
pub fn check(path: &str, secret: &SecretRef) -> Query<Placed> {
    let command = Command::reads(Program::Script(scripts::CHECK_SECRET), [path, MODE]).with_secret(secret.clone());
    Query { command, read: read_placed }
}

fn read_placed(output: &Output) -> Result<Placed, ReadError> {
    succeeded(output, "diffutils")?;
    match output.stdout.trim() {
        "same" => Ok(Placed::Same),
        "differs" => Ok(Placed::Differs),
        "absent" => Ok(Placed::Absent),
        // Not shown: nobody knows what it is.
        _ => Err(ReadError::Garbled("neither `same`, `differs` nor `absent` for a secret".to_owned())),
    }
}

/// Writes `secret` into the file at `path`.
#[must_use]
pub fn write(path: &str, secret: &SecretRef) -> Command {
    Command::changes(Program::Script(scripts::WRITE_SECRET), [path, MODE]).with_secret(secret.clone())
}
