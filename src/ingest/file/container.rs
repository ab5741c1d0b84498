//! Lines that a container runtime cut because they were long: what of them is text, and whether they go on.
//!
//! CRI (containerd, CRI-O) marks a cut line with `P` and the last part with `F`; Docker's json-file leaves out the newline
//! at the end of `log`. Parts of the two streams of a container may alternate: a part is joined only to the one before it.

/// What one line of a runtime says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part<'l> {
    /// `stdout` or `stderr`.
    stream: &'l [u8],
    pub(super) text: &'l [u8],
    /// Where the text ends in the line.
    pub(super) end: usize,
    pub(super) is_cut: bool,
    /// Where the flag of CRI stands, which is `F` once the line is whole.
    pub(super) flag: Option<usize>,
}

/// Takes a line apart; `None` when no runtime wrote it.
pub(super) fn part(line: &[u8]) -> Option<Part<'_>> {
    if line.first() == Some(&b'{') { docker(line) } else { cri(line) }
}

/// Says whether a part belongs to the line that began: the same runtime, the same stream.
pub(super) fn is_of(first: &[u8], next: &Part<'_>) -> bool {
    part(first)
        .is_some_and(|first| first.is_cut && first.stream == next.stream && first.flag.is_some() == next.flag.is_some())
}

/// `2026-03-14T02:26:53.1Z stdout P text`
fn cri(line: &[u8]) -> Option<Part<'_>> {
    let time = memchr::memchr(b' ', line).filter(|time| *time >= 20 && line.get(10) == Some(&b'T'))?;
    let after = line.get(time + 1..)?;
    let length = memchr::memchr(b' ', after)?;
    let stream = after.get(..length).filter(|stream| matches!(*stream, b"stdout" | b"stderr"))?;
    let flag = time + 1 + length + 1;
    // Tags may follow the flag, with colons between.
    let is_cut = match line.get(flag)? {
        b'P' => true,
        b'F' => false,
        _ => return None,
    };
    let rest = line.get(flag..)?;
    let text = match memchr::memchr(b' ', rest) {
        Some(blank) => rest.get(blank + 1..)?,
        None => &[],
    };
    Some(Part { stream, text, end: line.len(), is_cut, flag: Some(flag) })
}

/// `{"log":"text\n","stream":"stdout","time":"…"}`
fn docker(line: &[u8]) -> Option<Part<'_>> {
    let start = memchr::memmem::find(line, b"\"log\":\"")? + b"\"log\":\"".len();
    let end = start + quote_end(line.get(start..)?)?;
    let text = line.get(start..end)?;
    let rest = line.get(end..)?;
    let stream = [b"\"stdout\"", b"\"stderr\""]
        .into_iter()
        .find_map(|name| memchr::memmem::find(rest, name).and_then(|at| rest.get(at + 1..at + name.len() - 1)))?;
    Some(Part { stream, text, end, is_cut: !text.ends_with(b"\\n"), flag: None })
}

/// Finds the quote that ends a JSON string.
fn quote_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'"', b'\\', text.get(from..)?) {
        let at = from + at;
        if text.get(at) == Some(&b'"') {
            return Some(at);
        }
        from = at + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use bytes::Bytes;

    use crate::ingest::file::Joining;
    use crate::ingest::file::Multiline;
    use crate::ingest::file::lines::Joiner;
    use crate::ingest::file::lines::Splitter;

    fn joined(text: &str, lines_max: usize, bytes_max: usize) -> Vec<(String, u64)> {
        let rules =
            Multiline { joining: Joining::Container, lines_max: NonZeroUsize::new(lines_max).expect("not zero") };
        let (mut splitter, mut joiner) = (Splitter::new(bytes_max, 0), Joiner::new(bytes_max, 0));
        let (mut lines, mut out) = (Vec::new(), Vec::new());
        splitter.feed(&Bytes::copy_from_slice(text.as_bytes()), &mut lines);
        joiner.feed(&rules, lines, &mut out);
        joiner.flush(&mut out);
        out.iter().map(|line| (String::from_utf8_lossy(&line.raw).into_owned(), line.end)).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        joined(text, 500, 65_536).into_iter().map(|(text, _)| text).collect()
    }

    const TIME: &str = "2026-03-14T02:26:53.123456789Z";

    #[test]
    fn what_cri_cut_is_put_together() {
        let text = format!(
            "{TIME} stdout F one\n{TIME} stdout P be\n{TIME} stdout P ginn\n{TIME} stdout F ing end\n{TIME} stderr F two\n"
        );
        let whole =
            [format!("{TIME} stdout F one"), format!("{TIME} stdout F beginning end"), format!("{TIME} stderr F two")];
        assert_eq!(texts(&text), whole);
        assert_eq!(joined(&text, 500, 65_536)[1].1 as usize, text.find("ing end").expect("there") + 8);
    }

    #[test]
    fn what_docker_cut_is_put_together() {
        let line =
            |log: &str, stream: &str| format!("{{\"log\":\"{log}\",\"stream\":\"{stream}\",\"time\":\"{TIME}\"}}\n");
        let text = [
            line("whole \\\"quoted\\\"\\n", "stdout"),
            line("a \\\\", "stdout"),
            line("n b", "stdout"),
            line(" c\\n", "stdout"),
            line("other\\n", "stderr"),
        ]
        .concat();
        let whole =
            [line("whole \\\"quoted\\\"\\n", "stdout"), line("a \\\\n b c\\n", "stdout"), line("other\\n", "stderr")];
        assert_eq!(texts(&text), whole.map(|line| line.trim_end().to_owned()));
    }

    #[test]
    fn what_does_not_belong_together_stays_apart() {
        for text in [
            format!("{TIME} stdout P a\n{TIME} stderr F b\n{TIME} stdout F c\n"),
            format!("{TIME} stdout P a\nplain text\n{TIME} stdout F c\n"),
            format!("{TIME} stdout P a\n{{\"log\":\"b\\n\",\"stream\":\"stdout\"}}\n"),
            "{\"log\":\"open\n{\"log\":\n\n".to_owned(),
        ] {
            let lines: Vec<String> = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
            assert_eq!(texts(&text), lines);
        }
    }

    #[test]
    fn there_are_limits() {
        let text: String = (0..10).map(|_| format!("{TIME} stdout P 0123456789\n")).collect();
        assert_eq!(joined(&text, 4, 65_536).len(), 3);
        assert!(joined(&text, 500, 100).iter().all(|(line, _)| line.len() <= 100));
    }
}
