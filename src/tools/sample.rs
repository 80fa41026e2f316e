//! Recorded outputs of the real programs, for tests: `tests/samples/` holds them, `tests/lab/record` makes them.

use std::path::Path;

use crate::model::Output;

/// Reads a recording: the command line, `# exit N`, then standard output and standard error, each under its heading.
pub(crate) fn read(name: &str) -> Output {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (head, rest) = text.split_once("# stdout\n").expect("a recording has a `# stdout`");
    let (stdout, stderr) = rest.split_once("# stderr\n").unwrap_or((rest, ""));
    let status = head.lines().find_map(|line| line.strip_prefix("# exit ")).expect("a recording has an `# exit`");
    Output { status: status.trim().parse().unwrap(), stdout: stdout.into(), stderr: stderr.into() }
}
