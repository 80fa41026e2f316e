//! The nodes over the system's OpenSSH: one connection a node, opened when it is first needed.
//!
//! The person's own ssh configuration holds (aliases, jump hosts, agent, keys) except where a run without a person
//! needs something else: host keys are always checked, nothing is asked, nothing is forwarded, and a silent
//! connection is given up. The `openssh` crate keeps the connection, as an ssh master process. The client
//! processes that use it are started here, because they need a process group of their own (see [`exchange`]).

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, join_all};
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use tempfile::TempDir;
use tokio::process::Command as Process;
use tokio::sync::{Mutex, Semaphore};

use super::batch::{Batch, Told};
use super::exchange::{Said, exchange};
use super::{Transport, recorded};
use crate::model::{Command, Failure, Lease, NodeName, Outcome};

/// How long a node may take to answer at all.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a node may take until the login is done.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a silent connection is asked whether it is alive; the third time in vain ends it.
const ALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How long an unused connection is kept: a bricklayer that was killed leaves it for no longer.
const IDLE_SECONDS: NonZeroUsize = NonZeroUsize::new(120).expect("it is not zero");
/// How many batches run over one connection at a time; sshd's own limit is 10.
const SESSIONS_MAX: usize = 8;

/// What the connections need whatever the person's configuration says; the first value that ssh finds holds.
const CONFIG: &str = "\
LogLevel ERROR
ConnectionAttempts 1
ServerAliveCountMax 3
ForwardAgent no
ForwardX11 no
ClearAllForwardings yes
PermitLocalCommand no
Include ~/.ssh/config
Include /etc/ssh/ssh_config
";

/// How to log in. What is left out is as the person's own ssh configuration says; paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The user to log in as.
    pub user: Option<String>,
    /// The port of sshd.
    pub port: Option<u16>,
    /// The private key; with it, no other is tried.
    pub identity_file: Option<PathBuf>,
    /// The file of known host keys.
    pub known_hosts: Option<PathBuf>,
    /// Whether commands are run through `sudo -n`.
    pub sudo: bool,
}

/// Runs commands on nodes over ssh.
///
/// Dropping it ends the connections. A process that exits without dropping calls [`Transport::close`] first.
pub struct Ssh {
    links: BTreeMap<NodeName, Link>,
    login: Login,
    // Behind the links: sockets of connections that are still open lie in it.
    control: TempDir,
}

/// The way to one node.
struct Link {
    address: String,
    session: Mutex<Option<Arc<Session>>>,
    slots: Semaphore,
}

