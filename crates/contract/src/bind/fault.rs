//! Why arguments make no request. Names are told, values never.

use model::{Ambiguity, Refusal, RefusalKind};

use crate::error::quoted;

/// Most names of arguments that are listed.
const NAMES_MAX: usize = 40;

/// Why arguments make no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentFault {
    /// Bytes are wanted and the text is not base64.
    #[error("argument \"{name}\" is not base64")]
    Base64 {
        /// The argument.
        name: Box<str>,
    },
    /// An object brings a name along that is not its to set.
    #[error("argument \"{name}\" must not set {key}")]
    Barred {
        /// The argument.
        name: Box<str>,
        /// The name in it, quoted.
        key: String,
    },
    /// The body is not what the arguments in it can be read from.
    #[error("the body {wanted}")]
    Body {
        /// What is wanted.
        wanted: String,
    },
    /// An element holds what divides the elements.
    #[error("argument \"{name}\" has an element with a {delimiter:?} in it, which cannot be sent")]
    Delimiter {
        /// The argument.
        name: Box<str>,
        /// What divides the elements.
        delimiter: char,
    },
    /// A header cannot hold the value.
    #[error("argument \"{name}\" cannot stand in a header: use printable ASCII only")]
    Header {
        /// The argument.
        name: Box<str>,
    },
    /// An object has a member that the document does not describe.
    #[error("argument \"{name}\" has the unknown member {key}")]
    Member {
        /// The argument.
        name: Box<str>,
        /// The member, quoted.
        key: String,
    },
    /// It is required.
    #[error("argument \"{name}\" is missing")]
    Missing {
        /// The argument.
        name: Box<str>,
    },
    /// The value has no place in a canonical path.
    #[error("argument \"{name}\" cannot stand in the path: {ambiguity}")]
    Path {
        /// The argument.
        name: Box<str>,
        /// What is wrong with it.
        ambiguity: Ambiguity,
    },
    /// The value has no place in a query.
    #[error("argument \"{name}\" cannot stand in the query: {ambiguity}")]
    Query {
        /// The argument.
        name: Box<str>,
        /// What is wrong with it.
        ambiguity: Ambiguity,
    },
    /// The value is of another kind than can be sent.
    #[error("argument \"{name}\" must be {wanted}")]
    Shape {
        /// The argument.
        name: Box<str>,
        /// What is wanted.
        wanted: &'static str,
    },
    /// It is given more than once, and servers differ in which of them they take.
    #[error("argument \"{name}\" is given more than once")]
    Twice {
        /// The argument.
        name: Box<str>,
    },
    /// The operation takes no such argument.
    #[error("unknown argument {key}: {known}")]
    Unknown {
        /// What was given, quoted.
        key: String,
        /// What the operation takes, in a sentence.
        known: String,
    },
}

impl ArgumentFault {
    pub(crate) fn unknown(key: &str, keys: &[Box<str>]) -> Self {
        let known = if keys.is_empty() {
            "the operation takes none".to_owned()
        } else {
            let listed: Vec<&str> = keys.iter().map(|it| &**it).take(NAMES_MAX).collect();
            let more = if keys.len() > NAMES_MAX { ", …" } else { "" };
            format!("the operation takes {}{more}", listed.join(", "))
        };
        Self::Unknown { key: quoted(key), known }
    }
}

impl From<ArgumentFault> for Refusal {
    fn from(fault: ArgumentFault) -> Self {
        Self::new(RefusalKind::InvalidArguments, fault.to_string())
    }
}
