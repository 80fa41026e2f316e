//! The log: what the rooms tell through `tracing`, on standard error.

use std::io;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::{Global, LogFormat};

/// Starts the log as the flags ask for it; `least` is what it tells without them. Commands on nodes are spans; from
/// `-v` on their ends are told.
#[expect(clippy::disallowed_methods, reason = "the log shares standard error with the talk, a line at a time")]
pub fn start(global: &Global, least: &str, colour: bool) {
    let (level, spans) = match global.verbose {
        0 => (least, FmtSpan::NONE),
        1 => ("warn,bricklayer=info", FmtSpan::CLOSE),
        _ => ("info,bricklayer=debug", FmtSpan::CLOSE),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_span_events(spans)
        .with_writer(io::stderr)
        .with_ansi(colour);
    let started = match global.log_format {
        LogFormat::Text => log.compact().try_init(),
        LogFormat::Json => log.json().try_init(),
    };
    debug_assert!(started.is_ok(), "the log is started once");
}
