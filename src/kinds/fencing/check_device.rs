//! What can be wrong with one fence device: its agent, its options, its outlets, and where it stands.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::kinds::timing::{self, Seconds};
use crate::kinds::{FenceDevice, Spec, nodes, parameters};
use crate::model::{Findings, NodeName, SpecPath};

/// What Pacemaker is told from `plugs` and `perNode`, or tells the agent itself.
const OURS: &[&str] =
    &["pcmk_host_map", "pcmk_host_list", "pcmk_host_check", "pcmk_host_argument", "action", "nodename"];

/// What fencing is made to wait for.
const DELAYS: &[&str] = &["delay", "pcmk_delay_base", "pcmk_delay_max"];

/// The names under which agents take the address of their device.
const ADDRESSES: &[&str] = &["ip", "ipaddr"];

/// Looks at one device.
pub(super) fn check(spec: &Spec, device: &FenceDevice, path: &SpecPath, findings: &mut Findings) {
    check_agent(device.agent.as_str(), path.at("agent"), findings);
    check_options(spec, device, &device.options, &path.at("options"), findings);
    check_secrets(device, path, findings);
    match (device.plugs.is_empty(), device.per_node.is_empty()) {
        (true, true) => {
            let message = "it is not said which nodes this device can switch off";
            let hint = "write `plugs: {node01: OUTLET}` for one device, `perNode: {node01: {ip: …}}` for one a node";
            findings.error(path.clone(), "plugs-or-per-node", message, hint);
        }
        (false, false) => {
            let message = "a device has outlets, or there is one for each node, not both";
            findings.error(path.at("perNode"), "plugs-or-per-node", message, "write `plugs` or `perNode`");
        }
        _ => {}
    }
    check_plugs(spec, device, path, findings);
    check_per_node(spec, device, path, findings);
    check_place(spec, device, path, findings);
}

/// Fence agents are programs of one family.
fn check_agent(agent: &str, path: SpecPath, findings: &mut Findings) {
    let word = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if agent.strip_prefix("fence_").is_some_and(word) {
        return;
    }
    let own = agent.rsplit([':', '.', '@']).next().unwrap_or(agent).replace('-', "_");
    let guess = own.strip_prefix("fence_").unwrap_or(&own);
    let hint = format!("write the program's name, as in `ls /usr/sbin/fence_*`; did you mean `fence_{guess}`?");
    findings.error(path, "not-a-fence-agent", format!("`{agent}` is not a fence agent"), hint);
}

fn check_options(
    spec: &Spec,
    device: &FenceDevice,
    options: &BTreeMap<String, String>,
    path: &SpecPath,
    findings: &mut Findings,
) {
    for (name, value) in options {
        let path = path.at(name);
        if !parameters::check(name, value, &path, findings) {
            continue;
        }
        let outlet = matches!(name.as_str(), "port" | "plug") && !device.plugs.is_empty();
        if OURS.contains(&name.as_str()) || outlet {
            let message = format!("`{name}` follows from which node is fenced");
            findings.error(path, "reserved-option", message, "leave it out: `plugs` and `perNode` say it");
        } else if parameters::is_secret(name) {
            let message = format!("the value of `{name}` is a secret, and this file is none");
            let hint = format!("write it below `secrets:`: `{name}: {{file: ./{name}.secret}}`");
            findings.error(path, "inline-secret", message, hint);
        } else if DELAYS.contains(&name.as_str()) {
            check_delay(spec, name, value, path, findings);
        }
    }
}

fn check_delay(spec: &Spec, name: &str, value: &str, path: SpecPath, findings: &mut Findings) {
    let Some(delay) = timing::longest(value) else {
        let message = format!("`{value}` is not a length of time");
        return findings.error(path, "option-value", message, "write `5s`, or by node `node01:5s;node02:0s`");
    };
    if delay.is_zero() {
        return;
    }
    let message = format!("`{name}` holds each fencing back for {}, on the commonest failure too", Seconds(delay));
    let hint = if spec.nodes.len() == 2 && spec.quorum_device.is_none() {
        "leave it out: the node that runs the service has a head start by its priority"
    } else {
        "leave it out: with a third vote, only those who have a majority fence"
    };
    findings.warn(path, "static-fence-delay", message, hint);
}

