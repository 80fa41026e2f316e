//! A volume's shape: which bricks form a set, and which changes of it can be made in place.

use crate::kinds::actual::Actual;
use crate::kinds::{Brick, Volume};
use crate::model::NodeName;
use crate::tools::gluster::{self, Shape};

/// The counts that the file asks for.
pub(super) fn wanted(volume: &Volume) -> Shape {
    let disperse = volume.disperse.unwrap_or(0);
    Shape {
        replica: volume.replica.unwrap_or(1),
        arbiter: volume.arbiter.unwrap_or(0),
        disperse,
        redundancy: if disperse > 0 { volume.redundancy.unwrap_or(1) } else { 0 },
    }
}

/// The counts that a volume has.
pub(super) fn present(volume: &gluster::Volume) -> Shape {
    let gluster::Volume { replica, arbiter, disperse, redundancy, .. } = *volume;
    Shape { replica, arbiter, disperse, redundancy }
}

/// The shape in words: `replica 2`, `2 x (2 + 1) arbiter`.
pub(super) fn words(shape: Shape, bricks: usize) -> String {
    let sets = bricks / set_size(shape);
    let one = match shape {
        Shape { disperse: 0, replica: 1, .. } => return format!("distributed over {bricks}"),
        Shape { disperse: 0, arbiter: 0, replica, .. } => format!("replica {replica}"),
        Shape { disperse: 0, replica, arbiter, .. } => format!("replica {replica} arbiter {arbiter}"),
        Shape { disperse, redundancy, .. } => format!("disperse {disperse} redundancy {redundancy}"),
    };
    if sets == 1 { one } else { format!("{sets} x {one}") }
}

/// How many bricks of a set of `size` must be served for its files to be read and written.
pub(super) fn enough(shape: Shape, size: usize) -> usize {
    match (shape.disperse, size) {
        (0, 0..=2) => 1,
        (0, size) => size / 2 + 1,
        (_, size) => size.saturating_sub(usize::try_from(shape.redundancy).unwrap_or(0)),
    }
}

/// How many bricks make a set.
pub(super) fn set_size(shape: Shape) -> usize {
    let size = if shape.disperse > 0 { shape.disperse } else { shape.replica };
    usize::try_from(size.max(1)).unwrap_or(1)
}

/// How many entries of a volume wait for their heal, from each brick's count of what it knows to be stale elsewhere.
/// The good bricks of a set all list the same entries, so the longest list of a set is what that set has to heal.
pub(in crate::kinds) fn pending(shape: Shape, counts: &[Option<u64>]) -> u64 {
    counts.chunks(set_size(shape)).map(|set| set.iter().flatten().max().copied().unwrap_or(0)).sum()
}

/// How a volume gets from its shape to the one that is written.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::kinds) enum Change<'a> {
    /// It has it.
    None,
    /// Bricks are added: as whole sets, or to every set so that it grows to the written shape.
    Add { bricks: Vec<&'a Brick>, raise: bool },
    /// Each brick stands on its node, but some of one node lie elsewhere than it is written.
    Move(&'a NodeName),
    /// It cannot be done in place.
    Impossible(String),
}

impl Change<'_> {
    /// Why the volume is not as it is written, if it is more than where bricks of `node` lie, or bricks that are to come.
    pub(in crate::kinds) fn for_all_but(self, node: &NodeName) -> Option<String> {
        match self {
            Self::None | Self::Add { .. } => None,
            Self::Move(moved) if moved == node => None,
            Self::Move(other) => Some(format!("its bricks on {other} lie elsewhere")),
            Self::Impossible(because) => Some(because),
        }
    }
}

type At<'a> = (Option<&'a NodeName>, &'a str);

