//! How a verb says that it could not do its work.

use std::fmt;
use std::io;

use super::Exit;
use crate::spec::LoadError;
use crate::view::Ui;

/// One clear sentence and what to do about it. Every error ends here, and all of them exit with 1.
#[derive(Debug, PartialEq, Eq)]
pub struct CliError {
    message: String,
    hints: Vec<String>,
}

impl CliError {
    /// An error in one sentence: lower case, no full stop.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), hints: Vec::new() }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Tells it, and gives the exit code that goes with it.
    pub fn tell(&self, ui: &mut Ui) -> Exit {
        ui.error(&self.message, &self.hints);
        Exit::Error
    }
}

/// Its sentence alone.
impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The streams are the only I/O whose errors have no better words.
impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self::new(format!("cannot write to standard output: {error}"))
    }
}

impl From<LoadError> for CliError {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::NotFound(_) | LoadError::EmptyFolder(_) => Self::new(&error),
            LoadError::Unreadable { path: _, source } => Self::new(format!("{error}: {source}")),
        }
    }
}
