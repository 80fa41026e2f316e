//! `gluster volume set` and `reset`: the option table of glusterfs 10.3 and its checks.

use super::pool::{no_such, stuck};
use super::xml::{accepted_operation, refused_operation};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Volume;
use crate::transport::simulated::output::failed;
use crate::transport::simulated::world::World;

const USAGE: &str = "\nUsage:\nvolume set <VOLNAME> group <GROUP>\n\n";
const UNSUCCESSFUL: &str = "Set volume unsuccessful";
/// Options with their defaults, as `volume get VOLUME all` prints them for a fresh replicated volume.
const TABLE: &str = include_str!("options.tsv");
/// Options with a range: seconds or a number.
const RANGES: [(&str, bool, i64, i64); 7] = [
    ("network.ping-timeout", true, 0, 1013),
    ("network.frame-timeout", true, 0, 86_400),
    ("server.event-threads", false, 1, 1024),
    ("client.event-threads", false, 1, 32),
    ("performance.io-thread-count", false, 1, 64),
    ("cluster.shd-max-threads", false, 1, 64),
    ("server.tcp-user-timeout", false, 0, 1013),
];
/// Options that take one of a few words.
const CHOICES: [(&str, &[&str]); 3] = [
    ("cluster.quorum-type", &["none", "auto", "fixed"]),
    ("cluster.data-self-heal-algorithm", &["diff", "full"]),
    ("cluster.server-quorum-type", &["none", "server"]),
];
/// What `reset` leaves alone.
const KEPT: [&str; 3] = ["storage.fips-mode-rchecksum", "transport.address-family", "nfs.disable"];

/// Every known option with its default.
pub fn table() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter_map(|line| line.split_once('\t'))
}

/// `volume set VOLUME OPTION VALUE...`.
pub fn set(world: &mut World, at: &NodeName, name: &str, words: &[&str]) -> Output {
    if words.is_empty() || !words.len().is_multiple_of(2) || words.iter().any(|word| word.is_empty()) {
        return failed(1, USAGE);
    }
    let pairs: Vec<(&str, &str)> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    apply(world, at, name, &pairs)
}

/// `volume set VOLUME group GROUP`.
pub fn set_group(world: &mut World, at: &NodeName, name: &str, group: &str) -> Output {
    let path = format!("/var/lib/glusterd/groups/{group}");
    let Some(file) = world.nodes[at].files.get(&path) else {
        return failed(1, format!("Unable to open file '{path}'. Error: No such file or directory\n"));
    };
    let text = file.text.clone();
    let pairs: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    apply(world, at, name, &pairs)
}

fn apply(world: &mut World, at: &NodeName, name: &str, pairs: &[(&str, &str)]) -> Output {
    let refused = |error: &str| refused_operation(30800, error, "volSet", UNSUCCESSFUL);
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), Some(("volSet", UNSUCCESSFUL))),
    };
    let Some(volume) = world.nodes[at].volume(name).cloned() else { return refused(&no_such(name)) };
    let mut settings = Vec::new();
    for (option, value) in pairs {
        let Some(option) = full_name(option) else {
            return refused(&format!("option : {option} does not exist\nDid you mean {}?", nearest(option)));
        };
        if let Err(error) = check(&volume, &option, value) {
            return refused(&error);
        }
        settings.push((option, (*value).to_owned()));
    }
    world.commit(&members, name, |copy| {
        for (option, value) in &settings {
            match copy.options.iter_mut().find(|(known, _)| known == option) {
                Some((_, known)) => known.clone_from(value),
                None => copy.options.insert(0, (option.clone(), value.clone())),
            }
        }
    });
    accepted_operation("volSet", "Set volume successful")
}

/// The option's name with its family, which may be left out.
fn full_name(option: &str) -> Option<String> {
    if option.starts_with("user.") || table().any(|(name, _)| name == option) {
        return Some(option.to_owned());
    }
    let short = |name: &str| name.split_once('.').is_some_and(|(_, short)| short == option);
    table().find(|(name, _)| short(name)).map(|(name, _)| name.to_owned())
}

