//! Tokens for the API: 256 random bits, of which only the SHA-256 is kept, with a name, a role and an end.
//!
//! They stand in one small JSON file, replaced whole at every change. A running server sees a change made by a
//! command beside it, because the file is read again when it was replaced.

use std::fs;
use std::fs::File;
use std::io::Read as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::auth::Principal;
use crate::auth::Role;
use crate::auth::Via;
use crate::model::Timestamp;

/// How a token begins, so that people and secret scanners know one when they see it.
const PREFIX: &str = "lgn_";
/// The longest text looked at as a token.
const TOKEN_BYTES_MAX: usize = 128;
const FILE_BYTES_MAX: u64 = 1024 * 1024;
const TOKENS_MAX: usize = 1000;
const NAME_BYTES_MAX: usize = 64;

/// Why tokens could not be read, issued or revoked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    #[error("cannot read the tokens in `{}`", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write the tokens to `{}`", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("the tokens in `{}` are not what this program writes", path.display())]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("others may read the tokens in `{}` (mode {mode:o}); it must be 600", path.display())]
    ReadableByOthers { path: PathBuf, mode: u32 },
    #[error("there is a token named `{0}` already")]
    NameTaken(String),
    #[error("no such token `{0}`")]
    NoSuchToken(String),
    #[error("`{0}` cannot name a token: 1 to {NAME_BYTES_MAX} letters, digits, `.`, `-`, `_`")]
    BadName(String),
    #[error("there are {TOKENS_MAX} tokens already")]
    TooMany,
    #[error("the system has no randomness to give")]
    NoRandomness,
}

/// One token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    role: Role,
    /// Lower-case hexadecimal.
    sha256: String,
    created: i64,
    expires: i64,
}

/// What may be told of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenInfo {
    pub name: String,
    pub role: Role,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// A token just issued. Its text is shown once and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    pub text: String,
    pub expires: Timestamp,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("expires", &self.expires).finish_non_exhaustive()
    }
}

/// The file's name in the data folder.
pub const FILE_NAME: &str = "tokens.json";

/// The tokens of one data folder.
#[derive(Debug)]
pub struct TokenStore {
    path: PathBuf,
    loaded: Mutex<Loaded>,
}

#[derive(Debug, Default)]
struct Loaded {
    entries: Vec<Entry>,
    /// What the file looked like when it was read.
    stamp: Option<(SystemTime, u64, u64)>,
}

impl TokenStore {
    /// Opens the tokens at `path`; a missing file is no tokens.
    ///
    /// # Errors
    /// When the file is there but cannot be read, is damaged, or is open to others.
    pub fn open(path: &Path) -> Result<TokenStore, TokenError> {
        let store = TokenStore { path: path.to_owned(), loaded: Mutex::default() };
        store.refresh(&mut store.loaded.lock().unwrap_or_else(PoisonError::into_inner))?;
        Ok(store)
    }

    /// Issues a token that ends after `lifetime`.
    ///
    /// # Errors
    /// When the name is bad or taken, or the file cannot be written; then no token was issued.
    pub fn issue(&self, name: &str, role: Role, lifetime: Duration, now: Timestamp) -> Result<IssuedToken, TokenError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(fits) {
            return Err(TokenError::BadName(name.to_owned()));
        }
        let text = random_text()?;
        let expires = now.plus(lifetime);
        let entry = Entry { name: name.to_owned(), role, sha256: digest(&text), created: now.0, expires: expires.0 };
        self.rewrite(|entries| {
            entries.retain(|entry| entry.expires > now.0);
            match entries.len() {
                _ if entries.iter().any(|entry| entry.name == name) => Err(TokenError::NameTaken(name.to_owned())),
                TOKENS_MAX.. => Err(TokenError::TooMany),
                _ => {
                    entries.push(entry);
                    Ok(())
                }
            }
        })?;
        Ok(IssuedToken { text, expires })
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// When there is none of that name, or the file cannot be written.
    pub fn revoke(&self, name: &str) -> Result<(), TokenError> {
        self.rewrite(|entries| {
            let before = entries.len();
            entries.retain(|entry| entry.name != name);
            if entries.len() == before { Err(TokenError::NoSuchToken(name.to_owned())) } else { Ok(()) }
        })
    }

