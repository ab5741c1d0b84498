//! A disk in memory that does to the log what real ones do: it loses what was not synced, tears writes, fills up, fails.
//!
//! Everything follows from the seed. Cloning gives another handle to the same disk.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::wal::disk::Disk;
use crate::wal::disk::DiskFile;
use crate::wal::disk::LockError;
use crate::wal::disk::LockGuard;

/// What a power cut writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// Small, fast, repeatable pseudo-random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence that belongs to a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// Returns the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `end`, or 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.draw().checked_rem(end).unwrap_or(0)
    }

    /// Returns true once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

#[derive(Debug, Default, Clone)]
struct SimFile {
    /// What a reader sees.
    content: Vec<u8>,
    /// What a power cut leaves for certain.
    synced: Vec<u8>,
    /// A sync failed: what was dirty from here on is taken for clean and will not reach the disk, unless written again.
    lost_from: Option<usize>,
}

#[derive(Debug)]
struct State {
    random: Random,
    files: BTreeMap<u64, SimFile>,
    /// The folder as readers see it, and as a power cut leaves it for certain.
    names: BTreeMap<String, u64>,
    synced_names: BTreeMap<String, u64>,
    next_file: u64,
    /// Handles of an earlier life do nothing.
    life: u64,
    locked: bool,
    capacity_bytes: u64,
    /// Write-like operations until the power goes; `None`: never.
    steps_left: Option<u64>,
    power_off: bool,
    fail_next_write: bool,
    fail_next_sync: bool,
    steps: u64,
}

/// The disk; see the module.
#[derive(Debug, Clone)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// Makes an empty disk of unlimited size.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            synced_names: BTreeMap::new(),
            next_file: 0,
            life: 0,
            locked: false,
            capacity_bytes: u64::MAX,
            steps_left: None,
            power_off: false,
            fail_next_write: false,
            fail_next_sync: false,
            steps: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the power go after so many more operations that change the disk.
    pub fn cut_power_after(&self, steps: u64) {
        self.state().steps_left = Some(steps);
    }

    /// Returns how many operations have changed the disk so far.
    pub fn steps(&self) -> u64 {
        self.state().steps
    }

    /// Sets how many bytes all files together may have.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity_bytes = bytes;
    }

    /// Lets the next write fail with an I/O error, perhaps after a part of it.
    pub fn fail_next_write(&self) {
        self.state().fail_next_write = true;
    }

    /// Lets the next sync of a file fail with an I/O error; what was dirty is lost, as on Linux.
    pub fn fail_next_sync(&self) {
        self.state().fail_next_sync = true;
    }

    /// Kills the process: everything written stays, handles and lock are gone.
    pub fn kill(&self) {
        self.state().begin_life();
    }

    /// Cuts the power and brings it back: of what was not synced, some sectors and names are there and some are not.
    pub fn restart(&self) {
        let mut state = self.state();
        let State { random, files, names, synced_names, .. } = &mut *state;
        for (name, file) in names.clone() {
            if synced_names.get(&name) != Some(&file) && random.one_in(2) {
                synced_names.insert(name, file);
            }
        }
        synced_names.retain(|name, _| names.contains_key(name) || random.one_in(2));
        *names = synced_names.clone();
        for file in files.values_mut() {
            file.content = match file.lost_from {
                Some(_) => file.synced.clone(),
                None => survivors(random, &file.synced, &file.content),
            };
            file.synced = file.content.clone();
            file.lost_from = None;
        }
        state.begin_life();
    }

    /// Flips a bit of a file; false when the file has no such byte.
    pub fn flip(&self, name: &str, offset: usize, bit: u32) -> bool {
        let mut state = self.state();
        let Some(file) = state.names.get(name).copied() else { return false };
        let Some(file) = state.files.get_mut(&file) else { return false };
        for content in [&mut file.content, &mut file.synced] {
            let Some(byte) = content.get_mut(offset) else { return false };
            *byte ^= 1 << (bit % 8);
        }
        true
    }
}

/// Decides what a power cut leaves of a file: a length between, and for each sector the old bytes or the new.
pub(crate) fn survivors(random: &mut Random, synced: &[u8], content: &[u8]) -> Vec<u8> {
    let (shorter, longer) = (synced.len().min(content.len()), synced.len().max(content.len()));
    let length = shorter + usize::try_from(random.below((longer - shorter) as u64 + 1)).unwrap_or(0);
    let mut left = synced.to_vec();
    left.resize(length, 0);
    let holes = random.one_in(2);
    for (index, sector) in left.chunks_mut(SECTOR_BYTES).enumerate() {
        let start = index * SECTOR_BYTES;
        let end = (start + sector.len()).min(content.len());
        let dirty = content.get(start..end).filter(|new| synced.get(start..end) != Some(new));
        if let Some(new) = dirty.filter(|_| !holes || !random.one_in(4)) {
            sector[..new.len()].copy_from_slice(new);
        }
    }
    left
}

