//! Rules: backtests, which answer in lines as they go.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::auth::Principal;
use crate::server::access::Shared;
use crate::server::extract::Json;
use crate::server::handlers::lines;
use crate::server::problem::Refused;
use crate::wire::rule::BacktestMessage;
use crate::wire::rule::BacktestRequest;

/// Lines made ahead of their reader.
const LINES_AHEAD: usize = 16;

pub(in crate::server) async fn backtest(
    State(shared): State<Arc<Shared>>,
    Extension(principal): Extension<Principal>,
    Json(request): Json<BacktestRequest>,
) -> Result<Response, Refused> {
    let permit = shared.stream()?;
    let (sender, mut lines_made) = mpsc::channel::<Result<Bytes, Refused>>(LINES_AHEAD);
    let for_backtest = shared.clone();
    let running = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        run_backtest(&for_backtest, &request, &principal, &sender);
    });
    // What is wrong with the request is an answer of its own.
    let first = lines_made.recv().await.transpose()?;
    let rest = ReceiverStream::new(lines_made).map(move |line| {
        let _running = &running;
        line.map_err(|refused| std::io::Error::other(refused.0.detail))
    });
    Ok(lines::answer(futures_util::stream::iter(first.map(Ok)).chain(rest)))
}

fn run_backtest(
    shared: &Shared,
    request: &BacktestRequest,
    principal: &Principal,
    sender: &mpsc::Sender<Result<Bytes, Refused>>,
) {
    let mut emit = |message: &BacktestMessage| {
        let mut line = Vec::new();
        lines::push(&mut line, message);
        if shared.stop.is_cancelled() {
            return false;
        }
        match message {
            // Progress nobody has read yet is as good as the next; whoever has gone is found out here.
            BacktestMessage::Progress(_) => {
                !matches!(sender.try_send(Ok(line.into())), Err(mpsc::error::TrySendError::Closed(_)))
            }
            _ => sender.blocking_send(Ok(line.into())).is_ok(),
        }
    };
    if let Err(problem) = shared.services.rules.backtest(request, principal, &mut emit) {
        drop(sender.blocking_send(Err(problem.into())));
    }
}
