//! `simulate`: what happens to machines without bricklayer, in a cluster that is simulated.
//!
//! For the tour and for trying files out. It changes the world that the other verbs look at, and nothing else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use super::cluster::private_folder;
use super::run::{read, state_dir};
use super::{CliError, Exit, Global, apply, simulated, wish};
use crate::kinds::TransportSpec;
use crate::model::NodeName;
use crate::transport::simulated::World;
use crate::view::Ui;

/// Let something happen in a simulated cluster: a power cut, a killed Corosync, time
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer simulate kill-corosync node01
  bricklayer simulate pass 30s

It is for files with `transport: simulated`, whose machines bricklayer keeps beside the file.")]
pub struct SimulateArgs {
    #[command(subcommand)]
    event: Event,
}

#[derive(Debug, Subcommand)]
enum Event {
    /// Cut the power of a node, without a goodbye to anyone
    Cut(OfNode),
    /// Switch a node on: what is enabled at boot starts
    Boot(OfNode),
    /// Put a new, empty machine in the place of a node, with its name and addresses
    Reinstall(OfNode),
    /// Kill Corosync on a node with SIGKILL
    KillCorosync(OfNode),
    /// Let time pass
    Pass {
        /// How long: 30s, 5m
        #[arg(value_name = "TIME", value_parser = apply::time)]
        time: Duration,
        /// The cluster's file
        #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
        path: PathBuf,
    },
}

#[derive(Debug, Args)]
struct OfNode {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    /// The cluster's file
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    path: PathBuf,
}

/// Lets it happen.
///
/// # Errors
/// Where the file cannot be used, its cluster is not simulated, or it has no such node.
pub fn run(args: &SimulateArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    match &args.event {
        Event::Cut(of) => on_node(ui, global, of, "has no power", |world, node| world.cut_power(node, None)),
        Event::Boot(of) => on_node(ui, global, of, "is on", World::boot),
        Event::Reinstall(of) => on_node(ui, global, of, "is a new machine", World::reinstall),
        Event::KillCorosync(of) => on_node(ui, global, of, "has lost its Corosync", World::kill_corosync),
        Event::Pass { time, path } => {
            let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            happen(ui, global, path, |world, _| {
                world.advance(ms);
                Ok(format!("{} s have passed", ms / 1000))
            })
        }
    }
}

fn on_node(
    ui: &mut Ui,
    global: &Global,
    of: &OfNode,
    then: &str,
    event: impl FnOnce(&mut World, &NodeName),
) -> Result<Exit, CliError> {
    happen(ui, global, &of.path, |world, nodes| {
        let node = wish::named("node", &of.node, nodes.iter())?;
        event(world, node);
        Ok(format!("{node} {then}"))
    })
}

/// Changes the world of a file's cluster, keeps it, and tells of it.
fn happen(
    ui: &mut Ui,
    global: &Global,
    path: &Path,
    event: impl FnOnce(&mut World, &[NodeName]) -> Result<String, CliError>,
) -> Result<Exit, CliError> {
    let spec = read(ui, path)?;
    if spec.transport != TransportSpec::Simulated {
        return Err(CliError::new(format!("the cluster of {} is not simulated: its nodes are real", path.display())));
    }
    let state = state_dir(global.state_dir.as_deref(), path, &spec.cluster);
    private_folder(&state).map_err(|error| CliError::new(format!("{}: {error}", state.display())))?;
    let cluster = simulated::open(&spec, &state).map_err(|error| CliError::new(error.to_string()))?;
    let nodes: Vec<NodeName> = spec.nodes.keys().cloned().collect();
    let said = cluster.happen(|world| event(world, &nodes))?;
    ui.talk(&format!("{} (simulated): {said}\n", spec.cluster));
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use crate::view::testing;
    use clap::Parser;

    const FILE: &str = "apiVersion: bricklayer/v1\ncluster: toy\ntransport: simulated\nnodes: {node01: {}}\n";

    fn simulate(words: &[&str]) -> (Result<Exit, CliError>, String) {
        let cli = Cli::try_parse_from(["bricklayer", "simulate"].iter().chain(words)).unwrap();
        let Verb::Simulate(args) = &cli.verb else { panic!("another verb") };
        let (mut ui, _, err) = testing::ui(None);
        let result = run(args, &mut ui, &cli.global);
        (result, err.text())
    }

    #[test]
    fn what_happens_is_there_for_the_next_verb() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("toy.yaml");
        std::fs::write(&file, FILE).unwrap();
        let path = file.to_str().unwrap();
        let (result, said) = simulate(&["cut", "node01", path]);
        assert_eq!(result, Ok(Exit::Fine));
        assert!(said.ends_with("toy (simulated): node01 has no power\n"), "{said}");
        assert_eq!(simulate(&["pass", "2m", path]).0, Ok(Exit::Fine));
        let world = World::load(&folder.path().join(".bricklayer/toy/world.json")).unwrap().unwrap();
        assert!(world.nodes.values().all(|node| !node.is_on()) && world.clock_ms >= 120_000);
        assert!(simulate(&["boot", "node02", path]).0.is_err());
    }

    #[test]
    fn real_nodes_are_not_simulated() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("real.yaml");
        std::fs::write(&file, FILE.replace("simulated", "{ssh: {user: root}}")).unwrap();
        let (result, _) = simulate(&["cut", "node01", file.to_str().unwrap()]);
        assert!(format!("{:?}", result.unwrap_err()).contains("its nodes are real"));
    }
}
