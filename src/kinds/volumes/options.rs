//! A volume's options: what is written, what is set, and what bricklayer set earlier and must give back.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::timing::{self, FenceTimes, PING_TIMEOUT, TCP_TIMEOUT};
use crate::kinds::{Profile, Spec, Volume};
use crate::model::Difference;
use crate::tools::gluster::OWNED_OPTIONS;
use crate::tools::gluster_options;

/// What bricklayer writes down when it owns no option: glusterd takes no empty value and cannot reset this one alone.
const NOTHING_OWNED: &str = "none";

/// What is to be set and what is to be given back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// To be set, all at once, with the list of what is owned.
    pub(super) set: BTreeMap<String, String>,
    /// To be given back to its default, each with its value now.
    pub(super) reset: BTreeMap<String, String>,
    /// Why.
    pub(super) why: Vec<Difference>,
}

/// The options that are written of the volume: its profile's, then its own over them.
pub(in crate::kinds) fn written(volume: &Volume) -> BTreeMap<String, String> {
    let profile = match volume.profile {
        None => &[],
        Some(Profile::DbWorkload) => gluster_options::DB_WORKLOAD,
        Some(Profile::Virt) => gluster_options::VIRT,
    };
    let own = volume.options.iter().map(|(name, value)| (name.clone(), value.clone()));
    profile.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).chain(own).collect()
}

/// The options that the file asks for: what is written, and a ping-timeout where the volume has to agree with the
/// cluster manager and says none of its own. A client looks whether it has passed as often as it is long, and so gives a
/// silent brick up after once to twice that time; that TCP gives up data which nobody acknowledges makes it once.
///
/// While nobody can tell how long fencing takes (`times`), a ping-timeout that is `set` and above the bound for what is
/// not measured is left as it is: it may have been set for a device that is slower.
pub(super) fn wanted(
    spec: &Spec,
    volume: &Volume,
    times: Option<&FenceTimes>,
    set: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut wanted = written(volume);
    let unmeasured = FenceTimes::new();
    let Some(derived) = timing::derived_ping_timeout(spec, volume, times.unwrap_or(&unmeasured)) else {
        return wanted;
    };
    if !volume.options.contains_key(PING_TIMEOUT) {
        let longer = |now: &&String| gluster_options::seconds(now).is_some_and(|now| now > derived.as_secs_f64());
        let kept = set.get(PING_TIMEOUT).filter(|_| times.is_none()).filter(longer).cloned();
        wanted.insert(PING_TIMEOUT.to_owned(), kept.unwrap_or_else(|| derived.as_secs().to_string()));
    }
    if let Some(ping) = wanted.get(PING_TIMEOUT).and_then(|ping| gluster_options::seconds(ping))
        && !volume.options.contains_key(TCP_TIMEOUT)
    {
        wanted.insert(TCP_TIMEOUT.to_owned(), format!("{:.0}", ping.ceil()));
    }
    wanted
}

/// Compares the options of `volume` that are `wanted` with those that are set.
pub(super) fn changes(volume: &Volume, wanted: &BTreeMap<String, String>, set: &BTreeMap<String, String>) -> Changes {
    let mut changes = Changes::default();
    for (name, value) in wanted {
        match set.get(name) {
            Some(now) if gluster_options::same(name, now, value) => {}
            Some(now) => {
                changes.why.push(Difference::changed(name, now, value));
                changes.set.insert(name.clone(), value.clone());
            }
            None => {
                changes.why.push(Difference::new(name, value));
                changes.set.insert(name.clone(), value.clone());
            }
        }
    }
    let owned: BTreeSet<&str> = match set.get(OWNED_OPTIONS).map(String::as_str) {
        None | Some(NOTHING_OWNED) => BTreeSet::new(),
        Some(list) => list.split(';').collect(),
    };
    // glusterd cannot reset an option of the user's own; it means nothing to it, so it may stay.
    let resettable = |name: &&&str| !name.starts_with("user.");
    for name in owned.iter().filter(|name| !wanted.contains_key(**name)).filter(resettable) {
        let Some(now) = set.get(*name) else { continue };
        match gluster_options::at_creation(name, volume.replica.is_some()) {
            None => _ = changes.reset.insert((*name).to_owned(), now.clone()),
            Some(own) if gluster_options::same(name, now, own) => {}
            Some(own) => {
                changes.why.push(Difference::changed(*name, now, own));
                changes.set.insert((*name).to_owned(), own.to_owned());
            }
        }
    }
    let list = wanted.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let list = if list.is_empty() { NOTHING_OWNED } else { &list };
    let noted = set.get(OWNED_OPTIONS).map_or(NOTHING_OWNED, String::as_str);
    if noted != list {
        if changes.why.is_empty() {
            // Otherwise it only says again which options there are.
            changes.why.push(Difference::changed(OWNED_OPTIONS, noted, list));
        }
        changes.set.insert(OWNED_OPTIONS.to_owned(), list.to_owned());
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_bricklayer_set_is_given_back() {
        let mut volume = Volume::default();
        volume.options.insert("network.ping-timeout".into(), "20".into());
        let set = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let first = changes(&volume, &written(&volume), &set(&[("nfs.disable", "on")]));
        assert_eq!(first.set, set(&[("network.ping-timeout", "20"), (OWNED_OPTIONS, "network.ping-timeout")]));
        volume.options.clear();
        let now =
            set(&[("nfs.disable", "on"), ("network.ping-timeout", "20"), (OWNED_OPTIONS, "network.ping-timeout")]);
        let last = changes(&volume, &written(&volume), &now);
        assert_eq!(last.reset, set(&[("network.ping-timeout", "20")]));
        assert_eq!(last.set, set(&[(OWNED_OPTIONS, NOTHING_OWNED)]));
        assert_eq!(changes(&volume, &written(&volume), &set(&[("nfs.disable", "on")])), Changes::default());
    }

    #[test]
    fn a_ping_timeout_for_a_slow_device_is_kept_while_nobody_can_tell_its_time() {
        let loaded = crate::spec::from_bytes("t", include_bytes!("../../../specs/postgres-ha-tuned.yaml").to_vec());
        let spec = loaded.spec.unwrap();
        let volume = spec.volumes.values().next().unwrap();
        let ping = |times: Option<&FenceTimes>, set: Option<&str>| {
            let set = set.map(|value| (PING_TIMEOUT.to_owned(), value.to_owned())).into_iter().collect();
            wanted(&spec, volume, times, &set).remove(PING_TIMEOUT).unwrap()
        };
        let measured: FenceTimes =
            spec.nodes.keys().map(|node| (node.clone(), std::time::Duration::from_secs(9))).collect();
        assert_eq!(ping(Some(&measured), Some("12")), "17");
        assert_eq!(ping(None, Some("17")), "17", "the cluster is off");
        assert_eq!(ping(None, Some("11")), "12");
        assert_eq!(ping(None, None), "12");
        assert_eq!(ping(Some(&FenceTimes::new()), Some("17")), "12", "it was measured and is quicker");
    }
}
