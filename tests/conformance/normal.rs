//! What is taken out of an output before it is compared, because two runs of the very same real programs differ in it.

mod manager;

use std::collections::BTreeMap;

use bricklayer::model::{Command, Output};

/// Gives every UUID, and what else is drawn at random, the number of its first appearance, so that it is compared which
/// of them are the same.
#[derive(Default)]
pub struct Normal {
    uuids: BTreeMap<String, usize>,
    drawn: BTreeMap<String, usize>,
}

impl Normal {
    /// What `command` printed, without what is its moment's alone.
    pub fn output(&mut self, command: &Command, output: &Output) -> Output {
        let stdout = match command.program.name() {
            "gluster" => gluster(&output.stdout),
            "look-node" => by_line(&output.stdout, node_line),
            "look-control" => by_line(&output.stdout, control_line),
            "look-bricks" => by_line(&output.stdout, brick_line),
            "systemctl" => by_line(&output.stdout, unit_line),
            "cat" if command.args == ["/run/bricklayer/lease"] => by_line(&output.stdout, lease_line),
            _ => manager::stdout(command, &output.stdout),
        };
        let stdout = match manager::drawn(command) {
            Some((place, word)) => self.draws_numbered(&stdout, place, word),
            None => stdout,
        };
        let stderr = without_temporary_names(&manager::stderr(command, &output.stderr));
        Output { status: output.status, stdout: self.numbered(&stdout), stderr: self.numbered(&stderr) }
    }

    /// The text with one field of each line numbered, unless it is `-`.
    fn draws_numbered(&mut self, text: &str, place: usize, word: &str) -> String {
        let mut line_of = |line: &str| {
            let mut fields: Vec<String> = line.split('\t').map(str::to_owned).collect();
            if let Some(field) = fields.get_mut(place).filter(|field| *field != "-") {
                let next = self.drawn.len() + 1;
                *field = format!("{word}-{}", self.drawn.entry(field.clone()).or_insert(next));
            }
            fields.join("\t") + "\n"
        };
        text.lines().map(&mut line_of).collect()
    }

    fn numbered(&mut self, text: &str) -> String {
        replace_uuids(text, |uuid| {
            let next = self.uuids.len() + 1;
            format!("UUID-{}", self.uuids.entry(uuid.to_owned()).or_insert(next))
        })
    }
}

fn by_line(text: &str, change: fn(&str) -> String) -> String {
    text.lines().map(change).fold(String::new(), |text, line| text + &line + "\n")
}

/// The clock, the uptime, and versions, which rise with the distribution's updates.
fn node_line(line: &str) -> String {
    match line.split('\t').collect::<Vec<_>>()[..] {
        [key @ ("clock" | "uptime"), _] => format!("{key}\tTIME"),
        ["package", name, version] if version != "-" => format!("package\t{name}\tVERSION"),
        _ => line.to_owned(),
    }
}

/// The process id, and the room on the disks of this machine.
fn brick_line(line: &str) -> String {
    let mut fields: Vec<&str> = line.split('\t').collect();
    if fields.len() == 10 {
        fields[6] = if fields[6] == "-" { "-" } else { "PID" };
        (fields[7], fields[8]) = ("KB", "KB");
    }
    fields.join("\t")
}

/// How far a database had come, and when.
fn control_line(line: &str) -> String {
    match line.split('\t').collect::<Vec<_>>()[..] {
        [path, checkpoint, at, written] if ![checkpoint, at, written].contains(&"-") => {
            format!("{path}\tPOSITION\tTIME\tTIME")
        }
        _ => line.to_owned(),
    }
}

/// When the unit was started, if it ever was.
fn unit_line(line: &str) -> String {
    match line.split_once("TimestampMonotonic=") {
        Some((name, time)) if time != "0" => format!("{name}TimestampMonotonic=TIME"),
        _ => line.to_owned(),
    }
}

