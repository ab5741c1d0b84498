//! Table tests of the headers.

use std::fmt::Write as _;

use super::*;

/// Noon of 2026-03-14 in UTC.
const RECEIVED: Timestamp = Timestamp(1_773_489_600_000_000_000);

/// The header in one line: `format pri time host app[pid] msgid | body`, with `-` for what is not there.
fn summary(text: &str) -> String {
    let header = read(text, RECEIVED, 7 * 3600);
    let mut line = format!("{:?}", header.format);
    let pri = header.pri.map(|(facility, severity)| (facility * 8 + severity.code()).to_string());
    let time = header.timestamp.map(|time| time.to_string());
    let sequence = header.sequence.map(|number| format!("#{number}"));
    for part in [pri, time, sequence] {
        write!(line, " {}", part.as_deref().unwrap_or("-")).expect("a string takes everything");
    }
    for part in [header.hostname, header.app_name, header.procid, header.msgid] {
        write!(line, " {}", part.unwrap_or("-")).expect("a string takes everything");
    }
    format!("{line} | {}", header.body)
}

#[test]
fn rfc_5424_is_read_to_the_letter() {
    for (text, expected) in [
        (
            "<34>1 2026-03-14T09:26:53.003Z fw.example.vn su 7 ID47 - text",
            "Rfc5424 34 2026-03-14T09:26:53.003Z - fw.example.vn su 7 ID47 | text",
        ),
        ("<0>1 - - - - - -", "Rfc5424 0 - - - - - - | "),
        (
            "<165>12 2026-03-14T09:26:53.000003-07:00 h a - - [x@1 k=\"v\"] \u{feff}Xin chào",
            "Rfc5424 165 2026-03-14T16:26:53.000003Z - h a - - | Xin chào",
        ),
        ("<165>1 - h a - - [x@1 k=\"a\\\"b\\]c\\\\d\"][y@1]", "Rfc5424 165 - - h a - - | "),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn what_deviates_from_rfc_5424_is_still_read() {
    for (text, expected) in [
        // A time without a zone, a lower-case letter, seven fraction digits.
        ("<13>1 2026-03-14T09:26:53 h a 1 - - text", "Rfc3164 13 2026-03-14T02:26:53.000Z - h a 1 - | text"),
        ("<13>1 2026-03-14t09:26:53Z h a 1 - - text", "Rfc3164 13 2026-03-14T09:26:53.000Z - h a 1 - | text"),
        (
            "<13>1 2026-03-14T09:26:53.1234567Z h a 1 M [a@1 b=\"c\"] text",
            "Rfc3164 13 2026-03-14T09:26:53.123456700Z - h a 1 M | text",
        ),
        // A backslash that escapes nothing; the parameters are read all the same.
        (
            "<13>1 2026-03-14T09:26:53Z h a - - [i k=\"C:\\new\"] text",
            "Rfc3164 13 2026-03-14T09:26:53.000Z - h a - - | text",
        ),
        // Structured data that repeats an id, an unescaped bracket, no structured data at all.
        (
            "<13>1 2026-03-14T09:26:53Z h a - - [i][i] text",
            "Rfc3164 13 2026-03-14T09:26:53.000Z - h - - - | a - - [i][i] text",
        ),
        (
            "<13>1 2026-03-14T09:26:53Z h CEF:0|V|P|1|2|N|3|",
            "Rfc3164 13 2026-03-14T09:26:53.000Z - h - - - | CEF:0|V|P|1|2|N|3|",
        ),
        ("<013>1 2026-03-14T09:26:53Z h a - - - text", "Rfc3164 13 2026-03-14T09:26:53.000Z - h a - - | text"),
        ("<1>1", "Bare 1 - - - - - - | 1"),
        ("<192>1 - - - - - - x", "None - - - - - - - | <192>1 - - - - - - x"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn rfc_3164_and_its_cousins() {
    for (text, expected) in [
        (
            "<38>Mar 14 09:26:53 web01 sshd[812]: Failed password",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - web01 sshd 812 - | Failed password",
        ),
        (
            "<38> Mar  4 09:26:53.25 web01 sshd[812] Failed",
            "Rfc3164 38 2026-03-04T02:26:53.250Z - web01 sshd 812 - | Failed",
        ),
        (
            "Mar 14 09:26:53 web01 kernel: [12.5] eth0 up",
            "Rfc3164 - 2026-03-14T02:26:53.000Z - web01 kernel - - | [12.5] eth0 up",
        ),
        ("<38>Mar 14 2026 09:26:53 UTC web01 su: x", "Rfc3164 38 2026-03-14T09:26:53.000Z - web01 su - - | x"),
        ("<38>Mar 14 09:26:53 2026 web01 su: x", "Rfc3164 38 2026-03-14T02:26:53.000Z - web01 su - - | x"),
        ("<38>Mar 14 09:26:53 +0000 web01 su: x", "Rfc3164 38 2026-03-14T09:26:53.000Z - web01 su - - | x"),
        ("<38>2026-03-14T09:26:53.5+07:00 web01 su: x", "Rfc3164 38 2026-03-14T02:26:53.500Z - web01 su - - | x"),
        ("<38>Mar 14 09:26:53 cron[7]: no host", "Rfc3164 38 2026-03-14T02:26:53.000Z - - cron 7 - | no host"),
        ("<38>cron[7]: nothing but a tag", "Rfc3164 38 - - - cron 7 - | nothing but a tag"),
        ("<38>Mar 14 09:26:53 2001:db8::1 sshd: x", "Rfc3164 38 2026-03-14T02:26:53.000Z - 2001:db8::1 sshd - - | x"),
        ("<38>Mar 14 09:26:53 [2001:db8::1] sshd: x", "Rfc3164 38 2026-03-14T02:26:53.000Z - 2001:db8::1 sshd - - | x"),
        ("<38>Mar 14 09:26:53 10.0.0.1:514 sshd: x", "Rfc3164 38 2026-03-14T02:26:53.000Z - 10.0.0.1 sshd - - | x"),
        (
            "<38>Mar 14 09:26:53 fw.example.vn: sshd: x",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - fw.example.vn sshd - - | x",
        ),
        (
            "<38>Mar 14 09:26:53 web01 /usr/sbin/cron[9]: x",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - web01 /usr/sbin/cron 9 - | x",
        ),
        ("<38>Mar 14 09:26:53 web01 prog:text", "Rfc3164 38 2026-03-14T02:26:53.000Z - web01 prog - - | text"),
        (
            "<38>Mar 14 09:26:53 web01 CEF:0|V|P|1|2|N|3|",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - web01 - - - | CEF:0|V|P|1|2|N|3|",
        ),
        ("<38>Mar 14 09:26:53 web01 http://a/b", "Rfc3164 38 2026-03-14T02:26:53.000Z - web01 - - - | http://a/b"),
        (
            "<38>Mar 14 09:26:53 lb01 notice mcpd[5]: pool down",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - lb01 mcpd 5 - | pool down",
        ),
        ("<38>Mar 14 09:26:53 slot2/lb01 notice mcpd[5]: x", "Rfc3164 38 2026-03-14T02:26:53.000Z - lb01 mcpd 5 - | x"),
        (
            "<38>Mar 14 09:26:53 relay Mar 14 09:26:51 origin sshd[1]: x",
            "Rfc3164 38 2026-03-14T02:26:51.000Z - origin sshd 1 - | x",
        ),
        (
            "<38>Mar 14 09:26:53 last message repeated 3 times",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - - - - - | last message repeated 3 times",
        ),
        (
            "<38>Mar 14 09:26:53 fw date=2026-03-14 devname=x",
            "Rfc3164 38 2026-03-14T02:26:53.000Z - fw - - - | date=2026-03-14 devname=x",
        ),
        ("<38>id=firewall sn=1 msg=\"x\"", "Bare 38 - - - - - - | id=firewall sn=1 msg=\"x\""),
        (
            "<134>1 1773480413.589 mx84 flows src=10.0.0.1",
            "Rfc3164 134 2026-03-14T09:26:53.589Z - mx84 - - - | flows src=10.0.0.1",
        ),
        (
            "<14>2026-03-14T09:26:53.5Z esx01 Hostd: info hostd[21] x",
            "Rfc3164 14 2026-03-14T09:26:53.500Z - esx01 Hostd - - | info hostd[21] x",
        ),
        (
            "2026-03-14T09:26:53+07:00 fw.example.vn 1,2026/03/14,THREAT",
            "Rfc3164 - 2026-03-14T02:26:53.000Z - fw.example.vn - - - | 1,2026/03/14,THREAT",
        ),
        (
            "2026-03-14T09:26:53.5Z 10.0.0.1 firewall,info drop",
            "Rfc3164 - 2026-03-14T09:26:53.500Z - 10.0.0.1 - - - | firewall,info drop",
        ),
        ("edge-01 tunneld[22]: up", "Rfc3164 - - - edge-01 tunneld 22 - | up"),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn cisco_and_huawei_forms() {
    for (text, expected) in [
        (
            "<189>123: *Mar  1 00:00:00.123: %SYS-5-CONFIG_I: x",
            "Rfc3164 189 2026-02-28T17:00:00.123Z #123 - - - - | %SYS-5-CONFIG_I: x",
        ),
        (
            "<189>000123: sw1: 77: .Mar 14 09:26:53 UTC: %LINK-3-UPDOWN: x",
            "Rfc3164 189 2026-03-14T09:26:53.000Z #77 sw1 - - - | %LINK-3-UPDOWN: x",
        ),
        (
            "<189>sw1: 2026 Mar 14 09:26:53 ICT: %ETH-2-X: y",
            "Rfc3164 189 2026-03-14T02:26:53.000Z - sw1 - - - | %ETH-2-X: y",
        ),
        ("<189>9: 3w2d: %SYS-6-X: y", "Rfc3164 189 - #9 - - - - | %SYS-6-X: y"),
        ("<189>9: 00:01:02: %SYS-6-X: y", "Rfc3164 189 - #9 - - - - | %SYS-6-X: y"),
        (
            "<166>:Mar 14 09:26:53 QQT: %ASA-6-302013: Built",
            "Rfc3164 166 2026-03-14T02:26:53.000Z - - - - - | %ASA-6-302013: Built",
        ),
        (
            "<166>Mar 14 2026 09:26:53 asa01 : %ASA-6-302013: Built",
            "Rfc3164 166 2026-03-14T02:26:53.000Z - asa01 - - - | %ASA-6-302013: Built",
        ),
        (
            "<189>Mar 14 09:27:00 10.0.0.7 71: *Mar 14 09:26:53.1: %SYS-5-CONFIG_I: Configured",
            "Rfc3164 189 2026-03-14T02:26:53.100Z #71 10.0.0.7 - - - | %SYS-5-CONFIG_I: Configured",
        ),
        (
            "<189>Mar 14 09:27:00 relay-1 71: sw-2: Mar 14 09:26:53.1: %SYS-5-CONFIG_I: Configured",
            "Rfc3164 189 2026-03-14T02:26:53.100Z #71 sw-2 - - - | %SYS-5-CONFIG_I: Configured",
        ),
        ("Mar 14 09:26:53 sw-1 71: 2 packets", "Rfc3164 - 2026-03-14T02:26:53.000Z - sw-1 - - - | 71: 2 packets"),
        (
            "<189>7: rt1 RP/0/RP0/CPU0:Mar 14 09:26:53.1 : sshd[5]: %SECURITY-6-X: y",
            "Rfc3164 189 2026-03-14T02:26:53.100Z #7 rt1 sshd 5 - | %SECURITY-6-X: y",
        ),
        (
            "<190>Mar 14 2026 09:26:53+07:00 HW-CORE %%01SHELL/5/CMD(s)[1]: x",
            "Rfc3164 190 2026-03-14T02:26:53.000Z - HW-CORE - - - | %%01SHELL/5/CMD(s)[1]: x",
        ),
        (
            "<190>2026-3-14 09:26:53 HW-CORE %%01SHELL/4/LOGIN(l)[5]: x",
            "Rfc3164 190 2026-03-14T02:26:53.000Z - HW-CORE - - - | %%01SHELL/4/LOGIN(l)[5]: x",
        ),
    ] {
        assert_eq!(summary(text), expected, "{text}");
    }
}

#[test]
fn lines_of_other_kinds_have_no_header() {
    for text in [
        "",
        " ",
        "plain text: with a colon",
        r#"{"time":"2026-03-14T09:26:53Z"}"#,
        "10.0.0.1 - - [14/Mar/2026:09:26:53 +0700] \"GET / HTTP/1.1\" 200 1",
        "2026-03-14 09:26:53,589 INFO  [main] com.example.App - started",
        "2026/03/14 09:26:53 [error] 9#0: *1 open() failed",
        "type=SYSCALL msg=audit(1773480413.589:77): arch=c000003e",
        "2026-03-14 09:26:53 10.0.0.1 GET / - 443 -",
        "<abc>x",
        "ERROR worker[3]: failed",
        "2026-03-14T09:26:53Z some words of text",
        "2026-03-14T09:26:53Z com.example.App started",
        "2026-03-14 09:26:53 com.example.app started",
        "[14/Mar/2026:09:26:53] x",
    ] {
        let header = read(text, RECEIVED, 0);
        assert_eq!((header.format, header.body), (HeaderFormat::None, text), "{text}");
    }
}

#[test]
fn what_is_inferred_is_marked() {
    let inferred = |text| read(text, RECEIVED, 0).inferred;
    assert_eq!(inferred("<38>Mar 14 09:26:53 h su: x"), Inferred { year: true, zone: true, order: false });
    assert_eq!(inferred("<38>Mar 14 2026 09:26:53 UTC h su: x"), Inferred::default());
    assert_eq!(inferred("<38>1 2026-03-14T09:26:53Z h - - - -"), Inferred::default());
}

#[test]
fn structured_data_is_unescaped() {
    let mut fields = Vec::new();
    let text = r#"[a@1 q="say \"hi\"" p="C:\\x" b="\]" n="\n"][b@2]"#;
    structured_data::read(text, &mut |key, value| fields.push(format!("{key}={}", value.to_text())))
        .expect("is structured data");
    let expected = [r#"a@1.q=say "hi""#, r"a@1.p=C:\x", "a@1.b=]", r"a@1.n=\n"];
    assert_eq!(fields, expected.map(|field| format!("log.syslog.structured_data.{field}")));
    for text in ["", "-", "[", "[a b]", "[a b=c]", "[a b=\"]\"]", "[a][a]", "[a b=\"\\\"]"] {
        assert!(structured_data::read(text, &mut |_, _| panic!("handed out")).is_err(), "{text}");
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn name(max: usize) -> impl Strategy<Value = Option<String>> {
        proptest::option::of(
            proptest::string::string_regex(&format!("[!-,.-~][!-~]{{0,{}}}", max - 1)).expect("a regex"),
        )
    }

    fn escape(value: &str) -> String {
        value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]")
    }

    proptest! {
        #[test]
        fn a_printed_rfc_5424_message_reads_back(
            pri in 0u8..=191, version in 1u16..=999, micros in 0i64..4_000_000_000_000_000,
            host in name(255), app in name(48), procid in name(128), msgid in name(32),
            parameters in proptest::collection::vec(("[a-z]{1,8}", "\\PC{0,20}"), 0..4), body in "[^\u{feff}\u{fffd}]{0,40}",
        ) {
            let dash = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
            let time = Timestamp(micros * 1_000);
            let data: String = parameters.iter().map(|(key, value)| format!(" {key}=\"{}\"", escape(value))).collect();
            let data = if parameters.is_empty() { "-".to_owned() } else { format!("[x@1{data}]") };
            let text = format!("<{pri}>{version} {time} {} {} {} {} {data} {body}", dash(&host), dash(&app), dash(&procid), dash(&msgid));
            let header = read(&text, RECEIVED, 0);
            prop_assert_eq!(header.format, HeaderFormat::Rfc5424);
            prop_assert_eq!(header.pri.map(|(facility, severity)| facility * 8 + severity.code()), Some(pri));
            prop_assert_eq!(header.version, Some(version));
            prop_assert_eq!(header.timestamp, Some(time));
            prop_assert_eq!(header.hostname, host.as_deref());
            prop_assert_eq!(header.app_name, app.as_deref());
            prop_assert_eq!(header.procid, procid.as_deref());
            prop_assert_eq!(header.msgid, msgid.as_deref());
            prop_assert_eq!(header.body, body);
            let mut read_back = Vec::new();
            if let Some(data) = header.structured_data {
                structured_data::visit(data, &mut |_, key, value| read_back.push((key.to_owned(), value.into_owned())))
                    .expect("is structured data");
            }
            prop_assert_eq!(read_back, parameters);
        }

        #[test]
        fn no_line_panics_and_the_body_is_its_tail(
            start in "(<[0-9]{1,3}>)?(1 )?", middle in "[ -~é\u{feff}]{0,60}", time in "(Mar 14 09:26:53 |2026-03-14T09:26:53Z |9: |)", end in "[ -~é]{0,40}",
        ) {
            for text in [format!("{start}{time}{middle}"), format!("{start}{middle}{time}{end}")] {
                let header = read(&text, RECEIVED, 0);
                prop_assert!(text.ends_with(header.body) || header.body.is_empty());
            }
        }
    }
}
