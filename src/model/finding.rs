//! What is wrong or doubtful in a file or on the nodes, before anything is done.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing is run while it stands.
    Error,
    /// It is said, and work goes on.
    Warning,
}

/// A place in the file by keys, outermost first: `volumes`, `data00`, `bricks`, `1`. Lines are the loader's.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct SpecPath(pub Vec<String>);

impl SpecPath {
    /// A path from its keys.
    pub fn of(keys: impl IntoIterator<Item = impl ToString>) -> Self {
        Self(keys.into_iter().map(|key| key.to_string()).collect())
    }

    /// This path and one key more.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "names, numbers and texts alike")]
    pub fn at(&self, key: impl ToString) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.to_string());
        Self(keys)
    }
}

impl fmt::Display for SpecPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

/// One thing that is wrong or doubtful.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Where in the file; empty for the file as a whole.
    pub path: SpecPath,
    /// How much it weighs.
    pub severity: Severity,
    /// A short stable word for it, for tools and for silencing: `unknown-node`.
    pub code: &'static str,
    /// What is wrong: one sentence, lower case, no full stop.
    pub message: String,
    /// What to write or do instead.
    pub hint: Option<String>,
}

/// A place in a text. It never reaches beyond its first line, so that a caret can be drawn below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line, from 1 up.
    pub line: usize,
    /// The column in characters, from 1 up.
    pub column: usize,
}

impl Position {
    /// Where a text begins.
    #[must_use]
    pub fn first() -> Self {
        Self { start: 0, end: 0, line: 1, column: 1 }
    }
}

/// A file as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Its name as the person wrote it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// A finding and where in the file it is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located {
    /// Where in the text.
    pub at: Position,
    /// What was found.
    pub finding: Finding,
}

/// Findings as they are collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds an error: nothing will be run.
    pub fn error(&mut self, path: SpecPath, code: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Error, path, code, message.into(), hint.into());
    }

    /// Adds a warning.
    pub fn warn(&mut self, path: SpecPath, code: &'static str, message: impl Into<String>, hint: impl Into<String>) {
        self.push(Severity::Warning, path, code, message.into(), hint.into());
    }

    fn push(&mut self, severity: Severity, path: SpecPath, code: &'static str, message: String, hint: String) {
        let hint = (!hint.is_empty()).then_some(hint);
        self.0.push(Finding { path, severity, code, message, hint });
    }

    /// Whether anything found forbids running.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }
}
