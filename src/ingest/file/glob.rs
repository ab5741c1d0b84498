//! File patterns: `*` and `?` within a name, `[abc]` and `[!abc]`, and `**` for any number of folders.

use std::fs;
use std::io;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;
use std::str::FromStr;

/// How deep `**` looks.
const DEPTH_MAX: usize = 16;
/// How many folder entries one search looks at.
const ENTRIES_MAX: usize = 200_000;

/// Why a pattern was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobError {
    #[error("`{0}` is not an absolute path")]
    NotAbsolute(String),
    #[error("`{0}` goes upwards with `..`")]
    Upwards(String),
    #[error("`{0}` has a `[` without `]`")]
    OpenClass(String),
}

/// A checked pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// The folders before the first wildcard.
    base: PathBuf,
    /// What follows, one pattern a path component.
    parts: Vec<String>,
}

/// What a search found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    pub(super) folders: Vec<PathBuf>,
    /// Folders that could not be read.
    pub(super) unreadable: Vec<(PathBuf, io::Error)>,
    entries: usize,
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(pattern: &str) -> Result<Glob, GlobError> {
        let path = Path::new(pattern);
        if !path.is_absolute() {
            return Err(GlobError::NotAbsolute(pattern.to_owned()));
        }
        let mut glob = Glob { base: PathBuf::from("/"), parts: Vec::new() };
        for component in path.components() {
            match component {
                Component::ParentDir => return Err(GlobError::Upwards(pattern.to_owned())),
                Component::Normal(name) => glob.parts.push(name.to_string_lossy().into_owned()),
                _ => {}
            }
        }
        if glob.parts.iter().any(|part| part.contains('[') && !part.contains(']')) {
            return Err(GlobError::OpenClass(pattern.to_owned()));
        }
        // The last part stays a pattern, so that a plain path works as one of one name.
        let plain = glob.parts.iter().take_while(|part| !part.contains(['*', '?', '['])).count();
        let plain = plain.min(glob.parts.len().saturating_sub(1));
        glob.base.extend(glob.parts.drain(..plain));
        Ok(glob)
    }
}

impl Glob {
    /// Says whether a path would be found, whatever is there at present.
    pub fn admits(&self, path: &Path) -> bool {
        let Ok(below) = path.strip_prefix(&self.base) else { return false };
        let names: Vec<_> = below.components().map(|name| name.as_os_str().to_string_lossy()).collect();
        admits(&self.parts, &names)
    }

    /// Returns the folder below which everything lies that could be found.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Adds the paths that match at present; follows symbolic links, but not in a circle.
    pub(super) fn search(&self, found: &mut Found) {
        self.search_in(&self.base, &self.parts, 0, found);
    }

    fn search_in(&self, folder: &Path, parts: &[String], depth: usize, found: &mut Found) {
        let Some((part, rest)) = parts.split_first() else { return };
        if part == "**" {
            self.search_in(folder, rest, depth, found);
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            // A folder that does not exist yet may come.
            Err(err) if err.kind() == io::ErrorKind::NotFound => return,
            Err(err) => return found.unreadable.push((folder.to_owned(), err)),
        };
        found.folders.push(folder.to_owned());
        for entry in entries.flatten() {
            found.entries += 1;
            if found.entries > ENTRIES_MAX {
                return;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            if part == "**" {
                if depth < DEPTH_MAX && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    self.search_in(&path, parts, depth + 1, found);
                }
            } else if matches(part.as_bytes(), name.as_bytes()) {
                if rest.is_empty() {
                    found.files.push(path);
                } else if path.is_dir() {
                    self.search_in(&path, rest, depth, found);
                }
            }
        }
    }
}

fn admits(parts: &[String], names: &[std::borrow::Cow<'_, str>]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None, None) => true,
        (Some((part, rest)), _) if part == "**" => {
            (0..=names.len().min(DEPTH_MAX)).any(|skipped| admits(rest, names.get(skipped..).unwrap_or_default()))
        }
        (Some((part, rest)), Some((name, names))) => matches(part.as_bytes(), name.as_bytes()) && admits(rest, names),
        _ => false,
    }
}

