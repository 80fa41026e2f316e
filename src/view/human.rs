//! A plan as a good colleague would tell it: what, where, why, with which command, and what stands in the way.

use std::collections::BTreeMap;

use super::style::{Look, Page, Paint, count};
use crate::model::{
    Difference, Finding, Item, ItemId, Place, Plan, Risk, Run, Severity, State, Stdin, Step, Wait, Work,
};

/// The column at which what belongs to a step begins.
const BODY: usize = 6;

/// The plan for a person. `label` is what stands behind the cluster's name, if anything.
#[must_use]
pub fn plan(plan: &Plan, label: Option<&str>, look: Look) -> String {
    let mut page = Page::new(look);
    let name = heading(plan.cluster.as_str(), label);
    for finding in &plan.findings {
        tell_finding(&mut page, finding);
    }
    if plan.is_empty() {
        page.gap();
        page.put(0, 2, &[(Paint::Strong, &format!("{name}:")), (Paint::Good, "as written, nothing to do")]);
        return page.finish();
    }
    page.gap();
    let tally = Tally::of(plan);
    page.put(0, 2, &[(Paint::Strong, &format!("{name}:")), (Paint::Plain, &tally.heading(plan.steps.len()))]);
    tell_course(&mut page, plan);
    tell_held(&mut page, plan);
    page.gap();
    page.put(0, 2, &[(Paint::Strong, "Plan:"), (Paint::Plain, &tally.summary())]);
    page.finish()
}

/// `cluster01 (simulated)`.
#[must_use]
pub fn heading(cluster: &str, label: Option<&str>) -> String {
    label.map_or_else(|| cluster.to_owned(), |label| format!("{cluster} ({label})"))
}

fn tell_finding(page: &mut Page, finding: &Finding) {
    let Finding { path, severity, code, message, hint } = finding;
    let (word, paint) = match severity {
        Severity::Error => ("error:", Paint::Bad),
        Severity::Warning => ("warning:", Paint::Warn),
    };
    let place = if path.0.is_empty() { String::new() } else { format!("{path}:") };
    let code = format!("[{code}]");
    page.put(0, 2, &[(paint, word), (Paint::Strong, &place), (Paint::Plain, message), (Paint::Dim, &code)]);
    if let Some(hint) = hint {
        page.put(2, 4, &[(Paint::Help, "hint:"), (Paint::Plain, hint)]);
    }
}

/// The steps that can come, in the order in which they can; a gap where the kind of thing changes.
fn tell_course(page: &mut Page, plan: &Plan) {
    let course: Vec<&Step> = plan.steps.iter().filter(|step| !step.is_stuck()).collect();
    let numbers: BTreeMap<&ItemId, usize> = course.iter().zip(1..).map(|(step, n)| (&step.item.id, n)).collect();
    let mut kind = "";
    for step in course {
        if step.item.subject.kind != kind {
            page.gap();
            kind = step.item.subject.kind;
        }
        tell_step(page, step, &numbers);
    }
}

fn tell_step(page: &mut Page, step: &Step, numbers: &BTreeMap<&ItemId, usize>) {
    let item = &step.item;
    let (symbol, paint) = symbol(item);
    let number = numbers.get(&item.id).map_or_else(String::new, usize::to_string);
    let place = place(item);
    let risk = risk(item).filter(|risk| *risk != Risk::Safe);
    let risk_said = risk.map_or_else(String::new, |risk| format!("[{risk}]"));
    let risk_paint = if risk == Some(Risk::Destructive) { Paint::Bad } else { Paint::Warn };
    let assumed = if item.assumed { "(then, if still so)" } else { "" };
    page.put(
        3usize.saturating_sub(number.len()),
        BODY,
        &[
            (Paint::Dim, number.as_str()),
            (paint, symbol),
            (Paint::Strong, &item.summary),
            (Paint::Plain, &place),
            (risk_paint, &risk_said),
            (Paint::Dim, assumed),
        ],
    );
    for difference in &item.why {
        tell_difference(page, difference);
    }
    match &item.work {
        Work::Run(run) => tell_run(page, run),
        Work::Wait(wait) => tell_wait(page, wait, &item.summary),
        Work::Held(_) => {}
    }
    if let State::After(ids) = &step.state {
        let after: Vec<String> =
            ids.iter().map(|id| numbers.get(id).map_or_else(|| id.to_string(), usize::to_string)).collect();
        page.put(BODY, BODY + 2, &[(Paint::Dim, &format!("after {}", after.join(", ")))]);
    }
}

