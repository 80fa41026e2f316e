//! Small ways to make an [`Output`], and what a fake program is called with.

use super::world::World;
use crate::model::{NodeName, Output};

/// A fake program: changes the world as the real one would and prints what the real one prints.
pub type Fake = fn(&mut World, &NodeName, &Call<'_>) -> Output;

/// What a program is called with.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its arguments.
    pub args: &'a [&'a str],
    /// Its standard input.
    pub stdin: &'a str,
}

/// Success, with this on standard output.
pub fn printed(stdout: impl Into<String>) -> Output {
    Output { status: 0, stdout: stdout.into(), stderr: String::new() }
}

/// Success without a word.
pub fn silent() -> Output {
    Output::default()
}

/// This exit status, with this on standard error.
pub fn failed(status: i32, stderr: impl Into<String>) -> Output {
    Output { status, stdout: String::new(), stderr: stderr.into() }
}

/// What the shell says of a program that is not installed.
pub fn not_found(program: &str) -> Output {
    failed(127, format!("timeout: failed to run command '{program}': No such file or directory\n"))
}
