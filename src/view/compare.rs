//! A saved plan beside the plan of now, item by item.
//!
//! A saved plan is never turned into work: it only says whether the plan that was looked at is still the plan. Both
//! sides are read from their JSON form, so that what was not saved can't be compared and nothing saved is trusted.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// What of a plan must be the same.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Saved {
    api_version: String,
    cluster: String,
    steps: Vec<SavedStep>,
}

#[derive(Debug, Deserialize)]
struct SavedStep {
    id: String,
    summary: String,
    work: SavedWork,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SavedWork {
    Run(SavedRun),
    // How far a wait has got and why something is held may change while nobody has changed anything.
    Wait {},
    Held {},
}

#[derive(Debug, PartialEq, Deserialize)]
struct SavedRun {
    place: Value,
    command: Value,
    risk: Value,
    impact: Vec<String>,
}

/// Why a text is not a saved plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is something else.
    #[error("it is not a plan that `plan --out` wrote: {0}")]
    NotAPlan(#[from] serde_json::Error),
    /// It is of another version of bricklayer.
    #[error("it is of the form `{0}`; this is `bricklayer/v1`")]
    OtherForm(String),
}

impl Saved {
    /// Reads what `plan --out` or `plan -o json` wrote.
    ///
    /// # Errors
    /// [`Error`] if it is no such thing.
    pub fn read(text: &str) -> Result<Self, Error> {
        let saved: Self = serde_json::from_str(text)?;
        if saved.api_version == "bricklayer/v1" { Ok(saved) } else { Err(Error::OtherForm(saved.api_version)) }
    }
}

/// How a plan of now is not the saved one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// They are of different clusters: the saved one's, and the other.
    Cluster(String, String),
    /// It was planned, and is no more.
    Gone(String),
    /// It was not planned.
    Added(String),
    /// It is planned otherwise, in these respects.
    Altered(String, Vec<&'static str>),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(saved, now) => write!(f, "it is a plan for {saved}, and this is {now}"),
            Self::Gone(step) => write!(f, "- {step}"),
            Self::Added(step) => write!(f, "+ {step}"),
            Self::Altered(step, respects) => write!(f, "~ {step}: other {}", respects.join(", ")),
        }
    }
}

/// How `now` is not `saved`; empty if both ask for the same.
#[must_use]
pub fn compare(saved: &Saved, now: &Saved) -> Vec<Change> {
    if saved.cluster != now.cluster {
        return vec![Change::Cluster(saved.cluster.clone(), now.cluster.clone())];
    }
    let by_id = |plan: &'_ Saved| -> BTreeMap<String, usize> {
        plan.steps.iter().enumerate().map(|(i, step)| (step.id.clone(), i)).collect()
    };
    let (before, after) = (by_id(saved), by_id(now));
    let mut changes = Vec::new();
    for step in &saved.steps {
        match after.get(&step.id).map(|i| &now.steps[*i]) {
            None => changes.push(Change::Gone(step.said())),
            Some(other) => {
                let respects = respects(&step.work, &other.work);
                if !respects.is_empty() {
                    changes.push(Change::Altered(other.said(), respects));
                }
            }
        }
    }
    let added = now.steps.iter().filter(|step| !before.contains_key(&step.id));
    changes.extend(added.map(|step| Change::Added(step.said())));
    changes
}

impl SavedStep {
    fn said(&self) -> String {
        format!("{} ({})", self.summary, self.id)
    }
}

fn respects(before: &SavedWork, after: &SavedWork) -> Vec<&'static str> {
    let (SavedWork::Run(before), SavedWork::Run(after)) = (before, after) else {
        return if before == after { vec![] } else { vec!["kind of work"] };
    };
    let SavedRun { place, command, risk, impact } = before;
    let mut respects = Vec::new();
    for (other, respect) in [
        (*place != after.place, "place"),
        (*command != after.command, "command"),
        (*risk != after.risk, "risk"),
        (*impact != after.impact, "impact"),
    ] {
        if other {
            respects.push(respect);
        }
    }
    respects
}

#[cfg(test)]
mod tests {
    use super::super::human::tests::every_sort;
    use super::super::json::Document;
    use super::*;
    use crate::model::{ClusterName, Plan, Progress, Risk, Work};

    fn saved(plan: &Plan) -> Saved {
        Saved::read(&Document::new(plan, None).text()).unwrap()
    }

    fn changes(alter: impl FnOnce(&mut Plan)) -> Vec<String> {
        let before = every_sort();
        let mut now = before.clone();
        alter(&mut now);
        compare(&saved(&before), &saved(&now)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_plan_equals_itself_however_far_its_waits_have_got() {
        assert_eq!(changes(|_| {}), [""; 0]);
        let other_heal = |plan: &mut Plan| {
            let Work::Wait(wait) = &mut plan.steps[2].item.work else { panic!("the third step waits") };
            wait.progress = Some(Progress { left: 3, unit: "entries" });
        };
        assert_eq!(changes(other_heal), [""; 0]);
    }

    #[test]
    fn a_step_more_a_step_less_and_a_step_changed_are_told() {
        assert_eq!(
            changes(|plan| drop(plan.steps.remove(0))),
            ["- start glusterd on node01 (unit/glusterd/node01/start)"]
        );
        let add = |plan: &mut Plan| {
            let mut step = plan.steps[0].clone();
            step.item.id.0 = "unit/glusterd/node09/start".into();
            plan.steps.push(step);
        };
        assert_eq!(changes(add), ["+ start glusterd on node01 (unit/glusterd/node09/start)"]);
        let alter = |plan: &mut Plan| {
            let Work::Run(run) = &mut plan.steps[0].item.work else { panic!("the first step runs") };
            run.command.args.push("--force".into());
            run.risk = Risk::Destructive;
        };
        assert_eq!(changes(alter), ["~ start glusterd on node01 (unit/glusterd/node01/start): other command, risk"]);
        let hold = |plan: &mut Plan| plan.steps[0].item.work = plan.steps[4].item.work.clone();
        assert_eq!(changes(hold), ["~ start glusterd on node01 (unit/glusterd/node01/start): other kind of work"]);
    }

    #[test]
    fn a_plan_for_another_cluster_is_not_compared_further() {
        let other = |plan: &mut Plan| plan.cluster = ClusterName::new("cluster02").unwrap();
        assert_eq!(changes(other), ["it is a plan for cluster01, and this is cluster02"]);
    }

    #[test]
    fn what_is_no_plan_is_refused() {
        assert!(matches!(Saved::read("{}"), Err(Error::NotAPlan(_))));
        let text = Document::new(every_sort(), None).text().replacen("bricklayer/v1", "bricklayer/v9", 1);
        assert!(matches!(Saved::read(&text), Err(Error::OtherForm(_))));
    }
}
