//! Rule files in a folder: found in a fixed order, read within limits.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::detect::sigma::document::FILE_BYTES_MAX;
use crate::detect::sigma::error::RuleError;
use crate::diag::Located;

/// A file of rules (or of what belongs to them) that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    pub path: PathBuf,
    pub text: String,
}

/// Folders one inside the other; a loop of links ends here.
const DEPTH_MAX: usize = 16;

/// Finds the files below a folder, or the file itself, sorted by path.
fn files_below(root: &Path) -> io::Result<Vec<PathBuf>> {
    if fs::metadata(root)?.is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                if depth < DEPTH_MAX {
                    folders.push((path, depth + 1));
                }
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the rule files (`.yml`, `.yaml`) below a folder; what cannot be read is reported.
pub fn read_folder(folder: &Path) -> (Vec<RuleFile>, Vec<Located<RuleError>>) {
    read_where(folder, &["yml", "yaml"])
}

/// Reads everything rules are made from.
pub(super) fn read_all(folder: &Path) -> (Vec<RuleFile>, Vec<Located<RuleError>>) {
    read_where(folder, &["yml", "yaml", "toml", "txt"])
}

fn read_where(folder: &Path, extensions: &[&str]) -> (Vec<RuleFile>, Vec<Located<RuleError>>) {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let paths = files_below(folder).unwrap_or_else(|err| {
        problems.push(Located::at_start(folder, RuleError::Unreadable(err.to_string())));
        Vec::new()
    });
    let wanted = |path: &PathBuf| path.extension().is_some_and(|have| extensions.iter().any(|want| have == *want));
    for path in paths.into_iter().filter(wanted) {
        match read(&path) {
            Ok(text) => files.push(RuleFile { path, text }),
            Err(error) => problems.push(Located::at_start(&path, error)),
        }
    }
    (files, problems)
}

fn read(path: &Path) -> Result<String, RuleError> {
    let bytes = fs::metadata(path).map_err(|err| RuleError::Unreadable(err.to_string()))?.len();
    let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    if bytes > FILE_BYTES_MAX {
        return Err(RuleError::TooLarge(bytes, FILE_BYTES_MAX));
    }
    fs::read_to_string(path).map_err(|err| RuleError::Unreadable(err.to_string()))
}
