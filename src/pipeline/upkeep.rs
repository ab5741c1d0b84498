//! What the store needs now and then: deleting what was kept long enough, archiving what is over, and looking ahead to the day
//! on which the disk is full.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::config::Class;
use crate::config::Settings;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::model::time::SECONDS_PER_DAY;
use crate::pipeline::live::Live;
use crate::pipeline::stages::Stages;
use crate::store::ClockState;
use crate::store::Forecast;
use crate::store::Growth;
use crate::store::Retention;
use crate::store::RetentionClass;
use crate::store::Stay;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Tier;
use crate::store::Tombstone;
use crate::telemetry::Registry;

/// How often what has been kept long enough, and what is to be archived, is looked for.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);
/// How often growth is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(300);

/// How long each class stays where.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) classes: Vec<Class>,
    pub(super) retention: Retention,
    stays: BTreeMap<RetentionClass, Stay>,
    standard: Stay,
    reserve_bytes: u64,
    warning_days: u32,
    /// How far the clock may be ahead of what was believed last.
    clock_jump: Duration,
}

impl Policy {
    pub(super) fn of_settings(settings: &Settings) -> Policy {
        let store = &settings.store;
        let standard = Class {
            name: RetentionClass::default().to_string(),
            level: store.level,
            days: store.retention_days,
            archive_days: store.archive_days,
            inputs: Vec::new(),
            systems: Vec::new(),
        };
        let mut classes = settings.classes.clone();
        classes.push(standard.clone());
        let named = |class: &Class| (RetentionClass::new(&class.name), class.days);
        let days: BTreeMap<_, _> = classes.iter().map(named).collect();
        // What the configuration does not name any more is kept as long as anything is.
        let retention = Retention { default_days: days.values().copied().max(), days };
        let stays = classes.iter().map(|class| (RetentionClass::new(&class.name), stay_of(class))).collect();
        Policy {
            standard: Stay { days: retention.default_days, ..stay_of(&standard) },
            classes,
            retention,
            stays,
            reserve_bytes: store.reserve_bytes,
            warning_days: store.full_warning_days,
            clock_jump: Duration::from_secs(u64::from(store.clock_jump_days) * SECONDS_PER_DAY.unsigned_abs()),
        }
    }

    pub(super) fn stay(&self, class: &RetentionClass) -> Stay {
        self.stays.get(class).copied().unwrap_or(self.standard)
    }
}

fn stay_of(class: &Class) -> Stay {
    Stay { archive_days: (class.archive_days > 0).then_some(class.archive_days), days: Some(class.days) }
}

/// When the disk will be full, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DiskOutlook {
    pub(super) forecast: Forecast,
    pub(super) days_left: Option<u64>,
    /// Nearer than the operator wants to be told.
    pub(super) is_near: bool,
}

impl DiskOutlook {
    fn of(forecast: Forecast, now: Timestamp, warning_days: u32) -> DiskOutlook {
        let days_left = forecast.full.map(|full| full.since(now).as_secs() / SECONDS_PER_DAY.unsigned_abs());
        let is_near = days_left.is_some_and(|days| days < u64::from(warning_days));
        DiskOutlook { forecast, days_left, is_near }
    }
}

/// What the stages work with.
#[derive(Clone)]
pub(super) struct Upkeep {
    pub(super) store: Store,
    pub(super) policy: Arc<Policy>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) live: Arc<Live>,
    pub(super) registry: Registry,
    pub(super) data: PathBuf,
    pub(super) cancel: CancellationToken,
    /// Dropped with the last stage: only then the evidence looks a last time, at archives and deletions, too.
    pub(super) _until: Sender<()>,
}

impl Upkeep {
    /// Starts the stages.
    pub(super) fn start(self, stages: &mut Stages) {
        stages.spawn("archive", self.clone().archive());
        stages.spawn("retention", self.clone().retain());
        stages.spawn("growth", self.measure());
    }

