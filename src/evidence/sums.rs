//! Sums of files: a SHA-256 each, and a CRC32C of every 4 KiB, by which a changed byte is found again.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::evidence::log::merkle::hex;
use crate::evidence::said::Said;
use crate::evidence::said::said;
use crate::store::checked;
use crate::store::checked::Checked;

/// Bytes under one CRC.
const BLOCK: usize = 4096;

/// The sums of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSums {
    pub name: String,
    pub bytes: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Base64 of 4 bytes (little-endian) for each block.
    crc32c: String,
}

/// The sums of several files, as they are written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Sums {
    pub files: Vec<FileSums>,
}

/// Something wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub name: String,
    /// Where: the very byte, or the start of the first block that is not as it was.
    pub offset: u64,
    pub what: Said,
}

/// Computes sums while bytes pass by.
pub struct Summing {
    sha256: Sha256,
    crcs: Vec<u8>,
    block: Vec<u8>,
    bytes: u64,
}

impl Default for Summing {
    fn default() -> Summing {
        Summing { sha256: Sha256::new(), crcs: Vec::new(), block: Vec::with_capacity(BLOCK), bytes: 0 }
    }
}

impl Summing {
    /// Takes the next bytes.
    pub fn take(&mut self, mut bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at((BLOCK - self.block.len()).min(bytes.len()));
            self.block.extend(now);
            bytes = later;
            if self.block.len() == BLOCK {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        self.crcs.extend(crc32c::crc32c(&self.block).to_le_bytes());
        self.block.clear();
    }

    /// Returns the sums under the file's name.
    pub fn finish(mut self, name: &str) -> FileSums {
        if !self.block.is_empty() {
            self.end_block();
        }
        FileSums {
            name: name.to_owned(),
            bytes: self.bytes,
            sha256: hex(&self.sha256.finalize()),
            crc32c: BASE64_STANDARD.encode(&self.crcs),
        }
    }
}

impl FileSums {
    /// Sums bytes at hand.
    pub fn of_bytes(name: &str, bytes: &[u8]) -> FileSums {
        let mut summing = Summing::default();
        summing.take(bytes);
        summing.finish(name)
    }

    /// Compares a file's bytes with its sums.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn compare(&self, mut source: impl Read) -> io::Result<Option<Changed>> {
        let expected = BASE64_STANDARD.decode(&self.crc32c).unwrap_or_default();
        let mut expected = expected.chunks_exact(4).map(|crc| crc.try_into().map_or(0, u32::from_le_bytes));
        let (mut sha256, mut offset, mut first_bad) = (Sha256::new(), 0_u64, None);
        let mut block = Vec::with_capacity(BLOCK);
        loop {
            block.clear();
            source.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
            if block.is_empty() {
                break;
            }
            sha256.update(&block);
            let wanted = expected.next();
            if first_bad.is_none() && wanted != Some(crc32c::crc32c(&block)) {
                let at = wanted.and_then(|wanted| checked::flipped_byte(&block, wanted));
                first_bad = Some((offset, at));
            }
            offset += block.len() as u64;
        }
        let changed = |offset, what: Said| Some(Changed { name: self.name.clone(), offset, what });
        if offset != self.bytes {
            let had = self.bytes;
            let what = said!("it has {offset} bytes and had {had}", "tệp có {offset} byte, trước đây có {had}");
            return Ok(changed(offset.min(had), what));
        }
        Ok(match first_bad {
            Some((start, Some(at))) => {
                changed(start + at as u64, ("this byte was changed", "byte này đã bị đổi").into())
            }
            Some((start, None)) => changed(
                start,
                said!("bytes of the {BLOCK} from here were changed", "có byte trong {BLOCK} byte kể từ đây đã bị đổi"),
            ),
            None if hex(&sha256.finalize()) != self.sha256 => {
                changed(0, ("its SHA-256 is another", "SHA-256 của nó đã khác").into())
            }
            None => None,
        })
    }
}

impl Sums {
    /// Sums all files of a folder, in order of name.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn of_folder(folder: &Path) -> io::Result<Sums> {
        let mut files = Vec::new();
        for name in names(folder)? {
            let mut summing = Summing::default();
            let mut file = File::open(folder.join(&name))?;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                summing.take(buffer.get(..count).unwrap_or_default());
            }
            files.push(summing.finish(&name));
        }
        Ok(Sums { files })
    }

    /// Writes them down, with a check of their own.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Our own types always become JSON.
        checked::with_check(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads what [`Sums::to_bytes`] wrote; the offset of the changed byte when there is one.
    ///
    /// # Errors
    /// When they are not whole.
    pub fn read(bytes: &[u8]) -> Result<Sums, Option<usize>> {
        match checked::check(bytes) {
            Checked::Right => serde_json::from_slice(bytes).map_err(|_| None),
            Checked::Changed(at) => Err(at),
            Checked::Missing => Err(None),
        }
    }

    /// Compares a folder with the sums: what was changed, what is missing, what came.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn compare_folder(&self, folder: &Path) -> io::Result<Vec<Changed>> {
        let mut found = Vec::new();
        for sums in &self.files {
            match File::open(folder.join(&sums.name)) {
                Ok(file) => found.extend(sums.compare(file)?),
                Err(err) if err.kind() == io::ErrorKind::NotFound => {
                    let what = ("the file is gone", "tệp đã mất").into();
                    found.push(Changed { name: sums.name.clone(), offset: 0, what });
                }
                Err(err) => return Err(err),
            }
        }
        let is_known = |name: &String| self.files.iter().any(|sums| sums.name == *name);
        for name in names(folder)?.into_iter().filter(|name| !is_known(name)) {
            let what = ("this file was not there when it was sealed", "tệp này không có lúc niêm phong").into();
            found.push(Changed { name, offset: 0, what });
        }
        Ok(found)
    }
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Lock files of the index library come and go.
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_file() && !(name.starts_with(".tantivy-") && name.ends_with(".lock")) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_is_found_in_file_and_sums() {
        let folder = tempfile::tempdir().expect("a folder");
        let content: Vec<u8> = (0..10_000_u32).map(|number| (number % 251) as u8).collect();
        fs::write(folder.path().join("a"), &content).expect("written");
        fs::write(folder.path().join("empty"), b"").expect("written");
        let sums = Sums::of_folder(folder.path()).expect("readable");
        assert_eq!(sums.compare_folder(folder.path()).expect("readable"), []);
        for at in [0, 1, 4095, 4096, 8191, 9_999] {
            let mut flipped = content.clone();
            flipped[at] ^= 0x40;
            let found = sums.files[0].compare(flipped.as_slice()).expect("readable").expect("a change");
            assert_eq!((found.offset, found.what.english.as_str()), (at as u64, "this byte was changed"));
        }
        let bytes = sums.to_bytes();
        assert_eq!(Sums::read(&bytes), Ok(sums.clone()));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 2;
            assert_eq!(Sums::read(&flipped), Err(Some(at)));
        }
        fs::write(folder.path().join("a"), &content[..9_000]).expect("written");
        fs::remove_file(folder.path().join("empty")).expect("removed");
        fs::write(folder.path().join("new"), b"x").expect("written");
        let found = sums.compare_folder(folder.path()).expect("readable");
        let told: Vec<String> =
            found.into_iter().map(|one| format!("{}:{}: {}", one.name, one.offset, one.what.english)).collect();
        assert_eq!(
            told,
            [
                "a:9000: it has 9000 bytes and had 10000",
                "empty:0: the file is gone",
                "new:0: this file was not there when it was sealed"
            ]
        );
    }
}
