//! The ssh transport against a real sshd, which the tests start on this machine for themselves.
#![allow(clippy::disallowed_methods, clippy::print_stderr, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::time::{Duration, Instant};

use bricklayer::model::{Command, Failure, NodeName, Outcome, Program};
use bricklayer::transport::{Login, Ssh, Transport};
use tempfile::TempDir;

const SSHD: &str = "/usr/sbin/sshd";

/// A sshd of our own, with keys that nobody else knows.
struct Sshd {
    process: Child,
    port: u16,
    // Its name has a blank in it, as a person's folder may.
    dir: TempDir,
}

impl Sshd {
    fn start() -> Option<Self> {
        if !Path::new(SSHD).exists() {
            eprintln!("skipped: there is no {SSHD} on this machine");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("bricklayer test ").tempdir().unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        for key in ["host", "user", "other"] {
            let args = ["-q", "-t", "ed25519", "-N", "", "-f", &path(key)];
            assert!(Process::new("ssh-keygen").args(args).status().unwrap().success());
        }
        // sshd insists on this folder where it runs as root.
        let _ = fs::create_dir("/run/sshd");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey \"{}\"\nAuthorizedKeysFile \"{}\"\nPidFile none\n\
             StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n",
            path("host"),
            path("user.pub"),
        );
        fs::write(path("config"), config).unwrap();
        let mut sshd = Process::new(SSHD);
        sshd.args(["-D", "-e", "-f", &path("config")]).stderr(Stdio::null());
        let sshd = Self { process: sshd.spawn().unwrap(), port, dir };
        sshd.is_known_by("host");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(10), "sshd does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(sshd)
    }

    /// Writes the file of known hosts with the key of this name.
    fn is_known_by(&self, key: &str) {
        let key = fs::read_to_string(self.dir.path().join(format!("{key}.pub"))).unwrap();
        let line = format!("[127.0.0.1]:{} {key}", self.port);
        fs::write(self.dir.path().join("known %hosts"), line).unwrap();
    }

    fn login(&self) -> Login {
        Login {
            port: Some(self.port),
            identity_file: Some(self.dir.path().join("user")),
            known_hosts: Some(self.dir.path().join("known %hosts")),
            ..Login::default()
        }
    }

