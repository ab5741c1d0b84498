//! What is known of each rule: from the running server, or from the rules of a folder alone.

use crate::cli::place::Place;
use crate::cli::rules::source::Source;
use crate::detect::attack::CoveredRule;
use crate::detect::cases;
use crate::model::LogSource;
use crate::pipeline::default_state;
use crate::wire::rule::Verdicts;
use crate::wire::source::LogSourceRow;
use crate::wire::status::RuleRow;

/// The rules, and where that is known from.
pub(super) struct Facts {
    pub(super) rules: Vec<RuleRow>,
    pub(super) origin: Origin,
    /// Files that were refused, told already.
    pub(super) refused: usize,
}

/// Where what is said of the rules comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The rules a server runs.
    Server,
    /// The rules of a folder; a server says which logs arrive.
    FolderAndServer,
    /// The rules of a folder; nobody says which logs arrive.
    Folder,
}

impl Facts {
    /// Asks the server when one runs, about its own rules or, with `--rules`, about what arrives.
    pub(super) fn gather(source: &Source, place: &Place) -> anyhow::Result<Facts> {
        let client = place.running()?;
        if let (None, Some(client)) = (&source.rules, &client) {
            let rules = client.call(async |client| client.rules().await)?.rules;
            return Ok(Facts { rules, origin: Origin::Server, refused: 0 });
        }
        let seen = match client {
            Some(client) => Some(client.call(async |client| client.sources().await)?.log_sources),
            None => None,
        };
        Facts::of_folder(source, place, seen)
    }

    fn of_folder(source: &Source, place: &Place, seen: Option<Vec<LogSourceRow>>) -> anyhow::Result<Facts> {
        let (content, unread) = source.read(place.settings()?.rules.folder.as_deref())?;
        let (set, refused) = content.compile(0);
        unread.iter().chain(&refused).for_each(|problem| eprintln!("{problem}"));
        let counts = cases::count(&set, &content.cases);
        let origin = if seen.is_some() { Origin::FolderAndServer } else { Origin::Folder };
        let arriving = seen.map(|rows| {
            let sources = rows.into_iter().map(|row| LogSource {
                product: row.product,
                service: row.service,
                category: row.category,
            });
            set.arriving(&sources.collect::<Vec<_>>())
        });
        let rules = set.rules().map(|meta| RuleRow {
            id: meta.id.clone(),
            title: meta.title.clone(),
            title_vi: meta.title_vi.clone(),
            level: meta.level.to_string(),
            status: meta.status.as_str().to_owned(),
            path: meta.path.display().to_string(),
            tags: meta.tags.clone(),
            detections: 0,
            state: default_state(meta.status).as_str().to_owned(),
            verdicts: Verdicts::default(),
            noise: 0,
            exceptions: 0,
            suppressed: 0,
            skipped: 0,
            cases: counts.get(&meta.id).map_or(0, |count| *count as u64),
            arrives: arriving.as_ref().and_then(|arriving| arriving.get(&meta.id).copied().flatten()),
            is_silent: meta.silent,
        });
        Ok(Facts { rules: rules.collect(), origin, refused: refused.len() + unread.len() })
    }
}

/// Returns what counts of a rule for the coverage.
pub(super) fn covered(row: &RuleRow) -> CoveredRule<'_> {
    CoveredRule { id: &row.id, tags: &row.tags, tested: row.cases > 0, arrives: row.arrives }
}
