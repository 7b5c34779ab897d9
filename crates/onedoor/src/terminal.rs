//! What a person reads: text on the standard output, in colour only where a terminal shows it.

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
};

use model::Fault;

/// A place to print to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    is_coloured: bool,
}

/// How a text looks. A closed set, so that all output looks alike.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Look {
    /// Went wrong.
    Bad,
    /// A heading.
    Bold,
    /// Beside the point.
    Dim,
    /// Went well.
    Good,
    /// To be copied.
    Name,
}

impl Terminal {
    /// The standard output.
    pub(crate) fn stdout() -> Self {
        Self { is_coloured: has_colours(io::stdout().is_terminal()) }
    }

    /// A place that shows no colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self { is_coloured: false }
    }

    /// `text` in `look`.
    pub(crate) fn paint<T: fmt::Display>(self, look: Look, text: T) -> Painted<T> {
        Painted { look: self.is_coloured.then_some(look), text }
    }

    /// Prints `text` and a line end. A reader that went away is no fault of ours.
    ///
    /// # Errors
    /// What the output says.
    pub(crate) fn line(self, text: impl fmt::Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }
}

/// Whether to colour what goes to a terminal, or not to one.
pub(crate) fn has_colours(is_terminal: bool) -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|it| !it.is_empty());
    is_terminal && !set("NO_COLOR")
}

/// A text with its look.
pub(crate) struct Painted<T> {
    look: Option<Look>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.look {
            None => return self.text.fmt(f),
            Some(Look::Bad) => "31",
            Some(Look::Bold) => "1",
            Some(Look::Dim) => "2",
            Some(Look::Good) => "32",
            Some(Look::Name) => "36",
        };
        write!(f, "\u{1b}[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\u{1b}[0m")
    }
}

/// All `faults`, and how many they are.
pub(crate) struct Faults<'a>(pub(crate) &'a [Fault]);

impl fmt::Display for Faults<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|fault| writeln!(f, "{fault}"))?;
        f.write_str(&counted(self.0.len(), "fault"))
    }
}

/// `1 client`, `2 clients`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}
