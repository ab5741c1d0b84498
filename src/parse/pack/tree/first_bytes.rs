//! What a capture can begin with, so that most that cannot fit are not tried.

use crate::parse::pack::pattern::Scan;
use crate::parse::timestamp::TimeFormat;
use crate::parse::timestamp::may_begin_time;

/// A set of bytes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FirstBytes([u64; 4]);

impl FirstBytes {
    /// Collects the bytes a capture may begin with; too many do no harm.
    pub(super) fn of_scan(scan: &Scan, time: Option<&TimeFormat>) -> FirstBytes {
        let begins = |byte: u8| match scan {
            Scan::OneOf(words) => words.iter().any(|word| word.is_empty() || word.as_bytes().first() == Some(&byte)),
            Scan::Level => byte.is_ascii_alphabetic(),
            Scan::Ip => byte.is_ascii_hexdigit() || byte == b':',
            Scan::Mac | Scan::Uuid | Scan::Hex => byte.is_ascii_hexdigit(),
            Scan::Time(_) => time.map_or_else(|| may_begin_time(byte), |format| format.may_begin_with(byte)),
            Scan::Int | Scan::Float => byte.is_ascii_digit() || matches!(byte, b'-' | b'+'),
            Scan::Ident => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$' | b'<' | b'>'),
            Scan::Quoted => matches!(byte, b'"' | b'\''),
            Scan::Space => matches!(byte, b' ' | b'\t'),
            Scan::Path => byte.is_ascii_alphabetic() || matches!(byte, b'/' | b'\\'),
            Scan::Host => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':') || byte >= 0x80,
            Scan::Like(form) => match form.as_bytes().first() {
                None | Some(b'*') => true,
                Some(first) => first.eq_ignore_ascii_case(&byte),
            },
            Scan::Word | Scan::Text => true,
        };
        let mut firsts = FirstBytes::default();
        (0..=u8::MAX).filter(|byte| begins(*byte)).for_each(|byte| firsts.insert(byte));
        firsts
    }

    fn insert(&mut self, byte: u8) {
        if let Some(bits) = self.0.get_mut(usize::from(byte / 64)) {
            *bits |= 1 << (byte % 64);
        }
    }

    pub(super) fn contains(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|bits| bits & (1 << (byte % 64)) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::parse::pack::pattern::Convert;
    use crate::parse::pack::pattern::Kind;
    use crate::parse::pack::tree::scan;
    use crate::parse::timestamp;
    use crate::parse::timestamp::Context;

    #[test]
    fn nothing_that_fits_is_left_out() {
        let clock = Context { received: Timestamp(1_773_480_413_000_000_000), zone_offset_seconds: 0 };
        let formats = ["any", "iso", "iso_utc", "syslog", "clf", "us", "eu", "epoch", "epoch_ms"].into_iter().chain([
            "%d/%b/%Y",
            "%b %e %H:%M",
            "%e.%m.%Y",
            "%A %d %B",
            "[%Y-%m-%d",
            "%H:%M %d.%m",
            "%p %m %d",
            "%z %m %d",
        ]);
        let texts = [
            "2026-03-14T09:26:53Z",
            "Mar 14 09:26:53",
            "Sat, 14 Mar 2026 09:26:53 GMT",
            "14/Mar/2026:09:26:53 +0700",
            "03/14/2026 09:26:53 AM",
            "14/03/2026 09:26:53",
            "1773480413",
            "1773480413589",
            "20260314T092653Z",
            "[2026-03-14 09:26:53]",
            " 4.03.2026",
            "saturday 14 march",
            "[2026-03-14",
            "09:26 14.03",
            " 9:26 14.03",
            "AM 03 14",
            " am 3 4",
            "+07:00 03 14",
            "Z 03 14",
            "Mar  4 09:26",
            "260314 09:26:53",
        ];
        for name in formats {
            let format = TimeFormat::compile(name).expect("a format");
            let firsts = FirstBytes::of_scan(&Scan::Time(Some(name.into())), Some(&format));
            for text in texts {
                let fits = timestamp::read(text, &format, clock).is_some_and(|reading| reading.consumed > 0);
                assert!(!fits || firsts.contains(text.as_bytes()[0]), "{name} reads {text}");
            }
        }
        for text in texts {
            let detected = timestamp::detect(text, clock).is_some_and(|reading| reading.consumed > 0);
            let firsts = FirstBytes::of_scan(&Scan::Time(None), None);
            assert!(!detected || firsts.contains(text.as_bytes()[0]), "{text}");
        }
    }

    #[test]
    fn a_byte_that_is_left_out_begins_nothing() {
        let tails = [
            "",
            "0",
            "00",
            "a.b.c",
            "1:2:3:4:5:6:7:8",
            ".0.0.1",
            "e:ad:be:ef:00:01",
            "ead.beef.0001",
            "arn",
            "x\"",
            "x'",
            "/a",
            ":\\x",
        ];
        for (name, scan) in [
            ("ip", Scan::Ip),
            ("mac", Scan::Mac),
            ("uuid", Scan::Uuid),
            ("int", Scan::Int),
            ("float", Scan::Float),
            ("hex", Scan::Hex),
            ("ident", Scan::Ident),
            ("quoted", Scan::Quoted),
            ("space", Scan::Space),
            ("path", Scan::Path),
            ("level", Scan::Level),
        ] {
            let kind = Kind::from_text(name).expect("a kind");
            assert!(kind.scan == scan && kind.convert != Convert::Line);
            let firsts = FirstBytes::of_scan(&scan, None);
            for first in (0..128).map(char::from) {
                for tail in tails {
                    let text = format!("{first}{tail}");
                    let fits = match scan {
                        Scan::Ip => scan::ip(&text).is_some(),
                        Scan::Mac => scan::mac(&text).is_some(),
                        Scan::Uuid => scan::uuid(&text).is_some(),
                        Scan::Int => scan::int(&text).is_some(),
                        Scan::Float => scan::float(&text).is_some(),
                        Scan::Hex => scan::hex(&text).is_some(),
                        Scan::Ident => scan::ident(&text).is_some(),
                        Scan::Quoted => scan::quoted(&text).is_some(),
                        Scan::Space => scan::space(&text).is_some(),
                        Scan::Path => scan::starts_path(&text),
                        _ => scan::level(&text).is_some(),
                    };
                    assert!(!fits || firsts.contains(text.as_bytes()[0]), "{name} reads {text:?}");
                }
            }
        }
    }
}
