//! The log: what the rooms tell through `tracing`, on standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use super::{Global, LogFormat};

/// Starts the log as the flags ask for it; `least` is what it tells without them. Commands on nodes are spans; each
/// tells of its end, with what became of it: changes from `-v` on, looks from `-vv` on.
#[expect(clippy::disallowed_methods, reason = "the log shares standard error with the talk, a line at a time")]
pub fn start(global: &Global, least: &str, colour: bool) {
    let level = match global.verbose {
        0 => least,
        1 => "warn,bricklayer=info",
        _ => "info,bricklayer=debug",
    };
    let log =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(level)).with_writer(io::stderr).with_ansi(colour);
    let started = match global.log_format {
        LogFormat::Text => log.compact().try_init(),
        LogFormat::Json => log.json().with_span_list(false).try_init(),
    };
    debug_assert!(started.is_ok(), "the log is started once");
}
