//! Segments that were closed for some time are packed: a seventh of the room, and the same to every reader.

use std::{io, path::Path, sync::PoisonError, time::Duration};

use super::{Journal, medium::Medium};
use crate::{packed, segment};

impl Journal {
    /// Packs the oldest segment that was closed longer ago than `after` and is not packed yet. Gives the
    /// number of its first record; none where there is none left, or the log is in memory.
    ///
    /// The packed file is on the disk, and was read back and found to be the same, before the other one
    /// goes. Blocks this thread meanwhile.
    ///
    /// # Errors
    /// What the disk says. The segment is as it was then.
    pub fn pack(&self, after: Duration) -> io::Result<Option<u64>> {
        let _alone = self.purging.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        let Medium::Directory(directory) = &shared.medium else { return Ok(None) };
        let now = shared.clock.now();
        let closed = self.closed()?.into_iter().filter(|it| now.since(it.time.1) > after);
        let due: Vec<_> = closed.map(|it| it.records.start).collect();
        let segments = segment::list(Path::new(&*shared.name))?;
        let next = segments.iter().find(|it| !it.is_packed() && due.contains(&it.first));
        let Some(segment) = next else { return Ok(None) };
        let draft = packed::pack(&segment.path)?;
        directory.replace(segment, &draft)?;
        Ok(Some(segment.first))
    }
}
