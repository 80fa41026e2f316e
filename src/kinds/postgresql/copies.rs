//! How far the copies of a database had come, for the person who has to choose between two that each miss something.

use super::all;
use crate::kinds::{Brick, Cx};
use crate::model::VolumeName;
use crate::tools::wal::{self, Reached};

/// A sentence for each copy of a database that lies on one of `bricks` of `volume`. It costs a look at each brick: it is
/// for when there is something to choose.
pub(in crate::kinds) fn reached<'a>(
    cx: &Cx<'_>,
    volume: &VolumeName,
    bricks: impl Iterator<Item = &'a Brick>,
) -> Vec<String> {
    let bricks: Vec<&Brick> = bricks.collect();
    let mut told = Vec::new();
    for one in all(cx) {
        let Some((_, below)) = one.mount().filter(|(mount, _)| mount.volume == *volume) else { continue };
        for brick in &bricks {
            let Some(programs) = one.programs(&brick.node) else { continue };
            let path = format!("{}/{below}", brick.path);
            let seen = cx.see(&brick.node, &wal::reached(&programs, [path.clone()]));
            let words = seen.known().and_then(|copies| words(copies.get(&path)?));
            told.push(match words {
                Some(words) => format!("the database of service {} on {}: {words}", one.name, brick.node),
                None => format!("the database of service {} on {} cannot be read", one.name, brick.node),
            });
        }
    }
    told
}

fn words(reached: &Reached) -> Option<String> {
    let Reached { checkpoint, checkpoint_at, written_at } = reached;
    let written = written_at.as_ref().map(|at| format!("WAL written until {at}"));
    let last = checkpoint.as_ref().zip(checkpoint_at.as_ref());
    let last = last.map(|(position, at)| format!("last checkpoint {position} of {at}"));
    let words: Vec<String> = written.into_iter().chain(last).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
