//! Windows of maintenance that come again: which sources, on which days, from when until when.

use toml::Spanned;

use crate::config::check::Checker;
use crate::config::check::Read;
use crate::config::check::plain;
use crate::config::raw::Raw;
use crate::config::raw::RawMaintenance;
use crate::model::Timestamp;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const WINDOWS_MAX: usize = 100;
const MINUTES_OF_DAY: i64 = 24 * 60;
const REASON_CHARS_MAX: usize = 200;

/// A window that comes again every week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maintenance {
    /// Names of sources; `*` stands for anything, case aside.
    pub sources: Vec<String>,
    /// Whether it begins on each day of the week, from Monday.
    pub days: [bool; 7],
    /// Minutes of the day, in the zone of the configuration. It ends on the next day when it ends no later than it begins.
    pub from: u16,
    pub to: u16,
    pub reason: String,
}

impl Maintenance {
    /// Returns when the window that a source is in at a time ends; `None` outside.
    pub fn until(&self, source: &str, now: Timestamp, zone_offset_seconds: i32) -> Option<Timestamp> {
        if !self.sources.iter().any(|glob| fits(glob, source)) {
            return None;
        }
        let local = (now.seconds() + i64::from(zone_offset_seconds)).div_euclid(60);
        let (day, minute) = (local.div_euclid(MINUTES_OF_DAY), local.rem_euclid(MINUTES_OF_DAY));
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        // 1 January 1970 was a Thursday.
        let begins_on =
            |day: i64| usize::try_from((day + 3).rem_euclid(7)).is_ok_and(|day| self.days.get(day) == Some(&true));
        let length = if to > from { to - from } else { to + MINUTES_OF_DAY - from };
        // It began today, or yesterday and goes past midnight.
        let began = [day, day - 1].into_iter().find(|began| {
            let since = (day - began) * MINUTES_OF_DAY + minute - from;
            begins_on(*began) && (0..length).contains(&since)
        })?;
        let end = (began * MINUTES_OF_DAY + from + length) * 60 - i64::from(zone_offset_seconds);
        Some(Timestamp::from_seconds(end, 0))
    }
}

fn fits(glob: &str, name: &str) -> bool {
    let (glob, name) = (glob.to_lowercase(), name.to_lowercase());
    match glob.split_once('*') {
        None => glob == name,
        Some((front, back)) => {
            name.len() >= front.len() + back.len() && name.starts_with(front) && name.ends_with(back)
        }
    }
}

impl<'a> Checker<'a> {
    /// Windows come from the topmost layer that names any.
    pub(super) fn maintenance(&mut self) -> Vec<Maintenance> {
        let counts = self.layers.iter().map(|layer| layer.raw.sources.maintenance.len());
        let count = counts.into_iter().find(|count| *count > 0).unwrap_or(0);
        if count > WINDOWS_MAX {
            let problem = format!("there are more than {WINDOWS_MAX} windows");
            self.refuse::<String>("sources.maintenance", None, problem, "one window may name several sources");
        }
        (0..count).filter_map(|index| self.window(index)).collect()
    }

