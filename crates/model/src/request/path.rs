//! The path of a request, in its one form.

use std::{borrow::Cow, fmt};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Ambiguity, decode, is_encoded};

/// Longest path, in bytes, in its canonical form.
const BYTES_MAX: usize = 8 * 1024;

/// What stays as it is in a segment: RFC 3986 `pchar` without `;` and without `%`.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// An absolute path in canonical form: each segment decoded once, checked, and encoded again.
///
/// No dot segment, no empty segment but the last, no encoded slash, no backslash, no semicolon, no
/// control character, no second encoding. Equal paths have equal text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(String);

impl Path {
    /// Brings the path of a request to canonical form.
    ///
    /// # Errors
    /// [`Ambiguity`] where two servers could read it in two ways.
    pub fn parse(raw: &str) -> Result<Self, Ambiguity> {
        let Some(rest) = raw.strip_prefix('/') else { return Err(Ambiguity::NoSlash) };
        if raw.len() > BYTES_MAX {
            return Err(Ambiguity::TooLong);
        }
        if is_plain(raw) {
            return Ok(Self(raw.to_owned()));
        }
        let mut path = Self(String::with_capacity(raw.len()));
        let mut segments = rest.split('/').peekable();
        while let Some(segment) = segments.next() {
            // A slash at the end is a path of its own, not an empty segment.
            if segment.is_empty() && segments.peek().is_none() {
                path.0.push('/');
            } else {
                path.push(&decode(segment, false)?)?;
            }
        }
        path.checked()
    }

    /// Makes a path of segments that are not encoded.
    ///
    /// # Errors
    /// [`Ambiguity`] where a segment cannot stand in a canonical path.
    pub fn from_segments<S: AsRef<str>>(
        segments: impl IntoIterator<Item = S>,
    ) -> Result<Self, Ambiguity> {
        let mut path = Self(String::new());
        for segment in segments {
            path.push(segment.as_ref())?;
        }
        if path.0.is_empty() {
            path.0.push('/');
        }
        path.checked()
    }

    /// The same path with a slash at the end, which makes it another one.
    #[must_use]
    pub fn and_slash(mut self) -> Self {
        if !self.0.ends_with('/') {
            self.0.push('/');
        }
        self
    }

    fn push(&mut self, segment: &str) -> Result<(), Ambiguity> {
        check(segment)?;
        self.0.push('/');
        self.0.extend(utf8_percent_encode(segment, ENCODED));
        Ok(())
    }

    fn checked(self) -> Result<Self, Ambiguity> {
        if self.0.len() > BYTES_MAX { Err(Ambiguity::TooLong) } else { Ok(self) }
    }

    /// The canonical text, encoded. Begins with a slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is left of this path below `base`, which ends in no slash; none where it is not below.
    #[must_use]
    pub fn below(mut self, base: &str) -> Option<Self> {
        match self.0.strip_prefix(base)? {
            // Nothing but the slash that it begins with.
            "" => self.0.truncate(1),
            rest if rest.starts_with('/') => drop(self.0.drain(..base.len())),
            _ => return None,
        }
        Some(self)
    }

    /// One segment of a canonical path, decoded.
    #[must_use]
    pub fn decode(segment: &str) -> Cow<'_, str> {
        percent_encoding::percent_decode_str(segment).decode_utf8_lossy()
    }
}

/// Whether canonical form would change nothing: the usual case, in one pass.
fn is_plain(raw: &str) -> bool {
    let mut previous = b'x';
    for byte in raw.bytes() {
        let plain = match byte {
            // Twice a slash, or a segment that begins with a dot, takes the long way.
            b'/' | b'.' => previous != b'/',
            b'-' | b'_' | b'~' | b':' | b'@' | b'=' | b',' => true,
            _ => byte.is_ascii_alphanumeric(),
        };
        if !plain {
            return false;
        }
        previous = byte;
    }
    true
}

