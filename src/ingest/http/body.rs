//! Reads a request's body within its limits: length, memory of all requests, time, and what decompression makes of it.

use std::io::Read;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequest;
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header::CONTENT_ENCODING;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use flate2::read::ZlibDecoder;
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::ingest::http::Shared;
use crate::ingest::http::problem;
use crate::ingest::http::submit::Sender;

/// A whole body, decompressed, with the sender it came from.
pub(super) struct Payload {
    pub(super) bytes: Bytes,
    pub(super) sender: Sender,
    _memory: OwnedSemaphorePermit,
}

/// How a body may be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zlib,
    Zstd,
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyError {
    TooLarge,
    Slow,
    Broken,
    NoMemory,
    Unpacking,
    UnknownPacking,
}

impl FromRequest<Arc<Shared>> for Payload {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Arc<Shared>) -> Result<Payload, Response> {
        let sender = Sender::of(request.extensions(), &shared.config.name);
        let (parts, body) = request.into_parts();
        let read = read(&parts.headers, body, shared).await;
        let (bytes, memory) = read.map_err(|err| {
            if err == BodyError::NoMemory {
                shared.account.refused.increment();
            }
            answer(err)
        })?;
        Ok(Payload { bytes, sender, _memory: memory })
    }
}

async fn read(headers: &HeaderMap, body: Body, shared: &Shared) -> Result<(Bytes, OwnedSemaphorePermit), BodyError> {
    let packing = packing(headers)?;
    let bytes_max = shared.config.body_bytes_max.get();
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(BodyError::TooLarge);
    }
    let mut budget = Budget::new(&shared.memory)?;
    let packed = collect(body, shared, &mut budget).await?;
    if packing == Packing::None {
        return Ok((packed.into(), budget.permit));
    }
    // Reserved before unpacking: a small body may become the largest one allowed.
    budget.grow_to(packed.len() + bytes_max)?;
    let unpacked =
        spawn_blocking(move || unpack(&packed, packing, bytes_max)).await.map_err(|_| BodyError::Unpacking)??;
    budget.shrink_to(unpacked.len());
    Ok((unpacked.into(), budget.permit))
}

async fn collect(mut body: Body, shared: &Shared, budget: &mut Budget<'_>) -> Result<Vec<u8>, BodyError> {
    let mut collected = Vec::new();
    loop {
        let next = timeout(shared.config.body_timeout, body.frame()).await.map_err(|_| BodyError::Slow)?;
        let Some(frame) = next else { return Ok(collected) };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if collected.len() + data.len() > shared.config.body_bytes_max.get() {
            return Err(BodyError::TooLarge);
        }
        budget.grow_to(collected.len() + data.len())?;
        collected.extend_from_slice(&data);
    }
}

fn packing(headers: &HeaderMap) -> Result<Packing, BodyError> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else { return Ok(Packing::None) };
    match encoding.to_str().unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Packing::None),
        "gzip" | "x-gzip" => Ok(Packing::Gzip),
        "deflate" => Ok(Packing::Zlib),
        "zstd" => Ok(Packing::Zstd),
        _ => Err(BodyError::UnknownPacking),
    }
}

/// Unpacks up to a limit: a bomb costs no more memory than the largest honest body.
fn unpack(packed: &[u8], packing: Packing, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let reader: Box<dyn Read + '_> = match packing {
        Packing::None => Box::new(packed),
        Packing::Gzip => Box::new(MultiGzDecoder::new(packed)),
        Packing::Zlib => Box::new(ZlibDecoder::new(packed)),
        Packing::Zstd => Box::new(zstd::Decoder::with_buffer(packed).map_err(|_| BodyError::Unpacking)?),
    };
    let mut unpacked = Vec::new();
    reader.take(bytes_max as u64 + 1).read_to_end(&mut unpacked).map_err(|_| BodyError::Unpacking)?;
    if unpacked.len() > bytes_max { Err(BodyError::TooLarge) } else { Ok(unpacked) }
}

/// One request's share of the memory for bodies.
struct Budget<'a> {
    memory: &'a Arc<Semaphore>,
    permit: OwnedSemaphorePermit,
}

impl<'a> Budget<'a> {
    fn new(memory: &'a Arc<Semaphore>) -> Result<Budget<'a>, BodyError> {
        let permit = Arc::clone(memory).try_acquire_many_owned(0).map_err(|_| BodyError::NoMemory)?;
        Ok(Budget { memory, permit })
    }

    fn grow_to(&mut self, bytes: usize) -> Result<(), BodyError> {
        let missing = kibibytes(bytes).saturating_sub(self.permit.num_permits());
        let missing = u32::try_from(missing).map_err(|_| BodyError::NoMemory)?;
        let more = Arc::clone(self.memory).try_acquire_many_owned(missing).map_err(|_| BodyError::NoMemory)?;
        self.permit.merge(more);
        Ok(())
    }

    fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.permit.num_permits().saturating_sub(kibibytes(bytes));
        drop(self.permit.split(surplus));
    }
}

fn kibibytes(bytes: usize) -> usize {
    bytes.div_ceil(1024)
}

fn answer(err: BodyError) -> Response {
    match err {
        BodyError::TooLarge => problem(StatusCode::PAYLOAD_TOO_LARGE, "body too large"),
        BodyError::Slow => problem(StatusCode::REQUEST_TIMEOUT, "body too slow"),
        BodyError::Broken => problem(StatusCode::BAD_REQUEST, "body broken off"),
        BodyError::NoMemory => problem(StatusCode::TOO_MANY_REQUESTS, "too many large requests at a time"),
        BodyError::Unpacking => problem(StatusCode::BAD_REQUEST, "body is not packed as its content-encoding says"),
        BodyError::UnknownPacking => {
            problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding must be gzip, deflate or zstd")
        }
    }
}
