//! Reads the state folder from disk: bounded, and with every fault of the disk at once.

mod digest;
mod walk;
mod watch;
mod write;

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use model::{Fault, Place};
use state::Folder;

pub(crate) use self::{digest::Digest, watch::Watch, write::write};

/// A state folder as it was on disk at one moment.
pub(crate) struct Loaded {
    /// Its files.
    pub(crate) folder: Folder,
    /// Names this content, so that two replicas can be compared.
    pub(crate) digest: Digest,
}

/// Reads every document below `root`.
///
/// # Errors
/// Every file and folder that could not be read, and why.
pub(crate) fn load(root: &Path) -> Result<Loaded, Vec<Fault>> {
    let (loaded, unread) = load_readable(root);
    if unread.is_empty() { Ok(loaded) } else { Err(unread) }
}

/// Reads every document below `root` that can be read, and says of all else why not.
pub(crate) fn load_readable(root: &Path) -> (Loaded, Vec<Fault>) {
    let mut faults = Vec::new();
    let files = walk::files(root, &mut faults);
    let mut folder = Folder::new();
    let mut digest = digest::Context::new();
    for File { name, path } in files {
        let place = Place::new(&name, 0);
        // Of a file that does not belong there, the name says enough.
        let text = if Folder::is_read(&name) { read_as(&path, &place) } else { Ok(String::new()) };
        let taken = text.and_then(|text| {
            digest.add(&name, &text);
            folder
                .insert(Arc::clone(&name), text)
                .map_err(|it| Fault::new(&place, it.to_string(), "keep less in one state folder"))
        });
        faults.extend(taken.err());
    }
    (Loaded { folder, digest: digest.finish() }, faults)
}

/// Reads one file of UTF-8 text, of at most as many bytes as a document may have.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read(path: &Path) -> Result<String, Vec<Fault>> {
    let place = Place::new(&Arc::from(path.display().to_string()), 0);
    read_as(path, &place).map_err(|it| vec![it])
}

/// A document of the folder, before it is read.
struct File {
    /// Relative to the folder, with `/` between the parts.
    name: Arc<str>,
    path: PathBuf,
}

fn read_as(path: &Path, place: &Place) -> Result<String, Fault> {
    let disk = |error: std::io::Error| {
        Fault::new(place, format!("cannot be read: {error}"), "make it readable, or remove it")
    };
    // Looked at before it is opened: to open a pipe would be to wait for its other end.
    let metadata = fs::metadata(path).map_err(disk)?;
    if !metadata.is_file() {
        return Err(Fault::new(place, "is no regular file", "put a file of text in its place"));
    }
    let bytes_max = u64::try_from(Folder::FILE_BYTES_MAX).unwrap_or(u64::MAX);
    let size = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    let mut bytes = Vec::with_capacity(size.min(Folder::FILE_BYTES_MAX).saturating_add(1));
    let file = fs::File::open(path).map_err(disk)?;
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(disk)?;
    if bytes.len() > Folder::FILE_BYTES_MAX {
        let message = format!("has more than {bytes_max} bytes");
        return Err(Fault::new(place, message, "split it, or remove what is not needed"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let lines = error.as_bytes().iter().take(at).filter(|it| **it == b'\n').count();
        let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        let message = format!("is not UTF-8 text: byte {at} has no meaning in it");
        Fault::new(&Place::new(&place.file, line), message, "save it as UTF-8")
    })
}
