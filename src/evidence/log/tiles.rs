//! The files of the C2SP `tlog-tiles` layout, for readers elsewhere: hash tiles of every level and entry bundles.

use crate::evidence::log::merkle::Hash;
use crate::evidence::log::merkle::root;

/// Hashes in a full tile.
const WIDTH: u64 = 256;
/// A 64-bit tree has no more levels of tiles.
const LEVELS_MAX: u32 = 8;

/// One file: its path below the log's address, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TileFile {
    /// A tile of hashes.
    Hashes { path: String, bytes: Vec<u8> },
    /// An entry bundle: entries from `first` on, so many.
    Entries { path: String, first: u64, count: u64 },
}

/// Returns the files of a log of `hashes.len()` entries that one of `before` entries has not.
pub fn tiles_between(before: u64, hashes: &[Hash]) -> Vec<TileFile> {
    let size = hashes.len() as u64;
    let mut files = Vec::new();
    for tile in before / WIDTH..size.div_ceil(WIDTH) {
        let (first, count) = (tile * WIDTH, (size - tile * WIDTH).min(WIDTH));
        files.push(TileFile::Entries { path: path_of("entries", tile, count), first, count });
    }
    let mut level_hashes = hashes.to_vec();
    let mut known = before;
    for level in 0..LEVELS_MAX {
        for tile in known / WIDTH..(level_hashes.len() as u64).div_ceil(WIDTH) {
            let start = usize::try_from(tile * WIDTH).unwrap_or(usize::MAX);
            let row = level_hashes.get(start..).unwrap_or_default();
            let row = row.get(..WIDTH as usize).unwrap_or(row);
            let path = path_of(&level.to_string(), tile, row.len() as u64);
            files.push(TileFile::Hashes { path, bytes: row.concat() });
        }
        known /= WIDTH;
        level_hashes = level_hashes.chunks_exact(WIDTH as usize).map(root).collect();
        if level_hashes.is_empty() {
            break;
        }
    }
    files
}

/// `tile/LEVEL/x001/x234/067`, with `.p/WIDTH` when it is not full.
fn path_of(level: &str, tile: u64, width: u64) -> String {
    let mut groups = vec![format!("{:03}", tile % 1000)];
    let mut rest = tile / 1000;
    while rest > 0 {
        groups.push(format!("x{:03}", rest % 1000));
        rest /= 1000;
    }
    groups.reverse();
    let partial = if width < WIDTH { format!(".p/{width}") } else { String::new() };
    format!("tile/{level}/{}{partial}", groups.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::log::merkle::leaf_hash;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(path_of("0", 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path_of("entries", 273, 1), "tile/entries/273.p/1");
    }

    #[test]
    fn only_what_grew_is_written_again() {
        let hashes: Vec<Hash> = (0_u32..600).map(|number| leaf_hash(&number.to_be_bytes())).collect();
        let paths = |before| {
            let path = |file: TileFile| match file {
                TileFile::Hashes { path, bytes } => format!("{path} {}", bytes.len() / 32),
                TileFile::Entries { path, first, count } => format!("{path} {first}+{count}"),
            };
            tiles_between(before, &hashes).into_iter().map(path).collect::<Vec<_>>()
        };
        assert_eq!(paths(512), ["tile/entries/002.p/88 512+88", "tile/0/002.p/88 88", "tile/1/000.p/2 2"]);
        assert_eq!(paths(0).len(), 3 + 3 + 1);
        assert_eq!(tiles_between(0, &[]), []);
    }
}
