//! Where public addresses are, by the operator's own databases in the MaxMind format: country, city, network operator.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::MaxMindDbError;
use maxminddb::Reader;
use maxminddb::geoip2;

use crate::model::Field;
use crate::model::ecs;
use crate::normalize::address::Scope;
use crate::normalize::address::scope;
use crate::normalize::view::View;

/// The fields of one end of a connection.
struct End {
    ip: Field,
    country: Field,
    country_name: Field,
    city: Field,
    number: Field,
    organization: Field,
}

const ENDS: [End; 2] = [
    End {
        ip: ecs::SOURCE_IP,
        country: ecs::SOURCE_GEO_COUNTRY_ISO_CODE,
        country_name: ecs::SOURCE_GEO_COUNTRY_NAME,
        city: ecs::SOURCE_GEO_CITY_NAME,
        number: ecs::SOURCE_AS_NUMBER,
        organization: ecs::SOURCE_AS_ORGANIZATION_NAME,
    },
    End {
        ip: ecs::DESTINATION_IP,
        country: ecs::DESTINATION_GEO_COUNTRY_ISO_CODE,
        country_name: ecs::DESTINATION_GEO_COUNTRY_NAME,
        city: ecs::DESTINATION_GEO_CITY_NAME,
        number: ecs::DESTINATION_AS_NUMBER,
        organization: ecs::DESTINATION_AS_ORGANIZATION_NAME,
    },
];

/// The databases; each may be missing.
#[derive(Debug, Default)]
pub struct Geo {
    places: Option<Reader<Vec<u8>>>,
    operators: Option<Reader<Vec<u8>>>,
}

/// What is known of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Whereabouts<'g> {
    pub country: Option<&'g str>,
    pub country_name: Option<&'g str>,
    pub city: Option<&'g str>,
    pub number: Option<u32>,
    pub organization: Option<&'g str>,
}

impl Geo {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_none() && self.operators.is_none()
    }

    /// Opens a database of countries or cities.
    ///
    /// # Errors
    /// When the file is no such database.
    pub fn open_places(&mut self, path: &Path) -> Result<(), MaxMindDbError> {
        self.places = Some(Reader::open_readfile(path)?);
        Ok(())
    }

    /// Opens a database of autonomous systems.
    ///
    /// # Errors
    /// When the file is no such database.
    pub fn open_operators(&mut self, path: &Path) -> Result<(), MaxMindDbError> {
        self.operators = Some(Reader::open_readfile(path)?);
        Ok(())
    }

    /// Returns what is known of an address; a record that cannot be read is nothing known.
    pub fn of(&self, address: IpAddr) -> Whereabouts<'_> {
        let mut found = Whereabouts::default();
        let place =
            self.places.as_ref().and_then(|reader| reader.lookup(address).ok()?.decode::<geoip2::City<'_>>().ok()?);
        if let Some(place) = place {
            found.country = place.country.iso_code;
            found.country_name = place.country.names.english;
            found.city = place.city.names.english;
        }
        let operator =
            self.operators.as_ref().and_then(|reader| reader.lookup(address).ok()?.decode::<geoip2::Asn<'_>>().ok()?);
        if let Some(operator) = operator {
            found.number = operator.autonomous_system_number;
            found.organization = operator.autonomous_system_organization;
        }
        found
    }
}