/// What a step does to its subject at a glance: everything new, everything gone, or a change.
fn symbol(item: &Item) -> (&'static str, Paint) {
    match &item.work {
        Work::Wait(_) => ("…", Paint::Dim),
        Work::Held(_) => ("!", Paint::Bad),
        Work::Run(_) if item.why.is_empty() => ("~", Paint::Warn),
        Work::Run(_) if item.why.iter().all(|why| why.from.is_none()) => ("+", Paint::Good),
        Work::Run(_) if item.why.iter().all(|why| why.to.is_none()) => ("-", Paint::Bad),
        Work::Run(_) => ("~", Paint::Warn),
    }
}

/// `on node01`, unless the summary already names the node.
fn place(item: &Item) -> String {
    let Work::Run(Run { place, .. }) = &item.work else { return String::new() };
    match place {
        Place::On(node) if item.summary.split(' ').any(|word| word == node.as_str()) => String::new(),
        Place::On(node) => format!("on {node}"),
        Place::AnyOf(nodes) => match nodes.as_slice() {
            [] => String::new(),
            [only] => format!("on {only}"),
            [first, second] => format!("on {first}, else {second}"),
            [first, others @ ..] => format!("on {first}, else one of {} others", others.len()),
        },
    }
}

fn risk(item: &Item) -> Option<Risk> {
    match &item.work {
        Work::Run(run) => Some(run.risk),
        Work::Wait(_) | Work::Held(_) => None,
    }
}

fn tell_difference(page: &mut Page, difference: &Difference) {
    let Difference { field, from, to } = difference;
    let field = (Paint::Plain, &*format!("{field}:"));
    let at = |page: &mut Page, pieces: &[(Paint, &str)]| page.put(BODY, BODY + 2, pieces);
    match (from.as_deref(), to.as_deref()) {
        (Some(from), Some(to)) => at(page, &[field, (Paint::Bad, from), (Paint::Plain, "→"), (Paint::Good, to)]),
        (None, Some(to)) => at(page, &[field, (Paint::Good, to)]),
        (Some(from), None) => at(page, &[field, (Paint::Bad, from), (Paint::Plain, "→ gone")]),
        (None, None) => at(page, &[field]),
    }
}

fn tell_run(page: &mut Page, run: &Run) {
    let Run { place: _, command, risk: _, impact, lane: _ } = run;
    for impact in impact {
        page.put(BODY, BODY + 2, &[(Paint::Warn, "impact:"), (Paint::Plain, impact)]);
    }
    let said = command.to_string();
    if command.stdin == Stdin::Nothing {
        return page.put(BODY, BODY + 4, &[(Paint::Dim, "$"), (Paint::Dim, &said)]);
    }
    let input_said = format!("(reads {})", command.stdin);
    page.put(BODY, BODY + 4, &[(Paint::Dim, "$"), (Paint::Dim, &said), (Paint::Dim, &input_said)]);
    if let (Stdin::Text(input), true) = (&command.stdin, page.look().detail) {
        for line in input.lines() {
            page.row(BODY + 2, &[(Paint::Dim, "| "), (Paint::Dim, line)]);
        }
    }
}

fn tell_wait(page: &mut Page, wait: &Wait, summary: &str) {
    let Wait { on, progress, poll: _ } = wait;
    if on != summary {
        page.put(BODY, BODY + 2, &[(Paint::Plain, on)]);
    }
    if let Some(progress) = progress {
        page.put(BODY, BODY + 2, &[(Paint::Plain, &format!("{} {} left", progress.left, progress.unit))]);
    }
}

