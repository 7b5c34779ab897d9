//! The trace that a request is part of, as its caller says it (W3C Trace Context, `traceparent`).

use std::fmt;

/// A trace and who asks in it: for records, and nothing is decided by it.
///
/// It is shown as the id of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Trace {
    id: u128,
    parent: SpanId,
}

/// The id of one piece of work in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(u64);

/// `00-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;

impl Trace {
    /// What a header `traceparent` says; none where it is not as the standard has it (section
    /// 3.2). Of versions to come the parts of this one are read, as it says.
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        let (known, rest) = header.split_at_checked(LENGTH)?;
        let mut parts = known.split(|it| *it == b'-');
        let (version, trace, parent, flags) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let lengths = [version, trace, parent, flags].map(<[u8]>::len);
        if lengths != [2, 32, 16, 2] || version == b"ff" {
            return None;
        }
        // Version 0 ends there; what a later one adds begins with another dash.
        if !rest.is_empty() && (version == b"00" || rest.first() != Some(&b'-')) {
            return None;
        }
        let (id, parent) = (number(trace)?, number(parent)?);
        let parent = SpanId(u64::try_from(parent).ok()?);
        (number(version).is_some() && number(flags).is_some() && id != 0 && parent.0 != 0)
            .then_some(Self { id, parent })
    }

    /// The piece of work of which this request is a part.
    #[must_use]
    pub fn parent(self) -> SpanId {
        self.parent
    }
}

/// Digits of hexadecimal, of which only small letters are allowed.
fn number(digits: &[u8]) -> Option<u128> {
    let is_digit = |it: &u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
    let text = str::from_utf8(digits).ok().filter(|_| digits.iter().all(is_digit))?;
    u128::from_str_radix(text, 16).ok()
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.id)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn read(header: &str) -> Option<String> {
        Trace::parse(header.as_bytes()).map(|it| it.to_string())
    }

    #[test]
    fn the_trace_of_a_valid_header_is_read_and_no_other() {
        let good = format!("00-{ID}-00f067aa0ba902b7-01");
        let rest = good.strip_prefix("00").unwrap();
        for header in [good.clone(), format!("cc{rest}"), format!("cc{rest}-x")] {
            assert_eq!(read(&header).as_deref(), Some(ID), "{header}");
            let parent = Trace::parse(header.as_bytes()).map(|it| it.parent().to_string());
            assert_eq!(parent.as_deref(), Some("00f067aa0ba902b7"), "{header}");
        }
        for header in [
            "",
            good.strip_prefix('0').unwrap(),
            good.strip_suffix('1').unwrap(),
            &format!("{good}-"),
            &format!("{good}0"),
            &format!("ff{rest}"),
            &format!("cc{rest}0"),
            &good.to_uppercase(),
            &good.replace(ID, &"0".repeat(32)),
            &good.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &good.replace('-', "_"),
            &good.replace("4b", "-b"),
            &format!(" {good}"),
            &good.replace("4b", "g0"),
            &format!("0x-{ID}-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(read(header), None, "{header}");
        }
    }

    proptest! {
        /// As the grammar of the standard has it, said in another way.
        #[test]
        fn it_is_read_where_the_grammar_fits(
            header in "[0-9a-fF]{2}-(0{32}|[0-9a-f]{31,33})-(0{16}|[0-9a-f]{15,17})-[0-9a-fg]{1,3}(-x|x)?"
        ) {
            let parts: Vec<_> = header.splitn(5, '-').collect();
            let is_of = |at: usize, count: usize| {
                parts[at].len() == count && parts[at].chars().all(|it| "0123456789abcdef".contains(it))
            };
            let is_valid = is_of(0, 2) && is_of(1, 32) && is_of(2, 16) && is_of(3, 2)
                && parts[0] != "ff" && (parts[0] != "00" || parts.len() == 4)
                && parts[1] != "0".repeat(32) && parts[2] != "0".repeat(16);
            prop_assert_eq!(read(&header), is_valid.then(|| parts[1].to_owned()));
        }
    }
}
