//! The power goes at a step, whichever it is; life after life on what is left.
//!
//! `LONGAN_SIMULATION_SEEDS=FIRST..END` runs other seeds than the few of an ordinary test run, one life after the other.

use super::*;
use crate::evidence::audit;
use crate::evidence::audit::AuditLog;
use crate::evidence::audit::Deed;
use crate::store::Retention;
use crate::wal::disk::durable::Step;
use crate::wal::disk::platter::Platter;
use crate::wal::disk::sim::Random;

const SEEDS: std::ops::Range<u64> = 0..6;
const LIVES: usize = 6;
const ACTIONS: u64 = 14;
/// Steps of a life before which the power may go; a life has about as many.
const STEPS: u64 = 220;

/// What the outside world was told.
#[derive(Debug, Clone, Default)]
struct Known {
    events: BTreeSet<u64>,
    /// Signed checkpoints, as they were pushed elsewhere.
    notes: Vec<String>,
    deeds: u64,
}

/// The disk of one life.
struct Machine {
    platter: Platter,
    random: Random,
    known: Known,
    steps: u64,
    /// The step before which the power goes.
    end: u64,
    /// It says that it synced and did not.
    is_lying: bool,
    /// A step that fails once.
    fault: Option<u64>,
    /// What is left after the power went, and what was known then.
    left: Option<Known>,
    image: PathBuf,
}

type Shared = Arc<Mutex<Machine>>;

fn lock(machine: &Shared) -> std::sync::MutexGuard<'_, Machine> {
    machine.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Machine {
    fn step(&mut self, step: Step<'_>) -> io::Result<()> {
        if self.left.is_some() {
            return Err(io::Error::other("the power is off"));
        }
        self.steps += 1;
        if self.steps > self.end {
            self.platter.image(&mut self.random, &self.image)?;
            self.left = Some(self.known.clone());
            return Err(io::Error::other("the power went"));
        }
        // Log and evidence stop for good at an error; the tests of each have that.
        let (Step::Create(path)
        | Step::Rename(path)
        | Step::Remove(path)
        | Step::SyncFile(path)
        | Step::SyncFolder(path)) = step;
        let may_fail = path.components().any(|part| part.as_os_str() == "store");
        if self.fault.is_some_and(|fault| self.steps > fault) && may_fail {
            self.fault = None;
            self.platter.failed(step)?;
            return Err(io::Error::from(if self.steps.is_multiple_of(2) {
                io::ErrorKind::StorageFull
            } else {
                io::ErrorKind::Other
            }));
        }
        if self.is_lying { Ok(()) } else { self.platter.done(step) }
    }
}

/// Everything on one data folder, with the audit log.
struct All {
    place: Place,
    audit: AuditLog,
}

impl All {
    fn open(data: &Path) -> anyhow::Result<All> {
        Ok(All { place: Place::open(data)?, audit: AuditLog::open(data)? })
    }

    /// One thing that the program does; what it promises is known when this returns.
    fn act(&mut self, random: &mut Random, machine: &Shared) -> anyhow::Result<()> {
        match random.below(12) {
            0..=3 => {
                let taken = self.place.take()?;
                lock(machine).known.events.extend(taken);
            }
            4..=6 => {
                self.place.seal()?;
                self.place.wal.release(self.place.store.checkpoint())?;
            }
            7 => {
                self.place.store.archive(NOW.plus(DAY * 30), &mut |_| true)?;
            }
            8 => {
                let days = BTreeMap::from([(RetentionClass::new("short"), 1)]);
                self.place.store.retain(NOW.plus(DAY * 2), &Retention { default_days: None, days })?;
            }
            9 | 10 => {
                self.place.keeper.look(&self.place.store.partitions(), &self.place.store.tombstones())?;
                let note = self.place.keeper.sign()?;
                lock(machine).known.notes.push(note);
            }
            _ => {
                let number = self.audit.record(Deed::of_program(NOW, "test", "something was done"))?;
                lock(machine).known.deeds = number + 1;
                let note = self.audit.sign()?;
                lock(machine).known.notes.push(note);
            }
        }
        Ok(())
    }

