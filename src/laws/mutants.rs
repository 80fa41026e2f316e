//! The fifth law: a planner that lacks any need, or any rule of safety, is found out by some case.
//!
//! Nobody lists the needs. The planner as it is goes through the cases and notes what it has; then it goes through
//! those in which a thing mattered again, lacking just that, and must come to another end, do something in vain, or
//! wait for what does not come. So a new need that no case misses breaks the law, and so does one that nothing needs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::cases::{Case, End};
use super::drive::{Meddling, timeless};
use super::seeds;
use crate::planner::mutant::{Lack, lacking, noting};

/// In how many cases at most a lack is looked for.
const TRIED: usize = 100;
/// In how many of them it is looked for before the first are made harder.
const PLAINLY: usize = 60;
/// How many are made harder before all the others are tried.
const HARDER: usize = 3;

/// Rules that no case comes to yet, because none of these has a cluster manager.
const WITHOUT_CASES: [&str; 3] = [
    "the cluster is told nothing while a node is to be fenced",
    "the cluster is told nothing during maintenance",
    "the quorum is not touched while a member is missing",
];

/// The cases: most of them such that much has gone wrong before.
fn case(number: u64) -> Case {
    if number.is_multiple_of(4) { Case::of(number / 4) } else { Case::worn(number) }
}

/// What was seen of the planner as it is.
#[derive(Default)]
struct Observed {
    /// What it has that it could lack, with the first cases in which that mattered.
    lacks: BTreeMap<Lack, Vec<u64>>,
    /// How these cases end.
    ends: BTreeMap<u64, End>,
}

/// Whether every planner that lacks something is found out by the first `count` cases.
pub fn are_found_out(count: u64) -> Result<(), String> {
    let Observed { lacks, ends } = observed(count);
    let lacks: Vec<(Lack, Vec<u64>)> = lacks.into_iter().collect();
    let survivors = Mutex::new(BTreeSet::new());
    seeds::each(lacks.len() as u64, |number| {
        let Some((lack, cases)) = usize::try_from(number).ok().and_then(|number| lacks.get(number)) else { return };
        let without = matches!(lack, Lack::Rule(says) if WITHOUT_CASES.contains(says));
        if without != cases.is_empty() || !(without || is_found_out(lack, cases, &ends)) {
            let told = format!("{lack} (it mattered in {} cases)\n", cases.len());
            survivors.lock().expect("no thread panics with it").insert(told);
        }
    });
    let survivors: String = survivors.into_inner().expect("no thread panics with it").into_iter().collect();
    if survivors.is_empty() { Ok(()) } else { Err(format!("nobody misses\n{survivors}")) }
}

fn observed(count: u64) -> Observed {
    let observed = Mutex::new(Observed::default());
    seeds::each(count, |number| {
        let (end, noted) = timeless(noting(case(number).undisturbed(&Meddling::None)));
        let mut observed = observed.lock().expect("no thread panics with it");
        // What does not end well by itself is for the other laws, and tells nothing of what is lacking.
        let Ok(end) = end else { return };
        let mut wanted = false;
        for (lack, mattered) in noted {
            let cases = observed.lacks.entry(lack).or_default();
            if mattered && cases.len() < TRIED {
                cases.push(number);
                wanted = true;
            }
        }
        if wanted {
            observed.ends.insert(number, end);
        }
    });
    observed.into_inner().expect("no thread panics with it")
}

/// Whether a planner without this is found out.
fn is_found_out(lack: &Lack, cases: &[u64], ends: &BTreeMap<u64, End>) -> bool {
    let plainly = |number: &u64| {
        let case = case(*number);
        let end = timeless(lacking(lack, case.undisturbed(&Meddling::None)));
        end.and_then(|end| case.same_end(&ends[number], &end)).is_err()
    };
    let harder = |number: &u64| {
        let end = &ends[number];
        let refusals = (0..end.changes).map(Meddling::Refusing);
        let blinds = end.questions.iter().cloned().map(Meddling::Blinding);
        refusals.chain(blinds).any(|hindrance| differs(lack, &case(*number), &hindrance))
    };
    // The cheap way first.
    let (first, rest) = cases.split_at(cases.len().min(PLAINLY));
    let (few, others) = cases.split_at(cases.len().min(HARDER));
    first.iter().any(plainly) || few.iter().any(harder) || rest.iter().any(plainly) || others.iter().any(harder)
}

/// Whether a hindered run is another without this.
fn differs(lack: &Lack, case: &Case, hindrance: &Meddling) -> bool {
    let Ok(whole) = timeless(case.hindered(hindrance)) else { return false };
    timeless(lacking(lack, case.hindered(hindrance))).and_then(|end| case.same_end(&whole, &end)).is_err()
}
