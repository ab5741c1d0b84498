//! Loads pack files, built-in and from a folder, and compiles them into one set.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use rust_embed::RustEmbed;

use crate::diag::Located;
use crate::diag::position_of;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::keys::Keys;
use crate::parse::pack::PackError;
use crate::parse::pack::Packs;
use crate::parse::pack::error::Problems;
use crate::parse::pack::file;
use crate::parse::pack::file::PackFile;
use crate::parse::pack::file::Pattern;
use crate::parse::pack::pattern::Piece;
use crate::parse::pack::pattern::Scan;
use crate::parse::pack::pattern::Variant;
use crate::parse::pack::read::structured::squash;
use crate::parse::pack::set::compiled::FastMap;
use crate::parse::pack::set::compiled::Leaf;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::set::compiled::PackId;
use crate::parse::pack::set::index::Index;
use crate::parse::pack::tree;
use crate::parse::pack::tree::LeafId;
use crate::parse::pack::tree::RootId;
use crate::parse::pack::tree::Tree;

/// The packs compiled into the program.
#[derive(RustEmbed)]
#[folder = "parsers/"]
struct Builtin;

/// A pack file longer than this is refused.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// Packs of one set at most.
const PACKS_MAX: usize = 20_000;
/// Letters of literal text a pattern needs to recognise a source by itself.
const LITERAL_BYTES_MIN: usize = 6;

/// A pack file's place and text, by the pack's name.
type Sources = BTreeMap<String, (PathBuf, String)>;

impl Packs {
    /// Compiles the built-in packs.
    pub fn builtin() -> Packs {
        Packs::load(None).0
    }

    /// Compiles the built-in packs with those of a folder over them: a file replaces the built-in one of its name.
    /// What is wrong with a file is returned, and the file left out.
    pub fn load(overlay: Option<&Path>) -> (Packs, Vec<Located<PackError>>) {
        let mut sources = builtin_sources();
        let mut problems = Vec::new();
        if let Some(folder) = overlay {
            read_folder(folder, &mut sources, &mut problems);
        }
        let (packs, more) = compile(sources);
        problems.extend(more);
        (packs, problems)
    }

    /// Compiles the packs of given texts alone: `(file name, text)`.
    pub fn from_texts(texts: &[(&str, &str)]) -> (Packs, Vec<Located<PackError>>) {
        let source = |(file, text): &(&str, &str)| (stem(Path::new(file)), (PathBuf::from(file), (*text).to_owned()));
        compile(texts.iter().map(source).collect())
    }
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

pub(super) fn builtin_sources() -> Sources {
    let mut sources = Sources::new();
    for name in Builtin::iter().filter(|name| name.ends_with(".toml")) {
        if let Some(text) = Builtin::get(&name).and_then(|file| String::from_utf8(file.data.into_owned()).ok()) {
            let path = Path::new("parsers").join(name.as_ref());
            sources.insert(stem(&path), (path, text));
        }
    }
    sources
}

fn read_folder(folder: &Path, sources: &mut Sources, problems: &mut Problems) {
    let unreadable = |path: &Path, err: io::Error| Located::at_start(path, PackError::Unreadable(err.to_string()));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(err) => return problems.push(unreadable(folder, err)),
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        match read_file(&path) {
            Ok(text) => drop(sources.insert(stem(&path), (path, text))),
            Err(err) => problems.push(unreadable(&path, err)),
        }
    }
}

pub(super) fn read_file(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > FILE_BYTES_MAX {
        return Err(io::Error::other("longer than 4 MiB"));
    }
    fs::read_to_string(path)
}

