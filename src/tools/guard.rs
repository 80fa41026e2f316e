//! What stands before glusterd on a node: a script of ours that looks at bricks before they are served, and the part of
//! glusterd's unit that runs it. It has to work while no bricklayer runs anywhere.

use std::fmt::Write;

use super::{MARK, scripts};
use crate::model::{Command, Program};

/// Where the script lies.
pub const SCRIPT_FILE: &str = "/usr/local/lib/bricklayer/guard";
/// Where the part of the unit lies (systemd.unit(5), "drop-in").
pub const UNIT_FILE: &str = "/etc/systemd/system/glusterd.service.d/bricklayer.conf";

/// A brick of this node, and another copy of what is on it.
#[derive(Clone, Debug)]
pub struct Copy<'a> {
    /// The volume.
    pub volume: &'a str,
    /// The path of the brick here.
    pub here: &'a str,
    /// The host of the other brick, as the volume has it,
    pub host: String,
    /// and its path.
    pub there: &'a str,
}

/// The script's text.
#[must_use]
pub fn script() -> &'static str {
    scripts::GUARD.text
}

/// The part of the unit: glusterd is not started where the script says so (`ExecCondition`, systemd.service(5)).
#[must_use]
pub fn unit(owner: &str, copies: &[Copy<'_>]) -> String {
    let mut text = format!("{MARK} {owner}\n[Service]\nExecCondition=/bin/sh {SCRIPT_FILE}");
    for Copy { volume, here, host, there } in copies {
        let _ = write!(text, " {volume} {here} {host} {there}");
    }
    text.replace('%', "%%") + "\n"
}

/// Has the node serve its bricks without asking for the other copies, until it is switched off.
#[must_use]
pub fn go_on_alone() -> Command {
    Command::changes(Program::Script(scripts::GO_ON_ALONE), [] as [&str; 0])
}
