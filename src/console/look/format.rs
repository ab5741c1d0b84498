//! Times, ages, figures and queries as people read them.

use jiff::SignedDuration;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Reads a time of the API; `None` when it is none.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Writes how long ago a time was, in at most four columns.
pub(crate) fn age(now: Timestamp, at: &str) -> String {
    time(at).map_or_else(|| "?".to_owned(), |at| span(now.duration_since(at).as_secs()))
}

/// Writes a span of seconds, in at most four columns.
pub(crate) fn span(seconds: i64) -> String {
    match seconds.max(0) {
        s @ ..60 => format!("{s:02}s"),
        s @ ..3600 => format!("{:02}m", s / 60),
        s @ ..86_400 => format!("{}h", s / 3600),
        s => format!("{}d", (s / 86_400).min(999)),
    }
}

/// Writes the time of day, to the second.
pub(crate) fn clock(zone: &TimeZone, at: Timestamp) -> String {
    at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S").to_string()
}

/// Writes the time of day with milliseconds; the text itself when it is no time.
pub(crate) fn moment(zone: &TimeZone, at: &str) -> String {
    time(at).map_or_else(|| at.to_owned(), |at| at.to_zoned_datetime(zone.clone()).strftime("%H:%M:%S.%3f").to_string())
}

/// Writes day and time; the text itself when it is no time.
pub(crate) fn date(zone: &TimeZone, at: &str) -> String {
    time(at).map_or_else(|| at.to_owned(), |at| at.to_zoned_datetime(zone.clone()).strftime("%d/%m %H:%M").to_string())
}

/// Writes a count in at most five columns.
pub(crate) fn count(number: u64) -> String {
    match number {
        n @ ..10_000 => n.to_string(),
        n @ ..1_000_000 => format!("{}k", n / 1000),
        n @ ..1_000_000_000 => format!("{}.{}M", n / 1_000_000, n / 100_000 % 10),
        n => format!("{}G", n / 1_000_000_000),
    }
}

/// Writes a condition of the query language, the value quoted so that nothing in it can act.
pub(crate) fn condition(field: &str, value: &str) -> String {
    let mut text = format!("{field}:\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// Returns the times `minutes` before and after, as the API takes them.
pub(crate) fn around(at: &str, minutes: i64) -> Option<(String, String)> {
    let at = time(at)?;
    let reach = SignedDuration::from_mins(minutes);
    Some((at.checked_sub(reach).ok()?.to_string(), at.checked_add(reach).ok()?.to_string()))
}

/// Returns the times `seconds` before and after, as the API takes them.
pub(crate) fn seconds_around(at: &str, seconds: i64) -> Option<(String, String)> {
    let at = time(at)?;
    let reach = SignedDuration::from_secs(seconds);
    Some((at.checked_sub(reach).ok()?.to_string(), at.checked_add(reach).ok()?.to_string()))
}

/// Writes how long is left until a time, in at most four columns; what is past has a minus.
pub(crate) fn left(now: Timestamp, due: &str) -> Option<(String, bool)> {
    let left = time(due)?.duration_since(now).as_secs();
    let is_past = left < 0;
    Some((if is_past { format!("-{}", span(-left)) } else { span(left) }, is_past))
}

/// Writes a mean duration in seconds as people say it: `4m12s`, `38m`, `5h`.
pub(crate) fn mean(seconds: u64) -> String {
    match seconds {
        s @ ..60 => format!("{s}s"),
        s @ ..600 => format!("{}m{:02}s", s / 60, s % 60),
        s @ ..7200 => format!("{}m", s / 60),
        s => format!("{}h", s / 3600),
    }
}

/// Folds case and accents away, for filters and the palette.
pub(crate) fn fold(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    use unicode_normalization::char::is_combining_mark;
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if matches!(c, 'đ' | 'Đ') { 'd' } else { c })
        .flat_map(char::to_lowercase)
        .collect()
}

/// Fills the `{}` of a template in order.
pub(crate) fn fill(template: &str, values: &[&str]) -> String {
    let mut pieces = template.split("{}");
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        text.push_str(values.get(index).copied().unwrap_or("{}"));
        text.push_str(piece);
    }
    text
}

/// The signs of a bar from empty to full.
pub(crate) const BARS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The same where only ASCII may be drawn.
pub(crate) const ASCII_BARS: [&str; 9] = [" ", ".", ".", ":", "-", "=", "+", "*", "#"];

/// Draws counts as one row of bars, at most `width` columns, neighbours summed up.
pub(crate) fn sparkline(counts: &[u64], width: usize, ascii: bool) -> String {
    let columns = counts.len().min(width);
    if columns == 0 {
        return String::new();
    }
    let sums: Vec<u64> = (0..columns)
        .map(|column| {
            let (from, to) = (column * counts.len() / columns, (column + 1) * counts.len() / columns);
            counts.get(from..to).unwrap_or_default().iter().fold(0u64, |sum, n| sum.saturating_add(*n))
        })
        .collect();
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    let signs = if ascii { ASCII_BARS } else { BARS };
    sums.iter()
        .map(|sum| {
            // Anything there at all shows at least the lowest bar.
            let height = (u128::from(*sum) * 8).div_ceil(u128::from(most));
            signs[usize::try_from(height).unwrap_or(8).min(8)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_counts_stay_narrow() {
        for (seconds, text) in [(-5, "00s"), (59, "59s"), (120, "02m"), (7200, "2h"), (864_000, "10d")] {
            assert_eq!(span(seconds), text);
        }
        for (number, text) in [(9_999, "9999"), (12_345, "12k"), (1_234_567, "1.2M"), (u64::MAX, "18446744073G")] {
            assert_eq!(count(number), text);
        }
    }

    #[test]
    fn a_condition_cannot_be_escaped_from() {
        assert_eq!(condition("user.name", r#"a" OR \x"#), r#"user.name:"a\" OR \\x""#);
    }

    #[test]
    fn what_is_left_and_means_are_short() {
        let now = time("2026-08-12T07:00:00Z").expect("a time");
        for (due, shown) in [("2026-08-12T07:13:00Z", ("13m", false)), ("2026-08-12T05:00:00Z", ("-2h", true))] {
            assert_eq!(left(now, due), Some((shown.0.to_owned(), shown.1)));
        }
        assert_eq!(left(now, "soon"), None);
        assert_eq!([5, 252, 2280, 20_000].map(mean), ["5s", "4m12s", "38m", "5h"]);
    }

    #[test]
    fn bars_show_all_that_is_there() {
        assert_eq!(sparkline(&[0, 1, 1000, 500], 10, false), " ▁█▄");
        assert_eq!(sparkline(&[1, 1, 2, 2], 2, true), "-#");
        assert_eq!(sparkline(&[u64::MAX, u64::MAX], 1, false), "█");
        assert_eq!(sparkline(&[], 5, false), "");
    }

    #[test]
    fn folding_meets_what_is_typed_without_accents() {
        assert_eq!(fold("Đóng CẢNH báo"), "dong canh bao");
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(around("2026-08-12T07:00:00Z", 5).map(|(from, _)| from).as_deref(), Some("2026-08-12T06:55:00Z"));
    }
}
