//! What the operator knows of the machines: an address, a network or a name, and the unit, system, criticality and owner.
//!
//! The longest network that holds an address wins; a name wins over every network.

mod file;

pub use file::AssetError;
pub use file::load;
pub use file::read_csv;
pub use file::read_toml;

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::model::Value;
use crate::model::ecs;
use crate::normalize::enrich::Units;
use crate::normalize::view::View;

/// One asset: empty text is no information.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asset {
    pub unit: String,
    pub system: String,
    pub criticality: String,
    pub owner: String,
}

/// A network, by its first address as 128 bits and its length; IPv4 stands in `::ffff:0:0/96`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    bits: u128,
    length: u8,
}

impl Network {
    /// Reads `10.0.0.0/8`, `2001:db8::/32` or a single address; bits beyond the length are cleared.
    pub fn from_text(text: &str) -> Option<Network> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let length: u8 = length.map_or(Some(longest), |length| length.parse().ok())?;
        if length > longest {
            return None;
        }
        let length = if address.is_ipv4() { length + 96 } else { length };
        Some(Network { bits: bits(address) & mask(length), length })
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(u32::from(128 - length.min(128))).unwrap_or(0)
}

/// All assets, immutable; a change of the file makes a new one.
#[derive(Debug, Default)]
pub struct Assets {
    assets: Vec<Asset>,
    names: HashMap<String, usize>,
    networks: HashMap<Network, usize>,
    /// The lengths that occur, longest first.
    lengths: Vec<u8>,
}

impl Assets {
    /// Adds an asset under an address, a network or a name; the first of a kind stays.
    pub(super) fn add(&mut self, key: &str, asset: Asset) -> bool {
        let place = self.assets.len();
        let is_new = match Network::from_text(key) {
            Some(network) => {
                if !self.lengths.contains(&network.length) {
                    self.lengths.push(network.length);
                    self.lengths.sort_unstable_by(|a, b| b.cmp(a));
                }
                self.networks.try_insert(network, place).is_ok()
            }
            None => self.names.try_insert(key.to_lowercase(), place).is_ok(),
        };
        if is_new {
            self.assets.push(asset);
        }
        is_new
    }

    /// Returns how many assets there are.
    pub fn count(&self) -> usize {
        self.assets.len()
    }

    /// Finds the asset whose network is the longest that holds the address.
    pub fn by_address(&self, address: IpAddr) -> Option<&Asset> {
        let bits = bits(address.to_canonical());
        let place = self
            .lengths
            .iter()
            .find_map(|length| self.networks.get(&Network { bits: bits & mask(*length), length: *length }))?;
        self.assets.get(*place)
    }

    /// Finds an asset by name, without regard to case; `web01.example.vn` is also `web01`.
    pub fn by_name(&self, name: &str) -> Option<&Asset> {
        if self.names.is_empty() {
            return None;
        }
        let lower = name.to_lowercase();
        let place = self.names.get(lower.as_str()).or_else(|| self.names.get(lower.split('.').next()?))?;
        self.assets.get(*place)
    }
}

/// Adds what is known of the machine the event is about: the claimed host, else the address acted upon, else the actor's.
pub(super) fn apply<'a>(view: &mut View<'_, 'a>, assets: &'a Assets, units: &'a Units) {
    if assets.assets.is_empty() {
        return;
    }
    let by_name = view.text(ecs::HOST_NAME).and_then(|name| assets.by_name(name));
    let found = by_name.or_else(|| {
        let fields = [ecs::HOST_IP, ecs::DESTINATION_IP, ecs::SERVER_IP, ecs::SOURCE_IP, ecs::CLIENT_IP];
        fields.into_iter().find_map(|field| assets.by_address(view.ip(field)?))
    });
    let Some(asset) = found else { return };
    // The unit of the day of the event: units are merged and renamed.
    let unit = units.at(&asset.unit, view.event.timestamp);
    if let Some(unit) = unit {
        view.event.push(ecs::LONGAN_ASSET_UNIT_CODE, unit.code.as_str());
        if let Some(parent) = units.parent_of(unit) {
            view.event.push(ecs::LONGAN_ASSET_UNIT_PARENT, parent);
        }
    }
    for (field, text) in [
        (ecs::LONGAN_ASSET_UNIT, unit.map_or(&asset.unit, |unit| &unit.name)),
        (ecs::LONGAN_ASSET_SYSTEM, &asset.system),
        (ecs::LONGAN_ASSET_CRITICALITY, &asset.criticality),
        (ecs::LONGAN_ASSET_OWNER, &asset.owner),
    ] {
        if !text.is_empty() {
            view.event.push(field, Value::from(text.as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(unit: &str) -> Asset {
        Asset { unit: unit.to_owned(), ..Asset::default() }
    }

    #[test]
    fn the_longest_network_wins() {
        let mut assets = Assets::default();
        for (key, unit) in
            [("10.0.0.0/8", "a"), ("10.1.0.0/16", "b"), ("10.1.2.3", "c"), ("2001:db8::/32", "d"), ("Web01", "e")]
        {
            assert!(assets.add(key, asset(unit)));
        }
        assert!(!assets.add("10.9.9.9/8", asset("again")));
        let unit =
            |address: &str| assets.by_address(address.parse().expect("an address")).map(|asset| asset.unit.as_str());
        assert_eq!(unit("10.9.9.9"), Some("a"));
        assert_eq!(unit("10.1.9.9"), Some("b"));
        assert_eq!(unit("::ffff:10.1.2.3"), Some("c"));
        assert_eq!(unit("2001:db8::9"), Some("d"));
        assert_eq!(unit("192.0.2.1"), None);
        assert_eq!(assets.by_name("WEB01.example.vn").map(|asset| asset.unit.as_str()), Some("e"));
        assert_eq!(assets.by_name("web02"), None);
    }

    #[test]
    fn networks_are_read_or_refused() {
        assert_eq!(Network::from_text("10.1.2.3/8"), Network::from_text("10.0.0.0/8"));
        assert_eq!(Network::from_text("0.0.0.0/0").map(|network| network.length), Some(96));
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "x/8", "10.0.0.0/-1"] {
            assert_eq!(Network::from_text(text), None, "{text}");
        }
    }
}
