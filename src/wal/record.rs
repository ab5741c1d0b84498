//! One record: how it is written and read back.
//!
//! `marker u32, crc u32, length u32, body`; the CRC covers length and body and starts from a value made of the
//! segment's salt. So bytes inside a log line, or left over from another segment, can never pass for a record.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::ingest::intake::Frame;
use crate::ingest::intake::Place;
use crate::model::Envelope;
use crate::model::EventId;
use crate::model::Origin;
use crate::model::Timestamp;

/// The largest payload kept; a longer one is cut and marked. Inputs have lower limits of their own.
pub const RAW_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Marker, CRC and length.
pub(super) const HEAD_BYTES: usize = 12;
/// The shortest record there is (a mark); a damaged stretch of n bytes held at most n / this many events.
pub(super) const RECORD_BYTES_MIN: u64 = 21;
/// Body limit: payload, two short texts and the fixed fields, generously.
pub(super) const BODY_BYTES_MAX: usize = RAW_BYTES_MAX + 1024;

const KIND_EVENT: u8 = 1;
const KIND_PLACE: u8 = 2;
const KIND_SYNCED: u8 = 3;

const FLAG_TRUNCATED: u8 = 1;
const FLAG_PEER_V4: u8 = 1 << 1;
const FLAG_PEER_V6: u8 = 1 << 2;
const FLAG_IDENTITY: u8 = 1 << 3;
const FLAG_PLACE: u8 = 1 << 4;
const FLAGS_KNOWN: u8 = FLAG_TRUNCATED | FLAG_PEER_V4 | FLAG_PEER_V6 | FLAG_IDENTITY | FLAG_PLACE;

/// What makes one segment's records unlike any other's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    pub marker: [u8; 4],
    pub crc_seed: u32,
}

/// A record read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Event(Envelope, Option<Place>),
    /// A place carried over from earlier segments.
    Place(Place),
    /// Everything before this offset of the segment had been synced when the mark was written.
    Synced(u64),
}

/// Appends an event's record to `out`.
pub(super) fn put_event(out: &mut Vec<u8>, key: Key, id: EventId, frame: &Frame, place: Option<&Place>) {
    let input = short(&frame.origin.input);
    let identity = frame.origin.identity.as_deref().map(short);
    let raw = frame.raw.get(..RAW_BYTES_MAX).unwrap_or(&frame.raw);
    let mut flags = 0;
    if frame.truncated || raw.len() < frame.raw.len() {
        flags |= FLAG_TRUNCATED;
    }
    flags |= match frame.origin.peer {
        None => 0,
        Some(SocketAddr::V4(_)) => FLAG_PEER_V4,
        Some(SocketAddr::V6(_)) => FLAG_PEER_V6,
    };
    flags |= if identity.is_some() { FLAG_IDENTITY } else { 0 };
    flags |= if place.is_some() { FLAG_PLACE } else { 0 };

    let start = begin(out, key);
    out.push(KIND_EVENT);
    out.push(flags);
    out.extend_from_slice(&id.0.to_le_bytes());
    out.extend_from_slice(&frame.received.0.to_le_bytes());
    put_short(out, input);
    if let Some(peer) = frame.origin.peer {
        match peer.ip() {
            IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
        }
        out.extend_from_slice(&peer.port().to_le_bytes());
    }
    if let Some(identity) = identity {
        put_short(out, identity);
    }
    if let Some(place) = place {
        put_place_fields(out, place);
    }
    out.extend_from_slice(raw);
    finish(out, key, start);
}

/// Appends the record of a carried place.
pub(super) fn put_place(out: &mut Vec<u8>, key: Key, place: &Place) {
    let start = begin(out, key);
    out.push(KIND_PLACE);
    put_place_fields(out, place);
    finish(out, key, start);
}

/// Appends the mark that everything before `offset` is synced.
pub(super) fn put_synced(out: &mut Vec<u8>, key: Key, offset: u64) {
    let start = begin(out, key);
    out.push(KIND_SYNCED);
    out.extend_from_slice(&offset.to_le_bytes());
    finish(out, key, start);
}

fn begin(out: &mut Vec<u8>, key: Key) -> usize {
    let start = out.len();
    out.extend_from_slice(&key.marker);
    out.extend_from_slice(&[0; 8]);
    start
}

