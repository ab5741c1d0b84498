//! Rule files out of a folder or an archive: bounded, nothing outside it, no links followed.

use std::fs;
use std::fs::File;
use std::io::Read;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;
use anyhow::bail;
use flate2::read::GzDecoder;

/// Files taken from one source.
const FILES_MAX: usize = 50_000;
/// Bytes of one file, as everywhere rules are read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// Bytes of all files together, and of an archive unpacked.
const TOTAL_BYTES_MAX: u64 = 512 << 20;
/// Folders one inside the other.
const DEPTH_MAX: usize = 16;

/// A file found, its place relative to the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub place: PathBuf,
    pub text: String,
}

impl Found {
    /// The place of the rule that a file of cases is about.
    pub(super) fn rule_place(&self) -> PathBuf {
        self.place.with_extension("").with_extension("yml")
    }
}

/// What was found, and what was left out with the reason.
#[derive(Debug, Default)]
pub struct Gathered {
    pub files: Vec<Found>,
    pub left_out: Vec<(String, String)>,
    bytes: u64,
}

/// Reads all rule files (`.yml`, `.yaml`) with the cases beside them (`.cases.toml`) of a folder, a file, or a `.zip`,
/// `.tar`, `.tar.gz` or `.tgz`.
///
/// # Errors
/// When it cannot be read, is none of these, or holds more than the limits.
pub fn gather(source: &Path) -> anyhow::Result<Gathered> {
    let mut gathered = Gathered::default();
    let name = source.to_string_lossy().to_lowercase();
    let opened = || File::open(source).with_context(|| format!("cannot read `{}`", source.display()));
    if source.is_dir() {
        gathered.folder(source, Path::new(""), 0)?;
    } else if name.ends_with(".zip") {
        gathered.zip(opened()?)?;
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        gathered.tar(GzDecoder::new(opened()?))?;
    } else if name.ends_with(".tar") {
        gathered.tar(opened()?)?;
    } else if is_rule(source) {
        let file = source.file_name().map(PathBuf::from).unwrap_or_default();
        gathered.take(file, opened()?)?;
        let cases = source.with_extension("cases.toml");
        if cases.is_file() {
            let name = cases.file_name().map(PathBuf::from).unwrap_or_default();
            gathered.take(name, File::open(&cases)?)?;
        }
    } else {
        bail!("`{}` is no folder, rule file, .zip or .tar.gz", source.display());
    }
    gathered.strip_common();
    gathered.files.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(gathered)
}

/// Says whether a file is a rule's cases, which stand beside it.
pub(super) fn is_cases(path: &Path) -> bool {
    path.to_string_lossy().to_lowercase().ends_with(".cases.toml")
}

/// Says whether a file belongs to the rules: one, or the cases of one.
fn is_wanted(path: &Path) -> bool {
    is_rule(path) || is_cases(path)
}

fn is_rule(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("yml") || extension.eq_ignore_ascii_case("yaml"))
}

/// Returns the place when it stays below where it is put: plain names only, none hidden, none with control characters.
fn safe_place(path: &Path) -> Option<PathBuf> {
    let mut place = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => {
                let name = name.to_str().filter(|name| !name.contains(|c: char| c.is_control() || c == '\\'))?;
                place.push(name);
            }
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (place.components().count() <= DEPTH_MAX).then_some(place)
}

fn is_hidden(path: &Path) -> bool {
    path.components().any(|component| component.as_os_str().to_string_lossy().starts_with('.'))
}

impl Gathered {
    fn take(&mut self, place: PathBuf, from: impl Read) -> anyhow::Result<()> {
        if self.files.len() >= FILES_MAX {
            bail!("more than {FILES_MAX} rule files");
        }
        let shown = place.display().to_string();
        let mut bytes = Vec::new();
        from.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read `{shown}`"))?;
        self.bytes += bytes.len() as u64;
        if self.bytes > TOTAL_BYTES_MAX {
            bail!("the rules are larger than {} MiB together", TOTAL_BYTES_MAX >> 20);
        }
        if bytes.len() as u64 > FILE_BYTES_MAX {
            self.left_out.push((shown, format!("larger than {FILE_BYTES_MAX} bytes")));
            return Ok(());
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.files.push(Found { place, text }),
            Err(_) => self.left_out.push((shown, "not UTF-8".to_owned())),
        }
        Ok(())
    }

    /// Takes an entry of an archive when it is a rule and stays below.
    fn entry(&mut self, path: &Path, is_file: bool, from: impl Read) -> anyhow::Result<()> {
        if !is_wanted(path) {
            return Ok(());
        }
        match safe_place(path) {
            Some(place) if is_hidden(&place) => Ok(()),
            Some(place) if is_file => self.take(place, from),
            Some(place) => {
                self.left_out.push((place.display().to_string(), "a link or no plain file".to_owned()));
                Ok(())
            }
            None => {
                self.left_out.push((path.display().to_string(), "its place lies outside".to_owned()));
                Ok(())
            }
        }
    }

