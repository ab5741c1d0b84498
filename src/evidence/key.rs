//! The key that checkpoints and bundles are signed with: made at the first start, readable by the owner alone.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use crate::evidence::log::merkle::hex;
use crate::evidence::log::note::NoteError;
use crate::evidence::log::note::Signer;
use crate::evidence::log::note::Verifier;
use crate::wal::disk::durable;
use crate::wal::disk::durable::write_whole;

const SECRET: &str = "key";
/// The public keys, the newest last: what signatures of this place are checked against.
const PUBLIC: &str = "key.pub";

/// Why the key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    #[error("cannot use the key in `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}` holds no key", path.display())]
    Bad { path: PathBuf, source: NoteError },
    #[error("others may read the key in `{}` (mode {mode:o}); it must be 600", path.display())]
    ReadableByOthers { path: PathBuf, mode: u32 },
}

/// Reads the secret key in a folder, making one when there is none.
///
/// # Errors
/// When it cannot be read or written, is none, or is open to others.
pub fn signer(folder: &Path) -> Result<Signer, KeyError> {
    let path = folder.join(SECRET);
    match fs::read_to_string(&path) {
        Ok(text) => {
            let mode = fs::metadata(&path).map_err(io_at(&path))?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyError::ReadableByOthers { path, mode });
            }
            let signer = Signer::parse(&text).map_err(|source| KeyError::Bad { path: path.clone(), source })?;
            publish(folder, signer.verifier())?;
            Ok(signer)
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => make(folder),
        Err(source) => Err(KeyError::Io { path, source }),
    }
}

fn make(folder: &Path) -> Result<Signer, KeyError> {
    let path = folder.join(SECRET);
    let bad = |source| KeyError::Bad { path: path.clone(), source };
    durable::make_folders(folder).map_err(io_at(folder))?;
    // The name is part of every signature: two installations never share one.
    let random = Signer::generate("longan").map_err(bad)?;
    let id: String = hex(random.verifier().id_hex().as_bytes()).chars().rev().take(4).collect();
    let name = format!("longan-{}{id}", random.verifier().id_hex());
    let signer = Signer::generate(&name).map_err(bad)?;
    write_whole(&path, signer.secret_text().as_bytes(), 0o600).map_err(io_at(&path))?;
    publish(folder, signer.verifier())?;
    Ok(signer)
}

/// Adds a public key to those of the folder.
fn publish(folder: &Path, verifier: &Verifier) -> Result<(), KeyError> {
    let path = folder.join(PUBLIC);
    let known = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(err) if err.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(KeyError::Io { path, source }),
    };
    let line = verifier.to_string();
    if known.lines().any(|known| known == line) {
        return Ok(());
    }
    write_whole(&path, format!("{known}{line}\n").as_bytes(), 0o644).map_err(io_at(&path))
}

/// Reads the public keys in a folder, the newest last; empty when there is none.
///
/// # Errors
/// When the file cannot be read or a line is no key.
pub fn verifiers(folder: &Path) -> Result<Vec<Verifier>, KeyError> {
    let path = folder.join(PUBLIC);
    match fs::read_to_string(&path) {
        Ok(text) => read_verifiers(&text).map_err(|source| KeyError::Bad { path, source }),
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(source) => Err(KeyError::Io { path, source }),
    }
}

/// Reads public keys, one a line.
///
/// # Errors
/// When a line is none.
pub fn read_verifiers(text: &str) -> Result<Vec<Verifier>, NoteError> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Verifier::parse).collect()
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    move |source| KeyError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_nobody_elses() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = signer(folder.path()).expect("made");
        let again = signer(folder.path()).expect("read");
        assert_eq!(first.verifier(), again.verifier());
        assert_eq!(verifiers(folder.path()).expect("published"), [first.verifier().clone()]);
        let path = folder.path().join(SECRET);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("changed");
        assert!(matches!(signer(folder.path()), Err(KeyError::ReadableByOthers { mode: 0o644, .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
        fs::write(&path, "PRIVATE+KEY+x").expect("written");
        assert!(matches!(signer(folder.path()), Err(KeyError::Bad { .. })));
    }

    #[test]
    fn a_replaced_key_stays_known() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = signer(folder.path()).expect("made");
        fs::remove_file(folder.path().join(SECRET)).expect("removed");
        let second = signer(folder.path()).expect("made anew");
        let known = verifiers(folder.path()).expect("published");
        assert_eq!(known, [first.verifier().clone(), second.verifier().clone()]);
    }
}
