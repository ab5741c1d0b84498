//! A network in CIDR notation, version 4 or 6.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A network: the address bits past the prefix are zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cidr {
    network: IpAddr,
    prefix_bits: u8,
}

impl Cidr {
    /// Says whether the address lies in the network. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.prefix_bits) == Some(self.network)
    }

    /// Returns the network's first address.
    pub fn network(&self) -> IpAddr {
        self.network
    }

    /// Returns how many leading bits must agree.
    pub fn prefix_bits(&self) -> u8 {
        self.prefix_bits
    }
}

/// Clears the bits of an address past a prefix; `None` when the address is shorter than the prefix.
pub(in crate::detect) fn masked(address: IpAddr, prefix_bits: u8) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            let host_bits = 32_u32.checked_sub(u32::from(prefix_bits))?;
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Some(IpAddr::V4((v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let host_bits = 128_u32.checked_sub(u32::from(prefix_bits))?;
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Some(IpAddr::V6((v6.to_bits() & mask).into()))
        }
    }
}

/// Not a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotCidr;

impl FromStr for Cidr {
    type Err = NotCidr;

    /// Reads `10.0.0.0/8`, `fe80::/10`, or a single address. Host bits must be zero, as they hide a slip otherwise.
    fn from_str(text: &str) -> Result<Cidr, NotCidr> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| NotCidr)?)),
            None => (text, None),
        };
        let network: IpAddr = address.trim().parse().map_err(|_| NotCidr)?;
        let prefix_bits = bits.unwrap_or(if network.is_ipv4() { 32 } else { 128 });
        match masked(network, prefix_bits) {
            Some(cleared) if cleared == network => Ok(Cidr { network, prefix_bits }),
            _ => Err(NotCidr),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_their_addresses() {
        for (network, must, must_not) in [
            ("10.0.0.0/8", "10.255.1.2", "11.0.0.1"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.8"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("fe80::/10", "fe80::1", "fec0::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "10.0.0.1"),
            ("::/0", "2001:db8::1", "10.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:11.1.2.3"),
        ] {
            let network: Cidr = network.parse().expect("well-formed");
            assert!(network.contains(must.parse().expect("an address")), "{network} {must}");
            assert!(!network.contains(must_not.parse().expect("an address")), "{network} {must_not}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "fe80::/129", "x/8", "10.0.0.0/"] {
            assert_eq!(text.parse::<Cidr>(), Err(NotCidr), "{text}");
        }
    }
}
