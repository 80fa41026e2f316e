//! Files on a node that are bricklayer's, as a whole: they have the text that they are to have, or are written.

use super::{Assessment, Cx};
use crate::model::{Command, Difference, Item, Milestone, NodeName, Place, Seen, Subject, Why};
use crate::tools;

/// The file at `path` of `node`, as something that steps are about.
pub(super) fn subject(path: &str, node: &NodeName) -> Subject {
    Subject::on("file", path, node)
}

/// The milestone that the file at `path` has the text that it is to have on `node`.
pub(super) fn written(path: &str, node: &NodeName) -> Milestone {
    subject(path, node).is("as written")
}

/// Looks at the file at `path` of `node`, and writes it by `write` where its text is not `text`.
pub(super) fn keep(
    cx: &Cx<'_>,
    (path, node): (&str, &NodeName),
    text: &str,
    write: fn(&str, &str) -> Command,
    found: &mut Assessment,
) {
    let seen = cx.see(node, &tools::node::text_of(path));
    let item = compare((path, node), &seen, text, write(path, text), found);
    found.items.extend(item);
}

/// Compares what was seen of a file with its `text`, and gives the step that writes it where that differs.
pub(super) fn compare(
    (path, node): (&str, &NodeName),
    seen: &Seen<Option<String>>,
    text: &str,
    write: Command,
    found: &mut Assessment,
) -> Option<Item> {
    let seen = match seen {
        Seen::Is(seen) => seen,
        Seen::NotYet(_) | Seen::Unknown(Why::NotAsked) => return None,
        Seen::Unknown(why) => {
            found.unknown(written(path, node), why);
            return None;
        }
    };
    if seen.as_deref() == Some(text) {
        found.met(written(path, node));
        return None;
    }
    let why = match **seen {
        Some(_) => Difference::changed(path, "another text", "as written"),
        None => Difference::new(path, "as written"),
    };
    let summary = format!("write {path} on {node}");
    let item = Item::run(&subject(path, node), "write", summary, Place::On(node.clone()), write);
    Some(item.because(why).gives(written(path, node)))
}
