//! What goes out only behind its record: held by types, so that no way out can be forgotten.

use crate::Error;

/// That a record is as safe as its level asks. Only an [`Entry`](crate::Entry) gives one.
#[derive(Debug)]
pub struct Receipt(());

impl Receipt {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// What goes out behind this record.
    pub fn behind<T>(self, value: T) -> Recorded<T> {
        let Self(()) = self;
        Recorded(value)
    }
}

/// Something that may go out: there is a record of it.
///
/// Whoever answers takes nothing else, and so every answer has come by a record. What it holds can be
/// brought into another form, and it stays recorded.
#[derive(Debug)]
#[must_use = "nobody is answered with it"]
pub struct Recorded<T>(T);

impl<T> Recorded<T> {
    /// What is said in place of an answer that the log did not take.
    pub fn instead(_: &Error, value: T) -> Self {
        Self(value)
    }

    /// What is said of something that was given up, and recorded itself as it went. A wall of the
    /// house says who may.
    pub fn given_up(value: T) -> Self {
        Self(value)
    }

    /// What is said to one of many, behind the record that says that they are counted from then on; a
    /// later one says how many they were. The same wall says who may.
    pub fn counted(_: &Receipt, value: T) -> Self {
        Self(value)
    }

    /// The same in another form.
    pub fn map<U>(self, form: impl FnOnce(T) -> U) -> Recorded<U> {
        Recorded(form(self.0))
    }

    /// All of them together; none where there is not one, and so nothing was recorded.
    #[must_use]
    pub fn all(several: Vec<Self>) -> Option<Recorded<Vec<T>>> {
        if several.is_empty() {
            return None;
        }
        Some(Recorded(several.into_iter().map(|it| it.0).collect()))
    }

    /// What it holds.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}
