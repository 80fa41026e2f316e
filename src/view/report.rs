//! What a run did and what it left, for a person.

use super::human;
use super::style::{Look, Page, Paint, count, spent};
use crate::model::{Cause, Done, Failed, Plan, Report, Verdict, Work};

/// The report, ending in the sentence that says how the run ended.
#[must_use]
pub fn report(report: &Report, label: Option<&str>, look: Look) -> String {
    let Report { verdict, done, failed, left, took } = report;
    let mut page = Page::new(look);
    tell_done(&mut page, done);
    for failed in failed {
        tell_failed(&mut page, failed);
    }
    tell_left(&mut page, left);
    page.gap();
    let name = human::heading(left.cluster.as_str(), label);
    let paint = match verdict {
        Verdict::AsWritten => Paint::Good,
        Verdict::Failed => Paint::Bad,
        Verdict::Unsettled | Verdict::Held => Paint::Warn,
    };
    let work =
        if done.is_empty() { "nothing was run".to_owned() } else { format!("{} done", count(done.len(), "step")) };
    let work = format!("{work} in {}", spent(*took));
    let sentence = match verdict {
        Verdict::AsWritten if done.is_empty() => "as written, nothing to do".to_owned(),
        Verdict::AsWritten => format!("as written; {work}"),
        Verdict::Failed => format!("{} failed; {work}", count(failed.len(), "step")),
        Verdict::Unsettled => format!("not settled yet; {work}"),
        Verdict::Held => format!("only what is held is left; {work}"),
    };
    page.put(0, 2, &[(Paint::Strong, &format!("{name}:")), (paint, &sentence)]);
    if let Some(hint) = advice(*verdict, left) {
        page.put(0, 2, &[(Paint::Help, "hint:"), (Paint::Plain, &hint)]);
    }
    page.finish()
}

fn tell_done(page: &mut Page, done: &[Done]) {
    let nodes = done.iter().map(|done| done.node.as_str().len()).max().unwrap_or_default();
    for Done { id: _, summary, node, took } in done {
        let node = format!("{node}{}", " ".repeat(nodes - node.as_str().len()));
        page.row(
            0,
            &[
                (Paint::Good, "✓ "),
                (Paint::Strong, &node),
                (Paint::Plain, "  "),
                (Paint::Plain, summary),
                (Paint::Dim, &format!("  {}", spent(*took))),
            ],
        );
    }
}

fn tell_failed(page: &mut Page, failed: &Failed) {
    let Failed { id: _, summary, why } = failed;
    page.gap();
    page.put(0, 2, &[(Paint::Bad, "✗"), (Paint::Strong, summary)]);
    for line in why.lines() {
        page.put(4, 6, &[(Paint::Plain, line)]);
    }
}

/// Causes only: what failed has been told, and what hangs on a cause is told in a plan.
fn tell_left(page: &mut Page, left: &Plan) {
    for step in left.held() {
        let Work::Held(held) = &step.item.work else { continue };
        if held.cause == Cause::Failed {
            continue;
        }
        page.gap();
        page.put(0, 2, &[(Paint::Bad, "!"), (Paint::Strong, &step.item.summary)]);
        page.put(4, 6, &[(Paint::Bad, "held:"), (Paint::Plain, &held.because)]);
        if let Some(hint) = &held.hint {
            page.put(4, 6, &[(Paint::Help, "hint:"), (Paint::Plain, hint)]);
        }
    }
    let still: Vec<&str> = left.ready().chain(left.waiting()).map(|step| &*step.item.summary).collect();
    if !still.is_empty() {
        page.gap();
        page.put(0, 2, &[(Paint::Plain, "still to come:"), (Paint::Plain, &still.join("; "))]);
    }
}

fn advice(verdict: Verdict, left: &Plan) -> Option<String> {
    let name = &left.cluster;
    match verdict {
        Verdict::AsWritten | Verdict::Held => None,
        Verdict::Failed => Some(format!(
            "run `apply` again once the cause is mended; `plan` shows the {} left of {name}",
            count(left.steps.len(), "step")
        )),
        Verdict::Unsettled => Some("run `apply` again: it goes on from what it finds".to_owned()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::super::human::tests::every_sort;
    use super::*;
    use crate::model::{ItemId, NodeName};

    /// A run that did something, failed at something and left something.
    pub(crate) fn mixed() -> Report {
        let done = |node: &str, summary: &str, ms| Done {
            id: ItemId(format!("test/{summary}")),
            summary: summary.into(),
            node: NodeName::new(node).unwrap(),
            took: Duration::from_millis(ms),
        };
        Report {
            verdict: Verdict::Failed,
            done: vec![done("node01", "start glusterd", 812), done("node02x", "install glusterfs-server", 72_000)],
            failed: vec![Failed {
                id: ItemId("volume/data00/create".into()),
                summary: "create volume data00 (replica 2)".into(),
                why: "gluster said:\n\x1b[31mvolume create: data00: failed: Host node02m is not in 'Peer in Cluster' state".into(),
            }],
            left: every_sort(),
            took: Duration::from_secs(75),
        }
    }

    #[test]
    fn a_report_tells_what_was_done_what_failed_what_is_left_and_how_it_ended() {
        insta::assert_snapshot!(report(&mixed(), Some("simulated"), Look::plain()), @r"
        ✓ node01   start glusterd  0.8s
        ✓ node02x  install glusterfs-server  1m 12s

        ✗ create volume data00 (replica 2)
            gluster said:
            volume create: data00: failed: Host node02m is not in 'Peer in Cluster'
              state

        ! add brick node03m:/glvol00/brick to volume data00
            held: node03 cannot be reached: no route to host
            hint: switch it on, or take it out of the file

        still to come: start glusterd on node01

        cluster01 (simulated): 1 step failed; 2 steps done in 1m 15s
        hint: run `apply` again once the cause is mended; `plan` shows the 6 steps left
          of cluster01
        ");
    }

    #[test]
    fn every_verdict_has_its_sentence() {
        let nothing = Plan { steps: vec![], findings: vec![], ..every_sort() };
        let end = |verdict, left: Plan| {
            let told = report(
                &Report { verdict, done: vec![], failed: vec![], left, took: Duration::ZERO },
                None,
                Look::plain(),
            );
            told.lines().find(|line| line.starts_with("cluster01")).unwrap().to_owned()
        };
        assert_eq!(end(Verdict::AsWritten, nothing), "cluster01: as written, nothing to do");
        assert_eq!(end(Verdict::Held, every_sort()), "cluster01: only what is held is left; nothing was run in 0.0s");
        assert_eq!(end(Verdict::Unsettled, every_sort()), "cluster01: not settled yet; nothing was run in 0.0s");
    }
}
