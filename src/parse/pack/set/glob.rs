//! Matching with `*` for any run of characters, ASCII case aside: the wildcards of pack files.

/// Says whether a text fits a pattern; linear but for the number of stars.
pub(in crate::parse::pack) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(t) {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(want) if want.eq_ignore_ascii_case(byte) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, expected) in [
            ("sshd", "SSHD", true),
            ("postfix/*", "postfix/smtpd", true),
            ("*login*", "wp-login.php", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b", "acd", false),
            ("", "", true),
            ("*", "", true),
            ("sshd", "sshd2", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