/// Matches one name. Names that begin with a dot are matched only by a pattern that does.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with(b".") {
        return false;
    }
    let (mut at, mut from) = (0, 0);
    // Where to go on when what follows the last star does not fit: linear memory, at worst quadratic time.
    let mut star: Option<(usize, usize)> = None;
    while from < name.len() {
        let byte = name.get(from).copied();
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, from));
                at += 1;
            }
            Some(_) if byte.is_some_and(|byte| one(pattern, at, byte).is_some()) => {
                at += byte.and_then(|byte| one(pattern, at, byte)).unwrap_or(1);
                from += 1;
            }
            _ => match &mut star {
                Some((star_at, star_from)) => {
                    *star_from += 1;
                    (at, from) = (*star_at + 1, *star_from);
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|rest| *rest == b'*')
}

/// Matches one byte; returns how long the pattern for it is.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match pattern.get(at)? {
        b'?' => Some(1),
        b'[' => {
            let rest = pattern.get(at + 1..)?;
            let negated = rest.first() == Some(&b'!');
            let class_start = usize::from(negated);
            let end = rest.iter().skip(class_start + 1).position(|end| *end == b']')? + class_start + 1;
            let class = rest.get(class_start..end)?;
            (in_class(class, byte) != negated).then_some(end + 2)
        }
        literal => (*literal == byte).then_some(1),
    }
}

fn in_class(mut class: &[u8], byte: u8) -> bool {
    while let Some((first, rest)) = class.split_first() {
        if let [b'-', last, after @ ..] = rest {
            if (*first..=*last).contains(&byte) {
                return true;
            }
            class = after;
        } else {
            if *first == byte {
                return true;
            }
            class = rest;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_names() {
        for (pattern, name, expected) in [
            ("*.log", "access.log", true),
            ("*.log", "access.log.1", false),
            ("*.log*", "access.log.1", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*", ".hidden", false),
            (".h*", ".hidden", true),
            ("u_ex[0-9][0-9]*.log", "u_ex250101.log", true),
            ("u_ex[0-9][0-9]*.log", "u_exa50101.log", false),
            ("[!a]x", "bx", true),
            ("[!a]x", "ax", false),
            ("[]]", "]", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("plain", "plain", true),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_is_checked() {
        for (pattern, message) in [
            ("var/log/*.log", "`var/log/*.log` is not an absolute path"),
            ("/var/../etc/*", "`/var/../etc/*` goes upwards with `..`"),
            ("/var/log/[a", "`/var/log/[a` has a `[` without `]`"),
        ] {
            assert_eq!(pattern.parse::<Glob>().expect_err(pattern).to_string(), message);
        }
    }

    #[test]
    fn a_search_finds_files_below_folders() {
        let folder = tempfile::tempdir().expect("folder");
        let root = folder.path();
        for path in ["a/one.log", "b/two.log", "b/c/three.log", "b/c/other.txt"] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("has one")).expect("created");
            fs::write(path, "x").expect("written");
        }
        let search = |pattern: &str| {
            let glob: Glob = root.join(pattern).to_str().expect("UTF-8").parse().expect("good");
            let mut found = Found::default();
            glob.search(&mut found);
            let relative = |path: &PathBuf| path.strip_prefix(root).expect("below").display().to_string();
            let mut files: Vec<String> = found.files.iter().map(relative).collect();
            files.sort();
            files.join(" ")
        };
        assert_eq!(search("*/*.log"), "a/one.log b/two.log");
        assert_eq!(search("**/*.log"), "a/one.log b/c/three.log b/two.log");
        assert_eq!(search("b/c/other.txt"), "b/c/other.txt");
        assert_eq!(search("missing/*.log"), "");
    }
}