fn compile(sources: Sources) -> (Packs, Problems) {
    let mut problems = Problems::new();
    let mut files: Vec<(PathBuf, String, PackFile)> = Vec::new();
    for (path, text) in sources.into_values().take(PACKS_MAX) {
        let (pack, found) = file::from_text(&path, &text);
        problems.extend(found);
        if let Some(pack) = pack {
            files.push((path, text, pack));
        }
    }
    let mut builder = Builder::new(&files);
    for (number, (path, text, file)) in files.iter().enumerate() {
        builder.add(number as PackId, path, text, file);
    }
    builder.packs.tree = builder.tree.finish();
    problems.extend(builder.problems);
    (builder.packs, problems)
}

struct Builder {
    packs: Packs,
    tree: tree::Builder,
    problems: Problems,
}

impl Builder {
    fn new(files: &[(PathBuf, String, PackFile)]) -> Builder {
        let mut tree = tree::Builder::default();
        let open_root = tree.add_root();
        let index = Index::new(files.iter().map(|(_, _, file)| file));
        let (packs, leaves, fallbacks) = (Vec::new(), Vec::new(), Vec::new());
        let (mapped, well_known, keys) = (FastMap::default(), FastMap::default(), Keys::default());
        let tree_later = Tree::default();
        let packs = Packs { packs, leaves, tree: tree_later, index, open_root, fallbacks, mapped, well_known, keys };
        Builder { packs, tree, problems: Problems::new() }
    }

    fn add(&mut self, id: PackId, path: &Path, text: &str, file: &PackFile) {
        let place = Place { id, path, text };
        let by_pattern = file.recognise.iter().any(|recognise| recognise.by_pattern);
        let mut root = None;
        let mut within: Vec<(Name<'static>, RootId)> = Vec::new();
        for pattern in &file.patterns {
            let start = match &pattern.within {
                None => *root.get_or_insert_with(|| self.tree.add_root()),
                Some(name) => match within.iter().find(|(have, _)| have == name) {
                    Some((_, start)) => *start,
                    None => {
                        let start = self.tree.add_root();
                        within.push((name.clone(), start));
                        start
                    }
                },
            };
            let is_message = |name: &Name<'_>| file.bare_messages && *name == Name::Known(ecs::MESSAGE);
            let is_whole = pattern.within.as_ref().is_none_or(is_message);
            self.add_pattern(place, file, pattern, start, by_pattern && is_whole);
        }
        if file.fallback {
            self.packs.fallbacks.extend(file.read.iter().map(|read| (*read, id)));
        }
        let pack = pack(id, path, file, root, within);
        for (key, targets) in &pack.map {
            self.packs.mapped.entry(key.clone()).or_default().push((id, *targets));
            if file.fallback {
                self.packs.well_known.entry(key.clone()).or_default().push((id, *targets));
            }
        }
        self.packs.packs.push(pack);
    }

    fn add_pattern(&mut self, place: Place<'_>, file: &PackFile, pattern: &Pattern, root: RootId, open: bool) {
        for variant in &pattern.variants {
            let leaf = LeafId(u32::try_from(self.packs.leaves.len()).unwrap_or(u32::MAX));
            let mut clash = self.tree.insert(root, variant, leaf);
            let vague = open && is_vague(variant);
            if open && !vague {
                clash = clash.or(self.tree.insert(self.packs.open_root, variant, leaf));
            }
            // Where the program is known, a pattern may be of few words; alone it may not.
            let is_found_otherwise = file.recognise.iter().any(|recognise| !recognise.by_pattern);
            if vague && !is_found_otherwise {
                let error = Located::at_offset(place.path, place.text, pattern.offset, PackError::TooVague);
                let hint = "begin with literal text, a time or an address, and give at least 6 letters of literal text";
                self.problems.push(error.with_hint(hint));
                return;
            }
            if let Some(earlier) = clash {
                self.report_clash(place, pattern, earlier);
            }
            self.packs.leaves.push(leaf_of(place, file, pattern, variant));
        }
    }

    fn report_clash(&mut self, place: Place<'_>, pattern: &Pattern, earlier: LeafId) {
        let Some(earlier) = self.packs.leaves.get(earlier.0 as usize) else { return };
        if earlier.text == pattern.text && earlier.pack == place.id {
            return;
        }
        let error = match self.packs.packs.get(usize::from(earlier.pack)) {
            Some(other) => {
                PackError::Conflict { other: other.name.clone(), what: format!("pattern at line {}", earlier.line) }
            }
            None => PackError::SamePattern { other_line: earlier.line },
        };
        self.problems.push(Located::at_offset(place.path, place.text, pattern.offset, error));
    }
}

/// The pack being added and where it is written.
#[derive(Clone, Copy)]
struct Place<'p> {
    id: PackId,
    path: &'p Path,
    text: &'p str,
}

