//! Fencing: who is cut off by which device, how long that takes, and what comes of it.

use super::config::{Config, Primitive, duration_ms};
use super::data::{FenceMode, Fencing, NodeState};
use super::situation::Situation;
use crate::model::NodeName;
use crate::transport::simulated::journal;
use crate::transport::simulated::world::World;

/// How long a device takes. Measured with `fence_virsh`: 2 to 4 s.
const DEVICE_MS: u64 = 2500;
/// How long Pacemaker waits for a device (`stonith-timeout`).
const TIMEOUT_MS: u64 = 60_000;
/// How long a machine takes to boot.
const BOOT_MS: u64 = 15_000;
/// How long the device is believed to be busy before it is tried again.
const RETRY_MS: u64 = 2000;

/// Why a node was not fenced for somebody who asked for it.
pub(super) enum Unfenced {
    /// No device knows it.
    NoDevice,
    /// This is what its device says.
    Refused(&'static str),
}

impl World {
    /// Begins to fence a node, unless that is under way or has just failed.
    pub(super) fn fence(&mut self, dc: &NodeName, config: &Config, situation: &Situation, target: &NodeName) {
        self.tell_of_fencing(dc, config, target);
        let now = self.clock_ms;
        let Some(cib) = &self.nodes[dc].pacemaker.cib else { return };
        let tried = cib.fencing.iter().rev().find(|fencing| fencing.target == *target);
        let wait = tried.is_some_and(|last| match last.success {
            None => true,
            Some(success) => !success && now < last.until_ms + RETRY_MS,
        });
        if wait {
            return;
        }
        let client = format!("pacemaker-controld.{}", 200 + self.id_of(dc, dc));
        let delay_ms = self.delay_ms(dc, config, situation, target);
        // A node is fenced by another one as long as there is one.
        let by = self.peers(dc).into_iter().find(|peer| peer != target && (dc != target || peer != dc));
        let by = if dc == target { by.unwrap_or_else(|| dc.clone()) } else { dc.clone() };
        let fencing = self.attempt(&by, config, target, client, delay_ms);
        if let Some(cib) = &mut self.node_mut(dc).pacemaker.cib {
            cib.fencing.push(fencing);
            cib.updated();
        }
    }

    /// How long it is waited so that the more important side wins.
    fn delay_ms(&self, dc: &NodeName, config: &Config, situation: &Situation, target: &NodeName) -> u64 {
        let members = self.corosync(dc).map_or(0, |corosync| corosync.members.len());
        let minority = members * 2 <= situation.nodes.len();
        let worth = |node: &NodeName| -> i64 {
            let here = |primitive: &&Primitive| situation.running(&primitive.id).any(|place| place.node == *node);
            config.primitives().filter(here).filter_map(|primitive| primitive.meta_score("priority")).sum()
        };
        let most = situation.nodes.keys().map(worth).max().unwrap_or(0);
        let least = situation.nodes.keys().map(worth).min().unwrap_or(0);
        if minority && most > least && worth(target) == most {
            config.duration_ms("priority-fencing-delay", 0)
        } else {
            0
        }
    }

    fn attempt(&self, by: &NodeName, config: &Config, target: &NodeName, client: String, delay_ms: u64) -> Fencing {
        let since_ms = self.clock_ms;
        let own_ms = device_for(config, target).map_or(0, |device| base_delay_ms(device, target));
        let takes_ms = match self.mode_for(config, target) {
            None => 0,
            Some(FenceMode::Hangs) => config.duration_ms("stonith-timeout", TIMEOUT_MS),
            Some(_) => DEVICE_MS,
        };
        let until_ms = since_ms + delay_ms + own_ms + takes_ms;
        Fencing {
            target: target.clone(),
            by: by.clone(),
            client,
            since_ms,
            until_ms,
            success: None,
            reason: String::new(),
        }
    }

    /// Ends the fencings of a DC whose time has come.
    pub(super) fn finish_fencing(&mut self, dc: &NodeName) {
        let now = self.clock_ms;
        let Some(cib) = &self.nodes[dc].pacemaker.cib else { return };
        let config = cib.configuration.config();
        let open = cib.fencing.iter().enumerate().filter(|(_, fencing)| fencing.success.is_none());
        let due: Vec<(usize, Fencing)> = open
            .filter(|(_, fencing)| fencing.until_ms <= now || !self.manages(&fencing.by))
            .map(|(at, fencing)| (at, fencing.clone()))
            .collect();
        for (at, fencing) in due {
            let mode = self.mode_for(&config, &fencing.target);
            let (success, reason) = match mode {
                _ if !self.manages(&fencing.by) => (false, "Node executing the fencing was lost"),
                mode => verdict(mode),
            };
            let Some(entry) = self.node_mut(dc).pacemaker.cib.as_mut().and_then(|cib| cib.fencing.get_mut(at)) else {
                continue;
            };
            (entry.success, entry.reason, entry.until_ms) = (Some(success), reason.to_owned(), now);
            self.log_fencing(dc, &fencing, "reboot", if success { "OK (complete)" } else { reason });
            self.settle(dc, &fencing.target, success);
            if success {
                self.carry_out(mode, &fencing.target);
            }
        }
    }

    /// Each member's fencer tells how it ended.
    fn log_fencing(&mut self, dc: &NodeName, fencing: &Fencing, action: &str, outcome: &str) {
        let Fencing { target, by, client, .. } = fencing;
        let text = format!("Operation '{action}' targeting {target} by {by} for {client}@{dc}: {outcome}");
        for member in self.peers(dc) {
            self.log(&member, journal::FENCER, text.clone());
        }
    }

