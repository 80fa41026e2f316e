//! What a series printed, as a text that people can read and compare.

use std::fmt::Write;
use std::time::Duration;

use bricklayer::model::{Lease, Outcome};

use super::normal::Normal;
use super::series::{Action, Step};
use super::sides::Side;

/// How often a step is tried that waits for something: a quarter of a second apart.
const TRIES: u32 = 240;
const PAUSE: Duration = Duration::from_millis(250);

/// Runs the series and writes down what became of each step.
pub fn record(side: &impl Side, steps: &[Step]) -> Vec<String> {
    let mut normal = Normal::default();
    steps.iter().map(|step| block(side, step, &mut normal)).collect()
}

fn block(side: &impl Side, step: &Step, normal: &mut Normal) -> String {
    let mut text = format!("{}\n", step.line);
    let began = std::time::Instant::now();
    match &step.action {
        Action::Title => {}
        Action::Hand(hand) => side.by_hand(hand),
        Action::Run { node, owner, command } => {
            let lease = owner.map(|owner| Lease { owner: owner.to_owned(), ttl: Duration::from_secs(600) });
            let outcome = side.run(node, command, lease.as_ref());
            show(&mut text, &outcome.map(|output| normal.output(command, &output)));
        }
        Action::Until { node, command, text: wanted, there } => {
            let reached = (0..TRIES).any(|_| {
                let outcome = side.run(node, command, None);
                // UUIDs are numbered by what is compared alone: how often a wait looks is by chance.
                let output = outcome.map(|output| Normal::default().output(command, &output));
                let seen = output.is_ok_and(|output| output.success() && output.stdout.contains(wanted) == *there);
                if !seen {
                    side.pause(PAUSE);
                }
                seen
            });
            if !reached {
                text += "never\n";
            }
        }
    }
    if began.elapsed() > Duration::from_millis(900) { eprintln!("{:.1} {}", began.elapsed().as_secs_f32(), step.line); }
    text
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
        if line.starts_with("  ") || line == "never" {
            blocks.last_mut().unwrap().push_str(&format!("{line}\n"));
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
