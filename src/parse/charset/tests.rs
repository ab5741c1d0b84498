//! Fixed vectors, and `iconv` as the oracle where it knows the character set.

use std::io::Write as _;
use std::process::Command;
use std::process::Stdio;

use super::*;

const SENTENCE: &str =
    "Ngày 14/3 người dùng Đỗ Thị Ngọc Ánh nộp hồ sơ trực tuyến, kết quả: không hợp lệ; sửa chữa đường ống ở xã Ỷ La";

fn iconv(text: &str, to: &str) -> Option<Vec<u8>> {
    let mut child = Command::new("iconv")
        .args(["-f", "UTF-8", "-t", to])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    output.status.success().then_some(output.stdout)
}

#[test]
fn utf_8_is_borrowed_and_what_is_not_is_marked() {
    let decoded = decode(SENTENCE.as_bytes(), Charset::Utf8);
    assert!(matches!(decoded, Decoded { text: Cow::Borrowed(text), lossless: true } if text == SENTENCE));
    assert_eq!(decode(b"a\xffb\0", Charset::Utf8), Decoded { text: "a\u{fffd}b\0".into(), lossless: false });
    for charset in Charset::ALL {
        assert!(matches!(decode(b"plain text", charset).text, Cow::Borrowed("plain text")), "{charset}");
    }
}

#[test]
fn known_bytes_decode() {
    for (charset, raw, expected) in [
        (Charset::Tcvn3, &b"Vi\xd6t Nam \xae\xb9i h\xe4c"[..], "Việt Nam đại học"),
        (Charset::Viscii, b"Vi\xaet Nam \xf0\xd5i h\xf7c", "Việt Nam đại học"),
        (Charset::Windows1258, b"Vi\xea\xf2t Nam \xf0a\xf2i ho\xf2c", "Việt Nam đại học"),
        (Charset::Vni, b"Vie\xe4t Nam \xf1a\xefi ho\xefc", "Việt Nam đại học"),
        (
            Charset::Vni,
            b"\xd1\xd6\xd4\xd8NG PHO\xc1 ng\xf6\xf4\xf8i th\xf6\xf9 t\xed x\xe6 k\xf3 \xf2 m\xee",
            "ĐƯỜNG PHỐ người thứ tí xỉ kĩ ị mỵ",
        ),
        (Charset::Vni, b"a\xe9 a\xe8 a\xfa a\xfc a\xeb e\xe1 e\xe0 e\xe5 e\xe3 o\xe4 y\xf5", "ắ ằ ẳ ẵ ặ ế ề ể ễ ộ ỹ"),
        (Charset::Windows1252, b"caf\xe9", "café"),
    ] {
        assert_eq!(decode(raw, charset), Decoded { text: expected.into(), lossless: true }, "{charset}");
    }
}

#[test]
fn iconv_agrees() {
    for (charset, name) in
        [(Charset::Tcvn3, "TCVN5712-1"), (Charset::Viscii, "VISCII"), (Charset::Windows1258, "CP1258")]
    {
        let Some(raw) = iconv(SENTENCE, name) else {
            eprintln!("no iconv for {name}: only the fixed vectors were checked");
            continue;
        };
        assert_eq!(decode(&raw, charset).text, SENTENCE, "{charset}");
        assert_eq!(suggest(&raw), Some(charset), "{charset}");
    }
}

#[test]
fn the_detector_suggests() {
    assert_eq!(suggest(b"plain"), None);
    assert_eq!(suggest("Tiếng Việt".as_bytes()), Some(Charset::Utf8));
    let vni = b"Ng\xf6\xf4\xf8i du\xf8ng \xf1a\xf5 no\xe4p ho\xe0 s\xf4 tr\xf6\xefc tuye\xe1n, ke\xe1t qua\xfb kho\xe2ng h\xf4\xefp le\xe4";
    assert_eq!(decode(vni, Charset::Vni).text, "Người dùng đã nộp hồ sơ trực tuyến, kết quả không hợp lệ");
    assert_eq!(suggest(vni), Some(Charset::Vni));
    assert_eq!(suggest(&[0xff, 0xfe, 0x80, 0x81]), None);
}

#[test]
fn names_read_back() {
    for charset in Charset::ALL {
        assert_eq!(charset.as_str().parse(), Ok(charset));
    }
    assert_eq!("TCVN-5712".parse(), Ok(Charset::Tcvn3));
    assert!("ebcdic".parse::<Charset>().is_err());
}

proptest::proptest! {
    #[test]
    fn any_bytes_decode(raw in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        for charset in Charset::ALL {
            proptest::prop_assert!(raw.is_empty() || !decode(&raw, charset).text.is_empty());
        }
        suggest(&raw);
    }
}
