//! What Pacemaker begins with on nodes on which it has never run.
//!
//! A first coordinator is elected only after `dc-deadtime` without one, 20 s unless said otherwise; nodes that are all
//! started for the first time, together, have nobody to wait for.

use std::time::Duration;

use super::super::{scripts, succeeded};
use crate::model::{Command, Output, Program, Query, ReadError};

/// How long nodes that start for the first time wait for a coordinator.
const DC_DEADTIME: Duration = Duration::from_secs(2);

/// Asks whether Pacemaker has ever kept anything on a node.
#[must_use]
pub fn has_run() -> Query<bool> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_CIB_FOLDER), [""; 0]), read: read_folder }
}

fn read_folder(output: &Output) -> Result<bool, ReadError> {
    succeeded(output, "findutils")?;
    match output.stdout.trim() {
        "used" => Ok(true),
        "empty" => Ok(false),
        other => Err(ReadError::Garbled(format!("`{other}` of the folder of the CIB"))),
    }
}

/// Puts down the first CIB, where there is none.
#[must_use]
pub fn seed() -> Command {
    Command::changes(Program::Script(scripts::SEED_CIB), [DC_DEADTIME.as_secs().to_string()])
}
