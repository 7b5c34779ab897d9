//! A place elsewhere that checkpoints are handed to. It may fail and it may hang: nobody waits long for it.

use std::{
    io::{self, ErrorKind},
    mem,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::directory::append;

/// How long a line is waited for, once: by who signs, who ends the log or who has another key follow.
const PATIENCE: Duration = Duration::from_secs(1);

/// A file that a thread of its own appends to.
#[derive(Debug)]
pub(super) struct Outside(Arc<Desk>);

/// Where lines are handed over.
#[derive(Debug, Default)]
struct Desk {
    work: Mutex<Work>,
    rings: Condvar,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    Asked(String),
    Under,
    Done(io::Result<()>),
    Over,
}

impl Outside {
    /// Starts its thread.
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        let desk = Arc::<Desk>::default();
        let outside = Self(Arc::clone(&desk));
        let name = "audit outside".to_owned();
        std::thread::Builder::new().name(name).spawn(move || desk.serve(&path))?;
        Ok(outside)
    }

    /// Appends a line.
    ///
    /// Fails with `TimedOut` where that takes longer than a second, and at once where the line before is
    /// under way still. A line that was given up may come all the same, later.
    pub(super) fn append(&self, line: String) -> io::Result<()> {
        let Desk { rings, .. } = &*self.0;
        let mut work = self.0.lock();
        let hangs = || io::Error::new(ErrorKind::TimedOut, "the place outside takes no checkpoint");
        if matches!(*work, Work::Asked(_) | Work::Under) {
            return Err(hangs());
        }
        *work = Work::Asked(line);
        rings.notify_all();
        let is_waiting = |it: &mut Work| matches!(it, Work::Asked(_) | Work::Under);
        let (mut work, _) = rings
            .wait_timeout_while(work, PATIENCE, is_waiting)
            .unwrap_or_else(PoisonError::into_inner);
        match mem::take(&mut *work) {
            Work::Done(result) => result,
            under_way => {
                *work = under_way;
                Err(hangs())
            }
        }
    }
}

impl Drop for Outside {
    // The thread ends by itself: it may hang, and nobody waits for that.
    fn drop(&mut self) {
        *self.0.lock() = Work::Over;
        self.0.rings.notify_all();
    }
}

impl Desk {
    fn serve(&self, path: &std::path::Path) {
        loop {
            let is_idle = |it: &mut Work| !matches!(it, Work::Asked(_) | Work::Over);
            let waited = self.rings.wait_while(self.lock(), is_idle);
            let mut work = waited.unwrap_or_else(PoisonError::into_inner);
            let Work::Asked(line) = mem::replace(&mut *work, Work::Under) else {
                *work = Work::Over;
                return;
            };
            drop(work);
            let result = append(path, &line);
            let mut work = self.lock();
            if matches!(*work, Work::Over) {
                return;
            }
            *work = Work::Done(result);
            drop(work);
            self.rings.notify_all();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
