//! Transactions: which members take part, what stops them, and how a change reaches every copy of the books.

use super::xml::{Xml, answer, refused_operation};
use crate::model::{NodeName, Output};
use crate::transport::simulated::node::Volume;
use crate::transport::simulated::world::{Sight, World};

/// After this long the command line gives up on glusterd.
const CLI_PATIENCE_MS: u64 = 120_000;
/// After this long glusterd gives up a lock that nobody returned.
const LOCK_MS: u64 = 180_000;
/// `opErrno` of a lock that another transaction holds.
const BUSY: i32 = 30802;

/// Why a transaction did not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// Another one is under way.
    Busy,
    /// A member does not answer and is not known to be away.
    TimedOut,
}

impl World {
    /// Begins a transaction on a volume: the members that take part, the own node first.
    ///
    /// # Errors
    /// [`Stuck`] if it does not begin.
    pub fn begin(&mut self, at: &NodeName, volume: &str) -> Result<Vec<NodeName>, Stuck> {
        if std::mem::take(&mut self.busy) || self.locks.contains_key(volume) {
            return Err(Stuck::Busy);
        }
        let members = self.members(at);
        let silent = members.iter().filter(|(_, _, sight)| *sight == Sight::Silent);
        let asked: Vec<_> = silent.map(|(name, _, _)| (at.clone(), name.clone())).collect();
        if !asked.is_empty() {
            self.asked.extend(asked);
            self.hang_ms = self.hang_ms.max(CLI_PATIENCE_MS);
            self.locks.insert(volume.to_owned(), self.clock_ms + LOCK_MS);
            return Err(Stuck::TimedOut);
        }
        let connected = members.into_iter().filter(|(_, peer, sight)| {
            *sight == Sight::Connected && !peer.rejected && peer.settles_ms <= self.clock_ms
        });
        Ok(std::iter::once(at.clone()).chain(connected.map(|(name, _, _)| name)).collect())
    }

    /// Writes a change of a volume into the books of those who take part.
    pub fn commit(&mut self, members: &[NodeName], volume: &str, mut change: impl FnMut(&mut Volume)) {
        for member in members {
            let books = self.nodes.get_mut(member).map(|node| &mut node.glusterd.volumes);
            if let Some(copy) = books.and_then(|books| books.iter_mut().find(|copy| copy.name == volume)) {
                change(copy);
                copy.version += 1;
            }
        }
    }
}

/// What the caller of a stuck transaction sees; some commands name the volume, some name themselves.
pub fn stuck(stuck: Stuck, volume: Option<&str>, operation: Option<(&str, &str)>) -> Output {
    if stuck == Stuck::TimedOut {
        return Output { status: 1, stdout: "Error : Request timed out\n".to_owned(), stderr: String::new() };
    }
    let on = volume.map(|volume| format!(" for {volume}")).unwrap_or_default();
    let error = format!("Another transaction is in progress{on}. Please try again after some time.");
    match operation {
        Some((name, "")) => refused_operation(BUSY, &error, name, &error),
        Some((name, word)) => refused_operation(BUSY, &error, name, word),
        None => answer(-1, BUSY, &error, |_: &mut Xml| {}),
    }
}

/// What every command says of a volume that glusterd does not know.
pub fn no_such(volume: &str) -> String {
    format!("Volume {volume} does not exist")
}
