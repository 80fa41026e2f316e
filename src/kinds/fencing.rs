//! Fence devices: what switches a node off whose silence cannot be told from its death.
//!
//! Without them a replica of a database can be written by two nodes at once, so services on replicated data are
//! refused until every node can be fenced, or the file says why not.

mod check;
mod check_device;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::parameters;
use crate::model::{AgentName, FenceDeviceName, NodeName, SecretRef};

pub(super) use check::check;

/// A device that can switch nodes off and on.
///
/// ```yaml
/// fenceDevices:
///   kvmhost01:
///     agent: fence_virsh
///     options: {ip: 192.168.8.1, username: root, identity_file: /etc/cluster/fence_virsh_key}
///     plugs: {node01: RHCSvm01-gluster, node02: RHCSvm02-gluster}
/// ```
///
/// One power controller for each node is written with `perNode`, secrets by reference in their own map:
///
/// ```yaml
/// fenceDevices:
///   bmc:
///     agent: fence_ipmilan
///     options: {username: fence, lanplus: "1"}
///     secrets: {password: {file: ./bmc.pw}}
///     perNode: {node01: {ip: 10.9.0.1}, node02: {ip: 10.9.0.2}}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FenceDevice {
    /// The fence agent: a program `fence_…` on the nodes.
    pub agent: AgentName,
    /// Its options, as the agent's own metadata names them. Values are kept as written.
    #[serde(default)]
    #[schemars(schema_with = "parameters::schema")]
    pub options: BTreeMap<String, String>,
    /// Options whose values are secret. They are kept in files on the nodes that only root can read.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRef>,
    /// What the device calls each node: one device with many outlets.
    #[serde(default)]
    #[schemars(schema_with = "parameters::schema")]
    pub plugs: BTreeMap<NodeName, String>,
    /// Options that differ from node to node: one device for each node.
    #[serde(default)]
    #[schemars(schema_with = "per_node")]
    pub per_node: BTreeMap<NodeName, BTreeMap<String, String>>,
}

/// Whether nodes are fenced at all.
///
/// ```yaml
/// fencing: {none: "a test cluster without data"}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fencing {
    /// The reason for which nodes are not fenced.
    pub none: String,
}

/// For each node, the ways to fence it, tried in order; each way is the devices that must all succeed.
pub type FenceLevels = BTreeMap<NodeName, Vec<Vec<FenceDeviceName>>>;

impl FenceDevice {
    /// The nodes that it can fence.
    pub(super) fn targets(&self) -> impl Iterator<Item = &NodeName> {
        self.plugs.keys().chain(self.per_node.keys())
    }
}

fn per_node(generator: &mut SchemaGenerator) -> Schema {
    let values = parameters::schema(generator);
    json_schema!({ "type": "object", "additionalProperties": values })
}
