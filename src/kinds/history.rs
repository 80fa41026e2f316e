//! The past, put together from what each node's own logs tell: who was lost when, what the others did about it, how the
//! node came back, and for how long nobody was served.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Cx, Service, ids};
use crate::model::{Absence, FenceAttempt, Heal, History, Interruption, NodeName, Reason, ServiceName, VolumeName};
use crate::tools::history::{self, Healed, Past, Told};

/// Members tell of the same thing within this time, by clocks that may differ a little.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);
/// A node that is fenced because a person wants it is lost only after that.
const FENCED_BEFORE: SignedDuration = SignedDuration::from_secs(120);
/// Members write down one attempt to fence a node within this time.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(2);
/// What is mended after such a pause belongs to another heal.
const PAUSE: SignedDuration = SignedDuration::from_secs(20);

/// The past as far as the nodes tell it.
#[must_use]
pub fn history(cx: &Cx<'_>) -> History {
    let mut logs = Logs::default();
    let (mut unheard, mut asked_at) = (Vec::new(), None);
    for node in cx.spec.nodes.keys() {
        match cx.hear(node, &history::look()).known() {
            Some(past) => {
                asked_at = asked_at.max(Some(past.clock));
                logs.add(node, past);
            }
            None => unheard.push(node.clone()),
        }
    }
    logs.told.sort_by_key(|(at, ..)| *at);
    let mut absences = absences(cx, &logs);
    let mut interruptions = Vec::new();
    for (name, service) in cx.spec.present_services() {
        for interruption in of_service(&logs, &absences, name, service) {
            match place(&mut absences, &interruption) {
                Some(list) => list.push(interruption),
                None => interruptions.push(interruption),
            }
        }
    }
    for heal in heals(&logs) {
        let has_brick = |absence: &&mut Absence| {
            let volume = cx.spec.volumes.get(&heal.volume);
            volume.is_some_and(|volume| volume.bricks.iter().any(|brick| brick.node == absence.node))
        };
        if let Some(absence) = absences.iter_mut().rev().filter(|a| a.lost_at <= heal.from).find(has_brick) {
            absence.heals.push(heal);
        }
    }
    interruptions.sort_by_key(|interruption| interruption.since);
    History { cluster: cx.spec.cluster.clone(), asked_at, unheard, absences, interruptions }
}

/// What all nodes tell.
#[derive(Default)]
struct Logs {
    boots: BTreeMap<NodeName, Vec<(Timestamp, Timestamp)>>,
    told: Vec<(Timestamp, NodeName, Told)>,
    healed: Vec<Healed>,
}

impl Logs {
    fn add(&mut self, node: &NodeName, past: &Past) {
        self.boots.insert(node.clone(), past.boots.clone());
        self.told.extend(past.told.iter().map(|(at, told)| (*at, node.clone(), told.clone())));
        self.healed.extend(past.healed.iter().cloned());
    }

    /// The last entry of the journal that `node` kept at `at`, if it ended before.
    fn last_sign(&self, node: &NodeName, at: Timestamp) -> Option<Timestamp> {
        let (_, last) = self.boots.get(node)?.iter().rfind(|(first, _)| *first <= at)?;
        (*last < at).then_some(*last)
    }
}

/// Who was lost, with what the others tell of it. One loss is told by each of those who stay.
fn absences(cx: &Cx<'_>, logs: &Logs) -> Vec<Absence> {
    let mut absences: Vec<Absence> = Vec::new();
    for (at, teller, told) in &logs.told {
        let Told::Lost(lost) = told else { continue };
        let Some(node) = cx.spec.nodes.keys().find(|node| node.as_str() == lost && *node != teller) else { continue };
        let known =
            absences.iter().any(|absence| absence.node == *node && at.duration_since(absence.lost_at) < TOGETHER);
        if !known && !is_cut_off(logs, teller, node, *at) {
            absences.push(absence(logs, node, *at));
        }
    }
    // What comes after a node's next loss is told there.
    for index in 0..absences.len() {
        let next = absences[index + 1..].iter().find(|next| next.node == absences[index].node);
        let Some(end) = next.map(|next| next.lost_at - FENCED_BEFORE) else { continue };
        let absence = &mut absences[index];
        absence.fencing.retain(|fencing| fencing.at < end);
        absence.on_at = absence.on_at.filter(|at| *at < end);
        absence.member_at = absence.member_at.filter(|at| *at < end);
    }
    absences
}

/// Whether it was `teller` itself that was lost: it was fenced then, and the other was not.
fn is_cut_off(logs: &Logs, teller: &NodeName, other: &NodeName, at: Timestamp) -> bool {
    let fenced = |node: &NodeName| {
        let just_then =
            |attempt: &FenceAttempt| at.duration_since(attempt.at).abs() < FENCED_BEFORE && attempt.succeeded();
        fencing(logs, node).iter().any(just_then)
    };
    fenced(teller) && !fenced(other)
}

