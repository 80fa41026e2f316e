//! Mounts: where a volume is mounted, by a systemd mount unit on each of its nodes.

mod assess;
mod check;
mod managed;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Assessment, Cx, Kind, Spec};
use crate::model::{AbsPath, Findings, NodeName, VolumeName};
pub(super) use managed::sealed;

/// The mounts, as a kind.
pub(super) struct Mounts;

impl Kind for Mounts {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check::check(spec, findings);
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        assess::assess(cx, found);
    }
}

/// A volume mounted on nodes, by a systemd mount unit.
///
/// ```yaml
/// mounts:
///   gldata00:
///     volume: data00
///     path: /gldata00
///     options: [log-level=WARNING, log-file=/var/log/gluster.log]
///     nodes: [node01, node02]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mount {
    /// The volume.
    pub volume: VolumeName,
    /// The mount point; made if it is not there.
    pub path: AbsPath,
    /// Options as `mount -t glusterfs -o` takes them (mount.glusterfs(8)).
    #[serde(default)]
    pub options: Vec<String>,
    /// The nodes; all of them if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nodes: Option<BTreeSet<NodeName>>,
    /// Whether it is to be there.
    #[serde(default)]
    pub state: MountState,
}

/// Whether a mount is to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum MountState {
    /// Mounted now and at every boot.
    #[default]
    Mounted,
    /// Not mounted, and its unit gone.
    Absent,
}

impl Mount {
    /// Whether the mount is one of `node`'s.
    #[must_use]
    pub fn is_on(&self, node: &NodeName) -> bool {
        self.nodes.as_ref().is_none_or(|nodes| nodes.contains(node))
    }

    /// The nodes of `spec` that it is on.
    pub(super) fn on<'a>(&'a self, spec: &'a Spec) -> Vec<&'a NodeName> {
        match &self.nodes {
            Some(nodes) => nodes.iter().filter(|node| spec.nodes.contains_key(*node)).collect(),
            None => spec.nodes.keys().collect(),
        }
    }
}