impl Ssh {
    /// A way to each of `addresses`; opens no connection yet.
    ///
    /// # Errors
    /// If there is no place for the connections' sockets.
    pub fn new(login: Login, addresses: BTreeMap<NodeName, String>) -> io::Result<Self> {
        // A socket's path must be short. The folder is for nobody else to look into.
        let place = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        let control = tempfile::Builder::new()
            .prefix("bricklayer-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(place.unwrap_or_else(|| PathBuf::from("/tmp")))?;
        std::fs::write(control.path().join("config"), CONFIG)?;
        let link = |address| Link { address, session: Mutex::default(), slots: Semaphore::new(SESSIONS_MAX) };
        let links = addresses.into_iter().map(|(node, address)| (node, link(address))).collect();
        Ok(Self { links, login, control })
    }

    async fn told(&self, node: &NodeName, batch: &Batch<'_>) -> Vec<Told> {
        let nothing_ran = |failure: Failure| batch.read(&[], |_| failure.clone());
        let Some(link) = self.links.get(node) else {
            return nothing_ran(Failure::Unreachable(format!("{node} has no address")));
        };
        // Closed never: the semaphore lives as long as the link.
        let _slot = link.slots.acquire().await;
        let mut said = match self.say(link, batch).await {
            Ok(said) => said,
            Err(failure) => return nothing_ran(failure),
        };
        if nothing_was_sent(batch, &said) {
            link.forget().await;
            said = match self.say(link, batch).await {
                Ok(said) => said,
                Err(failure) => return nothing_ran(failure),
            };
        }
        batch.read(&said.stdout, |command| broken(command, batch, &said))
    }

    async fn say(&self, link: &Link, batch: &Batch<'_>) -> Result<Said, Failure> {
        let session = self.session(link).await?;
        let client = self.client(&session);
        exchange(client, batch).await.map_err(|e| Failure::Unreachable(format!("ssh cannot be started: {e}")))
    }

    /// The open connection, or a new one.
    async fn session(&self, link: &Link) -> Result<Arc<Session>, Failure> {
        let mut kept = link.session.lock().await;
        if let Some(session) = kept.as_ref().filter(|session| has_master(session)) {
            return Ok(Arc::clone(session));
        }
        *kept = None;
        let session = Arc::new(self.connect(&link.address).await?);
        *kept = Some(Arc::clone(&session));
        Ok(session)
    }

    async fn connect(&self, address: &str) -> Result<Session, Failure> {
        // The address stands alone among ssh's arguments; it must not look like anything else.
        if address.is_empty() || address.starts_with('-') || address.contains(['@', '/']) {
            return Err(Failure::Unreachable(format!("`{address}` is not an address")));
        }
        let builder = self.builder()?;
        match tokio::time::timeout(LOGIN_TIMEOUT, builder.connect(address)).await {
            Ok(Ok(session)) => Ok(session),
            Ok(Err(openssh::Error::Connect(error) | openssh::Error::Master(error))) => {
                Err(not_connected(address, &error.to_string()))
            }
            Ok(Err(error)) => Err(Failure::Unreachable(error.to_string())),
            Err(_) => Err(Failure::Unreachable(format!("no login within {} s", LOGIN_TIMEOUT.as_secs()))),
        }
    }

    fn builder(&self) -> Result<SessionBuilder, Failure> {
        let Login { user, port, identity_file, known_hosts, sudo: _ } = &self.login;
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .connect_timeout(CONNECT_TIMEOUT)
            .server_alive_interval(ALIVE_INTERVAL)
            .control_persist(ControlPersist::IdleFor(IDLE_SECONDS))
            .control_directory(self.control.path())
            .config_file(self.control.path().join("config"));
        if let Some(user) = user {
            builder.user(user.clone());
        }
        if let Some(port) = port {
            builder.port(*port);
        }
        if let Some(key) = identity_file {
            builder.keyfile(key);
        }
        if let Some(file) = known_hosts {
            builder.user_known_hosts_file(as_option_value(file)?);
        }
        Ok(builder)
    }

    /// The process that runs a shell over an open connection. The program is all that the shell gets, on its
    /// standard input.
    fn client(&self, session: &Session) -> Process {
        #[allow(clippy::disallowed_methods)] // this room is the one that runs programs
        let mut client = Process::new("ssh");
        // Nothing of a configuration file concerns an open connection, and without one none may be opened.
        client.args(["-F", "none", "-o", "BatchMode=yes", "-o", "ProxyCommand=false", "-T", "-S"]);
        client.arg(session.control_socket()).args(["--", "node"]);
        client.args(if self.login.sudo { &["sudo", "-n", "sh"][..] } else { &["sh"] });
        client.kill_on_drop(true);
        client
    }
}

impl Link {
    async fn forget(&self) {
        *self.session.lock().await = None;
    }
}

impl Transport for Ssh {
    fn run<'a>(
        &'a self,
        node: &'a NodeName,
        commands: &'a [Command],
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Vec<Outcome>> {
        async move {
            if commands.is_empty() {
                return Vec::new();
            }
            recorded(node, commands, self.told(node, &Batch::new(commands, lease))).await
        }
        .boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let close = async |link: &Link| {
            let session = link.session.lock().await.take().and_then(Arc::into_inner);
            if let Some(session) = session {
                // It fails if the connection is gone, which is what was wanted.
                let _ = session.close().await;
            }
        };
        async move {
            join_all(self.links.values().map(close)).await;
        }
        .boxed()
    }
}

/// Whether the connection's master process is there: it listens, or it does not.
fn has_master(session: &Session) -> bool {
    UnixStream::connect(session.control_socket()).is_ok()
}

/// Whether the client ended before the master took the batch from it.
fn nothing_was_sent(batch: &Batch<'_>, said: &Said) -> bool {
    let stderr = String::from_utf8_lossy(&said.stderr);
    let refused = ["Control socket connect", "session request failed", "mux_client_hello_exchange"];
    !batch.begun(&said.stdout) && is_ssh_error(said) && refused.iter().any(|sign| stderr.contains(sign))
}

/// 255 is ssh's own status; every other is the remote shell's.
fn is_ssh_error(said: &Said) -> bool {
    said.ended.is_some_and(|status| status.code().is_none_or(|code| code == 255))
}

/// What became of a command that the reply does not tell of.
fn broken(command: &Command, batch: &Batch<'_>, said: &Said) -> Failure {
    if said.ended.is_none() {
        Failure::TimedOut(command.deadline)
    } else if nothing_was_sent(batch, said) || (!batch.begun(&said.stdout) && !is_ssh_error(said)) {
        // The second is a shell that never started: no login shell, or sudo that wants a password.
        Failure::Unreachable(said.complaint())
    } else {
        Failure::Lost(said.complaint())
    }
}

/// Reads why there is no connection from what ssh printed.
fn not_connected(address: &str, said: &str) -> Failure {
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("ssh said nothing");
    if said.contains("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        Failure::Untrusted(format!(
            "the key of {address} is not the one in known_hosts; if the node was installed anew, compare its key with \
             `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` on its console and replace the line, else do not log in"
        ))
    } else if said.contains("Host key verification failed") {
        Failure::Untrusted(format!(
            "no key of {address} is in known_hosts; compare what `ssh-keyscan {address}` prints with the node's own \
             and add it"
        ))
    } else {
        Failure::Unreachable(last.strip_prefix("ssh: ").unwrap_or(last).to_owned())
    }
}

/// A path as the value of an ssh option, where blanks divide and `%` is a sign.
fn as_option_value(path: &Path) -> Result<OsString, Failure> {
    let refuse = || Failure::Unreachable(format!("ssh cannot be given the path {}", path.display()));
    let text = path.to_str().filter(|text| !text.contains(['"', '\\', '\n', '\0'])).ok_or_else(refuse)?;
    Ok(format!("\"{}\"", text.replace('%', "%%")).into())
}