fn check(segment: &str) -> Result<(), Ambiguity> {
    if segment.is_empty() {
        return Err(Ambiguity::EmptySegment);
    }
    if segment == "." || segment == ".." {
        return Err(Ambiguity::DotSegment);
    }
    for character in segment.chars() {
        match character {
            '/' => return Err(Ambiguity::EncodedSlash),
            '\\' => return Err(Ambiguity::Backslash),
            ';' => return Err(Ambiguity::Semicolon),
            _ if character.is_control() => return Err(Ambiguity::ControlCharacter),
            _ => {}
        }
    }
    if is_encoded(segment) { Err(Ambiguity::DoubleEncoding) } else { Ok(()) }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_path(raw: &str, want: Result<&str, Ambiguity>) {
        assert_eq!(Path::parse(raw).as_ref().map(Path::as_str).map_err(|it| *it), want, "{raw:?}");
    }

    #[test]
    fn equal_paths_get_equal_text() {
        check_path("/orders/42", Ok("/orders/42"));
        check_path("/", Ok("/"));
        check_path("/orders/", Ok("/orders/"));
        check_path("/%6frders/%34%32", Ok("/orders/42"));
        check_path("/a%20b/%c3%a9", Ok("/a%20b/%C3%A9"));
        check_path("/.well-known/x", Ok("/.well-known/x"));
        check_path("/a!$&'()*+,=:@-._~", Ok("/a!$&'()*+,=:@-._~"));
        check_path("/100%25", Ok("/100%25"));
    }

    #[test]
    fn a_base_ends_at_a_slash() {
        let path = Path::parse("/orders/42").unwrap();
        for (base, want) in
            [("/orders", Some("/42")), ("", Some("/orders/42")), ("/ord", None), ("/x", None)]
        {
            assert_eq!(path.clone().below(base).as_ref().map(Path::as_str), want, "{base}");
        }
        assert_eq!(Path::parse("/orders").unwrap().below("/orders").unwrap().as_str(), "/");
    }

    #[test]
    fn a_slash_at_the_end_is_added_once() {
        let path = Path::from_segments(["pets"]).unwrap().and_slash();
        assert_eq!(path.as_str(), "/pets/");
        assert_eq!(path.and_slash().as_str(), "/pets/");
        assert_eq!(Path::parse("/").unwrap().and_slash().as_str(), "/");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        use Ambiguity as A;
        for (raw, want) in [
            ("", A::NoSlash),
            ("orders", A::NoSlash),
            ("*", A::NoSlash),
            ("http://x/", A::NoSlash),
            ("//orders", A::EmptySegment),
            ("/a//b", A::EmptySegment),
            ("/a//", A::EmptySegment),
            ("/a/./b", A::DotSegment),
            ("/a/..", A::DotSegment),
            ("/%2e%2E/x", A::DotSegment),
            ("/.%2e", A::DotSegment),
            ("/a%2fb", A::EncodedSlash),
            ("/a%5cb", A::Backslash),
            ("/a\\b", A::Backslash),
            ("/a;b=c", A::Semicolon),
            ("/a%3bb", A::Semicolon),
            ("/a%00", A::ControlCharacter),
            ("/a%0d%0ab", A::ControlCharacter),
            ("/a%c2%85", A::ControlCharacter),
            ("/a%2561", A::DoubleEncoding),
            ("/a%252fb", A::DoubleEncoding),
            ("/%", A::InvalidEncoding),
            ("/%4", A::InvalidEncoding),
            ("/%zz", A::InvalidEncoding),
            ("/%ff", A::InvalidUtf8),
            ("/%c0%af", A::InvalidUtf8),
            ("/ä", A::IllegalCharacter),
            ("/a b", A::IllegalCharacter),
            ("/／", A::IllegalCharacter),
        ] {
            check_path(raw, Err(want));
        }
        check_path(&format!("/{}", "x".repeat(BYTES_MAX)), Err(A::TooLong));
    }

    proptest! {
        #[test]
        fn canonical_form_is_a_fixed_point(raw in "/[ -~é／]{0,30}") {
            if let Ok(path) = Path::parse(&raw) {
                prop_assert_eq!(Path::parse(path.as_str()), Ok(path.clone()));
                prop_assert!(path.as_str().is_ascii() && !path.as_str().contains("//"));
            }
        }

        #[test]
        fn segments_and_text_agree(segments in prop::collection::vec("\\PC{1,8}", 1..4)) {
            let made = Path::from_segments(segments.iter().map(String::as_str));
            if let Ok(path) = made {
                prop_assert_eq!(Path::parse(path.as_str()), Ok(path.clone()));
                let back: Vec<_> = path.as_str().split('/').skip(1).map(Path::decode).collect();
                prop_assert_eq!(back, segments);
            }
        }
    }
}
