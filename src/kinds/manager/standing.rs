//! How the cluster stands, as the coordinator of the best of its partitions tells it: one node is asked, and then the
//! coordinator that it names; the others only if that one cannot tell or has no quorum.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::kinds::Cx;
use crate::model::{NodeName, Seen, Why};
use crate::tools::pacemaker::{self, Cib, MEASURED, State};

/// A cluster that answers.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// Who answered.
    pub(in crate::kinds) node: NodeName,
    /// Its configuration.
    pub(in crate::kinds) cib: Arc<Cib>,
    /// What it does.
    pub(crate) state: Arc<State>,
}

impl Standing {
    /// Looks. The coordinator has the word, if there is one: a member that has just joined may answer from a copy that
    /// is not the others' yet, and a change that is made against it is put into force there and refused by all others
    /// (seen with Pacemaker 2.1.5: two configurations in one cluster, for minutes).
    pub(crate) fn of(cx: &Cx<'_>) -> Seen<Self> {
        let first = Self::of_any(cx);
        let Seen::Is(standing) = &first else { return first };
        let dc = cx.spec.nodes.keys().find(|node| standing.state.dc.as_deref() == Some(node.as_str()));
        match dc.filter(|dc| **dc != standing.node).map(|dc| Self::at(cx, dc)) {
            Some(Seen::Is(own)) if own.is_coordinated() => Seen::Is(own),
            Some(Seen::Unknown(Why::NotAsked)) => Seen::Unknown(Why::NotAsked),
            _ => first,
        }
    }

    /// The first member that has a coordinator, or else any that answers.
    fn of_any(cx: &Cx<'_>) -> Seen<Self> {
        let mut second_best = None;
        let mut off = None;
        let mut reasons = Vec::new();
        for node in cx.spec.nodes.keys() {
            match Self::at(cx, node) {
                Seen::Is(standing) if standing.is_coordinated() => return Seen::Is(standing),
                Seen::Is(standing) => second_best = second_best.or(Some(standing)),
                Seen::NotYet(milestone) => off = off.or(Some(milestone)),
                Seen::Unknown(Why::NotAsked) => return Seen::Unknown(Why::NotAsked),
                Seen::Unknown(why) => reasons.push(why),
            }
        }
        match (second_best, off, reasons.pop()) {
            (Some(standing), ..) => Seen::Is(standing),
            (None, Some(milestone), _) => Seen::NotYet(milestone),
            (None, None, why) => Seen::Unknown(why.unwrap_or(Why::NotAsked)),
        }
    }

    /// What one node answers.
    fn at(cx: &Cx<'_>, node: &NodeName) -> Seen<Self> {
        match (cx.see(node, &pacemaker::cib()), cx.see(node, &pacemaker::state())) {
            (Seen::Is(cib), Seen::Is(state)) => Seen::Is(Arc::new(Self { node: node.clone(), cib, state })),
            (Seen::Unknown(Why::NotAsked), _) | (_, Seen::Unknown(Why::NotAsked)) => Seen::Unknown(Why::NotAsked),
            (Seen::NotYet(milestone), _) | (_, Seen::NotYet(milestone)) => Seen::NotYet(milestone),
            (Seen::Unknown(why), _) | (_, Seen::Unknown(why)) => Seen::Unknown(why),
        }
    }

    /// Whether there is a coordinator with quorum.
    pub(crate) fn is_coordinated(&self) -> bool {
        self.state.dc.is_some() && self.state.quorate
    }

    /// How long it took to fence each node, as measured.
    pub(in crate::kinds) fn measured(&self) -> BTreeMap<NodeName, Duration> {
        let properties = self.cib.configuration.child("crm_config").into_iter().flat_map(|all| &all.children);
        let measured = properties.filter(|set| set.id() == MEASURED).flat_map(|set| set.each("nvpair"));
        let one = |pair: &crate::tools::xml::Element| {
            let node = NodeName::new(pair.get("name")?.strip_prefix("fenced-")?).ok()?;
            Some((node, Duration::from_millis(pair.get("value")?.parse().ok()?)))
        };
        measured.filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Answer, Facts, Intent, Output};
    use crate::tools::sample;

    #[test]
    fn the_coordinator_has_the_word_and_not_who_was_asked_first() {
        let text = include_bytes!("../../../specs/postgres-ha.yaml").to_vec();
        let spec = crate::spec::from_bytes("postgres-ha.yaml", text).spec.unwrap();
        let intent = Intent::default();
        let [first, dc] = ["node01", "node02"].map(|name| NodeName::new(name).unwrap());
        let mut facts = Facts::default();
        let mut says = |node: &NodeName| {
            let mut answer = |command, output: Output| {
                facts.record(node, command, Answer { outcome: Ok(output), at: Timestamp::UNIX_EPOCH });
            };
            answer(pacemaker::cib().command, sample::read("76-service-started/cibadmin-Q.txt"));
            answer(pacemaker::state().command, sample::read("76-service-started/crm_mon.txt"));
            facts.clone()
        };
        let facts = says(&first);
        let cx = Cx::new(&spec, &facts, &intent);
        assert!(matches!(Standing::of(&cx), Seen::Unknown(Why::NotAsked)));
        assert!(cx.into_questions().contains_key(&dc));
        let facts = says(&dc);
        let cx = Cx::new(&spec, &facts, &intent);
        assert_eq!(Standing::of(&cx).known().map(|standing| &standing.node), Some(&dc));
    }
}