/// What is held, each with why and with what cannot come because of it: causes first, echoes under them.
fn tell_held(page: &mut Page, plan: &Plan) {
    for step in plan.held() {
        page.gap();
        page.put(4, BODY, &[(Paint::Bad, "!"), (Paint::Strong, &step.item.summary)]);
        for difference in &step.item.why {
            tell_difference(page, difference);
        }
        if let Work::Held(held) = &step.item.work {
            page.put(BODY, BODY + 2, &[(Paint::Bad, "held:"), (Paint::Plain, &held.because)]);
            if let Some(hint) = &held.hint {
                page.put(BODY, BODY + 2, &[(Paint::Help, "hint:"), (Paint::Plain, hint)]);
            }
        }
        let echoes: Vec<&str> =
            plan.steps.iter().filter(|s| hangs_on(s, &step.item.id)).map(|s| &*s.item.summary).collect();
        if !echoes.is_empty() {
            page.put(BODY, BODY + 2, &[(Paint::Plain, "with it:"), (Paint::Dim, &echoes.join("; "))]);
        }
    }
}

/// Whether `step` is blocked, and `cause` is the first that blocks it: each echo is told once.
fn hangs_on(step: &Step, cause: &ItemId) -> bool {
    matches!(&step.state, State::Blocked(causes) if causes.first() == Some(cause))
}

/// How many of which.
struct Tally {
    runs: usize,
    waits: usize,
    held: usize,
    blocked: usize,
    risks: BTreeMap<Risk, usize>,
}

impl Tally {
    fn of(plan: &Plan) -> Self {
        let mut tally = Self { runs: 0, waits: 0, held: 0, blocked: 0, risks: BTreeMap::new() };
        for step in &plan.steps {
            match (&step.state, &step.item.work) {
                (State::Held, _) | (_, Work::Held(_)) => tally.held += 1,
                (State::Blocked(_), _) => tally.blocked += 1,
                (_, Work::Wait(_)) => tally.waits += 1,
                (_, Work::Run(run)) => {
                    tally.runs += 1;
                    if run.risk != Risk::Safe {
                        *tally.risks.entry(run.risk).or_default() += 1;
                    }
                }
            }
        }
        tally
    }

    fn heading(&self, steps: usize) -> String {
        let held = if self.held == 0 { String::new() } else { format!(", {} held", self.held) };
        format!("{}{held}", count(steps, "step"))
    }

