//! What events are read, judged and enriched with, and what is stored: whether it loads, and how old it is.

use std::fs;
use std::path::Path;

use crate::cli::doctor::finding::Findings;
use crate::cli::doctor::finding::Severity;
use crate::cli::doctor::finding::both;
use crate::cli::doctor::finding::shown;
use crate::config::Settings;
use crate::model::Timestamp;
use crate::normalize::assets;
use crate::normalize::enrich;
use crate::normalize::enrich::Geo;
use crate::pipeline::Content;
use crate::store;
use crate::store::Store;

/// Problems of rules and packs told one by one.
const PROBLEMS_MAX: usize = 20;
/// Older indicators say little of today's attackers, and older databases put addresses where they were.
const LIST_DAYS: u64 = 30;
const ADDRESSES_DAYS: u64 = 120;

/// Loads rules and packs as the server would.
pub(super) fn rules_and_packs(settings: &Settings, findings: &mut Findings) {
    let own = settings.data.join("rules");
    let rules = settings.rules.folder.as_deref().or_else(|| own.is_dir().then_some(own.as_path()));
    let content = Content::load(rules, settings.parsers.folder.as_deref(), settings.zone_offset_seconds);
    for folder in [settings.rules.folder.as_deref(), settings.parsers.folder.as_deref()].into_iter().flatten() {
        if !folder.is_dir() {
            findings.add(Severity::Error, "content", shown(folder), both("không phải thư mục", "is no folder"));
        }
    }
    for problem in content.problems.iter().take(PROBLEMS_MAX) {
        let (place, what) = problem.split_once(": ").unwrap_or(("", problem));
        findings.quote(Severity::Warning, "content", place, what);
    }
    if content.problems.len() > PROBLEMS_MAX {
        let more = content.problems.len() - PROBLEMS_MAX;
        let hint = both("`longan rules check`, `longan parsers check`", "`longan rules check`, `longan parsers check`");
        let what = both(format!("và {more} vấn đề nữa"), format!("and {more} more problems"));
        findings.advise(Severity::Warning, "content", "", what, hint);
    }
    let (rules, packs) = (content.rules.rules().count(), content.packs.summaries().len());
    let what = both(format!("{rules} luật, {packs} bộ đọc được nạp"), format!("{rules} rules and {packs} packs load"));
    findings.add(Severity::Fine, "content", rules_place(rules_folder(settings)), what);
}

fn rules_folder(settings: &Settings) -> Option<&Path> {
    settings.rules.folder.as_deref()
}

fn rules_place(folder: Option<&Path>) -> String {
    folder.map_or_else(|| "rules".to_owned(), shown)
}

/// Opens the store without changing anything.
pub(super) fn stored(settings: &Settings, findings: &mut Findings) {
    let folder = settings.data.join("store");
    if !folder.is_dir() {
        return findings.add(Severity::Note, "store", shown(&folder), both("chưa có gì", "nothing is stored yet"));
    }
    match Store::open_read_only(&folder, store::Config::default()) {
        Err(err) => findings.quote(Severity::Error, "store", shown(&folder), format!("{:#}", anyhow::Error::new(err))),
        Ok((_, report)) => {
            let hint = both(
                "khôi phục từ bản sao; `longan verify` cho biết thiếu gì",
                "bring it back from a copy; `longan verify` tells what is missing",
            );
            for (partition, reason) in &report.damaged {
                let what = both(format!("không đọc được: {reason}"), format!("cannot be read: {reason}"));
                findings.advise(Severity::Error, "store", partition, what, hint.clone());
            }
            let what = both(
                format!(
                    "{} phân vùng, {} sự kiện mở được; `longan verify` kiểm tra từng byte",
                    report.partitions, report.events
                ),
                format!(
                    "{} partitions with {} events open; `longan verify` checks every byte",
                    report.partitions, report.events
                ),
            );
            findings.add(Severity::Fine, "store", shown(&folder), what);
        }
    }
}

/// Loads the files events are enriched with, and looks at their age.
pub(super) fn enrichment(settings: &Settings, now: Timestamp, findings: &mut Findings) {
    if let Some(path) = settings.assets.as_deref() {
        match assets::load(path) {
            Ok(loaded) if loaded.count() == 0 => {
                findings.add(
                    Severity::Warning,
                    "enrichment",
                    shown(path),
                    both("không có tài sản nào", "names no asset"),
                );
            }
            Ok(loaded) => {
                let count = loaded.count();
                findings.add(
                    Severity::Fine,
                    "enrichment",
                    shown(path),
                    both(format!("{count} tài sản"), format!("{count} assets")),
                );
            }
            Err(problems) => {
                problems.iter().for_each(|problem| findings.quote(Severity::Error, "enrichment", shown(path), problem));
            }
        }
    }
    if let Some(path) = settings.enrich.units.as_deref()
        && let Err(problems) = enrich::load_units(path, settings.zone_offset_seconds)
    {
        problems.iter().for_each(|problem| findings.quote(Severity::Error, "enrichment", shown(path), problem));
    }
    if let Some(folder) = settings.enrich.threats.as_deref() {
        threats(folder, now, findings);
    }
    let mut geo = Geo::default();
    if let Some(path) = settings.enrich.places.as_deref() {
        database(path, geo.open_places(path).map_err(|err| err.to_string()), now, findings);
    }
    if let Some(path) = settings.enrich.operators.as_deref() {
        database(path, geo.open_operators(path).map_err(|err| err.to_string()), now, findings);
    }
}