/// When the lease lapses.
fn lease_line(line: &str) -> String {
    line.split_once('\t').map_or(line.to_owned(), |(owner, _)| format!("{owner}\tTIME"))
}

/// Process ids, ports, and the order of what is kept in hash tables or listed as the answers come in.
fn gluster(text: &str) -> String {
    let text = by_line(text, |line| {
        let numbered = |(tag, word)| {
            let value = line.trim().strip_prefix(&format!("<{tag}>"))?.strip_suffix(&format!("</{tag}>"))?;
            value.parse::<u32>().ok().map(|_| line.replace(value, word))
        };
        [("pid", "PID"), ("port", "PORT"), ("tcp", "PORT")].into_iter().find_map(numbered).unwrap_or(line.to_owned())
    });
    let text = without_daemon_states(&text);
    ["option", "peer", "node", "hostname"].into_iter().fold(text, |text, tag| sorted(&text, &[tag]))
}

/// Whether a self-heal daemon is shown as running: a glusterd that comes back starts its own anew, and at times shows
/// it as away for more than a minute after that.
fn without_daemon_states(text: &str) -> String {
    let mut daemon = false;
    let lines = text.lines().map(|line| {
        let word = line.trim();
        if word.starts_with("<hostname>") {
            daemon = word == "<hostname>Self-heal Daemon</hostname>";
        }
        let state = ["status", "pid"].into_iter().find(|tag| word.starts_with(&format!("<{tag}>")));
        match state.filter(|_| daemon) {
            Some(tag) => line.replace(word, &format!("<{tag}>ANY</{tag}>")),
            None => line.to_owned(),
        }
    });
    lines.fold(String::new(), |text, line| text + &line + "\n")
}

/// Sorts elements of these names that follow each other.
fn sorted(text: &str, tags: &[&str]) -> String {
    let name_of = |word: &str| {
        let name = word.strip_prefix('<')?.split([' ', '>', '/']).next()?;
        tags.iter().copied().find(|tag| *tag == name)
    };
    let mut result = String::new();
    let mut run: Vec<String> = Vec::new();
    let mut element = String::new();
    let mut open = None;
    for line in text.lines() {
        let word = line.trim();
        open = open.or_else(|| name_of(word));
        if let Some(name) = open {
            let whole = word.ends_with(&format!("</{name}>")) || (element.is_empty() && word.ends_with("/>"));
            element += &[line, "\n"].concat();
            if whole {
                run.push(std::mem::take(&mut element));
                open = None;
            }
            continue;
        }
        flush(&mut result, &mut run);
        result += &[line, "\n"].concat();
    }
    flush(&mut result, &mut run);
    result + &element
}

/// By all that they hold but UUIDs, which are by chance.
fn flush(result: &mut String, run: &mut Vec<String>) {
    run.sort_by_key(|element| replace_uuids(element, |_| String::new()));
    result.extend(run.drain(..));
}

/// `mktemp` names its files at random.
fn without_temporary_names(text: &str) -> String {
    let hidden = |word: &str| {
        let at = word.rfind('.')?;
        let random = word.get(at + 1..at + 11)?;
        let odd = word.contains("/.") && random.bytes().all(|b| b.is_ascii_alphanumeric());
        odd.then(|| word.replacen(random, "RANDOM", 1))
    };
    text.split(' ').map(|word| hidden(word).unwrap_or_else(|| word.to_owned())).collect::<Vec<_>>().join(" ")
}

fn replace_uuids(text: &str, mut name: impl FnMut(&str) -> String) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = rest.get(..36).filter(|word| is_uuid(word));
        let taken = found.map_or(first.len_utf8(), str::len);
        match found {
            Some(uuid) => result += &name(uuid),
            None => result.push(first),
        }
        rest = &rest[taken..];
    }
    result
}

fn is_uuid(word: &str) -> bool {
    word.bytes().enumerate().all(|(at, b)| match at {
        8 | 13 | 18 | 23 => b == b'-',
        _ => b.is_ascii_hexdigit(),
    })
}
