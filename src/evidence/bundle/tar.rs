//! The archive of a bundle: POSIX ustar, without anything that differs from run to run.

use crate::evidence::said::Said;
use crate::evidence::said::said;

/// Everything in an archive comes in blocks of this size.
pub(super) const BLOCK: usize = 512;
const NAME_BYTES_MAX: usize = 100;

/// Writes one member.
pub(super) fn push(archive: &mut Vec<u8>, name: &str, content: &[u8]) {
    archive.extend(header(name, content.len() as u64));
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}

/// Ends the archive.
pub(super) fn finish(archive: &mut Vec<u8>) {
    archive.resize(archive.len() + 2 * BLOCK, 0);
}

/// The header of a plain file, mode 0644, owned by root, dated 1970.
fn header(name: &str, size: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = header.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, name.as_bytes().get(..NAME_BYTES_MAX).unwrap_or(name.as_bytes()));
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0        0");
    put(257, b"ustar\x0000root");
    put(297, b"root");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(place) = header.get_mut(148..156) {
        place.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    header
}

/// A member as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) name: &'a str,
    /// Where its content begins in the archive.
    pub(super) offset: u64,
    pub(super) content: &'a [u8],
}

/// A place of the archive that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) offset: u64,
    pub(super) what: Said,
}

/// Reads an archive that `push` and `finish` wrote; whatever else stands in it is told.
pub(super) fn read(archive: &[u8]) -> (Vec<Member<'_>>, Vec<Wrong>) {
    let (mut members, mut wrong) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(found) = archive.get(at..at + BLOCK).filter(|block| block.iter().any(|byte| *byte != 0)) {
        let Some((name, size)) = name_and_size(found) else {
            wrong.push(Wrong {
                offset: at as u64,
                what: (
                    "the header of a member, the 512 bytes from here, was changed",
                    "phần đầu của một tệp thành phần, 512 byte kể từ đây, đã bị đổi",
                )
                    .into(),
            });
            return (members, wrong);
        };
        let expected = header(name, size);
        let different: Vec<usize> = (0..BLOCK).filter(|index| found.get(*index) != expected.get(*index)).collect();
        if let Some(first) = different.first() {
            let offset = if different.len() == 1 { at + first } else { at };
            wrong.push(Wrong {
                offset: offset as u64,
                what: said!(
                    "the header of `{name}`, the 512 bytes from {at}, was changed",
                    "phần đầu của `{name}`, 512 byte kể từ {at}, đã bị đổi",
                ),
            });
        }
        let start = at + BLOCK;
        let content = usize::try_from(size).ok().and_then(|size| archive.get(start..start.checked_add(size)?));
        let Some(content) = content else {
            let what = said!("`{name}` does not end within the bundle", "`{name}` không kết thúc trong gói");
            wrong.push(Wrong { offset: at as u64, what });
            return (members, wrong);
        };
        let end = start + content.len();
        at = end.next_multiple_of(BLOCK);
        not_zero(archive, end..at, &mut wrong);
        members.push(Member { name, offset: start as u64, content });
    }
    not_zero(archive, at..archive.len(), &mut wrong);
    if archive.len() != at + 2 * BLOCK {
        wrong.push(Wrong {
            offset: archive.len().min(at + 2 * BLOCK) as u64,
            what: ("the bundle does not end where it should", "gói không kết thúc đúng chỗ").into(),
        });
    }
    (members, wrong)
}

fn not_zero(archive: &[u8], range: std::ops::Range<usize>, wrong: &mut Vec<Wrong>) {
    let start = range.start;
    let place = archive.get(range).unwrap_or_default().iter().position(|byte| *byte != 0);
    wrong.extend(place.map(|at| Wrong {
        offset: (start + at) as u64,
        what: ("this byte between members was changed", "byte này giữa các tệp thành phần đã bị đổi").into(),
    }));
}

fn name_and_size(header: &[u8]) -> Option<(&str, u64)> {
    let name = header.get(..NAME_BYTES_MAX)?.split(|byte| *byte == 0).next()?;
    let name = std::str::from_utf8(name).ok()?;
    let size = std::str::from_utf8(header.get(124..135)?).ok()?;
    let is_octal = size.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    is_octal.then(|| u64::from_str_radix(size, 8).ok())?.map(|size| (name, size))
}