    fn window(&mut self, index: usize) -> Option<Maintenance> {
        let key = |member: &str| format!("sources.maintenance.{}.{member}", index + 1);
        let get = move |pick: fn(&'a RawMaintenance) -> Option<&'a Spanned<String>>| {
            move |raw: &'a Raw| pick(raw.sources.maintenance.get(index)?)
        };
        let before = self.problems.len();
        let sources = self.text(&key("sources"), None, get(|raw| raw.sources.as_ref()), names);
        let days = self.text(&key("days"), Some("mon,tue,wed,thu,fri,sat,sun"), get(|raw| raw.days.as_ref()), days);
        let from = self.text(&key("from"), None, get(|raw| raw.from.as_ref()), minute);
        let to = self.text(&key("to"), None, get(|raw| raw.to.as_ref()), minute);
        let reason = self.text(&key("reason"), None, get(|raw| raw.reason.as_ref()), reason);
        let members = [
            ("sources", sources.is_none()),
            ("from", from.is_none()),
            ("to", to.is_none()),
            ("reason", reason.is_none()),
        ];
        if self.problems.len() == before {
            for (member, _) in members.into_iter().filter(|(_, is_missing)| *is_missing) {
                let problem = "a window of maintenance needs `sources`, `from`, `to` and `reason`".to_owned();
                self.refuse::<String>(&key(member), None, problem, "");
            }
        }
        Some(Maintenance { sources: sources?, days: days?, from: from?, to: to?, reason: reason? })
    }
}

fn names(text: &str) -> Read<Vec<String>> {
    plain(text)?;
    Ok(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn days(text: &str) -> Read<[bool; 7]> {
    let mut days = [false; 7];
    for name in text.split(',').map(|name| name.trim().to_ascii_lowercase()) {
        match DAYS.iter().zip(&mut days).find(|(known, _)| **known == name) {
            Some((_, day)) => *day = true,
            None => return Err((format!("`{name}` is no day"), format!("days are {}, with commas", DAYS.join(", ")))),
        }
    }
    Ok(days)
}

fn minute(text: &str) -> Read<u16> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let number = |digits: &str| (digits.len() == 2).then(|| digits.parse::<u16>().ok()).flatten();
        let (hour, minute) = (number(hour)?, number(minute)?);
        (hour < 24 && minute < 60).then_some(hour * 60 + minute)
    };
    read().ok_or_else(|| (format!("`{text}` is no time of day"), "write it like `01:30`".to_owned()))
}

fn reason(text: &str) -> Read<String> {
    plain(text.trim())?;
    Ok(text.trim().chars().take(REASON_CHARS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ConfigError;
    use crate::config::Flags;
    use crate::config::load;

    fn window(days: &str, from: &str, to: &str) -> Maintenance {
        let (days, from, to) = (super::days(days), minute(from), minute(to));
        let sources = vec!["fw-*".to_owned()];
        let reason = "backup".to_owned();
        Maintenance { sources, days: days.expect("days"), from: from.expect("a time"), to: to.expect("a time"), reason }
    }

    /// Sunday 15 March 2026, 00:00 at seven hours east, and so many minutes.
    fn sunday(minutes: i64) -> Timestamp {
        Timestamp::from_seconds(1_773_507_600 + minutes * 60, 0)
    }

    #[test]
    fn a_window_holds_on_its_days_and_past_midnight() {
        const ZONE: i32 = 7 * 3_600;
        let night = window("sun", "01:00", "03:00");
        for (minutes, end) in
            [(59, None), (60, Some(180)), (179, Some(180)), (180, None), (60 + 24 * 60, None), (60 - 24 * 60, None)]
        {
            assert_eq!(night.until("FW-07", sunday(minutes), ZONE), end.map(sunday), "{minutes}");
        }
        assert_eq!(night.until("web-1", sunday(90), ZONE), None);
        let late = window("sat,sun", "23:30", "00:30");
        for (minutes, end) in [
            (-31, None),
            (-30, Some(30)),
            (29, Some(30)),
            (30, None),
            (23 * 60 + 45, Some(24 * 60 + 30)),
            (24 * 60 + 29, Some(24 * 60 + 30)),
            (48 * 60 - 10, None),
        ] {
            assert_eq!(late.until("fw-1", sunday(minutes), ZONE), end.map(sunday), "{minutes}");
        }
        let always = window("mon,tue,wed,thu,fri,sat,sun", "00:00", "00:00");
        assert!((0..48).all(|hour| always.until("fw-1", sunday(hour * 60), ZONE).is_some()));
    }

    #[test]
    fn wrong_windows_are_told_with_what_to_write() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("longan.toml");
        let read = |text: &str| {
            std::fs::write(&file, text).expect("written");
            load(Some(&file), [], &Flags::default())
        };
        let good = "[[sources.maintenance]]\nsources = \"fw-*, web-1\"\ndays = \"Sun\"\nfrom = \"01:00\"\nto = \"03:00\"\nreason = \"backup\"\n";
        let settings = read(good).expect("right");
        assert_eq!(settings.maintenance.len(), 1);
        assert_eq!(settings.maintenance[0].sources, ["fw-*", "web-1"]);
        assert_eq!(settings.maintenance[0].days.iter().position(|day| *day), Some(6));
        for (from, to, part) in [
            ("\"Sun\"", "\"sunday\"", "`sunday` is no day"),
            ("01:00", "1:00", "`1:00` is no time of day"),
            ("03:00", "24:00", "`24:00` is no time of day"),
            ("reason = \"backup\"\n", "", "needs `sources`, `from`, `to` and `reason`"),
        ] {
            let Err(ConfigError::Invalid(problems)) = read(&good.replace(from, to)) else { panic!("{to} was taken") };
            assert!(problems.iter().any(|problem| problem.to_string().contains(part)), "{problems:?}");
        }
    }
}
