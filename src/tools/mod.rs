//! One file for each family of programs on the nodes: how to call them and how to read what they print.
//!
//! Pure: queries and commands go out as data, outputs come in as text. What a program's answer to a change means
//! (done, busy, refused) is known here too, because only its family can tell.

pub mod corosync;
pub mod gluster;
pub mod gluster_options;
pub mod guard;
pub mod healgate;
pub mod history;
pub mod join;
pub mod mounts;
pub mod network;
pub mod node;
pub mod pacemaker;
pub mod postgresql;
#[cfg(test)]
pub(crate) mod sample;
pub mod scripts;
pub mod secrets;
pub mod systemd;
pub mod wal;
pub mod xml;

use crate::model::{Command, Output, Program, ReadError};

/// What starts the comment in the first line of every file that bricklayer writes: by it, it knows its own.
pub const MARK: &str = "# bricklayer:";

/// What a program said of a change it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It did it, or found it done.
    Done,
    /// It could not now, and may be able to soon.
    Busy(String),
    /// It will not.
    Refused(String),
}

/// What a script ends with that may be asked again.
const TEMPORARY: i32 = 75;

/// Reads the answer to a command that was to change something.
#[must_use]
pub fn judge(command: &Command, output: &Output) -> Judgement {
    if command.program == Program::Tool(gluster::PROGRAM) {
        return gluster::judge(command, output);
    }
    match output.status {
        0 => Judgement::Done,
        // `EX_TEMPFAIL` of sysexits.h: what it was planned for has changed meanwhile.
        TEMPORARY => Judgement::Busy(complaint(output)),
        _ => Judgement::Refused(complaint(output)),
    }
}

/// The last thing a program said before it failed, in one line.
fn complaint(output: &Output) -> String {
    let said = |text: &str| text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
    said(&output.stderr)
        .or_else(|| said(&output.stdout))
        .unwrap_or_else(|| format!("it exited with {} and said nothing", output.status))
}

/// The output of a program that should have succeeded.
fn succeeded(output: &Output, program: &'static str) -> Result<(), ReadError> {
    match output.status {
        0 => Ok(()),
        127 => Err(ReadError::NotInstalled(program)),
        _ => Err(ReadError::Refused(complaint(output))),
    }
}

/// The rows of a script that prints a line for each thing, fields separated by tabs.
fn rows<const N: usize>(text: &str) -> Result<Vec<[&str; N]>, ReadError> {
    text.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            <[&str; N]>::try_from(fields).map_err(|_| ReadError::Garbled(format!("`{line}` has not {N} fields")))
        })
        .collect()
}

/// A field of a row, where `-` stands for none.
fn field<T: std::str::FromStr>(text: &str) -> Result<Option<T>, ReadError> {
    match text {
        "-" => Ok(None),
        text => text.parse().map(Some).map_err(|_| ReadError::Garbled(format!("`{text}` is not expected here"))),
    }
}
