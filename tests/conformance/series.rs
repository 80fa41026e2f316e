//! The series as they are read from their files; how they are written is said in `series.txt`.

use std::collections::BTreeMap;

use bricklayer::model::{AbsPath, Command, NodeName, Program};
use bricklayer::tools::scripts;

/// The programs of the node that bricklayer calls.
const TOOLS: [&str; 13] = [
    "cat",
    "cibadmin",
    "corosync-cfgtool",
    "corosync-cmapctl",
    "crm_mon",
    "crm_resource",
    "findmnt",
    "getfattr",
    "gluster",
    "ip",
    "runuser",
    "stonith_admin",
    "systemctl",
];

/// The story of one cluster, and what the real programs printed in it.
pub struct Series {
    text: &'static str,
    /// The file of the recording.
    pub recorded: &'static str,
    /// The nodes that take part.
    pub nodes: &'static [&'static str],
}

/// Volumes and mounts.
pub const STORAGE: Series = Series {
    text: include_str!("series.txt"),
    recorded: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/real.txt"),
    nodes: &["node01", "node02", "node03"],
};

/// The cluster manager and a service.
pub const MANAGER: Series = Series {
    text: include_str!("series-ha.txt"),
    recorded: concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/real-ha.txt"),
    nodes: &["node01", "node02"],
};

/// A line of the series.
pub struct Step {
    /// The line itself.
    pub line: &'static str,
    pub action: Action,
}

pub enum Action {
    /// The cluster has come to another state.
    Title,
    /// A command whose outcome is compared.
    Run { node: NodeName, owner: Option<&'static str>, command: Command },
    /// A command that is run until its output has the text, or until it has it no more.
    Until { node: NodeName, command: Command, text: &'static str, there: bool },
    /// The cluster manager is left alone until it has nothing more to do.
    Settle { node: NodeName, command: Command },
    /// What happens without a program of ours.
    Hand(Hand),
}

impl Step {
    /// What is compared, if anything.
    pub fn command(&self) -> Option<&Command> {
        match &self.action {
            Action::Run { command, .. } => Some(command),
            _ => None,
        }
    }

    /// Whether it is only known on the spot what it says.
    pub fn waits_for_epoch(&self) -> bool {
        self.command().is_some_and(|command| command.args.iter().any(|arg| arg == EPOCH))
    }

    /// Where it is run and under whose lease, if it is compared.
    pub fn place(&self) -> Option<(&NodeName, Option<&str>)> {
        match &self.action {
            Action::Run { node, owner, .. } => Some((node, *owner)),
            _ => None,
        }
    }
}

/// The word that stands for the epoch that the CIB has when it comes to the command.
pub const EPOCH: &str = "EPOCH";

/// What happens without a program of ours.
pub enum Hand {
    /// The process of a brick is killed.
    KillBrick { node: NodeName, host: &'static str, path: &'static str },
    /// Files are written through the mount of the volume.
    Write { node: NodeName, count: u64 },
    /// A power cut.
    Cut(NodeName),
    /// The power is back.
    Boot(NodeName),
    /// The key by which the fence device lets a node in is put there.
    PlaceFenceKey(NodeName),
    /// The process of the database server is killed.
    KillDatabase(NodeName),
}

impl Series {
    /// All steps, in order.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut texts = BTreeMap::new();
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut input = String::new();
            while let Some(text) =
                lines.next_if(|next| next.starts_with("    ") || (next.is_empty() && !input.is_empty()))
            {
                input += text.strip_prefix("    ").unwrap_or_default();
                input.push('\n');
            }
            // The empty line before the next title belongs to nobody.
            while input.ends_with("\n\n") {
                input.pop();
            }
            if let Some(name) = line.strip_prefix("text ") {
                texts.insert(name, input);
            } else {
                steps.push(Step { line, action: action(line, &input, &texts) });
            }
        }
        steps
    }
}

type Texts = BTreeMap<&'static str, String>;

fn action(line: &'static str, input: &str, texts: &Texts) -> Action {
    if line.starts_with("== ") {
        Action::Title
    } else if let Some(hand) = line.strip_prefix("hand ") {
        Action::Hand(hand_action(hand))
    } else if let Some(node) = line.strip_prefix("settle ") {
        Action::Settle { node: name(node), command: command_of("crm_mon -1 --output-as=xml") }
    } else if let Some(rest) = line.strip_prefix("until ") {
        let (call, text) = rest.split_once(" ~ ").or_else(|| rest.split_once(" !~ ")).unwrap();
        let (node, command) = call.split_once(": ").unwrap();
        Action::Until { node: name(node), command: command_of(command), text, there: rest.contains(" ~ ") }
    } else {
        let (place, call) = line.split_once(": ").unwrap();
        let (node, owner) = place.split_once(" as ").map_or((place, None), |(node, owner)| (node, Some(owner)));
        let command = match call.split_once(" < ") {
            Some((call, source)) => fed(command_of(call), source, texts),
            None if input.is_empty() => command_of(call),
            None => command_of(call).with_input(input),
        };
        Action::Run { node: name(node), owner, command }
    }
}

/// The command with a file of another node, or a text whose gaps are filled in, on its standard input.
fn fed(command: Command, source: &str, texts: &Texts) -> Command {
    if let Some((node, path)) = source.split_once(':') {
        return command.with_file_of(name(node), AbsPath::new(path).unwrap());
    }
    let mut words = source.split(' ');
    let text = &texts[words.next().unwrap()];
    let filled = words.fold(text.clone(), |text, word| {
        let (gap, value) = word.split_once('=').unwrap();
        let gap = format!("{{{gap}}}");
        assert!(text.contains(&gap), "the text has no gap {gap}");
        text.replace(&gap, value)
    });
    assert!(!filled.contains('{'), "a gap is left in `{source}`");
    command.with_input(filled)
}

fn hand_action(words: &'static str) -> Hand {
    match words.split(' ').collect::<Vec<_>>()[..] {
        ["kill-brick", node, host, path] => Hand::KillBrick { node: name(node), host, path },
        ["write", node, count] => Hand::Write { node: name(node), count: count.parse().unwrap() },
        ["cut", node] => Hand::Cut(name(node)),
        ["boot", node] => Hand::Boot(name(node)),
        ["place-fence-key", node] => Hand::PlaceFenceKey(name(node)),
        ["kill-database", node] => Hand::KillDatabase(name(node)),
        _ => panic!("`{words}` is nothing that can be done by hand"),
    }
}

fn command_of(call: &str) -> Command {
    let mut words = words(call);
    let name = words.remove(0);
    let tool = TOOLS.iter().find(|tool| **tool == name).map(|tool| Program::Tool(tool));
    let script = scripts::ALL.iter().find(|script| script.name == name).map(|script| Program::Script(*script));
    let program = tool.or(script).unwrap_or_else(|| panic!("bricklayer calls no `{name}`"));
    if name == "gluster" {
        words.splice(0..0, ["--mode=script".to_owned(), "--xml".to_owned()]);
    }
    Command::changes(program, words)
}

/// The words of a line, in which ' quotes as in sh.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (number, part) in line.split('\'').enumerate() {
        let mut pieces = if number % 2 == 1 { vec![part] } else { part.split(' ').collect() }.into_iter();
        words.last_mut().unwrap().push_str(pieces.next().unwrap());
        words.extend(pieces.map(str::to_owned));
    }
    words
}

pub fn name(node: &str) -> NodeName {
    NodeName::new(node).unwrap()
}
