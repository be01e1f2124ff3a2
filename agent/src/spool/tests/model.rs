//! A disk in memory that loses what was not synced: of each file a page may be as it was, or as it
//! became; names that were not synced come undone in order from some point on. It can fail, fill up, and
//! lose its power at any operation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use fieldward_shared::time::Timestamp;

use crate::spool::disk::{Disk, Handle, Space};

#[derive(Clone, Default)]
pub struct Model(pub Arc<Mutex<State>>);

pub struct State {
    /// Files by number; names are apart from them, as on a real disk.
    files: BTreeMap<u64, File>,
    names: BTreeMap<String, u64>,
    /// Names as they are on the platter, and what happened since.
    durable: BTreeMap<String, u64>,
    since: Vec<BTreeMap<String, u64>>,
    next: u64,
    /// Operations that change something.
    pub operations: u64,
    /// At this operation the power goes.
    pub cut_at: Option<u64>,
    pub off: bool,
    pub total: u64,
    pub used_by_others: u64,
    pub fail_syncs: Failing,
    pub fail_writes: Failing,
    /// How often a file was synced again after its sync had failed; nobody may.
    pub resynced_after_failure: u64,
    pub now: u64,
    chance: Rng,
}

#[derive(Clone, Copy, Default)]
pub enum Failing {
    #[default]
    Never,
    /// The next so many.
    Next(u32),
}

impl Failing {
    fn strikes(&mut self) -> bool {
        match self {
            Self::Never => false,
            Self::Next(0) => {
                *self = Self::Never;
                false
            }
            Self::Next(more) => {
                *more -= 1;
                true
            }
        }
    }
}

#[derive(Clone, Default)]
struct File {
    now: Vec<u8>,
    durable: Vec<u8>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            files: BTreeMap::new(),
            names: BTreeMap::new(),
            durable: BTreeMap::new(),
            since: Vec::new(),
            next: 1,
            operations: 0,
            cut_at: None,
            off: false,
            total: 1 << 40,
            used_by_others: 0,
            fail_syncs: Failing::Never,
            fail_writes: Failing::Never,
            resynced_after_failure: 0,
            now: 1_000_000_000_000_000,
            chance: Rng::with_seed(1),
        }
    }
}

impl State {
    /// Every change passes here: the power may go before it.
    fn operation(&mut self) -> io::Result<()> {
        if self.off || self.cut_at == Some(self.operations) {
            self.off = true;
            return Err(io::Error::other("no power"));
        }
        self.operations += 1;
        Ok(())
    }

    fn renamed(&mut self) {
        self.since.push(self.names.clone());
    }

    fn used(&self) -> u64 {
        self.names.values().map(|file| self.files[file].now.len() as u64).sum()
    }

    fn free(&self) -> u64 {
        self.total.saturating_sub(self.used_by_others + self.used())
    }

    /// Other bytes under a file that is in use.
    pub fn overwrite(&mut self, name: &str, bytes: Vec<u8>) {
        let file = self.files.get_mut(&self.names[name]).unwrap();
        (file.now, file.durable) = (bytes.clone(), bytes);
    }

    pub fn names(&self) -> Vec<String> {
        self.names.keys().cloned().collect()
    }
}

impl Model {
    pub fn new(seed: u64) -> Self {
        let model = Self::default();
        model.0.lock().unwrap().chance = Rng::with_seed(seed);
        model
    }

    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    pub fn set<T>(&self, set: impl FnOnce(&mut State) -> T) -> T {
        set(&mut self.0.lock().unwrap())
    }

