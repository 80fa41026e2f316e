//! What a series printed, as a text that people can read and compare.

use std::fmt::Write;
use std::time::Duration;

use bricklayer::model::{Command, Lease, NodeName, Outcome, Output, Program};

use super::normal::Normal;
use super::series::{Action, EPOCH, Step};
use super::sides::Side;

/// How often a step is tried that waits for something: a quarter of a second apart.
const TRIES: u32 = 240;
/// How often in a row the cluster manager must say the same before it is at rest.
const CALM: u32 = 12;
const PAUSE: Duration = Duration::from_millis(250);

/// Runs the series and writes down what became of each step.
pub fn record(side: &impl Side, steps: &[Step]) -> Vec<String> {
    let mut normal = Normal::default();
    // What follows each other on a node goes there in one round trip, as bricklayer's own commands do.
    let together = |one: &Step, next: &Step| one.place().is_some() && one.place() == next.place();
    let parts = steps.chunk_by(|one, next| together(one, next) && !next.waits_for_epoch());
    parts.flat_map(|part| part_blocks(side, part, &mut normal)).collect()
}

fn part_blocks(side: &impl Side, part: &[Step], normal: &mut Normal) -> Vec<String> {
    let said = match &part[0].action {
        Action::Title => String::new(),
        Action::Hand(hand) => {
            side.by_hand(hand);
            String::new()
        }
        Action::Until { node, command, text, there } => {
            waited(side, || seen(side, node, command).is_some_and(|said| said.contains(text) == *there))
        }
        Action::Settle { node, command } => {
            let (mut last, mut same) = (None, 0);
            waited(side, || {
                let now = seen(side, node, command).filter(|said| !said.contains(" call=\"-1\""));
                same = if now.is_some() && now == last { same + 1 } else { 0 };
                last = now;
                same == CALM
            })
        }
        Action::Run { node, owner, .. } => return run(side, part, node, *owner, normal),
    };
    vec![format!("{}\n{said}", part[0].line)]
}

/// Looks until it is so; says if it never is.
fn waited(side: &impl Side, mut is_so: impl FnMut() -> bool) -> String {
    let reached = (0..TRIES).any(|_| {
        let reached = is_so();
        if !reached {
            side.pause(PAUSE);
        }
        reached
    });
    if reached { String::new() } else { "  never\n".to_owned() }
}

/// What the command prints if it succeeds.
fn seen(side: &impl Side, node: &NodeName, command: &Command) -> Option<String> {
    let output = side.run(node, std::slice::from_ref(command), None).remove(0).ok().filter(Output::success)?;
    // UUIDs are numbered by what is compared alone: how often a wait looks is by chance.
    Some(Normal::default().output(command, &output).stdout)
}

fn run(side: &impl Side, part: &[Step], node: &NodeName, owner: Option<&str>, normal: &mut Normal) -> Vec<String> {
    let mut commands: Vec<Command> = part.iter().filter_map(|step| step.command().cloned()).collect();
    if part[0].waits_for_epoch() {
        let now = epoch(side, node);
        commands[0].args.iter_mut().filter(|arg| *arg == EPOCH).for_each(|arg| arg.clone_from(&now));
    }
    let lease = owner.map(|owner| Lease { owner: owner.to_owned(), ttl: Duration::from_secs(600) });
    let outcomes = side.run(node, &commands, lease.as_ref());
    let told = part.iter().zip(&commands).zip(outcomes);
    told.map(|((step, command), outcome)| {
        let mut text = format!("{}\n", step.line);
        show(&mut text, &outcome.map(|output| normal.output(command, &output)));
        text
    })
    .collect()
}

/// The epoch of the CIB.
fn epoch(side: &impl Side, node: &NodeName) -> String {
    let ask = Command::reads(Program::Tool("cibadmin"), ["-Q"]);
    let told = side.run(node, &[ask], None).remove(0).unwrap().stdout;
    let (_, rest) = told.split_once(" epoch=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

fn show(text: &mut String, outcome: &Outcome) {
    match outcome {
        Err(failure) => _ = writeln!(text, "  {failure}"),
        Ok(output) => {
            let _ = writeln!(text, "  exit {}", output.status);
            for (sign, said) in [("|", &output.stdout), ("!", &output.stderr)] {
                for line in said.split_inclusive('\n') {
                    let end = if line.ends_with('\n') { "" } else { "(no end of line)" };
                    let _ = writeln!(text, "  {sign} {}{end}", line.trim_end_matches('\n'));
                }
            }
        }
    }
}

/// The blocks of a transcript: one for each step.
pub fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with("  ") {
            *blocks.last_mut().unwrap() += &[line, "\n"].concat();
        } else {
            blocks.push(format!("{line}\n"));
        }
    }
    blocks
}

/// The text of a transcript.
pub fn text(blocks: &[String]) -> String {
    blocks.iter().map(|block| if block.starts_with("== ") { format!("\n{block}") } else { block.clone() }).collect()
}

/// What differs, step by step: lines that only `left` has with a `-`, those that only `right` has with a `+`.
pub fn difference(left: &[String], right: &[String]) -> String {
    let mut report = String::new();
    let mut title = "";
    let nothing = String::new();
    for number in 0..left.len().max(right.len()) {
        let (a, b) = (left.get(number).unwrap_or(&nothing), right.get(number).unwrap_or(&nothing));
        if a.starts_with("== ") {
            title = a;
        }
        if a != b {
            let _ = write!(report, "\n{title}{}", changes(a, b));
        }
    }
    report
}

/// The step's own line and the lines that differ.
fn changes(a: &str, b: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    let mut text = format!("{}\n", a.first().or(b.first()).copied().unwrap_or_default());
    let head = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let room = a.len().min(b.len()) - head;
    let tail = a.iter().rev().zip(b.iter().rev()).take(room).take_while(|(a, b)| a == b).count();
    for (sign, lines) in [('-', &a[head..a.len() - tail]), ('+', &b[head..b.len() - tail])] {
        for line in lines {
            let _ = writeln!(text, "{sign} {}", line.trim_start_matches("  "));
        }
    }
    text
}

/// How many steps differ.
pub fn count(left: &[String], right: &[String]) -> usize {
    let steps = left.len().max(right.len());
    (0..steps).filter(|number| left.get(*number) != right.get(*number)).count()
}
