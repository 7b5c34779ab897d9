//! What is recorded of calls, as it is declared.

use std::fmt;

use crate::{BodyRule, Place};

/// What a collection, or one of its operations, says about its records.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// What is kept of arguments, in the order in which it is declared.
    pub redactions: Vec<Redaction>,
    /// What is kept of bodies; nothing is said where none.
    pub bodies: Option<BodyRule>,
    /// How safe they are before anybody goes on; nothing is said where none.
    pub level: Option<Level>,
}

impl Recording {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { redactions, bodies, level } = self;
        redactions.is_empty() && bodies.is_none() && level.is_none()
    }
}

/// How safe a record must be before anybody goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Written: it outlives the process at once, and the machine once the disk has it. That it gets
    /// it begins 25 ms later; how long it takes, the disk decides.
    Standard,
    /// On the disk: it outlives a loss of power.
    Strict,
}

impl Level {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Strict];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Strict => "strict",
        }
    }
}

/// What is kept of some values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Of which.
    pub of: Sought,
    /// How much of them.
    pub treatment: Treatment,
    /// Where it is declared.
    pub place: Place,
}

/// Which values are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// Those at a place among the arguments, and all below it.
    At(Pointer),
    /// Those that look like this, wherever they are.
    Like(Detector),
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(pointer) => pointer.fmt(f),
            Self::Like(detector) => f.write_str(detector.as_str()),
        }
    }
}

/// What a value can look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detector {
    /// The number of a payment card.
    CardNumber,
    /// An e-mail address.
    Email,
    /// A token, a key, a password: whatever lets somebody in.
    Secret,
}

impl Detector {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CardNumber, Self::Email, Self::Secret];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CardNumber => "card_number",
            Self::Email => "email",
            Self::Secret => "secret",
        }
    }
}

/// How much of a value is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// Nothing.
    Drop,
    /// A keyed hash, another one each day: whether two values of a day are the same, and no more.
    Hash,
    /// All of it.
    Keep,
    /// Its end.
    Mask,
}

impl Treatment {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Drop, Self::Hash, Self::Keep, Self::Mask];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Hash => "hash",
            Self::Keep => "keep",
            Self::Mask => "mask",
        }
    }

    /// Whether the value, or a part of it, can be read afterwards.
    #[must_use]
    pub fn shows(self) -> bool {
        matches!(self, Self::Keep | Self::Mask)
    }
}

/// A place in JSON: a JSON pointer (RFC 6901), in which `*` stands for any one name or index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pointer {
    steps: Vec<Step>,
}

/// One step of a [`Pointer`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// To whatever is there.
    Any,
    /// To this name, or this index.
    To(Box<str>),
}

impl Pointer {
    /// Most steps: deeper levels are in no record.
    pub const STEPS_MAX: usize = 8;

    /// Reads `/customer/0/name`, with `~0` for `~` and `~1` for `/`.
    ///
    /// # Errors
    /// A sentence: what is wrong, a colon, what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shown = text.escape_debug();
        let Some(rest) = text.strip_prefix('/') else {
            return Err(format!("\"{shown}\" is no JSON pointer: begin it with a slash"));
        };
        let steps: Option<Vec<_>> = rest.split('/').map(Step::parse).collect();
        let Some(steps) = steps else {
            let help = "write ~0 for ~ and ~1 for /, and no empty name";
            return Err(format!("\"{shown}\" is no JSON pointer: {help}"));
        };
        if steps.len() > Self::STEPS_MAX {
            let max = Self::STEPS_MAX;
            return Err(format!("\"{shown}\" is too deep: write at most {max} names"));
        }
        Ok(Self { steps })
    }

    /// Its steps, at least one.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Step {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "" => None,
            "*" => Some(Self::Any),
            name => {
                let is_escaped = name.split('~').skip(1).all(|it| it.starts_with(['0', '1']));
                is_escaped.then(|| Self::To(name.replace("~1", "/").replace("~0", "~").into()))
            }
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|it| match it {
            Step::Any => f.write_str("/*"),
            Step::To(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pointer_names_its_steps() {
        let to = |it: &str| Step::To(it.into());
        let pointer = Pointer::parse("/a~1b/*/~01/0").unwrap();
        assert_eq!(pointer.steps(), [to("a/b"), Step::Any, to("~1"), to("0")]);
    }

    #[test]
    fn what_is_no_pointer_is_refused_and_says_what_to_write() {
        for text in
            ["", "a", "a/b", "/", "/a/", "//a", "/a~", "/a~2", "/~x/a", "/1/2/3/4/5/6/7/8/9"]
        {
            let error = Pointer::parse(text).unwrap_err();
            assert!(error.rsplit_once(": ").is_some(), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_pointer_reads_back(names in prop::collection::vec("[a-z~/*é]{1,6}", 1..8)) {
            let names = names.iter().map(|it| it.replace('~', "~0").replace('/', "~1"));
            let text: String = names.map(|it| format!("/{it}")).collect();
            prop_assert_eq!(Pointer::parse(&text).unwrap().to_string(), text);
        }
    }
}