fn check(volume: &Volume, option: &str, value: &str) -> Result<(), String> {
    let short = option.split_once('.').map_or(option, |(_, short)| short);
    if let Some((_, seconds, low, high)) = RANGES.iter().find(|(name, ..)| *name == option) {
        let digits = if *seconds { value.trim_end_matches("sec").trim_end_matches('s') } else { value };
        let Ok(number) = digits.parse::<i64>() else {
            return Err(match seconds {
                true => format!("invalid time format \"{value}\" in \"option {short}\""),
                false => bad_number(short, value),
            });
        };
        if number < *low || number > *high {
            return Err(format!("'{value}' in 'option {short} {value}' is out of range [{low} - {high}]"));
        }
        return Ok(());
    }
    if let Some((_, words)) = CHOICES.iter().find(|(name, _)| *name == option) {
        let listed = words.join(", ");
        let wrong = || format!("option {short} {value}: '{value}' is not valid (possible options are {listed}.)");
        return if words.contains(&value) { Ok(()) } else { Err(wrong()) };
    }
    if option == "cluster.quorum-count" {
        let fits = value.parse::<usize>().is_ok_and(|count| (1..=volume.replica).contains(&count));
        let wrong = || format!("{value} in {option} {value} is out of range [1 - {}]", volume.replica);
        return if fits { Ok(()) } else { Err(wrong()) };
    }
    if option == "cluster.server-quorum-ratio" {
        return Err("Not a valid option for single volume".to_owned());
    }
    check_by_default(option, short, value)
}

fn bad_number(short: &str, value: &str) -> String {
    format!("invalid number format \"{value}\" in option \"{short}\"")
}

/// What kind of value an option takes can be told from its default.
fn check_by_default(option: &str, short: &str, value: &str) -> Result<(), String> {
    let default = table().find(|(name, _)| *name == option).map_or("", |(_, default)| default);
    let default = default.trim_end_matches(" (DEFAULT)");
    let is_switch = |word: &str| {
        let word = word.to_ascii_lowercase();
        ["on", "off", "yes", "no", "true", "false", "enable", "disable", "0", "1"].contains(&word.as_str())
    };
    let is_size = |word: &str| {
        let digits = word.trim_end_matches(|c: char| "KMGTPB".contains(c.to_ascii_uppercase()));
        digits.parse::<u64>().is_ok() && word.len() - digits.len() <= 2
    };
    // Glusterd takes anything for nfs.disable.
    if option == "nfs.disable" {
        return Ok(());
    }
    if is_switch(default) && default.parse::<u64>().is_err() && !is_switch(value) {
        return Err("Error, Validation Failed".to_owned());
    }
    if is_size(default) && default.parse::<u64>().is_err() && !is_size(value) {
        return Err(bad_number(short, value));
    }
    Ok(())
}

/// The known option that differs in the fewest letters.
fn nearest(option: &str) -> &'static str {
    table().map(|(name, _)| name).min_by_key(|name| distance(option, name)).unwrap_or_default()
}

fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.bytes().enumerate() {
            let cost = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            corner = std::mem::replace(&mut row[j + 1], cost);
        }
    }
    row[b.len()]
}

/// `volume reset VOLUME [OPTION]`.
pub fn reset(world: &mut World, at: &NodeName, name: &str, option: Option<&str>) -> Output {
    let refused = |error: &str| refused_operation(30800, error, "volReset", error);
    let members = match world.begin(at, name) {
        Ok(members) => members,
        Err(reason) => return stuck(reason, Some(name), Some(("volReset", ""))),
    };
    if world.nodes[at].volume(name).is_none() {
        return refused(&no_such(name));
    }
    // Not even its own `user.` options does it find here.
    let known = option.map(|option| full_name(option).filter(|full| !full.starts_with("user.")).ok_or(option));
    match known.transpose() {
        Err(unknown) => refused(&format!("Option {unknown} does not exist\nDid you mean {}?", nearest(unknown))),
        Ok(option) => {
            let goes = |name: &str| match &option {
                Some(option) => option == name,
                None => !KEPT.contains(&name),
            };
            world.commit(&members, name, |copy| copy.options.retain(|(name, _)| !goes(name)));
            accepted_operation("volReset", "reset volume successful")
        }
    }
}
