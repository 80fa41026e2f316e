//! What can be asked of a node, and what comes back.
//!
//! A command is data: a named program with its arguments, never a line of shell. The one boundary that runs
//! commands is the transport; everybody else only makes them or reads their output.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::{AbsPath, NodeName, SecretError, SecretRef};

/// A fixed, reviewed `sh` file for what one program cannot do alone; its values are positional arguments.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The name it goes by in plans, logs and in the simulated cluster.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

// The name stands for the script: two scripts of one name do not exist.
impl PartialEq for Script {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Script {}
impl PartialOrd for Script {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Script {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}
impl Serialize for Script {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}
impl JsonSchema for Script {
    fn schema_name() -> Cow<'static, str> {
        "Script".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "The name of a fixed script that bricklayer sends along." })
    }
}

/// What is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Program {
    /// A program of the node, found on its `PATH`.
    Tool(&'static str),
    /// One of bricklayer's own scripts, sent along.
    Script(Script),
}

impl Program {
    /// The name in plans and logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tool(name) => name,
            Self::Script(script) => script.name,
        }
    }
}

/// What a command reads from its standard input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stdin {
    /// Nothing: `/dev/null`.
    Nothing,
    /// This text.
    Text(String),
    /// A secret. It is read by the transport, at the moment in which it goes to the node.
    Secret(SecretRef),
    /// A file of another node, as base64. It is read by the transport, and kept nowhere on the way.
    FileOf {
        /// The node that has it.
        node: NodeName,
        /// Where it lies there.
        path: AbsPath,
    },
}

/// Whether a command may alter the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Effect {
    /// It only looks.
    Reads,
    /// It may change something: it is logged, journalled and runs under the lease.
    Changes,
}

/// One program call on one node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// What is run.
    pub program: Program,
    /// Its arguments, each one word whatever it holds.
    pub args: Vec<String>,
    /// Its standard input.
    pub stdin: Stdin,
    /// After this long it is ended on the node and counts as timed out. Whole seconds.
    pub deadline: Duration,
    /// Whether it may alter the node.
    pub effect: Effect,
    /// The daemon that it asks, where it would wait for one that does not run.
    #[serde(skip)]
    pub asks: Option<Daemon>,
}

/// A daemon that is asked over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Daemon {
    /// Where it listens, as far as is known: one that was built elsewhere may listen elsewhere.
    pub socket: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// What who asks it says on its standard output in the end, if it does not run.
    pub off: &'static str,
}

/// How long a command that only looks may take unless it says otherwise.
const READ_DEADLINE: Duration = Duration::from_secs(20);
/// How long a command that changes something may take unless it says otherwise: above the 120 s after which
/// the gluster command line gives up by itself.
const CHANGE_DEADLINE: Duration = Duration::from_secs(150);

impl Command {
    /// A command that only looks, with the usual deadline.
    pub fn reads(program: Program, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::with(program, args, READ_DEADLINE, Effect::Reads)
    }

    /// A command that may change the node, with the usual deadline.
    pub fn changes(program: Program, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::with(program, args, CHANGE_DEADLINE, Effect::Changes)
    }

    fn with(
        program: Program,
        args: impl IntoIterator<Item = impl Into<String>>,
        deadline: Duration,
        effect: Effect,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program, args, stdin: Stdin::Nothing, deadline, effect, asks: None }
    }

    /// The same command, which asks `daemon` and is not run, but taken for answered, where that does not run.
    #[must_use]
    pub fn asking(self, daemon: Daemon) -> Self {
        Self { asks: Some(daemon), ..self }
    }

    /// The same command with another deadline.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// The same command with `text` on its standard input.
    #[must_use]
    pub fn with_input(self, text: impl Into<String>) -> Self {
        Self { stdin: Stdin::Text(text.into()), ..self }
    }

    /// The same command with a secret on its standard input.
    #[must_use]
    pub fn with_secret(self, secret: SecretRef) -> Self {
        Self { stdin: Stdin::Secret(secret), ..self }
    }

    /// The same command with the file `path` of `node` on its standard input, as base64.
    #[must_use]
    pub fn with_file_of(self, node: NodeName, path: AbsPath) -> Self {
        Self { stdin: Stdin::FileOf { node, path }, ..self }
    }
}

impl fmt::Display for Stdin {
    /// What is read, in a few words; never the text itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Text(text) => match text.lines().count() {
                1 => f.write_str("1 line"),
                lines => write!(f, "{lines} lines"),
            },
            Self::Secret(secret) => write!(f, "{secret}"),
            Self::FileOf { node, path } => write!(f, "{path} of {node}"),
        }
    }
}

impl fmt::Display for Command {
    /// The command as a person would type it; for reading only, nothing runs this text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program.name())?;
        for arg in &self.args {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:=,+@%".contains(&b);
            if !arg.is_empty() && arg.bytes().all(plain) {
                write!(f, " {arg}")?;
            } else {
                write!(f, " '{}'", arg.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// What a finished program left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Its exit status; 128 + N if signal N ended it, 127 if the node has no such program.
    pub status: i32,
    /// Its standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Its standard error, invalid UTF-8 replaced.
    pub stderr: String,
}

impl Output {
    /// Whether the program said that all went well.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == 0
    }
}

/// Why a command has no output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Failure {
    /// No connection: nothing was run.
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    /// The node is not the one it should be: nothing was run, and nothing must be until a person has looked.
    #[error("its ssh host key cannot be trusted: {0}")]
    Untrusted(String),
    /// The deadline passed. What the command did until then is not known.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection broke. Whether the command ran is not known.
    #[error("the connection broke: {0}")]
    Lost(String),
    /// Another bricklayer holds the node: nothing was run.
    #[error("the lease is held by {0}")]
    Leased(String),
    /// A secret that belongs to the command cannot be had: it was not run.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// What became of one command.
pub type Outcome = Result<Output, Failure>;

/// The right to change nodes, written on each of them in `/run/bricklayer/lease`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Lease {
    /// Who holds it: host, process and a random part.
    pub owner: String,
    /// How long after taking or renewing it it lapses, by the node's own uptime.
    pub ttl: Duration,
}

/// Why an output could not be understood, as far as the program's family can tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The node has no such program.
    #[error("{0} is not installed")]
    NotInstalled(&'static str),
    /// The program's daemon is not running.
    #[error("{0} is not running")]
    Off(&'static str),
    /// The program answered that it could not.
    #[error("{0}")]
    Refused(String),
    /// The output is not what this program prints.
    #[error("unexpected output: {0}")]
    Garbled(String),
}

/// A question with the reader of its answer.
pub struct Query<T> {
    /// What to run. It only reads.
    pub command: Command,
    /// How to read what it prints.
    pub read: fn(&Output) -> Result<T, ReadError>,
}

/// Where an answer came from, for messages.
impl<T> Query<T> {
    /// The question as a person would ask it.
    #[must_use]
    pub fn asked_of(&self, node: &NodeName) -> String {
        format!("`{}` on {node}", self.command)
    }
}
