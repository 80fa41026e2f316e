//! The cluster manager: Corosync 3.1 and Pacemaker 2.1, with the agents of the article's cluster.
//!
//! Membership, one CIB for each partition, fencing, and a scheduler that is small enough to be read. What it prints was
//! recorded from real nodes (`tests/samples`, states 70 to 94); when things happen is measured there too.

mod addresses;
mod agents;
mod attribute;
mod cib_text;
mod conf;
mod config;
mod corosync;
mod corosync_tools;
mod data;
mod database;
mod doubt;
mod element;
mod fencing;
mod gate;
mod joining;
mod memo;
mod mon;
mod pacemaker;
mod place;
mod qdevice;
mod scripts;
mod simulate;
mod situation;
#[cfg(test)]
mod tests;
mod times;
mod tools;
mod verify;
mod work;

pub use corosync::UNIT as COROSYNC;
pub use data::{Cib, Corosync, Database, FenceMode, Held, Pacemaker};
pub use gate::Rule as GateRule;
pub use joining::UNIT as JOIN;
pub use pacemaker::UNIT as PACEMAKER;
pub use qdevice::UNIT as QDEVICE;

use super::output::Fake;

/// What `fence_virsh -o metadata` prints.
const FENCE_VIRSH: &str = include_str!("fence_virsh.metadata.xml");

/// The fake of that name, and the package that brings it.
pub fn program(name: &str) -> Option<(Fake, Option<&'static str>)> {
    let tools = Some("pacemaker");
    Some(match name {
        "corosync-cmapctl" => (corosync_tools::cmapctl, Some("corosync")),
        "corosync-cfgtool" => (corosync_tools::cfgtool, Some("corosync")),
        "corosync-quorumtool" => (corosync_tools::quorumtool, Some("corosync")),
        "corosync-qdevice-tool" => (qdevice::tool, Some("corosync-qdevice")),
        "certutil" => (qdevice::certutil, Some("corosync-qdevice")),
        "cibadmin" => (tools::cibadmin, tools),
        "crm_mon" => (mon::crm_mon, tools),
        "crm_attribute" => (attribute::crm_attribute, tools),
        "crm_resource" => (tools::crm_resource, tools),
        "stonith_admin" => (tools::stonith_admin, tools),
        "try-cib" => (tools::try_cib, None),
        "push-cib" => (tools::push_cib, None),
        "look-agent" => (tools::look_agent, None),
        "look-authkey" => (scripts::look_authkey, None),
        "make-authkey" => (scripts::make_authkey, None),
        "look-cib-folder" => (scripts::look_cib_folder, None),
        "seed-cib" => (scripts::seed_cib, None),
        "write-secret" => (scripts::write_secret, None),
        "check-secret" => (scripts::check_secret, None),
        "look-database" => (database::look, None),
        "look-control" => (database::look_control, None),
        "make-database" => (database::make, None),
        "look-server" => (database::look_server, None),
        "runuser" => (database::runuser, None),
        "ip" => (addresses::ip, None),
        _ => return None,
    })
}

/// Sixteen hex digits that stand for a text.
fn digest(text: &str) -> String {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", super::faults::mix(text.bytes().fold(0xcbf2_9ce4_8422_2325, fold)))
}
