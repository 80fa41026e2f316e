//! What the watch needs of a cluster, so that its loop can be tested with clusters that only pretend.

use std::path::Path;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::sync::watch;

use crate::kinds::Spec;
use crate::model::{Allow, Event, Plan, Report};

/// A cluster that is kept: what is written of it, and the way to its nodes, which stays open from tick to tick.
pub trait Worker {
    /// The cluster's name as people are told it.
    fn heading(&self) -> String;

    /// Goes by `spec` from now on; the way to the nodes stays open where it is the same.
    ///
    /// # Errors
    /// One sentence: what is in the way. The former spec is in force then.
    fn renew(&mut self, spec: Spec) -> LocalBoxFuture<'_, Result<(), String>>;

    /// Looks at the nodes and plans.
    fn look<'a>(&'a mut self, allow: &'a Allow) -> LocalBoxFuture<'a, Plan>;

    /// Makes it so, as far as `shift` goes.
    ///
    /// # Errors
    /// One sentence: why nothing could be looked at.
    fn work<'a>(&'a mut self, shift: Shift<'a>) -> LocalBoxFuture<'a, Result<Report, String>>;

    /// Ends the connections.
    fn close(&mut self) -> LocalBoxFuture<'_, ()>;
}

/// How one tick is to go.
pub struct Shift<'a> {
    /// The risks it may take.
    pub allow: &'a Allow,
    /// After this long no step is started any more.
    pub limit: Duration,
    /// How long it may sit while there is nothing to do but wait.
    pub patience: Duration,
    /// Who is told.
    pub events: &'a mut (dyn FnMut(Event) + Send),
    /// Becomes true when it is to end after the running step.
    pub stop: watch::Receiver<bool>,
}

/// Makes workers.
pub trait Open {
    /// A worker for the cluster that `spec`, read from `file`, describes. Opens no connection yet.
    ///
    /// # Errors
    /// One sentence: what is in the way.
    fn open(&self, file: &Path, spec: Spec) -> Result<Box<dyn Worker>, String>;
}
