//! Findings as people read them, with the line and a caret below it, and as programs do.

use std::fmt::Write as _;
use std::ops::Range;

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
    let before = "warning[]: ".len() + finding.code.len();
    let title = level.primary_title(wrapped(&finding.message, WIDTH - before.min(WIDTH / 2))).id(finding.code);
    let (line, span) = line_of(&source.text, located.at.start..located.at.end);
    let snippet = Snippet::source(line)
        .line_start(located.at.line)
        .path(source.name.as_str())
        .annotation(AnnotationKind::Primary.span(span));
    let mut group = title.element(snippet);
    if let Some(hint) = &finding.hint {
        group = group.element(Level::HELP.message(wrapped(hint, WIDTH - "      = help: ".len())));
    }
    vec![group]
}

/// The one line that is drawn, and where in it the carets go: a file of ten thousand findings is drawn as quickly
/// as ten thousand lines.
fn line_of(text: &str, span: Range<usize>) -> (&str, Range<usize>) {
    let start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let rest = text.get(start..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let within = |at: usize| at.saturating_sub(start).min(line.len());
    (line, within(span.start)..within(span.end))
}

/// `text` with its lines broken between words, none longer than `width` if its words allow.
fn wrapped(text: &str, width: usize) -> String {
    let mut wrapped = String::new();
    let mut filled = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if filled > 0 {
            let fits = filled + 1 + length <= width;
            wrapped.push(if fits { ' ' } else { '\n' });
            filled = if fits { filled + 1 } else { 0 };
        }
        wrapped.push_str(word);
        filled += length;
    }
    wrapped
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
///
/// # Panics
/// Never: texts and numbers are JSON.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    const TEXT: &str = "apiVersion: bricklayer/v1\ncluster: shop\ntransport: simulated\nnodes:\n  node01: {}\n  node02: {}\nvolumes:\n  data:\n    replica: 2\n    bricks: [node01:/bricks/data/brick, node20:/bricks/data/brick]\n";

    #[test]
    fn a_finding_is_drawn_with_place_line_caret_and_hint() {
        let loaded = spec::from_bytes("shop.yaml", TEXT.into());
        let drawn = human(&loaded.source, &loaded.findings, false);
        insta::assert_snapshot!(drawn);
        assert!(!drawn.contains('\u{1b}'));
        assert!(drawn.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(human(&loaded.source, &loaded.findings, true).contains('\u{1b}'));
    }

    #[test]
    fn the_last_line_counts() {
        let loaded = spec::from_bytes("shop.yaml", TEXT.into());
        let one = (&loaded.source, loaded.findings.as_slice());
        assert_eq!(summary(&[one]), "shop.yaml: 1 error, 1 warning");
        assert_eq!(summary(&[one, one]), "2 files: 2 errors, 2 warnings");
        assert_eq!(summary(&[(&loaded.source, &[])]), "shop.yaml: nothing to object to");
    }

    #[test]
    fn programs_get_the_same_as_json() {
        let loaded = spec::from_bytes("shop.yaml", TEXT.into());
        let json: serde_json::Value = serde_json::from_str(&json(&[(&loaded.source, &loaded.findings)])).unwrap();
        let second = &json[1];
        assert_eq!(
            (&second["file"], &second["line"], &second["column"]),
            (&"shop.yaml".into(), &10.into(), &41.into())
        );
        assert_eq!((&second["severity"], &second["code"]), (&"error".into(), &"unknown-node".into()));
        assert_eq!(second["path"], serde_json::json!(["volumes", "data", "bricks", "1"]));
        assert!(second["hint"].is_string() && second["message"].is_string());
    }

    #[test]
    fn a_finding_without_a_text_is_drawn_too() {
        for bytes in [Vec::new(), vec![b'x'; 2 * 1024 * 1024], b"a: \0".to_vec(), b"\xff".to_vec()] {
            let loaded = spec::from_bytes("odd.yaml", bytes);
            assert!(human(&loaded.source, &loaded.findings, false).contains("odd.yaml"));
        }
    }
}