fn absence(logs: &Logs, node: &NodeName, lost_at: Timestamp) -> Absence {
    let mut fencing = fencing(logs, node);
    fencing.retain(|fencing| fencing.at >= lost_at - FENCED_BEFORE);
    // Who is fenced although nobody misses it yet may be on again before it is missed.
    let cut_off = fencing.iter().filter(|attempt| attempt.succeeded()).map(|attempt| attempt.at).min();
    let gone_at = cut_off.map_or(lost_at, |at| at.min(lost_at));
    let failed_at = logs.last_sign(node, gone_at);
    let off = failed_at.unwrap_or(gone_at);
    let boots = logs.boots.get(node).into_iter().flatten();
    let back = |told: &(Timestamp, NodeName, Told)| {
        let (at, teller, told) = told;
        let is = matches!(told, Told::Member(member) if member == node.as_str());
        (is && *at > lost_at && teller != node).then_some(*at)
    };
    Absence {
        node: node.clone(),
        failed_at,
        lost_at,
        fencing,
        on_at: boots.map(|(first, _)| *first).find(|first| *first > off),
        member_at: logs.told.iter().find_map(back),
        heals: Vec::new(),
        services: Vec::new(),
        taken_back: Vec::new(),
    }
}

/// All attempts to fence `node`. Each member writes each of them down.
fn fencing(logs: &Logs, node: &NodeName) -> Vec<FenceAttempt> {
    let mut attempts: Vec<FenceAttempt> = Vec::new();
    for (at, _, told) in &logs.told {
        let Told::Fenced { node: target, action, by, outcome } = told else { continue };
        if target != node.as_str() {
            continue;
        }
        let one = FenceAttempt { at: *at, action: action.clone(), by: by.clone(), outcome: outcome.clone() };
        let is_same = |last: &FenceAttempt| {
            FenceAttempt { at: one.at, ..last.clone() } == one && one.at.duration_since(last.at) < AT_ONCE
        };
        if !attempts.last().is_some_and(is_same) {
            attempts.push(one);
        }
    }
    attempts
}

/// When a service was down. It is up from the start of its last resource to the stop of that, to the failure of any, or
/// to the loss of its node.
fn of_service(logs: &Logs, absences: &[Absence], name: &ServiceName, service: &Service) -> Vec<Interruption> {
    let members = ids::members(name, service);
    let Some(last) = members.last() else { return Vec::new() };
    let mut found: Vec<Interruption> = Vec::new();
    let mut up: Option<&NodeName> = None;
    let mut pending = absences.iter().peekable();
    for (at, teller, told) in &logs.told {
        // It is not heard of that a node fails: it is inferred from when it is missed.
        while let Some(absence) = pending.next_if(|absence| absence.lost_at <= *at) {
            if up == Some(&absence.node) {
                found.push(node_lost(name, absence));
                up = None;
            }
        }
        let Told::Ended { operation, resource, outcome } = told else { continue };
        let ok = outcome.eq_ignore_ascii_case("ok");
        match operation.as_str() {
            "start" if ok && resource == last => {
                if let Some(open) = found.last_mut().filter(|open| open.until.is_none()) {
                    up_again(open, *at, teller);
                }
                up = Some(teller);
            }
            "stop" if up == Some(teller) && resource == last => {
                found.push(down(name, teller, *at, Reason::Stopped));
                up = None;
            }
            "monitor" if !ok && up == Some(teller) && members.contains(resource) => {
                let cause = Reason::Failed { resource: resource.clone(), outcome: outcome.clone() };
                found.push(down(name, teller, *at, cause));
                up = None;
            }
            _ => {}
        }
    }
    let gone = pending.find(|absence| up == Some(&absence.node));
    found.extend(gone.map(|gone| node_lost(name, gone)));
    found
}

fn node_lost(service: &ServiceName, absence: &Absence) -> Interruption {
    down(service, &absence.node, absence.began_at(), Reason::NodeLost)
}

fn down(service: &ServiceName, from: &NodeName, since: Timestamp, cause: Reason) -> Interruption {
    let service = service.clone();
    Interruption { service, from: from.clone(), cause, since, until: None, to: None, down_ms: None }
}

fn up_again(interruption: &mut Interruption, until: Timestamp, to: &NodeName) {
    interruption.down_ms = u64::try_from(until.duration_since(interruption.since).as_millis()).ok();
    interruption.until = Some(until);
    interruption.to = Some(to.clone());
}

/// Where an interruption belongs: with the loss that brought it about, or with the node that had come back, if the
/// service had left it and returns for the first time.
fn place<'a>(absences: &'a mut [Absence], interruption: &Interruption) -> Option<&'a mut Vec<Interruption>> {
    let is_service = |other: &Interruption| other.service == interruption.service;
    match interruption.cause {
        Reason::NodeLost => {
            let is_cause =
                |absence: &&mut Absence| absence.node == interruption.from && absence.began_at() == interruption.since;
            absences.iter_mut().find(is_cause).map(|absence| &mut absence.services)
        }
        Reason::Stopped => {
            let (until, to) = (interruption.until?, interruption.to.as_ref()?);
            let last = absences.iter_mut().rfind(|absence| absence.node == *to && absence.lost_at <= until)?;
            let returns = last.services.iter().any(is_service) && !last.taken_back.iter().any(is_service);
            (returns && interruption.from != *to).then_some(&mut last.taken_back)
        }
        Reason::Failed { .. } => None,
    }
}

