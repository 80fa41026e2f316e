//! Pacemaker: its configuration (the CIB) as one document, and its state as it tells it.
//!
//! Read with `cibadmin` and `crm_mon`, whose XML is the same on every node of a partition; changed by one script that
//! makes a guarded patch on the node (`push-cib`). A daemon that does not run is exit status 102 (`CRM_EX_DISCONNECT`
//! in pacemaker's `include/crm/common/results.h`).

mod cib;
mod compare;
mod first;
mod metadata;
mod render;
mod state;
#[cfg(test)]
mod tests;
mod trial;

pub use cib::{Cib, DATABASE, MEASURED, OWNED, cib, owned_resources};
pub use compare::{Change, changes};
pub use first::{has_run, seed};
pub use metadata::{Metadata, metadata};
pub use render::{candidate, gate_id, granted, remembering, watching};
pub use state::{Failure, Fenced, Member, Resource, State, state};
pub use trial::{Action, Trial, Verb, push, trial};

use std::time::Duration;

use roxmltree::Document;

use super::succeeded;
use crate::model::{Command, Output, Program, ReadError};

/// The daemon whose absence makes all of this unreadable.
pub const DAEMON: &str = "pacemaker";
/// `CRM_EX_DISCONNECT`: no daemon, or none that answers.
const DISCONNECTED: i32 = 102;
/// How long Pacemaker's programs may take: they wait for a daemon that is busy with an election.
const DEADLINE: Duration = Duration::from_secs(15);
/// How long a fencing may take that a person asks for: agents retry, and a machine boots.
const FENCING_DEADLINE: Duration = Duration::from_secs(180);

/// Whether one of Pacemaker's programs could tell what it was asked.
fn told(output: &Output) -> Result<(), ReadError> {
    match output.status {
        DISCONNECTED => Err(ReadError::Off(DAEMON)),
        _ => succeeded(output, DAEMON),
    }
}

/// Reads the document of one of Pacemaker's programs.
fn document<T>(output: &Output, read: impl FnOnce(&Document<'_>) -> Result<T, ReadError>) -> Result<T, ReadError> {
    told(output)?;
    let document = Document::parse(&output.stdout).map_err(|error| ReadError::Garbled(error.to_string()))?;
    read(&document)
}

/// Forgets the failures of a resource, so that it is tried again.
#[must_use]
pub fn cleanup(resource: &str) -> Command {
    Command::changes(Program::Tool("crm_resource"), ["--cleanup", "--resource", resource]).within(DEADLINE * 2)
}

/// Stops and starts a resource where it is, and waits for both.
#[must_use]
pub fn restart(resource: &str, within: Duration) -> Command {
    let seconds = format!("{}s", within.as_secs());
    let args = ["--restart", "--resource", resource, "--timeout", &seconds];
    Command::changes(Program::Tool("crm_resource"), args).within(within + DEADLINE)
}

/// Tells that a node is off because a person has seen it: nothing is switched (`stonith_admin --help`).
#[must_use]
pub fn confirm_off(node: &str) -> Command {
    Command::changes(Program::Tool("stonith_admin"), ["--confirm", node]).within(DEADLINE)
}

/// Has a node run nothing from now on, also after a reboot, or run things again.
#[must_use]
pub fn standby(node: &str, standby: bool) -> Command {
    let how = if standby { vec!["--update", "on"] } else { vec!["--delete"] };
    let args = ["--node", node, "--name", "standby"].into_iter().chain(how);
    Command::changes(Program::Tool("crm_attribute"), args).within(DEADLINE * 2)
}

/// Fences a node: it is switched off and on again, for real.
#[must_use]
pub fn fence(node: &str) -> Command {
    let seconds = FENCING_DEADLINE.as_secs().to_string();
    let args = ["--reboot", node, "--timeout", &seconds];
    Command::changes(Program::Tool("stonith_admin"), args).within(FENCING_DEADLINE + DEADLINE)
}