impl State {
    fn begin_life(&mut self) {
        self.life += 1;
        self.locked = false;
        self.power_off = false;
        self.steps_left = None;
        self.fail_next_write = false;
        self.fail_next_sync = false;
    }

    /// Counts an operation that changes the disk; an error when the power is off.
    fn step(&mut self) -> io::Result<()> {
        self.steps += 1;
        if let Some(left) = &mut self.steps_left {
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => self.power_off = true,
            }
        }
        self.powered()
    }

    fn powered(&self) -> io::Result<()> {
        if self.power_off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn used_bytes(&self) -> u64 {
        let lengths = self.names.values().filter_map(|file| self.files.get(file)).map(|file| file.content.len());
        lengths.sum::<usize>() as u64
    }

    fn file(&mut self, handle: &SimHandle) -> io::Result<&mut SimFile> {
        self.powered()?;
        if handle.life != self.life {
            return Err(io::Error::other("a handle of a process that died"));
        }
        self.files.get_mut(&handle.file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Writes a random part of `bytes`, as a write that fails half-way does.
    fn write_part(&mut self, handle: &SimHandle, offset: usize, bytes: &[u8], most: u64) -> io::Result<()> {
        let count = self.random.below(most.min(bytes.len() as u64) + 1);
        let count = usize::try_from(count).unwrap_or(0);
        write(&mut self.file(handle)?.content, offset, bytes.get(..count).unwrap_or_default());
        Ok(())
    }
}

fn first_difference(old: &[u8], new: &[u8]) -> usize {
    old.iter().zip(new).take_while(|(old, new)| old == new).count()
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

impl Disk for SimDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.powered()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.step()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.next_file += 1;
        let file = state.next_file;
        state.files.insert(file, SimFile::default());
        state.names.insert(name.to_owned(), file);
        Ok(Box::new(SimHandle { disk: self.clone(), file, life: state.life }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        state.powered()?;
        let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimHandle { disk: self.clone(), file, life: state.life }))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.names.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.synced_names = state.names.clone();
        Ok(())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let state = self.state();
        Ok(state.capacity_bytes.saturating_sub(state.used_bytes()))
    }

    fn lock(&self) -> Result<Box<dyn LockGuard>, LockError> {
        let mut state = self.state();
        if state.locked {
            return Err(LockError::Held(Some(1)));
        }
        state.locked = true;
        Ok(Box::new(SimLock { disk: self.clone(), life: state.life }))
    }

    fn salt(&self) -> u64 {
        self.state().random.draw()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        PathBuf::from("sim").join(name)
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    life: u64,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locked = false;
        }
    }
}

#[derive(Debug)]
struct SimHandle {
    disk: SimDisk,
    file: u64,
    life: u64,
}

impl DiskFile for SimHandle {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().file(self)?.content.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let content = &state.file(self)?.content;
        let rest = usize::try_from(offset).ok().and_then(|offset| content.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        state.file(self)?;
        if let Err(err) = state.step() {
            // The power goes in the middle of this very write.
            state.power_off = false;
            state.write_part(self, offset, bytes, u64::MAX)?;
            state.power_off = true;
            return Err(err);
        }
        if std::mem::take(&mut state.fail_next_write) {
            state.write_part(self, offset, bytes, u64::MAX)?;
            return Err(io::Error::other("simulated write error"));
        }
        let free = state.capacity_bytes.saturating_sub(state.used_bytes());
        let grows = (offset + bytes.len()).saturating_sub(state.file(self)?.content.len()) as u64;
        if grows > free {
            state.write_part(self, offset, bytes, free)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = state.file(self)?;
        write(&mut file.content, offset, bytes);
        let rewritten = offset + bytes.len() >= file.content.len();
        file.lost_from = file.lost_from.filter(|lost| offset > *lost || !rewritten);
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.step()?;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        state.file(self)?.content.resize(length, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.file(self)?;
        state.step()?;
        let fail = std::mem::take(&mut state.fail_next_sync);
        let file = state.file(self)?;
        if fail {
            file.lost_from = Some(first_difference(&file.synced, &file.content));
            return Err(io::Error::other("simulated sync error"));
        }
        if file.lost_from.is_none() {
            // Copies only what is new: tests write long logs.
            let same = first_difference(&file.synced, &file.content);
            file.synced.truncate(same);
            file.synced.extend_from_slice(&file.content[same..]);
        }
        Ok(())
    }
}
