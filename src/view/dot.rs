//! A plan as a graph for Graphviz: a node an item, an edge from what gives a milestone to what needs it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::style::clean;
use crate::model::{ItemId, Milestone, Place, Plan, State, Step, Work};

/// The plan in the language of `dot`.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let mut text = format!(
        "digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=\"rounded,filled\", fontname=\"sans-serif\"];\n",
        quoted(plan.cluster.as_str())
    );
    for step in &plan.steps {
        let (id, label) = (quoted(&step.item.id.0), quoted(&label(step)));
        let _ = writeln!(text, "  {id} [label={label}, {}];", looks(step));
    }
    for (giver, milestone, needer) in edges(plan) {
        let (from, to, tip) = (quoted(&giver.0), quoted(&needer.0), quoted(&milestone.to_string()));
        let _ = writeln!(text, "  {from} -> {to} [tooltip={tip}];");
    }
    text.push_str("}\n");
    text
}

fn label(step: &Step) -> String {
    let place = match &step.item.work {
        Work::Run(run) => match &run.place {
            Place::On(node) => node.to_string(),
            Place::AnyOf(nodes) => nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
        },
        Work::Wait(_) => "wait".to_owned(),
        Work::Held(held) => format!("held: {}", held.because),
    };
    format!("{}\n{place}", step.item.summary)
}

/// Colour by where it stands; a dashed border for what is assumed; a thick one for what is not safe.
fn looks(step: &Step) -> String {
    let colour = match (&step.state, &step.item.work) {
        (State::Held, _) | (_, Work::Held(_)) => "#f4b6b6",
        (State::Blocked(_), _) => "#e3e3e3",
        (_, Work::Wait(_)) => "#fff3bf",
        (State::Ready, _) => "#b7e4c7",
        (State::After(_), _) => "#d0e3f7",
    };
    let dashed = if step.item.assumed { ", style=\"rounded,filled,dashed\"" } else { "" };
    let thick = match &step.item.work {
        Work::Run(run) if run.risk != crate::model::Risk::Safe => ", penwidth=3",
        _ => "",
    };
    format!("fillcolor=\"{colour}\"{dashed}{thick}")
}

fn edges(plan: &Plan) -> Vec<(&ItemId, &Milestone, &ItemId)> {
    let mut givers: BTreeMap<&Milestone, Vec<&ItemId>> = BTreeMap::new();
    for step in &plan.steps {
        for milestone in &step.item.gives {
            givers.entry(milestone).or_default().push(&step.item.id);
        }
    }
    let mut edges = Vec::new();
    for step in &plan.steps {
        for milestone in &step.item.needs {
            let from = givers.get(milestone).into_iter().flatten();
            edges.extend(from.map(|giver| (*giver, milestone, &step.item.id)));
        }
    }
    edges
}

fn quoted(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| clean(line).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}

#[cfg(test)]
mod tests {
    use super::super::human::tests::every_sort;
    use super::*;

    #[test]
    fn the_graph_has_a_node_for_each_item_and_an_edge_for_each_need() {
        insta::assert_snapshot!(plan(&every_sort()), @r##"
        digraph "cluster01" {
          rankdir=LR;
          node [shape=box, style="rounded,filled", fontname="sans-serif"];
          "unit/glusterd/node01/start" [label="start glusterd on node01\nnode01", fillcolor="#b7e4c7"];
          "volume/data00/create" [label="create volume data00 (replica 2)\nnode01 or node02", fillcolor="#d0e3f7", style="rounded,filled,dashed"];
          "volume/data00/heal" [label="heal of data00\nwait", fillcolor="#fff3bf"];
          "mount/gldata00/node02/replace" [label="mount data00 at /gldata00\nnode02", fillcolor="#d0e3f7", penwidth=3];
          "volume/data00/grow" [label="add brick node03m:/glvol00/brick to volume data00\nheld: node03 cannot be reached: no route to host", fillcolor="#f4b6b6"];
          "volume/data00/tune" [label="set options of data00\nnode01", fillcolor="#e3e3e3"];
          "unit/glusterd/node01/start" -> "volume/data00/create" [tooltip="unit glusterd on node01 is running"];
          "volume/data00/create" -> "volume/data00/heal" [tooltip="volume data00 is created"];
          "volume/data00/create" -> "mount/gldata00/node02/replace" [tooltip="volume data00 is created"];
          "volume/data00/grow" -> "volume/data00/tune" [tooltip="volume data00 is grown"];
        }
        "##);
    }

    #[test]
    fn no_text_can_leave_its_quotes() {
        assert_eq!(quoted("a\"b\\\nc"), r#""a\"b\\\nc""#);
    }
}
