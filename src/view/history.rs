//! The past for a person: each loss of a node as a timeline, and what else kept a service from being served.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::human::heading;
use super::style::{Look, Page, Paint};
use crate::model::{Absence, FenceAttempt, History, Interruption, Reason};

/// The history for a person, the newest last: that is what a terminal shows.
#[must_use]
pub fn history(history: &History, label: Option<&str>, look: Look) -> String {
    let History { cluster, asked_at: _, unheard, absences, interruptions } = history;
    let mut page = Page::new(look);
    let told = match (absences.is_empty() && interruptions.is_empty(), unheard.is_empty()) {
        (false, _) => "the last 30 days",
        (true, true) => "nothing was lost in the last 30 days",
        (true, false) => "nothing is known to have been lost in the last 30 days",
    };
    page.put(0, 2, &[(Paint::Strong, &format!("{}:", heading(cluster.as_str(), label))), (Paint::Plain, told)]);
    for node in unheard {
        page.put(
            2,
            4,
            &[(Paint::Warn, "-"), (Paint::Plain, &format!("{node} cannot be asked: what it alone knows is missing"))],
        );
    }
    let mut entries: Vec<(Timestamp, Entry<'_>)> = Vec::new();
    entries.extend(absences.iter().map(|absence| (absence.lost_at, Entry::Absence(absence))));
    entries.extend(interruptions.iter().map(|one| (one.since, Entry::Interruption(one))));
    entries.sort_by_key(|(at, _)| *at);
    for (_, entry) in entries {
        page.gap();
        match entry {
            Entry::Absence(absence) => self::absence(&mut page, absence),
            Entry::Interruption(one) => interruption(&mut page, one),
        }
    }
    page.finish()
}

/// The losses that ended within `lately` of now, as a run that was to bring the node back ends with them.
#[must_use]
pub fn latest(history: &History, lately: Duration, look: Look) -> String {
    let mut page = Page::new(look);
    let lately = SignedDuration::try_from(lately).unwrap_or(SignedDuration::MAX);
    let is_late =
        |absence: &&Absence| history.asked_at.is_some_and(|now| now.duration_since(absence.ended_at()) < lately);
    for absence in history.absences.iter().filter(is_late) {
        page.gap();
        self::absence(&mut page, absence);
    }
    page.finish()
}

enum Entry<'a> {
    Absence(&'a Absence),
    Interruption(&'a Interruption),
}

/// One loss of a node, as a heading and a timeline.
fn absence(page: &mut Page, absence: &Absence) {
    let begin = absence.began_at();
    let long = match absence.member_at {
        Some(back) => format!("was away for {}", length(back.duration_since(begin))),
        None => "is away".to_owned(),
    };
    let heading = format!("{} {long}", absence.node);
    page.put(0, 2, &[(Paint::Strong, &heading), (Paint::Plain, &format!("({}, UTC)", day(begin)))]);
    for (at, text) in timeline(absence) {
        // A heal may take days.
        let when = if day(at) == day(begin) { time(at) } else { format!("{} {}", day(at), time(at)) };
        page.put(2, 13, &[(Paint::Dim, &when), (Paint::Plain, &text)]);
    }
}

/// What happened, in the order in which it did.
fn timeline(absence: &Absence) -> Vec<(Timestamp, String)> {
    let Absence { node, failed_at, lost_at, fencing, on_at, member_at, heals, services, taken_back } = absence;
    let mut lines: Vec<(Timestamp, String)> = Vec::new();
    lines.extend(failed_at.map(|at| (at, "last sign of life".to_owned())));
    lines.push((*lost_at, "missed by the others".to_owned()));
    for attempt in fencing {
        let FenceAttempt { at, action, by, outcome } = attempt;
        let how = format!("fenced by {by} ({action})");
        lines.push((*at, if attempt.succeeded() { how } else { format!("not {how}: {outcome}") }));
    }
    for down in services {
        lines.push(match (&down.until, &down.to) {
            (Some(until), Some(to)) => {
                (*until, format!("{} up on {to}, after {} without it", down.service, lost(down)))
            }
            _ => (*lost_at, format!("{} down, and not up again", down.service)),
        });
    }
    lines.extend(on_at.map(|at| (at, "on again".to_owned())));
    lines.extend(member_at.map(|at| (at, "a member again".to_owned())));
    for heal in heals {
        lines.push((heal.from, format!("self-heal of {} begins", heal.volume)));
        let entries = if heal.entries == 1 { "1 entry".to_owned() } else { format!("{} entries", heal.entries) };
        lines.push((heal.to, format!("self-heal of {} has mended {entries}", heal.volume)));
    }
    for back in taken_back {
        let at = back.until.unwrap_or(back.since);
        lines.push((at, format!("{} taken back to {node}, after {} without it", back.service, lost(back))));
    }
    lines.sort_by_key(|(at, _)| *at);
    lines
}

/// A service that was down although no node was lost.
fn interruption(page: &mut Page, one: &Interruption) {
    let Interruption { service, from, cause, since, until: _, to, down_ms: _ } = one;
    let why = match cause {
        Reason::Failed { resource, outcome } => format!("{resource} failed on {from} ({outcome})"),
        Reason::NodeLost => format!("{from} was lost"),
        Reason::Stopped => format!("stopped on {from}"),
    };
    let end = match to {
        Some(to) => format!("up on {to} after {}", lost(one)),
        None => "not up again".to_owned(),
    };
    let begin = format!("{service} was down");
    let when = format!("({} {}, UTC)", day(*since), time(*since));
    page.put(0, 2, &[(Paint::Strong, &begin), (Paint::Plain, &format!("{when}: {why}, {end}"))]);
}

/// How long a service was down.
fn lost(one: &Interruption) -> String {
    one.down_ms
        .map_or_else(|| "?".to_owned(), |ms| length(SignedDuration::from_millis(ms.try_into().unwrap_or(i64::MAX))))
}

/// Tenths of seconds count where somebody waits, and not where somebody went home meanwhile.
fn length(time: SignedDuration) -> String {
    let tenths = u64::try_from(time.as_millis().max(0) / 100).unwrap_or(u64::MAX);
    match tenths / 10 {
        seconds @ 0..120 => format!("{seconds}.{} s", tenths % 10),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

fn time(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.1f").to_string()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{ClusterName, Heal, NodeName, ServiceName, VolumeName};

    /// A node that lost its power and came back, and a database that failed once.
    pub(crate) fn eventful() -> History {
        let at = |seconds: i64| Timestamp::from_millisecond(1_795_785_000_000 + seconds * 100).unwrap();
        let node = |name: &str| NodeName::new(name).unwrap();
        let down = |cause, since: i64, until: Option<i64>, from: &str, to: Option<&str>| Interruption {
            service: ServiceName::new("service01").unwrap(),
            from: node(from),
            cause,
            since: at(since),
            until: until.map(at),
            to: to.map(node),
            down_ms: until.map(|until| (until - since).unsigned_abs() * 100),
        };
        let attempt = |seconds, outcome: &str| FenceAttempt {
            at: at(seconds),
            action: "reboot".into(),
            by: "node02".into(),
            outcome: outcome.into(),
        };
        let absence = Absence {
            node: node("node01"),
            failed_at: Some(at(8152)),
            lost_at: at(8188),
            fencing: vec![attempt(8204, "Error occurred (No route to host)"), attempt(8219, "OK (complete)")],
            on_at: Some(at(8219)),
            member_at: Some(at(8273)),
            heals: vec![Heal { volume: VolumeName::new("data00").unwrap(), from: at(8281), to: at(8294), entries: 38 }],
            services: vec![down(Reason::NodeLost, 8152, Some(8265), "node01", Some("node02"))],
            taken_back: vec![down(Reason::Stopped, 8371, Some(8402), "node02", Some("node01"))],
        };
        let failed = Reason::Failed { resource: "service01-postgresql".into(), outcome: "not running".into() };
        History {
            cluster: ClusterName::new("cluster01").unwrap(),
            asked_at: Some(at(9100)),
            unheard: vec![node("node03")],
            absences: vec![absence],
            interruptions: vec![
                down(failed, 2000, Some(2041), "node01", Some("node01")),
                down(Reason::Stopped, 9000, None, "node01", None),
            ],
        }
    }

    #[test]
    fn what_nobody_told_is_not_said_to_be_nothing() {
        let quiet = History { absences: Vec::new(), interruptions: Vec::new(), ..eventful() };
        insta::assert_snapshot!(history(&quiet, None, Look::plain()), @r"
        cluster01: nothing is known to have been lost in the last 30 days
          - node03 cannot be asked: what it alone knows is missing
        ");
        let heard = History { unheard: Vec::new(), ..quiet };
        insta::assert_snapshot!(history(&heard, None, Look::plain()), @"cluster01: nothing was lost in the last 30 days");
    }

    #[test]
    fn a_history_tells_each_loss_as_a_timeline() {
        let ago = |seconds| latest(&eventful(), Duration::from_secs(seconds), Look::plain());
        assert!(ago(60).is_empty() && ago(80).starts_with("node01 was away for 12.1 s"), "{}", ago(80));
        insta::assert_snapshot!(history(&eventful(), None, Look::plain()), @r"
        cluster01: the last 30 days
          - node03 cannot be asked: what it alone knows is missing

        service01 was down (2026-11-27 13:13:20.0, UTC): service01-postgresql failed on
          node01 (not running), up on node01 after 4.1 s

        node01 was away for 12.1 s (2026-11-27, UTC)
          13:23:35.2 last sign of life
          13:23:38.8 missed by the others
          13:23:40.4 not fenced by node02 (reboot): Error occurred (No route to host)
          13:23:41.9 fenced by node02 (reboot)
          13:23:41.9 on again
          13:23:46.5 service01 up on node02, after 11.3 s without it
          13:23:47.3 a member again
          13:23:48.1 self-heal of data00 begins
          13:23:49.4 self-heal of data00 has mended 38 entries
          13:24:00.2 service01 taken back to node01, after 3.1 s without it

        service01 was down (2026-11-27 13:25:00.0, UTC): stopped on node01, not up again
        ");
    }
}
