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
use crate::model::Command;
use crate::planner::mutant::{Lack, lacking, noting};

/// In how many cases at most a lack is looked for.
const TRIED: usize = 100;
/// In how many of them it is looked for in both cheap ways before the others are tried.
const FEW: usize = 3;

/// A case in which something mattered, with the commands that were to bring about what was needed.
type Mattering = (u64, BTreeSet<Command>);

/// The cases: most of them such that much has gone wrong before. Those from `plain` on have a cluster manager.
fn case(number: u64, plain: u64) -> Case {
    match number.checked_sub(plain) {
        None if number.is_multiple_of(4) => Case::of(number / 4),
        None => Case::worn(number),
        Some(number) if number.is_multiple_of(8) => Case::managed(number / 8),
        Some(number) => Case::managed_worn(number),
    }
}

/// What was seen of the planner as it is.
#[derive(Default)]
struct Observed {
    /// What it has that it could lack, with the first cases in which that mattered.
    lacks: BTreeMap<Lack, Vec<Mattering>>,
    /// These cases, and how they end.
    cases: BTreeMap<u64, (Case, End)>,
}

/// Whether every planner that lacks something is found out by the first `plain` cases without a cluster manager and
/// the first `managed` ones with it.
pub fn are_found_out(plain: u64, managed: u64) -> Result<(), String> {
    let Observed { lacks, cases: known } = observed(plain, managed);
    let lacks: Vec<(Lack, Vec<Mattering>)> = lacks.into_iter().collect();
    let survivors = Mutex::new(BTreeSet::new());
    seeds::each(lacks.len() as u64, |number| {
        let Some((lack, cases)) = usize::try_from(number).ok().and_then(|number| lacks.get(number)) else { return };
        if cases.is_empty() || !is_found_out(lack, cases, &known) {
            let told = format!("{lack} (it mattered in {} cases)\n", cases.len());
            survivors.lock().expect("no thread panics with it").insert(told);
        }
    });
    let survivors: String = survivors.into_inner().expect("no thread panics with it").into_iter().collect();
    if survivors.is_empty() { Ok(()) } else { Err(format!("nobody misses\n{survivors}")) }
}

fn observed(plain: u64, managed: u64) -> Observed {
    let observed = Mutex::new(Observed::default());
    seeds::each(plain + managed, |number| {
        let case = case(number, plain);
        let (end, noted) = timeless(noting(case.undisturbed(&Meddling::None)));
        let mut observed = observed.lock().expect("no thread panics with it");
        // What does not end well by itself is for the other laws, and tells nothing of what is lacking.
        let Ok(end) = end else { return };
        let mut wanted = false;
        for (lack, mattered) in noted {
            let cases = observed.lacks.entry(lack).or_default();
            if mattered.ever && cases.len() < TRIED {
                cases.push((number, mattered.by));
                wanted = true;
            }
        }
        if wanted {
            observed.cases.insert(number, (case, end));
        }
    });
    observed.into_inner().expect("no thread panics with it")
}

/// Whether a planner without this is found out.
fn is_found_out(lack: &Lack, mattered: &[Mattering], known: &BTreeMap<u64, (Case, End)>) -> bool {
    let plainly = |(number, _): &Mattering| {
        let (case, whole) = &known[number];
        let end = timeless(lacking(lack, case.undisturbed(&Meddling::None)));
        end.and_then(|end| case.same_end(whole, &end)).is_err()
    };
    // What does not come about must hold what needs it.
    let aimed = |(number, by): &Mattering| {
        let ways =
            |command: &Command| [Meddling::RefusingThat(command.clone()), Meddling::RefusingAll(command.clone())];
        by.iter().flat_map(ways).any(|hindrance| differs(lack, &known[number].0, &hindrance))
    };
    let harder = |(number, _): &Mattering| {
        let (case, end) = &known[number];
        let refusals = (0..end.changes).map(Meddling::Refusing);
        let blinds = end.questions.iter().cloned().map(Meddling::Blinding);
        refusals.chain(blinds).any(|hindrance| differs(lack, case, &hindrance))
    };
    // The cheap ways first.
    let (few, others) = mattered.split_at(mattered.len().min(FEW));
    few.iter().any(|one| plainly(one) || aimed(one))
        || others.iter().any(plainly)
        || others.iter().any(aimed)
        || mattered.iter().any(harder)
}

/// Whether a hindered run is another without this.
fn differs(lack: &Lack, case: &Case, hindrance: &Meddling) -> bool {
    let Ok(whole) = timeless(case.hindered(hindrance)) else { return false };
    timeless(lacking(lack, case.hindered(hindrance))).and_then(|end| case.same_end(&whole, &end)).is_err()
}