    /// Checks what came back after a power cut, and takes what is readable for acknowledged: it must never vanish again.
    fn check(&self, data: &Path, mut known: Known) -> Known {
        known.events.extend(self.place.check(&known.events));
        let deeds = audit::list_of_folder(data, &audit::Filter::default(), 10_000).expect("readable").len() as u64;
        assert!(deeds >= known.deeds, "{deeds} of {} entries of the audit log", known.deeds);
        self.place.look();
        let options = Options { key: None, checkpoints: known.notes.clone() };
        let report = verify(data, &options, NOW.plus(DAY * 20_000), &mut |_| true).expect("readable");
        assert!(report.is_right(), "{:#?}", report.findings);
        known
    }
}

/// Lives until the power goes or everything is done; returns the folder that is left and what is known of it.
fn live(data: tempfile::TempDir, known: Known, random: &mut Random, is_lying: bool) -> (tempfile::TempDir, Known) {
    let image = tempfile::tempdir().expect("a folder");
    let machine = Arc::new(Mutex::new(Machine {
        platter: Platter::new(data.path()).expect("readable"),
        random: Random::new(random.draw()),
        known,
        steps: 0,
        end: random.below(STEPS),
        is_lying,
        fault: random.one_in(3).then(|| random.below(STEPS)),
        left: None,
        image: image.path().to_owned(),
    }));
    let watch = Watch::new(data.path(), {
        let machine = Arc::clone(&machine);
        move |step| lock(&machine).step(step)
    });
    let is_on = || lock(&machine).left.is_none();
    if let Ok(mut all) = All::open(data.path()) {
        for _ in 0..ACTIONS {
            let done = all.act(random, &machine);
            // A step that failed once is an error and no more.
            assert!(done.is_ok() || !is_on() || lock(&machine).fault.is_none(), "{done:?}");
            if !is_on() {
                break;
            }
        }
    }
    if is_on() {
        let mut machine = lock(&machine);
        machine.end = machine.steps;
        let _went = machine.step(Step::SyncFolder(Path::new("/")));
    }
    drop(watch);
    let left = lock(&machine).left.take().expect("the power went");
    (image, left)
}

fn simulate(seed: u64, is_lying: bool) -> usize {
    let mut random = Random::new(seed);
    let mut data = tempfile::tempdir().expect("a folder");
    let mut known = Known::default();
    for life in 0..LIVES {
        let context = format!("seed {seed}, life {life}");
        (data, known) = live(data, known, &mut random, is_lying);
        // The power may go again before anybody has looked.
        if !random.one_in(3) {
            let all = All::open(data.path()).unwrap_or_else(|err| panic!("{context}: {err:?}"));
            known = all.check(data.path(), known);
        }
    }
    let all = All::open(data.path()).expect("it opens");
    all.check(data.path(), known).events.len()
}

fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("LONGAN_SIMULATION_SEEDS") else { return SEEDS };
    let (first, end) = text.split_once("..").expect("FIRST..END");
    first.parse().expect("a number")..end.parse().expect("a number")
}

#[test]
fn the_power_may_go_at_any_step_of_anything() {
    let mut events = 0;
    for seed in seeds() {
        let found = std::panic::catch_unwind(|| simulate(seed, false)).unwrap_or_else(|_| panic!("seed {seed} failed"));
        events += found;
    }
    assert!(events > 100, "{events}");
}

/// What this says of a disk that keeps its word is worth something only if it finds one that does not.
#[test]
fn a_disk_that_only_says_that_it_synced_is_found_out() {
    let is_found = |seed| std::panic::catch_unwind(|| simulate(seed, true)).is_err();
    assert!((0..4).any(is_found));
}
