//! The series as it is read from `series.txt`; how it is written is said there.

use bricklayer::model::{Command, NodeName, Program};
use bricklayer::tools::scripts;

const TEXT: &str = include_str!("series.txt");
/// The programs of the node that bricklayer calls.
const TOOLS: [&str; 4] = ["cat", "findmnt", "gluster", "systemctl"];

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

    /// Where it is run and under whose lease, if it is compared.
    pub fn place(&self) -> Option<(&NodeName, Option<&str>)> {
        match &self.action {
            Action::Run { node, owner, .. } => Some((node, *owner)),
            _ => None,
        }
    }
}

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
}

/// All steps, in order.
pub fn series() -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = TEXT.lines().peekable();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut input = String::new();
        while let Some(text) = lines.next_if(|next| next.starts_with("    ") || (next.is_empty() && !input.is_empty()))
        {
            input += text.strip_prefix("    ").unwrap_or_default();
            input.push('\n');
        }
        // The empty line before the next title belongs to nobody.
        while input.ends_with("\n\n") {
            input.pop();
        }
        steps.push(Step { line, action: action(line, &input) });
    }
    steps
}

fn action(line: &'static str, input: &str) -> Action {
    if line.starts_with("== ") {
        Action::Title
    } else if let Some(hand) = line.strip_prefix("hand ") {
        Action::Hand(hand_action(hand))
    } else if let Some(rest) = line.strip_prefix("until ") {
        let (call, text) = rest.split_once(" ~ ").or_else(|| rest.split_once(" !~ ")).unwrap();
        let (node, command) = call.split_once(": ").unwrap();
        Action::Until { node: name(node), command: command_of(command, ""), text, there: rest.contains(" ~ ") }
    } else {
        let (place, call) = line.split_once(": ").unwrap();
        let (node, owner) = place.split_once(" as ").map_or((place, None), |(node, owner)| (node, Some(owner)));
        Action::Run { node: name(node), owner, command: command_of(call, input) }
    }
}

fn hand_action(words: &'static str) -> Hand {
    match words.split(' ').collect::<Vec<_>>()[..] {
        ["kill-brick", node, host, path] => Hand::KillBrick { node: name(node), host, path },
        ["write", node, count] => Hand::Write { node: name(node), count: count.parse().unwrap() },
        ["cut", node] => Hand::Cut(name(node)),
        ["boot", node] => Hand::Boot(name(node)),
        _ => panic!("`{words}` is nothing that can be done by hand"),
    }
}

fn command_of(call: &str, input: &str) -> Command {
    let mut words = words(call);
    let name = words.remove(0);
    let tool = TOOLS.iter().find(|tool| **tool == name).map(|tool| Program::Tool(tool));
    let script = scripts::ALL.iter().find(|script| script.name == name).map(|script| Program::Script(*script));
    let program = tool.or(script).unwrap_or_else(|| panic!("bricklayer calls no `{name}`"));
    if name == "gluster" {
        words.splice(0..0, ["--mode=script".to_owned(), "--xml".to_owned()]);
    }
    let command = Command::changes(program, words);
    if input.is_empty() { command } else { command.with_input(input) }
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