/// Compares the written shape with the one there is.
pub(in crate::kinds) fn change<'a>(wanted_volume: &'a Volume, volume: &gluster::Volume, actual: &Actual) -> Change<'a> {
    let (want, have) = (wanted(wanted_volume), present(volume));
    let there: Vec<At<'_>> = volume.bricks.iter().map(|brick| (actual.owner(brick), brick.path.as_str())).collect();
    let written = |brick: &'a Brick| -> At<'a> { (Some(&brick.node), brick.path.as_str()) };
    let bricks = &wanted_volume.bricks;
    if want == have {
        let wanted: Vec<At<'_>> = bricks.iter().map(written).collect();
        let (mut wanted, mut present) = (sets(have, &wanted), sets(have, &there));
        let kept = wanted.starts_with(&present);
        wanted.sort_unstable();
        present.sort_unstable();
        return match bricks.len() - bricks.len().min(there.len()) {
            0 if wanted == present => Change::None,
            new if kept && new > 0 => Change::Add { bricks: bricks[there.len()..].iter().collect(), raise: false },
            0 => relocation(wanted_volume, volume, actual, &there),
            _ => Change::Impossible(misplaced(wanted_volume, &there)),
        };
    }
    let raised = have.disperse == 0 && want.disperse == 0 && have.arbiter == 0 && want.replica > have.replica;
    let same_sets = bricks.len() / set_size(want) == there.len() / set_size(have);
    if !raised {
        return Change::Impossible(format!("it is {}", words(have, there.len())));
    }
    let pairs = || bricks.chunks(set_size(want)).zip(there.chunks(set_size(have)));
    let arbiters = usize::try_from(want.arbiter).unwrap_or(0);
    let data = |set: &'a [Brick]| &set[..set.len() - arbiters.min(set.len())];
    let grown =
        pairs().all(|(wanted, there)| there.iter().all(|at| data(wanted).iter().map(written).any(|one| one == *at)));
    if !same_sets || !grown {
        return Change::Impossible(format!(
            "it is {}, and the written sets do not have the bricks of the present ones",
            words(have, there.len())
        ));
    }
    let new = |(wanted, there): (&'a [Brick], &[At<'_>])| {
        wanted.iter().filter(|brick| !there.contains(&written(brick))).collect::<Vec<_>>()
    };
    Change::Add { bricks: pairs().flat_map(new).collect(), raise: true }
}

/// The bricks as they are written, each with the one that stands in its place now; nothing unless every brick stands on
/// the node on which it is written, so that they can differ in their paths alone.
pub(in crate::kinds) fn in_place<'a, 'b>(
    volume: &'a Volume,
    there: &'b gluster::Volume,
    actual: &Actual,
) -> Option<Vec<(&'a Brick, &'b gluster::Brick)>> {
    let same_sets = wanted(volume) == present(there) && volume.bricks.len() == there.bricks.len();
    let pairs: Vec<_> = volume.bricks.iter().zip(&there.bricks).collect();
    let same_nodes = pairs.iter().all(|(written, lies)| actual.owner(lies) == Some(&written.node));
    (same_sets && same_nodes).then_some(pairs)
}

/// What is to be done about as many bricks as are written of which some lie elsewhere.
fn relocation<'a>(wanted: &'a Volume, volume: &gluster::Volume, actual: &Actual, there: &[At<'_>]) -> Change<'a> {
    let impossible = || Change::Impossible(misplaced(wanted, there));
    let Some(pairs) = in_place(wanted, volume, actual).filter(|_| super::is_redundant(wanted)) else {
        return impossible();
    };
    let moved: Vec<&Brick> =
        pairs.into_iter().filter(|(written, lies)| written.path.as_str() != lies.path).map(|(one, _)| one).collect();
    let Some(first) = moved.first().filter(|_| !moved.iter().any(|brick| actual.is_brick(brick))) else {
        return impossible();
    };
    match moved.iter().find(|brick| brick.node != first.node) {
        None => Change::Move(&first.node),
        Some(other) => Change::Impossible(format!(
            "its bricks on {} and on {} lie elsewhere than it is written, and one node is replaced at a time",
            first.node, other.node
        )),
    }
}

/// The sets, each as it counts.
fn sets<'a>(shape: Shape, bricks: &[At<'a>]) -> Vec<Vec<At<'a>>> {
    bricks.chunks(set_size(shape)).map(|set| copies(shape, set)).collect()
}

/// A set as it counts: which of its copies comes first does not matter; an arbiter is the last, and of a dispersed set
/// each brick has its place.
fn copies<'a>(shape: Shape, set: &[At<'a>]) -> Vec<At<'a>> {
    let mut set = set.to_vec();
    let arbiters = usize::try_from(shape.arbiter).unwrap_or(0);
    let data = if shape.disperse > 0 { 0 } else { set.len() - arbiters.min(set.len()) };
    set[..data].sort_unstable();
    set
}

fn misplaced(wanted: &Volume, there: &[At<'_>]) -> String {
    let written = |at: &At<'_>| wanted.bricks.iter().any(|brick| (Some(&brick.node), brick.path.as_str()) == *at);
    match there.iter().find(|at| !written(at)) {
        Some((node, path)) => {
            format!("it has the brick {}:{path}, which is not written", node.map_or("?", |name| name.as_str()))
        }
        None => "its bricks stand in another order, which makes other sets of them".to_owned(),
    }
}
