//! Addresses: `address` beside `ip` and `domain`, the type and direction of a connection.

use std::net::IpAddr;

use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::normalize::typing;
use crate::normalize::view::View;

/// The ends of a connection: address, ip, domain.
const ENDS: [(Field, Field, Field); 4] = [
    (ecs::SOURCE_ADDRESS, ecs::SOURCE_IP, ecs::SOURCE_DOMAIN),
    (ecs::DESTINATION_ADDRESS, ecs::DESTINATION_IP, ecs::DESTINATION_DOMAIN),
    (ecs::CLIENT_ADDRESS, ecs::CLIENT_IP, ecs::CLIENT_DOMAIN),
    (ecs::SERVER_ADDRESS, ecs::SERVER_IP, ecs::SERVER_DOMAIN),
];

/// Where an address belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The machine itself.
    Loopback,
    /// RFC 1918, RFC 6598, link-local, unique local: inside.
    Private,
    /// Multicast and broadcast.
    Group,
    /// Everything else: outside.
    Public,
}

/// Returns where an address belongs.
pub fn scope(address: IpAddr) -> Scope {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            match v4 {
                _ if v4.is_loopback() => Scope::Loopback,
                _ if v4.is_multicast() || v4.is_broadcast() => Scope::Group,
                _ if v4.is_private() || v4.is_link_local() || v4.is_unspecified() || is_shared => Scope::Private,
                _ => Scope::Public,
            }
        }
        IpAddr::V6(v6) => match v6 {
            _ if v6.is_loopback() => Scope::Loopback,
            _ if v6.is_multicast() => Scope::Group,
            _ if v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified() => Scope::Private,
            _ => Scope::Public,
        },
    }
}

/// Fills in what follows from addresses.
pub(super) fn apply(view: &mut View<'_, '_>) {
    for (address, ip, domain) in ENDS {
        end(view, address, ip, domain);
    }
    let source = view.ip(ecs::SOURCE_IP).or_else(|| view.ip(ecs::CLIENT_IP));
    let destination = view.ip(ecs::DESTINATION_IP).or_else(|| view.ip(ecs::SERVER_IP));
    let Some(either) = source.or(destination) else { return };
    // Only a connection has a network type; a login from an address is none.
    if view.has(ecs::NETWORK_TRANSPORT) || (source.is_some() && destination.is_some()) {
        view.fill(ecs::NETWORK_TYPE, Value::from(if either.is_ipv4() { "ipv4" } else { "ipv6" }));
    }
    if let (Some(source), Some(destination), false) = (source, destination, view.has(ecs::NETWORK_DIRECTION)) {
        let is_inside = |address| scope(address) != Scope::Public;
        let direction = match (is_inside(source), is_inside(destination)) {
            (true, true) => "internal",
            (true, false) => "outbound",
            (false, true) => "inbound",
            (false, false) => "external",
        };
        view.set(ecs::NETWORK_DIRECTION, Value::from(direction));
    }
}

/// Fills in `address` from `ip` or `domain`, or one of these from `address`.
fn end(view: &mut View<'_, '_>, address: Field, ip: Field, domain: Field) {
    if let Some(known) = view.ip(ip) {
        view.fill(address, Value::Ip(known));
        return;
    }
    let Some(text) = view.text(address) else {
        if let Some(name) = view.text(domain).cloned() {
            view.fill(address, Value::Text(name));
        }
        return;
    };
    // The first of a list of forwarded addresses is the client, as far as the client is to be believed.
    let first = text.split(',').next().unwrap_or_default().trim();
    if let Some(known) = typing::plain_address(first) {
        view.set(ip, Value::Ip(known));
    } else if is_domain(text) {
        let name = text.clone();
        view.fill(domain, Value::Text(name));
    }
}

fn is_domain(text: &str) -> bool {
    text.len() <= 253
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}
