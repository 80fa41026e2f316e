//! What can be wrong with a volume's options: names that glusterd does not know, values that it does not take.

use crate::kinds::timing::{self, FenceTimes};
use crate::kinds::{Spec, Volume};
use crate::model::{Findings, SpecPath};
use crate::tools::gluster_options::{self, Known, Lookup};

/// Options of this prefix are bricklayer's own notes on a volume.
const RESERVED: &str = "user.bricklayer.";

/// Looks at the options.
pub(super) fn check_options(spec: &Spec, volume: &Volume, path: &SpecPath, findings: &mut Findings) {
    for (name, value) in &volume.options {
        let path = path.at("options").at(name);
        if check_name(name, &path, findings) && check_text(name, value, &path, findings) {
            check_option(name, value, &path, findings);
            if name == timing::PING_TIMEOUT {
                ping_timeout(spec, volume, value, &path, findings);
            }
        }
    }
}

/// Whether `name` can be an argument at all.
fn check_name(name: &str, path: &SpecPath, findings: &mut Findings) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.starts_with(RESERVED) {
        let message = format!("`{RESERVED}*` is where bricklayer notes what it has set");
        findings.error(path.clone(), "reserved-option", message, "choose another name below `user.`");
        return false;
    }
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(letter);
    if !good {
        let message = format!("`{}` is not an option name", name.escape_debug());
        findings.error(path.clone(), "bad-name", message, "letters, digits and `. _ -`, a letter or digit first");
    }
    good
}

/// Whether `value` can be an argument at all.
fn check_text(name: &str, value: &str, path: &SpecPath, findings: &mut Findings) -> bool {
    let good = !value.is_empty() && !value.starts_with('-') && !value.chars().any(char::is_control);
    // -1 is the one thing that may begin with a dash.
    let good = good
        || value.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
    if !good {
        let message = format!("`{}` is not a value for `{name}`", value.escape_debug());
        findings.error(path.clone(), "option-value", message, "write one line that does not begin with `-`");
    }
    good
}

fn check_option(name: &str, value: &str, path: &SpecPath, findings: &mut Findings) {
    match gluster_options::find(name) {
        Lookup::Known(known) => check_value(known, value, path, findings),
        Lookup::Short(known) => {
            let message = format!("`{name}` is short for `{}`, and glusterd shows it by that name only", known.name);
            findings.error(path.clone(), "short-option", message, format!("write `{}`", known.name));
        }
        Lookup::OfPool => {
            let message = format!("`{name}` is an option of the whole pool, not of a volume");
            findings.warn(path.clone(), "pool-option", message, "set it by hand: `gluster volume set all …`");
        }
        Lookup::Unknown(nearest) => {
            let message = format!("glusterd 10 knows no option `{name}`");
            let hint = nearest.map_or_else(
                || "`gluster volume set help` lists the options".to_owned(),
                |nearest| format!("did you mean `{nearest}`?"),
            );
            findings.warn(path.clone(), "unknown-option", message, hint);
        }
        Lookup::OfUser => {}
    }
}

fn check_value(known: &Known, value: &str, path: &SpecPath, findings: &mut Findings) {
    if !known.takes(value) {
        let message = format!("`{}` does not take `{value}`", known.name);
        findings.error(path.clone(), "option-value", message, format!("write {}", known.kind));
    }
}

/// How long a client waits for a brick that says nothing before it goes on without it.
fn ping_timeout(spec: &Spec, volume: &Volume, value: &str, path: &SpecPath, findings: &mut Findings) {
    let seconds = gluster_options::seconds(value).filter(|seconds| *seconds <= timing::LONGEST.as_secs_f64());
    let Some(seconds) = seconds else { return };
    // What the cluster manager needs is not too long.
    let derived = timing::derived_ping_timeout(spec, volume, &FenceTimes::new());
    let long = derived.map_or(42.0, |derived| derived.as_secs_f64().max(42.0));
    let hint = "upstream's value is 42; 10 to 20 where a service must fail over quickly";
    if seconds < 2.0 {
        let message = match value {
            "0" => "0 turns the ping off: clients wait for a dead brick for as long as TCP does".to_owned(),
            _ => format!("{value} second cuts bricks off at every breath of the network, and each return means a heal"),
        };
        findings.error(path.clone(), "ping-timeout", message, hint);
    } else if seconds < 10.0 {
        let message = format!("with {value} seconds a busy node is taken for a dead one, and each return means a heal");
        findings.warn(path.clone(), "ping-timeout", message, hint);
    } else if seconds > long {
        let message = format!("every file operation can hang for {value} seconds when a node dies");
        findings.warn(path.clone(), "ping-timeout", message, hint);
    }
}
