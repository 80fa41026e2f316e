//! What wakes the watch from outside: files that change, and SIGHUP.
//!
//! The folder is watched and not the file, because editors put a new file in the place of the old one. An event says
//! only that something happened; what is so, a look at the files tells.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify_debouncer_full::notify::{self, EventKind, RecommendedWatcher, RecursiveMode};
use notify_debouncer_full::{DebounceEventResult, Debouncer, NoCache, new_debouncer_opt};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// How long a file must have been left alone: an editor's write and rename are one event.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// Something that happened outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// Files may have changed.
    Files,
    /// A person wants everything to be looked at now.
    Reload,
}

/// Where triggers come from.
pub trait Triggers {
    /// The next one; never, where none can come.
    fn next(&mut self) -> impl Future<Output = Trigger>;
}

/// The triggers of this process.
pub struct Outside {
    changed: mpsc::Receiver<()>,
    hangup: Signal,
    _files: Option<Debouncer<RecommendedWatcher, NoCache>>,
}

impl Outside {
    /// Watches the folder `path`, or the folder of the file `path`, and listens to SIGHUP.
    ///
    /// # Errors
    /// Where signals cannot be listened to. Files that cannot be watched are told, and read at every tick all the same.
    pub fn of(path: &Path) -> io::Result<Self> {
        let (tell, changed) = mpsc::channel(1);
        let files = watched(path, tell)
            .inspect_err(|error| {
                let path = path.display();
                tracing::warn!(target: "bricklayer::watch", %path, %error, "files are only read every interval");
            })
            .ok();
        Ok(Self { changed, hangup: signal(SignalKind::hangup())?, _files: files })
    }
}

impl Triggers for Outside {
    async fn next(&mut self) -> Trigger {
        tokio::select! {
            Some(()) = self.changed.recv() => Trigger::Files,
            Some(()) = self.hangup.recv() => Trigger::Reload,
            else => std::future::pending().await,
        }
    }
}

fn watched(path: &Path, changed: mpsc::Sender<()>) -> notify::Result<Debouncer<RecommendedWatcher, NoCache>> {
    let tell = move |events: DebounceEventResult| {
        // Reading a file is an event too, and it is we who read.
        let ours = |kind: &EventKind| matches!(kind, EventKind::Access(_));
        if events.is_err() || events.is_ok_and(|events| !events.iter().all(|event| ours(&event.kind))) {
            // One that has not been heard yet stands for this one as well.
            let _ = changed.try_send(());
        }
    };
    let config = notify::Config::default();
    let mut debouncer = new_debouncer_opt::<_, RecommendedWatcher, _>(DEBOUNCE, None, tell, NoCache, config)?;
    for folder in folders(path) {
        debouncer.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(debouncer)
}

/// The folders in which a change concerns `path`: where it lies, and where a symbolic link leads.
fn folders(path: &Path) -> BTreeSet<PathBuf> {
    if path.is_dir() {
        return [path.to_owned()].into();
    }
    let folder = |file: &Path| match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let real = path.canonicalize().ok().filter(|_| path.is_symlink());
    std::iter::once(folder(path)).chain(real.as_deref().map(folder)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tokio::time::{sleep, timeout};

    use super::*;

    async fn comes(triggers: &mut Outside) -> bool {
        timeout(Duration::from_secs(1), triggers.next()).await == Ok(Trigger::Files)
    }

    #[tokio::test]
    async fn a_file_that_is_written_renamed_over_or_deleted_is_noticed_within_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("a.yaml"), folder.path().join(".a.yaml.swp"));
        fs::write(&file, "one").unwrap();
        let mut triggers = Outside::of(&file).unwrap();
        fs::write(&file, "two").unwrap();
        assert!(comes(&mut triggers).await, "written in place");
        fs::write(&other, "three").unwrap();
        fs::rename(&other, &file).unwrap();
        assert!(comes(&mut triggers).await, "replaced by an editor");
        fs::rename(&file, folder.path().join("a.yaml~")).unwrap();
        fs::write(&file, "four").unwrap();
        assert!(comes(&mut triggers).await, "moved away as a backup and written anew");
        fs::remove_file(&file).unwrap();
        assert!(comes(&mut triggers).await, "deleted");
        fs::write(&file, "five").unwrap();
        assert!(comes(&mut triggers).await, "there again");
    }

    #[tokio::test]
    async fn many_changes_in_a_row_are_few_triggers_and_reading_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, "").unwrap();
        let mut triggers = Outside::of(folder.path()).unwrap();
        for index in 0..50 {
            fs::write(&file, index.to_string()).unwrap();
        }
        assert!(comes(&mut triggers).await);
        sleep(DEBOUNCE * 2).await;
        while timeout(DEBOUNCE, triggers.next()).await.is_ok() {}
        fs::read(&file).unwrap();
        assert!(!comes(&mut triggers).await, "reading woke it");
    }

    #[tokio::test]
    async fn the_file_behind_a_symbolic_link_is_watched_as_well() {
        let (folder, real) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (link, file) = (folder.path().join("a.yaml"), real.path().join("real.yaml"));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut triggers = Outside::of(&link).unwrap();
        fs::write(&file, "two").unwrap();
        assert!(comes(&mut triggers).await);
    }
}