    /// Returns what may be told of the tokens, expired ones included.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<TokenInfo>, TokenError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut loaded)?;
        let info = |entry: &Entry| TokenInfo {
            name: entry.name.clone(),
            role: entry.role,
            created: Timestamp(entry.created),
            expires: Timestamp(entry.expires),
        };
        Ok(loaded.entries.iter().map(info).collect())
    }

    /// Returns whose token this is, or `None` when it is nobody's or its time is over.
    ///
    /// # Errors
    /// When the file cannot be read: then nobody is let in.
    pub fn check(&self, text: &str, now: Timestamp) -> Result<Option<Principal>, TokenError> {
        if text.len() > TOKEN_BYTES_MAX || !text.starts_with(PREFIX) {
            return Ok(None);
        }
        let wanted = digest(text);
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        self.refresh(&mut loaded)?;
        // All are compared, each in full: the time taken says nothing about how near a guess came.
        let mut found = None;
        for entry in &loaded.entries {
            if is_same(entry.sha256.as_bytes(), wanted.as_bytes()) {
                found = Some(entry);
            }
        }
        Ok(found.filter(|entry| now.0 < entry.expires).map(|entry| Principal {
            name: entry.name.clone(),
            role: entry.role,
            via: Via::Token,
        }))
    }

    /// Reads the file again when it differs from what was read.
    fn refresh(&self, loaded: &mut Loaded) -> Result<(), TokenError> {
        let read_error = |source| TokenError::Read { path: self.path.clone(), source };
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
                *loaded = Loaded::default();
                return Ok(());
            }
            Err(err) => return Err(read_error(err)),
        };
        let metadata = file.metadata().map_err(read_error)?;
        // Two changes within one tick of the file system's clock differ in the inode: the file is replaced each time.
        let stamp = (metadata.modified().map_err(read_error)?, metadata.len(), metadata.ino());
        if loaded.stamp == Some(stamp) {
            return Ok(());
        }
        // Whatever goes wrong from here, what was known before is known no more.
        *loaded = Loaded::default();
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(TokenError::ReadableByOthers { path: self.path.clone(), mode });
        }
        let mut text = String::new();
        (&mut file).take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(read_error)?;
        let entries =
            serde_json::from_str(&text).map_err(|source| TokenError::Damaged { path: self.path.clone(), source })?;
        *loaded = Loaded { entries, stamp: Some(stamp) };
        Ok(())
    }

    /// Changes the tokens and replaces the file, whole or not at all.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<Entry>) -> Result<(), TokenError>) -> Result<(), TokenError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let write_error = |source| TokenError::Write { path: self.path.clone(), source };
        // Two commands at once: the second reads what the first has written.
        let folder = File::open(folder_of(&self.path)).map_err(write_error)?;
        folder.lock().map_err(write_error)?;
        self.refresh(&mut loaded)?;
        let mut entries = loaded.entries.clone();
        change(&mut entries)?;
        let text = serde_json::to_string_pretty(&entries)
            .map_err(|source| TokenError::Damaged { path: self.path.clone(), source })?;
        let written = replace(&self.path, &folder, text.as_bytes());
        loaded.stamp = None;
        written.map_err(write_error)
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn replace(path: &Path, folder: &File, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    // Root writes for the server's user, who owns the folder and must be able to read it.
    let owner = folder.metadata()?;
    if owner.uid() != file.metadata()?.uid() {
        std::os::unix::fs::fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    folder.sync_all()
}

fn random_text() -> Result<String, TokenError> {
    let mut bytes = [0; 32];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut bytes).map_err(|_| TokenError::NoRandomness)?;
    Ok(format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in a time that depends on the length alone.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let difference = left.iter().zip(right).fold(0, |difference, (a, b)| std::hint::black_box(difference | (a ^ b)));
    left.len() == right.len() && difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_token_lets_in_until_it_ends_or_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let server = TokenStore::open(&path).unwrap();
        let command = TokenStore::open(&path).unwrap();
        let issued = command.issue("ioc-feed", Role::Auditor, HOUR, NOW).unwrap();
        assert!(issued.text.starts_with("lgn_") && issued.text.len() == 47);
        assert!(!format!("{issued:?}").contains(&issued.text));
        assert!(!fs::read_to_string(&path).unwrap().contains(&issued.text), "only the digest is kept");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let principal = server.check(&issued.text, NOW).unwrap().expect("seen without a restart");
        assert_eq!((principal.name.as_str(), principal.role, principal.via), ("ioc-feed", Role::Auditor, Via::Token));
        let last = issued.text.chars().last().unwrap();
        let near = format!("{}{}", &issued.text[..46], if last == 'A' { 'B' } else { 'A' });
        for wrong in ["", "lgn_", &near, &issued.text[..46], &"lgn_x".repeat(100)] {
            assert_eq!(server.check(wrong, NOW).unwrap(), None, "{wrong}");
        }
        assert_eq!(server.check(&issued.text, NOW.plus(HOUR)).unwrap(), None, "its time is over");
        command.revoke("ioc-feed").unwrap();
        assert_eq!(server.check(&issued.text, NOW).unwrap(), None, "taken back");
        assert!(matches!(command.revoke("ioc-feed"), Err(TokenError::NoSuchToken(_))));
    }

    #[test]
    fn of_many_who_issue_at_once_none_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        std::thread::scope(|scope| {
            for index in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let command = TokenStore::open(path).unwrap();
                    command.issue(&format!("t{index}"), Role::Analyst, HOUR, NOW).unwrap();
                });
            }
        });
        assert_eq!(TokenStore::open(&path).unwrap().list().unwrap().len(), 8);
    }

    #[test]
    fn bad_names_and_open_or_broken_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        let store = TokenStore::open(&path).unwrap();
        for name in ["", "a b", "\u{202e}x", &"x".repeat(65)] {
            assert!(matches!(store.issue(name, Role::Admin, HOUR, NOW), Err(TokenError::BadName(_))), "{name}");
        }
        let issued = store.issue("x", Role::Admin, HOUR, NOW).unwrap();
        assert!(matches!(store.issue("x", Role::Admin, HOUR, NOW), Err(TokenError::NameTaken(_))));
        fs::write(&path, "[{]").unwrap();
        assert!(matches!(store.check(&issued.text, NOW), Err(TokenError::Damaged { .. })));
        assert!(matches!(store.check(&issued.text, NOW), Err(TokenError::Damaged { .. })), "and again");
        fs::write(&path, "[]").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(store.check(&issued.text, NOW), Err(TokenError::ReadableByOthers { mode: 0o644, .. })));
    }
}