fn check_secrets(device: &FenceDevice, path: &SpecPath, findings: &mut Findings) {
    for name in device.secrets.keys() {
        let path = path.at("secrets").at(name);
        let named = |options: &BTreeMap<String, String>| options.contains_key(name);
        let twice = named(&device.options) || device.per_node.values().any(named);
        if !parameters::check_name(name, &path, findings) {
            continue;
        }
        if twice {
            let message = format!("`{name}` is written below `options` or `perNode` too");
            findings.error(path, "secret-twice", message, "keep it here");
        } else if parameters::is_secret(name) && !parameters::has_script(name) {
            let message = format!("agents take `{name}` by its value alone, which everybody in the cluster could read");
            let hint = "use an option that names a file, or a password, which a script can tell";
            findings.error(path, "secret-by-value", message, hint);
        }
    }
}

fn check_plugs(spec: &Spec, device: &FenceDevice, path: &SpecPath, findings: &mut Findings) {
    let mut taken: BTreeMap<&str, &NodeName> = BTreeMap::new();
    for (node, plug) in &device.plugs {
        let path = path.at("plugs").at(node);
        nodes::known(spec, node, path.clone(), findings);
        // What ends a name or a value in `pcmk_host_map`.
        let ends = |c: char| c.is_whitespace() || matches!(c, ':' | ';' | '=' | '\\');
        if plug.is_empty() || plug.contains(ends) || !parameters::is_one_line(plug) {
            let message = format!("`{}` is not an outlet that Pacemaker can tell its agent", plug.escape_debug());
            let hint = "write it without blanks and `: ; = \\`, or use `perNode: {NODE: {plug: …}}`";
            findings.error(path, "bad-plug", message, hint);
        } else if let Some(other) = taken.insert(plug, node) {
            same_outlet(other, node, path, findings);
        }
    }
}

fn check_per_node(spec: &Spec, device: &FenceDevice, path: &SpecPath, findings: &mut Findings) {
    let mut taken: BTreeMap<&BTreeMap<String, String>, &NodeName> = BTreeMap::new();
    for (node, options) in &device.per_node {
        let path = path.at("perNode").at(node);
        nodes::known(spec, node, path.clone(), findings);
        check_options(spec, device, options, &path, findings);
        if let Some(other) = taken.insert(options, node) {
            same_outlet(other, node, path, findings);
        }
    }
}

/// Two nodes cannot hang on one outlet.
fn same_outlet(other: &NodeName, node: &NodeName, path: SpecPath, findings: &mut Findings) {
    let message = format!("{other} and {node} are one and the same to this device: fencing one switches off the other");
    findings.error(path, "duplicate-plug", message, "give each node what the device knows it by");
}

/// A device that stands on a node is lost with it.
fn check_place(spec: &Spec, device: &FenceDevice, path: &SpecPath, findings: &mut Findings) {
    let shared = device.options.iter().map(|(name, value)| (name, value, path.at("options").at(name), None));
    let own = device.per_node.iter().flat_map(|(node, options)| {
        let path = path.at("perNode").at(node);
        options.iter().map(move |(name, value)| (name, value, path.at(name), Some(node)))
    });
    for (name, address, path, only) in shared.chain(own) {
        if !ADDRESSES.contains(&name.as_str()) {
            continue;
        }
        let ip = address.parse::<IpAddr>().ok();
        if ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified()) || address == "localhost" {
            let message = format!("`{address}` is each node itself: none could use this device to fence another");
            let hint = "write the address at which every node reaches it";
            findings.error(path, "fence-device-on-its-node", message, hint);
            continue;
        }
        let Some(host) = nodes::at_address(spec, address) else { continue };
        let fences_it = only.map_or_else(|| device.targets().any(|target| target == host), |only| only == host);
        if fences_it {
            let message = format!("`{address}` is {host}, which this device fences: when {host} is lost, it is too");
            let hint = "a fence device must outlive its node: use a management controller, a hypervisor or a PDU";
            findings.error(path, "fence-device-on-its-node", message, hint);
        } else {
            let message = format!("`{address}` is {host}: while {host} is down, nobody can be fenced by this device");
            findings.warn(path, "fence-device-on-node", message, "let it stand on a host that is no member");
        }
    }
}
