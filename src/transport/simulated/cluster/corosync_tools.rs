//! `corosync-cmapctl`, `corosync-cfgtool` and `corosync-quorumtool`, as of corosync 3.1.7.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::conf::Conf;
use super::data::Corosync;
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Active;
use crate::transport::simulated::output::{Call, failed, printed};
use crate::transport::simulated::world::World;

/// What a reload begins with.
const RELOADING: &str = "Reloading corosync.conf...\n";
/// What every map has beside that, whatever the file says.
const CONSTANT: &str = include_str!("corosync.cmap.txt");
const SERVICES: [&str; 8] = ["cmap", "cfg", "cpg", "quorum", "pload", "votequorum", "mon", "wd"];

/// `corosync-cmapctl`, `corosync-cmapctl -g KEY`, and the one key that may be set.
pub fn cmapctl(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some(corosync) = world.corosync(at) else {
        return failed(1, "Failed to initialize the cmap API. Error CS_ERR_LIBRARY\n");
    };
    let keys = keys(world, at, corosync);
    match call.args {
        ["-s", "quorum.cancel_wait_for_all", "u8", "1"] => {
            if let Some(corosync) = &mut world.node_mut(at).corosync {
                corosync.saw_all = true;
            }
            printed(String::new())
        }
        [] => printed(keys.values().fold(String::new(), |text, line| text + line + "\n")),
        ["-g", key] => match keys.get(*key) {
            Some(line) => printed(format!("{line}\n")),
            None => failed(1, format!("Can't get key {key}. Error CS_ERR_NOT_EXIST\n")),
        },
        _ => failed(1, "corosync-cmapctl: invalid option\n"),
    }
}

/// The lines of the map by their keys.
fn keys(world: &World, at: &NodeName, corosync: &Corosync) -> BTreeMap<String, String> {
    let conf = &corosync.conf;
    let mut map = Map(BTreeMap::new());
    for (number, service) in SERVICES.iter().enumerate() {
        map.add(format!("internal_configuration.service.{number}.name"), "str", format!("corosync_{service}"));
        map.add(format!("internal_configuration.service.{number}.ver"), "u32", 0);
    }
    let constant = CONSTANT.lines().filter_map(|line| Some((line.split_once(' ')?.0.to_owned(), line.to_owned())));
    map.0.extend(constant);
    for (key, value) in &conf.keys {
        map.add(key.clone(), kind(key), value);
    }
    if corosync.reloaded.is_some() {
        map.add("runtime.votequorum.atb_type".to_owned(), "u32", 0);
        map.add("config.reload_in_progress".to_owned(), "u8", 0);
        map.add("config.reload_status".to_owned(), "i32", 1);
        map.add("config.totemconfig_reload_in_progress".to_owned(), "u8", 0);
    }
    runtime(conf, &mut map);
    let own = world.listed(at, conf);
    if let Some(own) = &own {
        map.add("nodelist.local_node_pos".to_owned(), "u32", own.place);
        // A reload takes the links' addresses out of the map, and they ping by the token of before.
        let token_ms = corosync.reloaded.unwrap_or(conf.token_ms());
        for (link, address) in &own.addresses {
            if corosync.reloaded.is_none() {
                map.add(format!("totem.interface.{link}.bindnetaddr"), "str", address);
            }
            let config = "runtime.config.totem.interface";
            map.add(format!("{config}.{link}.knet_ping_interval"), "u32", token_ms / 4);
            map.add(format!("{config}.{link}.knet_ping_timeout"), "u32", token_ms / 2);
        }
        map.add("runtime.votequorum.this_node_id".to_owned(), "u32", own.id);
    }
    for listed in conf.nodes() {
        let member = world.nodes.keys().find(|name| world.listed_as(at, name, conf).as_ref() == Some(&listed));
        let Some((member, joins)) = member.and_then(|member| corosync.joins.get_key_value(member)) else { continue };
        let ips: Vec<String> = listed
            .addresses
            .iter()
            .map(|(link, address)| format!("r({link}) ip({})", ip(world, at, address)))
            .collect();
        let members = format!("runtime.members.{}", listed.id);
        map.add(format!("{members}.config_version"), "u64", conf.get("totem.config_version").unwrap_or("0"));
        map.add(format!("{members}.ip"), "str", ips.join(" ") + " ");
        map.add(format!("{members}.join_count"), "u32", joins);
        let joined = corosync.members.contains_key(member);
        map.add(format!("{members}.status"), "str", if joined { "joined" } else { "left" });
    }
    let ids = corosync.members.keys().filter_map(|member| world.listed_as(at, member, conf)).map(|listed| listed.id);
    let ids: Vec<u32> = ids.filter(|_| world.has_votes(at)).collect();
    for (name, id) in [("highest", ids.iter().max()), ("lowest", ids.iter().min())] {
        if let Some(id) = id {
            map.add(format!("runtime.votequorum.{name}_node_id"), "u32", id);
        }
    }
    map.add("runtime.votequorum.ev_barrier".to_owned(), "u32", conf.waited_for());
    map.add("runtime.votequorum.two_node".to_owned(), "u8", u8::from(conf.two_node()));
    let waits = u8::from(conf.wait_for_all() && !corosync.saw_all);
    map.add("runtime.votequorum.wait_for_all_status".to_owned(), "u8", waits);
    map.0
}

