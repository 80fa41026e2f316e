//! The conversation with one `sh`, here or behind an ssh client: a program in, a reply out, within a limit of time.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::batch::Batch;

/// What was said until the end, or until time was up.
pub(super) struct Said {
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// How the process ended; nothing if it had not when time was up.
    pub ended: Option<ExitStatus>,
}

impl Said {
    /// The last thing that was said about an error, or how the process ended.
    pub fn complaint(&self) -> String {
        let lines = String::from_utf8_lossy(&self.stderr);
        let last = lines.lines().rev().map(str::trim).find(|line| !line.is_empty());
        match (last, self.ended) {
            (Some(line), _) => line.to_owned(),
            (None, Some(status)) => format!("it ended ({status}) and said nothing"),
            (None, None) => "nothing was said".to_owned(),
        }
    }
}

/// The longest complaint that is kept; more than one banner.
const STDERR_MAX: u64 = 1 << 20;

/// Starts `shell`, gives it the batch's program and takes its reply.
///
/// The process gets a group of its own: Ctrl-C in a terminal goes to the whole group in the foreground, and a step
/// that is running is to end, not to break.
pub(super) async fn exchange(mut shell: Command, batch: &Batch<'_>) -> io::Result<Said> {
    shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = shell.spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut said = Said { stdout: Vec::new(), stderr: Vec::new(), ended: None };
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A reader that is gone shows in what it says and how it ends.
            let _ = stdin.write_all(batch.program().as_bytes()).await;
        }
    };
    let talk = async {
        let out = keep(stdout, batch.reply_max(), &mut said.stdout);
        let err = keep(stderr, STDERR_MAX, &mut said.stderr);
        tokio::join!(feed, out, err);
        child.wait().await
    };
    if let Ok(ended) = within(batch.patience(), talk).await {
        said.ended = Some(ended?);
    }
    Ok(said)
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
    tokio::time::timeout(limit, work).await
}

/// Keeps what comes in `into`, so that it is there even if the caller stops waiting.
async fn keep(from: Option<impl AsyncRead + Unpin>, max: u64, into: &mut Vec<u8>) {
    let Some(from) = from else { return };
    let mut from = from.take(max);
    while matches!(from.read_buf(into).await, Ok(1..)) {}
}
