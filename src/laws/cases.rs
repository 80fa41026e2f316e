//! Cases: a file, a world and what may be done, and how runs in them are compared.

mod managed;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use tokio::time::sleep;

use super::drive::{Errand, Meddling, Watched, WorldClock, apply};
use super::normal::{self, Normal, differences, normal};
use super::seeds::Draws;
use super::{oracle, spec_gen, world_gen};
use crate::kinds::{Hosts, Spec, VolumeState};
use crate::model::{Allow, Command, Effect, Facts, Intent, Plan, Report, Risk, Verdict};
use crate::observe::observe;
use crate::planner;
use crate::transport::simulated::{Fault, Node, Schedule, Simulated, Traced, World};

/// How often a dying operator is started again before something else must be wrong.
const LIVES: usize = 300;

/// How long one run may take: as `apply` allows by itself.
const LIMIT: Duration = Duration::from_secs(600);
/// How long a run may take that is to end by itself: longer than an installation, a restart, a heal and a node that is
/// away, and far from the limit.
const BRIEF: Duration = Duration::from_secs(150);

/// A file, a world, and what may be done.
pub struct Case {
    spec: Spec,
    world: World,
    allow: Allow,
    /// How long a run may take.
    limit: Duration,
}

/// How runs ended.
pub struct End {
    verdict: Verdict,
    world: Normal,
    dangers: BTreeSet<(Risk, String)>,
    /// What each command was for.
    effects: Vec<Effect>,
    /// How many changes there were, leases not counted.
    pub changes: usize,
    /// What was asked.
    pub questions: BTreeSet<Command>,
    story: String,
}

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        let spec = spec_gen::spec(&mut draws);
        let world = world_gen::world(&mut draws, &spec);
        let allow = match draws.below(10) {
            0..3 => Allow::default(),
            3 => Allow([Risk::Disruptive].into()),
            _ => Allow::all(),
        };
        Self { spec, world, allow, limit: LIMIT }
    }

    /// The case of a seed in which much has gone wrong before, and much is to be done about it.
    pub fn worn(seed: u64) -> Self {
        let mut draws = Draws::new(seed ^ 0x3017);
        let wanted: fn(&Spec) -> bool = match seed % 3 {
            0 => |spec| spec.hosts == Hosts::Managed && spec.volumes.values().any(spec_gen::may_have_grown),
            1 => |spec| spec.volumes.values().any(|v| v.replica.is_some() && spec_gen::may_have_grown(v)),
            _ => |spec| spec.volumes.values().any(|v| v.state != VolumeState::Started),
        };
        let spec = std::iter::repeat_with(|| spec_gen::spec(&mut draws)).find(wanted).expect("it goes on for ever");
        let world = world_gen::worn(&mut draws, &spec);
        Self { spec, world, allow: Allow::all(), limit: LIMIT }
    }

    /// A case of one or two nodes and one volume, from blank machines.
    pub fn small(seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        loop {
            let spec = spec_gen::spec(&mut draws);
            if spec.nodes.len() <= 2 && spec.volumes.len() == 1 {
                return Self { world: world_gen::blank([&spec]), spec, allow: Allow::all(), limit: LIMIT };
            }
        }
    }

    fn errand<'a>(&'a self, owner: &'a str) -> Errand<'a> {
        Errand { spec: &self.spec, allow: &self.allow, owner, limit: self.limit, wish: None }
    }

    /// The cluster as the case begins.
    fn begin(&self) -> Simulated {
        Simulated::new(self.world.clone()).follow_time().taking_time()
    }

    /// Runs with nothing going wrong; then everything that was off is switched on, and it goes on.
    pub async fn undisturbed(&self, course: &Meddling) -> Result<End, String> {
        let sim = self.begin();
        let watched = Watched::new(&sim, &self.spec).meddling(course.clone());
        let mut report = self.settle(&watched, course).await?;
        let troubled = self.world.nodes.values().any(|node| !node.is_on()) || !self.world.cuts.is_empty();
        if troubled {
            sim.world().restore();
            sleep(Duration::from_secs(1)).await;
            report = self.settle(&watched, course).await?;
        }
        self.end(&watched, report.verdict)
    }

    fn end(&self, watched: &Watched<'_>, verdict: Verdict) -> Result<End, String> {
        let seen = watched.seen();
        let end = End {
            verdict,
            world: normal(&watched.sim.world(), &self.spec),
            dangers: seen.dangers(),
            effects: watched.sim.trace().iter().map(|traced| traced.command.effect).collect(),
            changes: seen.changes.len(),
            questions: watched
                .sim
                .trace()
                .into_iter()
                .map(|t| t.command)
                .filter(|c| c.effect == Effect::Reads)
                .collect(),
            story: seen.story(),
        };
        let now = oracle::files(&watched.sim.world());
        let fewer = |(path, files): &(String, u64)| now.get(path).copied().unwrap_or(0) < *files;
        match oracle::files(&self.world).into_iter().find(fewer) {
            Some((path, files)) => Err(self.told(&format!("{path} had {files} files, and has less"), &end.story)),
            None if !seen.crimes.is_empty() => Err(self.told(&seen.crimes.join("\n"), &end.story)),
            None => Ok(end),
        }
    }

    /// Applies until nothing is left to do, and once more to see that nothing is.
    async fn settle(&self, watched: &Watched<'_>, course: &Meddling) -> Result<Report, String> {
        let broken = |what: &str| Err(self.told(what, &watched.seen().story()));
        let report = self.applied(watched).await?;
        if *course == Meddling::None {
            let wrongs = watched.seen().wrongs();
            if !wrongs.is_empty() {
                return broken(&format!("not every command did what it was for:\n{}", wrongs.join("\n")));
            }
        }
        if !matches!(report.verdict, Verdict::AsWritten | Verdict::Held) {
            return broken(&format!("it ended {:?}\n{}", report.verdict, shown(&report.left)));
        }
        let until_now = watched.seen().so_far();
        let again = self.applied(watched).await?;
        if until_now != watched.seen().so_far() {
            return broken("a second apply changed something, or took a lease");
        }
        if report.left.steps.len() != again.left.steps.len() {
            return broken(&format!("a second look differs\n{}\nand\n{}", shown(&report.left), shown(&again.left)));
        }
        Ok(report)
    }

    /// Runs once with something refused or not to be seen: what rests on it is not tried, and nobody waits for it.
    pub async fn hindered(&self, hindrance: &Meddling) -> Result<End, String> {
        let sim = self.begin();
        // Where the push of a heal is refused, the next crawl still comes by itself, and takes longer than this run.
        sim.world().left_behind.clear();
        let watched = Watched::new(&sim, &self.spec).meddling(hindrance.clone());
        let errand = Errand { limit: BRIEF, ..self.errand("hindered") };
        let report = apply(&watched, &errand, |_| ()).await.ok_or("it died of nothing")?;
        let broken = |what: &str| Err(self.told(&format!("{what}\nwith {hindrance:?}"), &watched.seen().story()));
        let wrongs = watched.seen().wrongs();
        if !wrongs.is_empty() {
            return broken(&format!("not every command did what it was for:\n{}", wrongs.join("\n")));
        }
        // That something comes by itself is hoped as long as nobody can tell otherwise.
        let blind = matches!(hindrance, Meddling::Blinding(_));
        if report.left.ready().next().is_some() || (report.left.can_go_on() && !blind) {
            return broken(&format!(
                "it ended {:?} while something could go on\n{}",
                report.verdict,
                shown(&report.left)
            ));
        }
        self.end(&watched, report.verdict)
    }

    /// Bears that any one of its commands is refused for good, and that any one of its questions has no answer.
    pub async fn bears_hindrances(&self, seed: u64, calm: &End) -> Result<(), String> {
        let mut draws = Draws::new(seed ^ 0x44);
        if calm.changes > 0 {
            _ = self.hindered(&Meddling::Refusing(draws.below(calm.changes))).await?;
        }
        let questions: Vec<&Command> = calm.questions.iter().collect();
        let question = questions.get(draws.below(questions.len()));
        if let Some(question) = question {
            _ = self.hindered(&Meddling::Blinding((*question).clone())).await?;
        }
        Ok(())
    }

    async fn applied(&self, watched: &Watched<'_>) -> Result<Report, String> {
        apply(watched, &self.errand("alone"), |_| ()).await.ok_or_else(|| "it died of nothing".to_owned())
    }

    /// Runs again and again while things go wrong, and then once in peace.
    async fn after(&self, schedule: Schedule, until: u64) -> Result<End, String> {
        let sim = self.begin().suffering(schedule.until(until));
        let watched = Watched::new(&sim, &self.spec);
        for life in 0..LIVES {
            if apply(&watched, &self.errand(&format!("life {life}")), |_| ()).await.is_none() {
                sim.restart();
            } else if sim.commands() >= until {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        sim.end_faults();
        sleep(Duration::from_secs(1)).await;
        let last = apply(&watched, &self.errand("the last"), |_| ()).await;
        let report = last.ok_or_else(|| "it died of nothing".to_owned())?;
        self.end(&watched, report.verdict).map_err(|why| why + &shown(&report.left))
    }

    /// The same end after faults drawn from `seed` as without.
    pub async fn same_end_after_bad_luck(&self, seed: u64, calm: &End) -> Result<(), String> {
        let mut draws = Draws::new(seed ^ 0xbad);
        let rate = [20, 60, 150, 300][draws.below(4)];
        let until = 20 + draws.below(120) as u64;
        let end = self.after(Schedule::seeded(seed, rate), until).await?;
        if self.is_torn() { Ok(()) } else { self.same_end(calm, &end) }
    }

    /// Whether the case begins with two pools, of several nodes or with volumes, that know nothing of each other. Which
    /// of them the file is about nobody can tell, and it may be another one while a node is away: so these ends are
    /// not compared.
    fn is_torn(&self) -> bool {
        let taken = |node: &&Node| !node.glusterd.volumes.is_empty() || !node.glusterd.peers.is_empty();
        let strangers = |a: &Node, b: &Node| {
            a.glusterd.uuid != b.glusterd.uuid && a.glusterd.peers.iter().all(|peer| peer.uuid != b.glusterd.uuid)
        };
        let nodes = || self.world.nodes.values().filter(taken);
        nodes().any(|a| nodes().any(|b| strangers(a, b)))
    }

    /// Whether two ends are the same, and the second was not reached by more dangerous means.
    pub fn same_end(&self, calm: &End, end: &End) -> Result<(), String> {
        let beyond: Vec<_> = end.dangers.difference(&calm.dangers).collect();
        let told = |what: &str| Err(self.told(what, &end.story));
        if calm.verdict != end.verdict {
            return told(&format!("it ended {:?}, and {:?} otherwise", end.verdict, calm.verdict));
        }
        if calm.world != end.world {
            return told(&format!("the worlds differ:\n{}", differences(&calm.world, &end.world)));
        }
        if let Some((risk, said)) = beyond.first() {
            return told(&format!("this was {risk}, and is not done otherwise: {said}"));
        }
        let unasked = end.dangers.iter().find(|(risk, _)| !self.allow.permits(*risk));
        unasked.map_or(Ok(()), |(risk, said)| told(&format!("this was {risk}, and nobody allowed it: {said}")))
    }

    /// A mishap of each sort at each changing command, death at each that looks, and the same end each time.
    pub async fn same_end_after_each_mishap(self) -> Result<(), String> {
        let calm = self.undisturbed(&Meddling::None).await?;
        let of_changes = [
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::TimeoutBefore,
            Fault::TimeoutAfter,
            Fault::Lost,
            Fault::Garbage,
            Fault::Truncated,
            Fault::Busy,
        ];
        for (number, effect) in (0..).zip(&calm.effects) {
            let mishaps = if *effect == Effect::Changes { &of_changes[..] } else { &of_changes[1..2] };
            for mishap in mishaps {
                let end = self.after(Schedule::none().and(number, mishap.clone()), number + 1).await;
                let told = |why| format!("{mishap:?} at command {number}: {why}");
                self.same_end(&calm, &end.map_err(told)?).map_err(told)?;
            }
        }
        Ok(())
    }

    /// The same end with a second operator beside the first, who may die; and never both at once.
    pub async fn same_end_with_company(&self, seed: u64, alone: &End) -> Result<(), String> {
        let mut draws = Draws::new(seed ^ 2);
        let sim = self.begin();
        let troubles = if draws.chance(50) {
            Schedule::none().and(draws.below(60) as u64, Fault::CrashAfter)
        } else {
            Schedule::none()
        };
        let other = sim.second(troubles);
        let (one, two) = (Watched::new(&sim, &self.spec), Watched::new(&other, &self.spec));
        let pause = Duration::from_millis(draws.below(3000) as u64);
        let second = async {
            sleep(pause).await;
            apply(&two, &self.errand("the other"), |_| ()).await
        };
        let (first_errand, none) = (self.errand("the one"), |_: &Plan| ());
        let (first, _) = tokio::join!(apply(&one, &first_errand, none), second);
        let overlap = one.seen().changes.iter().find_map(|a| {
            let meets = |b: &&super::drive::Change| a.during.0 < b.during.1 && b.during.0 < a.during.1;
            two.seen().changes.iter().find(meets).map(|b| format!("{}\nand\n{}", a.said, b.said))
        });
        let story = one.seen().story() + "and\n" + &two.seen().story();
        if let Some(both) = overlap {
            return Err(self.told(&format!("both changed something at the same moment:\n{both}"), &story));
        }
        if first.is_none_or(|report| !matches!(report.verdict, Verdict::AsWritten | Verdict::Held)) {
            return Err(self.told("the one did not get there", &story));
        }
        sim.world().restore();
        sleep(Duration::from_secs(1)).await;
        let report = self.settle(&one, &Meddling::Stuttering).await?;
        let end = self.end(&one, report.verdict)?;
        self.same_end(alone, &End { dangers: alone.dangers.clone(), ..end })
    }

    /// Whether planning twice from the same facts gives the same bytes.
    pub async fn plan_twice(&self) -> Result<bool, String> {
        let sim = self.begin();
        let intent = Intent { allow: self.allow.clone(), ..Intent::default() };
        let mut facts = Facts::default();
        let first = observe(&self.spec, &intent, &sim, &WorldClock(&sim), &mut facts).await;
        let text = |plan: &Plan| serde_json::to_string(plan).expect("a plan is data");
        let second = planner::plan(&self.spec.clone(), &facts.clone(), &intent.clone());
        let changing = sim.trace().iter().any(|traced| traced.command.effect == Effect::Changes);
        Ok(text(&first) == text(&second) && !changing)
    }

    /// Everything that is run while things go wrong.
    pub async fn trace(&self, seed: u64) -> Vec<Traced> {
        let sim = self.begin().suffering(Schedule::seeded(seed, 100).until(80));
        let watched = Watched::new(&sim, &self.spec);
        for _ in 0..3 {
            _ = apply(&watched, &self.errand("traced"), |_| ()).await;
            sim.restart();
        }
        sim.trace()
    }

    /// What went wrong, with all that is needed to understand it.
    fn told(&self, what: &str, story: &str) -> String {
        let spec = serde_json::to_string(&self.spec).unwrap_or_default();
        let mut text = format!("{what}\nafter\n{story}of (allowed: {:?})\n{spec}\n", self.allow.0);
        if std::env::var_os("BRICKLAYER_SEED").is_some() {
            _ = writeln!(text, "in\n{}", serde_json::to_string_pretty(&self.world).unwrap_or_default());
        }
        text
    }
}

/// A plan in short.
fn shown(plan: &Plan) -> String {
    plan.steps.iter().fold(String::new(), |text, step| {
        let why = match &step.item.work {
            crate::model::Work::Held(held) => held.because.as_str(),
            _ => "",
        };
        format!("{text}  {} {:?} {why}\n", step.item.id, step.state)
    })
}

/// A file that is edited a few times and applied each time ends as its last form does on fresh machines.
pub async fn edits(seed: u64) -> Result<(), String> {
    let mut draws = Draws::new(seed);
    let mut specs = vec![spec_gen::spec(&mut draws)];
    for _ in 0..=draws.below(3) {
        let next = spec_gen::edited(&mut draws, &specs[specs.len() - 1]);
        specs.push(next);
    }
    let world = world_gen::blank(&specs);
    let case = |spec: &Spec, world: &World| Case {
        spec: spec.clone(),
        world: world.clone(),
        allow: Allow::all(),
        limit: LIMIT,
    };
    let last = specs[specs.len() - 1].clone();
    let fresh = case(&last, &world);
    let sim = fresh.begin();
    _ = fresh.settle(&Watched::new(&sim, &last), &Meddling::None).await?;
    let at_once = normal::spoken(&sim.world(), &last);
    let sim = fresh.begin();
    for spec in &specs {
        let step = case(spec, &world);
        let report = step.settle(&Watched::new(&sim, spec), &Meddling::None).await?;
        if report.verdict != Verdict::AsWritten {
            return Err(step.told(&format!("an edit cannot be followed:\n{}", shown(&report.left)), ""));
        }
    }
    let in_steps = normal::spoken(&sim.world(), &last);
    if at_once == in_steps { Ok(()) } else { Err(fresh.told(&differences(&at_once, &in_steps), "")) }
}
