//! The input's task: connects, reads page after page, hands them in, and waits; whatever goes wrong is tried again.

use std::sync::Arc;
use std::time::Duration;

use tracing::info;
use tracing::warn;

use crate::ingest::account::Account;
use crate::ingest::database::Config;
use crate::ingest::database::DatabaseError;
use crate::ingest::database::position::Mark;
use crate::ingest::database::position::Position;
use crate::ingest::database::session::Page;
use crate::ingest::database::session::Row;
use crate::ingest::database::session::Session;
use crate::ingest::database::sql::Plan;
use crate::ingest::intake::Place;
use crate::ingest::ledger::Ledger;
use crate::ingest::listener::Context;
use crate::ingest::placed::Placed;
use crate::ingest::placed::PlacedError;
use crate::ingest::placed::Storing;
use crate::model::Origin;
use crate::telemetry::Counter;
use crate::telemetry::Gauge;

/// The first pause after a failure; each further one is twice as long, up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Why one connection was given up.
enum Fault {
    Database(DatabaseError),
    Ends(PlacedError),
}

impl From<DatabaseError> for Fault {
    fn from(err: DatabaseError) -> Fault {
        Fault::Database(err)
    }
}

impl<E: Into<PlacedError>> From<E> for Fault {
    fn from(err: E) -> Fault {
        Fault::Ends(err.into())
    }
}

struct Poller {
    config: Config,
    storing: Storing<Position>,
    errors: Counter,
    late: Counter,
    behind: Gauge,
    /// The last failure that was told, so that the same one is told once.
    told: Option<String>,
    pause: Duration,
}

/// Polls until cancelled. `places` is what the log remembers of earlier runs.
///
/// # Errors
/// When the log has failed or ended, or the position cannot be kept. Nothing the database does ends the input.
pub async fn run(config: Config, places: &[Place], context: Context) -> Result<(), PlacedError> {
    let labels = [("input", config.name.as_str())];
    let mut poller = Poller {
        errors: context.registry.counter("longan_database_errors_total", &labels),
        late: context.registry.counter("longan_database_late_rows_total", &labels),
        behind: context.registry.gauge("longan_database_behind", &labels),
        storing: Storing {
            account: Account::new(&context.registry, &config.name),
            origin: Arc::new(Origin { input: config.name.clone(), peer: None, identity: None }),
            ledger: Ledger::open(&config.folder, &config.name, &config.subject(), places)?,
            context,
        },
        told: None,
        pause: PAUSE_MIN,
        config,
    };
    let cancel = poller.storing.context.cancel.clone();
    while !cancel.is_cancelled() {
        match poller.serve().await {
            Ok(()) => {}
            Err(Fault::Ends(err)) => return Err(err),
            Err(Fault::Database(err)) => {
                poller.tell(&err);
                tokio::select! {
                    () = tokio::time::sleep(poller.pause) => {}
                    () = cancel.cancelled() => {}
                }
                poller.pause = (poller.pause * 2).min(PAUSE_MAX);
            }
        }
    }
    Ok(())
}

impl Poller {
    /// Polls on one connection until it fails or the input is cancelled.
    async fn serve(&mut self) -> Result<(), Fault> {
        let cancel = self.storing.context.cancel.clone();
        let opened = tokio::select! {
            opened = Session::open(&self.config) => opened,
            () = cancel.cancelled() => return Ok(()),
        };
        let mut session = opened?;
        self.storing.account.connections.set(1);
        let served = self.poll(&mut session).await;
        self.storing.account.connections.set(0);
        session.close().await;
        served
    }

    async fn poll(&mut self, session: &mut Session) -> Result<(), Fault> {
        let cancel = self.storing.context.cancel.clone();
        let columns = session.columns(&self.config).await?;
        let plan = Plan::new(&self.config, columns)?;
        if self.storing.ledger.progress().at.is_none() && !self.config.is_from_beginning {
            self.begin_at_the_end(session, &plan).await?;
        }
        while !cancel.is_cancelled() {
            let is_full = tokio::select! {
                asked = self.ask(session, &plan) => {
                    let pages = asked?;
                    self.settle_fault();
                    self.store_pages(pages, &plan).await?
                }
                () = cancel.cancelled() => return Ok(()),
            };
            self.measure(session, &plan, is_full).await?;
            if !is_full {
                self.storing.ledger.settle()?;
                tokio::select! {
                    () = tokio::time::sleep(self.config.poll) => {}
                    () = cancel.cancelled() => {}
                }
            }
        }
        Ok(())
    }

    /// Begins behind the newest row; with an empty table everything that comes is new.
    async fn begin_at_the_end(&mut self, session: &mut Session, plan: &Plan) -> Result<(), Fault> {
        let newest = session.page(&self.config, plan, &plan.newest()).await?;
        if let Some(row) = newest.rows.into_iter().next() {
            self.storing.ledger.begin_at(Position::starting_after(mark_of(&row, plan, false)))?;
        }
        Ok(())
    }

    /// Reads the rows of the window that were not sent, and a page of new ones.
    async fn ask(&self, session: &mut Session, plan: &Plan) -> Result<(Page, Page), DatabaseError> {
        let position = self.storing.ledger.progress();
        let late = match plan.late_rows(position) {
            Some(text) => session.page(&self.config, plan, &text).await?,
            None => Page::default(),
        };
        let new = session.page(&self.config, plan, &plan.new_rows(position)).await?;
        Ok((late, new))
    }

    /// Hands both pages in; true when there may be more at once.
    async fn store_pages(&mut self, (late, new): (Page, Page), plan: &Plan) -> Result<bool, Fault> {
        let is_full = late.is_full || new.is_full;
        self.late.add(late.rows.len() as u64);
        self.store(late.rows, plan, true).await?;
        self.store(new.rows, plan, false).await?;
        Ok(is_full)
    }

    async fn store(&mut self, rows: Vec<Row>, plan: &Plan, is_late: bool) -> Result<(), Fault> {
        let placed = |row: Row| {
            let mark = mark_of(&row, plan, is_late);
            Placed { raw: row.document, truncated: row.truncated, mark }
        };
        Ok(self.storing.store(rows.into_iter().map(placed).collect()).await?)
    }

    /// Tells how far the table is ahead; asked only while it is, for it may cost the database a scan.
    async fn measure(&self, session: &mut Session, plan: &Plan, is_full: bool) -> Result<(), Fault> {
        let asked = plan.behind(self.storing.ledger.progress()).filter(|_| is_full);
        let behind = match asked {
            Some(text) => session.number(&self.config, &text).await?.unwrap_or(0),
            None => 0,
        };
        self.behind.set(behind.max(0));
        Ok(())
    }

    fn settle_fault(&mut self) {
        self.pause = PAUSE_MIN;
        if self.told.take().is_some() {
            info!(input = %self.config.name, "the database answers again");
        }
    }

    fn tell(&mut self, err: &DatabaseError) {
        self.errors.increment();
        let cause = std::error::Error::source(err).map(chain).unwrap_or_default();
        let hint = err.hint(&self.config).unwrap_or_default();
        let told = format!("{err}{cause}");
        if self.told.as_ref() != Some(&told) {
            warn!(input = %self.config.name, error = %err, %cause, %hint, "the database is not read, trying again");
            self.told = Some(told);
        }
    }
}

fn chain(cause: &(dyn std::error::Error + 'static)) -> String {
    let mut text = cause.to_string();
    let mut next = cause.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

fn mark_of(row: &Row, plan: &Plan, is_late: bool) -> Mark {
    Mark { order: row.order, text: row.text.clone(), id: row.id.clone(), window: plan.window, is_late }
}
