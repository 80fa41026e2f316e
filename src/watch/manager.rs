//! What systemd is told: ready, reloading, stopping, alive, and one line about how things stand.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The service manager; nobody, where the process is no service of type notify.
#[derive(Debug)]
pub struct Manager {
    alive: Option<Interval>,
    status: String,
}

impl Manager {
    /// The one that started this process, if one did.
    #[must_use]
    pub fn of_process() -> Self {
        let alive = sd_notify::watchdog_enabled().filter(|time| *time > Duration::ZERO).map(|time| {
            // Half the time allowed, as sd_watchdog_enabled(3) advises.
            let mut alive = interval(time / 2);
            alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
            alive
        });
        Self { alive, status: String::new() }
    }

    /// What has been set up works from now on.
    pub fn ready() {
        tell(&[NotifyState::Ready]);
    }

    /// Everything is read anew.
    pub fn reloading() {
        let now = NotifyState::monotonic_usec_now().ok();
        let told: Vec<NotifyState<'_>> = std::iter::once(NotifyState::Reloading).chain(now).collect();
        tell(&told);
    }

    /// The end has begun.
    pub fn stopping() {
        tell(&[NotifyState::Stopping]);
    }

    /// How things stand, if that is news.
    pub fn status(&mut self, status: String) {
        if self.status != status {
            tell(&[NotifyState::Status(&status)]);
            self.status = status;
        }
    }

    /// Says that the loop still turns, as often as that is asked for. Never ends.
    pub async fn keep_telling(&mut self) {
        let Some(alive) = &mut self.alive else { return std::future::pending().await };
        loop {
            alive.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(target: "bricklayer::watch", %error, "the service manager does not hear");
    }
}
