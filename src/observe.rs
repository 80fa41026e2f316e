//! Looking: asks the nodes what the plan wants to know, wave by wave, until nothing is left to ask.
//!
//! Observation never fails as a whole. A node that does not answer is a fact like any other, with its reason.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;

use crate::kinds::Spec;
use crate::model::{Answer, Command, Facts, Intent, NodeName, Plan};
use crate::planner;
use crate::transport::Transport;

/// How many nodes are asked at once.
const NODES_AT_ONCE: usize = 64;

/// Where the time comes from; handed in, so that a simulated run has its own.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// Asks until every question of the plan is answered, and gives that plan. `facts` keeps the answers.
///
/// # Flow
/// Draft a plan, ask what it looked for and did not find, each node's questions in one round trip and all nodes
/// side by side; draft again. Kinds ask as early as they can, so two or three waves are the rule.
pub async fn observe(
    spec: &Spec,
    intent: &Intent,
    transport: &dyn Transport,
    clock: &dyn Clock,
    facts: &mut Facts,
) -> Plan {
    answered(transport, clock, facts, |facts| planner::draft(spec, facts, intent)).await
}

/// Asks what `draft` looks for and does not find, until that is nothing, and gives what it makes of the answers.
pub async fn answered<T>(
    transport: &dyn Transport,
    clock: &dyn Clock,
    facts: &mut Facts,
    draft: impl Fn(&Facts) -> (T, BTreeMap<NodeName, BTreeSet<Command>>),
) -> T {
    loop {
        let (drafted, questions) = draft(facts);
        if questions.is_empty() {
            return drafted;
        }
        let ask = |(node, commands): (NodeName, Vec<Command>)| async move {
            let outcomes = transport.run(&node, &commands, None).await;
            let at = clock.now();
            (node, commands, outcomes, at)
        };
        let questions = questions.into_iter().map(|(node, commands)| (node, commands.into_iter().collect()));
        let mut answers = stream::iter(questions.map(ask)).buffer_unordered(NODES_AT_ONCE);
        while let Some((node, commands, outcomes, at)) = answers.next().await {
            for (command, outcome) in commands.into_iter().zip(outcomes) {
                facts.record(&node, command, Answer { outcome, at });
            }
        }
    }
}
