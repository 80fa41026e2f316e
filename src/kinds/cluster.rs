//! The head of the file: which cluster it is and how its nodes are reached.

mod check;

use std::borrow::Cow;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};

use super::one_of::{MapReader, word_or_map};

pub(super) use check::check;

/// The version of the file's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ApiVersion {
    /// The first and only one.
    #[serde(rename = "bricklayer/v1")]
    V1,
}

/// Who writes the names of the nodes into `/etc/hosts`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Hosts {
    /// Somebody else: DNS, or a person. bricklayer only checks that the names resolve.
    #[default]
    Unmanaged,
    /// bricklayer keeps a marked block in `/etc/hosts` of every node.
    Managed,
}

/// How the nodes are reached: `simulated`, `local`, or `ssh: {user: root}`. Required, never assumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum TransportSpec {
    /// A cluster of fake programs inside bricklayer, for trying things out.
    Simulated,
    /// This machine is the only node.
    Local,
    /// Over the system's OpenSSH.
    Ssh(SshSpec),
}

/// How to log in to the nodes. What is left out is as the person's own ssh configuration says.
///
/// ```yaml
/// transport:
///   ssh:
///     user: root
///     port: 22
///     identityFile: ./keys/id_ed25519
///     knownHosts: ./keys/known_hosts
///     sudo: false
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SshSpec {
    /// The user to log in as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The port of sshd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The private key, relative to the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_file: Option<PathBuf>,
    /// The file of known host keys, relative to the file. Host keys are always checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_hosts: Option<PathBuf>,
    /// Whether commands are run through `sudo -n`.
    pub sudo: bool,
}

impl<'de> Deserialize<'de> for TransportSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneTransport;
        impl<'de> MapReader<'de, TransportSpec> for OneTransport {
            fn read<A: MapAccess<'de>>(self, mut entries: A) -> Result<TransportSpec, A::Error> {
                let transport = match entries.next_key::<String>()?.as_deref() {
                    Some("ssh") => TransportSpec::Ssh(entries.next_value()?),
                    Some(other) => return Err(A::Error::custom(unknown_transport(other))),
                    None => return Err(A::Error::custom(unknown_transport("{}"))),
                };
                match entries.next_key::<String>()? {
                    None => Ok(transport),
                    Some(_) => Err(A::Error::custom("one transport and no more: a cluster is reached in one way")),
                }
            }
        }
        let word = |word: &str| match word {
            "simulated" => Ok(Self::Simulated),
            "local" => Ok(Self::Local),
            "ssh" => Ok(Self::Ssh(SshSpec::default())),
            other => Err(unknown_transport(other)),
        };
        word_or_map(deserializer, "`ssh`, `local`, `simulated` or `ssh: {…}`", word, OneTransport)
    }
}

fn unknown_transport(written: &str) -> String {
    format!("`{written}` is not a transport; write `ssh: {{user: root}}`, `local` or `simulated`")
}

impl JsonSchema for TransportSpec {
    fn schema_name() -> Cow<'static, str> {
        "Transport".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let ssh = generator.subschema_for::<SshSpec>();
        json_schema!({
            "description": "How the nodes are reached: `simulated`, `local`, or `ssh: {user: root}`. Required, never assumed.",
            "oneOf": [
                { "enum": ["ssh", "local", "simulated"] },
                { "type": "object", "properties": { "ssh": ssh }, "required": ["ssh"], "additionalProperties": false }
            ]
        })
    }
}
