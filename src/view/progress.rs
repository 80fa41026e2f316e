//! A run while it goes on: moving lines on a terminal, plain lines elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Ui;
use super::style::{Page, Paint, clean, count, spent};
use crate::model::{Event, ItemId, NodeName, State, Work};

/// How often a moving line moves.
const TICK: Duration = Duration::from_millis(100);

/// What has been told of a run so far.
pub struct RunView {
    // Events name items by id; people know them by what they do.
    summaries: BTreeMap<ItemId, String>,
    running: BTreeMap<ItemId, NodeName>,
    waiting: String,
    lively: Option<Lively>,
}

/// The moving lines: one for the whole, one for each step that runs.
struct Lively {
    lines: MultiProgress,
    whole: ProgressBar,
    steps: BTreeMap<ItemId, ProgressBar>,
    done: usize,
    to_come: usize,
}

impl RunView {
    /// For the terminal or file that `ui` talks to.
    #[must_use]
    pub fn on(ui: &Ui) -> Self {
        let lively = ui.is_lively().then(Lively::start);
        Self { summaries: BTreeMap::new(), running: BTreeMap::new(), waiting: String::new(), lively }
    }

    /// Shows `event`.
    pub fn tell(&mut self, ui: &mut Ui, event: &Event) {
        self.remember(event);
        if let Some(lively) = &mut self.lively {
            lively.tell(event, &self.summaries);
            // What went wrong must still be there when the lines have moved on.
            if !matches!(event, Event::Retrying { .. } | Event::Failed { .. }) {
                return;
            }
        }
        let Some(line) = self.line(ui, event) else { return };
        match &self.lively {
            Some(lively) => lively.lines.suspend(|| ui.talk(&line)),
            None => ui.talk(&line),
        }
    }

    fn remember(&mut self, event: &Event) {
        match event {
            Event::Planned(plan) => {
                self.summaries.extend(plan.steps.iter().map(|s| (s.item.id.clone(), s.item.summary.clone())));
            }
            Event::Started { id, summary, node } => {
                self.summaries.insert(id.clone(), summary.clone());
                self.running.insert(id.clone(), node.clone());
            }
            Event::Looking
            | Event::Ran { .. }
            | Event::Retrying { .. }
            | Event::Failed { .. }
            | Event::Waiting { .. }
            | Event::Stopping => {}
        }
    }

    /// The plain line for `event`, if it is worth one.
    fn line(&mut self, ui: &Ui, event: &Event) -> Option<String> {
        let mut page = Page::new(ui.talk_look());
        match event {
            Event::Looking | Event::Planned(_) | Event::Started { .. } => return None,
            Event::Ran { id: _, summary, node, took } => {
                let took = format!("ok {}", spent(*took));
                page.put(0, 8, &step_line(node.as_str(), summary, (Paint::Good, &took)));
            }
            Event::Retrying { id, why, pause } => {
                let again = format!("again in {}: {why}", spent(*pause));
                page.put(0, 8, &step_line(self.node(id), self.summary(id), (Paint::Warn, &again)));
            }
            Event::Failed { id, why } => {
                let failed = format!("failed: {why}");
                page.put(0, 8, &step_line(self.node(id), self.summary(id), (Paint::Bad, &failed)));
            }
            Event::Waiting { on } => {
                let waiting = waiting(on, &self.summaries);
                if waiting == self.waiting {
                    return None;
                }
                page.put(0, 8, &[(Paint::Plain, "waiting for"), (Paint::Plain, &waiting)]);
                self.waiting = waiting;
            }
            Event::Stopping => page.put(0, 8, &[(Paint::Warn, "stopping"), (Paint::Plain, "after what is running")]),
        }
        Some(page.finish())
    }

    fn summary<'a>(&'a self, id: &'a ItemId) -> &'a str {
        self.summaries.get(id).unwrap_or(&id.0)
    }

    fn node(&self, id: &ItemId) -> &str {
        self.running.get(id).map_or("", NodeName::as_str)
    }

    /// Takes the moving lines away.
    pub fn end(self) {
        if let Some(lively) = self.lively {
            let _ = lively.lines.clear();
        }
    }
}

