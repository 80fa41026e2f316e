//! `fence test`: a fence device is trusted once it has fenced for real.

use clap::{Args, Subcommand};

use super::wish::{self, WishArgs, grant, tell};
use super::{CliError, Exit, Global, apply};
use crate::model::{NodeName, ServiceStatus, Verdict, Wish};
use crate::view::Ui;

/// Fence a node for a test: it is switched off and on again, for real
#[derive(Debug, Args)]
pub struct FenceArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Switch a node off and on through its fence device, time it, and keep the time in the cluster
    Test(Test),
}

#[derive(Debug, Args)]
struct Test {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    wish: WishArgs,
}

/// Does what the verb says.
///
/// # Errors
/// Where the file cannot be used or has no such node, or nobody agrees.
pub async fn run(args: &FenceArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    let Verb::Test(Test { node, yes, wish }) = &args.verb;
    wish::on(ui, &wish.path, global, async |ui, cluster, interrupt| {
        let node = wish::named("node", node, cluster.spec().nodes.keys())?.clone();
        let status = cluster.status().await;
        let manager = status.manager.unwrap_or_default();
        if !yes && !agreed(ui, &node, &manager.services)? {
            ui.talk("nothing was run\n");
            return Ok(Exit::Differs);
        }
        let before = manager.fenced.iter().find(|event| event.node == node.as_str() && event.outcome == "success");
        let since = before.and_then(|event| event.at.clone());
        let report = grant(Wish::Fence(node.clone(), since), wish.timeout, ui, cluster, interrupt).await?;
        let took = report.done.iter().map(|done| done.took).max();
        let (Verdict::AsWritten, Some(took)) = (report.verdict, took) else {
            return tell(ui, cluster, &report, &format!("{node} was fenced by somebody else meanwhile"));
        };
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let kept = grant(Wish::Measured(node.clone(), ms), wish.timeout, ui, cluster, interrupt).await?;
        tell(ui, cluster, &kept, &format!("{node} was fenced in {:.1} s and is back", took.as_secs_f64()))
    })
    .await
}

fn agreed(ui: &mut Ui, node: &NodeName, services: &[ServiceStatus]) -> Result<bool, CliError> {
    let there: Vec<&str> = services
        .iter()
        .filter(|service| service.owner.as_deref() == Some(node.as_str()))
        .map(|s| s.name.as_str())
        .collect();
    let moves = match there.len() {
        0 => String::new(),
        _ => format!(" {} will move.", there.join(", ")),
    };
    let question = format!("{node} will be switched off and on again.{moves} Fence it?");
    apply::ask(ui, &question, "add --yes if that is wanted now")
}
