//! How much room is left on the disk of a log. Where it runs short that is recorded, once at each step.

use std::path::Path;

use rustix::fs::statvfs;

use super::{Journal, Shared, medium::Medium};
use crate::EventId;

/// Below so many percent it is recorded.
const STEPS: [u64; 3] = [20, 10, 5];
/// So many percent more must be free before a step is recorded again: room comes and goes.
const SLACK: u64 = 2;

/// How much room is left on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many bytes are free for this process.
    pub free_bytes: u64,
    /// The same, of what it could use if all else were empty.
    pub free_percent: u64,
}

impl Room {
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let disk = statvfs(folder).ok()?;
        let used = disk.f_blocks.saturating_sub(disk.f_bfree);
        let usable = used.saturating_add(disk.f_bavail);
        Some(Self {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            // A file system without blocks says nothing.
            free_percent: disk.f_bavail.saturating_mul(100).checked_div(usable)?,
        })
    }

    /// Whether somebody has to make room now.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        step(self.free_percent) == STEPS.len()
    }
}

impl Journal {
    /// How much room is left for it; nothing where it is in memory, or the disk does not say.
    #[must_use]
    pub fn room(&self) -> Option<Room> {
        self.shared.room()
    }
}

impl Shared {
    fn room(&self) -> Option<Room> {
        match &self.medium {
            Medium::Directory(_) => Room::of(Path::new(&*self.name)),
            Medium::Memory(memory) => memory.room(),
        }
    }

    /// Records that room runs short where that is further than what was `told`, a number of steps.
    pub(super) fn look_at_room(&self, told: &mut usize) {
        let Some(room) = self.room() else { return };
        *told = (*told).min(step(room.free_percent.saturating_sub(SLACK)));
        let step = step(room.free_percent);
        let percent = STEPS.iter().take(step).next_back().filter(|_| step > *told);
        let Some(percent) = percent else { return };
        let bytes = room.free_bytes;
        let note = format!("less than {percent} % of the disk of the log is free: {bytes} bytes");
        if self.tell(EventId::AuditLowRoom, &note) {
            *told = step;
        }
    }
}

/// How many steps it went down.
fn step(percent: u64) -> usize {
    STEPS.iter().filter(|it| percent < **it).count()
}

#[cfg(test)]
mod tests {
    use model::{Clock, Timestamp};

    use super::*;

    #[test]
    fn each_step_of_a_disk_that_fills_up_is_recorded_once() {
        let (journal, memory) = Journal::memory(Clock::fake(Timestamp::from_seconds(0)));
        let mut told = 0;
        let mut look = |percents: &[u64]| {
            for percent in percents {
                memory.leave(*percent);
                journal.shared.look_at_room(&mut told);
            }
            memory.text().matches("\"audit.low_room\"").count()
        };
        assert_eq!(look(&[100, 20]), 0);
        assert_eq!(look(&[19, 19, 20, 21, 15]), 1);
        assert_eq!(look(&[4, 3, 6]), 2, "the one between is told with it");
        assert_eq!(look(&[7, 4]), 3, "there was room again");
        assert_eq!(look(&[50, 9]), 4);
        assert!(memory.text().contains("less than 5 % of the disk of the log is free: 1000 bytes"));
        let is_scarce = |free_percent| Room { free_bytes: 0, free_percent }.is_scarce();
        assert!(is_scarce(4) && !is_scarce(5));
    }

    #[test]
    fn a_disk_says_how_much_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::of(folder.path()).unwrap();
        assert!(room.free_percent <= 100 && room.free_bytes > 0, "{room:?}");
        assert_eq!(Room::of(Path::new("/proc/self/nothing")), None);
    }
}
