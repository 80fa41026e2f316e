//! The heal gate: a resource agent of ours that lies on the nodes and works while no bricklayer runs anywhere. It says
//! in an attribute of each node whether a volume may be served there (`scripts/healgate.sh`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::scripts;

/// Where the agent lies: Pacemaker looks for `ocf:bricklayer:healgate` there (Pacemaker Explained, "Resource Classes").
pub const AGENT_FILE: &str = "/usr/lib/ocf/resource.d/bricklayer/healgate";
/// Its provider and its name.
pub const AGENT: (&str, &str) = ("bricklayer", "healgate");

/// The agent's text.
#[must_use]
pub fn agent() -> &'static str {
    scripts::HEALGATE.text
}

/// The attribute of a node that is 1 where `volume` may be served.
#[must_use]
pub fn attribute(volume: &str) -> String {
    format!("healgate-{volume}")
}

/// Sets of copies as the agent is told of them, each brick as node and path.
#[must_use]
pub fn sets(sets: &[Vec<(&str, &str)>]) -> String {
    let brick = |(node, path): &(&str, &str)| format!("{node}:{path}");
    let set = |set: &Vec<(&str, &str)>| set.iter().map(brick).collect::<Vec<_>>().join(",");
    sets.iter().map(set).collect::<Vec<_>>().join(" ")
}

/// What the agent watches.
pub struct Watch<'a> {
    /// The volume.
    pub volume: &'a str,
    /// Its sets of copies, each brick as node and path.
    pub sets: Vec<Vec<(&'a str, &'a str)>>,
    /// By which name the bricks of each node are reached.
    pub hosts: Vec<(&'a str, &'a str)>,
    /// The resources of the cluster manager that mount it, and where.
    pub mounts: Vec<(String, &'a str)>,
    /// How many bricks of a set a client must reach, where clients keep a quorum.
    pub quorum: Option<usize>,
    /// How long after a lost node is to be fenced its clients certainly still wait for the others, where that counts.
    pub patience: Option<Duration>,
}

impl Watch<'_> {
    /// The agent's parameters.
    #[must_use]
    pub fn parameters(&self) -> BTreeMap<String, String> {
        let pairs = |pairs: Vec<String>| pairs.join(" ");
        let patience = self.patience.map(|patience| ("patience".to_owned(), patience.as_millis().to_string()));
        let told = BTreeMap::from([
            ("volume".to_owned(), self.volume.to_owned()),
            ("sets".to_owned(), sets(&self.sets)),
            ("hosts".to_owned(), pairs(self.hosts.iter().map(|(node, host)| format!("{node}={host}")).collect())),
            ("mounts".to_owned(), pairs(self.mounts.iter().map(|(id, path)| format!("{id}={path}")).collect())),
            ("quorum".to_owned(), self.quorum.unwrap_or(0).to_string()),
        ]);
        told.into_iter().chain(patience).collect()
    }
}
