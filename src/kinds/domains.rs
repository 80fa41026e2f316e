//! Failover domains: on which nodes a service may run, which it prefers, and whether it goes home.

mod check;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::NodeName;

pub(super) use check::check;

/// The nodes of a service, as rgmanager knew them.
///
/// ```yaml
/// failoverDomains:
///   dom01: {restricted: true, nodes: {node01: 1, node02: 2}}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailoverDomain {
    /// Whether the priorities count; if not, all members are equally good.
    #[serde(default)]
    pub ordered: bool,
    /// Whether the service may run on members only.
    #[serde(default)]
    pub restricted: bool,
    /// Whether a running service moves when a better member comes back.
    #[serde(default)]
    pub failback: bool,
    /// The members with their priorities, 1 for the best.
    pub nodes: BTreeMap<NodeName, u32>,
}