    /// Ends the processes that serve open connections, as a node does that loses its power.
    fn cut(&self) {
        let children = Process::new("ps").args(["-o", "pid=", "--ppid", &self.process.id().to_string()]).output();
        let children = String::from_utf8(children.unwrap().stdout).unwrap();
        assert!(!children.trim().is_empty());
        assert!(Process::new("kill").arg("-9").args(children.split_whitespace()).status().unwrap().success());
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn node() -> NodeName {
    NodeName::new("node01").unwrap()
}

fn ssh(login: Login) -> Ssh {
    Ssh::new(login, BTreeMap::from([(node(), "127.0.0.1".to_owned())])).unwrap()
}

fn tool(name: &'static str, args: &[&str]) -> Command {
    Command::reads(Program::Tool(name), args.iter().copied())
}

async fn run_one(ssh: &Ssh, command: Command) -> Outcome {
    ssh.run(&node(), &[command], None).await.remove(0)
}

/// Whether any ssh process was started with `word` among its arguments.
fn some_ssh_has(word: &str) -> bool {
    let processes = Process::new("ps").args(["-C", "ssh", "-o", "args="]).output().unwrap();
    String::from_utf8_lossy(&processes.stdout).contains(word)
}

#[tokio::test]
async fn commands_run_on_the_node_over_one_connection() {
    let Some(sshd) = Sshd::start() else { return };
    let ssh = ssh(sshd.login());
    let nasty = "a 'b' \"c\" $HOME `id` \\ \n";
    let commands = [tool("printf", &["%s", nasty]), tool("sh", &["-c", "echo err >&2; exit 3"]), tool("cat", &[])];
    let outcomes = ssh.run(&node(), &commands, None).await;
    assert_eq!(outcomes[0].as_ref().unwrap().stdout, nasty);
    assert_eq!(outcomes[1].as_ref().map(|o| (o.status, o.stderr.as_str())), Ok((3, "err\n")));
    let client = |outcome: Outcome| outcome.unwrap().stdout;
    let show = tool("sh", &["-c", "echo $SSH_CONNECTION"]);
    assert_eq!(client(run_one(&ssh, show.clone()).await), client(run_one(&ssh, show.clone()).await));

    // More at a time than sshd has sessions for.
    let node = node();
    let nap = [tool("sleep", &["0.3"])];
    let many = futures::future::join_all((0..20).map(|_| ssh.run(&node, &nap, None))).await;
    assert!(many.iter().flatten().all(Result::is_ok), "{many:?}");

    ssh.close().await;
    assert!(!some_ssh_has(&format!("-p {}", sshd.port)));
    assert!(run_one(&ssh, show).await.is_ok());
    drop(ssh);
    assert!(!some_ssh_has(&format!("-p {}", sshd.port)));
}

#[tokio::test]
async fn a_node_with_another_key_or_an_unknown_one_is_not_trusted() {
    let Some(sshd) = Sshd::start() else { return };
    sshd.is_known_by("other");
    let outcome = run_one(&ssh(sshd.login()), tool("true", &[])).await;
    assert!(matches!(&outcome, Err(Failure::Untrusted(hint)) if hint.contains("not the one")), "{outcome:?}");

    fs::write(sshd.dir.path().join("known %hosts"), "").unwrap();
    let outcome = run_one(&ssh(sshd.login()), tool("true", &[])).await;
    assert!(matches!(&outcome, Err(Failure::Untrusted(hint)) if hint.contains("no key of")), "{outcome:?}");
}

#[tokio::test]
async fn a_node_that_does_not_answer_or_does_not_let_us_in_is_unreachable() {
    let Some(sshd) = Sshd::start() else { return };
    let login = Login { identity_file: Some(sshd.dir.path().join("other")), ..sshd.login() };
    let outcome = run_one(&ssh(login), tool("true", &[])).await;
    assert!(matches!(&outcome, Err(Failure::Unreachable(why)) if why.contains("Permission denied")), "{outcome:?}");

    let login = sshd.login();
    drop(sshd);
    let outcome = run_one(&ssh(login), tool("true", &[])).await;
    assert!(matches!(&outcome, Err(Failure::Unreachable(why)) if why.contains("Connection refused")), "{outcome:?}");

    let nowhere = Ssh::new(Login::default(), BTreeMap::from([(node(), "no-such-host.invalid".to_owned())])).unwrap();
    let outcome = run_one(&nowhere, tool("true", &[])).await;
    assert!(matches!(&outcome, Err(Failure::Unreachable(why)) if why.contains("resolve")), "{outcome:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_loses_the_reply_and_the_next_run_opens_another() {
    let Some(sshd) = Sshd::start() else { return };
    let ssh = ssh(sshd.login());
    assert!(run_one(&ssh, tool("true", &[])).await.is_ok());
    let began = Instant::now();
    let cut = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        sshd.cut();
    };
    let (outcome, ()) = tokio::join!(run_one(&ssh, tool("sleep", &["8"])), cut);
    assert!(matches!(outcome, Err(Failure::Lost(_))), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(run_one(&ssh, tool("true", &[])).await.is_ok());

    // A connection that is gone before anything was sent is no failure at all.
    sshd.cut();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(run_one(&ssh, tool("true", &[])).await.is_ok());
}

#[tokio::test]
async fn nothing_of_an_unknown_node_or_a_false_address_reaches_ssh() {
    let other = NodeName::new("node02").unwrap();
    let addresses = BTreeMap::from([(node(), "-oProxyCommand=id".to_owned())]);
    let ssh = Ssh::new(Login::default(), addresses).unwrap();
    for node in [node(), other] {
        let outcome = ssh.run(&node, &[tool("true", &[])], None).await.remove(0);
        assert!(matches!(outcome, Err(Failure::Unreachable(_))), "{outcome:?}");
    }
}
