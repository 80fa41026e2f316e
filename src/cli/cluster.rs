//! A cluster for the verbs: its file read, its state's folder made, the way to its nodes opened.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use futures::future::LocalBoxFuture;
use jiff::Timestamp;

use super::run::{self, ApplyRun, Cluster, read, state_dir};
use super::{CliError, Exit, Global, simulated, whoami};
use crate::execute::journal::Journal;
use crate::kinds::{self, Cx, Node, Spec, SshSpec, TransportSpec};
use crate::model::{Allow, ClusterName, Facts, History, Intent, NodeName, Plan, Report, Status, Wish};
use crate::observe::{Clock, answered, observe};
use crate::reconcile::Reconciler;
use crate::transport::{Local, Login, Ssh, Transport, WithSecrets};
use crate::view::Ui;

/// The time by this machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A cluster on the nodes that its file names.
pub struct Opened {
    spec: Spec,
    transport: Box<dyn Transport>,
    state: PathBuf,
    /// What the last plan was made from, until a run begins with it.
    seen: Facts,
    wish: Option<Wish>,
}

/// Opens the cluster of `file`.
///
/// # Errors
/// Where something is wrong in the file, its state's folder cannot be made, or the way to its nodes not be opened.
pub fn open(ui: &mut Ui, file: &Path, global: &Global) -> Result<Opened, CliError> {
    Opened::of(read(ui, file)?, file, global.state_dir.as_deref())
}

/// Opens each cluster that `path` stands for, does `verb` to it, and ends its connections.
///
/// # Errors
/// Where `path` stands for no cluster.
pub async fn each(
    ui: &mut Ui,
    path: &Path,
    global: &Global,
    mut verb: impl AsyncFnMut(&mut Ui, &mut dyn Cluster) -> Result<Exit, CliError>,
) -> Result<Exit, CliError> {
    let open = |ui: &mut Ui, file: &Path| Ok(Box::new(open(ui, file, global)?) as Box<dyn Cluster>);
    run::each(ui, path, open, async |ui: &mut Ui, cluster: &mut dyn Cluster| {
        let exit = verb(ui, cluster).await;
        cluster.close().await;
        exit
    })
    .await
}

/// The way to the nodes that the file names. Paths in it are relative to the file's folder.
fn way(spec: &Spec, folder: &Path, state: &Path) -> io::Result<Box<dyn Transport>> {
    let way: Box<dyn Transport> = match &spec.transport {
        TransportSpec::Local => Box::new(Local),
        TransportSpec::Simulated => Box::new(simulated::open(spec, state).map_err(io::Error::other)?),
        TransportSpec::Ssh(SshSpec { user, port, identity_file, known_hosts, sudo }) => {
            let absolute = |path: &PathBuf| std::path::absolute(folder.join(path));
            let login = Login {
                user: user.clone(),
                port: *port,
                identity_file: identity_file.as_ref().map(absolute).transpose()?,
                known_hosts: known_hosts.as_ref().map(absolute).transpose()?,
                sudo: *sudo,
            };
            let address = |(name, node): (&NodeName, &Node)| (name.clone(), node.management(name).to_owned());
            Box::new(Ssh::new(login, spec.nodes.iter().map(address).collect())?)
        }
    };
    Ok(Box::new(WithSecrets::new(way, folder)))
}

/// Makes a folder that only its owner can look into.
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if fs::metadata(folder)?.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
}

impl Opened {
    /// Opens the cluster that `spec`, read from `file`, describes.
    ///
    /// # Errors
    /// Where its state's folder cannot be made, or the way to its nodes not be opened.
    pub fn of(spec: Spec, file: &Path, states: Option<&Path>) -> Result<Self, CliError> {
        let state = state_dir(states, file, &spec.cluster);
        let failed = |what: &str, error: io::Error| CliError::new(format!("{what}: {error}"));
        private_folder(&state).map_err(|error| failed(&state.display().to_string(), error))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let transport = way(&spec, folder, &state).map_err(|error| failed("no way to the nodes", error))?;
        Ok(Self { spec, transport, state, seen: Facts::default(), wish: None })
    }

