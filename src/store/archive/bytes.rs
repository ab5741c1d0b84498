//! Reading and writing the bytes of an archive: numbers, texts, planes of bytes, compressed frames.

use std::cell::RefCell;

use zstd::bulk::Compressor;
use zstd::bulk::Decompressor;

use crate::store::format::varint;

/// A frame never unpacks to more than this.
const FRAME_BYTES_MAX: usize = 512 << 20;

/// Writes how many bytes each number takes, then all highest bytes, then the next: like stands beside like.
pub(super) fn put_planes(out: &mut Vec<u8>, numbers: &[u64]) {
    let most = numbers.iter().copied().max().unwrap_or(0);
    let width = 8 - most.leading_zeros() / 8;
    out.push(width as u8);
    for plane in (0..width).rev() {
        out.extend(numbers.iter().map(|number| (number >> (8 * plane)) as u8));
    }
}

/// Compresses; what stands before it tells how long both forms are.
pub(super) fn put_frame(out: &mut Vec<u8>, plain: &[u8], packer: &mut Compressor<'_>) -> std::io::Result<()> {
    let packed = packer.compress(plain)?;
    varint::put(out, plain.len() as u64);
    varint::put_bytes(out, &packed);
    Ok(())
}

/// Reads bytes from the front; every method gives `None` when they are not what was written.
pub(super) struct Input<'b> {
    rest: &'b [u8],
}

impl<'b> Input<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Input<'b> {
        Input { rest: bytes }
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// Returns what is left without stepping over it.
    pub(super) fn rest(&self) -> &'b [u8] {
        self.rest
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        varint::take(&mut self.rest)
    }

    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'b [u8]> {
        let length = self.size()?;
        self.take(length)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }

    /// Reads what [`put_planes`] wrote of so many numbers.
    pub(super) fn planes(&mut self, count: usize) -> Option<Vec<u64>> {
        let width = usize::from(self.byte()?);
        let bytes = self.take(width.checked_mul(count)?)?;
        let mut numbers = vec![0_u64; if width > 8 { return None } else { count }];
        for plane in bytes.chunks_exact(count.max(1)) {
            for (number, byte) in numbers.iter_mut().zip(plane) {
                *number = *number << 8 | u64::from(*byte);
            }
        }
        Some(numbers)
    }

    /// Steps over a frame and returns it, to be unpacked when it is needed.
    pub(super) fn frame(&mut self) -> Option<Frame<'b>> {
        let plain_bytes = self.size().filter(|size| *size <= FRAME_BYTES_MAX)?;
        Some(Frame { plain_bytes, packed: self.bytes()? })
    }
}

/// A compressed frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'b> {
    pub(super) plain_bytes: usize,
    packed: &'b [u8],
}

thread_local! {
    /// Kept, because a chunk has hundreds of small frames, and making one takes longer than unpacking such a frame.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

impl Frame<'_> {
    pub(super) fn unpack(&self) -> Option<Vec<u8>> {
        let plain = UNPACKER.with_borrow_mut(|unpacker| {
            let unpacker = match unpacker {
                Some(unpacker) => unpacker,
                None => unpacker.insert(Decompressor::new().ok()?),
            };
            unpacker.decompress(self.packed, self.plain_bytes).ok()
        });
        plain.filter(|plain| plain.len() == self.plain_bytes)
    }
}
