//! Secrets: what a command reads on its standard input is put in place here, as the last thing before it goes out.
//!
//! Everywhere above, a secret is a reference: in plans, in the journal, in the log and in error messages. Below this
//! file it is text on its way into the standard input of a program, and nowhere is it an argument.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use futures::future::{BoxFuture, FutureExt};

use super::Transport;
use crate::model::{
    AbsPath, Command, Failure, Lease, NodeName, Outcome, Output, Program, SecretError, SecretRef, Stdin,
};

/// The longest secret in bytes: a key or a password is far shorter, and what is longer is the wrong file.
const LONGEST: u64 = 64 << 10;

/// Another transport whose commands may name secrets and other nodes' files as their standard input.
pub struct WithSecrets {
    inner: Box<dyn Transport>,
    folder: PathBuf,
}

/// The files of other nodes that were read for one batch, as base64.
type Copies = BTreeMap<(NodeName, AbsPath), Result<String, SecretError>>;

impl WithSecrets {
    /// `inner`, with secrets from files whose paths are relative to `folder`.
    #[must_use]
    pub fn new(inner: Box<dyn Transport>, folder: impl Into<PathBuf>) -> Self {
        Self { inner, folder: folder.into() }
    }

    async fn run_all(&self, node: &NodeName, commands: &[Command], lease: Option<&Lease>) -> Vec<Outcome> {
        if commands.iter().all(is_whole) {
            return self.inner.run(node, commands, lease).await;
        }
        let copies = self.copies(commands).await;
        let (mut whole, mut missing) = (Vec::new(), BTreeMap::new());
        for (index, command) in commands.iter().enumerate() {
            match self.stdin(&command.stdin, &copies) {
                Ok(stdin) => whole.push(Command { stdin, ..command.clone() }),
                Err(error) => {
                    missing.insert(index, error);
                }
            }
        }
        let mut outcomes = self.inner.run(node, &whole, lease).await.into_iter();
        let outcome = |index| match missing.remove(&index) {
            Some(error) => Err(Failure::Secret(error)),
            None => outcomes.next().unwrap_or_else(|| Err(Failure::Lost("no outcome".to_owned()))),
        };
        (0..commands.len()).map(outcome).collect()
    }

    /// Reads the files of other nodes that `commands` want, each once.
    async fn copies(&self, commands: &[Command]) -> Copies {
        let mut copies = Copies::new();
        for command in commands {
            let Stdin::FileOf { node, path } = &command.stdin else { continue };
            if let Entry::Vacant(place) = copies.entry((node.clone(), path.clone())) {
                place.insert(self.copy(node, path).await);
            }
        }
        copies
    }

    async fn copy(&self, node: &NodeName, path: &AbsPath) -> Result<String, SecretError> {
        let read = Command::reads(Program::Tool("base64"), ["-w0", "--", path.as_str()]);
        let no = |why: String| SecretError::NoFile(node.clone(), path.clone(), why);
        match self.inner.run(node, &[read], None).await.pop() {
            Some(Ok(Output { status: 0, stdout, .. })) if !stdout.trim().is_empty() => Ok(stdout.trim().to_owned()),
            Some(Ok(Output { status: 0, .. })) => Err(no("it is empty".to_owned())),
            Some(Ok(Output { status, stderr, .. })) => {
                let said = stderr.lines().last().map(str::to_owned);
                Err(no(said.unwrap_or_else(|| format!("base64 exited with {status}"))))
            }
            Some(Err(failure)) => Err(no(failure.to_string())),
            None => Err(no("no outcome".to_owned())),
        }
    }

    fn stdin(&self, stdin: &Stdin, copies: &Copies) -> Result<Stdin, SecretError> {
        match stdin {
            Stdin::Nothing | Stdin::Text(_) => Ok(stdin.clone()),
            Stdin::Secret(secret) => value(secret, &self.folder).map(Stdin::Text),
            Stdin::FileOf { node, path } => {
                let copy = copies.get(&(node.clone(), path.clone())).cloned();
                copy.unwrap_or_else(|| Err(SecretError::NoFile(node.clone(), path.clone(), "not read".to_owned())))
                    .map(Stdin::Text)
            }
        }
    }
}

impl Transport for WithSecrets {
    fn run<'a>(
        &'a self,
        node: &'a NodeName,
        commands: &'a [Command],
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        self.run_all(node, commands, lease).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }

    fn label(&self) -> Option<&'static str> {
        self.inner.label()
    }
}

