//! All threat lists together: millions of indicators in sorted tables of fixed width.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::normalize::enrich::indicator::Key;
use crate::normalize::enrich::indicator::Kind;
use crate::normalize::enrich::indicator::bits;
use crate::normalize::enrich::indicator::mask;
use crate::normalize::enrich::table::Table;

/// Indicators kept at most, all lists together: about half a gigabyte.
pub(super) const INDICATORS_MAX: usize = 20_000_000;
/// Descriptions and malware names kept at most, and how long they may be.
const NOTES_MAX: usize = 1_000_000;
const NOTE_CHARS_MAX: usize = 120;
/// A domain's parents that are looked up.
const PARENTS_MAX: usize = 6;

/// What a list says of an indicator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct About {
    /// 0 to 100; `None` when the list does not say.
    pub(super) confidence: Option<u8>,
    /// In seconds since 1970; after it the indicator is none.
    pub(super) expires: Option<i64>,
    pub(super) note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    list: u32,
    note: u32,
    expires: i64,
    kind: Kind,
    confidence: u8,
}

/// A confidence that was not said.
const UNSAID: u8 = u8::MAX;

/// The lists as they are built.
#[derive(Debug, Default)]
pub(super) struct Builder {
    lists: Vec<String>,
    notes: Vec<String>,
    note_places: HashMap<String, u32>,
    entries: Vec<Entry>,
    entry_places: HashMap<Entry, u32>,
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u32)>,
    networks: HashMap<u8, Vec<(u128, u32)>>,
    domains: Vec<(u128, u32)>,
    urls: Vec<(u128, u32)>,
    files: Vec<(u128, u32)>,
    count: usize,
}

impl Builder {
    /// Begins a list; what is added from here on is of it.
    pub(super) fn begin(&mut self, name: &str) {
        self.lists.push(name.chars().take(NOTE_CHARS_MAX).collect());
        if self.notes.is_empty() {
            self.notes.push(String::new());
        }
    }

    pub(super) fn name(&mut self, name: &str) {
        if let Some(last) = self.lists.last_mut() {
            *last = name.chars().take(NOTE_CHARS_MAX).collect();
        }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Adds an indicator; says whether there was room.
    pub(super) fn add(&mut self, key: Key, about: &About) -> bool {
        if self.count >= INDICATORS_MAX {
            return false;
        }
        self.count += 1;
        let entry = Entry {
            list: u32::try_from(self.lists.len().saturating_sub(1)).unwrap_or(u32::MAX),
            note: self.note(&about.note),
            expires: about.expires.unwrap_or(i64::MAX),
            kind: key.kind(),
            confidence: about.confidence.map_or(UNSAID, |confidence| confidence.min(100)),
        };
        let next = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let number = *self.entry_places.entry(entry).or_insert(next);
        if number == next {
            self.entries.push(entry);
        }
        match key {
            Key::V4(key) => self.v4.push((key, number)),
            Key::V6(key) => self.v6.push((key, number)),
            Key::Network(key, length) => self.networks.entry(length).or_default().push((key, number)),
            Key::Domain(key) => self.domains.push((key, number)),
            Key::Url(key) => self.urls.push((key, number)),
            Key::File(key) => self.files.push((key, number)),
        }
        true
    }

    fn note(&mut self, note: &str) -> u32 {
        if note.is_empty() || self.notes.len() >= NOTES_MAX {
            return 0;
        }
        let note: String = note.chars().take(NOTE_CHARS_MAX).collect();
        let next = u32::try_from(self.notes.len()).unwrap_or(0);
        let place = *self.note_places.entry(note.clone()).or_insert(next);
        if place == next {
            self.notes.push(note);
        }
        place
    }

    pub(super) fn finish(self) -> Threats {
        let mut networks: Vec<(u8, Table<u128>)> =
            self.networks.into_iter().map(|(length, entries)| (length, Table::new(entries))).collect();
        // The longest first: it says most.
        networks.sort_by(|(a, _), (b, _)| b.cmp(a));
        Threats {
            lists: self.lists,
            notes: self.notes,
            entries: self.entries,
            v4: Table::new(self.v4),
            v6: Table::new(self.v6),
            networks,
            domains: Table::new(self.domains),
            urls: Table::new(self.urls),
            files: Table::new(self.files),
        }
    }
}

/// One list's word about a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'t> {
    pub list: &'t str,
    pub kind: Kind,
    /// 0 to 100, where the list says.
    pub confidence: Option<u8>,
    /// In seconds since 1970.
    pub expires: Option<i64>,
    pub note: &'t str,
}

/// All lists, immutable; a change of a file makes new ones.
#[derive(Debug, Default)]
pub struct Threats {
    lists: Vec<String>,
    notes: Vec<String>,
    entries: Vec<Entry>,
    v4: Table<u32>,
    v6: Table<u128>,
    networks: Vec<(u8, Table<u128>)>,
    domains: Table<u128>,
    urls: Table<u128>,
    files: Table<u128>,
}

impl Threats {
    /// Says whether there is nothing to look up.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns how many indicators there are, the same of two lists counted twice.
    pub fn count(&self) -> usize {
        let networks: usize = self.networks.iter().map(|(_, table)| table.len()).sum();
        self.v4.len() + self.v6.len() + networks + self.domains.len() + self.urls.len() + self.files.len()
    }

    /// Returns the bytes the tables take.
    pub fn bytes(&self) -> usize {
        let networks: usize = self.networks.iter().map(|(_, table)| table.bytes()).sum();
        let tables = [&self.v6, &self.domains, &self.urls, &self.files].map(Table::bytes).iter().sum::<usize>();
        let notes: usize = self.notes.iter().map(|note| note.len() + size_of::<String>()).sum();
        self.v4.bytes() + tables + networks + notes + self.entries.len() * size_of::<Entry>()
    }

