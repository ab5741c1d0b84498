//! What events are enriched with: assets, units, threat lists and places, loaded as the configuration names them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::Settings;
use crate::model::Timestamp;
use crate::normalize::Config;
use crate::normalize::Normalizer;
use crate::normalize::assets;
use crate::normalize::assets::Assets;
use crate::normalize::enrich;
use crate::normalize::enrich::Enrichment;
use crate::normalize::enrich::Geo;
use crate::normalize::enrich::Units;

/// The longest list of problems that is told of one load.
const PROBLEMS_MAX: usize = 200;

/// What was loaded.
pub(super) struct Knowledge {
    pub(super) normalizer: Arc<Normalizer>,
    /// Lines that were left out; the rest is in force.
    pub(super) problems: Vec<String>,
}

/// Loads everything.
///
/// # Errors
/// When a file that counts as a whole is broken (assets, units, databases of places): every problem, as one text each.
pub(super) fn load(settings: &Settings, now: Timestamp) -> Result<Knowledge, Vec<String>> {
    let (whole, fatal) = whole(settings);
    if !fatal.is_empty() {
        return Err(fatal.into_iter().map(|(_, problem)| problem).collect());
    }
    let (assets, units, geo) = whole;
    let zone = settings.zone_offset_seconds;
    let (threats, _, problems) = match settings.enrich.threats.as_deref() {
        Some(folder) => enrich::load_threats(folder, now),
        None => Default::default(),
    };
    let enrichment = Enrichment { threats, geo, units };
    let config = Config { assets, enrichment, zone_offset_seconds: zone };
    let problems = problems.iter().take(PROBLEMS_MAX).map(ToString::to_string).collect();
    Ok(Knowledge { normalizer: Arc::new(Normalizer::new(config)), problems })
}

/// Returns what is wrong with the files that count as a whole, each problem with the key that names the file.
pub(super) fn refused(settings: &Settings) -> Vec<Refused> {
    whole(settings).1
}

/// A problem with the key that names the file it is in.
type Refused = (&'static str, String);

/// Loads the files that count as a whole.
fn whole(settings: &Settings) -> ((Assets, Units, Geo), Vec<Refused>) {
    let mut fatal = Vec::new();
    let zone = settings.zone_offset_seconds;
    let assets = settings.assets.as_deref().map_or_else(|| Ok(Assets::default()), assets::load);
    let assets = assets.unwrap_or_else(|problems| {
        fatal.extend(problems.iter().map(|problem| ("assets.file", problem.to_string())));
        Assets::default()
    });
    let units = settings.enrich.units.as_deref();
    let units = units.map_or_else(|| Ok(Units::default()), |path| enrich::load_units(path, zone));
    let units = units.unwrap_or_else(|problems| {
        fatal.extend(problems.iter().map(|problem| ("enrich.units_file", problem.to_string())));
        Units::default()
    });
    let mut geo = Geo::default();
    let opened = [
        (
            "enrich.places_file",
            &settings.enrich.places,
            Geo::open_places as fn(&mut Geo, &std::path::Path) -> Result<(), _>,
        ),
        ("enrich.operators_file", &settings.enrich.operators, Geo::open_operators),
    ];
    for (key, path, open) in opened {
        if let Some(path) = path
            && let Err(err) = open(&mut geo, path)
        {
            fatal.push((key, format!("{}:1:1: no database of addresses: {err}", path.display())));
        }
    }
    ((assets, units, geo), fatal)
}

/// Returns the files and folders whose change makes it load anew.
pub(super) fn paths(settings: &Settings) -> Vec<PathBuf> {
    let enrich = &settings.enrich;
    let all = [&settings.assets, &enrich.units, &enrich.places, &enrich.operators, &enrich.threats];
    all.into_iter().flatten().cloned().collect()
}
