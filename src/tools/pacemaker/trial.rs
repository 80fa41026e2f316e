//! A change of the CIB, tried before it is made, and made so that nobody else's change is lost.

use roxmltree::Document;

use super::{DEADLINE, told};
use crate::model::{Command, Output, Program, Query, ReadError};
use crate::tools::scripts;
use crate::tools::xml::Element;

/// What Pacemaker says of a configuration that it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The `admin_epoch` and `epoch` of the CIB that it was compared with.
    pub epochs: (u64, u64),
    /// What `crm_verify` has against it; nothing if it is valid.
    pub errors: Vec<String>,
    /// What would be done to resources and nodes.
    pub actions: Vec<Action>,
}

/// Something that the cluster manager would do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Action {
    /// What is done.
    pub verb: Verb,
    /// To which resource; a node's name for a fencing.
    pub object: String,
    /// On which node; for a move, from where.
    pub node: Option<String>,
    /// For a move, where to.
    pub to: Option<String>,
}

/// What the cluster manager would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// A resource starts.
    Start,
    /// A resource stops.
    Stop,
    /// A resource moves.
    Move,
    /// A resource stops and starts where it is.
    Restart,
    /// A node is fenced.
    Fence,
}

/// Shows `configuration` to Pacemaker without putting it into force.
#[must_use]
pub fn trial(configuration: &Element) -> Query<Trial> {
    let command = Command::reads(Program::Script(scripts::TRY_CIB), [""; 0]).within(DEADLINE * 2);
    Query { command: command.with_input(configuration.to_string()), read }
}

/// Puts `configuration` into force, if the CIB is still the one with these epochs.
#[must_use]
pub fn push(configuration: &Element, (admin_epoch, epoch): (u64, u64)) -> Command {
    let args = [admin_epoch.to_string(), epoch.to_string()];
    Command::changes(Program::Script(scripts::PUSH_CIB), args)
        .within(DEADLINE * 3)
        .with_input(configuration.to_string())
}

fn read(output: &Output) -> Result<Trial, ReadError> {
    told(output)?;
    let garbled = || ReadError::Garbled(output.stdout.lines().next().unwrap_or("nothing").to_owned());
    let (head, rest) = output.stdout.split_once('\n').ok_or_else(garbled)?;
    let numbers: Vec<u64> = head.split('\t').map(|n| n.parse().map_err(|_| garbled())).collect::<Result<_, _>>()?;
    let [admin_epoch, epoch, verified, simulated] = numbers[..] else { return Err(garbled()) };
    let (said, simulation) = rest.split_once("--\n").ok_or_else(garbled)?;
    let mut errors: Vec<String> = Vec::new();
    if verified != 0 {
        errors.extend(said.lines().filter_map(|line| line.strip_prefix("! ")).map(str::to_owned));
        if errors.is_empty() {
            errors.push(format!("crm_verify exits with {verified}"));
        }
    }
    let actions = if verified == 0 && simulated == 0 { actions(simulation)? } else { Vec::new() };
    if verified == 0 && simulated != 0 {
        return Err(ReadError::Refused(format!("crm_simulate exits with {simulated}")));
    }
    Ok(Trial { epochs: (admin_epoch, epoch), errors, actions })
}

/// The actions in a simulation (`crm_simulate(8)`): those of its summary, and the fencing of the transition.
fn actions(simulation: &str) -> Result<Vec<Action>, ReadError> {
    let document = Document::parse(simulation).map_err(|error| ReadError::Garbled(error.to_string()))?;
    let mut found = Vec::new();
    for node in document.descendants() {
        let named = |name: &str| node.attribute(name).map(str::to_owned);
        match node.tag_name().name() {
            "rsc_action" => {
                let verb = match node.attribute("action") {
                    Some("start") => Verb::Start,
                    Some("stop") => Verb::Stop,
                    Some("move") => Verb::Move,
                    Some("restart" | "reload") => Verb::Restart,
                    _ => continue,
                };
                let on = named("node").or_else(|| named("source"));
                found.push(Action { verb, object: named("resource").unwrap_or_default(), node: on, to: named("dest") });
            }
            "node_action" if matches!(node.attribute("action"), Some("fence" | "reboot" | "off")) => {
                let object = named("node").unwrap_or_default();
                found.push(Action { verb: Verb::Fence, object, node: None, to: None });
            }
            "fencing_action" => {
                let object = named("target").or_else(|| named("node")).unwrap_or_default();
                found.push(Action { verb: Verb::Fence, object, node: None, to: None });
            }
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str) -> Output {
        Output { stdout: stdout.to_owned(), ..Output::default() }
    }

    #[test]
    fn a_trial_tells_epochs_and_what_would_be_done() {
        let simulation = "<pacemaker-result><actions><rsc_action action=\"move\" resource=\"s-ip\" source=\"n1\" dest=\"n2\"/>\
            <rsc_action action=\"start\" resource=\"s-pg\" node=\"n2\"/></actions>\
            <transition><rsc_action resource=\"s-ip\" op=\"monitor\" node=\"n2\"/></transition></pacemaker-result>";
        let trial = read(&output(&format!("0\t17\t0\t0\n--\n{simulation}"))).unwrap();
        assert_eq!(trial.epochs, (0, 17));
        let told: Vec<_> = trial.actions.iter().map(|a| (a.verb, a.object.as_str(), a.to.as_deref())).collect();
        assert_eq!(told, [(Verb::Start, "s-pg", None), (Verb::Move, "s-ip", Some("n2"))]);
    }

    #[test]
    fn what_crm_verify_says_is_an_error_of_the_trial() {
        let trial = read(&output("0\t3\t78\t78\n! no such id\n--\n")).unwrap();
        assert_eq!(trial.errors, ["no such id"]);
    }
}
