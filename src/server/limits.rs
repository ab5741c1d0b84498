//! What the API admits at most.

use std::time::Duration;

/// The limits of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest request body.
    pub body_bytes_max: usize,
    /// The longest request head, and the most headers in it.
    pub head_bytes_max: usize,
    pub headers_max: usize,
    /// How long a head may take to arrive; also how long a connection may idle between requests.
    pub head_timeout: Duration,
    /// How long a request may take until its answer begins.
    pub answer_timeout: Duration,
    /// How long an answer may stand still because its reader does not read.
    pub stall_timeout: Duration,
    pub handshake_timeout: Duration,
    /// Connections of each listener, so that a flood over the network never locks out the local socket.
    pub connections_max: usize,
    /// Requests worked on at once.
    pub workers_max: usize,
    /// Streams open at once.
    pub streams_max: usize,
    /// Events that wait for a slow reader of the live tail; more are counted and told as missed.
    pub tail_events_max: usize,
    /// How often a stream says that it lives.
    pub pulse: Duration,
    /// How long somebody counts as looking at what they opened, unless they say so again.
    pub lease: Duration,
    /// Changes told one by one after a reconnect; more is a gap.
    pub resume_max: u32,
    /// How long requests may go on after the server was told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body_bytes_max: 2 * 1024 * 1024,
            head_bytes_max: 64 * 1024,
            headers_max: 64,
            head_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(55),
            stall_timeout: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(10),
            connections_max: 256,
            workers_max: 32,
            streams_max: 64,
            tail_events_max: 4096,
            pulse: Duration::from_secs(2),
            lease: Duration::from_secs(45),
            resume_max: 10_000,
            drain: Duration::from_secs(5),
        }
    }
}
