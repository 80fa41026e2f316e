//! The runbook as a page to print: Markdown, so that it can also be kept beside the file.

use super::style::{Look, Page, Paint};
use crate::model::{Chapter, Instruction, Runbook};

/// The page.
#[must_use]
pub fn runbook(runbook: &Runbook, look: Look) -> String {
    let Runbook { cluster, chapters } = runbook;
    let mut page = Page::new(look);
    page.put(0, 0, &[(Paint::Strong, &format!("# Runbook of {cluster}"))]);
    page.gap();
    let intro = "Made from the file, without looking at any node. NODE stands for the node that it is about. All commands \
                 are for root. Look before each step, and again after it.";
    page.put(0, 0, &[(Paint::Plain, intro)]);
    for Chapter { title, steps } in chapters {
        page.gap();
        page.put(0, 0, &[(Paint::Strong, &format!("## {title}"))]);
        for Instruction { says, on, commands } in steps {
            page.gap();
            let place = if commands.is_empty() { String::new() } else { format!("On {on}:") };
            page.put(0, 0, &[(Paint::Plain, says), (Paint::Dim, &place)]);
            page.gap();
            for command in commands {
                page.row(4, &[(Paint::Plain, command)]);
            }
        }
    }
    page.finish()
}
