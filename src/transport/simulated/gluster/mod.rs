//! `gluster`, the command line of glusterfs 10.3 with `--mode=script --xml`: what it takes, and who answers.
//!
//! Its texts are those of the real program, letter by letter where a reader may look at them; they were recorded
//! from real nodes (`tests/samples`). It exits with 0 for most refusals, as the real one does.

mod bricks;
mod change;
mod create;
mod heal;
mod info;
mod options;
mod peers;
mod pool;
mod rebalance;
mod replace;
mod reset;
mod shrink;
mod status;
mod xml;

pub use peers::adopt_peer;

use super::output::{Call, failed};
use super::world::World;
use crate::model::{NodeName, Output};

const USAGE: &str = "\n Usage: gluster [options] <help> <peer> <pool> <volume>\n Options:\n --help  Shows the help \
    information\n --version  Shows the version\n --print-logdir  Shows the log directory\n --print-statedumpdir Shows \
    the state dump directory\n\n";
const OFF: &str = "Connection failed. Please check if gluster daemon is operational.\n";

/// Runs `gluster`.
pub fn gluster(world: &mut World, at: &NodeName, call: &Call<'_>) -> Output {
    let mut words = Vec::new();
    for &arg in call.args {
        match arg {
            "--mode=script" | "--xml" | "--wignore" => {}
            _ if words.is_empty() && arg.starts_with("--") => {
                let stdout = format!("unrecognized option {arg}\n{USAGE}");
                return Output { status: 255, stdout, stderr: String::new() };
            }
            _ => words.push(arg),
        }
    }
    if !world.nodes[at].serves() {
        return Output { status: 1, stdout: OFF.to_owned(), stderr: String::new() };
    }
    match words.as_slice() {
        ["peer", "status"] => peers::status(world, at),
        ["pool", "list"] => peers::pool_list(world, at),
        ["peer", "probe", host] => peers::probe(world, at, host),
        ["peer", "detach", host] => peers::detach(world, at, host),
        ["volume", verb, rest @ ..] => volume(world, at, verb, rest).unwrap_or_else(|| unrecognized(&words)),
        _ => unrecognized(&words),
    }
}

fn volume(world: &mut World, at: &NodeName, verb: &str, rest: &[&str]) -> Option<Output> {
    Some(match (verb, rest) {
        ("info", [] | ["all"]) => info::info(world, at, None),
        ("info", [volume]) => info::info(world, at, Some(volume)),
        ("get", [volume, option]) => info::get(world, at, volume, option),
        ("status", [] | ["all"]) => status::status(world, at, None),
        ("status", [volume]) => status::status(world, at, Some(volume)),
        ("heal", [volume]) => heal::launch(world, at, volume, "index"),
        ("heal", [volume, "full"]) => heal::launch(world, at, volume, "full"),
        ("heal", [volume, "info"]) => heal::info(world, at, volume, false),
        ("heal", [volume, "info", "summary"]) => heal::info(world, at, volume, true),
        ("create", words) => create::create(world, at, words),
        ("add-brick", words) => bricks::add_brick(world, at, words),
        ("remove-brick", words) => shrink::remove_brick(world, at, words),
        ("reset-brick", words) => reset::reset_brick(world, at, words),
        ("replace-brick", words) => replace::replace_brick(world, at, words),
        ("start", [volume]) => change::start(world, at, volume, false),
        ("start", [volume, "force"]) => change::start(world, at, volume, true),
        ("stop", [volume]) => change::stop(world, at, volume, false),
        ("stop", [volume, "force"]) => change::stop(world, at, volume, true),
        ("rebalance", [volume, "fix-layout", "start"]) => rebalance::fix_layout(world, at, volume),
        ("rebalance", [volume, "status"]) => rebalance::status(world, at, volume),
        ("delete", [volume]) => change::delete(world, at, volume),
        ("set", [volume, "group", group]) => options::set_group(world, at, volume, group),
        ("set", [volume, pairs @ ..]) => options::set(world, at, volume, pairs),
        ("reset", [volume]) => options::reset(world, at, volume, None),
        ("reset", [volume, option]) => options::reset(world, at, volume, Some(option)),
        ("get" | "heal" | "start" | "stop" | "delete" | "set" | "reset", _) => usage(verb),
        _ => return None,
    })
}

fn usage(verb: &str) -> Output {
    let arguments = match verb {
        "get" => "<VOLNAME|all> <key|all>",
        "heal" => {
            "<VOLNAME> [enable | disable | full |statistics [heal-count [replica <HOSTNAME:BRICKNAME>]] |info \
            [summary | split-brain] |split-brain {bigger-file <FILE> | latest-mtime <FILE> |source-brick \
            <HOSTNAME:BRICKNAME> [<FILE>]} |granular-entry-heal {enable | disable}]"
        }
        "start" | "stop" => "<VOLNAME> [force]",
        "set" => "<VOLNAME> group <GROUP>",
        "reset" => "<VOLNAME> [option] [force]",
        _ => "<VOLNAME>",
    };
    failed(1, format!("\nUsage:\nvolume {verb} {arguments}\n\n"))
}

fn unrecognized(words: &[&str]) -> Output {
    const KNOWN: [&str; 16] = [
        "peer", "pool", "volume", "status", "probe", "detach", "list", "info", "get", "heal", "create", "start",
        "stop", "delete", "set", "reset",
    ];
    let unknown = words.iter().take(2).position(|word| !KNOWN.contains(word));
    let first = match unknown {
        Some(position) => format!("unrecognized word: {} (position {position})\n", words[position]),
        None => "unrecognized command\n".to_owned(),
    };
    Output { status: 1, stdout: first + USAGE, stderr: String::new() }
}
