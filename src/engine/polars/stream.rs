//! Frames out of Polars' streaming engine, one after the other, to a consumer on the calling thread.
//!
//! The query runs on a thread of its own and hands its frames through a channel of two places, so a slow consumer slows
//! the query down instead of filling the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use polars::prelude as pl;

use super::error::guard;
use crate::diagnostic::Class;
use crate::engine::{EngineError, Execution};

/// How a stream ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// All rows went by.
    Complete,
    /// The consumer wanted no more.
    Stopped,
}

enum Message {
    Frame(pl::DataFrame),
    End,
}

/// Frames that wait between the query and its consumer.
const WAITING: usize = 2;

/// Runs the query and gives its frames, in the order of its rows, to `consume`, which stops the query by answering `Ok(false)`.
///
/// `subject` names the files that are read. Errors: those of the query and of `consume`;
/// [`Class::Interrupted`] when the execution is cancelled.
pub(super) fn stream_frames(
    frame: pl::LazyFrame,
    subject: &str,
    execution: &Execution,
    consume: &mut dyn FnMut(pl::DataFrame) -> Result<bool, EngineError>,
) -> Result<Ending, EngineError> {
    stream_in_turn(std::iter::once(Ok(frame)), subject, execution, consume)
}

/// Runs the queries one after the other, as one: see [`stream_frames`]. A query is asked for when the one before is over.
pub(super) fn stream_in_turn(
    queries: impl Iterator<Item = Result<pl::LazyFrame, EngineError>> + Send,
    subject: &str,
    execution: &Execution,
    consume: &mut dyn FnMut(pl::DataFrame) -> Result<bool, EngineError>,
) -> Result<Ending, EngineError> {
    execution.check_cancelled()?;
    let (sender, receiver) = sync_channel(WAITING);
    let (consumed, run) = std::thread::scope(|scope| {
        let query = std::thread::Builder::new()
            .name("query".to_owned())
            .spawn_scoped(scope, move || run_queries(queries, subject, &sender))
            .map_err(|error| EngineError::new(Class::Limit, format!("cannot start a thread: {error}")))?;
        let consumed = consume_all(receiver, execution, consume);
        let run =
            query.join().unwrap_or_else(|_| Err(EngineError::new(Class::Stage, "the thread of the query failed")));
        Ok::<_, EngineError>((consumed, run))
    })?;
    let stopped = execution.check_cancelled();
    match (consumed, run, stopped) {
        (Err(error), ..) | (Ok(_), Err(_), Err(error)) => Err(error),
        // What a query that was stopped early says about its end does not matter.
        (Ok(Ending::Stopped), ..) => Ok(Ending::Stopped),
        (Ok(Ending::Complete), Err(error), Ok(())) => Err(error),
        (Ok(Ending::Complete), Ok(()), stopped) => stopped.map(|()| Ending::Complete),
    }
}

fn run_queries(
    mut queries: impl Iterator<Item = Result<pl::LazyFrame, EngineError>>,
    subject: &str,
    sender: &SyncSender<Message>,
) -> Result<(), EngineError> {
    let unwanted = Arc::new(AtomicBool::new(false));
    let outcome = queries.try_for_each(|query| {
        // Those that nobody waits for are not even begun.
        if unwanted.load(Ordering::Relaxed) { Ok(()) } else { run_query(query?, subject, sender.clone(), &unwanted) }
    });
    // A message, because the end of the channel would not come if a part of a failed query kept its sender.
    // The consumer may be gone, which is no trouble.
    drop(sender.send(Message::End));
    outcome
}

/// Runs a query and sends its frames; `unwanted` is set when the consumer is gone.
fn run_query(
    query: pl::LazyFrame,
    subject: &str,
    sender: SyncSender<Message>,
    unwanted: &Arc<AtomicBool>,
) -> Result<(), EngineError> {
    let unwanted = unwanted.clone();
    guard(subject, move || {
        let hand_over = pl::PlanCallback::new(move |frame| {
            let is_gone = sender.send(Message::Frame(frame)).is_err();
            unwanted.fetch_or(is_gone, Ordering::Relaxed);
            Ok(is_gone)
        });
        query.sink_batches(hand_over, true, None)?.collect_with_engine(pl::Engine::Streaming).map(drop)
    })
}

/// Dropping the receiver at the end tells a query that still runs to stop.
fn consume_all(
    receiver: Receiver<Message>,
    execution: &Execution,
    consume: &mut dyn FnMut(pl::DataFrame) -> Result<bool, EngineError>,
) -> Result<Ending, EngineError> {
    while let Ok(Message::Frame(frame)) = receiver.recv() {
        execution.check_cancelled()?;
        if !consume(frame)? {
            return Ok(Ending::Stopped);
        }
    }
    Ok(Ending::Complete)
}
