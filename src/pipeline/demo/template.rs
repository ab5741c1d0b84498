//! Lines with placeholders, and filling them.

use std::fmt::Write as _;

use crate::model::Timestamp;
use crate::model::time::Civil;

/// One piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Time(TimeForm),
    Number(u64, u64),
    Pick(Vec<String>),
    Person(Person),
    Attacker,
    Victim,
    Run,
    Count,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeForm {
    Rfc3164,
    Rfc5424,
    Clf,
    IsoSpace,
    NginxError,
    Epoch,
    FortiDate,
    FortiTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    Citizen,
    Citizen6,
    Staff,
    StaffAddress,
    Agent,
}

/// A line to fill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

/// What stays the same within one attack.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    pub(super) attacker: String,
    pub(super) victim: String,
    pub(super) run: u32,
}

const STAFF: [&str; 12] = [
    "an.nguyen",
    "binh.tran",
    "chi.le",
    "dung.pham",
    "ha.hoang",
    "hoa.phan",
    "khanh.vu",
    "lan.dang",
    "minh.bui",
    "nam.do",
    "thao.ho",
    "tuan.ngo",
];
const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/125.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The demo's devices write Indochina Time.
const OFFSET_SECONDS: i64 = 7 * 3600;

impl Part {
    /// Invents somebody for one attack.
    pub(super) fn invent(random: &mut fastrand::Rng) -> Part {
        let attacker =
            format!("{}.{}", random.choice(["203.0.113", "198.51.100"]).unwrap_or_default(), random.u8(1..=254));
        let victim = (*random.choice(STAFF.iter()).unwrap_or(&"an.nguyen")).to_owned();
        Part { attacker, victim, run: random.u32(1000..10_000) }
    }
}

impl Template {
    /// Reads a line; braces that enclose no known placeholder stand for themselves (JSON has many).
    pub(super) fn parse(line: &str) -> Template {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = line;
        while let Some(open) = rest.find('{') {
            let after = &rest[open + 1..];
            let found = after.find(['{', '}']).filter(|close| after.as_bytes()[*close] == b'}');
            match found.and_then(|close| Some((placeholder(&after[..close])?, close))) {
                Some((piece, close)) => {
                    literal.push_str(&rest[..open]);
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(piece);
                    rest = &after[close + 1..];
                }
                None => {
                    literal.push_str(&rest[..=open]);
                    rest = after;
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Template(pieces)
    }

    /// Fills the line.
    pub(super) fn fill(&self, now: Timestamp, part: &Part, count: u32, random: &mut fastrand::Rng) -> String {
        let mut line = String::with_capacity(256);
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => line.push_str(text),
                Piece::Time(form) => push_time(&mut line, *form, now),
                Piece::Number(low, high) => push(&mut line, format_args!("{}", random.u64(*low..=*high))),
                Piece::Pick(words) => line.push_str(random.choice(words).map_or("", String::as_str)),
                Piece::Person(person) => push_person(&mut line, *person, random),
                Piece::Attacker => line.push_str(&part.attacker),
                Piece::Victim => line.push_str(&part.victim),
                Piece::Run => push(&mut line, format_args!("{}", part.run)),
                Piece::Count => push(&mut line, format_args!("{count}")),
            }
        }
        line
    }
}

fn placeholder(text: &str) -> Option<Piece> {
    if let Some(words) = text.strip_prefix("pick:") {
        return Some(Piece::Pick(words.split('|').map(str::to_owned).collect()));
    }
    if let Some(bounds) = text.strip_prefix("int:") {
        let (low, high) = bounds.split_once(':')?;
        let (low, high) = (low.parse().ok()?, high.parse().ok()?);
        return (low <= high).then_some(Piece::Number(low, high));
    }
    Some(match text {
        "rfc3164" => Piece::Time(TimeForm::Rfc3164),
        "rfc5424" | "iso" => Piece::Time(TimeForm::Rfc5424),
        "clf" => Piece::Time(TimeForm::Clf),
        "iso_space" => Piece::Time(TimeForm::IsoSpace),
        "nginx_error" => Piece::Time(TimeForm::NginxError),
        "epoch" => Piece::Time(TimeForm::Epoch),
        "fgt_date" => Piece::Time(TimeForm::FortiDate),
        "fgt_time" => Piece::Time(TimeForm::FortiTime),
        "citizen" => Piece::Person(Person::Citizen),
        "citizen6" => Piece::Person(Person::Citizen6),
        "staff" => Piece::Person(Person::Staff),
        "staff_ip" => Piece::Person(Person::StaffAddress),
        "agent" => Piece::Person(Person::Agent),
        "attacker" => Piece::Attacker,
        "victim" => Piece::Victim,
        "run" => Piece::Run,
        "n" => Piece::Count,
        _ => return None,
    })
}

fn push(line: &mut String, text: std::fmt::Arguments<'_>) {
    let written = line.write_fmt(text);
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

fn push_person(line: &mut String, person: Person, random: &mut fastrand::Rng) {
    match person {
        Person::Citizen => push(line, format_args!("192.0.2.{}", random.u8(1..=254))),
        Person::Citizen6 => push(line, format_args!("2001:db8:{:x}::{:x}", random.u16(1..), random.u16(1..))),
        Person::Staff => line.push_str(random.choice(STAFF).unwrap_or_default()),
        Person::StaffAddress => push(line, format_args!("10.10.{}.{}", random.u8(1..20), random.u8(2..=250))),
        Person::Agent => line.push_str(random.choice(AGENTS).unwrap_or_default()),
    }
}

fn push_time(line: &mut String, form: TimeForm, now: Timestamp) {
    let local = Timestamp(now.0 + OFFSET_SECONDS * crate::model::time::NANOS_PER_SECOND);
    let Civil { year, month, day, hour, minute, second, nanos } = local.to_civil();
    let month_name = MONTHS[usize::from(month - 1) % 12];
    let millis = nanos / 1_000_000;
    match form {
        TimeForm::Rfc3164 => push(line, format_args!("{month_name} {day:2} {hour:02}:{minute:02}:{second:02}")),
        TimeForm::Rfc5424 => {
            push(line, format_args!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+07:00"));
        }
        TimeForm::Clf => {
            push(line, format_args!("{day:02}/{month_name}/{year}:{hour:02}:{minute:02}:{second:02} +0700"));
        }
        TimeForm::IsoSpace => {
            push(line, format_args!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03}"));
        }
        TimeForm::NginxError => {
            push(line, format_args!("{year}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}"));
        }
        TimeForm::Epoch => push(line, format_args!("{}", now.seconds())),
        TimeForm::FortiDate => push(line, format_args!("{year}-{month:02}-{day:02}")),
        TimeForm::FortiTime => push(line, format_args!("{hour:02}:{minute:02}:{second:02}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_other_braces_stand() {
        let part = Part { attacker: "203.0.113.9".to_owned(), victim: "an".to_owned(), run: 77 };
        let fill = |line: &str| {
            Template::parse(line).fill(
                Timestamp::from_seconds(1_700_000_000, 0),
                &part,
                3,
                &mut fastrand::Rng::with_seed(1),
            )
        };
        assert_eq!(
            fill("{rfc3164} h app: {attacker} {victim} {run} {n}"),
            "Nov 15 05:13:20 h app: 203.0.113.9 an 77 3"
        );
        assert_eq!(fill(r#"{"a":{"b":"{clf}"}}"#), r#"{"a":{"b":"15/Nov/2023:05:13:20 +0700"}}"#);
        assert_eq!(fill("{int:5:5} {pick:x} {int:9:1} {unknown} {"), "5 x {int:9:1} {unknown} {");
    }
}