/// The heals, whoever did them: pieces that follow each other are one.
fn heals(logs: &Logs) -> Vec<Heal> {
    let mut pieces: Vec<&Healed> = logs.healed.iter().collect();
    pieces.sort_by_key(|piece| (&piece.volume, piece.from));
    let mut heals: Vec<Heal> = Vec::new();
    for Healed { volume, from, to, entries } in pieces {
        let follows = |heal: &&mut Heal| heal.volume.as_str() == volume && from.duration_since(heal.to) < PAUSE;
        if let Some(heal) = heals.last_mut().filter(follows) {
            heal.to = heal.to.max(*to);
            heal.entries += entries;
        } else if let Ok(volume) = VolumeName::new(volume.clone()) {
            heals.push(Heal { volume, from: *from, to: *to, entries: *entries });
        }
    }
    heals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer, Facts, Intent, Output};
    use crate::tools::sample;

    fn told(answers: &[(&str, Output)]) -> History {
        let text = include_bytes!("../../specs/postgres-ha-tuned.yaml").to_vec();
        let spec = crate::spec::from_bytes("postgres-ha-tuned.yaml", text).spec.unwrap();
        let mut facts = Facts::default();
        for (node, output) in answers {
            let answer = Answer { outcome: Ok(output.clone()), at: Timestamp::UNIX_EPOCH };
            facts.record(&NodeName::new(*node).unwrap(), history::look().command, answer);
        }
        history(&Cx::new(&spec, &facts, &Intent::default()))
    }

    fn lines(lines: &[&str]) -> Output {
        Output {
            status: 0,
            stdout: lines.iter().map(|line| line.replace(' ', "\t").replace('_', " ") + "\n").collect(),
            stderr: String::new(),
        }
    }

    #[test]
    fn a_real_power_cut_is_told_from_the_last_sign_of_life_to_the_way_home() {
        let past = told(&[
            ("node01", sample::read("95-history/lost.txt")),
            ("node02", sample::read("95-history/survivor.txt")),
        ]);
        let [absence] = &past.absences[..] else { panic!("{past:#?}") };
        assert_eq!(absence.node.as_str(), "node01");
        assert_eq!(past.unheard, []);
        insta::assert_snapshot!(crate::view::history::history(&past, None, crate::view::Look::plain()), @r"
        cluster01-tuned: the last 30 days

        service01 was down (2026-11-27 13:23:25.3, UTC): stopped on node02, up on node01
          after 2.2 s

        node01 was away for 12.1 s (2026-11-27, UTC)
          13:23:35.1 last sign of life
          13:23:38.8 missed by the others
          13:23:41.9 fenced by node02 (reboot)
          13:23:41.9 on again
          13:23:46.5 service01 up on node02, after 11.3 s without it
          13:23:47.3 a member again
          13:23:48.1 self-heal of data00 begins
          13:23:49.4 self-heal of data00 has mended 38 entries
          13:23:59.4 service01 taken back to node01, after 2.2 s without it
        ");
    }

    #[test]
    fn a_node_that_is_fenced_at_a_persons_wish_may_be_on_again_before_it_is_missed() {
        let fenced =
            "told 108 pacemaker-fenced Operation_'reboot'_targeting_node02_by_node01_for_x@node01:_OK_(complete)";
        let past = told(&[
            ("node01", lines(&["boot 1 200", fenced, "told 110 pacemaker-controld Node_node02_state_is_now_lost"])),
            ("node02", lines(&["boot 1 107", "boot 109 200"])),
        ]);
        let absence = &past.absences[0];
        let at = |seconds| Some(Timestamp::from_second(seconds).unwrap());
        assert_eq!((absence.failed_at, absence.on_at), (at(107), at(109)));
    }

    #[test]
    fn of_two_that_lose_sight_of_each_other_the_one_that_is_fenced_was_lost() {
        let fenced =
            "told 109 pacemaker-fenced Operation_'reboot'_targeting_node01_by_node02_for_x@node02:_OK_(complete)";
        let past = told(&[
            (
                "node01",
                lines(&["boot 1 108", "boot 110 200", "told 104 pacemaker-controld Node_node02_state_is_now_lost"]),
            ),
            ("node02", lines(&["boot 1 200", "told 103 pacemaker-controld Node_node01_state_is_now_lost", fenced])),
        ]);
        let [absence] = &past.absences[..] else { panic!("{past:#?}") };
        assert_eq!((absence.node.as_str(), absence.failed_at), ("node01", None), "it lived on until it was fenced");
    }
}
