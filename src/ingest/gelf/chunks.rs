//! Puts chunked messages together, in bounded memory and time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;
use std::time::Instant;

/// How a chunk begins: two magic bytes, eight of the message's id, number and count.
const MAGIC: [u8; 2] = [0x1e, 0x0f];
const HEAD_BYTES: usize = 12;
/// The format's own limits: no more chunks, no longer wait.
const COUNT_MAX: u8 = 128;
const PATIENCE: Duration = Duration::from_secs(5);
/// Unfinished messages and their bytes held at a time; addresses and ids can be forged.
const PENDING_MAX: usize = 1_000;
const PENDING_BYTES_MAX: usize = 16 << 20;

type Key = (IpAddr, [u8; 8]);

#[derive(Debug)]
struct Pending {
    began: Instant,
    parts: Vec<Option<Vec<u8>>>,
    missing: usize,
    bytes: usize,
}

/// What a datagram was.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// A message of its own.
    Whole(&'a [u8]),
    /// The last missing chunk of one.
    Complete(Vec<u8>),
    Waiting,
    /// A chunk that cannot be one, or for which there is no room.
    Refused,
}

/// The unfinished messages.
#[derive(Debug, Default)]
pub struct Chunks {
    pending: HashMap<Key, Pending>,
    bytes: usize,
}

impl Chunks {
    /// Takes a datagram.
    pub fn take<'a>(&mut self, peer: IpAddr, datagram: &'a [u8], now: Instant) -> Taken<'a> {
        let Some((head, body)) = datagram.split_at_checked(HEAD_BYTES).filter(|(head, _)| head.starts_with(&MAGIC))
        else {
            return if datagram.starts_with(&MAGIC) { Taken::Refused } else { Taken::Whole(datagram) };
        };
        let [_, _, id @ .., number, count] = head else { return Taken::Refused };
        let (Ok(id), number, count) = (<[u8; 8]>::try_from(id), usize::from(*number), *count) else {
            return Taken::Refused;
        };
        if count == 0 || count > COUNT_MAX || number >= usize::from(count) {
            return Taken::Refused;
        }
        let key = (peer, id);
        let is_new = !self.pending.contains_key(&key);
        if (is_new && self.pending.len() >= PENDING_MAX) || self.bytes + body.len() > PENDING_BYTES_MAX {
            return Taken::Refused;
        }
        let pending = self.pending.entry(key).or_insert_with(|| Pending {
            began: now,
            parts: vec![None; usize::from(count)],
            missing: usize::from(count),
            bytes: 0,
        });
        match pending.parts.get_mut(number) {
            Some(part @ None) => *part = Some(body.to_vec()),
            // UDP may bring a chunk twice.
            Some(Some(_)) => return Taken::Waiting,
            None => return Taken::Refused,
        }
        pending.missing -= 1;
        pending.bytes += body.len();
        self.bytes += body.len();
        if pending.missing > 0 {
            return Taken::Waiting;
        }
        let Some(whole) = self.pending.remove(&key) else { return Taken::Waiting };
        self.bytes -= whole.bytes;
        Taken::Complete(whole.parts.into_iter().flatten().flatten().collect())
    }

    /// Gives up messages that stayed unfinished too long, and returns how many.
    pub fn give_up(&mut self, now: Instant) -> u64 {
        let before = self.pending.len();
        let bytes = &mut self.bytes;
        self.pending.retain(|_, pending| {
            let is_fresh = now.duration_since(pending.began) < PATIENCE;
            *bytes -= if is_fresh { 0 } else { pending.bytes };
            is_fresh
        });
        (before - self.pending.len()) as u64
    }

    /// Gives up all of them.
    pub fn clear(&mut self) -> u64 {
        self.bytes = 0;
        let count = self.pending.len() as u64;
        self.pending.clear();
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn chunk(id: u8, number: u8, count: u8, body: &str) -> Vec<u8> {
        [&MAGIC[..], &[id; 8], &[number, count], body.as_bytes()].concat()
    }

    #[test]
    fn chunks_come_in_any_order_and_twice() {
        let (mut chunks, now) = (Chunks::default(), Instant::now());
        assert_eq!(chunks.take(PEER, b"{}", now), Taken::Whole(b"{}"));
        for one in [chunk(1, 2, 3, "c"), chunk(1, 0, 3, "a"), chunk(1, 0, 3, "a"), chunk(2, 1, 3, "other")] {
            assert_eq!(chunks.take(PEER, &one, now), Taken::Waiting);
        }
        assert_eq!(chunks.take(PEER, &chunk(1, 1, 3, "b"), now), Taken::Complete(b"abc".to_vec()));
        assert_eq!((chunks.pending.len(), chunks.bytes), (1, 5));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let (mut chunks, now) = (Chunks::default(), Instant::now());
        for one in [chunk(1, 3, 3, ""), chunk(1, 0, 0, ""), chunk(1, 0, 129, ""), MAGIC.to_vec()] {
            assert_eq!(chunks.take(PEER, &one, now), Taken::Refused, "{one:?}");
        }
        // The count changes within a message.
        assert_eq!(chunks.take(PEER, &chunk(1, 0, 2, "a"), now), Taken::Waiting);
        assert_eq!(chunks.take(PEER, &chunk(1, 9, 10, "a"), now), Taken::Refused);
    }

    #[test]
    fn a_flood_of_beginnings_is_bounded_and_passes() {
        let (mut chunks, now) = (Chunks::default(), Instant::now());
        let big = "x".repeat(60_000);
        for id in 0..=255 {
            chunks.take(PEER, &chunk(id, 0, 2, &big), now);
            chunks.take(PEER, &chunk(id, 0, 128, &big), now);
        }
        for host in 0..2_000u32 {
            chunks.take(IpAddr::V4(host.into()), &chunk(1, 0, 2, ""), now);
        }
        assert!(chunks.bytes <= PENDING_BYTES_MAX && chunks.pending.len() <= PENDING_MAX);
        assert_eq!(chunks.give_up(now), 0);
        assert_eq!(chunks.give_up(now + PATIENCE), PENDING_MAX as u64);
        assert_eq!((chunks.bytes, chunks.pending.len()), (0, 0));
    }
}
