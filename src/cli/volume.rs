//! `volume`: what is wanted of a volume once.

use clap::{Args, Subcommand};

use super::wish::{self, WishArgs, grant, tell};
use super::{CliError, Exit, Global};
use crate::model::Wish;
use crate::view::Ui;

/// Heal a volume now, and wait until every copy is complete
#[derive(Debug, Args)]
pub struct VolumeArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Have self-heal begin now, and wait until nothing is left to heal
    Heal(Heal),
}

#[derive(Debug, Args)]
struct Heal {
    /// The volume
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    wish: WishArgs,
}

/// Does what the verb says.
///
/// # Errors
/// Where the file cannot be used or has no such volume.
pub async fn run(args: &VolumeArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    let Verb::Heal(Heal { name, wish }) = &args.verb;
    wish::on(ui, &wish.path, global, async |ui, cluster, interrupt| {
        let name = wish::named("volume", name, cluster.spec().volumes.keys())?.clone();
        let report = grant(Wish::Heal(name.clone()), wish.timeout, ui, cluster, interrupt).await?;
        tell(ui, cluster, &report, &format!("volume {name}: nothing left to heal"))
    })
    .await
}
