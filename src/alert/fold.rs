//! Text without accents or case, so that `dang nhap` finds `Đăng nhập`.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Folds a text: lower case, no combining marks, `đ` as `d`.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_fall_away() {
        for (text, folded) in [
            ("SSH Brute", "ssh brute"),
            ("Đăng nhập ngoài giờ", "dang nhap ngoai gio"),
            ("QUÉT CỔNG", "quet cong"),
            ("hoa\u{300}", "hoa"),
            ("10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(fold(text), folded);
        }
    }
}
