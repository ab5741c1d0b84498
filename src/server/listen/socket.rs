//! The local socket's file: who may connect to it, what is left of a server that died, and one that lives.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::path::PathBuf;

use tokio::net::UnixListener;

/// `sun_path` of Linux holds 108 bytes with the closing zero.
const PATH_BYTES_MAX: usize = 107;

/// Why the local socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    #[error("another server answers on `{}`{}", path.display(), by(*pid))]
    InUse {
        path: PathBuf,
        /// The process that listens there, where the kernel tells.
        pid: Option<i32>,
    },
    #[error("`{}` is there and is no socket", .0.display())]
    NotASocket(PathBuf),
    #[error("the socket path `{}` is longer than {PATH_BYTES_MAX} bytes", .0.display())]
    PathTooLong(PathBuf),
    #[error("cannot open the socket `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

fn by(pid: Option<i32>) -> String {
    pid.map(|pid| format!(": process {pid}")).unwrap_or_default()
}

/// The bound local socket; its file is removed when it is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl ControlSocket {
    /// Binds the socket, in a folder only the server's user and group may enter. A socket nobody answers on is
    /// replaced. Must be called inside a runtime.
    ///
    /// # Errors
    /// When a server answers there already, something else stands there, or the system refuses.
    pub fn bind(path: &Path) -> Result<ControlSocket, ListenError> {
        if path.as_os_str().len() > PATH_BYTES_MAX {
            return Err(ListenError::PathTooLong(path.to_owned()));
        }
        let io_error = |source| ListenError::Io { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(io_error)?;
        }
        clear(path)?;
        let listener = UnixListener::bind(path).map_err(io_error)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660)).map_err(io_error)?;
        let inode = fs::symlink_metadata(path).map_err(io_error)?.ino();
        Ok(ControlSocket { listener, path: path.to_owned(), inode })
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Only our own: a later server may have put its own socket there.
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Makes the folder closed to others; one that is there is left as its owner set it.
fn make_folder(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().recursive(true).mode(0o750).create(folder) {
        Err(err) if err.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

/// Makes way: removes a socket nobody answers on.
fn clear(path: &Path) -> Result<(), ListenError> {
    let io_error = |source| ListenError::Io { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(err) => return Err(io_error(err)),
        Ok(found) if !found.file_type().is_socket() => return Err(ListenError::NotASocket(path.to_owned())),
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(stream) => {
            let peer = nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials);
            Err(ListenError::InUse { path: path.to_owned(), pid: peer.ok().map(|peer| peer.pid()) })
        }
        Err(err) if err.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(io_error),
        Err(err) => Err(io_error(err)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run").join("longan.sock");
        let socket = ControlSocket::bind(&path).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap()) & 0o007), (0o660, 0));
        let err = ControlSocket::bind(&path).expect_err("one lives there");
        let wanted = format!("another server answers on `{}`: process {}", path.display(), std::process::id());
        assert_eq!(err.to_string(), wanted);
        drop(socket);
        assert!(!path.try_exists().unwrap(), "removed when it ends");

        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.try_exists().unwrap(), "left by one that died");
        drop(ControlSocket::bind(&path).unwrap());

        fs::write(&path, "x").unwrap();
        assert!(matches!(ControlSocket::bind(&path), Err(ListenError::NotASocket(_))));
        let long = folder.path().join("x".repeat(120));
        assert!(matches!(ControlSocket::bind(&long), Err(ListenError::PathTooLong(_))));
    }
}
