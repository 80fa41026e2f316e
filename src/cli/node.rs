//! `node`: what a person says of a machine.

use clap::{Args, Subcommand};

use super::wish::{self, WishArgs, grant, is_off, tell};
use super::{CliError, Exit, Global};
use crate::model::Wish;
use crate::view::Ui;

/// Say something of a node that only a person can know
#[derive(Debug, Args)]
pub struct NodeArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say that a node is off for good: nobody fences it, and nobody waits for it any more
    ConfirmOff(ConfirmOff),
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
A node that cannot be fenced keeps the others from taking over, and after a power loss of all,
the others wait until they have seen it once: it may have the newer data, or still write. Say
that it is off only if you have seen it without power.")]
struct ConfirmOff {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    /// The node once more, so that nobody asks
    #[arg(long, value_name = "NODE")]
    off: Vec<String>,
    #[command(flatten)]
    wish: WishArgs,
}

/// Does what the verb says.
///
/// # Errors
/// Where the file cannot be used or has no such node, or there is nobody to ask.
pub async fn run(args: &NodeArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    let Verb::ConfirmOff(ConfirmOff { node, off, wish }) = &args.verb;
    wish::on(ui, &wish.path, global, async |ui, cluster, interrupt| {
        let node = wish::named("node", node, cluster.spec().nodes.keys())?.clone();
        if !is_off(ui, &node, off)? {
            ui.talk("nothing was run\n");
            return Ok(Exit::Differs);
        }
        let report = grant(Wish::ConfirmOff(node.clone()), wish.timeout, ui, cluster, interrupt).await?;
        tell(ui, cluster, &report, &format!("the cluster goes on without {node}"))
    })
    .await
}
