//! The three hosts of an event: the one the line claims, the peer we observed, the identity the peer proved.

use std::net::IpAddr;

use crate::model::Origin;
use crate::model::Value;
use crate::model::ecs;
use crate::normalize::typing;
use crate::normalize::view::View;

/// Fills in `host.*` from the claim and `longan.peer.*` from the origin, and marks where they contradict each other.
pub(super) fn apply<'a>(view: &mut View<'_, 'a>, origin: Option<&'a Origin>) {
    claimed(view);
    let Some(origin) = origin else { return };
    if !origin.input.is_empty() {
        view.event.push(ecs::LONGAN_INPUT, origin.input.as_str());
    }
    if let Some(peer) = origin.peer {
        view.event.push(ecs::LONGAN_PEER_IP, peer.ip().to_canonical());
        view.event.push(ecs::LONGAN_PEER_PORT, i64::from(peer.port()));
    }
    if let Some(identity) = &origin.identity {
        view.event.push(ecs::LONGAN_PEER_IDENTITY, identity.as_str());
    }
    if contradicts(view, origin) {
        view.event.push(ecs::LONGAN_HOST_MISMATCH, Value::Bool(true));
    }
}

/// The host a line claims to come from stands under both names of ECS, and under `host.ip` when it is an address.
fn claimed(view: &mut View<'_, '_>) {
    match (view.text(ecs::HOST_HOSTNAME).cloned(), view.text(ecs::HOST_NAME).cloned()) {
        (Some(hostname), None) => view.fill(ecs::HOST_NAME, Value::Text(hostname)),
        (None, Some(name)) => view.fill(ecs::HOST_HOSTNAME, Value::Text(name)),
        _ => {}
    }
    if !view.has(ecs::HOST_IP)
        && let Some(address) = view.text(ecs::HOST_NAME).and_then(|name| typing::plain_address(name))
    {
        view.set(ecs::HOST_IP, Value::Ip(address));
    }
}

/// An authenticated name that is another than the claimed one, or a claimed address that is not the peer's.
///
/// A relay that passes on others' lines contradicts them too: the mark says "look", not "forged".
fn contradicts(view: &View<'_, '_>, origin: &Origin) -> bool {
    let Some(claimed) = view.text(ecs::HOST_NAME) else { return false };
    if let Some(identity) = &origin.identity {
        return !same_host(common_name(identity), claimed);
    }
    let claimed_address: Option<IpAddr> = typing::plain_address(claimed);
    match (claimed_address, origin.peer) {
        (Some(address), Some(peer)) => peer.ip().to_canonical() != address,
        _ => false,
    }
}

/// Takes the common name from a certificate's subject; other identities are names themselves.
fn common_name(identity: &str) -> &str {
    let common_name = identity.split(',').map(str::trim).find_map(|part| part.strip_prefix("CN="));
    common_name.unwrap_or(identity)
}

/// Compares names without regard to case; a name without a domain is the same as with one.
fn same_host(one: &str, other: &str) -> bool {
    if one.eq_ignore_ascii_case(other) {
        return true;
    }
    let either_is_short = !one.contains('.') || !other.contains('.');
    either_is_short && label(one).eq_ignore_ascii_case(label(other))
}

fn label(name: &str) -> &str {
    name.split_once('.').map_or(name, |(label, _)| label)
}