    /// The power comes back: what is left, by chance, of what was not synced.
    pub fn power_returns(&self) {
        let mut state = self.0.lock().unwrap();
        let state = &mut *state;
        let kept = state.chance.usize(..=state.since.len());
        if kept > 0 {
            state.durable = state.since[kept - 1].clone();
        }
        state.since.clear();
        state.names = state.durable.clone();
        let all = state.chance.u8(..4);
        for file in state.files.values_mut() {
            // All of it, none of it, or some pages of it came to the platter.
            if all == 0 {
                file.durable = file.now.clone();
            } else if all > 1 {
                let length = if state.chance.bool() { file.now.len() } else { file.durable.len() };
                file.durable.resize(length, 0);
                for (nth, page) in file.durable.chunks_mut(PAGE).enumerate() {
                    let now = file.now.get(nth * PAGE..).unwrap_or_default();
                    if state.chance.bool() {
                        let length = now.len().min(page.len());
                        page[..length].copy_from_slice(&now[..length]);
                    }
                }
            }
            file.now = file.durable.clone();
        }
        (state.off, state.cut_at) = (false, None);
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        state.files[&state.names[name]].now.clone()
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.0.lock().unwrap();
        let number = state.next;
        state.next += 1;
        state.files.insert(number, File { now: bytes.clone(), durable: bytes });
        state.names.insert(name.to_owned(), number);
        state.durable.insert(name.to_owned(), number);
    }

    /// A disk of its own with the same files.
    pub fn copy(&self) -> Self {
        let copy = Self::new(2);
        for name in self.set(|state| state.names()) {
            copy.put(&name, self.bytes(&name));
        }
        copy
    }

    pub fn remove_file(&self, name: &str) {
        let mut state = self.0.lock().unwrap();
        state.names.remove(name);
        state.durable.remove(name);
    }
}

impl Disk for Model {
    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>> {
        let state = self.0.lock().unwrap();
        let inside = |name: &String| {
            if folder.is_empty() {
                Some(name.clone())
            } else {
                name.strip_prefix(&format!("{folder}/")).map(str::to_owned)
            }
        };
        let names = state.names.iter().filter_map(|(name, file)| {
            inside(name)
                .filter(|name| !name.contains('/'))
                .map(|name| (name, state.files[file].now.len() as u64))
        });
        Ok(names.collect())
    }

    fn read(&self, name: &str, at: u64, most: usize) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let file = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        let bytes = state.files[file].now.get(at as usize..).unwrap_or_default();
        Ok(bytes[..most.min(bytes.len())].to_vec())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn Handle>> {
        let mut state = self.0.lock().unwrap();
        state.operation()?;
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if state.free() < bytes {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let number = state.next;
        state.next += 1;
        state.files.insert(number, File { now: vec![0; bytes as usize], durable: Vec::new() });
        state.names.insert(name.to_owned(), number);
        state.renamed();
        Ok(Box::new(Open { model: self.clone(), file: number, failed: false }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Handle>> {
        let state = self.0.lock().unwrap();
        let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Open { model: self.clone(), file, failed: false }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.operation()?;
        let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), file);
        state.renamed();
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.operation()?;
        state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
        state.renamed();
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.operation()?;
        state.durable = state.names.clone();
        state.since.clear();
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.0.lock().unwrap();
        Ok(Space { total: state.total, free: state.free() })
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.lock().unwrap().now)
    }

    fn chance(&self) -> [u8; 16] {
        self.0.lock().unwrap().chance.u128(..).to_le_bytes()
    }
}

struct Open {
    model: Model,
    file: u64,
    failed: bool,
}

impl Handle for Open {
    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.model.0.lock().unwrap();
        state.operation()?;
        if state.fail_writes.strikes() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = state.files.get_mut(&self.file).unwrap();
        let end = at as usize + bytes.len();
        if file.now.len() < end {
            file.now.resize(end, 0);
        }
        file.now[at as usize..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.model.0.lock().unwrap();
        state.operation()?;
        if self.failed {
            state.resynced_after_failure += 1;
        }
        if state.fail_syncs.strikes() {
            self.failed = true;
            // The kernel forgets what it could not write, and calls the pages clean.
            return Err(io::Error::other("the disk failed"));
        }
        let file = state.files.get_mut(&self.file).unwrap();
        // After a failure nothing more comes to the platter, although the sync says so.
        if !self.failed {
            file.durable = file.now.clone();
        }
        Ok(())
    }

    fn resize(&mut self, bytes: u64) -> io::Result<()> {
        let mut state = self.model.0.lock().unwrap();
        state.operation()?;
        let length = state.files[&self.file].now.len() as u64;
        if bytes > length && state.free() < bytes - length {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.files.get_mut(&self.file).unwrap().now.resize(bytes as usize, 0);
        Ok(())
    }
}

const PAGE: usize = 512;