fn runtime(conf: &Conf, map: &mut Map) {
    let config = |name: &str| format!("runtime.config.totem.{name}");
    let retransmits = conf.get("totem.token_retransmits_before_loss_const").and_then(|n| n.parse().ok()).unwrap_or(4);
    // Corosync's own arithmetic: the token's time over the retransmits and a fifth, and its hold below that.
    let retransmit = conf.token_ms() * 10 / (retransmits * 10 + 2);
    for (name, value) in [
        ("token", conf.token_ms()),
        ("consensus", conf.consensus_ms()),
        ("token_retransmit", retransmit),
        ("hold", (retransmit * 8 / 10).saturating_sub(10)),
        ("token_retransmits_before_loss_const", retransmits),
        ("join", conf.get("totem.join").and_then(|join| join.parse().ok()).unwrap_or(50)),
        ("token_warning", 75),
        ("merge", 200),
        ("max_messages", 17),
        ("window_size", 50),
    ] {
        map.add(config(name), "u32", value);
    }
}

struct Map(BTreeMap<String, String>);

impl Map {
    fn add(&mut self, key: String, kind: &str, value: impl std::fmt::Display) {
        let line = format!("{key} ({kind}) = {value}");
        self.0.insert(key, line);
    }
}

/// The type that corosync gives to what it reads of its file.
fn kind(key: &str) -> &'static str {
    const NUMBERS: [&str; 13] = [
        "version",
        "token",
        "consensus",
        "join",
        "nodeid",
        "expected_votes",
        "quorum_votes",
        "votes",
        "token_coefficient",
        "token_retransmits_before_loss_const",
        "max_messages",
        "window_size",
        "netmtu",
    ];
    const FLAGS: [&str; 5] = ["two_node", "wait_for_all", "auto_tie_breaker", "last_man_standing", "allow_downscale"];
    let name = key.rsplit('.').next().unwrap_or_default();
    let parsed = !key.starts_with("logging.");
    match name {
        "config_version" => "u64",
        _ if parsed && NUMBERS.contains(&name) => "u32",
        _ if parsed && FLAGS.contains(&name) => "u8",
        _ => "str",
    }
}

fn ip(world: &World, at: &NodeName, address: &str) -> String {
    world.resolve(at, address).first().cloned().unwrap_or_else(|| address.to_owned())
}

/// `corosync-cfgtool -R`: every member reads its own file. Also `-s` and `-n`.
pub fn cfgtool(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let Some(corosync) = world.corosync(at) else {
        let (said, error) = if call.args == ["-R"] { (RELOADING, "CS_ERR_LIBRARY") } else { ("", "2") };
        let stderr = format!("Could not initialize corosync configuration API error {error}\n");
        return Output { status: 1, stdout: said.to_owned(), stderr };
    };
    match call.args {
        ["-R"] => {
            let members: Vec<NodeName> = corosync.members.keys().cloned().collect();
            reload(world, at, &members)
        }
        ["-s"] => links(world, at, corosync),
        _ => failed(1, "corosync-cfgtool: invalid option\n"),
    }
}

