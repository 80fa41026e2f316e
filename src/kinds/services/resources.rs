//! What a service is made of: one resource a list item, each named by its one key.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess};
use serde::{Deserialize, Deserializer, Serialize};

use crate::kinds::one_of::{MapReader, word_or_map};
use crate::kinds::parameters;
use crate::model::{AbsPath, AgentName, Interval, MountName};

/// One resource of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    /// A floating address.
    Ip(Ip),
    /// A mount of the file, which is then where the service is and nowhere else.
    Mount(MountResource),
    /// A database server.
    Postgresql(Postgresql),
    /// A unit of systemd's.
    Systemd(Systemd),
    /// An init script.
    Lsb(Lsb),
    /// A resource agent.
    Ocf(Ocf),
}

/// How long what is done to a resource may take; derived unless written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timeouts {
    /// Until it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Interval>,
    /// Until it rests. A node on which it takes longer is fenced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Interval>,
    /// Until it is known whether it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Interval>,
}

/// A floating address.
///
/// ```yaml
/// resources:
///   - ip: {address: 192.168.7.99/24, monitorLink: true}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ip {
    /// The address with the length of its network's prefix.
    pub address: Cidr,
    /// The network interface; the one that has a route to the address unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<AgentName>,
    /// Whether the service moves when the interface has no link.
    #[serde(default)]
    pub monitor_link: bool,
    /// How long what is done to it may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// A mount of the file: `mount: gldata00`, or a map where timeouts are to be said.
///
/// ```yaml
/// resources:
///   - mount: {name: gldata00, timeouts: {start: 2m}}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MountResource {
    /// Its name below `mounts`.
    pub name: MountName,
    /// How long what is done to it may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// `PostgreSQL` with its data on a mount of the same service.
///
/// ```yaml
/// resources:
///   - mount: gldata00
///   - postgresql:
///       dataDir: /gldata00/pgsql
///       settings: {shared_buffers: 256MB}
///       access: [host all all 192.168.7.0/24 scram-sha-256]
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Postgresql {
    /// Its data directory, below the mount. Made once; never made anew.
    pub data_dir: AbsPath,
    /// Its major version; the one that the nodes' distribution has unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10))]
    pub version: Option<u32>,
    /// The addresses it listens on, as `listen_addresses` takes them.
    #[serde(default = "everywhere")]
    pub listen: String,
    /// Its port.
    #[serde(default = "usual_port")]
    pub port: u16,
    /// Settings as postgresql.conf takes them, over those in the data directory. Values are kept as written.
    #[serde(default)]
    #[schemars(schema_with = "parameters::schema")]
    pub settings: BTreeMap<String, String>,
    /// Who may log in from where: lines of `pg_hba.conf`, behind the one that lets the system's users in by their name.
    #[serde(default)]
    pub access: Vec<String>,
    /// How long what is done to it may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

fn everywhere() -> String {
    "*".to_owned()
}

fn usual_port() -> u16 {
    5432
}

/// A unit of systemd's: `systemd: nginx`, or a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Systemd {
    /// The unit's name without `.service`.
    pub unit: AgentName,
    /// How long what is done to it may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// An init script: `lsb: glmount`, or a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lsb {
    /// The script's name in `/etc/init.d`.
    pub script: AgentName,
    /// How long what is done to it may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// A resource agent of the Open Cluster Framework.
///
/// ```yaml
/// resources:
///   - ocf: {agent: heartbeat:apache, parameters: {configfile: /etc/apache2/apache2.conf}}
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ocf {
    /// Provider and name: `heartbeat:apache`.
    pub agent: AgentName,
    /// Its parameters. Values are kept as written.
    #[serde(default)]
    #[schemars(schema_with = "parameters::schema")]
    pub parameters: BTreeMap<String, String>,
    /// How long what is done to it may take.
    #[serde(default)]
    pub timeouts: Timeouts,
}

/// An IP address with the length of its network's prefix: `192.168.7.99/24`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix in bits.
    pub prefix: u8,
}

/// A text that is no address with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address with its prefix: write it as `192.168.7.99/24`")]
pub struct NotACidr(String);

impl Cidr {
    /// The network that the address is in.
    #[must_use]
    pub fn network(self) -> Self {
        let address = match self.address {
            IpAddr::V4(v4) => {
                let host_bits = 32 - u32::from(self.prefix.min(32));
                let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V4((u32::from(v4) & mask).into())
            }
            IpAddr::V6(v6) => {
                let host_bits = 128 - u32::from(self.prefix.min(128));
                let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
                IpAddr::V6((u128::from(v6) & mask).into())
            }
        };
        Self { address, prefix: self.prefix }
    }
}

impl TryFrom<String> for Cidr {
    type Error = NotACidr;

