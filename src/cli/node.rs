//! `node`: what a person says of a machine, and has done with it as a whole.

use clap::{Args, Subcommand};

use super::wish::{self, WishArgs, grant, is_lost, is_off, tell};
use super::{CliError, Exit, Global};
use crate::model::Wish;
use crate::view::Ui;

/// Take a node out of service and back, or say that it is off for good
#[derive(Debug, Args)]
pub struct NodeArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Take a node out of service, so that it can be switched off: its services move, and nobody misses it
    Drain(Named),
    /// Bring a drained node back: its bricks, then the heal, then the cluster
    Resume(Named),
    /// Have a new machine take the place of one whose disks are lost, under its name and addresses
    Replace(Replace),
    /// Say that a node is off for good: nobody fences it, and nobody waits for it any more
    ConfirmOff(ConfirmOff),
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
A drained node runs nothing and serves nothing, also after a reboot, until it is resumed; apply
and watch leave it as it is. It is drained only while all others can go on without it. What was
broken off goes on when it is asked for again.")]
struct Named {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    #[command(flatten)]
    wish: WishArgs,
}

#[derive(Debug, Args)]
#[command(after_long_help = "\
The machine is installed anew, answers, and has empty disks where the bricks were, or elsewhere:
the file then says where they lie from now on, each in the place of the old one. It becomes the
member of the pool that it was; its bricks are filled from the other copies, one set after the
other, and once they are healed it joins the cluster. It is refused while another copy of what it
had is not served. What was broken off goes on when it is asked for again. A machine that is alive
gets its bricks elsewhere in the same way, unless an old one has what the other copies lack.")]
struct Replace {
    /// The node
    #[arg(value_name = "NODE")]
    node: String,
    /// The node once more, so that nobody asks
    #[arg(long, value_name = "NODE")]
    lost: Vec<String>,
    #[command(flatten)]
    wish: WishArgs,
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
    let (Verb::Drain(Named { node, wish })
    | Verb::Resume(Named { node, wish })
    | Verb::Replace(Replace { node, wish, .. })
    | Verb::ConfirmOff(ConfirmOff { node, wish, .. })) = &args.verb;
    wish::on(ui, &wish.path, global, async |ui, cluster, interrupt| {
        let node = wish::named("node", node, cluster.spec().nodes.keys())?.clone();
        let agreed = match &args.verb {
            Verb::Drain(_) | Verb::Resume(_) => true,
            Verb::Replace(Replace { lost, .. }) => is_lost(ui, &node, lost)?,
            Verb::ConfirmOff(ConfirmOff { off, .. }) => is_off(ui, &node, off)?,
        };
        if !agreed {
            ui.talk("nothing was run\n");
            return Ok(Exit::Differs);
        }
        let (asked, well) = match &args.verb {
            Verb::Drain(_) => {
                let back = format!("`bricklayer node resume {node}` brings it back");
                (Wish::Drain(node.clone()), format!("{node} is drained and can be switched off; {back}"))
            }
            Verb::Resume(_) => (Wish::Resume(node.clone()), format!("{node} is back")),
            Verb::Replace(_) => {
                (Wish::Replace(node.clone()), format!("{node} has taken the place of the lost machine"))
            }
            Verb::ConfirmOff(_) => (Wish::ConfirmOff(node.clone()), format!("the cluster goes on without {node}")),
        };
        let report = grant(asked, wish.timeout, ui, cluster, interrupt).await?;
        tell(ui, cluster, &report, &well)
    })
    .await
}
