//! Table tests of the time shapes and formats.

use super::*;

fn context() -> Context {
    let received = Civil { year: 2026, month: 3, day: 14, hour: 3, minute: 0, second: 0, nanos: 0 };
    Context { received: received.to_timestamp(0).expect("a date"), zone_offset_seconds: 7 * 3600 }
}

#[test]
fn every_shape_is_detected() {
    for (text, expected) in [
        ("2026-03-14T09:26:53Z", "2026-03-14T09:26:53.000Z"),
        ("2026-03-14T09:26:53.589793+07:00", "2026-03-14T02:26:53.589793Z"),
        ("2026-03-14 09:26:53,589", "2026-03-14T02:26:53.589Z"),
        ("2026-03-14 09:26:53.589 +0700", "2026-03-14T02:26:53.589Z"),
        ("2026-03-14 09:26:53 UTC", "2026-03-14T09:26:53.000Z"),
        ("2026-3-14 09:26:53", "2026-03-14T02:26:53.000Z"),
        ("2026/03/14 09:26:53", "2026-03-14T02:26:53.000Z"),
        ("2026:03:14-09:26:53", "2026-03-14T02:26:53.000Z"),
        ("2026-Mar-14 09:26 AM (UTC-00:00)", "2026-03-14T09:26:00.000Z"),
        ("20260314T092653Z", "2026-03-14T09:26:53.000Z"),
        ("20260314092653.250Z", "2026-03-14T09:26:53.250Z"),
        ("260314  9:26:53", "2026-03-14T02:26:53.000Z"),
        ("Mar 14 09:26:53", "2026-03-14T02:26:53.000Z"),
        ("Mar  4 09:26:53.123", "2026-03-04T02:26:53.123Z"),
        ("Mar 14 2026 09:26:53", "2026-03-14T02:26:53.000Z"),
        ("Mar 14 2026 09:26:53+07:00", "2026-03-14T02:26:53.000Z"),
        ("Mar 14 09:26:53 2026", "2026-03-14T02:26:53.000Z"),
        ("2026 Mar 14 09:26:53 GMT", "2026-03-14T09:26:53.000Z"),
        ("Mar 14, 2026 9:26:53 PM ICT", "2026-03-14T14:26:53.000Z"),
        ("Mar 14, 2026, 12:00:01 AM UTC", "2026-03-14T00:00:01.000Z"),
        ("Sat Mar 14 09:26:53.719636 2026", "2026-03-14T02:26:53.719636Z"),
        ("Sat Mar 14 09:26:53 UTC 2026", "2026-03-14T09:26:53.000Z"),
        ("Sat, 14 Mar 2026 09:26:53 GMT", "2026-03-14T09:26:53.000Z"),
        ("14/Mar/2026:09:26:53 +0700", "2026-03-14T02:26:53.000Z"),
        ("[14/Mar/2026:09:26:53 +0700]", "2026-03-14T02:26:53.000Z"),
        ("14-Mar-2026 09:26:53.589", "2026-03-14T02:26:53.589Z"),
        ("14 Mar 2026 09:26:53 (GMT+5:00)", "2026-03-14T04:26:53.000Z"),
        ("14/03/2026:09:26:53 GMT", "2026-03-14T09:26:53.000Z"),
        ("03/14/2026 09:26:53 PM", "2026-03-14T14:26:53.000Z"),
        ("14.03.2026 09:26:53", "2026-03-14T02:26:53.000Z"),
        ("1773480413", "2026-03-14T09:26:53.000Z"),
        ("1773480413.5", "2026-03-14T09:26:53.500Z"),
        ("1773480413589", "2026-03-14T09:26:53.589Z"),
        ("1773480413589793", "2026-03-14T09:26:53.589793Z"),
        ("1773480413589793123", "2026-03-14T09:26:53.589793123Z"),
    ] {
        let reading = detect_whole(text, context());
        assert_eq!(reading.map(|reading| reading.time.to_string()).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "",
        "x",
        "Mar",
        "Mar 32 09:26:53",
        "2026-13-01 00:00:00",
        "2026-02-30 00:00:00",
        "09:26:53",
        "10.0.0.1",
        "12345",
        "2026-03-14",
        "Mar 14 25:00:00",
        "14/Mar/2026",
        "1.2.3.4 - - ",
        "Maroon 14 09:26:53x",
    ] {
        assert_eq!(detect_whole(text, context()), None, "{text}");
    }
}

#[test]
fn the_year_is_inferred_and_marked() {
    let read = |text| detect(text, context()).expect("a time");
    assert_eq!(read("Dec 31 23:59:59 host").time.to_string(), "2025-12-31T16:59:59.000Z");
    assert_eq!(read("Mar 16 23:59:59 host").time.to_string(), "2026-03-16T16:59:59.000Z");
    assert_eq!(read("Mar 20 23:59:59 host").time.to_string(), "2025-03-20T16:59:59.000Z");
    assert_eq!(read("Feb 29 00:00:00 host").time.to_string(), "2024-02-28T17:00:00.000Z");
    assert_eq!(read("Dec 31 23:59:59 x").inferred, Inferred { year: true, zone: true, order: false });
    assert_eq!(read("Mar 14 09:26:53 UTC 2026").inferred, Inferred::default());
    let new_year = Context { received: Timestamp::from_seconds(1_767_225_000, 0), zone_offset_seconds: 0 };
    let early = detect("Jan  1 00:00:01", new_year).expect("a time");
    assert_eq!(early.time.to_string(), "2026-01-01T00:00:01.000Z");
}

#[test]
fn a_date_that_reads_both_ways_is_the_nearer_one() {
    let near = detect("03/12/2026 10:00:00", context()).expect("a time");
    assert_eq!((near.time.to_string().as_str(), near.inferred.order), ("2026-03-12T03:00:00.000Z", true));
    let far = detect("12/03/2026 10:00:00", context()).expect("a time");
    assert_eq!((far.time.to_string().as_str(), far.inferred.order), ("2026-03-12T03:00:00.000Z", true));
    let sure = detect("13/03/2026 10:00:00", context()).expect("a time");
    assert_eq!((sure.time.to_string().as_str(), sure.inferred.order), ("2026-03-13T03:00:00.000Z", false));
}

#[test]
fn a_time_leaves_what_follows() {
    for (text, rest) in [
        ("Mar 14 09:26:53 host prog: x", " host prog: x"),
        ("2026-03-14T09:26:53Z host", " host"),
        ("2026-03-14 09:26:53,589 INFO x", " INFO x"),
        ("Mar 14 09:26:53 2026-host x", " 2026-host x"),
        ("Mar 14 09:26:53 UTC: %X", ": %X"),
        ("Mar 14 09:26:53 EST-SW01 x", " EST-SW01 x"),
        ("1773480413.589 35 10.0.0.1", " 35 10.0.0.1"),
    ] {
        let consumed = detect(text, context()).expect("a time").consumed;
        assert_eq!(&text[consumed..], rest, "{text}");
    }
}

#[test]
fn formats_and_patterns_read() {
    for (format, text, expected) in [
        ("iso", "2026-03-14T09:26:53Z", "2026-03-14T09:26:53.000Z"),
        ("us", "03/04/2026 09:26:53 AM", "2026-03-04T02:26:53.000Z"),
        ("eu", "03/04/2026 09:26:53", "2026-04-03T02:26:53.000Z"),
        ("epoch_ms", "1773480413589", "2026-03-14T09:26:53.589Z"),
        ("epoch_s", "1773480413.25", "2026-03-14T09:26:53.250Z"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-03-14 09:26:53.5", "2026-03-14T02:26:53.500Z"),
        ("%d.%m.%y %I:%M:%S %p", "14.03.26 09:26:53 PM", "2026-03-14T14:26:53.000Z"),
        ("%a %b %e %T %Z %Y", "Sat Mar 14 09:26:53 UTC 2026", "2026-03-14T09:26:53.000Z"),
        ("%FT%T%.f%z", "2026-03-14T09:26:53+0700", "2026-03-14T02:26:53.000Z"),
        ("%Y%j %R", "2026073 09:26", "2026-03-14T02:26:00.000Z"),
        ("@%s", "@1773480413", "2026-03-14T09:26:53.000Z"),
    ] {
        let compiled = TimeFormat::compile(format).expect("a format");
        let reading = read(text, &compiled, context());
        assert_eq!(reading.map(|reading| reading.time.to_string()).as_deref(), Some(expected), "{format} {text}");
    }
}

#[test]
fn broken_formats_are_refused() {
    for (format, expected) in [
        ("isoo", FormatError::UnknownName("isoo".to_owned())),
        ("%Q", FormatError::UnknownLetter('Q')),
        ("%Y-%", FormatError::Unfinished),
        ("%H:%M", FormatError::NoDate),
    ] {
        assert_eq!(TimeFormat::compile(format), Err(expected));
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "\\PC{0,40}|[0-9A-Za-z:/., +-]{0,40}") {
        let format = TimeFormat::compile("%d/%b/%Y:%T%.f %z").expect("a format");
        for reading in [detect(&text, context()), read(&text, &format, context())].into_iter().flatten() {
            proptest::prop_assert!(text.is_char_boundary(reading.consumed));
        }
    }

    #[test]
    fn what_a_timestamp_prints_reads_back(seconds in 0i64..4_000_000_000, nanos in 0u32..1_000_000_000) {
        let time = Timestamp::from_seconds(seconds, nanos);
        let reading = detect_whole(&time.to_string(), context());
        proptest::prop_assert_eq!(reading.map(|reading| reading.time), Some(time));
    }
}

#[test]
fn a_format_may_mean_utc_whatever_the_zone_of_the_input() {
    let context = Context { received: Timestamp(1_773_480_413_000_000_000), zone_offset_seconds: 25_200 };
    let read = |text| super::read(text, &TimeFormat::compile("iso_utc").expect("known"), context).expect("a time");
    assert_eq!(read("2026-03-14 09:26:53 x").time.to_string(), "2026-03-14T09:26:53.000Z");
    assert_eq!(read("2026-03-14 09:26:53 x").inferred, Inferred::default());
    assert_eq!(read("2026-03-14T09:26:53+07:00").time.to_string(), "2026-03-14T02:26:53.000Z");
}
