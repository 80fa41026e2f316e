//! `service`: what `clusvcadm` did. Waits for the outcome, and leaves no constraint behind.

mod recover;

use clap::{Args, Subcommand};

use super::run::Cluster;
use super::wish::{self, WishArgs, grant, named, tell};
use super::{CliError, Exit, Global};
use crate::kinds::Spec;
use crate::model::{NodeName, ServiceName, Status, Wish};
use crate::view::Ui;

/// Start, stop, move, restart or freeze a service, and wait for the outcome
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer service enable service01
  bricklayer service relocate service01 --to node01 clusters/db.yaml

Exit codes: 0 done, 2 not settled when time was up or interrupted, 3 held, 1 error")]
pub struct ServiceArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Have it run; what failed before is tried again
    Enable(Named),
    /// Have it rest
    Disable(Named),
    /// Move it to another node
    Relocate(Relocate),
    /// Stop and start it where it is
    Restart(Named),
    /// Start it from one node's copy, where the other copies are lost: they are given up for good
    Recover(Recover),
    /// Have the cluster manager leave it alone, running or not
    Freeze(Named),
    /// Have the cluster manager look after it again
    Unfreeze(Named),
}

#[derive(Debug, Args)]
struct Named {
    /// The service
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    wish: WishArgs,
}

#[derive(Debug, Args)]
struct Relocate {
    #[command(flatten)]
    named: Named,
    /// The node; the best other one if left out
    #[arg(long, value_name = "NODE")]
    to: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
What was acknowledged while the node was away is lost. The other nodes must be off, and are
named one by one: at a prompt, or with --off. Their bricks leave the volume before the service
starts, and come back only emptied, with the next apply.

Where a node is back and its glusterd is kept from serving a copy that is torn from the other
one, it need not be off: its copy is given up by --give-up.")]
struct Recover {
    #[command(flatten)]
    named: Named,
    /// The node whose copy is taken
    #[arg(long, value_name = "NODE")]
    from: String,
    /// A node that is seen to be off, so that nobody asks
    #[arg(long, value_name = "NODE")]
    off: Vec<String>,
    /// A node whose copy is given up although it is on, so that nobody asks
    #[arg(long, value_name = "NODE")]
    give_up: Vec<String>,
}

/// Does what the verb says.
///
/// # Errors
/// Where the file cannot be used or has no such service or node.
pub async fn run(args: &ServiceArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    let (Verb::Enable(named)
    | Verb::Disable(named)
    | Verb::Relocate(Relocate { named, .. })
    | Verb::Recover(Recover { named, .. })
    | Verb::Restart(named)
    | Verb::Freeze(named)
    | Verb::Unfreeze(named)) = &args.verb;
    wish::on(ui, &named.wish.path, global, async |ui, cluster, interrupt| {
        let name = wish::named("service", &named.name, cluster.spec().services.keys())?.clone();
        let wish = match &args.verb {
            Verb::Enable(_) => Wish::Enable(name.clone()),
            Verb::Disable(_) => Wish::Disable(name.clone()),
            Verb::Restart(_) => Wish::Restart(name.clone()),
            Verb::Freeze(_) => Wish::Freeze(name.clone()),
            Verb::Unfreeze(_) => Wish::Unfreeze(name.clone()),
            Verb::Recover(Recover { from, off, give_up, .. }) => {
                let from = wish::named("node", from, cluster.spec().nodes.keys())?.clone();
                if !recover::agreed(ui, cluster, (&name, &from), (off, give_up)).await? {
                    ui.talk("nothing was run\n");
                    return Ok(Exit::Differs);
                }
                Wish::Recover(name.clone(), from)
            }
            Verb::Relocate(Relocate { to, .. }) => {
                Wish::Relocate(name.clone(), target(cluster, &name, to.as_deref()).await?)
            }
        };
        let report = grant(wish, named.wish.timeout, ui, cluster, interrupt).await?;
        let now = said(&cluster.status().await, &name);
        tell(ui, cluster, &report, &now)
    })
    .await
}

/// How a service is, in one sentence.
fn said(status: &Status, name: &ServiceName) -> String {
    let services = status.manager.iter().flat_map(|manager| &manager.services);
    let service = services.into_iter().find(|service| service.name == *name);
    match service.map(|service| (service.state.as_deref().unwrap_or("unknown"), &service.owner)) {
        Some((state, Some(owner))) => format!("service {name}: {state} on {owner}"),
        Some((state, None)) => format!("service {name}: {state}"),
        None => format!("service {name}: unknown"),
    }
}

/// The node to which a service goes: the named one, or the best member of its domain but the one that it is on.
async fn target(cluster: &mut dyn Cluster, name: &ServiceName, to: Option<&str>) -> Result<NodeName, CliError> {
    if let Some(to) = to {
        return named("node", to, cluster.spec().nodes.keys()).cloned();
    }
    let status = cluster.status().await;
    let manager = status.manager.unwrap_or_default();
    let owner = manager.services.iter().find(|service| service.name == *name).and_then(|service| service.owner.clone());
    let online = manager.members.iter().filter(|member| member.state.as_deref() == Some("online"));
    let others = online.filter(|member| Some(member.name.as_str()) != owner.as_deref()).map(|member| &member.name);
    let best = others.filter_map(|node| Some((rank(cluster.spec(), name, node)?, node))).min();
    best.map(|(_, node)| node.clone()).ok_or_else(|| {
        CliError::new(format!("there is no other node that could take service {name} now"))
            .hint("`bricklayer status` tells which members are online")
    })
}

/// How good a node is for a service, 1 for the best; nothing if it must not run there.
fn rank(spec: &Spec, name: &ServiceName, node: &NodeName) -> Option<u32> {
    let service = spec.services.get(name)?;
    let Some(domain) = spec.domain_of(service) else { return Some(1) };
    domain.nodes.get(node).copied().or((!domain.restricted).then_some(u32::MAX))
}