    /// Calls `each` with every list's word about an address, the address itself first, then its networks.
    pub(super) fn of_address<'t>(&'t self, address: IpAddr, each: &mut impl FnMut(Hit<'t>)) {
        let address = address.to_canonical();
        match address {
            IpAddr::V4(v4) => self.hand_out(self.v4.get(v4.to_bits()), each),
            IpAddr::V6(v6) => self.hand_out(self.v6.get(v6.to_bits()), each),
        }
        let bits = bits(address);
        for (length, table) in &self.networks {
            self.hand_out(table.get(bits & mask(*length)), each);
        }
    }

    /// The same for a domain and the domains it lies in.
    pub(super) fn of_domain<'t>(&'t self, domain: &str, each: &mut impl FnMut(Hit<'t>)) {
        if self.domains.len() == 0 {
            return;
        }
        let mut rest = domain.trim_end_matches('.');
        for _ in 0..PARENTS_MAX {
            let Some((_, parent)) = rest.split_once('.') else { return };
            if let Some(key) = super::indicator::domain_key(rest) {
                self.hand_out(self.domains.get(key), each);
            }
            rest = parent;
        }
    }

    /// The same for a URL.
    pub(super) fn of_url<'t>(&'t self, url: &str, each: &mut impl FnMut(Hit<'t>)) {
        if self.urls.len() > 0
            && let Some(key) = super::indicator::url_key(url)
        {
            self.hand_out(self.urls.get(key), each);
        }
    }

    /// The same for a file's hash.
    pub(super) fn of_file<'t>(&'t self, hex: &str, each: &mut impl FnMut(Hit<'t>)) {
        if self.files.len() > 0
            && let Some(key) = super::indicator::file_key(hex)
        {
            self.hand_out(self.files.get(key), each);
        }
    }

    /// Returns every list's word about a value of any kind, as an administrator asks.
    pub fn look_up(&self, value: &str) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        let mut each = |hit| hits.push(hit);
        if let Ok(address) = value.parse::<IpAddr>() {
            self.of_address(address, &mut each);
        } else if value.contains('/') {
            self.of_url(value, &mut each);
            let host = value.split_once("://").map_or(value, |(_, rest)| rest);
            let host = host.split(['/', ':']).next().unwrap_or_default();
            match host.parse::<IpAddr>() {
                Ok(address) => self.of_address(address, &mut each),
                Err(_) => self.of_domain(host, &mut each),
            }
        } else {
            self.of_file(value, &mut each);
            self.of_domain(value, &mut each);
        }
        hits
    }

    fn hand_out<'t>(&'t self, numbers: &[u32], each: &mut impl FnMut(Hit<'t>)) {
        for number in numbers {
            let Some(entry) = self.entries.get(*number as usize) else { continue };
            each(Hit {
                list: self.lists.get(entry.list as usize).map_or("", String::as_str),
                kind: entry.kind,
                confidence: Some(entry.confidence).filter(|confidence| *confidence != UNSAID),
                expires: Some(entry.expires).filter(|expires| *expires != i64::MAX),
                note: self.notes.get(entry.note as usize).map_or("", String::as_str),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::enrich::indicator::read;

    fn threats(values: &[&str]) -> Threats {
        let mut builder = Builder::default();
        builder.begin("test");
        for value in values {
            assert!(builder.add(read(value).expect("an indicator"), &About::default()), "{value}");
        }
        builder.finish()
    }

    #[test]
    fn what_is_listed_is_found_in_every_form_and_nothing_else_is() {
        let threats = threats(&[
            "203.0.113.7",
            "198.51.100.0/24",
            "2001:db8:bad::/48",
            "evil.example",
            "http://bad.example/gate.php",
            "D41D8CD98F00B204E9800998ECF8427E",
        ]);
        for (value, is_listed) in [
            ("203.0.113.7", true),
            ("::ffff:203.0.113.7", true),
            ("203.0.113.8", false),
            ("198.51.100.255", true),
            ("198.51.101.0", false),
            ("2001:db8:bad:1::5", true),
            ("2001:db8:bae::5", false),
            ("evil.example", true),
            ("a.b.EVIL.example", true),
            ("notevil.example", false),
            ("example", false),
            ("https://bad.example/gate.php", true),
            ("https://bad.example/other.php", false),
            ("https://sub.evil.example/x", true),
            ("https://198.51.100.9:8080/x", true),
            ("d41d8cd98f00b204e9800998ecf8427e", true),
            ("d41d8cd98f00b204e9800998ecf8427f", false),
            ("", false),
        ] {
            assert_eq!(!threats.look_up(value).is_empty(), is_listed, "{value}");
        }
        assert_eq!(threats.count(), 6);
    }

    #[test]
    fn a_value_of_two_lists_is_told_twice() {
        let mut builder = Builder::default();
        for (list, confidence) in [("one", Some(90)), ("two", None)] {
            builder.begin(list);
            let about = About { confidence, expires: confidence.map(|_| 99), note: "a botnet".to_owned() };
            builder.add(read("203.0.113.7").expect("an address"), &about);
            builder.add(read("203.0.113.7").expect("an address"), &about);
        }
        let threats = builder.finish();
        let hits = threats.look_up("203.0.113.7");
        let seen: Vec<_> = hits.iter().map(|hit| (hit.list, hit.confidence, hit.expires, hit.note)).collect();
        assert_eq!(seen, [("one", Some(90), Some(99), "a botnet"), ("two", None, None, "a botnet")]);
    }
}
