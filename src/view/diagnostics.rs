//! Findings as people read them, with the line and a caret below it, and as programs do.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use crate::model::{Located, Severity, Source, SpecPath};

/// The width that is drawn for: what a terminal and a mail show without wrapping.
const WIDTH: usize = 80;

/// All findings of one file, drawn one below the other, and nothing if there are none.
#[must_use]
pub fn human(source: &Source, findings: &[Located], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
    findings.iter().fold(String::new(), |mut text, located| {
        text.push_str(&renderer.render(&groups(source, located)));
        text.push_str("\n\n");
        text
    })
}

fn groups<'a>(source: &'a Source, located: &'a Located) -> Vec<Group<'a>> {
    let finding = &located.finding;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let within = |at: usize| at.min(source.text.len());
    let span = within(located.at.start)..within(located.at.end);
    let snippet =
        Snippet::source(source.text.as_str()).path(source.name.as_str()).annotation(AnnotationKind::Primary.span(span));
    let mut group = title.element(snippet);
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    vec![group]
}

/// The last line: how much was found in how many files.
#[must_use]
pub fn summary(files: &[(&Source, &[Located])]) -> String {
    let count = |severity| files.iter().flat_map(|(_, all)| *all).filter(|l| l.finding.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let mut text = match files {
        [(source, _)] => source.name.clone(),
        _ => many(files.len(), "file"),
    };
    let found = match (errors, warnings) {
        (0, 0) => "nothing to object to".to_owned(),
        (0, warnings) => many(warnings, "warning"),
        (errors, 0) => many(errors, "error"),
        (errors, warnings) => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    };
    let _ = write!(text, ": {found}");
    text
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A finding for programs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Flat<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    severity: Severity,
    code: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
    path: &'a SpecPath,
}

/// The findings of all files as one JSON array.
#[must_use]
pub fn json(files: &[(&Source, &[Located])]) -> String {
    let flat = files.iter().flat_map(|(source, all)| all.iter().map(|located| flat(source, located)));
    serde_json::to_string_pretty(&flat.collect::<Vec<_>>()).expect("texts and numbers are JSON")
}

fn flat<'a>(source: &'a Source, located: &'a Located) -> Flat<'a> {
    let finding = &located.finding;
    Flat {
        file: &source.name,
        line: located.at.line,
        column: located.at.column,
        severity: finding.severity,
        code: finding.code,
        message: &finding.message,
        hint: finding.hint.as_deref(),
        path: &finding.path,
    }
}