fn finish(out: &mut [u8], key: Key, start: usize) {
    let body_bytes = out.len() - start - HEAD_BYTES;
    let length = u32::try_from(body_bytes).expect("payload and texts are bounded far below 4 GiB");
    out[start + 8..start + 12].copy_from_slice(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(key.crc_seed, &out[start + 8..]);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// Cuts a text to the 255 bytes its length field can say, at a character boundary.
fn short(text: &str) -> &str {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn put_short(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).expect("cut to 255 bytes by `short`"));
    out.extend_from_slice(text.as_bytes());
}

fn put_place_fields(out: &mut Vec<u8>, place: &Place) {
    out.extend_from_slice(&place.device.to_le_bytes());
    out.extend_from_slice(&place.inode.to_le_bytes());
    out.extend_from_slice(&place.offset.to_le_bytes());
    out.extend_from_slice(&place.head_bytes.to_le_bytes());
    out.extend_from_slice(&place.tail_bytes.to_le_bytes());
    out.extend_from_slice(&place.head_crc.to_le_bytes());
    out.extend_from_slice(&place.tail_crc.to_le_bytes());
}

/// Reads the length of the body from a record's head; `None` when the head is none.
pub(super) fn body_bytes(head: &[u8], key: Key) -> Option<usize> {
    let mut head = Cursor(head);
    if head.array::<4>()? != key.marker {
        return None;
    }
    head.array::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(head.array()?)).ok()?;
    (1..=BODY_BYTES_MAX).contains(&length).then_some(length)
}

/// Returns the body of a whole record when its CRC is right.
pub(super) fn checked_body(record: &[u8], key: Key) -> Option<&[u8]> {
    let mut cursor = Cursor(record);
    cursor.array::<4>()?;
    let crc = u32::from_le_bytes(cursor.array()?);
    (crc32c::crc32c_append(key.crc_seed, cursor.0) == crc).then(|| cursor.0.get(4..))?
}

/// Reads bodies; shares the origin between records that name the same one.
#[derive(Debug, Default)]
pub(super) struct BodyReader {
    origin: Arc<Origin>,
}

impl BodyReader {
    /// Reads a body; `None` when it is not one this version writes.
    pub(super) fn read(&mut self, body: &[u8]) -> Option<Record> {
        let mut cursor = Cursor(body);
        match cursor.byte()? {
            KIND_EVENT => self.event(cursor),
            KIND_PLACE => Some(Record::Place(cursor.place()?)),
            KIND_SYNCED => Some(Record::Synced(u64::from_le_bytes(cursor.array()?))),
            _ => None,
        }
    }

    fn event(&mut self, mut cursor: Cursor<'_>) -> Option<Record> {
        let flags = cursor.byte()?;
        if flags & !FLAGS_KNOWN != 0 {
            return None;
        }
        let id = EventId(u64::from_le_bytes(cursor.array()?));
        let received = Timestamp(i64::from_le_bytes(cursor.array()?));
        let input = cursor.short()?;
        let peer = match flags & (FLAG_PEER_V4 | FLAG_PEER_V6) {
            0 => None,
            FLAG_PEER_V4 => Some(cursor.peer::<4>()?),
            _ => Some(cursor.peer::<16>()?),
        };
        let identity = if flags & FLAG_IDENTITY == 0 { None } else { Some(cursor.short()?) };
        let place = if flags & FLAG_PLACE == 0 { None } else { Some(cursor.place()?) };
        let envelope = Envelope {
            id,
            received,
            origin: self.origin(input, peer, identity),
            truncated: flags & FLAG_TRUNCATED != 0,
            raw: Bytes::copy_from_slice(cursor.0),
        };
        Some(Record::Event(envelope, place))
    }

    fn origin(&mut self, input: &str, peer: Option<SocketAddr>, identity: Option<&str>) -> Arc<Origin> {
        let last = &self.origin;
        if last.input != input || last.peer != peer || last.identity.as_deref() != identity {
            let identity = identity.map(str::to_owned);
            self.origin = Arc::new(Origin { input: input.to_owned(), peer, identity });
        }
        Arc::clone(&self.origin)
    }
}

