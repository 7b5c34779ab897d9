//! One sealed body as it stands in its file: whose it is, then what nobody reads without that key.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use model::RequestId;

use super::{
    BodyError, Direction,
    keys::{Key, KeyId, SubjectId},
};

/// The form, at the beginning of each.
const FORM: [u8; 4] = *b"ODB1";
const ID_BYTES: usize = 16;
/// Form, id of the call, direction.
const BEFORE_KEY_BYTES: usize = FORM.len() + ID_BYTES + 1;
/// That, the subject and the id of its key.
const HEAD_BYTES: usize = BEFORE_KEY_BYTES + size_of::<SubjectId>() + size_of::<KeyId>();
/// Longest text of a header that is kept.
const TEXT_BYTES_MAX: usize = 200;

/// What the bytes of a body are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    /// `Content-Type`, as it came.
    pub media_type: Option<Box<str>>,
    /// `Content-Encoding`, as it came.
    pub encoding: Option<Box<str>>,
}

/// A body as it was.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// Which one.
    pub direction: Direction,
    /// What it is.
    pub content: Content,
    /// Its bytes, as far as they are kept.
    pub bytes: Vec<u8>,
}

/// A sealed body.
pub(super) struct Frame {
    pub(super) subject: SubjectId,
    pub(super) key: KeyId,
    /// All but what is sealed: it is bound to it.
    head: [u8; HEAD_BYTES],
    nonce: [u8; NONCE_LEN],
    /// With its tag behind it.
    sealed: Vec<u8>,
}

impl Frame {
    /// Seals `body` as that of the call `id`.
    pub(super) fn seal(
        key: &Key,
        (id, direction): (RequestId, Direction),
        content: &Content,
        body: &[u8],
    ) -> Result<Self, BodyError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| BodyError::Unsealable)?;
        let head = head(key, id, direction);
        let mut sealed = Vec::new();
        for text in [&content.media_type, &content.encoding] {
            put(&mut sealed, text.as_deref().unwrap_or_default());
        }
        sealed.extend_from_slice(body);
        let by = Nonce::assume_unique_for_key(nonce);
        cipher(key)?
            .seal_in_place_append_tag(by, Aad::from(&head), &mut sealed)
            .map_err(|_| BodyError::Unsealable)?;
        Ok(Self { subject: key.subject, key: key.id, head, nonce, sealed })
    }

    /// Opens it as a body of the call `id`.
    pub(super) fn open(mut self, key: &Key, id: RequestId) -> Result<Opened, BodyError> {
        let direction = match self.head.get(BEFORE_KEY_BYTES.saturating_sub(1)) {
            Some(0) => Direction::Request,
            Some(1) => Direction::Response,
            _ => return Err(BodyError::Tampered),
        };
        // Bound to its record: one that was put in the place of another does not open.
        let aad = head(key, id, direction);
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let opened = cipher(key)?.open_in_place(nonce, Aad::from(&aad), &mut self.sealed);
        let opened = opened.map_err(|_| BodyError::Tampered)?;
        let read = || {
            let (media_type, rest) = take(opened)?;
            let (encoding, bytes) = take(rest)?;
            Some((Content { media_type, encoding }, bytes.to_vec()))
        };
        let (content, bytes) = read().ok_or(BodyError::Tampered)?;
        Ok(Opened { direction, content, bytes })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.nonce, &self.sealed].concat()
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BodyError> {
        let parse = || {
            let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
            let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
            let (_, ids) = head.split_at_checked(BEFORE_KEY_BYTES)?;
            let (subject, key) = ids.split_first_chunk()?;
            let key = key.first_chunk()?;
            let (head, nonce, sealed) = (*head, *nonce, sealed.to_vec());
            let frame = Self { subject: *subject, key: *key, head, nonce, sealed };
            head.starts_with(&FORM).then_some(frame)
        };
        parse().ok_or(BodyError::Tampered)
    }
}

/// A text behind its length.
fn put(into: &mut Vec<u8>, text: &str) {
    let text = crate::text::start(text, TEXT_BYTES_MAX);
    into.push(u8::try_from(text.len()).unwrap_or_default());
    into.extend_from_slice(text.as_bytes());
}

fn take(bytes: &[u8]) -> Option<(Option<Box<str>>, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (text, rest) = rest.split_at_checked(usize::from(*length))?;
    let text = std::str::from_utf8(text).ok()?;
    Some(((!text.is_empty()).then(|| text.into()), rest))
}

fn head(key: &Key, id: RequestId, direction: Direction) -> [u8; HEAD_BYTES] {
    let direction = match direction {
        Direction::Request => 0,
        Direction::Response => 1,
    };
    let parts = [&FORM[..], id.as_bytes(), &[direction], &key.subject, &key.id];
    let mut head = [0; HEAD_BYTES];
    for (to, from) in head.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    head
}

// As the values of secrets are sealed: a nonce that comes twice tells no more than that two are equal.
fn cipher(key: &Key) -> Result<LessSafeKey, BodyError> {
    let key = UnboundKey::new(&AES_256_GCM_SIV, &*key.secret).map_err(|_| BodyError::Unsealable)?;
    Ok(LessSafeKey::new(key))
}
