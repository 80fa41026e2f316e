//! Mounts: where a volume is mounted, by a systemd mount unit on each of its nodes.

mod check;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{AbsPath, NodeName, VolumeName};

pub(super) use check::check;

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
