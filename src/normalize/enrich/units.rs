//! Administrative units with dates of validity: an event of June 2025 belongs to the unit there was then.
//!
//! ```toml
//! [[unit]]
//! code = "xa-tan-an"
//! name = "Xã Tân An"
//! parent = "huyen-yen-dung"
//! until = "2025-07-01"          # its first day no more
//! into = "phuong-tan-an"        # what it became part of
//! ```

use std::path::Path;

use hashbrown::HashMap;
use serde::Deserialize;
use toml::Spanned;

use crate::diag::Located;
use crate::model::Timestamp;
use crate::model::time::days_from_civil;

/// Mergers that are followed, and parents that are named.
const STEPS_MAX: usize = 8;

/// Why a file of units was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    #[error("cannot read the units")]
    Unreadable(#[source] std::io::Error),
    #[error("{0}")]
    Syntax(String),
    #[error("`{0}` is a unit already")]
    Twice(String),
    #[error("`{0}` is no date")]
    Date(String),
    #[error("there is no unit `{0}`")]
    Unknown(String),
    #[error("`into` needs `until`: from which day on?")]
    IntoWithoutUntil,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    unit: Vec<RawUnit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawUnit {
    code: Spanned<String>,
    name: String,
    parent: Option<Spanned<String>>,
    from: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    into: Option<Spanned<String>>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    pub code: String,
    pub name: String,
    parent: Option<usize>,
    /// In seconds since 1970; the time from which, and the time until which, it is one.
    from: i64,
    until: i64,
    into: Option<usize>,
}

/// All units, by code and by name.
#[derive(Debug, Default)]
pub struct Units {
    units: Vec<Unit>,
    places: HashMap<String, usize>,
}

impl Units {
    /// Returns how many there are.
    pub fn count(&self) -> usize {
        self.units.len()
    }

    /// Returns the unit a code or name means at a time: itself, or what it was merged into by then.
    pub fn at(&self, name: &str, time: Timestamp) -> Option<&Unit> {
        if self.units.is_empty() {
            return None;
        }
        let mut place = *self.places.get(name).or_else(|| self.places.get(name.to_lowercase().as_str()))?;
        for _ in 0..STEPS_MAX {
            let unit = self.units.get(place)?;
            match unit.into {
                Some(into) if time.seconds() >= unit.until => place = into,
                _ if time.seconds() < unit.from => return Some(self.before(place, time).unwrap_or(unit)),
                _ => return Some(unit),
            }
        }
        None
    }

    /// The only unit that became this one and was one at the time; of several nobody can say which.
    fn before(&self, place: usize, time: Timestamp) -> Option<&Unit> {
        let mut earlier = self
            .units
            .iter()
            .filter(|unit| unit.into == Some(place) && (unit.from..unit.until).contains(&time.seconds()));
        earlier.next().filter(|_| earlier.next().is_none())
    }

    /// Returns the name of the unit it belongs to.
    pub fn parent_of(&self, unit: &Unit) -> Option<&str> {
        self.units.get(unit.parent?).map(|parent| parent.name.as_str())
    }
}

/// Loads a file of units.
///
/// # Errors
/// Every problem of the file.
pub fn load(path: &Path, zone_offset_seconds: i32) -> Result<Units, Vec<Located<UnitError>>> {
    let text =
        std::fs::read_to_string(path).map_err(|err| vec![Located::at_start(path, UnitError::Unreadable(err))])?;
    read(path, &text, zone_offset_seconds)
}

fn read(path: &Path, text: &str, zone: i32) -> Result<Units, Vec<Located<UnitError>>> {
    let at = |offset, error| Located::at_offset(path, text, offset, error);
    let raw: RawFile = toml::from_str(text).map_err(|err| {
        vec![at(err.span().map_or(0, |span| span.start), UnitError::Syntax(err.message().to_owned()))]
    })?;
    let (mut units, mut problems) = (Units::default(), Vec::new());
    for (place, unit) in raw.unit.iter().enumerate() {
        let code = unit.code.get_ref().to_lowercase();
        if units.places.try_insert(code, place).is_err() {
            problems.push(at(unit.code.span().start, UnitError::Twice(unit.code.get_ref().clone())));
        }
    }
    for (place, unit) in raw.unit.iter().enumerate() {
        // A name may be that of several units; its code is not.
        drop(units.places.try_insert(unit.name.to_lowercase(), place));
    }
    for unit in &raw.unit {
        let mut find = |code: &Option<Spanned<String>>| {
            let code = code.as_ref()?;
            let found = units.places.get(code.get_ref().to_lowercase().as_str()).copied();
            if found.is_none() {
                problems.push(at(code.span().start, UnitError::Unknown(code.get_ref().clone())));
            }
            found
        };
        let (parent, into) = (find(&unit.parent), find(&unit.into));
        let mut day = |date: &Option<Spanned<String>>, missing: i64| {
            let Some(date) = date else { return missing };
            let seconds = day_of(date.get_ref(), zone);
            if seconds.is_none() {
                let problem = at(date.span().start, UnitError::Date(date.get_ref().clone()));
                problems.push(problem.with_hint("write it as 2025-07-01"));
            }
            seconds.unwrap_or(missing)
        };
        let (from, until) = (day(&unit.from, i64::MIN), day(&unit.until, i64::MAX));
        if let Some(code) = unit.into.as_ref().filter(|_| unit.until.is_none()) {
            problems.push(at(code.span().start, UnitError::IntoWithoutUntil));
        }
        let (code, name) = (unit.code.get_ref().clone(), unit.name.clone());
        units.units.push(Unit { code, name, parent, from, until, into });
    }
    if problems.is_empty() { Ok(units) } else { Err(problems) }
}

/// Returns when a day begins in the zone, in seconds since 1970.
fn day_of(text: &str, zone: i32) -> Option<i64> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    let (month, day) = (u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?);
    Some(days_from_civil(i32::from(date.year()), month, day) * 86_400 - i64::from(zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
[[unit]]\ncode = \"h1\"\nname = \"Huyện Yên\"\nuntil = \"2025-07-01\"\n\
[[unit]]\ncode = \"x1\"\nname = \"Xã Tân An\"\nparent = \"h1\"\nuntil = \"2025-07-01\"\ninto = \"p1\"\n\
[[unit]]\ncode = \"x2\"\nname = \"Xã Tân Bình\"\nparent = \"h1\"\nuntil = \"2025-07-01\"\ninto = \"p1\"\n\
[[unit]]\ncode = \"p1\"\nname = \"Phường Tân An\"\nparent = \"t1\"\nfrom = \"2025-07-01\"\n\
[[unit]]\ncode = \"t1\"\nname = \"Tỉnh Bắc\"\n";

    #[test]
    fn an_event_belongs_to_the_unit_of_its_day() {
        let units = read(Path::new("units.toml"), TEXT, 25_200).expect("no problems");
        let at = |time: &str, name: &str| {
            let time: jiff::Timestamp = time.parse().expect("a time");
            let unit = units.at(name, Timestamp::from_seconds(time.as_second(), 0));
            unit.map(|unit| (unit.name.as_str(), units.parent_of(unit).unwrap_or("-")))
        };
        assert_eq!(at("2025-06-15T00:00:00Z", "x1"), Some(("Xã Tân An", "Huyện Yên")));
        assert_eq!(at("2025-06-30T16:59:59Z", "X1"), Some(("Xã Tân An", "Huyện Yên")), "still June in Vietnam");
        assert_eq!(at("2025-06-30T17:00:00Z", "x1"), Some(("Phường Tân An", "Tỉnh Bắc")), "July there");
        assert_eq!(at("2026-01-01T00:00:00Z", "xã tân bình"), Some(("Phường Tân An", "Tỉnh Bắc")));
        assert_eq!(
            at("2025-06-15T00:00:00Z", "p1"),
            Some(("Phường Tân An", "Tỉnh Bắc")),
            "two became one: nobody can say which"
        );
        assert_eq!(at("2025-06-15T00:00:00Z", "Sở Y tế"), None);
        assert_eq!(units.count(), 5);
    }

    #[test]
    fn all_problems_come_with_their_place() {
        let text = "[[unit]]\ncode = \"a\"\nname = \"A\"\ninto = \"c\"\n[[unit]]\ncode = \"A\"\nname = \"B\"\nfrom = \"soon\"\n";
        let problems = read(Path::new("u.toml"), text, 0).expect_err("wrong");
        let problems: Vec<String> = problems.iter().map(|problem| problem.to_string().replace("\n  ", " ")).collect();
        assert_eq!(
            problems,
            [
                "u.toml:6:8: `A` is a unit already",
                "u.toml:4:8: there is no unit `c`",
                "u.toml:4:8: `into` needs `until`: from which day on?",
                "u.toml:8:8: `soon` is no date hint: write it as 2025-07-01",
            ]
        );
    }
}