/// Whether a command can go out as it is.
fn is_whole(command: &Command) -> bool {
    match command.stdin {
        Stdin::Nothing | Stdin::Text(_) => true,
        Stdin::Secret(_) | Stdin::FileOf { .. } => false,
    }
}

/// The secret itself, to the last byte: a private key without its line end is none (`ssh-keygen` in OpenSSH 9), and
/// fence agents take the one behind a password away themselves.
fn value(secret: &SecretRef, folder: &Path) -> Result<String, SecretError> {
    let bytes = match secret {
        SecretRef::File(path) => of_file(path, &folder.join(path))?,
        SecretRef::Env(name) => {
            let value = std::env::var_os(name).ok_or_else(|| SecretError::NoVariable(name.clone()))?;
            value.into_encoded_bytes()
        }
    };
    let not_text = || SecretError::NotText(secret.clone());
    if bytes.len() as u64 > LONGEST || bytes.contains(&0) {
        return Err(not_text());
    }
    let text = String::from_utf8(bytes).map_err(|_| not_text())?;
    if text.trim().is_empty() { Err(SecretError::Empty(secret.clone())) } else { Ok(text) }
}

/// What is in the file at `place`, which goes by `path`, if it is a regular one and its owner's alone.
fn of_file(path: &Path, place: &Path) -> Result<Vec<u8>, SecretError> {
    let unreadable = |error: std::io::Error| SecretError::Unreadable(path.to_owned(), reason(&error));
    let not_a_file = || SecretError::NotAFile(path.to_owned());
    // Looked at before it is opened, because a pipe would keep whoever opens it waiting.
    let before = fs::symlink_metadata(place).map_err(unreadable)?;
    if !before.is_file() {
        return Err(not_a_file());
    }
    let file = File::open(place).map_err(unreadable)?;
    let opened = file.metadata().map_err(unreadable)?;
    if (opened.dev(), opened.ino()) != (before.dev(), before.ino()) {
        return Err(not_a_file());
    }
    let mode = opened.permissions().mode() & 0o7777;
    if !matches!(mode, 0o600 | 0o400) {
        return Err(SecretError::Open(path.to_owned(), mode));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// The system's reason without its number.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::transport::Local;

    const VALUE: &str = "hunter2-very-secret";

    /// Notes what it is given and answers a question for a file.
    #[derive(Clone, Default)]
    struct Notes(Arc<Mutex<Vec<(NodeName, Command)>>>);

    impl Transport for Notes {
        fn run<'a>(
            &'a self,
            node: &'a NodeName,
            commands: &'a [Command],
            _: Option<&'a Lease>,
        ) -> BoxFuture<'a, Vec<Outcome>> {
            let mut notes = self.0.lock().unwrap();
            notes.extend(commands.iter().map(|command| (node.clone(), command.clone())));
            let answer = |command: &Command| match command.args.last().map(String::as_str) {
                Some("/etc/none") => {
                    let stderr = "base64: /etc/none: No such file or directory\n".to_owned();
                    Ok(Output { status: 1, stdout: String::new(), stderr })
                }
                _ => Ok(Output { stdout: "a2V5\n".to_owned(), ..Output::default() }),
            };
            let outcomes = commands.iter().map(answer).collect();
            Box::pin(std::future::ready(outcomes))
        }
    }

    fn node(name: &str) -> NodeName {
        NodeName::new(name).unwrap()
    }

    fn cat() -> Command {
        Command::reads(Program::Tool("cat"), [""; 0])
    }

    fn file(name: &str) -> SecretRef {
        SecretRef::File(name.into())
    }

    fn put(folder: &Path, name: &str, bytes: &[u8], mode: u32) {
        fs::write(folder.join(name), bytes).unwrap();
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_secret_is_a_private_file_to_the_last_byte_or_a_variable() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for (name, bytes, read) in [
            ("plain", "s3cret", "s3cret"),
            ("edited", "s3cret\n", "s3cret\n"),
            ("windows", "s3cret\r\n", "s3cret\r\n"),
            ("lines", "one\ntwo\n\n", "one\ntwo\n\n"),
        ] {
            put(at, name, bytes.as_bytes(), 0o600);
            assert_eq!(value(&file(name), at).as_deref(), Ok(read), "{name}");
        }
        put(at, "read-only", b"x", 0o400);
        assert_eq!(value(&file("read-only"), at).as_deref(), Ok("x"));
        let variable = SecretRef::Env("PATH".to_owned());
        assert_eq!(value(&variable, at), Ok(std::env::var("PATH").unwrap()));
    }

    #[test]
    fn a_secret_that_cannot_be_had_is_told_without_its_value() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        put(at, "open", VALUE.as_bytes(), 0o640);
        put(at, "empty", b"\n", 0o600);
        put(at, "nul", format!("{VALUE}\0").as_bytes(), 0o600);
        put(at, "bytes", &[VALUE.as_bytes(), &[0xff]].concat(), 0o600);
        put(at, "huge", VALUE.repeat(10_000).as_bytes(), 0o600);
        symlink(at.join("open"), at.join("link")).unwrap();
        fs::create_dir(at.join("folder")).unwrap();
        let error = |name: &str| value(&file(name), at).unwrap_err();
        assert_eq!(error("open"), SecretError::Open("open".into(), 0o640));
        assert_eq!(error("empty"), SecretError::Empty(file("empty")));
        for name in ["nul", "bytes", "huge"] {
            assert_eq!(error(name), SecretError::NotText(file(name)));
        }
        for name in ["link", "folder"] {
            assert_eq!(error(name), SecretError::NotAFile(name.into()));
        }
        assert_eq!(
            error("none").to_string(),
            "the secret file none cannot be read: No such file or directory; its path is relative to the cluster's file"
        );
        let unset = SecretRef::Env("BRICKLAYER_NO_SUCH_VARIABLE".to_owned());
        assert!(matches!(value(&unset, at), Err(SecretError::NoVariable(_))));
        for name in ["open", "empty", "nul", "bytes", "huge", "link", "folder", "none"] {
            let error = error(name);
            assert!(!format!("{error} {error:?}").contains(VALUE), "{error}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_had_takes_no_other_command_with_it() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "pw", VALUE.as_bytes(), 0o600);
        let notes = Notes::default();
        let transport = WithSecrets::new(Box::new(notes.clone()), folder.path());
        let commands =
            [cat(), cat().with_secret(file("none")), cat().with_secret(file("pw")), cat().with_input("text")];
        let outcomes = transport.run(&node("n1"), &commands, None).await;
        let failed: Vec<bool> = outcomes.iter().map(Result::is_err).collect();
        assert_eq!(failed, [false, true, false, false]);
        let sent: Vec<Stdin> = notes.0.lock().unwrap().iter().map(|(_, command)| command.stdin.clone()).collect();
        assert_eq!(sent, [Stdin::Nothing, Stdin::Text(VALUE.to_owned()), Stdin::Text("text".to_owned())]);
    }

    #[tokio::test]
    async fn another_nodes_file_is_read_once_and_handed_on_as_base64() {
        let notes = Notes::default();
        let transport = WithSecrets::new(Box::new(notes.clone()), "");
        let of = |path: &str| cat().with_file_of(node("n1"), AbsPath::new(path).unwrap());
        let commands = [of("/etc/key"), of("/etc/none"), of("/etc/key")];
        let outcomes = transport.run(&node("n2"), &commands, None).await;
        let no = "/etc/none of n1 cannot be read: base64: /etc/none: No such file or directory";
        assert_eq!(outcomes[1].as_ref().unwrap_err().to_string(), no);
        let sent = notes.0.lock().unwrap().clone();
        let sent: Vec<String> =
            sent.iter().map(|(node, command)| format!("{node}: {command} < {:?}", command.stdin)).collect();
        assert_eq!(
            sent,
            [
                "n1: base64 -w0 -- /etc/key < Nothing",
                "n1: base64 -w0 -- /etc/none < Nothing",
                "n2: cat < Text(\"a2V5\")",
                "n2: cat < Text(\"a2V5\")"
            ]
        );
    }

    /// Looks through the arguments of all processes, over and over, until told to end.
    fn seen_in_a_process_list(text: &'static str, over: &std::sync::atomic::AtomicBool) -> bool {
        let mut seen = false;
        while !over.load(std::sync::atomic::Ordering::Relaxed) {
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                seen |= arguments.windows(text.len()).any(|window| window == text.as_bytes());
            }
        }
        seen
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_secret_is_in_no_process_list_on_its_way() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "pw", VALUE.as_bytes(), 0o600);
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let watch = {
            let over = Arc::clone(&over);
            std::thread::spawn(move || seen_in_a_process_list(VALUE, &over))
        };
        let transport = WithSecrets::new(Box::new(Local), folder.path());
        let slow = Command::reads(Program::Tool("sh"), ["-c", "sleep 0.3; cat"]).with_secret(file("pw"));
        let outcomes = transport.run(&node("n1"), &[slow.clone(), slow], None).await;
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|output| output.stdout == VALUE)));
        assert!(!watch.join().unwrap());
    }
}
