//! Fence devices, their levels, and files without them.

use super::*;

const AGENT: &str = "agent: fence_virsh";
const OPTIONS: &str = "options: {ip: 192.168.8.1, username: root, identity_file: /etc/cluster/fence_virsh_key}";
const DEVICES: &str = "fenceDevices:\n  kvmhost01:\n    agent: fence_virsh\n    options: {ip: 192.168.8.1, username: root, identity_file: /etc/cluster/fence_virsh_key}\n    plugs: {node01: RHCSvm01-gluster, node02: RHCSvm02-gluster}\n";

#[test]
fn an_agent_is_one_that_fences() {
    for (bad, guess) in [
        ("virsh", "fence_virsh"),
        ("fence-virsh", "fence_virsh"),
        ("stonith:fence_ipmilan", "fence_ipmilan"),
        ("heartbeat:IPaddr2", "fence_IPaddr2"),
    ] {
        tells(AGENT, &format!("agent: {bad}"), &[&format!("not-a-fence-agent @ agent: {bad}")]);
        let told = message(&[(AGENT, &format!("agent: {bad}"))], "not-a-fence-agent");
        assert!(told.contains(&format!("did you mean `{guess}`?")), "{told}");
    }
    for bad in ["'fence_virsh;id'", "-x", "../fence_virsh", "''"] {
        tells(AGENT, &format!("agent: {bad}"), &[&format!("bad-value @ {bad}")]);
    }
}

#[test]
fn options_are_names_with_one_line_each() {
    let options = |more: &str| format!("options: {{ip: 192.168.8.1, {more}}}");
    for (bad, code) in [
        ("-x: a", "bad-name"),
        ("'a b': a", "bad-name"),
        ("1st: a", "bad-name"),
        ("'<x>': a", "bad-name"),
        ("name: ''", "option-value"),
        ("name: \"a\\nport=x\"", "option-value"),
        ("name: \"\\0\"", "option-value"),
        ("name: \"\\uFFFE\"", "option-value"),
        ("name: [a]", "wrong-type"),
        ("pcmk_host_map: a:b", "reserved-option"),
        ("port: vm1", "reserved-option"),
        ("action: off", "reserved-option"),
    ] {
        let text = with_mistakes(&[(OPTIONS, &options(bad))]);
        let told = told(&text);
        assert!(told.len() == 1 && told[0].starts_with(&format!("{code} @ ")), "{bad}: {told:?}");
    }
    tells(OPTIONS, &options("lanplus: 1, quiet: yes, comment: '<&\"> is fine for whoever writes XML with care'"), &[]);
}

#[test]
fn a_secret_is_never_written_by_its_value() {
    for name in ["password", "passwd", "snmp_priv_passwd", "secret_key", "apikey"] {
        let options = format!("options: {{ip: 192.168.8.1, {name}: hunter2}}");
        tells(OPTIONS, &options, &[&format!("inline-secret @ {name}: hunter2")]);
        let told = message(&[(OPTIONS, &options)], "inline-secret");
        assert!(told.contains("`secrets:`") && !told.contains("hunter2"), "{told}");
    }
    tells(OPTIONS, "options: {ip: 192.168.8.1, password_script: /etc/cluster/pw}", &[]);
    let secrets = |secrets: &str| format!("{OPTIONS}\n    secrets: {{{secrets}}}");
    tells(OPTIONS, &secrets("password: {file: ./bmc.pw}, ssh_key_file: {env: BMC_KEY}"), &[]);
    for bad in ["hunter2", "{}", "{file: a, env: B}", "{env: 'A B'}", "{file: ''}"] {
        let text = with_mistakes(&[(OPTIONS, &secrets(&format!("password: {bad}")))]);
        assert_eq!(told(&text).len(), 1, "{bad}: {:?}", told(&text));
        assert!(refused(OPTIONS, &secrets(&format!("password: {bad}"))), "{bad}");
    }
    tells(OPTIONS, &secrets("identity_file: {file: ./key}"), &["secret-twice @ identity_file"]);
    tells(OPTIONS, &secrets("'-x': {file: ./key}"), &["bad-name @ '-x'"]);
    tells(OPTIONS, &secrets("apikey: {file: ./key}"), &["secret-by-value @ apikey"]);
    tells(OPTIONS, &secrets("snmp_priv_passwd: {file: ./key}"), &[]);
}

#[test]
fn a_device_says_which_nodes_it_can_switch_off() {
    let per_node = "perNode: {node01: {ip: 10.9.0.1}, node02: {ip: 10.9.0.2}}";
    let options = with_mistakes(&[(OPTIONS, "options: {username: root}"), (PLUGS, per_node)]);
    assert_eq!(told(&options), [""; 0]);
    tells(
        PLUGS,
        "",
        &["unfenced-node @ fenceDevices", "unfenced-node @ fenceDevices", "plugs-or-per-node @ kvmhost01"],
    );
    tells(PLUGS, &format!("{PLUGS}\n    {per_node}"), &["plugs-or-per-node @ perNode"]);
    tells(PLUGS, "plugs: {node01: vm1}", &["unfenced-node @ fenceDevices"]);
    assert!(message(&[(PLUGS, "plugs: {node01: vm1}")], "unfenced-node").contains("can switch node02 off"));
    let unknown = "plugs: {node01: vm1, node02: vm2, node03: vm3}";
    tells(PLUGS, unknown, &["unknown-node @ node03: vm3"]);
    let unknown = "perNode: {node01: {ip: 10.9.0.1}, node02: {ip: 10.9.0.2}, nod3: {ip: 10.9.0.3}}";
    tells(PLUGS, unknown, &["unknown-node @ nod3"]);
    for bad in ["a b", "a;b", "a:b", "a=b", "a\\b", ""] {
        let plugs = format!("plugs: {{node01: '{bad}', node02: vm2}}");
        tells(PLUGS, &plugs, &[&format!("bad-plug @ node01: '{bad}'")]);
    }
    tells(PLUGS, "plugs: {node01: '1,2', node02: 3}", &[]);
}