    fn folder(&mut self, root: &Path, below: &Path, depth: usize) -> anyhow::Result<()> {
        let folder = root.join(below);
        let mut entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read `{}`", folder.display()))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let place = below.join(entry.file_name());
            // Of a link this tells the link, not what it leads to.
            let kind = entry.file_type().with_context(|| format!("cannot look at `{}`", entry.path().display()))?;
            if kind.is_dir() && !is_hidden(Path::new(&entry.file_name())) && depth < DEPTH_MAX {
                self.folder(root, &place, depth + 1)?;
            } else if !kind.is_dir() && is_wanted(&place) {
                if kind.is_file() {
                    self.entry(&place, true, File::open(entry.path())?)?;
                } else {
                    self.entry(&place, false, std::io::empty())?;
                }
            }
        }
        Ok(())
    }

    fn tar(&mut self, from: impl Read) -> anyhow::Result<()> {
        // What is not a rule is unpacked on the way and must not be without end.
        let mut archive = tar::Archive::new(from.take(TOTAL_BYTES_MAX));
        for entry in archive.entries().context("reading the archive")? {
            let entry = entry.context("reading the archive")?;
            let path = entry.path().context("reading the archive")?.into_owned();
            let is_file = entry.header().entry_type().is_file();
            self.entry(&path, is_file, entry)?;
        }
        Ok(())
    }

    fn zip(&mut self, from: File) -> anyhow::Result<()> {
        let mut archive = zip::ZipArchive::new(from).context("reading the archive")?;
        for index in 0..archive.len().min(FILES_MAX * 4) {
            let entry = archive.by_index(index).context("reading the archive")?;
            let path = PathBuf::from(entry.name().context("reading the archive")?.into_owned());
            let is_file = entry.is_file() && !entry.is_symlink();
            self.entry(&path, is_file, entry)?;
        }
        Ok(())
    }

    /// Archives of a repository have one folder around everything, which says nothing.
    fn strip_common(&mut self) {
        let first = |found: &Found| found.place.components().next().map(|first| first.as_os_str().to_owned());
        let Some(top) = self.files.first().and_then(first) else { return };
        let is_around = |found: &Found| first(found).as_ref() == Some(&top) && found.place.components().count() > 2;
        if self.files.iter().all(is_around) {
            for found in &mut self.files {
                found.place = found.place.components().skip(1).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn places(gathered: &Gathered) -> Vec<String> {
        gathered.files.iter().map(|found| found.place.display().to_string()).collect()
    }

    #[test]
    fn a_folder_is_read_without_following_links() {
        let folder = tempfile::tempdir().expect("a folder");
        for (place, text) in [
            ("rules/a.yml", "a"),
            ("rules/b/c.yaml", "c"),
            ("rules/a.cases.toml", "t"),
            ("readme.md", "x"),
            (".git/x.yml", "x"),
        ] {
            let path = folder.path().join(place);
            fs::create_dir_all(path.parent().expect("below")).expect("made");
            fs::write(path, text).expect("written");
        }
        std::os::unix::fs::symlink("/etc", folder.path().join("rules/etc")).expect("linked");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("rules/p.yml")).expect("linked");
        fs::write(folder.path().join("rules/n.yml"), [0xff, 0xfe]).expect("written");
        let gathered = gather(folder.path()).expect("read");
        assert_eq!(places(&gathered), ["rules/a.cases.toml", "rules/a.yml", "rules/b/c.yaml"]);
        let one = gather(&folder.path().join("rules/a.yml")).expect("read");
        assert_eq!(places(&one), ["a.cases.toml", "a.yml"], "the cases come along");
        assert_eq!(gathered.left_out.len(), 2, "{:?}", gathered.left_out);
    }

    #[test]
    fn archives_cannot_reach_outside() {
        let folder = tempfile::tempdir().expect("a folder");
        let zipped = folder.path().join("s.zip");
        let mut zip = zip::ZipWriter::new(File::create(&zipped).expect("made"));
        let options = zip::write::SimpleFileOptions::default();
        for name in ["sigma-1/rules/a.yml", "../../b.yml", "/etc/c.yml", "sigma-1/rules/x\\..\\d.yml"] {
            zip.start_file(name, options).expect("started");
            zip.write_all(b"title: x").expect("written");
        }
        zip.add_symlink("sigma-1/rules/l.yml", "/etc/passwd", options).expect("linked");
        zip.finish().expect("finished");
        let gathered = gather(&zipped).expect("read");
        assert_eq!(places(&gathered), ["rules/a.yml"], "{:?}", gathered.left_out);
        assert!(gathered.left_out.len() >= 3, "{:?}", gathered.left_out);

        let tarred = folder.path().join("s.tar.gz");
        let gz = flate2::write::GzEncoder::new(File::create(&tarred).expect("made"), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        let mut header = tar::Header::new_gnu();
        header.set_size(8);
        header.set_cksum();
        tar.append_data(&mut header.clone(), "sigma-1/rules/w/a.yml", &b"title: x"[..]).expect("written");
        let mut link = tar::Header::new_gnu();
        link.set_entry_type(tar::EntryType::Symlink);
        link.set_size(0);
        tar.append_link(&mut link, "sigma-1/rules/l.yml", "/etc/passwd").expect("linked");
        tar.into_inner().expect("finished").finish().expect("finished");
        let gathered = gather(&tarred).expect("read");
        assert_eq!(places(&gathered), ["rules/w/a.yml"]);
        assert_eq!(gathered.left_out.len(), 1);
    }
}