    fn summary(&self) -> String {
        let mut parts = vec![format!("{} to run", self.runs)];
        if self.waits > 0 {
            parts.push(count(self.waits, "wait"));
        }
        if self.held > 0 {
            parts.push(format!("{} held", self.held));
        }
        if self.blocked > 0 {
            parts.push(format!("{} behind what is held", self.blocked));
        }
        let risks: Vec<String> =
            self.risks.iter().map(|(risk, n)| format!("{n} {risk} (needs --allow {risk})")).collect();
        let risks = if risks.is_empty() { String::new() } else { format!("; {}", risks.join(", ")) };
        format!("{}{risks}.", parts.join(", "))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{Cause, ClusterName, Command, Lane, NodeName, Program, SpecPath, Subject};

    fn node(name: &str) -> NodeName {
        NodeName::new(name).unwrap()
    }

    fn gluster(args: &[&str]) -> Command {
        Command::changes(Program::Tool("gluster"), args.iter().copied())
    }

    fn after(item: &Item) -> State {
        State::After(vec![item.id.clone()])
    }

    /// A plan with a step of every sort.
    pub(crate) fn every_sort() -> Plan {
        let (one, two) = (node("node01"), node("node02"));
        let unit = Item::run(
            &Subject::on("unit", "glusterd", &one),
            "start",
            "start glusterd on node01",
            Place::On(one.clone()),
            Command::changes(Program::Tool("systemctl"), ["enable", "--now", "glusterd"]),
        )
        .because(Difference::changed("active", "inactive", "active"))
        .because(Difference::changed("enabled", "disabled", "enabled"))
        .gives(Subject::on("unit", "glusterd", &one).is("running"));
        let volume = Subject::new("volume", "data00");
        let create = Item::run(
            &volume,
            "create",
            "create volume data00 (replica 2)",
            Place::AnyOf(vec![one.clone(), two.clone()]),
            gluster(&[
                "--mode=script",
                "volume",
                "create",
                "data00",
                "replica",
                "2",
                "node01m:/glvol00/brick",
                "node02m:/glvol00/brick",
            ]),
        )
        .because(Difference::new("bricks", "node01m:/glvol00/brick node02m:/glvol00/brick"))
        .in_lane(Lane::Gluster)
        .assumed_if(true)
        .needs(Subject::on("unit", "glusterd", &one).is("running"))
        .gives(volume.is("created"));
        let heal = Item::wait(&volume, "heal", "heal of data00", std::time::Duration::from_secs(5))
            .left(12, "entries")
            .needs(volume.is("created"))
            .gives(volume.is("healed"));
        let mount = Item::run(
            &Subject::on("mount", "gldata00", &two),
            "replace",
            "mount data00 at /gldata00",
            Place::On(two.clone()),
            Command::changes(
                Program::Tool("replace-mount"),
                ["gldata00.mount", "/etc/systemd/system/gldata00.mount", "0644"],
            )
            .with_input("[Unit]\nDescription=data00\n"),
        )
        .because(Difference::changed("options", "defaults", "log-level=WARNING"))
        .at_risk(Risk::Disruptive, "/gldata00 goes away on node02 for a moment")
        .needs(volume.is("created"));
        let grow = Item::held(
            &volume,
            "grow",
            "add brick node03m:/glvol00/brick to volume data00",
            Cause::Unknown,
            "node03 cannot be reached: no route to host",
            "switch it on, or take it out of the file",
        )
        .because(Difference::changed("replica", "2", "3"))
        .gives(volume.is("grown"));
        let later = Item::run(&volume, "tune", "set options of data00", Place::On(one), gluster(&["volume", "set"]))
            .needs(volume.is("grown"));
        let step = |item: &Item, state| Step { item: item.clone(), state };
        Plan {
            cluster: ClusterName::new("cluster01").unwrap(),
            steps: vec![
                step(&unit, State::Ready),
                step(&create, after(&unit)),
                step(&heal, after(&create)),
                step(&mount, after(&create)),
                step(&grow, State::Held),
                step(&later, State::Blocked(vec![grow.id.clone()])),
            ],
            findings: vec![Finding {
                path: SpecPath::of(["nodes", "node02"]),
                severity: Severity::Warning,
                code: "clock",
                message: "its clock is 7 s ahead of the others".into(),
                hint: Some("let chrony or systemd-timesyncd keep the time".into()),
            }],
        }
    }

    #[test]
    fn a_plan_tells_what_where_why_how_and_what_stands_in_the_way() {
        insta::assert_snapshot!(plan(&every_sort(), Some("simulated"), Look::plain()), @r"
        warning: nodes.node02: its clock is 7 s ahead of the others [clock]
          hint: let chrony or systemd-timesyncd keep the time

        cluster01 (simulated): 6 steps, 1 held

          1 ~ start glusterd on node01
              active: inactive → active
              enabled: disabled → enabled
              $ systemctl enable --now glusterd

          2 + create volume data00 (replica 2) on node01, else node02 (then, if still
              so)
              bricks: node01m:/glvol00/brick node02m:/glvol00/brick
              $ gluster --mode=script volume create data00 replica 2
                  node01m:/glvol00/brick node02m:/glvol00/brick
              after 1
          3 … heal of data00
              12 entries left
              after 2

          4 ~ mount data00 at /gldata00 on node02 [disruptive]
              options: defaults → log-level=WARNING
              impact: /gldata00 goes away on node02 for a moment
              $ replace-mount gldata00.mount /etc/systemd/system/gldata00.mount 0644
                  (reads 2 lines)
              after 2

            ! add brick node03m:/glvol00/brick to volume data00
              replica: 2 → 3
              held: node03 cannot be reached: no route to host
              hint: switch it on, or take it out of the file
              with it: set options of data00

        Plan: 3 to run, 1 wait, 1 held, 1 behind what is held; 1 disruptive (needs
          --allow disruptive).
        ");
    }

    #[test]
    fn with_detail_the_text_that_a_command_reads_is_shown() {
        let told = plan(&every_sort(), None, Look { detail: true, ..Look::plain() });
        assert!(told.contains("        | Description=data00\n"), "{told}");
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        let plan_ = Plan { steps: vec![], findings: vec![], ..every_sort() };
        assert_eq!(plan(&plan_, None, Look::plain()), "cluster01: as written, nothing to do\n");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_unless_a_word_is() {
        let told = plan(&every_sort(), Some("simulated"), Look { width: 50, ..Look::plain() });
        let too_wide: Vec<&str> = told.lines().filter(|line| line.chars().count() > 50).collect();
        assert!(too_wide.is_empty(), "{too_wide:#?}");
    }
}