    /// Takes over the way to the nodes of `former`, with its open connections, if it leads to the same nodes in the
    /// same manner; gives `former` back to be closed if not.
    #[must_use]
    pub fn over_the_way_of(&mut self, former: Self) -> Option<Self> {
        let addresses = |spec: &Spec| -> Vec<(NodeName, String)> {
            spec.nodes.iter().map(|(name, node)| (name.clone(), node.management(name).to_owned())).collect()
        };
        let (new, old) = (&self.spec, &former.spec);
        // A simulated cluster is made of the file's nodes and disks, and opening it costs nothing.
        let same = new.transport == old.transport && new.transport != TransportSpec::Simulated;
        if !same || new.cluster != old.cluster || addresses(new) != addresses(old) {
            return Some(former);
        }
        self.transport = former.transport;
        None
    }

    async fn observe(&self, intent: &Intent) -> (Plan, Facts) {
        let mut facts = Facts::default();
        let plan = observe(&self.spec, intent, self.transport.as_ref(), &SystemClock, &mut facts).await;
        (plan, facts)
    }
}

impl Cluster for Opened {
    fn name(&self) -> &ClusterName {
        &self.spec.cluster
    }

    fn label(&self) -> Option<&'static str> {
        self.transport.label()
    }

    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn wish(&mut self, wish: Wish) {
        self.wish = Some(wish);
    }

    fn plan<'a>(&'a mut self, allow: &'a Allow) -> LocalBoxFuture<'a, Plan> {
        Box::pin(async {
            let intent = Intent { allow: allow.clone(), wish: self.wish.clone(), ..Intent::default() };
            let (plan, seen) = self.observe(&intent).await;
            self.seen = seen;
            plan
        })
    }

    fn apply<'a>(&'a mut self, run: ApplyRun<'a>) -> LocalBoxFuture<'a, Result<Report, CliError>> {
        Box::pin(async move {
            let seen = std::mem::take(&mut self.seen);
            let path = self.state.join("journal");
            let journal = Journal::open(&path)
                .map_err(|error| CliError::new(format!("the journal {} cannot be written: {error}", path.display())))?;
            let reconciler = Reconciler {
                spec: &self.spec,
                transport: self.transport.as_ref(),
                clock: &SystemClock,
                journal: &journal,
                owner: whoami::owner(random()),
                is_gone: whoami::is_gone,
                seed: random(),
                limit: run.timeout,
                patience: run.patience,
                stop: run.stop,
            };
            let intent = Intent { allow: run.allow.clone(), wish: self.wish.clone(), ..Intent::default() };
            Ok(reconciler.run_after(seen, intent, run.events).await)
        })
    }

    fn close(&mut self) -> LocalBoxFuture<'_, ()> {
        self.transport.close()
    }

    fn status(&mut self) -> LocalBoxFuture<'_, Status> {
        Box::pin(async {
            let intent = Intent::default();
            let (_, facts) = self.observe(&intent).await;
            kinds::status(&Cx::new(&self.spec, &facts, &intent))
        })
    }

    fn history(&mut self) -> LocalBoxFuture<'_, History> {
        Box::pin(async {
            let intent = Intent::default();
            let draft = |facts: &Facts| {
                let cx = Cx::new(&self.spec, facts, &intent);
                (kinds::history(&cx), cx.into_questions())
            };
            answered(self.transport.as_ref(), &SystemClock, &mut Facts::default(), draft).await
        })
    }
}

/// A number from the randomness that the operating system gives every process.
#[must_use]
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn opened(folder: &Path, text: &str) -> Opened {
        let spec = spec::from_bytes("a.yaml", text.into()).spec.unwrap();
        Opened::of(spec, &folder.join("a.yaml"), None).unwrap()
    }

    #[test]
    fn connections_are_taken_over_as_long_as_they_lead_to_the_same_nodes() {
        let folder = tempfile::tempdir().unwrap();
        let ssh = |address: &str, volume: &str| {
            format!(
                "apiVersion: bricklayer/v1\ncluster: c1\ntransport: {{ssh: {{user: root}}}}\n\
                 nodes: {{n1: {{addresses: {{management: {address}}}}}}}\n\
                 volumes: {{{volume}: {{bricks: [n1:/bricks/b]}}}}\n"
            )
        };
        let former = || opened(folder.path(), &ssh("10.0.0.1", "v1"));
        assert!(opened(folder.path(), &ssh("10.0.0.1", "v2")).over_the_way_of(former()).is_none());
        assert!(opened(folder.path(), &ssh("10.0.0.2", "v1")).over_the_way_of(former()).is_some());
    }
}
