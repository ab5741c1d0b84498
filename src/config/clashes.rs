//! Listeners that want the same port: only the first of them could have it.

use std::net::IpAddr;
use std::net::SocketAddr;

use crate::config::Settings;
use crate::config::check::Checker;
use crate::diag::Located;

/// What keeps ports apart: each of the two has its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

impl Checker<'_> {
    /// Refuses each listener that wants what an earlier one has.
    pub(super) fn clashes(&mut self, settings: &Settings) {
        let wanted = listeners(settings);
        for (index, (key, transport, address)) in wanted.iter().enumerate() {
            let taken = wanted[..index].iter().find(|(_, one, other)| one == transport && is_taken(*other, *address));
            let Some((other, ..)) = taken else { continue };
            let problem = format!("`{key}`: port {} is the one of `{other}` ({})", address.port(), self.origin(other));
            let located = Located::unplaced(&self.origin(key), problem);
            self.problems.push(located.with_hint("give one of the two another port, or `off`"));
        }
    }

    fn origin(&self, key: &str) -> String {
        let setting = self.explained.iter().find(|setting| setting.key == key);
        setting.map_or_else(|| "configuration".to_owned(), |setting| setting.origin.clone())
    }
}

fn listeners(settings: &Settings) -> Vec<(&'static str, Transport, SocketAddr)> {
    let streams = [
        ("input.syslog_udp.address", Transport::Udp, &settings.syslog_udp),
        ("input.gelf_udp.address", Transport::Udp, &settings.gelf_udp),
        ("input.syslog_tcp.address", Transport::Tcp, &settings.syslog_tcp),
        ("input.syslog_tls.address", Transport::Tcp, &settings.syslog_tls),
        ("input.relp.address", Transport::Tcp, &settings.relp),
        ("input.relp_tls.address", Transport::Tcp, &settings.relp_tls),
        ("input.beats.address", Transport::Tcp, &settings.beats),
        ("input.beats_tls.address", Transport::Tcp, &settings.beats_tls),
        ("input.gelf_tcp.address", Transport::Tcp, &settings.gelf_tcp),
    ];
    let mut wanted: Vec<_> = streams
        .into_iter()
        .filter_map(|(key, transport, input)| Some((key, transport, input.as_ref()?.address)))
        .collect();
    wanted.extend(settings.http.iter().map(|http| ("input.http.address", Transport::Tcp, http.address)));
    wanted.extend(settings.api.remote.iter().map(|(address, ..)| ("api.address", Transport::Tcp, *address)));
    wanted
}

/// Says whether two listeners cannot both be had. `[::]` takes IPv4 as well; port 0 is a free one each time.
fn is_taken(one: SocketAddr, other: SocketAddr) -> bool {
    let is_over = |wide: IpAddr, narrow: IpAddr| match wide {
        IpAddr::V4(address) => address.is_unspecified() && narrow.is_ipv4(),
        IpAddr::V6(address) => address.is_unspecified(),
    };
    let overlap = one.ip() == other.ip() || is_over(one.ip(), other.ip()) || is_over(other.ip(), one.ip());
    one.port() != 0 && one.port() == other.port() && overlap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_overlap_when_one_takes_all_of_a_port() {
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        for (one, other, taken) in [
            ("127.0.0.1:514", "127.0.0.1:514", true),
            ("127.0.0.1:514", "127.0.0.2:514", false),
            ("0.0.0.0:514", "127.0.0.2:514", true),
            ("[::]:514", "10.0.0.1:514", true),
            ("0.0.0.0:514", "[::1]:514", false),
            ("127.0.0.1:0", "127.0.0.1:0", false),
            ("127.0.0.1:514", "127.0.0.1:515", false),
        ] {
            assert_eq!(is_taken(at(one), at(other)), taken, "{one} {other}");
            assert_eq!(is_taken(at(other), at(one)), taken, "{other} {one}");
        }
    }
}
