//! GELF, the format of Graylog's senders: JSON objects over UDP, packed and in chunks, or over TCP with a NUL behind each.
//!
//! What is kept is the object itself: chunks are put together and what was packed is unpacked, for nobody can search the rest.

pub mod chunks;
pub mod tcp;
pub mod udp;

use std::io::Read;

use flate2::read::GzDecoder;
use flate2::read::ZlibDecoder;

/// Why a message is not kept as it was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packed {
    /// Unpacked, or never packed; `truncated` when there was more than the limit.
    Text {
        truncated: bool,
    },
    Broken,
}

/// Unpacks a message into `out`, up to the limit: a bomb costs no more than the longest honest message.
fn unpack(message: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Packed {
    let limit = bytes_max as u64 + 1;
    let read = match message {
        [0x1f, 0x8b, ..] => GzDecoder::new(message).take(limit).read_to_end(out),
        // CMF and FLG of zlib: deflate, and a multiple of 31 together.
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) => {
            ZlibDecoder::new(message).take(limit).read_to_end(out)
        }
        _ => message.take(limit).read_to_end(out),
    };
    let truncated = out.len() > bytes_max;
    out.truncate(bytes_max);
    match read {
        Ok(_) => Packed::Text { truncated },
        Err(_) => Packed::Broken,
    }
}
