//! corosync-qdevice 3.0 on the nodes, and the host that it speaks to: who has the vote of a quorum device.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Active;
use crate::transport::simulated::output::{Call, failed, printed};
use crate::transport::simulated::world::World;

/// The unit.
pub const UNIT: &str = "corosync-qdevice.service";
/// Its certificates; in here, the name of the cluster that they are of.
const CERTIFICATES: &str = "/etc/corosync/qdevice/net/nssdb/cert9.db";

/// A node's daemon, while it runs: what it has read when it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Qdevice {
    /// The host that it calls.
    pub host: String,
    /// By which rule it is given the vote.
    pub algorithm: String,
    /// Whether TLS is spoken.
    pub tls: String,
}

impl World {
    /// Starts the daemon, if Corosync runs with a device.
    pub(in super::super) fn start_qdevice(&mut self, at: &NodeName) -> bool {
        if !self.start_corosync_for(at) {
            return false;
        }
        let certified = self.nodes[at].files.contains_key(CERTIFICATES);
        let Some(corosync) = &mut self.node_mut(at).corosync else { return false };
        let conf = &corosync.conf;
        let of = |key: &str, unless: &str| conf.get(&format!("quorum.device.net.{key}")).unwrap_or(unless).to_owned();
        let daemon = Qdevice { host: of("host", ""), algorithm: of("algorithm", "ffsplit"), tls: of("tls", "on") };
        let starts = conf.has_device() && (certified || daemon.tls == "off");
        corosync.qdevice = starts.then_some(daemon);
        starts
    }

    /// Ends the daemon.
    pub(in super::super) fn end_qdevice(&mut self, at: &NodeName, left: Active) {
        let node = self.node_mut(at);
        let ran = node.corosync.as_mut().is_some_and(|corosync| corosync.qdevice.take().is_some());
        if ran && let Some(unit) = node.units.get_mut(UNIT) {
            unit.active = left;
        }
    }

    /// How many votes the device gives to the members that `at` sees: all of its own or none.
    #[must_use]
    pub fn device_votes(&self, at: &NodeName) -> usize {
        let Some(corosync) = self.corosync(at).filter(|corosync| corosync.qdevice.is_some()) else { return 0 };
        let parts: BTreeSet<Vec<&NodeName>> = self.nodes.keys().filter_map(|name| self.part(name)).collect();
        // The largest part, and of equal ones that with the lowest node.
        let best = parts.iter().min_by_key(|part| (usize::MAX - part.len(), part.first()));
        let has_it = !self.qnetd_off && best.is_some() && best == self.part(at).as_ref();
        if has_it { corosync.conf.device_votes() } else { 0 }
    }

    /// The members that a node which calls the host sees.
    fn part(&self, at: &NodeName) -> Option<Vec<&NodeName>> {
        let corosync = self.corosync(at).filter(|corosync| corosync.qdevice.is_some())?;
        Some(self.nodes.keys().filter(|name| corosync.members.contains_key(*name)).collect())
    }
}

/// `corosync-qdevice-tool -sv`.
pub fn tool(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    let daemon = world.corosync(at).and_then(|corosync| Some((corosync, corosync.qdevice.as_ref()?)));
    let Some((corosync, Qdevice { host, algorithm, tls })) = daemon else {
        let why = "Can't connect to QDevice socket (is QDevice running?): No such file or directory";
        return failed(3, format!("corosync-qdevice-tool: {why}\n"));
    };
    let listed = |name: &NodeName| world.listed_as(at, name, &corosync.conf).map_or(0, |listed| listed.id);
    let members: Vec<u32> = corosync.members.keys().map(listed).collect();
    let all: Vec<u32> = corosync.conf.nodes().iter().map(|listed| listed.id).collect();
    let (own, lowest) = (listed(at), members.iter().min().copied().unwrap_or_default());
    let ring = corosync.members.values().max().copied().unwrap_or(0) / 1000 + 1;
    let lines = |text: String, (place, line): (usize, String)| text + &format!("    {place}\tNode ID = {line}\n");
    let configured = all.iter().map(u32::to_string).enumerate().fold(String::new(), lines);
    let state = |id: &u32| format!("{id}, State = {}", if members.contains(id) { "member" } else { "dead" });
    let quorum = all.iter().map(state).enumerate().fold(String::new(), lines);
    let ids = members.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let connected = !world.qnetd_off;
    let votes = world.device_votes(at) > 0;
    let polls = if votes { "Yes (cast vote)" } else { "Yes" };
    printed(format!(
        "Qdevice information\n-------------------\nModel:\t\t\tNet\nNode ID:\t\t{own}\nHB interval:\t\t10000ms\n\
         Sync HB interval:\t30000ms\nConfigured node list:\n{configured}Heuristics:\t\tDisabled\nRing ID:\t\t\
         {lowest}.{ring:x}\nMembership node list:\t{ids}\nQuorate:\t\t{}\nQuorum node list:\n{quorum}Expected votes:\t\t\
         {}\n\nQdevice-net information\n----------------------\nCluster name:\t\t{}\nQNetd host:\t\t{host}:5403\n\
         Connect timeout:\t8000ms\nHB interval:\t\t8000ms\nVQ vote timer interval:\t5000ms\nTLS:\t\t\t{}\nAlgorithm:\t\t\
         {}\nTie-breaker:\t\tNode with lowest node ID\nPoll timer running:\t{polls}\nState:\t\t\t{}\n",
        if world.has_votes(at) { "Yes" } else { "No" },
        all.len() + corosync.conf.device_votes(),
        corosync.conf.cluster(),
        match tls.as_str() {
            "off" => "Unsupported",
            "on" => "Supported",
            _ => "Required",
        },
        if algorithm == "lms" { "LMS" } else { "Fifty-Fifty split" },
        if connected { "Connected" } else { "Connect failed" },
    ))
}

/// `certutil -L -d FOLDER -n NICKNAME`.
pub fn certutil(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    match world.nodes[at].files.get(CERTIFICATES) {
        None => failed(255, "certutil: function failed: SEC_ERROR_BAD_DATABASE: security library: bad database.\n"),
        Some(file) => printed(format!(
            "Certificate:\n    Data:\n        Issuer: \"CN=QNet CA\"\n        Subject: \"CN={}\"\n\n    Certificate Trust \
             Flags:\n        SSL Flags:\n            User\n        Email Flags:\n            User\n\n",
            file.text
        )),
    }
}