    fn try_from(text: String) -> Result<Self, NotACidr> {
        let parsed = text.split_once('/').and_then(|(address, prefix)| {
            let address: IpAddr = address.parse().ok()?;
            let digits = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
            let prefix = prefix.parse::<u8>().ok().filter(|_| digits)?;
            let longest = if address.is_ipv4() { 32 } else { 128 };
            (1..=longest).contains(&prefix).then_some(Self { address, prefix })
        });
        parsed.ok_or(NotACidr(text))
    }
}

impl From<Cidr> for String {
    fn from(Cidr { address, prefix }: Cidr) -> Self {
        format!("{address}/{prefix}")
    }
}

impl JsonSchema for Cidr {
    fn schema_name() -> Cow<'static, str> {
        "Cidr".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9A-Fa-f.:]+/[0-9]{1,3}$",
            "description": "An IP address with the length of its network's prefix: `192.168.7.99/24`."
        })
    }
}

/// What a resource may be, for messages.
const ALL: &str = "`ip`, `mount`, `postgresql`, `systemd`, `lsb` or `ocf`";

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneResource;
        impl<'de> MapReader<'de, Resource> for OneResource {
            fn read<A: MapAccess<'de>>(self, mut entries: A) -> Result<Resource, A::Error> {
                let resource = match entries.next_key::<String>()?.as_deref() {
                    Some("ip") => Resource::Ip(entries.next_value()?),
                    Some("mount") => Resource::Mount(entries.next_value::<WordOr<MountResource>>()?.0),
                    Some("postgresql") => Resource::Postgresql(entries.next_value()?),
                    Some("systemd") => Resource::Systemd(entries.next_value::<WordOr<Systemd>>()?.0),
                    Some("lsb") => Resource::Lsb(entries.next_value::<WordOr<Lsb>>()?.0),
                    Some("ocf") => Resource::Ocf(entries.next_value()?),
                    Some(other) => return Err(A::Error::custom(format!("`{other}` is not a resource; write {ALL}"))),
                    None => return Err(A::Error::custom(format!("a resource is missing; write {ALL}"))),
                };
                match entries.next_key::<String>()? {
                    None => Ok(resource),
                    Some(_) => Err(A::Error::custom("one resource a list item: begin the next one with `- `")),
                }
            }
        }
        let word = |word: &str| Err(format!("`{word}` is not a resource; write a map with {ALL}"));
        word_or_map(deserializer, "a map with one resource", word, OneResource)
    }
}

/// Something that is named by one word, or written as a map.
struct WordOr<T>(T);

/// What is made of the word.
trait FromWord: Sized {
    /// What is expected, for messages.
    const EXPECTED: &'static str;
    /// Makes it.
    fn from_word(word: &str) -> Result<Self, String>;
}

impl FromWord for MountResource {
    const EXPECTED: &'static str = "the name of a mount, or a map with `name`";
    fn from_word(word: &str) -> Result<Self, String> {
        let name = MountName::new(word).map_err(|error| error.to_string())?;
        Ok(Self { name, timeouts: Timeouts::default() })
    }
}

impl FromWord for Systemd {
    const EXPECTED: &'static str = "the name of a unit, or a map with `unit`";
    fn from_word(word: &str) -> Result<Self, String> {
        let unit = AgentName::new(word).map_err(|error| error.to_string())?;
        Ok(Self { unit, timeouts: Timeouts::default() })
    }
}

impl FromWord for Lsb {
    const EXPECTED: &'static str = "the name of an init script, or a map with `script`";
    fn from_word(word: &str) -> Result<Self, String> {
        let script = AgentName::new(word).map_err(|error| error.to_string())?;
        Ok(Self { script, timeouts: Timeouts::default() })
    }
}

impl<'de, T: FromWord + Deserialize<'de>> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsMap;
        impl<'de, T: Deserialize<'de>> MapReader<'de, WordOr<T>> for AsMap {
            fn read<A: MapAccess<'de>>(self, entries: A) -> Result<WordOr<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(entries)).map(WordOr)
            }
        }
        word_or_map(deserializer, T::EXPECTED, |word| T::from_word(word).map(Self), AsMap)
    }
}

impl JsonSchema for Resource {
    fn schema_name() -> Cow<'static, str> {
        "Resource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = |key: &str, value: Schema| {
            json_schema!({
                "type": "object", "properties": { key: value }, "required": [key], "additionalProperties": false
            })
        };
        let or_word = |map: Schema, word: Schema| json_schema!({ "oneOf": [word, map] });
        let mount = or_word(generator.subschema_for::<MountResource>(), generator.subschema_for::<MountName>());
        let unit = or_word(generator.subschema_for::<Systemd>(), generator.subschema_for::<AgentName>());
        let script = or_word(generator.subschema_for::<Lsb>(), generator.subschema_for::<AgentName>());
        let all = [
            one("ip", generator.subschema_for::<Ip>()),
            one("mount", mount),
            one("postgresql", generator.subschema_for::<Postgresql>()),
            one("systemd", unit),
            one("lsb", script),
            one("ocf", generator.subschema_for::<Ocf>()),
        ];
        json_schema!({ "description": "One resource of a service, named by its one key.", "oneOf": all })
    }
}