#[test]
fn two_nodes_never_hang_on_one_outlet() {
    tells(PLUGS, "plugs: {node01: vm1, node02: vm1}", &["duplicate-plug @ node02: vm1"]);
    let same = "perNode: {node01: {ip: 10.9.0.1}, node02: {ip: 10.9.0.1}}";
    tells(PLUGS, same, &["duplicate-plug @ node02"]);
}

#[test]
fn a_device_outlives_the_node_that_it_fences() {
    let at = |ip: &str| format!("options: {{ip: {ip}}}");
    for ip in ["192.168.8.11", "node01m", "node02h", "127.0.0.1", "localhost", "'::1'"] {
        tells(OPTIONS, &at(ip), &[&format!("fence-device-on-its-node @ ip: {ip}")]);
    }
    let per_node = |one: &str, two: &str| format!("perNode: {{node01: {{ip: {one}}}, node02: {{ip: {two}}}}}");
    tells(PLUGS, &per_node("10.9.0.1", "192.168.8.12"), &["fence-device-on-its-node @ ip: 192.168.8.12"]);
    tells(PLUGS, &per_node("10.9.0.1", "192.168.8.11"), &["fence-device-on-node @ ip: 192.168.8.11"]);
    assert!(!refused(PLUGS, &per_node("10.9.0.1", "192.168.8.11")), "it works as long as the other node lives");
}

#[test]
fn a_delay_of_fencing_is_told_with_what_it_costs() {
    let delay = |delay: &str| format!("options: {{ip: 192.168.8.1, {delay}}}");
    tells(OPTIONS, &delay("pcmk_delay_base: 12s"), &["static-fence-delay @ pcmk_delay_base: 12s"]);
    let told = message(&[(OPTIONS, &delay("pcmk_delay_base: 'node01:12s;node02:0'"))], "static-fence-delay");
    assert!(told.contains("for 12 s"), "{told}");
    tells(OPTIONS, &delay("pcmk_delay_max: soon"), &["option-value @ pcmk_delay_max: soon"]);
    tells(OPTIONS, &delay("delay: 0"), &[]);
}

#[test]
fn levels_name_devices_that_can_fence_the_node() {
    let levels = |levels: &str| format!("{DEVICES}fenceLevels: {{{levels}}}\n");
    tells(DEVICES, &levels("node01: [[kvmhost01]]"), &[]);
    tells(DEVICES, &levels("node03: [[kvmhost01]]"), &["unknown-node @ node03", "level-cannot-fence @ kvmhost01"]);
    tells(DEVICES, &levels("node01: [[kvmhost1]]"), &["unknown-fence-device @ kvmhost1"]);
    assert!(message(&[(DEVICES, &levels("node01: [[kvmhost1]]"))], "unknown-fence-device").contains("`kvmhost01`?"));
    tells(DEVICES, &levels("node01: []"), &["empty-level @ node01"]);
    tells(DEVICES, &levels("node01: [[kvmhost01], []]"), &["empty-level @ node01"]);
    tells(DEVICES, &levels("node01: [[kvmhost01], [kvmhost01]]"), &["duplicate-device @ kvmhost01"]);
    tells(DEVICES, &levels("node01: kvmhost01"), &["wrong-type @ kvmhost01"]);
    let only = "  pdu: {agent: fence_apc, plugs: {node02: 2}}\n";
    let pdu = format!("{DEVICES}{only}fenceLevels: {{node01: [[kvmhost01, pdu]]}}\n");
    tells(DEVICES, &pdu, &["level-cannot-fence @ pdu"]);
}

#[test]
fn services_are_not_without_fencing_unless_the_file_says_why() {
    tells(DEVICES, "", &["no-fencing @ service01"]);
    assert!(message(&[(DEVICES, "")], "no-fencing").contains("still writes to volume data00"));
    tells(DEVICES, "fencing: {none: \"a test\"}\n", &[]);
    tells(DEVICES, "fencing: {none: ' '}\n", &["no-reason @ none: ' '"]);
    assert!(refused(DEVICES, "fencing: {}\n") && refused(DEVICES, "fencing: none\n"));
    let both = format!("{DEVICES}fencing: {{none: \"a test\"}}\n");
    tells(DEVICES, &both, &["fencing-none-with-devices @ none: \"a test\""]);
    let gone = with_mistakes(&[(DEVICES, ""), ("autostart: false", "state: absent")]);
    assert_eq!(told(&gone), [""; 0], "a service that goes needs none");
}

#[test]
fn a_device_that_cannot_be_read_is_told_of_once() {
    tells(AGENT, "agnt: fence_virsh", &["unknown-key @ agnt"]);
    tells("kvmhost01:", "1host:", &["bad-name @ 1host"]);
}