fn reload(world: &mut World, at: &NodeName, members: &[NodeName]) -> Output {
    if world.corosync_conf(at).is_none() {
        let stderr = "Could not reload configuration. Error CS_ERR_INVALID_PARAM\n".to_owned();
        return Output { status: 7, stdout: RELOADING.to_owned(), stderr };
    }
    for member in members {
        // A member whose own file is wrong keeps what it has.
        let Some(conf) = world.corosync_conf(member) else { continue };
        if let Some(corosync) = &mut world.node_mut(member).corosync {
            corosync.reloaded = Some(corosync.conf.token_ms());
            corosync.conf.reload(&conf);
        }
        if !conf.has_device() {
            world.end_qdevice(member, Active::Failed);
        }
    }
    printed(RELOADING.to_owned() + "Done\n")
}

fn links(world: &World, at: &NodeName, corosync: &Corosync) -> Output {
    let conf = &corosync.conf;
    let Some(own) = world.listed(at, conf) else { return failed(1, "") };
    let mut text = format!("Local node ID {}, transport {}\n", own.id, conf.get("totem.transport").unwrap_or("knet"));
    for (link, address) in &own.addresses {
        _ = write!(text, "LINK ID {link} udp\n\taddr\t= {}\n\tstatus:\n", ip(world, at, address));
        for listed in conf.nodes() {
            let other = world.nodes.keys().find(|name| world.listed_as(at, name, conf).as_ref() == Some(&listed));
            let connected = other.is_some_and(|other| {
                let network = listed.addresses.get(link).and_then(|address| world.network_of(at, address));
                world.corosync(other).is_some() && world.reaches_over(at, other, network)
            });
            let state = match (listed == own, connected) {
                (true, _) => "localhost",
                (_, true) => "connected",
                _ => "disconnected",
            };
            _ = writeln!(text, "\t\tnodeid: {:>10}:\t{state}", listed.id);
        }
    }
    printed(text)
}

/// `corosync-quorumtool -s -p`.
pub fn quorumtool(world: &mut World, at: &NodeName, _: &Call<'_>) -> Output {
    let Some(corosync) = world.corosync(at) else { return failed(1, "Cannot initialize CMAP service\n") };
    let conf = &corosync.conf;
    let quorate = world.has_votes(at);
    let own = world.listed(at, conf).map_or(0, |listed| listed.id);
    let (nodes, device) = (corosync.members.len(), world.device_votes(at));
    let votes = nodes + device;
    let expected = conf.nodes().len() + conf.device_votes();
    let asks = |name: &NodeName| world.corosync(name).is_some_and(|corosync| corosync.qdevice.is_some());
    let blocked = if quorate { " " } else { "Activity blocked" };
    let flag = |on: bool, name: &str| if on { format!("{name} ") } else { String::new() };
    let flags = flag(conf.two_node(), "2Node")
        + &flag(quorate, "Quorate")
        + &flag(conf.wait_for_all(), "WaitForAll")
        + &flag(asks(at), "Qdevice");
    let date = super::times::long(world, at, world.clock_ms);
    let lowest = corosync.members.keys().filter_map(|name| world.listed_as(at, name, conf)).map(|l| l.id).min();
    let ring = corosync.members.values().max().copied().unwrap_or(0) / 1000 + 1;
    let mut text = format!(
        "Quorum information\n------------------\nDate:             {date}\nQuorum provider:  corosync_votequorum\n\
         Nodes:            {nodes}\nNode ID:          {own}\nRing ID:          {}.{ring:x}\nQuorate:          {}\n\n\
         Votequorum information\n----------------------\nExpected votes:   {expected}\nHighest expected: {expected}\n\
         Total votes:      {votes}\nQuorum:           {} {blocked}\nFlags:            {flags}\n\n\
         Membership information\n----------------------\n    Nodeid      Votes    Qdevice Name\n",
        lowest.unwrap_or(own),
        if quorate { "Yes" } else { "No" },
        conf.quorum(),
    );
    for member in corosync.members.keys() {
        let Some(listed) = world.listed_as(at, member, conf) else { continue };
        let local = if member == at { " (local)" } else { "" };
        let registered = match (asks(member), world.device_votes(member)) {
            (false, _) => "NR",
            (true, 0) => "A,NV,NMW",
            (true, _) => "A,V,NMW",
        };
        _ = writeln!(text, "{:>10}          1{registered:>11} {}{local}", listed.id, listed.name);
    }
    if corosync.members.keys().any(asks) {
        let silent = if device == 0 { format!(" (votes {})", conf.device_votes()) } else { String::new() };
        _ = writeln!(text, "         0{device:>11}            Qdevice{silent}");
    }
    Output { status: if quorate { 0 } else { 2 }, stdout: text, stderr: String::new() }
}
