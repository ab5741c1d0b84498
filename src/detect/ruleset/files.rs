//! Rule files in a folder: found in a fixed order, read within limits.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use crate::detect::ruleset::RuleFile;
use crate::detect::sigma::document::FILE_BYTES_MAX;
use crate::detect::sigma::error::RuleError;
use crate::diag::Located;

/// Folders one inside the other; a loop of links ends here.
const DEPTH_MAX: usize = 16;

/// Finds the rule files below a folder, or the file itself, sorted by path.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn rule_files(root: &Path) -> io::Result<Vec<PathBuf>> {
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
            } else if path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads the rule files below a folder.
pub(super) fn read_folder(folder: &Path) -> (Vec<RuleFile>, Vec<Located<RuleError>>) {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let paths = rule_files(folder).unwrap_or_else(|err| {
        problems.push(Located::at_start(folder, RuleError::Unreadable(err.to_string())));
        Vec::new()
    });
    for path in paths {
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
