//! After a volume has grown by whole sets, its directories must be spread over the new bricks.
//!
//! Until then a client lists a directory only if it is also on the set that its name belongs to: of eight directories,
//! `ls` showed three (glusterfs 10.3). glusterd does not remember that this is owed, so the volume itself is marked
//! before it grows, and the mark is taken back when the spreading has ended on every node.

use std::collections::BTreeMap;

use super::assess::One;
use crate::kinds::{Assessment, counted_on, nodes};
use crate::model::{Cause, Difference, Item, Milestone, Seen};
use crate::tools::gluster::{self, LAYOUT, Spread};

/// The mark's value while the spreading is owed.
const OWED: &str = "owed";
/// The mark's value when it is not; an option of this kind cannot be reset alone.
const DONE: &str = "done";

fn mark(one: &One<'_>, value: &str) -> crate::model::Command {
    gluster::set(one.name.as_str(), &BTreeMap::from([(LAYOUT.to_owned(), value.to_owned())]))
}

fn is_owed(there: &gluster::Volume) -> bool {
    there.options.get(LAYOUT).is_some_and(|value| value == OWED)
}

/// Notes that the spreading will be owed. Gives the milestone that it is noted.
pub(super) fn note(one: &One<'_>, there: &gluster::Volume, found: &mut Assessment) -> Milestone {
    let noted = one.subject().is("noted to owe its layout");
    if is_owed(there) {
        found.met(noted.clone());
    } else {
        let summary = format!("note that the directories of volume {} will have to be spread", one.name);
        let item = one.step("note", summary, mark(one, OWED)).because(Difference::new(LAYOUT, OWED));
        found.item(item.gives(noted.clone()));
    }
    noted
}

/// Spreads the directories, if that is owed.
pub(super) fn spread(one: &One<'_>, there: &gluster::Volume, found: &mut Assessment) {
    // The question is a transaction of the pool: it is not asked while a silent node would hold it up.
    if !is_owed(there) || !there.started || !counted_on(one.cx).is_empty() {
        return;
    }
    let Some(node) = one.actual.pool.able.first() else { return };
    let subject = one.subject();
    match one.cx.see(node, &gluster::spread_status(one.name.as_str())) {
        Seen::Is(status) => match *status {
            Spread::NotBegun => {
                let summary = format!("spread the directories of volume {} over its new bricks", one.name);
                let item = one.step("spread", summary, gluster::spread(one.name.as_str()));
                let why = Difference::changed("layout", "without the new bricks", "over all bricks");
                found.item(item.because(why));
            }
            Spread::Underway => {
                let summary = format!("the directories of volume {} to be spread", one.name);
                found.item(Item::wait(&subject, "spread", summary, nodes::POLL));
            }
            Spread::Done => {
                let summary = format!("note that the directories of volume {} are spread", one.name);
                let item = one.step("note", summary, mark(one, DONE));
                found.item(item.because(Difference::changed(LAYOUT, OWED, DONE)));
            }
        },
        Seen::NotYet(_) => {}
        Seen::Unknown(why) => {
            let summary = format!("spread the directories of volume {} over its new bricks", one.name);
            found.item(Item::held(&subject, "spread", summary, Cause::Unknown, why.to_string(), ""));
        }
    }
}
