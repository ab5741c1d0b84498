//! Searches that people saved, in one file that is written whole.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::wire::saved::SavedSearch;

/// Searches of one owner, and the longest name.
const OF_OWNER_MAX: usize = 200;
const NAME_CHARS_MAX: usize = 80;
/// Searches of all owners.
const SEARCHES_MAX: usize = 10_000;
/// No file of so many is longer.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The file in the data folder.
pub const FILE_NAME: &str = "searches.json";

/// Why a search could not be saved or deleted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    #[error("a name has 1 to {NAME_CHARS_MAX} characters, none of them a control character")]
    BadName,
    #[error("`{0}` has {OF_OWNER_MAX} saved searches already")]
    Full(String),
    #[error("no saved search `{0}` of yours")]
    Unknown(String),
    #[error("cannot use `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// The saved searches of a data folder.
#[derive(Debug)]
pub struct SavedSearches {
    path: PathBuf,
    searches: Mutex<Vec<SavedSearch>>,
}

impl SavedSearches {
    /// Opens those of a folder; where there are none yet, none.
    ///
    /// # Errors
    /// When the file cannot be read or is none of ours: it is left alone then.
    pub fn open(data: &Path) -> Result<SavedSearches, SavedError> {
        let path = data.join(FILE_NAME);
        let failed = |source| SavedError::Io { path: path.clone(), source };
        let searches = match fs::metadata(&path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(err) => return Err(failed(err)),
            Ok(about) if about.len() > FILE_BYTES_MAX => return Err(failed(io::ErrorKind::FileTooLarge.into())),
            Ok(_) => {
                let bytes = fs::read(&path).map_err(failed)?;
                serde_json::from_slice(&bytes).map_err(|err| failed(io::Error::other(err)))?
            }
        };
        Ok(SavedSearches { path, searches: Mutex::new(searches) })
    }

    fn searches(&self) -> MutexGuard<'_, Vec<SavedSearch>> {
        self.searches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what somebody sees: their own, then what others share, each by name.
    pub fn seen_by(&self, who: &str) -> Vec<SavedSearch> {
        let mut seen: Vec<SavedSearch> =
            self.searches().iter().filter(|search| search.owner == who || search.shared).cloned().collect();
        seen.sort_by(|a, b| (a.owner != who, &a.name, &a.owner).cmp(&(b.owner != who, &b.name, &b.owner)));
        seen
    }

    /// Saves a search in place of one of the same owner and name.
    ///
    /// # Errors
    /// When the name is none, there are too many, or it cannot be written.
    pub fn save(&self, search: SavedSearch) -> Result<(), SavedError> {
        let length = search.name.chars().count();
        let is_name = (1..=NAME_CHARS_MAX).contains(&length)
            && search.name.trim() == search.name
            && !search.name.chars().any(char::is_control);
        if !is_name {
            return Err(SavedError::BadName);
        }
        let mut searches = self.searches();
        let mut after: Vec<SavedSearch> = searches.iter().filter(|known| !is_same(known, &search)).cloned().collect();
        let of_owner = after.iter().filter(|known| known.owner == search.owner).count();
        if of_owner >= OF_OWNER_MAX || after.len() >= SEARCHES_MAX {
            return Err(SavedError::Full(search.owner));
        }
        after.push(search);
        self.write(&after)?;
        *searches = after;
        Ok(())
    }

    /// Deletes the search of an owner.
    ///
    /// # Errors
    /// When there is none, or it cannot be written.
    pub fn delete(&self, owner: &str, name: &str) -> Result<(), SavedError> {
        let mut searches = self.searches();
        let after: Vec<SavedSearch> =
            searches.iter().filter(|known| known.owner != owner || known.name != name).cloned().collect();
        if after.len() == searches.len() {
            return Err(SavedError::Unknown(name.to_owned()));
        }
        self.write(&after)?;
        *searches = after;
        Ok(())
    }

    /// Written beside, synced, renamed: it is the old file or the new one, never half.
    fn write(&self, searches: &[SavedSearch]) -> Result<(), SavedError> {
        let write = || {
            let beside = self.path.with_extension("new");
            let mut file = File::create(&beside)?;
            file.write_all(&serde_json::to_vec(searches).map_err(io::Error::other)?)?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        write().map_err(|source| SavedError::Io { path: self.path.clone(), source })
    }
}

fn is_same(a: &SavedSearch, b: &SavedSearch) -> bool {
    a.owner == b.owner && a.name == b.name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(owner: &str, name: &str, shared: bool) -> SavedSearch {
        SavedSearch { name: name.to_owned(), owner: owner.to_owned(), shared, ..SavedSearch::default() }
    }

    fn names(saved: &SavedSearches, who: &str) -> Vec<String> {
        saved.seen_by(who).into_iter().map(|search| format!("{}/{}", search.owner, search.name)).collect()
    }

    #[test]
    fn each_sees_their_own_and_what_is_shared_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let saved = SavedSearches::open(folder.path()).expect("none yet");
        for (owner, name, shared) in [("ha", "b", true), ("ha", "secret", false), ("an", "z", false), ("an", "a", true)]
        {
            saved.save(search(owner, name, shared)).expect("room");
        }
        assert_eq!(names(&saved, "an"), ["an/a", "an/z", "ha/b"]);
        assert_eq!(names(&saved, "binh"), ["an/a", "ha/b"]);
        saved.save(SavedSearch { q: "new".to_owned(), ..search("an", "a", false) }).expect("replaced");
        saved.delete("an", "z").expect("there");
        assert!(matches!(saved.delete("an", "b"), Err(SavedError::Unknown(_))), "it is another's");
        let again = SavedSearches::open(folder.path()).expect("written");
        assert_eq!(names(&again, "an"), ["an/a", "ha/b"]);
        assert_eq!(again.seen_by("an")[0].q, "new");
    }

    #[test]
    fn what_is_no_name_and_too_many_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let saved = SavedSearches::open(folder.path()).expect("none yet");
        for name in ["", " a", "a\u{1b}[2J", &"x".repeat(81)] {
            assert!(matches!(saved.save(search("an", name, false)), Err(SavedError::BadName)), "{name:?}");
        }
        for number in 0..OF_OWNER_MAX {
            saved.save(search("an", &format!("đăng nhập {number}"), false)).expect("room");
        }
        assert!(matches!(saved.save(search("an", "more", false)), Err(SavedError::Full(_))));
        saved.save(search("ha", "more", false)).expect("others have room");
        fs::write(folder.path().join(FILE_NAME), "[{").expect("written");
        assert!(SavedSearches::open(folder.path()).is_err());
    }
}