/// Takes fields from the front of foreign bytes; `None` when there are too few.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn short(&mut self) -> Option<&'a str> {
        let length = self.byte()?;
        std::str::from_utf8(self.take(usize::from(length))?).ok()
    }

    fn peer<const N: usize>(&mut self) -> Option<SocketAddr>
    where
        IpAddr: From<[u8; N]>,
    {
        let address = IpAddr::from(self.array::<N>()?);
        Some(SocketAddr::new(address, u16::from_le_bytes(self.array()?)))
    }

    fn place(&mut self) -> Option<Place> {
        Some(Place {
            device: u64::from_le_bytes(self.array()?),
            inode: u64::from_le_bytes(self.array()?),
            offset: u64::from_le_bytes(self.array()?),
            head_bytes: u16::from_le_bytes(self.array()?),
            tail_bytes: u16::from_le_bytes(self.array()?),
            head_crc: u32::from_le_bytes(self.array()?),
            tail_crc: u32::from_le_bytes(self.array()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: Key = Key { marker: [1, 2, 3, 4], crc_seed: 77 };

    fn frames() -> impl Strategy<Value = (Frame, Option<Place>)> {
        let peer = prop_oneof![
            Just(None),
            any::<([u8; 4], u16)>().prop_map(|(ip, port)| Some(SocketAddr::from((ip, port)))),
            any::<([u8; 16], u16)>().prop_map(|(ip, port)| Some(SocketAddr::from((ip, port)))),
        ];
        let place = proptest::option::of(any::<((u64, u64, u64), (u16, u16), (u32, u32))>().prop_map(|fields| {
            let ((device, inode, offset), (head_bytes, tail_bytes), (head_crc, tail_crc)) = fields;
            Place { device, inode, offset, head_bytes, tail_bytes, head_crc, tail_crc }
        }));
        let texts = ("[a-z:/é]{0,60}", proptest::option::of("[A-Za-z=, ]{0,80}"));
        (any::<i64>(), texts, peer, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..2000), place).prop_map(
            |(received, (input, identity), peer, truncated, raw, place)| {
                let origin = Arc::new(Origin { input, peer, identity });
                (Frame { received: Timestamp(received), origin, truncated, raw: raw.into() }, place)
            },
        )
    }

    fn read(bytes: &[u8]) -> Option<Record> {
        let length = body_bytes(bytes, KEY)?;
        BodyReader::default().read(checked_body(bytes.get(..HEAD_BYTES + length)?, KEY)?)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read((frame, place) in frames(), id in any::<u64>()) {
            let mut out = Vec::new();
            put_event(&mut out, KEY, EventId(id), &frame, place.as_ref());
            prop_assert!(out.len() as u64 >= RECORD_BYTES_MIN);
            let Frame { received, origin, truncated, raw } = frame;
            let envelope = Envelope { id: EventId(id), received, origin, truncated, raw };
            prop_assert_eq!(read(&out), Some(Record::Event(envelope, place)));
        }

        #[test]
        fn no_flipped_bit_is_read((frame, place) in frames(), at in any::<proptest::sample::Index>(), bit in 0u32..8) {
            let mut out = Vec::new();
            put_event(&mut out, KEY, EventId(9), &frame, place.as_ref());
            let at = at.index(out.len());
            out[at] ^= 1u8 << bit;
            prop_assert_eq!(read(&out), None);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            BodyReader::default().read(&bytes);
            read(&bytes);
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_and_marked() {
        let origin = Origin { input: "é".repeat(200), peer: None, identity: Some("x".repeat(300)) };
        let raw = Bytes::from(vec![b'a'; RAW_BYTES_MAX + 1]);
        let frame = Frame { received: Timestamp(1), origin: Arc::new(origin), truncated: false, raw };
        let mut out = Vec::new();
        put_event(&mut out, KEY, EventId(1), &frame, None);
        let Some(Record::Event(envelope, None)) = read(&out) else { panic!("an event") };
        assert_eq!((envelope.raw.len(), envelope.truncated), (RAW_BYTES_MAX, true));
        assert_eq!(envelope.origin.input, "é".repeat(127));
        assert_eq!(envelope.origin.identity.as_deref().map(str::len), Some(255));
    }

    #[test]
    fn a_record_of_another_segment_is_none() {
        let mut out = Vec::new();
        put_synced(&mut out, KEY, 5);
        assert_eq!(out.len() as u64, RECORD_BYTES_MIN);
        assert_eq!(read(&out), Some(Record::Synced(5)));
        let other = Key { crc_seed: 78, ..KEY };
        assert_eq!(checked_body(&out, other), None);
    }
}
