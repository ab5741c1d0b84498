//! One frame: version, kind, and what the kind says. Cut from a buffer, without I/O.

use std::io::Read;

use bytes::Buf;
use bytes::Bytes;
use bytes::BytesMut;
use flate2::read::ZlibDecoder;

/// The longest document and the longest compressed block; a whole block unpacks to no more than this.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;
const WINDOW_MAX: u32 = 1 << 20;
const VERSION: u8 = b'2';

/// What a sender says.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// So many events follow until an acknowledgement is waited for.
    Window(u32),
    /// One event.
    Json { sequence: u32, document: Bytes },
    /// Frames, packed by zlib.
    Compressed(Bytes),
}

/// Why a connection is given up.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    #[error("byte {0:#04x} is no version this input speaks (2)")]
    Version(u8),
    #[error("byte {0:#04x} is no kind of frame")]
    Kind(u8),
    #[error("a length of {0} is over the limit")]
    TooLong(u32),
    #[error("a compressed block is broken or unpacks to more than the limit")]
    Packing,
    #[error("a compressed block ends inside a frame")]
    Cut,
}

/// Cuts one frame off the buffer; `None` when more must be read.
pub fn next(buffer: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
    let mut head = &buffer[..];
    if head.is_empty() {
        return Ok(None);
    }
    match head.get_u8() {
        VERSION => {}
        other => return Err(FrameError::Version(other)),
    }
    let Ok(kind) = head.try_get_u8() else { return Ok(None) };
    match kind {
        b'W' => {
            let Ok(count) = head.try_get_u32() else { return Ok(None) };
            if count > WINDOW_MAX {
                return Err(FrameError::TooLong(count));
            }
            buffer.advance(6);
            Ok(Some(Frame::Window(count)))
        }
        b'J' => {
            let Ok(sequence) = head.try_get_u32() else { return Ok(None) };
            let Ok(length) = head.try_get_u32() else { return Ok(None) };
            let document = payload(buffer, 10, length)?;
            Ok(document.map(|document| Frame::Json { sequence, document }))
        }
        b'C' => {
            let Ok(length) = head.try_get_u32() else { return Ok(None) };
            Ok(payload(buffer, 6, length)?.map(Frame::Compressed))
        }
        other => Err(FrameError::Kind(other)),
    }
}

fn payload(buffer: &mut BytesMut, head_bytes: usize, length: u32) -> Result<Option<Bytes>, FrameError> {
    let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= PAYLOAD_BYTES_MAX);
    let bytes = bytes.ok_or(FrameError::TooLong(length))?;
    if buffer.len() < head_bytes + bytes {
        return Ok(None);
    }
    buffer.advance(head_bytes);
    Ok(Some(buffer.split_to(bytes).freeze()))
}

/// Unpacks a block up to the limit and cuts it into its frames; a block inside a block is none.
pub fn unpack(packed: &[u8]) -> Result<Vec<Frame>, FrameError> {
    let mut unpacked = Vec::new();
    let mut reader = ZlibDecoder::new(packed).take(PAYLOAD_BYTES_MAX as u64 + 1);
    reader.read_to_end(&mut unpacked).map_err(|_| FrameError::Packing)?;
    if unpacked.len() > PAYLOAD_BYTES_MAX {
        return Err(FrameError::Packing);
    }
    let mut buffer = BytesMut::from(&unpacked[..]);
    let mut frames = Vec::new();
    while let Some(frame) = next(&mut buffer)? {
        match frame {
            Frame::Compressed(_) => return Err(FrameError::Packing),
            frame => frames.push(frame),
        }
    }
    if buffer.is_empty() { Ok(frames) } else { Err(FrameError::Cut) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_bytes_are_refused_with_a_reason() {
        for (bytes, why) in [
            (&b"1W\0\0\0\x01"[..], FrameError::Version(b'1')),
            (b"GET / HTTP/1.1", FrameError::Version(b'G')),
            (b"2D\0\0\0\x01", FrameError::Kind(b'D')),
            (b"2W\xff\xff\xff\xff", FrameError::TooLong(u32::MAX)),
            (b"2J\0\0\0\x01\xff\xff\xff\xff", FrameError::TooLong(u32::MAX)),
            (b"2C\x7f\xff\xff\xff", FrameError::TooLong(0x7fff_ffff)),
        ] {
            assert_eq!(next(&mut BytesMut::from(bytes)), Err(why));
        }
        assert_eq!(unpack(b"no zlib"), Err(FrameError::Packing));
    }

    proptest! {
        #[test]
        fn cut_anywhere_the_frames_are_the_same(
            documents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 1..6), cut in any::<proptest::sample::Index>()
        ) {
            let mut bytes = vec![b'2', b'W', 0, 0, 0, documents.len() as u8];
            for (nth, document) in documents.iter().enumerate() {
                bytes.extend([b'2', b'J', 0, 0, 0, nth as u8 + 1, 0, 0, 0, document.len() as u8]);
                bytes.extend(document);
            }
            let (first, second) = bytes.split_at(cut.index(bytes.len()));
            let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
            for part in [first, second] {
                buffer.extend_from_slice(part);
                while let Some(frame) = next(&mut buffer).expect("right") {
                    frames.push(frame);
                }
            }
            prop_assert_eq!(frames.len(), documents.len() + 1);
            for (frame, expected) in frames.iter().skip(1).zip(&documents) {
                let is_it = matches!(frame, Frame::Json { document, .. } if document[..] == expected[..]);
                prop_assert!(is_it);
            }
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            drop(next(&mut BytesMut::from(&bytes[..])));
            drop(unpack(&bytes));
        }
    }
}
