//! What a node's own logs tell of the past: its journal, for Pacemaker and for when it was on, and the log of its
//! self-heal daemon. They are kept by the daemons themselves, so that the past is known although no bricklayer ran.

use jiff::{SignedDuration, Timestamp};

use super::{scripts, succeeded};
use crate::model::{Command, Output, Program, Query, ReadError};

/// The part of Pacemaker that tells who is a member and what was done to resources.
const CONTROLLER: &str = "pacemaker-controld";
/// The part that fences.
const FENCER: &str = "pacemaker-fenced";

/// What one node has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// What its clock showed.
    pub clock: Timestamp,
    /// When it was on, the earliest first: the first and the last entry of each boot's journal.
    pub boots: Vec<(Timestamp, Timestamp)>,
    /// What its cluster manager told.
    pub told: Vec<(Timestamp, Told)>,
    /// What its self-heal daemon has mended, in pieces of at most ten seconds.
    pub healed: Vec<Healed>,
}

/// One thing that the cluster manager told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A node was a member no more.
    Lost(String),
    /// A node was a member.
    Member(String),
    /// A node was fenced, or not.
    Fenced {
        /// The node.
        node: String,
        /// `reboot` or `off`.
        action: String,
        /// Who did it.
        by: String,
        /// How it ended, in Pacemaker's words.
        outcome: String,
    },
    /// An operation of a resource ended on the node that tells.
    Ended {
        /// `start`, `stop` or `monitor`.
        operation: String,
        /// The resource.
        resource: String,
        /// How it ended, in Pacemaker's words: `ok`, `not running`, ….
        outcome: String,
    },
}

/// What a self-heal daemon has mended in a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healed {
    /// The volume.
    pub volume: String,
    /// The first entry,
    pub from: Timestamp,
    /// and the last.
    pub to: Timestamp,
    /// How many.
    pub entries: u64,
}

/// Asks a node for its past: of the last 30 days, and no more than its logs still hold.
#[must_use]
pub fn look() -> Query<Past> {
    Query { command: Command::reads(Program::Script(scripts::LOOK_HISTORY), [] as [&str; 0]), read }
}

fn read(output: &Output) -> Result<Past, ReadError> {
    succeeded(output, "journalctl")?;
    let mut past = Past::default();
    for line in output.stdout.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        match fields[..] {
            ["clock", now] => past.clock = epoch(now)?,
            ["boot", first, last] => past.boots.push((epoch(first)?, epoch(last)?)),
            ["told", at, teller, text] => {
                if let Some(told) = told(teller, text) {
                    past.told.push((epoch(at)?, told));
                }
            }
            ["healed", volume, from, to, entries] => past.healed.push(Healed {
                volume: volume.to_owned(),
                from: moment(from)?,
                to: moment(to)?,
                entries: entries.parse().map_err(|_| garbled(entries))?,
            }),
            _ => return Err(garbled(line)),
        }
    }
    past.boots.sort_unstable();
    past.told.sort_by_key(|(at, _)| *at);
    past.healed.sort_by_key(|healed| healed.from);
    Ok(past)
}

fn garbled(text: &str) -> ReadError {
    ReadError::Garbled(format!("`{text}` is not expected here"))
}

/// Seconds since the epoch, with as many digits as journalctl(1) gives.
fn epoch(text: &str) -> Result<Timestamp, ReadError> {
    let (seconds, digits) = text.split_once('.').unwrap_or((text, "0"));
    let micros: i64 = format!("{digits:0<6.6}").parse().map_err(|_| garbled(text))?;
    let seconds = seconds.parse().map_err(|_| garbled(text))?;
    let at = Timestamp::from_second(seconds).map_err(|_| garbled(text))?;
    at.checked_add(SignedDuration::from_micros(micros)).map_err(|_| garbled(text))
}

fn moment(text: &str) -> Result<Timestamp, ReadError> {
    text.parse().map_err(|_| garbled(text))
}

/// What a line of Pacemaker's says, if it is one that counts. The words are those of its 2.1 (`update_peer_state_iter` in
/// lib/cluster, `remote_op_done` in daemons/fenced, `log_executor_event` in daemons/controld).
fn told(teller: &str, text: &str) -> Option<Told> {
    if let Some(rest) = text.strip_prefix("Node ").filter(|_| teller == CONTROLLER) {
        let (node, state) = rest.split_once(" state is now ")?;
        return match state.split(' ').next()? {
            "lost" => Some(Told::Lost(node.to_owned())),
            "member" => Some(Told::Member(node.to_owned())),
            _ => None,
        };
    }
    if let Some(rest) = text.strip_prefix("Result of ").filter(|_| teller == CONTROLLER) {
        let (operation, rest) = rest.split_once(" operation for ")?;
        let (resource, rest) = rest.split_once(" on ")?;
        let (_, outcome) = rest.split_once(": ")?;
        return Some(Told::Ended {
            operation: operation.to_owned(),
            resource: resource.to_owned(),
            outcome: bare(outcome),
        });
    }
    // The device's own result, `Operation 'reboot' [PID] targeting …`, is not the whole operation's.
    let rest = text.strip_prefix("Operation '").filter(|_| teller == FENCER)?;
    let (action, rest) = rest.split_once("' targeting ")?;
    let (node, rest) = rest.split_once(" by ")?;
    let (by, rest) = rest.split_once(" for ")?;
    let (_, outcome) = rest.split_once(": ")?;
    Some(Told::Fenced { node: node.to_owned(), action: action.to_owned(), by: by.to_owned(), outcome: bare(outcome) })
}

/// Without what Pacemaker adds for its developers.
fn bare(text: &str) -> String {
    text.split(" | ").next().unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn what_real_logs_tell_of_a_power_cut_is_read() {
        let past = read(&sample::read("95-history/survivor.txt")).unwrap();
        let lost: Vec<&str> = past
            .told
            .iter()
            .filter_map(|(_, told)| if let Told::Lost(node) = told { Some(node.as_str()) } else { None })
            .collect();
        assert_eq!(lost, ["node01"]);
        let fenced = past.told.iter().find_map(|(at, told)| matches!(told, Told::Fenced { .. }).then_some((at, told)));
        let (at, fenced) = fenced.unwrap();
        assert_eq!(at.to_string(), "2026-11-27T13:23:41.927012Z");
        let Told::Fenced { node, action, by, outcome } = fenced else { unreachable!() };
        assert_eq!([node, action, by, outcome], ["node01", "reboot", "node02", "OK (complete)"]);
        let failed = read(&sample::read("95-history/lost.txt")).unwrap();
        assert_eq!(failed.boots.len(), 2, "the second is the one after the power cut");
        assert_eq!(past.healed.last().unwrap().entries, 38);
    }

    #[test]
    fn lines_in_other_words_are_no_reason_to_fail_and_lines_in_another_form_are() {
        let output = |stdout: &str| Output { status: 0, stdout: stdout.into(), stderr: String::new() };
        let strange = "told\t1795785818.8\tpacemaker-controld\tNode node01 state is now in two minds\n";
        assert_eq!(read(&output(strange)).unwrap(), Past::default());
        assert!(read(&output("healed\tdata00\tyesterday\ttoday\t3\n")).is_err());
        assert!(read(&Output { status: 127, ..output("") }).is_err());
    }
}
