//! What is taken out of the outputs of Corosync, Pacemaker and the database's scripts.

use bricklayer::model::Command;

use super::{by_line, sorted};

/// When something happened and how long it took.
const TIMES: [&str; 9] = [
    "cib-last-written",
    "completed",
    "exec",
    "exec-time",
    "last-failure",
    "last-rc-change",
    "last_updated",
    "queue-time",
    "time",
];
/// What an operation in the status is known by. The rest of it a controller notes for itself: hashes, times, numbers.
const OPERATION: [&str; 8] =
    ["id", "operation_key", "operation", "exit-reason", "on_node", "rc-code", "op-status", "interval"];
/// What the state of a node says, in whatever order it has come to say it.
const STATE: [&str; 6] = ["id", "uname", "in_ccm", "crmd", "join", "expected"];

/// What a program printed, without what is its moment's alone.
pub fn stdout(command: &Command, text: &str) -> String {
    match command.program.name() {
        // What push-cib prints is a CIB that was refused.
        "cibadmin" | "push-cib" => {
            let text = sorted(&by_line(text, cib_line), &["lrm_rsc_op"]);
            sorted(&sorted(&text, &["lrm_resource"]), &["lrm", "transient_attributes"])
        }
        "crm_mon" => sorted(&by_line(text, mon_line), &["resource_history"]),
        "try-cib" => simulation(text),
        "corosync-cmapctl" => by_line(text, cmap_line),
        "ip" => by_line(text, interface_line),
        "look-server" => by_line(text, server_line),
        _ => text.to_owned(),
    }
}

/// What it complained of, without how often attributes were changed while a patch was made.
pub fn stderr(command: &Command, text: &str) -> String {
    let late = |line: &&str| *line == "Call cib_apply_diff failed: Update was older than existing configuration";
    if command.program.name() != "push-cib" {
        return text.to_owned();
    }
    text.lines().filter(|line| !late(line)).fold(String::new(), |text, line| text + line + "\n")
}

/// Whether a field of a line is one that everybody draws for himself, and what stands for it.
pub fn drawn(command: &Command) -> Option<(usize, &'static str)> {
    match command.program.name() {
        "look-authkey" => Some((0, "DIGEST")),
        "look-database" => Some((3, "IDENTIFIER")),
        _ => None,
    }
}

/// What would be done, without the name of the copy that was asked about and without the operations that it takes, probes
/// among them: their order is that of hash tables.
fn simulation(text: &str) -> String {
    let mut within = false;
    let kept = text.lines().filter(|line| {
        let word = line.trim();
        within = (within || word == "<transition>") && word != "</transition>";
        !within || word == "<transition>" || word.starts_with("<fencing_action ")
    });
    let named = |line: &str| {
        attributes(line, |name, value| match name {
            "request" => value.split_once(" --xml-file=").map(|(program, _)| program.to_owned()),
            _ => None,
        })
    };
    let text = kept.fold(String::new(), |text, line| text + &named(line) + "\n");
    text.replace("  <transition>\n  </transition>\n", "  <transition/>\n")
}

fn cib_line(line: &str) -> String {
    let refreshed = line.contains(" name=\"last-lrm-refresh\" ");
    let line = attributes(line, |name, value| match name {
        "value" if refreshed => Some("TIME".to_owned()),
        "num_updates" => Some("NUMBER".to_owned()),
        _ => timeless(name, value),
    });
    match line.trim_start().split(' ').next() {
        Some("<lrm_rsc_op") => only(&line, &OPERATION),
        Some("<node_state") => only(&line, &STATE),
        _ => line,
    }
}

fn mon_line(line: &str) -> String {
    let failure = line.trim_start().starts_with("<failure ");
    attributes(line, |name, value| match name {
        "call" if value != "-1" => Some("CALL".to_owned()),
        "queued" if failure => Some("TIME".to_owned()),
        // The process that asked for a fencing.
        "client" => value.rsplit_once('.').map(|(client, _)| format!("{client}.PID")),
        _ => timeless(name, value),
    })
}

fn timeless(name: &str, value: &str) -> Option<String> {
    (TIMES.contains(&name) && !value.is_empty()).then(|| "TIME".to_owned())
}

/// How many messages each service has had, and the number of a group of this machine.
fn cmap_line(line: &str) -> String {
    match line.split_once(" (").and_then(|(key, rest)| Some((key, rest.split_once(" = ")?.0))) {
        Some((key, kind)) if matches!(key.rsplit('.').next(), Some("rx" | "tx")) => format!("{key} ({kind} = COUNT"),
        Some((key, _)) if key.starts_with("uidgid.gid.") => line.replace(key, "uidgid.gid.GID"),
        _ => line.to_owned(),
    }
}

/// The number and the name of the interface.
fn interface_line(line: &str) -> String {
    let mut words = line.splitn(3, ' ').skip(1);
    match (words.next(), words.next()) {
        (Some(name), Some(rest)) => format!("N: INTERFACE {}", rest.replace(name, "INTERFACE")),
        _ => line.to_owned(),
    }
}

/// The numbers of the user.
fn server_line(line: &str) -> String {
    match line.split_once('\t') {
        Some(("user", ids)) if ids != "-" => "user\tUID:GID".to_owned(),
        _ => line.to_owned(),
    }
}

/// The line with other values for some attributes of its element.
fn attributes(line: &str, change: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut result = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("=\"") {
        let name = before.rsplit(' ').next().unwrap_or(before);
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        let value = change(name, value).unwrap_or_else(|| value.to_owned());
        result += &[before, "=\"", &value, "\""].concat();
        rest = after;
    }
    result + rest
}

/// The line with some attributes of its element alone, in that order.
fn only(line: &str, names: &[&str]) -> String {
    let value = |name: &&str| {
        let (_, rest) = line.split_once(&format!(" {name}=\""))?;
        Some(format!(" {name}=\"{}\"", rest.split('"').next()?))
    };
    let (head, _) = line.trim_start().split_once(' ').unwrap_or((line, ""));
    let indent = &line[..line.len() - line.trim_start().len()];
    let end = if line.ends_with("/>") { "/>" } else { ">" };
    format!("{indent}{head}{}{end}", names.iter().filter_map(value).collect::<String>())
}
