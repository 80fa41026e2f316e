//! The laws: what holds for every file, every world and every run of bad luck.
//!
//! ```text
//! seed ─→ file, start world, what is allowed, faults ─→ runs of the real loop in the simulated world ─→ laws
//! ```
//!
//! (a) After `apply`, `plan` is empty, and a second `apply` changes nothing and takes no lease. (b) Every changing
//! command run twice is as good as run once. (c) Whatever goes wrong at whatever command, and whenever the operator
//! dies: run again, and the end is that of an undisturbed run, by no more dangerous means. (d) The same inputs give
//! the same plan, byte for byte, and the same seed the same run. (e) A planner that lacks any need, or any rule of safety,
//! is found out.
//!
//! Also: what is refused for good, or cannot be seen, holds what rests on it; the rest is done, and the run ends.
//!
//! All of it runs with a few thousand seeds among the other tests. `tests/soak/laws` runs as many as one likes.

mod cases;
pub(crate) mod drive;
mod gate;
mod maintenance;
mod managed_gen;
mod mutants;
mod normal;
mod oracle;
mod seeds;
mod spec_gen;
pub(crate) mod world_gen;

use cases::Case;
use drive::Meddling;
use seeds::hold_for;

use crate::model::NodeName;

/// A node by its name.
fn node(name: &str) -> NodeName {
    NodeName::new(name).expect("a name")
}

#[test]
fn after_apply_nothing_is_left_to_do_and_a_run_of_bad_luck_ends_the_same() {
    hold_for(2000, "after_apply", |seed| {
        let case = Case::of(seed);
        drive::timeless(async {
            let calm = case.undisturbed(&Meddling::None).await?;
            case.same_end_after_bad_luck(seed, &calm).await
        })
    });
}

#[test]
fn every_command_twice_is_as_good_as_once() {
    hold_for(300, "every_command_twice", |seed| {
        let case = Case::of(seed);
        drive::timeless(async {
            let once = case.undisturbed(&Meddling::None).await?;
            let twice = case.undisturbed(&Meddling::Stuttering).await?;
            case.same_end(&once, &twice)
        })
    });
}

#[test]
fn a_small_cluster_survives_a_mishap_at_each_single_command() {
    hold_for(6, "a_small_cluster", |seed| drive::timeless(Case::small(seed).same_end_after_each_mishap()));
}

#[test]
fn a_cluster_with_a_service_is_made_and_nobody_is_fenced_without_a_need() {
    hold_for(15, "a_cluster_with_a_service_is_made", |seed| {
        drive::timeless(Case::managed(seed).fences_nobody()).map(|_| ())
    });
}

#[test]
fn a_cluster_with_a_service_ends_the_same_after_a_run_of_bad_luck() {
    hold_for(8, "a_cluster_with_a_service_ends", |seed| {
        let case = Case::managed(seed);
        drive::timeless(async {
            let calm = case.fences_nobody().await?;
            case.same_end_after_bad_luck(seed, &calm).await
        })
    });
}

#[test]
fn a_cluster_manager_to_which_something_has_happened_is_brought_back_to_its_file() {
    hold_for(15, "a_cluster_manager_to_which", |seed| {
        let case = Case::managed_worn(seed);
        drive::timeless(case.undisturbed(&Meddling::None)).map(|_| ())
    });
}

#[test]
fn the_same_inputs_give_the_same_plan_and_the_same_seed_the_same_run() {
    hold_for(200, "the_same_inputs", |seed| {
        let case = Case::of(seed);
        let plan = drive::timeless(case.plan_twice())?;
        let trace = || drive::timeless(case.trace(seed));
        let same = plan && trace() == trace();
        if same { Ok(()) } else { Err("two runs differ".to_owned()) }
    });
}

#[test]
fn two_operators_never_change_anything_at_the_same_moment() {
    hold_for(200, "two_operators", |seed| {
        let case = Case::of(seed);
        drive::timeless(async {
            let alone = case.undisturbed(&Meddling::None).await?;
            case.same_end_with_company(seed, &alone).await
        })
    });
}

#[test]
fn a_cluster_that_followed_its_file_step_by_step_is_as_one_made_at_once() {
    hold_for(300, "a_cluster_that_followed", |seed| drive::timeless(cases::edits(seed)));
}

#[test]
fn what_is_refused_or_cannot_be_seen_holds_what_rests_on_it_and_nothing_is_done_in_vain() {
    hold_for(300, "what_is_refused", |seed| {
        let case = if seed.is_multiple_of(2) { Case::of(seed) } else { Case::worn(seed) };
        drive::timeless(async {
            let calm = case.undisturbed(&Meddling::None).await?;
            case.bears_hindrances(seed, &calm).await
        })
    });
}

#[test]
fn a_planner_that_lacks_any_need_or_any_rule_of_safety_is_found_out() {
    if let Err(why) = mutants::are_found_out(seeds::count(280), seeds::count(280) / 5) {
        panic!("{why}");
    }
}