/// Adds where the public ends of a connection are; what a device said itself stays.
pub(super) fn apply<'a>(view: &mut View<'_, 'a>, geo: &'a Geo) {
    for end in &ENDS {
        let Some(address) = view.ip(end.ip).filter(|address| scope(*address) == Scope::Public) else { continue };
        let found = geo.of(address);
        let texts = [
            (end.country, found.country),
            (end.country_name, found.country_name),
            (end.city, found.city),
            (end.organization, found.organization),
        ];
        for (field, text) in texts {
            if let Some(text) = text {
                view.event.set_default(field, text);
            }
        }
        if let Some(number) = found.number {
            view.event.set_default(end.number, i64::from(number));
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::Event;
    use crate::model::Timestamp;

    /// Writes one value of the format: text, number or map.
    enum Data {
        Text(&'static str),
        Short(u16),
        Number(u32),
        Long(u64),
        /// A list of nothing.
        Nothing,
        Map(Vec<(&'static str, Data)>),
    }

    fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
        let (short, more) = if size < 29 { (size as u8, None) } else { (29, Some((size - 29) as u8)) };
        if kind < 8 {
            out.push((kind << 5) | short);
        } else {
            out.extend([short, kind - 7]);
        }
        out.extend(more);
    }

    fn put(out: &mut Vec<u8>, data: &Data) {
        match data {
            Data::Text(text) => {
                head(out, 2, text.len());
                out.extend(text.as_bytes());
            }
            Data::Nothing => head(out, 11, 0),
            Data::Short(number) => {
                head(out, 5, 2);
                out.extend(number.to_be_bytes());
            }
            Data::Long(number) => {
                head(out, 9, 8);
                out.extend(number.to_be_bytes());
            }
            Data::Number(number) => {
                head(out, 6, 4);
                out.extend(number.to_be_bytes());
            }
            Data::Map(entries) => {
                head(out, 7, entries.len());
                for (key, value) in entries {
                    put(out, &Data::Text(key));
                    put(out, value);
                }
            }
        }
    }

    /// Writes a database of one IPv4 network: a chain of nodes, 24 bits a record.
    fn database(kind: &'static str, network: [u8; 4], length: u32, data: &Data) -> Vec<u8> {
        let bits = u32::from_be_bytes(network);
        let mut out = Vec::new();
        for depth in 0..length {
            let next = if depth + 1 == length { length + 16 } else { depth + 1 };
            let is_right = bits >> (31 - depth) & 1 == 1;
            for record in if is_right { [length, next] } else { [next, length] } {
                out.extend(&record.to_be_bytes()[1..]);
            }
        }
        out.extend([0; 16]);
        put(&mut out, data);
        out.extend(b"\xab\xcd\xefMaxMind.com");
        put(
            &mut out,
            &Data::Map(vec![
                ("binary_format_major_version", Data::Short(2)),
                ("binary_format_minor_version", Data::Short(0)),
                ("build_epoch", Data::Long(1)),
                ("database_type", Data::Text(kind)),
                ("description", Data::Map(vec![("en", Data::Text("made by a test"))])),
                ("ip_version", Data::Short(4)),
                ("languages", Data::Nothing),
                ("node_count", Data::Number(length)),
                ("record_size", Data::Short(24)),
            ]),
        );
        out
    }

    pub(in crate::normalize::enrich) fn geo() -> Geo {
        let folder = tempfile::tempdir().expect("a folder");
        let place = Data::Map(vec![
            ("city", Data::Map(vec![("names", Data::Map(vec![("en", Data::Text("Hanoi"))]))])),
            (
                "country",
                Data::Map(vec![
                    ("iso_code", Data::Text("VN")),
                    ("names", Data::Map(vec![("en", Data::Text("Vietnam"))])),
                ]),
            ),
        ]);
        let operator = Data::Map(vec![
            ("autonomous_system_number", Data::Number(64_500)),
            ("autonomous_system_organization", Data::Text("Example Net")),
        ]);
        let mut geo = Geo::default();
        for (name, data, kind) in [("city", place, "GeoLite2-City"), ("asn", operator, "GeoLite2-ASN")] {
            let path = folder.path().join(name);
            std::fs::write(&path, database(kind, [203, 0, 113, 0], 24, &data)).expect("written");
            if name == "city" { geo.open_places(&path) } else { geo.open_operators(&path) }.expect("readable");
        }
        geo
    }

    #[test]
    fn public_ends_get_their_place_and_others_none() {
        let geo = geo();
        let mut event = Event::new("x", Timestamp(0));
        event.set(ecs::SOURCE_IP, "203.0.113.7".parse::<IpAddr>().expect("an address"));
        event.set(ecs::DESTINATION_IP, "10.0.0.1".parse::<IpAddr>().expect("an address"));
        event.set(ecs::SOURCE_GEO_CITY_NAME, "as the device says");
        apply(&mut View::new(&mut event), &geo);
        let text = |field| event.get(field).map(|value| value.to_text().into_owned());
        assert_eq!(text(ecs::SOURCE_GEO_COUNTRY_ISO_CODE).as_deref(), Some("VN"));
        assert_eq!(text(ecs::SOURCE_GEO_CITY_NAME).as_deref(), Some("as the device says"));
        assert_eq!(text(ecs::SOURCE_AS_NUMBER).as_deref(), Some("64500"));
        assert_eq!(text(ecs::DESTINATION_GEO_COUNTRY_ISO_CODE), None);
        assert_eq!(geo.of("198.51.100.1".parse().expect("an address")), Whereabouts::default());
    }

    #[test]
    fn what_is_no_database_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.mmdb");
        std::fs::write(&path, "no database").expect("written");
        assert!(Geo::default().open_places(&path).is_err());
    }
}
