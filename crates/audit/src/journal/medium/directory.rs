//! A folder of segments, which one process at a time writes to.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};

use super::outside::Outside;
use crate::{bodies, end::End, keys::KEYS, seal::SEALED, segment::Segment, verify::CHECKPOINTS};

/// Room that is kept for saying that there is none.
const RESERVE_BYTES: u64 = 1 << 20;

/// How often, and with which pause, the lock is tried.
const LOCK_TRIES: usize = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// A folder of segments.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    /// The one that is written to.
    segment: Mutex<Option<Arc<File>>>,
    /// Whether the disk may lack its name: so it is, too, where a killed process began it.
    is_unnamed: AtomicBool,
    /// The file whose sync failed. Of two who sync at the same time the system tells only one.
    lost: Mutex<Option<Arc<File>>>,
    /// Another file that every checkpoint is appended to.
    outside: Option<Outside>,
    /// Held as long as this is: it keeps others out.
    _lock: File,
}

impl Directory {
    /// Opens the folder, made for its owner only where it is missing.
    ///
    /// Fails with `WouldBlock` where another process has it.
    pub(crate) fn open(path: &Path, outside: Option<PathBuf>) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let lock = lock(path)?;
        outside.as_deref().map_or(Ok(()), cut_last_line)?;
        let this = Self {
            path: path.to_owned(),
            segment: Mutex::default(),
            is_unnamed: AtomicBool::new(true),
            lost: Mutex::default(),
            outside: outside.map(Outside::open).transpose()?,
            _lock: lock,
        };
        cut_last_line(&path.join(CHECKPOINTS))?;
        cut_last_line(&path.join(KEYS))?;
        cut_last_line(&path.join(SEALED))?;
        if let Some(parent) = path.parent().filter(|it| !it.as_os_str().is_empty()) {
            sync_folder(parent)?;
        }
        Ok(this)
    }

    /// Whether another process has the folder. Changes nothing.
    pub(crate) fn is_held(path: &Path) -> io::Result<bool> {
        let lock = private().write(true).open(path.join("lock"));
        match lock.and_then(|it| take(&it)) {
            Ok(()) => Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Goes on with a segment that is there.
    ///
    /// It keeps its first `good` bytes, and gets room up to `bytes`.
    pub(crate) fn resume(&self, segment: &Segment, (good, bytes): (u64, u64)) -> io::Result<()> {
        let file = private().append(true).open(&segment.path)?;
        if file.metadata()?.len() > good {
            file.set_len(good)?;
            file.sync_all()?;
        }
        allocate(&file, bytes)?;
        self.put(file);
        Ok(())
    }

    /// Keeps what stands in a segment behind its first `good` bytes in a file of its own beside it.
    pub(crate) fn keep_cut(&self, (segment, good): (&Segment, u64)) -> io::Result<()> {
        let mut file = File::open(&segment.path)?;
        if file.metadata()?.len() <= good {
            return Ok(());
        }
        file.seek(SeekFrom::Start(good))?;
        let mut kept = private().append(true).create(true).open(self.cut_of(segment.first))?;
        io::copy(&mut file, &mut kept)?;
        kept.sync_all()?;
        sync_folder(&self.path)
    }

    pub(super) fn begin(&self, first: u64, bytes: u64) -> io::Result<()> {
        if let Some(before) = self.current() {
            // What was allocated and not written is given back.
            before.set_len(before.metadata()?.len())?;
        }
        let segment = Segment::new(&self.path, first);
        let file = private().append(true).create(true).open(&segment.path)?;
        // One that was begun and got no record may be there. What holds records is not written over.
        if file.metadata()?.len() > 0 {
            return Err(ErrorKind::AlreadyExists.into());
        }
        if let Err(error) = allocate(&file, bytes) {
            fs::remove_file(&segment.path)?;
            return Err(error);
        }
        // Everybody who records waits here: the next sync brings the name to the disk as well.
        self.is_unnamed.store(true, Ordering::Release);
        self.put(file);
        Ok(())
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let Some(file) = self.current() else {
            return Err(ErrorKind::NotFound.into());
        };
        // A signal may cut a write short. What is left of it fails or goes through now.
        (&*file).write_all(bytes)
    }

    pub(super) fn cut(&self, bytes: u64) -> io::Result<()> {
        self.current().map_or(Ok(()), |it| it.set_len(bytes))
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = self.current() else { return Ok(()) };
        if lost.as_ref().is_some_and(|it| Arc::ptr_eq(it, &file)) {
            return Err(io::Error::other("a sync of the segment failed before"));
        }
        let mut synced = file.sync_data();
        if synced.is_ok() && self.is_unnamed.swap(false, Ordering::AcqRel) {
            synced = sync_folder(&self.path);
        }
        if synced.is_err() {
            *lost = Some(file);
        }
        synced
    }

    pub(super) fn keep(&self, note: &str) -> io::Result<()> {
        let line = format!("{}\n", serde_json::to_string(note).map_err(io::Error::other)?);
        append(&self.path.join(CHECKPOINTS), &line)?;
        self.outside.as_ref().map_or(Ok(()), |it| it.append(line))
    }

    /// Keeps the note by which one key follows another.
    pub(crate) fn follow(&self, note: &str) -> io::Result<()> {
        let line = format!("{}\n", serde_json::to_string(note).map_err(io::Error::other)?);
        let path = self.path.join(KEYS);
        // Its name first: nothing may fail behind the line, or the log would say what is not told.
        private().append(true).create(true).open(&path)?;
        sync_folder(&self.path)?;
        append(&path, &line)
    }

    /// Keeps these lines of sealed roots, all or none.
    pub(crate) fn seal(&self, lines: &str) -> io::Result<()> {
        append(&self.path.join(SEALED), lines).and_then(|()| sync_folder(&self.path))
    }

    /// Puts the packed file in the place of its segment.
    pub(crate) fn replace(&self, segment: &Segment, draft: &Path) -> io::Result<()> {
        fs::rename(draft, segment.packed().path)?;
        sync_folder(&self.path)?;
        fs::remove_file(&segment.path)?;
        sync_folder(&self.path)
    }

    /// Removes segments, the oldest first: what is left begins behind those that went.
    pub(crate) fn remove(&self, segments: &[&Segment]) -> io::Result<()> {
        for segment in segments {
            // First, so that after a crash between the two this is done again.
            bodies::remove(&self.path, segment.first)?;
            match fs::remove_file(self.cut_of(segment.first)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            // A crash may have left both.
            if !segment.is_packed() && segment.packed().path.exists() {
                fs::remove_file(segment.packed().path)?;
            }
            match fs::remove_file(&segment.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                // Each by itself: none may be gone after a loss of power while one before it is there.
                Ok(()) | Err(_) => sync_folder(&self.path)?,
            }
        }
        Ok(())
    }

    pub(super) fn use_reserve(&self) -> io::Result<()> {
        match fs::remove_file(self.reserve()) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    pub(super) fn set_reserve(&self) -> io::Result<()> {
        let file = private().write(true).create(true).truncate(false).open(self.reserve())?;
        allocate(&file, RESERVE_BYTES)
    }

    /// Whether there is another file that checkpoints are appended to.
    pub(crate) fn has_outside(&self) -> bool {
        self.outside.is_some()
    }

    /// How many bytes are set aside.
    pub(crate) fn reserve_bytes(&self) -> io::Result<u64> {
        match fs::metadata(self.reserve()) {
            // Room that was taken without a length: files of 512-byte blocks, as POSIX counts them.
            Ok(it) => Ok(it.blocks().saturating_mul(512)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Where what was cut off a segment is kept.
    fn cut_of(&self, first: u64) -> PathBuf {
        Segment::new(&self.path, first).path.with_extension("cut")
    }

    fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    fn current(&self) -> Option<Arc<File>> {
        self.segment.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, file: File) {
        *self.segment.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(file));
    }
}

/// Takes the folder: others are kept out as long as this file is open.
///
/// Fails with `WouldBlock` where another process has it.
pub(crate) fn lock(folder: &Path) -> io::Result<File> {
    let lock = private().write(true).create(true).truncate(false).open(folder.join("lock"))?;
    take(&lock).map(|()| lock)
}

/// Takes the lock, or finds that another process keeps it.
fn take(lock: &File) -> io::Result<()> {
    // A process that was killed just now has it until the system is done with it.
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::new(ErrorKind::WouldBlock, "another process writes to it"))
}

/// Files that their owner alone reads.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Takes room on the disk without changing the file's length, so that there is some when it is needed.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        // Not every file system can. Then room runs out in the middle of a segment.
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        other => Ok(other?),
    }
}

/// A file that was made or removed is so after a loss of power, too.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Adds a line, or nothing.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = private().append(true).create(true).open(path)?;
    let before = file.metadata()?.len();
    let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
    if written.is_err() && file.metadata()?.is_file() {
        file.set_len(before)?;
    }
    written
}

/// Takes away the end of a file that is no line: the power went while it was written.
fn cut_last_line(path: &Path) -> io::Result<()> {
    // What is no regular file, such as a pipe, has no end to look at.
    let length = match fs::metadata(path) {
        Ok(it) if it.is_file() => it.len(),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(_) | Err(_) => return Ok(()),
    };
    let tail_bytes = End::read(path)?.tail_bytes();
    if tail_bytes == 0 {
        return Ok(());
    }
    let file = private().write(true).open(path)?;
    file.set_len(length.saturating_sub(tail_bytes))?;
    file.sync_all()
}