fn leaf_of(place: Place<'_>, file: &PackFile, pattern: &Pattern, variant: &Variant) -> Leaf {
    let targets = variant.iter().filter_map(|piece| match piece {
        Piece::Capture { target, .. } => Some(target.clone()),
        Piece::Literal(_) => None,
    });
    let fields = over(&file.fields, &pattern.fields);
    Leaf {
        pack: place.id,
        targets: targets.collect(),
        own_fields_start: fields.len() - pattern.fields.len(),
        fields,
        logsource: pattern.logsource.clone(),
        columns: pattern.columns.clone(),
        text: pattern.text.clone(),
        line: position_of(place.text, pattern.offset).line,
    }
}

/// Lays the fields of a pattern over those of its pack.
fn over(
    base: &[(Name<'static>, Value<'static>)],
    more: &[(Name<'static>, Value<'static>)],
) -> Vec<(Name<'static>, Value<'static>)> {
    let kept = base.iter().filter(|(name, _)| !more.iter().any(|(over, _)| over == name));
    kept.chain(more).cloned().collect()
}

fn pack(id: PackId, path: &Path, file: &PackFile, root: Option<RootId>, within: Vec<(Name<'static>, RootId)>) -> Pack {
    let mut map = FastMap::default();
    let mut all_targets = Vec::with_capacity(file.map.len());
    for (key, targets) in &file.map {
        // A fallback knows keys whatever their case and separators.
        let key = if file.fallback { squash(key).to_string() } else { key.clone() };
        map.insert(key.into_boxed_str(), u32::try_from(all_targets.len()).unwrap_or(u32::MAX));
        all_targets.push(targets.clone());
    }
    Pack {
        id,
        name: file.name.clone(),
        title: file.title.clone(),
        path: path.to_owned(),
        logsource: file.logsource.clone(),
        read: file.read.clone(),
        fields: file.fields.clone(),
        remove: file.remove.clone(),
        absent: file.absent.clone(),
        prefix: file.prefix.clone(),
        keep_unmapped: file.keep_unmapped,
        inherit: file.inherit,
        must_match: file.must_match,
        structured_data: file.structured_data,
        map,
        targets: all_targets,
        time: file.time.clone(),
        values: file.values.clone(),
        when: file.when.clone(),
        root,
        within,
        samples: file.samples.clone(),
        pattern_count: file.patterns.len(),
    }
}

/// Says whether a pattern could fit lines of any source.
fn is_vague(variant: &Variant) -> bool {
    let literal_bytes: usize = variant
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count(),
            // A narrow type tells as much as some letters do.
            Piece::Capture { scan, .. } => match scan {
                Scan::Time(Some(_)) => 4,
                Scan::Time(None) => 3,
                Scan::OneOf(_) | Scan::Level => 3,
                Scan::Ip | Scan::Mac | Scan::Uuid => 2,
                Scan::Like(form) => form.bytes().filter(|byte| *byte != b'*').count(),
                _ => 0,
            },
        })
        .sum();
    let begins_open = match variant.first() {
        Some(Piece::Capture { scan, .. }) => matches!(scan, Scan::Text),
        _ => false,
    };
    begins_open || literal_bytes < LITERAL_BYTES_MIN
}
