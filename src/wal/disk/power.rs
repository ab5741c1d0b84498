//! For tests: somebody is told of each step that durability rests on before it is done, and may let it fail.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use super::durable::Step;

type Watcher = Arc<dyn Fn(Step<'_>) -> io::Result<()> + Send + Sync>;

static WATCHERS: Mutex<Vec<(PathBuf, Watcher)>> = Mutex::new(Vec::new());

fn watchers() -> MutexGuard<'static, Vec<(PathBuf, Watcher)>> {
    WATCHERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells those who watch the folder that a step is in.
pub(super) fn about_to(step: Step<'_>) -> io::Result<()> {
    let (Step::Create(path) | Step::Rename(path) | Step::Remove(path) | Step::SyncFile(path) | Step::SyncFolder(path)) =
        step;
    let told: Vec<Watcher> =
        watchers().iter().filter(|(folder, _)| path.starts_with(folder)).map(|(_, it)| Arc::clone(it)).collect();
    told.iter().try_for_each(|watcher| watcher(step))
}

/// Watches the steps below a folder until it is dropped. An error of `watcher` is the step's.
pub(crate) struct Watch(PathBuf);

impl Watch {
    pub(crate) fn new(folder: &Path, watcher: impl Fn(Step<'_>) -> io::Result<()> + Send + Sync + 'static) -> Watch {
        watchers().push((folder.to_owned(), Arc::new(watcher)));
        Watch(folder.to_owned())
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        watchers().retain(|(folder, _)| *folder != self.0);
    }
}
