//! A batch: how commands become one `sh` program, and how its reply becomes their outcomes.
//!
//! The program goes to `sh` through standard input, whole: no value is ever an argument of a shell, and there is no
//! limit to its length. All of it is one group `{ }`, so that a shell that does not get its last byte runs nothing.
//! On the node it keeps what commands print in a private directory, waits for them with a deadline of its own (a
//! program that hangs in the kernel cannot be ended, and must not take the answers of the others with it), and
//! sends everything in one go. `batch.sh` is the part that is the same in every batch.
//!
//! The parts of a reply are divided by a random word: `begin`, then for each command its head
//! (`INDEX STATUS FROM TO`, the times by the node's uptime), its output and its errors, then `end`. Lengths would not
//! do: a daemon that a command has started may still be writing while the reply is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::quote::quoted;
use crate::model::{Command, Daemon, Effect, Failure, Lease, Outcome, Output, Program, Script, Stdin};

/// The part that is the same in every batch.
const COMMON: &str = include_str!("batch.sh");
/// The script that takes the lease, and so cannot be asked for it.
const LEASE_SCRIPT: &str = "lease";
/// The longest output or errors of one command; `batch.sh` cuts one byte behind it.
const STREAM_MAX: usize = 16 << 20;
/// How long after its deadline a program that will not end is killed; `batch.sh` says so to `timeout`.
const KILL_AFTER: Duration = Duration::from_secs(5);
/// What the node adds to the longest command before it leaves behind what has not ended.
const NODE_SLACK: Duration = Duration::from_secs(2);
/// What the operator adds to that before it gives up on the node.
const OPERATOR_SLACK: Duration = Duration::from_secs(3);

/// Commands on their way to a node.
pub(super) struct Batch<'a> {
    commands: &'a [Command],
    nonce: String,
    /// What its directory on the node is called by; only the tests look for it.
    #[cfg(test)]
    place: String,
    program: String,
    patience: Duration,
}

/// What a reply tells of one command.
#[derive(Debug)]
pub(super) struct Told {
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took on the node, if it ended there.
    pub took: Option<Duration>,
}

impl<'a> Batch<'a> {
    /// Makes the program for `commands`; with a lease, changes run only while the node says that it is held.
    pub fn new(commands: &'a [Command], lease: Option<&Lease>) -> Self {
        // Random enough for a word that must not occur by chance, and for a name that nobody can take before us.
        let word = || RandomState::new().hash_one(0);
        let [nonce, place] = [(); 2].map(|()| format!("{:016x}{:016x}", word(), word()));
        let node_patience = longest(commands) + KILL_AFTER + NODE_SLACK;
        let program = program(commands, lease, [&nonce, &place], node_patience);
        Self {
            commands,
            nonce,
            #[cfg(test)]
            place,
            program,
            patience: node_patience + OPERATOR_SLACK,
        }
    }

    /// The program for `sh`.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// How long to wait for the reply.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// The longest reply that can be meant for us, some noise in front of it included.
    pub fn reply_max(&self) -> u64 {
        (self.commands.len() * 2 + 1) as u64 * (STREAM_MAX as u64 + 4096)
    }

    /// Whether the program was started: from then on commands may have been run.
    pub fn begun(&self, reply: &[u8]) -> bool {
        split(reply, self.nonce.as_bytes()).nth(1).is_some()
    }

    /// Reads a reply, which may end early; `missing` says what became of a command that it does not tell of.
    pub fn read(&self, reply: &[u8], missing: impl Fn(&Command) -> Failure) -> Vec<Told> {
        let mut told = self.told(reply);
        let missed = |command| Told { outcome: Err(missing(command)), took: None };
        let each = self.commands.iter().enumerate();
        each.map(|(index, command)| told.remove(&index).unwrap_or_else(|| missed(command))).collect()
    }

    fn told(&self, reply: &[u8]) -> BTreeMap<usize, Told> {
        let parts: Vec<&[u8]> = split(reply, self.nonce.as_bytes()).skip(2).collect();
        // What no mark follows may have been cut off.
        let whole = parts[..parts.len().saturating_sub(1)].chunks_exact(2);
        whole.filter_map(|parts| self.told_of_one(parts[0], parts[1])).collect()
    }

    fn told_of_one(&self, head_and_out: &[u8], err: &[u8]) -> Option<(usize, Told)> {
        let head_end = head_and_out.iter().position(|byte| *byte == b'\n')?;
        let (head, out) = (&head_and_out[..head_end], &head_and_out[head_end + 1..]);
        let (index, head) = std::str::from_utf8(head).ok()?.split_once(' ')?;
        let index: usize = index.parse().ok()?;
        let command = self.commands.get(index)?;
        let (status, rest) = head.split_once(' ').unwrap_or((head, ""));
        let outcome = match status {
            "late" => Err(Failure::TimedOut(command.deadline)),
            "lost" => Err(Failure::Lost("the node could not keep its output".to_owned())),
            "leased" => Err(Failure::Leased(rest.to_owned())),
            _ if out.len() > STREAM_MAX || err.len() > STREAM_MAX => {
                Err(Failure::Lost("it printed more than 16 MiB".to_owned()))
            }
            status => {
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                Ok(Output { status: status.parse().ok()?, stdout: text(out), stderr: text(err) })
            }
        };
        Some((index, Told { outcome, took: between(rest) }))
    }
}

