//! Secrets of fence devices: each lies in a file of its own on every node, because any node may have to fence.

use super::manager::secret_path;
use super::{Assessment, Cx, Kind, Spec};
use crate::model::{
    Cause, Difference, Failure, Findings, Item, Milestone, NodeName, Place, SecretError, SecretRef, Seen, Subject, Why,
};
use crate::tools::secrets::{self, Placed};

/// The secrets, as a kind.
pub(super) struct Secrets;

impl Kind for Secrets {
    fn check(&self, _: &Spec, _: &mut Findings) {}

    fn assess(&self, cx: &Cx<'_>, found: &mut Assessment) {
        for (path, secret) in all(cx.spec) {
            for node in cx.spec.nodes.keys() {
                look(cx, node, &path, secret, found);
            }
        }
    }
}

/// Every secret, with the path of its file.
fn all(spec: &Spec) -> impl Iterator<Item = (String, &SecretRef)> {
    let of_device = |(name, device)| {
        let device: &super::FenceDevice = device;
        device.secrets.iter().map(move |(option, secret)| (secret_path(name, option), secret))
    };
    spec.fence_devices.iter().flat_map(of_device)
}

fn subject(path: &str, node: &NodeName) -> Subject {
    Subject::on("secret", path, node)
}

/// The milestones that every secret is where agents look for it, on each node that answers: one that is silent gets
/// its own when it is back, and must not keep the others from being changed.
pub(super) fn placed(cx: &Cx<'_>) -> Vec<Milestone> {
    let answering: Vec<&NodeName> = cx.spec.nodes.keys().filter(|node| cx.answers(node)).collect();
    all(cx.spec).flat_map(|(path, _)| answering.iter().map(move |node| subject(&path, node).is("placed"))).collect()
}

fn look(cx: &Cx<'_>, node: &NodeName, path: &str, secret: &SecretRef, found: &mut Assessment) {
    let subject = subject(path, node);
    let placed = subject.is("placed");
    let summary = format!("place the secret {path} on {node}");
    let why = match cx.see(node, &secrets::check(path, secret)) {
        Seen::Is(seen) if *seen == Placed::Same => return found.met(placed),
        Seen::Is(seen) if *seen == Placed::Absent => Difference::new(path, "placed"),
        Seen::Is(_) => Difference::changed(path, "differs", "as the secret says"),
        Seen::NotYet(_) | Seen::Unknown(Why::NotAsked) => return,
        Seen::Unknown(Why::NoAnswer(_, Failure::Secret(error))) => {
            return found.item(missing(&subject, &summary, &error).gives(placed));
        }
        Seen::Unknown(why) => return found.unknown(placed, &why),
    };
    let item = Item::run(&subject, "place", summary, Place::On(node.clone()), secrets::write(path, secret));
    found.item(item.because(why).gives(placed));
}

/// A secret that bricklayer itself cannot have.
fn missing(subject: &Subject, summary: &str, error: &SecretError) -> Item {
    let said = error.to_string();
    let (because, hint) = said.split_once("; ").unwrap_or((&said, ""));
    Item::held(subject, "place", summary, Cause::Refused, because, hint)
}
