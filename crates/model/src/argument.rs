//! What an operation's arguments are like, and what those of a call are, as conditions see them.

use std::fmt;

/// One argument of an operation, or one member of an argument that is an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name: of an argument the one that a tool's schema has.
    pub name: Box<str>,
    /// Whether every call that fits the operation has it, and not as null.
    pub is_required: bool,
    /// What its values are; none where conditions cannot see them.
    pub kind: Option<ArgumentType>,
}

/// What kind of value an argument takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentType {
    /// True or false.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// Any number of values of one kind.
    List(Box<Self>),
    /// A number of at most four decimals.
    Number,
    /// These members and no others.
    Object(Vec<Argument>),
    /// Text.
    Text,
}

/// The value of an argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentValue {
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Values of one kind.
    List(Vec<Self>),
    /// A number.
    Number(Decimal),
    /// Members by name, each once. What is null is not among them.
    Object(Vec<(Box<str>, Self)>),
    /// Text.
    Text(String),
}

/// A number of at most four decimals, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i64);

impl Decimal {
    /// How many decimals it has.
    pub const PLACES: u8 = 4;
    const SCALE: u64 = 10_000;

    /// This many ten-thousandths.
    #[must_use]
    pub fn from_ten_thousandths(count: i64) -> Self {
        Self(count)
    }
}

/// With all its decimals: `12.3400`.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) =
            (self.0.unsigned_abs() / Self::SCALE, self.0.unsigned_abs() % Self::SCALE);
        write!(f, "{sign}{whole}.{rest:04}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_written_with_its_sign_and_all_places() {
        for (count, want) in [
            (0, "0.0000"),
            (123_400, "12.3400"),
            (-1, "-0.0001"),
            (i64::MIN, "-922337203685477.5808"),
            (i64::MAX, "922337203685477.5807"),
        ] {
            assert_eq!(Decimal::from_ten_thousandths(count).to_string(), want);
        }
    }
}