    /// Waits; false when the program is to end.
    async fn wait(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.cancel.cancelled() => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// Deletes what has been kept long enough, now and every hour.
    async fn retain(self) -> anyhow::Result<()> {
        loop {
            let here = self.clone();
            match tokio::task::spawn_blocking(move || here.delete_what_is_over()).await {
                Ok(Ok(deleted)) if !deleted.is_empty() => {
                    info!(partitions = deleted.len(), "kept long enough, deleted");
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => error!(%error, "what has been kept long enough could not be deleted"),
                Err(error) => error!(%error, "looking for what has been kept long enough failed"),
            }
            if !self.wait(RETENTION_EVERY).await {
                return Ok(());
            }
        }
    }

    fn delete_what_is_over(&self) -> Result<Vec<Tombstone>, StoreError> {
        let now = self.clock.now();
        let state = self.store.judge_clock(now, self.policy.clock_jump)?;
        let trouble = clock_trouble(state, now);
        if let Some(trouble) = &trouble {
            warn!("{trouble}");
        }
        self.live.set_clock_trouble(trouble);
        match state {
            ClockState::Ahead { .. } => Ok(Vec::new()),
            ClockState::Believed | ClockState::Behind { .. } => self.store.retain(now, &self.policy.retention),
        }
    }

    /// Rewrites old days as archives, now and every hour, on a quarter of one core.
    async fn archive(self) -> anyhow::Result<()> {
        loop {
            let (store, policy, now) = (self.store.clone(), Arc::clone(&self.policy), self.clock.now());
            let stop = self.cancel.clone();
            let work = move || {
                let before = |class: &RetentionClass| {
                    let days = u64::from(policy.stay(class).archive_days?);
                    Some(now.minus(Duration::from_secs(days * SECONDS_PER_DAY.unsigned_abs())))
                };
                store.archive_by(&before, &mut |spent| rest(spent * 3, &stop))
            };
            match tokio::task::spawn_blocking(work).await {
                Ok(Ok(0)) => {}
                Ok(Ok(partitions)) => info!(partitions, "rewritten as archives"),
                Ok(Err(error)) => error!(%error, "old partitions could not be archived; they are there as they were"),
                Err(error) => error!(%error, "archiving failed; the partitions are there as they were"),
            }
            if !self.wait(RETENTION_EVERY).await {
                return Ok(());
            }
        }
    }

    /// Measures how the store grows, and looks ahead.
    async fn measure(self) -> anyhow::Result<()> {
        let mut growth = Growth::read(self.store.folder());
        loop {
            let here = self.clone();
            let measured = tokio::task::spawn_blocking(move || {
                here.look(&mut growth);
                growth
            });
            growth = match measured.await {
                Ok(growth) => growth,
                Err(error) => {
                    error!(%error, "measuring the growth failed");
                    Growth::read(self.store.folder())
                }
            };
            if !self.wait(MEASURE_EVERY).await {
                return Ok(());
            }
        }
    }

    fn look(&self, growth: &mut Growth) {
        let now = self.clock.now();
        let rows = self.store.tiers();
        let mut received: BTreeMap<RetentionClass, u64> = BTreeMap::new();
        for tombstone in self.store.tombstones() {
            *received.entry(tombstone.class).or_default() += tombstone.events;
        }
        for row in &rows {
            *received.entry(row.class.clone()).or_default() += row.events;
        }
        growth.note(now, received);
        if let Err(error) = growth.write(self.store.folder()) {
            warn!(%error, "the measured growth could not be written down");
        }
        let free = statvfs(&self.data).map_or(0, |stat| stat.blocks_available().saturating_mul(stat.fragment_size()));
        let room = free.saturating_sub(self.policy.reserve_bytes);
        let forecast = growth.forecast(now, &rows, &|class| self.policy.stay(class), room);
        let outlook = forecast.map(|forecast| DiskOutlook::of(forecast, now, self.policy.warning_days));
        self.live.set_disk_outlook(outlook);
        self.publish(&rows, outlook);
    }

    fn publish(&self, rows: &[crate::store::TierRow], outlook: Option<DiskOutlook>) {
        let mut sums: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        // A class has all its tiers, so that a series ends at zero and not at what it was.
        for row in rows {
            for tier in [Tier::Hot, Tier::Sealed, Tier::Archive] {
                sums.entry((row.class.as_str(), word(tier))).or_default();
            }
            let sum = sums.entry((row.class.as_str(), word(row.tier))).or_default();
            *sum = (sum.0 + row.events, sum.1 + row.bytes);
        }
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        for ((class, tier), (events, bytes)) in sums {
            let labels = [("class", class), ("tier", tier)];
            self.registry.gauge("longan_store_events", &labels).set(number(events));
            self.registry.gauge("longan_store_bytes", &labels).set(number(bytes));
        }
        if let Some(outlook) = outlook {
            let seconds = outlook.forecast.full.map_or(-1, |full| number(full.since(self.clock.now()).as_secs()));
            self.registry.gauge("longan_disk_full_seconds", &[]).set(seconds);
            self.registry.gauge("longan_store_growth_bytes_a_day", &[]).set(outlook.forecast.bytes_a_day);
        }
    }
}

/// Says what is wrong with the clock and what to do.
fn clock_trouble(state: ClockState, now: Timestamp) -> Option<String> {
    match state {
        ClockState::Believed => None,
        ClockState::Ahead { believed } => Some(format!(
            "the clock says {now}, and {believed} was believed last: it has jumped ahead, so retention deletes nothing. Put the clock right; when it is right, \
             raise `store.clock_jump_days` for one start"
        )),
        ClockState::Behind { believed } => Some(format!(
            "the clock says {now}, and {believed} was believed last: it has been put back. Put it right; events are received with its time"
        )),
    }
}

fn word(tier: Tier) -> &'static str {
    match tier {
        Tier::Hot => "hot",
        Tier::Sealed => "sealed",
        Tier::Archive => "archive",
    }
}

/// Lets others have the processor; false when the program is to end.
fn rest(time: Duration, stop: &CancellationToken) -> bool {
    const TURN: Duration = Duration::from_millis(100);
    let mut left = time;
    while !left.is_zero() && !stop.is_cancelled() {
        std::thread::sleep(left.min(TURN));
        left = left.saturating_sub(TURN);
    }
    !stop.is_cancelled()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Flags;
    use crate::config::load;

    fn policy() -> Policy {
        let mut settings = load(None, [], &Flags::default()).expect("the defaults are right");
        settings.classes.push(Class {
            name: "dvc".to_owned(),
            level: 5,
            days: 730,
            archive_days: 0,
            inputs: Vec::new(),
            systems: vec!["dvc".to_owned()],
        });
        Policy::of_settings(&settings)
    }

    #[test]
    fn what_the_configuration_forgot_is_kept_as_long_as_anything() {
        let policy = policy();
        let days = |class: &str| policy.retention.days_of(&RetentionClass::new(class));
        assert_eq!((days("standard"), days("dvc"), days("gone")), (Some(365), Some(730), Some(730)));
        let stay = |class: &str| policy.stay(&RetentionClass::new(class));
        assert_eq!(stay("dvc"), Stay { archive_days: None, days: Some(730) });
        assert_eq!(stay("gone"), Stay { archive_days: Some(3), days: Some(730) });
    }

    #[test]
    fn a_clock_that_jumps_deletes_nothing_and_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, _) = Store::open(&folder.path().join("store"), crate::store::Config::default()).expect("a store");
        let today = Timestamp::from_seconds(20_000 * SECONDS_PER_DAY, 0);
        let mut writer = store.writer().expect("a writer");
        let mut event = crate::model::Event::new("a line", today);
        (event.id, event.ingested) = (crate::model::EventId(1), today);
        writer.add_with_raw(&event, b"a line");
        writer.seal_and_wait().expect("sealed");
        let clock = Arc::new(crate::model::time::ManualClock::at(today));
        let upkeep = Upkeep {
            store: store.clone(),
            policy: Arc::new(policy()),
            clock: clock.clone(),
            live: Arc::new(Live::default()),
            registry: Registry::default(),
            data: folder.path().to_owned(),
            cancel: CancellationToken::new(),
            _until: std::sync::mpsc::channel().0,
        };
        let deleted = || upkeep.delete_what_is_over().expect("written").len();
        assert_eq!((deleted(), upkeep.live.clock_trouble()), (0, None));
        clock.set(today.plus(Duration::from_secs(3_650 * 86_400)));
        assert_eq!((deleted(), store.partitions().len()), (0, 1));
        let trouble = upkeep.live.clock_trouble().expect("told");
        assert!(trouble.contains("2034-") && trouble.contains("`store.clock_jump_days`"), "{trouble}");
        clock.set(Timestamp(0));
        assert_eq!(deleted(), 0);
        assert!(upkeep.live.clock_trouble().is_some_and(|trouble| trouble.contains("put back")));
        clock.set(today);
        assert_eq!((deleted(), upkeep.live.clock_trouble()), (0, None));
    }

    #[test]
    fn nearness_is_counted_in_days() {
        let day = |days: i64| Timestamp::from_seconds(days * SECONDS_PER_DAY, 0);
        let outlook = |full| DiskOutlook::of(Forecast { full, ..Forecast::default() }, day(100), 30);
        assert_eq!((outlook(None).days_left, outlook(None).is_near), (None, false));
        assert_eq!((outlook(Some(day(129))).days_left, outlook(Some(day(129))).is_near), (Some(29), true));
        assert!(!outlook(Some(day(130))).is_near);
        assert_eq!(outlook(Some(day(99))).days_left, Some(0));
    }
}
