//! JSON that knows when a byte of it has changed: its last member is the CRC32C of all bytes before that member.

/// Stands before the eight digits.
const MEMBER: &[u8] = b",\"check\":\"";
/// Stands after them.
const END: &[u8] = b"\"}";
const DIGITS: usize = 8;

/// Adds the member to an object, which has another member already and ends with `}`.
pub fn with_check(mut object: Vec<u8>) -> Vec<u8> {
    object.pop();
    while object.last().is_some_and(u8::is_ascii_whitespace) {
        object.pop();
    }
    let check = format!("{:08x}", crc32c::crc32c(&object));
    object.extend(MEMBER);
    object.extend(check.bytes());
    object.extend(END);
    object
}

/// What the check says of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    Right,
    /// There is no such member: an older program wrote it, or it was cut off.
    Missing,
    /// Something was changed; the offset where a single byte must have been, when there is one such.
    Changed(Option<usize>),
}

/// Checks bytes that [`with_check`] made.
pub fn check(bytes: &[u8]) -> Checked {
    let Some((body, trailer)) = bytes.len().checked_sub(trailer_length()).and_then(|at| bytes.split_at_checked(at))
    else {
        return Checked::Missing;
    };
    let right = crc32c::crc32c(body);
    let mut expected = MEMBER.to_vec();
    expected.extend(format!("{right:08x}").bytes());
    expected.extend(END);
    let different: Vec<usize> =
        trailer.iter().zip(&expected).enumerate().filter(|(_, (a, b))| a != b).map(|(at, _)| at).collect();
    let digits = trailer.get(MEMBER.len()..MEMBER.len() + DIGITS).unwrap_or_default();
    let stored = std::str::from_utf8(digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
    let is_framed = trailer.starts_with(MEMBER) && trailer.ends_with(END);
    match (different.as_slice(), stored) {
        ([], _) => Checked::Right,
        ([one], _) => Checked::Changed(Some(body.len() + one)),
        (_, Some(stored)) if is_framed => Checked::Changed(flipped_byte(body, stored)),
        _ => Checked::Missing,
    }
}

fn trailer_length() -> usize {
    MEMBER.len() + DIGITS + END.len()
}

/// Finds the one byte whose change explains that the CRC32C of `bytes` is not `expected`; `None` when it takes more.
///
/// One pass over the positions, whatever the change was: some milliseconds for a megabyte.
pub fn flipped_byte(bytes: &[u8], expected: u32) -> Option<usize> {
    // The CRC is linear: what a changed byte adds to it depends on the change and on how many bytes follow alone. Going
    // back over the bytes that follow must end at what a single byte can be.
    let mut state = crc32c::crc32c(bytes) ^ expected;
    if state == 0 {
        return None;
    }
    let table: [u32; 256] = std::array::from_fn(|byte| step_bits(byte as u32));
    // The highest bytes of the table's entries are all different.
    let mut by_high_byte = [0_u8; 256];
    for (byte, entry) in (0..=255_u8).zip(&table) {
        if let Some(place) = by_high_byte.get_mut((entry >> 24) as usize) {
            *place = byte;
        }
    }
    let mut found = None;
    for at in (0..bytes.len()).rev() {
        let byte = by_high_byte.get((state >> 24) as usize).copied().unwrap_or(0);
        let entry = table.get(usize::from(byte)).copied().unwrap_or(0);
        if entry == state {
            // Two places that explain it equally well: neither is named.
            found = if found.is_none() { Some(at) } else { return None };
        }
        state = ((state ^ entry) << 8) | u32::from(byte);
    }
    found
}

/// One byte through the shift register of CRC32C, reflected.
fn step_bits(byte: u32) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    (0..8).fold(byte, |state, _| if state & 1 == 1 { (state >> 1) ^ POLYNOMIAL } else { state >> 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_byte_is_named() {
        let right = with_check(b"{\n  \"n\": 7,\n  \"text\": \"abc\"\n}".to_vec());
        assert_eq!(check(&right), Checked::Right);
        assert!(serde_json::from_slice::<serde_json::Value>(&right).is_ok());
        for at in 0..right.len() {
            for change in [1, 0x20, 0x80, 0xff] {
                let mut flipped = right.clone();
                flipped[at] ^= change;
                assert_eq!(check(&flipped), Checked::Changed(Some(at)), "byte {at} changed by {change:#x}");
            }
        }
        assert_eq!(check(b"{\"n\":7}"), Checked::Missing);
        assert_eq!(check(b""), Checked::Missing);
        let cut = right.get(..right.len() - 3).expect("longer");
        assert_ne!(check(cut), Checked::Right);
    }

    #[test]
    fn two_changed_bytes_are_not_one() {
        let bytes: Vec<u8> = (0..4096_u32).map(|number| (number * 7) as u8).collect();
        let right = crc32c::crc32c(&bytes);
        let mut changed = bytes.clone();
        changed[1000] ^= 4;
        assert_eq!(flipped_byte(&changed, right), Some(1000));
        changed[3000] ^= 4;
        assert_eq!(flipped_byte(&changed, right), None);
        assert_eq!(flipped_byte(&bytes, right), None);
    }
}
