//! Fence devices as the cluster manager knows them: one primitive a device, or one a node.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Standing;
use crate::kinds::{Cx, FenceDevice, ids, timing};
use crate::model::{ClusterDocument, FenceDeviceName, Fencer, NodeName, Operation};

/// How often a device is asked whether it could fence.
const MONITOR_INTERVAL: Duration = Duration::from_secs(60);
/// How long it may take to answer: agents log in to machines that are busy.
const MONITOR_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it may take to fence. Agents count a node that goes off and does not come on again as fenced, but only after
/// they have asked for it 20 times, a second apart and as long as each answer takes (`power_timeout`, fencing library):
/// with Pacemaker's own 60 s, a busy hypervisor may fail the fencing and with it the failover.
const REBOOT_TIMEOUT: Duration = Duration::from_secs(150);
/// Enough to stay where it is. Without, the cluster manager balances: a device moves away from each service that starts,
/// and the rest of the service waits for the second that the device's start takes elsewhere.
const STICKINESS: u32 = 1;
/// Below Pacemaker, the fencing library has no timeouts unless it is told to (`check_input` in fencing.py of
/// fence-agents 4.12): an agent then waits for ever for a node that does not come on again, and a hypervisor that can
/// no longer start a domain keeps the service down. With its timeouts, the node counts as fenced after 20 s. Those for
/// the answers of a busy machine are longer than its own 5 s and 3 s. Seen with `fence_virsh`, so only that is told.
const VIRSH: [(&str, &str); 3] = [("disable_timeout", "false"), ("login_timeout", "30"), ("shell_timeout", "30")];

/// Adds devices, levels and what the cluster is told of fencing.
pub(super) fn contribute(cx: &Cx<'_>, standing: Option<&Standing>, document: &mut ClusterDocument) {
    let spec = cx.spec;
    let times = standing.map(Standing::measured).unwrap_or_default();
    for (name, device) in &spec.fence_devices {
        document.fencers.extend(fencers(name, device));
    }
    for (node, levels) in &spec.fence_levels {
        let level = |devices: &Vec<FenceDeviceName>| {
            devices.iter().map(|device| fencer_of(&spec.fence_devices, device, node)).collect()
        };
        document.levels.insert(node.clone(), levels.iter().map(level).collect());
    }
    if !spec.fence_devices.is_empty() || spec.fencing.is_some() {
        document.properties.insert("stonith-enabled", (!spec.fence_devices.is_empty()).to_string());
    }
    // Between two nodes that lose sight of each other, the one that serves is to win.
    let delay = timing::priority_fencing_delay(spec, &times).unwrap_or_default();
    document.properties.insert("priority-fencing-delay", format!("{}s", delay.as_secs_f64().ceil()));
    // The seed of the very first start is taken back.
    document.properties.insert("dc-deadtime", String::new());
}

fn fencer_of(devices: &BTreeMap<FenceDeviceName, FenceDevice>, name: &FenceDeviceName, node: &NodeName) -> String {
    match devices.get(name) {
        Some(device) if device.per_node.contains_key(node) => ids::fencer(name, node),
        _ => name.to_string(),
    }
}

/// The ids of a device's primitives.
pub(super) fn ids(name: &FenceDeviceName, device: &FenceDevice) -> Vec<String> {
    fencers(name, device).into_iter().map(|fencer| fencer.id).collect()
}

fn fencers(name: &FenceDeviceName, device: &FenceDevice) -> Vec<Fencer> {
    let mut common = device.options.clone();
    common.entry("pcmk_reboot_timeout".to_owned()).or_insert_with(|| format!("{}s", REBOOT_TIMEOUT.as_secs()));
    if device.agent.as_str() == "fence_virsh" {
        for (option, value) in VIRSH {
            common.entry(option.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    common.extend(device.secrets.keys().map(|option| secret(name, option)));
    let fencer = |id: String, own: BTreeMap<String, String>| {
        let mut parameters = common.clone();
        parameters.extend(own);
        let monitor =
            Operation { name: "monitor", interval: Some(MONITOR_INTERVAL), timeout: MONITOR_TIMEOUT, on_fail: None };
        let meta = BTreeMap::from([("resource-stickiness", STICKINESS.to_string())]);
        Fencer { id, agent: device.agent.to_string(), parameters, meta, operations: vec![monitor] }
    };
    if device.per_node.is_empty() {
        let map: Vec<String> = device.plugs.iter().map(|(node, plug)| format!("{node}:{plug}")).collect();
        return vec![fencer(name.to_string(), [("pcmk_host_map".to_owned(), map.join(";"))].into())];
    }
    let one = |(node, options): (&NodeName, &BTreeMap<String, String>)| {
        let mut own = options.clone();
        own.insert("pcmk_host_list".to_owned(), node.to_string());
        fencer(ids::fencer(name, node), own)
    };
    device.per_node.iter().map(one).collect()
}

/// Where a secret of a device lies on each node.
pub(in crate::kinds) fn secret_path(device: &FenceDeviceName, option: &str) -> String {
    format!("/etc/bricklayer/secrets/{device}.{option}")
}

/// The parameter that leads an agent to a secret: agents print a password's own value wherever they are asked, so it
/// is read by a command where they take one (`password_script`), and a file is named by its path.
fn secret(device: &FenceDeviceName, option: &str) -> (String, String) {
    let path = secret_path(device, option);
    match option {
        "password" | "passwd" => ("password_script".to_owned(), format!("cat {path}")),
        "snmp_priv_passwd" => ("snmp_priv_passwd_script".to_owned(), format!("cat {path}")),
        option => (option.to_owned(), path),
    }
}