/// The time between two readings of an uptime, `FROM TO`.
fn between(times: &str) -> Option<Duration> {
    let (from, to) = times.split_once(' ')?;
    Duration::try_from_secs_f64(to.parse::<f64>().ok()? - from.parse::<f64>().ok()?).ok()
}

/// The pieces of `text` between the occurrences of `mark`.
fn split<'t>(text: &'t [u8], mark: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let at = text.windows(mark.len()).position(|window| window == mark);
        rest = at.map(|at| &text[at + mark.len()..]);
        Some(&text[..at.unwrap_or(text.len())])
    })
}

/// What `timeout` takes: whole seconds, and not 0, which it reads as "for ever".
fn seconds(deadline: Duration) -> u64 {
    (deadline.as_secs() + u64::from(deadline.subsec_nanos() > 0)).max(1)
}

/// How long the commands may take: those that look run side by side, those that change one after the other.
fn longest(commands: &[Command]) -> Duration {
    let deadline = |command: &Command| Duration::from_secs(seconds(command.deadline));
    let of = |effect| commands.iter().filter(move |command| command.effect == effect).map(deadline);
    let changes = of(Effect::Changes).map(|one| one + KILL_AFTER).sum::<Duration>();
    of(Effect::Reads).max().unwrap_or_default().max(changes.saturating_sub(KILL_AFTER))
}

fn program(commands: &[Command], lease: Option<&Lease>, [nonce, place]: [&str; 2], patience: Duration) -> String {
    let count = commands.len();
    let patience = patience.as_secs();
    // A holder that cannot be written is one that no node will name.
    let owner = lease.and_then(|lease| quoted(&lease.owner)).unwrap_or_else(|| "''".to_owned());
    let mut program =
        format!("{{\nnonce={nonce} place={place} count={count} patience={patience} lease={owner}\n{COMMON}");
    for script in scripts(commands) {
        let Script { name, text } = script;
        let text = quoted(text).unwrap_or_default();
        let _ = writeln!(program, "printf %s {text} >\"$dir/{name}\"");
    }
    let (mut reads, mut changes) = (String::new(), String::new());
    for (index, command) in commands.iter().enumerate() {
        let guarded = lease.is_some() && command.effect == Effect::Changes && command.program.name() != LEASE_SCRIPT;
        let how = if guarded { "guarded".to_owned() } else { asking(command).unwrap_or_else(|| "run".to_owned()) };
        let call = call(index, command, &how);
        let _ = match command.effect {
            Effect::Reads => writeln!(reads, "{call} &"),
            Effect::Changes => writeln!(changes, "{call}"),
        };
    }
    if !changes.is_empty() {
        changes = format!("{{\n{changes}}} &\n");
    }
    // Each command writes a byte into the pipe when it has ended; the programs themselves do not hold it.
    program.push_str("{\n:\n");
    program.push_str(&reads);
    program.push_str(&changes);
    program.push_str("} 3>&1 </dev/null >/dev/null 2>&1 |\n");
    program.push_str("timeout -k 1 \"$patience\" head -c \"$count\" >/dev/null 2>&1\nfinish $?\n}\n");
    program
}

/// The scripts that are called, each once.
fn scripts(commands: &[Command]) -> BTreeSet<Script> {
    let script = |command: &Command| match command.program {
        Program::Script(script) => Some(script),
        Program::Tool(_) => None,
    };
    commands.iter().filter_map(script).collect()
}

/// How a command is run that asks a daemon.
fn asking(command: &Command) -> Option<String> {
    let Daemon { socket, unit, off } = command.asks?;
    Some(format!("asking {} {} {}", quoted(socket)?, quoted(unit)?, quoted(off)?))
}

/// The call of one command: `run`, `asking` or `guarded`, with its standard input in front.
fn call(index: usize, command: &Command, how: &str) -> String {
    let words = command.args.iter().map(|arg| quoted(arg)).collect::<Option<Vec<_>>>();
    let input = match &command.stdin {
        Stdin::Nothing => Some(None),
        Stdin::Text(text) => quoted(text).map(Some),
        // Put in place by who reads secrets, before anything comes here.
        Stdin::Secret(_) | Stdin::FileOf { .. } => {
            return format!("{how} {index} 1 sh -c 'echo \"its input was not read\" >&2; exit 126'");
        }
    };
    let (Some(words), Some(input)) = (words, input) else {
        // No program can be given a NUL. As with any program that cannot be executed, the status is 126.
        return format!("{how} {index} 1 sh -c 'echo \"a value holds a NUL byte\" >&2; exit 126'");
    };
    let program = match command.program {
        Program::Tool(name) => quoted(name).unwrap_or_default(),
        Program::Script(Script { name, .. }) => format!("sh \"$dir/{name}\""),
    };
    let mut call = format!("{how} {index} {} {program}", seconds(command.deadline));
    for word in words {
        call.push(' ');
        call.push_str(&word);
    }
    // `printf` is a part of the shell: what it writes is in no process list.
    match input {
        Some(text) => format!("printf %s {text} | {call}"),
        None => call,
    }
}

#[cfg(test)]
mod tests;
