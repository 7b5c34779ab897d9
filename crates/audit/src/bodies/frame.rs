//! One sealed body as it stands in its file: whose it is, then what nobody reads without that key.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use model::RequestId;

use super::{
    BodyError, Which,
    keys::{Key, KeyId, SubjectId},
};

/// The form, at the beginning of each.
const FORM: [u8; 4] = *b"ODB1";
const ID_BYTES: usize = 16;
/// Form, id of the call, which body, subject, id of its key.
const HEAD_BYTES: usize = FORM.len() + ID_BYTES + 1 + 32 + 16;

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
        (id, which): (RequestId, Which),
        body: &[u8],
    ) -> Result<Self, BodyError> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| BodyError::Unsealable)?;
        let head = head(key, id, which);
        let mut sealed = body.to_vec();
        cipher(key)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&head),
                &mut sealed,
            )
            .map_err(|_| BodyError::Unsealable)?;
        Ok(Self { subject: key.subject, key: key.id, head, nonce, sealed })
    }

    /// Opens it as a body of the call `id`.
    pub(super) fn open(mut self, key: &Key, id: RequestId) -> Result<(Which, Vec<u8>), BodyError> {
        let which = match self.head.get(FORM.len().saturating_add(ID_BYTES)) {
            Some(0) => Which::Request,
            Some(1) => Which::Response,
            _ => return Err(BodyError::Tampered),
        };
        // Bound to its record: one that was put in the place of another does not open.
        let aad = head(key, id, which);
        let nonce = Nonce::assume_unique_for_key(self.nonce);
        let opened = cipher(key)?.open_in_place(nonce, Aad::from(&aad), &mut self.sealed);
        let length = opened.map_err(|_| BodyError::Tampered)?.len();
        self.sealed.truncate(length);
        Ok((which, self.sealed))
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.head[..], &self.nonce, &self.sealed].concat()
    }

    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BodyError> {
        let parse = || {
            let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
            let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
            let (_, ids) = head.split_at_checked(FORM.len().saturating_add(ID_BYTES + 1))?;
            let (subject, key) = ids.split_first_chunk()?;
            let is_ours = head.starts_with(&FORM);
            is_ours.then(|| Self {
                subject: *subject,
                key: key.first_chunk().copied().unwrap_or_default(),
                head: *head,
                nonce: *nonce,
                sealed: sealed.to_vec(),
            })
        };
        parse().ok_or(BodyError::Tampered)
    }
}

fn head(key: &Key, id: RequestId, which: Which) -> [u8; HEAD_BYTES] {
    let which = match which {
        Which::Request => 0,
        Which::Response => 1,
    };
    let parts = [&FORM[..], id.as_bytes(), &[which], &key.subject, &key.id];
    let mut head = [0; HEAD_BYTES];
    for (to, from) in head.iter_mut().zip(parts.into_iter().flatten()) {
        *to = *from;
    }
    head
}

fn cipher(key: &Key) -> Result<LessSafeKey, BodyError> {
    let key = UnboundKey::new(&AES_256_GCM, &*key.secret).map_err(|_| BodyError::Unsealable)?;
    Ok(LessSafeKey::new(key))
}
