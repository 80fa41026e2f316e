//! Ctrl-C and SIGTERM: at once while nothing is being changed, after the running step otherwise.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::Exit;

/// Whether somebody wants us to end, and whether that has to wait for a step.
#[derive(Clone)]
pub struct Interrupt {
    stop: Arc<watch::Sender<bool>>,
    working: Arc<AtomicBool>,
}

impl Interrupt {
    /// One that nobody sends.
    #[must_use]
    pub fn unheard() -> Self {
        Self { stop: Arc::new(watch::Sender::new(false)), working: Arc::default() }
    }

    /// Listens to the signals from now on. Has to be called on a runtime with threads of its own: a question to a
    /// person blocks the main one.
    ///
    /// # Errors
    /// Where the signals cannot be listened to.
    pub fn listen() -> io::Result<Self> {
        let interrupt = Self::unheard();
        let (mut ctrl_c, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let heard = interrupt.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = ctrl_c.recv() => {}
                    _ = terminate.recv() => {}
                }
                if !heard.working.load(Ordering::SeqCst) {
                    std::process::exit(i32::from(Exit::Differs.code()));
                }
                heard.stop.send_replace(true);
            }
        });
        Ok(interrupt)
    }

    /// From now on an interrupt waits for the running step; until the answer is dropped.
    #[must_use]
    pub fn work(&self) -> Working {
        self.working.store(true, Ordering::SeqCst);
        Working(Arc::clone(&self.working))
    }

    /// Becomes true when somebody wants us to end.
    #[must_use]
    pub fn wanted(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Whether somebody has wanted us to end.
    #[must_use]
    pub fn came(&self) -> bool {
        *self.stop.borrow()
    }
}

/// A time in which an interrupt has to wait.
pub struct Working(Arc<AtomicBool>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}