fn step_line<'a>(node: &'a str, summary: &'a str, result: (Paint, &'a str)) -> [(Paint, &'a str); 4] {
    [(Paint::Strong, node), (Paint::Plain, summary), (Paint::Dim, "…"), result]
}

fn waiting(on: &[(ItemId, String)], summaries: &BTreeMap<ItemId, String>) -> String {
    let said = on.iter().map(|(id, left)| {
        let what = summaries.get(id).unwrap_or(&id.0);
        if left.is_empty() { what.clone() } else { format!("{what}: {left}") }
    });
    said.collect::<Vec<_>>().join("; ")
}

impl Lively {
    fn start() -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let whole = lines.add(ProgressBar::new_spinner().with_style(style("{spinner} {wide_msg} {elapsed}")));
        whole.enable_steady_tick(TICK);
        Self { lines, whole, steps: BTreeMap::new(), done: 0, to_come: 0 }
    }

    fn tell(&mut self, event: &Event, summaries: &BTreeMap<ItemId, String>) {
        match event {
            Event::Looking => self.whole.set_message("looking at the nodes"),
            Event::Planned(plan) => {
                let comes = |state: &State| matches!(state, State::Ready | State::After(_));
                self.to_come =
                    plan.steps.iter().filter(|s| comes(&s.state) && matches!(s.item.work, Work::Run(_))).count();
                self.whole.set_message(self.course());
            }
            Event::Started { id, summary, node } => {
                let line = ProgressBar::new_spinner().with_style(style("  {spinner} {prefix}  {wide_msg} {elapsed}"));
                let line = self.lines.add(line.with_prefix(node.to_string()).with_message(clean(summary)));
                line.enable_steady_tick(TICK);
                self.steps.insert(id.clone(), line);
                self.whole.set_message(self.course());
            }
            Event::Ran { id, .. } => {
                self.done += 1;
                self.to_come = self.to_come.saturating_sub(1);
                self.drop_line(id);
                self.whole.set_message(self.course());
            }
            Event::Retrying { id, .. } | Event::Failed { id, .. } => self.drop_line(id),
            Event::Stopping => self.whole.set_message("stopping after what is running"),
            Event::Waiting { on } => self.whole.set_message(clean(&format!("waiting for {}", waiting(on, summaries)))),
        }
    }

    fn course(&self) -> String {
        format!("{} done, {} to come", count(self.done, "step"), self.to_come)
    }

    fn drop_line(&mut self, id: &ItemId) {
        if let Some(line) = self.steps.remove(id) {
            line.finish_and_clear();
            self.lines.remove(&line);
        }
    }
}

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are fixed and right")
}

#[cfg(test)]
mod tests {
    use super::super::human::tests::every_sort;
    use super::super::testing;
    use super::*;

    #[test]
    fn without_a_terminal_each_result_is_one_plain_line_and_a_wait_is_told_when_it_moves() {
        let (mut ui, out, err) = testing::ui(None);
        let plan = every_sort();
        let [start, create, heal] = [0, 1, 2].map(|i| plan.steps[i].item.clone());
        let node = NodeName::new("node01").unwrap();
        let started = |item: &crate::model::Item| Event::Started {
            id: item.id.clone(),
            summary: item.summary.clone(),
            node: node.clone(),
        };
        let left = |left: &str| Event::Waiting { on: vec![(heal.id.clone(), left.into())] };
        let events = [
            Event::Looking,
            Event::Planned(plan.clone()),
            started(&start),
            Event::Ran {
                id: start.id.clone(),
                summary: "start glusterd".into(),
                node: node.clone(),
                took: Duration::from_millis(812),
            },
            started(&create),
            Event::Retrying {
                id: create.id.clone(),
                why: "Another transaction is in progress".into(),
                pause: Duration::from_secs(2),
            },
            Event::Failed { id: create.id.clone(), why: "failed: brick is\x1b[2J already part of a volume".into() },
            left("12 entries left"),
            left("12 entries left"),
            left("3 entries left"),
        ];
        let mut progress = RunView::on(&ui);
        for event in &events {
            progress.tell(&mut ui, event);
        }
        progress.end();
        assert_eq!(out.text(), "");
        insta::assert_snapshot!(err.text(), @r"
        node01 start glusterd … ok 0.8s
        node01 create volume data00 (replica 2) … again in 2.0s: Another transaction is
                in progress
        node01 create volume data00 (replica 2) … failed: failed: brick is already part
                of a volume
        waiting for heal of data00: 12 entries left
        waiting for heal of data00: 3 entries left
        ");
    }
}
