//! Hands documents in and waits for the sync; says what to answer when they could not be stored.

use std::sync::Arc;
use std::time::Instant;

use axum::http::Extensions;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;

use crate::ingest::http::Shared;
use crate::ingest::http::access::TokenName;
use crate::ingest::http::problem;
use crate::ingest::http::server::Peer;
use crate::ingest::intake::Frame;
use crate::ingest::intake::NotStored;
use crate::ingest::joining::Joined;
use crate::ingest::joining::StreamJoiner;
use crate::model::Origin;

/// Who sent a request.
pub(super) struct Sender(Arc<Origin>);

impl Sender {
    /// The connection's peer and its certificate's name, or the name of the token it came with.
    pub(super) fn of(extensions: &Extensions, input: &str) -> Sender {
        let peer = extensions.get::<Peer>();
        let token = extensions.get::<TokenName>().map(|token| token.0.clone());
        let identity = peer.and_then(|peer| peer.identity.clone()).or(token);
        Sender(Arc::new(Origin { input: input.to_owned(), peer: peer.map(|peer| peer.address), identity }))
    }
}

/// Documents of one request, cut out of its body.
pub(super) struct Documents {
    frames: Vec<Frame>,
    sender: Sender,
    frame_bytes_max: usize,
    joiner: Option<StreamJoiner<()>>,
}

impl Documents {
    pub(super) fn new(shared: &Shared, sender: Sender) -> Documents {
        let frame_bytes_max = shared.config.frame_bytes_max.get();
        Documents { frames: Vec::new(), sender, frame_bytes_max, joiner: None }
    }

    /// Joins lines that are added from now on where the input does.
    pub(super) fn joining(mut self, shared: &Shared) -> Documents {
        self.joiner = shared.config.joining.clone().map(StreamJoiner::new);
        self
    }

    /// Adds a document; true when it was longer than the limit.
    pub(super) fn add(&mut self, shared: &Shared, raw: Bytes) -> bool {
        let frame = self.frame(shared, raw);
        let truncated = frame.truncated;
        self.settle(shared);
        shared.account.frame(frame.raw.len(), truncated);
        self.frames.push(frame);
        truncated
    }

    /// Adds a line, which may be a piece of the one before; true when it was longer than the limit.
    pub(super) fn add_line(&mut self, shared: &Shared, raw: Bytes) -> bool {
        let frame = self.frame(shared, raw);
        let truncated = frame.truncated;
        let Some(joiner) = &mut self.joiner else {
            shared.account.frame(frame.raw.len(), truncated);
            self.frames.push(frame);
            return truncated;
        };
        let mut out = Vec::new();
        joiner.feed(frame, (), Instant::now(), &mut out);
        self.take(shared, out);
        truncated
    }

    /// Takes what waits for more of its pieces as it is: a request is answered for all it brought.
    pub(super) fn settle(&mut self, shared: &Shared) {
        let mut out = Vec::new();
        if let Some(joiner) = &mut self.joiner {
            joiner.release_all(&mut out);
        }
        self.take(shared, out);
    }

    fn take(&mut self, shared: &Shared, out: Vec<Joined<()>>) {
        out.iter().for_each(|joined| shared.account.joined(joined));
        self.frames.extend(out.into_iter().map(|joined| joined.frame));
    }

    fn frame(&self, shared: &Shared, mut raw: Bytes) -> Frame {
        let truncated = raw.len() > self.frame_bytes_max;
        shared.account.skipped_bytes.add(raw.len().saturating_sub(self.frame_bytes_max) as u64);
        raw.truncate(self.frame_bytes_max);
        Frame { received: shared.context.clock.now(), origin: Arc::clone(&self.sender.0), truncated, raw }
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Submits all and waits until they are synced.
    ///
    /// # Errors
    /// The answer to send when they are not.
    pub(super) async fn store(self, shared: &Shared) -> Result<(), Response> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let count = self.frames.len() as u64;
        let receipt = shared.context.intake.submit(self.frames).await.map_err(|reason| {
            shared.account.rejected.add(count);
            refusal(&reason)
        })?;
        // The log itself counts what it took and could not store.
        receipt.synced().await.map_err(|reason| refusal(&reason))
    }
}

fn refusal(reason: &NotStored) -> Response {
    problem(StatusCode::SERVICE_UNAVAILABLE, &format!("not stored: {reason}"))
}
