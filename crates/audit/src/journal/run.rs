//! The first record of a process and its last, by which the next one sees how it ended.

use std::io;

use super::{Shared, medium::Medium};
use crate::{EventId, recover::Recovered};

impl Shared {
    /// Records that the log was opened and what is told of that, what was cut off, and which calls have no
    /// outcome.
    pub(super) fn begin(&self, recovered: &Recovered, told: [Option<&str>; 2]) -> io::Result<()> {
        self.medium.set_reserve()?;
        let mut state = self.lock();
        let (event, note) = opening(recovered);
        let told: Vec<_> = [Some(&*note)].into_iter().chain(told).flatten().collect();
        self.say_start(&mut state, event, &told.join("; "))?;
        if let (Medium::Directory(directory), left @ [_, ..]) = (&self.medium, &*recovered.left) {
            // Recorded and sealed before a crash: only their files were left.
            directory.remove(&left.iter().collect::<Vec<_>>())?;
            let note = format!("{} sealed segments that a crash had left were removed", left.len());
            self.say(&mut state, EventId::AuditPurged, &note)?;
        }
        let open: Vec<_> = state.open.keys().copied().collect();
        self.say_unknown(&mut state, &open)?;
        drop(state);
        self.write_now()?;
        let mut state = self.lock();
        state.signed.1 = self.clock.elapsed();
        let state = self.sign(state);
        match &state.unsigned {
            Some(source) => {
                Err(io::Error::new(source.kind(), format!("no checkpoint can be kept: {source}")))
            }
            None => Ok(()),
        }
    }

    /// Records that the log ends in order, unless that is what was recorded last.
    pub(super) fn say_end(&self) {
        let mut state = self.lock();
        // Nobody goes on with a log in memory.
        if !self.has_keeper || state.ended == state.chain.next() {
            return;
        }
        // Nobody else tries any more by then.
        let is_ending = state.is_ending();
        if let Some(closed) = state.closed.as_mut().filter(|_| is_ending) {
            closed.ask_last();
        }
        let mut state = self.reopen(state);
        // One that cannot be written ends in no order, and the next start says so.
        if state.closed.is_some() {
            return;
        }
        let said = self.say(&mut state, EventId::AuditClosed, "the process ends in order");
        state.ended = state.chain.next();
        drop(state);
        if !said.is_ok_and(|it| self.settle_safely(it).is_ok()) {
            // Its number goes to another record.
            self.lock().ended = 0;
        }
    }
}

/// How a process begins: the event, and what is to be told of how the one before ended.
fn opening(recovered: &Recovered) -> (EventId, String) {
    let (next, last) = (recovered.chain.next(), recovered.chain.last());
    let cut = match (recovered.tail_bytes, recovered.has_hole) {
        (0, _) => None,
        (bytes, false) => Some(format!(
            "{bytes} bytes of a record that was not written whole were cut off before record {next}, \
             where the chain stands at {last}"
        )),
        (bytes, true) => Some(format!(
            "the disk had taken some of what was written last before what stood in front of it: {bytes} \
             bytes were cut off before record {next}, where the chain stands at {last}, and are kept beside \
             the segments, as .cut"
        )),
    };
    let unended = recovered.latest.filter(|it| !it.is_end).map(|it| {
        format!(
            "the process before did not end in order: if the machine lost its power, what was recorded at \
             the level standard just before may be missing, which the disk had not taken yet; the last \
             record is of {}",
            it.time
        )
    });
    let told: Vec<_> = [cut, unended].into_iter().flatten().collect();
    match told.is_empty() {
        true => (EventId::AuditOpened, format!("goes on with record {next}")),
        false => (EventId::AuditRecovered, told.join("; ")),
    }
}