fn threats(folder: &Path, now: Timestamp, findings: &mut Findings) {
    let files = enrich::files(folder);
    if files.is_empty() {
        let what = both("không có danh sách nào", "holds no list");
        return findings.add(Severity::Warning, "enrichment", shown(folder), what);
    }
    let (_, summaries, problems) = enrich::load_lists(&files, now);
    problems
        .iter()
        .take(PROBLEMS_MAX)
        .for_each(|problem| findings.quote(Severity::Warning, "enrichment", shown(folder), problem));
    for list in summaries {
        let place = shown(&list.path);
        let what = both(
            format!("{} chỉ dấu, {} hết hạn", list.indicators, list.expired),
            format!("{} indicators, {} of them expired", list.indicators, list.expired),
        );
        if list.indicators == list.expired {
            findings.add(Severity::Warning, "enrichment", &place, what);
        } else {
            findings.add(Severity::Fine, "enrichment", &place, what);
        }
        age(&list.path, LIST_DAYS, now, findings);
    }
}

fn database(path: &Path, opened: Result<(), String>, now: Timestamp, findings: &mut Findings) {
    match opened {
        Err(err) => findings.quote(Severity::Error, "enrichment", shown(path), err),
        Ok(()) => age(path, ADDRESSES_DAYS, now, findings),
    }
}

/// Tells a file that was not renewed for so long.
fn age(path: &Path, days_max: u64, now: Timestamp, findings: &mut Findings) {
    let changed = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let changed = changed.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let Some(changed) = changed else { return };
    let days = u64::try_from(now.seconds()).unwrap_or(0).saturating_sub(changed.as_secs()) / 86_400;
    if days > days_max {
        let what = both(format!("{days} ngày chưa cập nhật"), format!("was not renewed for {days} days"));
        let hint =
            both("lấy bản mới; tệp đổi được nạp lại ngay", "fetch a new one; a changed file is taken up at once");
        findings.advise(Severity::Warning, "enrichment", shown(path), what, hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::tests::settings;
    use crate::cli::output::Language;
    use crate::model::time::Clock as _;
    use crate::model::time::SystemClock;

    #[test]
    fn what_does_not_load_or_is_old_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings(folder.path());
        let rules = folder.path().join("own");
        fs::create_dir(&rules).expect("made");
        fs::write(rules.join("x.yml"), "title: x\ndetection: 7\n").expect("written");
        settings.rules.folder = Some(rules);
        settings.parsers.folder = Some(folder.path().join("none"));
        let mut findings = Findings::new(Language::English);
        rules_and_packs(&settings, &mut findings);
        assert!(
            findings.all.iter().any(|found| found.severity == Severity::Warning && found.place.contains("x.yml")),
            "{findings:?}"
        );
        assert!(findings.all.iter().any(|found| found.severity == Severity::Error && found.what == "is no folder"));

        let lists = folder.path().join("lists");
        fs::create_dir(&lists).expect("made");
        fs::write(lists.join("a.txt"), "203.0.113.9\n").expect("written");
        let broken = folder.path().join("x.mmdb");
        fs::write(&broken, "none").expect("written");
        settings.enrich.threats = Some(lists.clone());
        settings.enrich.places = Some(broken);
        let worst = |now: Timestamp, place: &str| {
            let mut findings = Findings::new(Language::Vietnamese);
            enrichment(&settings, now, &mut findings);
            findings.all.iter().filter(|found| found.place.contains(place)).map(|found| found.severity).max()
        };
        let now = SystemClock.now();
        assert_eq!(worst(now, "a.txt"), Some(Severity::Fine));
        assert_eq!(worst(Timestamp(now.0 + 40 * 86_400 * 1_000_000_000), "a.txt"), Some(Severity::Warning));
        assert_eq!(worst(now, "x.mmdb"), Some(Severity::Error));

        let mut findings = Findings::new(Language::English);
        stored(&settings, &mut findings);
        assert_eq!(findings.worst(), Severity::Note);
        fs::create_dir(folder.path().join("store")).expect("made");
        fs::write(folder.path().join("store/manifest.json"), "{").expect("written");
        let mut findings = Findings::new(Language::English);
        stored(&settings, &mut findings);
        assert_eq!(findings.worst(), Severity::Error, "{findings:?}");
    }
}
