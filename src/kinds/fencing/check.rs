//! What can be wrong with fencing: whether each node can be switched off, by a device that outlives it.

use std::collections::{BTreeMap, BTreeSet};

use super::check_device;
use crate::kinds::{Spec, nodes};
use crate::model::{FenceDeviceName, Findings, NodeName, SpecPath, did_you_mean};

/// The highest index of a level (Pacemaker Explained, "Fencing Topologies").
const LEVELS: usize = 9;

/// Looks at fence devices, their levels, and whether there is any fencing.
pub(in crate::kinds) fn check(spec: &Spec, findings: &mut Findings) {
    for (name, device) in &spec.fence_devices {
        check_device::check(spec, device, &SpecPath::of(["fenceDevices"]).at(name), findings);
    }
    check_none(spec, findings);
    check_levels(spec, findings);
    if spec.fence_devices.is_empty() {
        return;
    }
    let fenced: BTreeSet<&NodeName> = spec.fence_devices.values().flat_map(super::FenceDevice::targets).collect();
    for node in spec.nodes.keys().filter(|node| !fenced.contains(node)) {
        let message = format!("no fence device can switch {node} off: what runs there is lost with it");
        let hint = format!("write {node} below `plugs` or `perNode` of one of them");
        findings.error(SpecPath::of(["fenceDevices"]), "unfenced-node", message, hint);
    }
}

fn check_none(spec: &Spec, findings: &mut Findings) {
    let path = SpecPath::of(["fencing", "none"]);
    match &spec.fencing {
        Some(fencing) if fencing.none.trim().is_empty() => {
            let hint = "write why losing data is no harm here: `none: \"a test cluster without data\"`";
            findings.error(path, "no-reason", "there is no reason here for which nodes are not fenced", hint);
        }
        Some(_) if !spec.fence_devices.is_empty() => {
            let message = "nodes are not to be fenced, and there are fence devices";
            findings.error(path, "fencing-none-with-devices", message, "take one of the two out");
        }
        None if spec.fence_devices.is_empty() => unfenced_services(spec, findings),
        Some(_) | None => {}
    }
}

fn unfenced_services(spec: &Spec, findings: &mut Findings) {
    let hint = "write `fenceDevices:`, or `fencing: {none: \"the reason\"}` if its data may be lost";
    for (name, service) in spec.present_services() {
        let message = match service.volumes(spec).next() {
            Some((volume, _)) => format!(
                "nothing switches off a node that is silent and still writes to volume {volume} while another one \
                 takes {name} over"
            ),
            None => format!("the cluster manager does not start {name} without fencing"),
        };
        findings.error(SpecPath::of(["services"]).at(name), "no-fencing", message, hint);
    }
}

fn check_levels(spec: &Spec, findings: &mut Findings) {
    for (node, levels) in &spec.fence_levels {
        let path = SpecPath::of(["fenceLevels"]).at(node);
        nodes::known(spec, node, path.clone(), findings);
        if levels.is_empty() || levels.iter().any(Vec::is_empty) {
            let hint = "write the devices of each level: `[[bmc], [pdu]]`";
            findings.error(path.clone(), "empty-level", "there is no device in a level", hint);
        }
        if levels.len() > LEVELS {
            let message = format!("{} levels, and the cluster manager counts to {LEVELS}", levels.len());
            findings.error(path.clone(), "too-many-levels", message, "leave the last ones out");
        }
        if !node.as_str().starts_with(|c: char| c.is_ascii_alphabetic()) {
            let message =
                format!("`{node}-level-1` would be an id in the cluster manager, where a letter stands first");
            findings.error(path.clone(), "bad-id", message, "rename the node, or leave its levels out");
        }
        let mut taken: BTreeMap<&FenceDeviceName, usize> = BTreeMap::new();
        for (index, level) in levels.iter().enumerate() {
            for device in level {
                if let Some(other) = taken.insert(device, index) {
                    let message = format!("{device} stands in level {} already", other + 1);
                    let hint = "what has failed once is not tried again: name each device once";
                    findings.error(path.at(index).at(device), "duplicate-device", message, hint);
                }
                check_in_level(spec, node, device, path.at(index).at(device), findings);
            }
        }
    }
}

fn check_in_level(spec: &Spec, node: &NodeName, device: &FenceDeviceName, path: SpecPath, findings: &mut Findings) {
    match spec.fence_devices.get(device) {
        None => {
            let all = "write it below `fenceDevices:`, or name one that is there";
            let hint = did_you_mean(device.as_str(), spec.fence_devices.keys().map(FenceDeviceName::as_str), all);
            findings.error(path, "unknown-fence-device", format!("there is no fence device `{device}`"), hint);
        }
        Some(written) if !written.targets().any(|target| target == node) => {
            let message = format!("{device} cannot switch {node} off");
            let hint = format!("write {node} below its `plugs` or `perNode`");
            findings.error(path, "level-cannot-fence", message, hint);
        }
        Some(_) => {}
    }
}
