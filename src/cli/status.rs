//! `status`: what is there.

use std::path::PathBuf;

use clap::Args;

use super::cluster::each;
use super::run::Cluster;
use super::{CliError, Exit, Global, Output};
use crate::model::Health;
use crate::view::json::Document;
use crate::view::{Ui, history, status};

/// Show the nodes, the pool, volumes, bricks, heal and mounts as they are, or how they got there
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  bricklayer status
  bricklayer status -o json clusters/db.yaml
  bricklayer status --history

--history reads the nodes' own logs (journal, self-heal daemon) of the last
30 days: when a node was lost, fenced, on again, healed and a member again,
and for how long services were down. It needs nothing that bricklayer kept.

Exit codes: 0 healthy, 2 degraded or not all of it could be seen, 1 error")]
pub struct StatusArgs {
    /// Print in this form
    #[arg(short, long, value_name = "FORM", default_value = "human")]
    pub output: Output,
    /// Tell how nodes were lost and came back, and how long services were down
    #[arg(long)]
    pub history: bool,
    /// The cluster's file, or a folder of them
    #[arg(value_name = "PATH", default_value = "bricklayer.yaml")]
    pub path: PathBuf,
}

/// Tells how one cluster is.
///
/// # Errors
/// Where standard output cannot be written.
pub async fn run(args: &StatusArgs, ui: &mut Ui, cluster: &mut dyn Cluster) -> Result<Exit, CliError> {
    if args.history {
        return past(args.output, ui, cluster).await;
    }
    let seen = cluster.status().await;
    ui.data(&match args.output {
        Output::Human => status::status(&seen, cluster.label(), ui.data_look()),
        Output::Json => Document::new(&seen, cluster.label()).text(),
    })?;
    Ok(match seen.health {
        Health::Healthy => Exit::Fine,
        // Unknown is not healthy.
        Health::Degraded | Health::Unknown => Exit::Differs,
    })
}

async fn past(output: Output, ui: &mut Ui, cluster: &mut dyn Cluster) -> Result<Exit, CliError> {
    let told = cluster.history().await;
    ui.data(&match output {
        Output::Human => history::history(&told, cluster.label(), ui.data_look()),
        Output::Json => Document::new(&told, cluster.label()).text(),
    })?;
    Ok(if told.unheard.is_empty() { Exit::Fine } else { Exit::Differs })
}

/// Tells how every cluster is that the path stands for.
///
/// # Errors
/// Where it stands for none.
pub async fn every(args: &StatusArgs, ui: &mut Ui, global: &Global) -> Result<Exit, CliError> {
    each(ui, &args.path, global, async |ui, cluster| run(args, ui, cluster).await).await
}

#[cfg(test)]
mod tests {
    use super::super::run::testing::Fake;
    use super::*;
    use crate::model::Verdict;
    use crate::view::human::tests::every_sort;
    use crate::view::testing;

    #[tokio::test]
    async fn a_degraded_cluster_exits_with_2() {
        let (mut ui, out, _) = testing::ui(None);
        let mut cluster = Fake { plan: every_sort(), verdict: Verdict::AsWritten, applied: 0 };
        let args = StatusArgs { output: Output::Json, history: false, path: PathBuf::new() };
        assert_eq!(run(&args, &mut ui, &mut cluster).await, Ok(Exit::Differs));
        assert!(out.text().contains(r#""health": "degraded""#));
        let args = StatusArgs { history: true, ..args };
        assert_eq!(run(&args, &mut ui, &mut cluster).await, Ok(Exit::Differs), "one node could not be asked");
        assert!(out.text().contains(r#""lostAt": "#));
    }
}
