//! Nodes: the machines, their addresses, and what must be on them before anything else can be.

mod assess;
mod check;

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::MapAccess;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use super::one_of::{MapReader, word_or_map};
use super::{Assessment, Cx, Kind, Spec};
use crate::model::{Address, Findings, Milestone, NodeName, Subject};

pub(super) use assess::{has_gluster, knows_names, look, subject};

/// How long until it is worth looking again for something that takes a moment.
pub(super) const POLL: Duration = Duration::from_millis(300);

/// The nodes, as a kind.
pub(super) struct Nodes;

impl Kind for Nodes {
    fn check(&self, spec: &Spec, findings: &mut Findings) {
        check::check(spec, findings);
    }

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        assess::assess(cx, found);
    }
}

pub(super) use check::{at_address, known};

/// A machine of the cluster.
///
/// ```yaml
/// nodes:
///   node01: {id: 1, addresses: {management: 192.168.8.11, cluster: node01h, storage: node01m}}
///   node02: {id: 2, addresses: {management: 192.168.8.12, cluster: node02h, storage: node02m}}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Node {
    /// The node's number in the cluster manager, from 1 up. Not needed without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub id: Option<u32>,
    /// The node's addresses on its networks.
    pub addresses: Addresses,
}

/// A node's addresses: management defaults to the node's name, storage to management, cluster to storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Addresses {
    /// Where bricklayer logs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<Address>,
    /// What Corosync talks over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<NetworkAddress>,
    /// What `GlusterFS` talks over: peers and bricks go by this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage: Option<NetworkAddress>,
}

/// An address on a network: a name or IP address, or both, for `hosts: managed`.
///
/// ```yaml
/// storage: {name: node01m, ip: 192.168.9.11}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkAddress {
    /// The name that programs use.
    pub name: Address,
    /// What the name stands for; with `hosts: managed` it is written into `/etc/hosts`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
}

/// An address written as a map.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NetworkAddressMap {
    /// The name that programs use.
    name: Address,
    /// What the name stands for; with `hosts: managed` it is written into `/etc/hosts`.
    ip: IpAddr,
}

impl<'de> Deserialize<'de> for NetworkAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsMap;
        impl<'de> MapReader<'de, NetworkAddress> for AsMap {
            fn read<A: MapAccess<'de>>(self, entries: A) -> Result<NetworkAddress, A::Error> {
                let NetworkAddressMap { name, ip } =
                    NetworkAddressMap::deserialize(MapAccessDeserializer::new(entries))?;
                Ok(NetworkAddress { name, ip: Some(ip) })
            }
        }
        let word = |word: &str| Address::new(word).map(|name| Self { name, ip: None }).map_err(|e| e.to_string());
        word_or_map(deserializer, "a host name, an IP address, or `{name: …, ip: …}`", word, AsMap)
    }
}

impl JsonSchema for NetworkAddress {
    fn schema_name() -> Cow<'static, str> {
        "NetworkAddress".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let word = generator.subschema_for::<Address>();
        let map = generator.subschema_for::<NetworkAddressMap>();
        json_schema!({
            "description": "An address on a network: a name or IP address, or both, for `hosts: managed`.",
            "oneOf": [word, map]
        })
    }
}

impl Node {
    /// Where bricklayer logs in: the node's name unless written.
    #[must_use]
    pub fn management<'a>(&'a self, name: &'a NodeName) -> &'a str {
        self.addresses.management.as_ref().map_or(name.as_str(), Address::as_str)
    }

    /// The name that peers and bricks go by: the management address unless written.
    #[must_use]
    pub fn storage<'a>(&'a self, name: &'a NodeName) -> &'a str {
        self.addresses.storage.as_ref().map_or_else(|| self.management(name), |at| at.name.as_str())
    }
}

/// The milestone that `node` has `package`.
pub(super) fn installed(node: &NodeName, package: &str) -> Milestone {
    Subject::on("package", package, node).is("installed")
}

/// The milestone that `unit` runs on `node`.
pub(super) fn running(node: &NodeName, unit: &str) -> Milestone {
    Subject::on("unit", unit, node).is("running")
}
