//! `longan alerts list`: every alert once, however long the list and however it moves meanwhile.

use std::collections::BTreeSet;

use crate::alert::Sla;
use crate::cli::Exit;
use crate::cli::alerts::bulk::Narrowing;
use crate::cli::alerts::head;
use crate::cli::alerts::push;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::Source;
use crate::server::alert_filter;
use crate::server::alert_window;
use crate::wire::alert::AlertFilter;
use crate::wire::alert::AlertRow;
use crate::wire::alert::AlertWindow;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    narrowing: Narrowing,
    /// How many to list at most: all as JSON and 200 as a table, unless said
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

/// Rows asked for at once, and the event ids with each.
const PAGE_ROWS: u32 = 1_000;
const EVENTS_MAX: u32 = 1_000;
/// Rows of a table, which is held whole to be aligned.
const TABLE_ROWS: u64 = 200;
/// How often the list is gone through again for what moved to a page that was already read.
const PASSES_MAX: u32 = 5;

pub(super) fn list(place: &Place, list: &ListArgs, format: Format) -> anyhow::Result<Exit> {
    let mut filter = list.narrowing.filter("all")?;
    filter.events = Some(if format == Format::Json { EVENTS_MAX } else { 0 });
    let mut source = place.source()?;
    let language = Language::of_environment();
    let mut table = head(language);
    to_stdout(|out| match format {
        Format::Json => {
            let rows_max = list.limit.unwrap_or(u64::MAX);
            each_row(|filter| page(&mut source, filter), filter, rows_max, |row| Ok(write_json(out, &row)?))?;
            Ok(())
        }
        Format::Table => {
            let rows_max = list.limit.unwrap_or(TABLE_ROWS);
            let mut shown = 0;
            let total = each_row(
                |filter| page(&mut source, filter),
                filter,
                rows_max,
                |row| {
                    shown += 1;
                    push(&mut table, row, language);
                    Ok(())
                },
            )?;
            table.write(out)?;
            if shown < total {
                let (vi, en) = ("còn nữa: dùng --limit để xem thêm", "there are more: --limit shows them");
                eprintln!("longan: {shown}/{total}; {}", language.pick(vi, en));
            }
            Ok(())
        }
    })?;
    Ok(Exit::Fine)
}

/// Returns how many alerts there are on a data folder, whatever became of them; none where none can be read.
pub(in crate::cli) fn count_on(data: &std::path::Path) -> u64 {
    let filter = AlertFilter { status: Some("all".to_owned()), limit: Some(1), ..AlertFilter::default() };
    let counted = Place::on(data).source().and_then(|mut source| page(&mut source, &filter));
    counted.map_or(0, |window| window.total)
}

fn page(source: &mut Source, filter: &AlertFilter) -> anyhow::Result<AlertWindow> {
    match source {
        Source::Server(client) => Ok(client.call(async |client| client.alerts(filter).await)?),
        Source::Files(reader) => Ok(alert_window(reader.window(&alert_filter(filter)?)?, Sla::DEFAULT)),
    }
}

/// Goes through the list page by page and returns how many there are in all. While pages are read the list moves: what
/// is met twice is told once, and after a change the list is gone through again for what was missed.
fn each_row(
    mut page: impl FnMut(&AlertFilter) -> anyhow::Result<AlertWindow>,
    mut filter: AlertFilter,
    rows_max: u64,
    mut each: impl FnMut(AlertRow) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut seen = BTreeSet::new();
    let mut total = 0;
    for _ in 0..PASSES_MAX {
        filter.offset = 0;
        let mut revision = None;
        let mut has_moved = false;
        let mut told = 0;
        loop {
            let left = rows_max.saturating_sub(seen.len() as u64);
            filter.limit = Some(u32::try_from(left).unwrap_or(PAGE_ROWS).min(PAGE_ROWS));
            let window = page(&filter)?;
            total = window.total;
            has_moved |= *revision.get_or_insert(window.revision) != window.revision;
            let count = window.rows.len() as u64;
            for row in window.rows {
                if seen.insert(row.id) {
                    told += 1;
                    each(row)?;
                }
            }
            filter.offset += count;
            if count == 0 || filter.offset >= total || seen.len() as u64 >= rows_max {
                break;
            }
        }
        if !has_moved || told == 0 || seen.len() as u64 >= rows_max {
            break;
        }
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::alert::AlertStatus;

    fn row(id: u64) -> AlertRow {
        AlertRow {
            id,
            rule: String::new(),
            title: String::new(),
            title_vi: None,
            level: "low".to_owned(),
            risk: 1,
            status: AlertStatus::New,
            entity: String::new(),
            entity_field: String::new(),
            host: None,
            count: 1,
            first: String::new(),
            last: String::new(),
            raised: String::new(),
            owner: None,
            disposition: None,
            revision: 0,
            tags: Vec::new(),
            events: Vec::new(),
            due: None,
        }
    }

    /// Lists what `at` returns at each call: the ids in order, and the revision.
    fn listed(rows_max: u64, at: impl Fn(usize) -> (Vec<u64>, u64)) -> (Vec<u64>, u64, usize) {
        let mut calls = 0;
        let mut told = Vec::new();
        let page = |filter: &AlertFilter| {
            let (ids, revision) = at(calls);
            calls += 1;
            let limit = filter.limit.unwrap() as usize;
            let rows = ids.iter().skip(filter.offset as usize).take(limit).copied().map(row).collect();
            Ok(AlertWindow { rows, total: ids.len() as u64, newest: 0, revision })
        };
        let total = each_row(page, AlertFilter::default(), rows_max, |row| {
            told.push(row.id);
            Ok(())
        });
        (told, total.unwrap(), calls)
    }

    #[test]
    fn a_still_list_is_read_once_and_a_limit_is_kept() {
        assert_eq!(listed(u64::MAX, |_| (Vec::new(), 1)), (vec![], 0, 1));
        let (told, total, calls) = listed(u64::MAX, |_| ((0..2_500).collect(), 1));
        assert!(told.into_iter().eq(0..2_500));
        assert_eq!((total, calls), (2_500, 3));
        let (told, total, calls) = listed(1_200, |_| ((0..2_500).collect(), 1));
        assert_eq!((told.len(), total, calls), (1_200, 2_500, 2));
        assert!(listed(0, |_| (vec![1], 1)).0.is_empty());
    }

    #[test]
    fn what_moves_to_a_page_already_read_is_not_missed() {
        // After the first page alert 1,500 becomes the riskiest, and 999 slides onto the second page.
        let (told, _, calls) = listed(u64::MAX, |call| match call {
            0 => ((0..2_000).collect(), 1),
            _ => (std::iter::once(1_500).chain((0..2_000).filter(|id| *id != 1_500)).collect(), 2),
        });
        assert_eq!(told.len(), 2_000);
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), 2_000);
        assert_eq!(told.last(), Some(&1_500));
        assert_eq!(calls, 4);
    }
}
