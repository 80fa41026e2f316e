//! How the cluster stands, as the best of its partitions tells it: one node is asked, the others only if that one
//! cannot tell or has no quorum.

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
    /// Looks.
    pub(crate) fn of(cx: &Cx<'_>) -> Seen<Self> {
        let mut second_best = None;
        let mut off = None;
        let mut reasons = Vec::new();
        for node in cx.spec.nodes.keys() {
            match (cx.see(node, &pacemaker::cib()), cx.see(node, &pacemaker::state())) {
                (Seen::Is(cib), Seen::Is(state)) => {
                    let standing = Self { node: node.clone(), cib, state };
                    if standing.is_coordinated() {
                        return Seen::Is(Arc::new(standing));
                    }
                    second_best = second_best.or(Some(standing));
                }
                (Seen::Unknown(Why::NotAsked), _) | (_, Seen::Unknown(Why::NotAsked)) => {
                    return Seen::Unknown(Why::NotAsked);
                }
                (Seen::NotYet(milestone), _) | (_, Seen::NotYet(milestone)) => off = off.or(Some(milestone)),
                (Seen::Unknown(why), _) | (_, Seen::Unknown(why)) => reasons.push(why),
            }
        }
        match (second_best, off, reasons.pop()) {
            (Some(standing), ..) => Seen::Is(Arc::new(standing)),
            (None, Some(milestone), _) => Seen::NotYet(milestone),
            (None, None, Some(why)) => Seen::Unknown(why),
            (None, None, None) => Seen::Unknown(Why::NotAsked),
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