    /// Everybody knows how a fencing ended.
    fn settle(&mut self, dc: &NodeName, target: &NodeName, success: bool) {
        if success {
            let config = self.config_of(dc);
            self.tell_of_fenced(dc, &config, target);
        }
        if let Some(cib) = &mut self.node_mut(dc).pacemaker.cib {
            if success {
                cib.status.insert(target.clone(), NodeState::default());
            }
            cib.updated();
        }
        self.replicate(dc);
    }

    /// How the device for a node behaves, if there is one.
    fn mode_for(&self, config: &Config, target: &NodeName) -> Option<FenceMode> {
        device_for(config, target).map(|device| self.fence_modes.get(&device.id).copied().unwrap_or_default())
    }

    /// What the device does to the machine.
    fn carry_out(&mut self, mode: Option<FenceMode>, target: &NodeName) {
        match mode {
            Some(FenceMode::Works) => self.power_cycle(target, Some(BOOT_MS)),
            Some(FenceMode::OnlyOff) => self.power_cycle(target, None),
            _ => return,
        }
        *self.fenced.entry(target.clone()).or_default() += 1;
    }

    /// Switches a machine off, and on again after a while if that is given.
    fn power_cycle(&mut self, target: &NodeName, back_after_ms: Option<u64>) {
        self.cut_power(target, back_after_ms);
        let back = back_after_ms.map(|after| self.clock_ms + after);
        if let crate::transport::simulated::node::Power::Off { back_ms, .. } = &mut self.node_mut(target).power {
            *back_ms = back;
        }
    }

    /// Takes a person's word for it that a node is off: the cluster counts it as fenced, and nothing is switched.
    pub(super) fn confirm_off(&mut self, at: &NodeName, target: &NodeName) {
        let now = self.clock_ms;
        let holder = self.dc_of(at).unwrap_or_else(|| at.clone());
        let fencing = Fencing {
            target: target.clone(),
            by: at.clone(),
            client: format!("stonith_admin.{}", 500 + self.id_of(at, at)),
            since_ms: now,
            until_ms: now,
            success: Some(true),
            reason: String::new(),
        };
        self.log_fencing(&holder, &fencing, "off", "OK (complete)");
        if let Some(cib) = &mut self.node_mut(&holder).pacemaker.cib {
            cib.fencing.push(fencing);
        }
        self.settle(&holder, target, true);
    }

    /// Fences a node because somebody asks for it; gives how long that takes.
    ///
    /// # Errors
    /// Why it was not fenced.
    pub(super) fn fence_by_hand(&mut self, at: &NodeName, target: &NodeName) -> Result<u64, Unfenced> {
        let Some(cib) = self.cib(at) else { return Err(Unfenced::Refused("Not connected")) };
        let config = cib.configuration.config();
        let client = format!("stonith_admin.{}", 500 + self.id_of(at, at));
        let attempt = self.attempt(at, &config, target, client, 0);
        let takes_ms = attempt.until_ms - attempt.since_ms;
        let mode = self.mode_for(&config, target);
        let (success, reason) = verdict(mode);
        let holder = self.dc_of(at).unwrap_or_else(|| at.clone());
        self.log_fencing(&holder, &attempt, "reboot", if success { "OK (complete)" } else { reason });
        if let Some(cib) = &mut self.node_mut(&holder).pacemaker.cib {
            cib.fencing.push(Fencing { success: Some(success), reason: reason.to_owned(), ..attempt });
        }
        self.settle(&holder, target, success);
        if !success {
            return Err(mode.map_or(Unfenced::NoDevice, |_| Unfenced::Refused(reason)));
        }
        self.carry_out(mode, target);
        Ok(takes_ms)
    }
}

/// The device that can fence a node: the first that knows it.
fn device_for<'a>(config: &'a Config, target: &NodeName) -> Option<&'a Primitive> {
    config.fencers().find(|device| knows(device, target))
}

/// What a device says in the end.
fn verdict(mode: Option<FenceMode>) -> (bool, &'static str) {
    match mode {
        Some(FenceMode::Works | FenceMode::OnlyOff | FenceMode::Lies) => (true, ""),
        Some(FenceMode::Fails) => (false, "Fence agent returned error code 1"),
        Some(FenceMode::Hangs) => (false, "Fence agent did not complete within 60s"),
        None => (false, ""),
    }
}

/// Whether a device can fence a node, by its own parameters.
fn knows(device: &Primitive, target: &NodeName) -> bool {
    let get = |name: &str| device.parameters.get(name).map(String::as_str);
    match (get("pcmk_host_map"), get("pcmk_host_list")) {
        (Some(map), _) => entries(map).any(|(node, _)| node == target.as_str()),
        (None, Some(list)) => list.split([' ', ',', ';']).any(|node| node == target.as_str()),
        _ => true,
    }
}

fn entries(map: &str) -> impl Iterator<Item = (&str, &str)> {
    map.split([';', ' ']).filter_map(|entry| entry.split_once(':').or_else(|| entry.split_once('=')))
}

/// `pcmk_delay_base`: one for all nodes, or one for each.
fn base_delay_ms(device: &Primitive, target: &NodeName) -> u64 {
    let Some(value) = device.parameters.get("pcmk_delay_base") else { return 0 };
    let own = entries(value).find(|(node, _)| *node == target.as_str()).map(|(_, delay)| delay);
    own.or(Some(value.as_str())).and_then(duration_ms).unwrap_or(0)
}
