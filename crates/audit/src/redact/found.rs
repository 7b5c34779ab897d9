//! Which detectors found something in the arguments of a call.

use std::cell::Cell;

use model::Detector;

/// Detectors that found something. Whoever looks for it only borrows the texts, so this is filled behind
/// a shared reference.
#[derive(Debug, Default)]
pub(super) struct Found {
    card_number: Cell<bool>,
    email: Cell<bool>,
    secret: Cell<bool>,
}

impl Found {
    pub(super) fn add(&self, detector: Detector) {
        self.of(detector).set(true);
    }

    /// Their words, with blanks between; none where nothing was found.
    pub(super) fn words(&self) -> Option<String> {
        let found = Detector::ALL.into_iter().filter(|it| self.of(*it).get());
        let words: Vec<_> = found.map(Detector::as_str).collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    fn of(&self, detector: Detector) -> &Cell<bool> {
        match detector {
            Detector::CardNumber => &self.card_number,
            Detector::Email => &self.email,
            Detector::Secret => &self.secret,
        }
    }
}
