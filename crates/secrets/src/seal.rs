//! Envelope encryption: a value under a data key of its own, the data key under a key-encryption key.
//!
//! AES-256-GCM-SIV (RFC 8452) for both, so that a nonce that comes twice gives away no more than that two
//! values are equal. What a value is for is bound into both, so it opens in no other place.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use model::{Secret, SecretId};
use zeroize::Zeroizing;

use crate::{
    Error, Keyring,
    keyring::{KEY_BYTES, Key},
};

/// The form of [`Sealed::bytes`]: this byte, the sealed data key, the sealed value; each with its nonce before it
/// and its tag behind it.
const FORM: u8 = 1;

const TAG_BYTES: usize = 16;

/// A data key as it is kept: nonce, key, tag.
const WRAPPED_BYTES: usize = NONCE_LEN + KEY_BYTES + TAG_BYTES;

/// Longest value.
const VALUE_BYTES_MAX: usize = 64 * 1024;

/// A value that nobody can read without the keyring. It may be stored and shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The id of the key-encryption key.
    pub key: String,
    /// Form, sealed data key, sealed value.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({:?}, {} bytes)", self.key, self.bytes.len())
    }
}

/// Seals `value` as this version of `secret`, for `purpose`, under the current key.
///
/// # Errors
/// [`Error::Unsealable`] where the value is longer than 64 KiB, or the system gives no random bytes.
pub fn seal(
    keyring: &Keyring,
    secret: &SecretId,
    version: u32,
    purpose: &str,
    value: &Secret<Vec<u8>>,
) -> Result<Sealed, Error> {
    let unsealable = || Error::Unsealable { secret: secret.clone() };
    if value.expose().len() > VALUE_BYTES_MAX {
        return Err(unsealable());
    }
    let context = Context { secret, version, purpose };
    let mut data_key = Zeroizing::new([0; KEY_BYTES]);
    rand::fill(&mut *data_key).map_err(|_| unsealable())?;
    let mut bytes = vec![FORM];
    let sealing = keyring.sealing();
    wrap(&sealing, &context, data_key.as_slice(), &mut bytes).ok_or_else(unsealable)?;
    let key = data_cipher(data_key.as_slice()).ok_or_else(unsealable)?;
    append_sealed(&key, &context.of_value(), value.expose(), &mut bytes).ok_or_else(unsealable)?;
    Ok(Sealed { key: sealing.id.to_string(), bytes })
}

/// Opens what was sealed as this version of `secret`, for `purpose`.
///
/// # Errors
/// [`Error::UnknownKey`], [`Error::UnknownForm`], and [`Error::Tampered`] where anything of it is not as it was.
pub fn open(
    keyring: &Keyring,
    secret: &SecretId,
    version: u32,
    purpose: &str,
    sealed: &Sealed,
) -> Result<Secret<Vec<u8>>, Error> {
    let context = Context { secret, version, purpose };
    let (data_key, sealed_value) = unwrap(keyring, &context, sealed)?;
    let tampered = || Error::Tampered { secret: secret.clone(), key: sealed.key.clone() };
    let key = data_cipher(&data_key).ok_or_else(tampered)?;
    opened(&key, &context.of_value(), sealed_value).map(Secret::new).ok_or_else(tampered)
}

/// The same value under the current key; none where it is under that key already.
///
/// Only the data key is opened and sealed again. The value stays as it is.
///
/// # Errors
/// As [`open`], and [`Error::Unsealable`].
pub fn rewrap(
    keyring: &Keyring,
    secret: &SecretId,
    version: u32,
    purpose: &str,
    sealed: &Sealed,
) -> Result<Option<Sealed>, Error> {
    let sealing = keyring.sealing();
    if *sealed.key == *sealing.id {
        return Ok(None);
    }
    let context = Context { secret, version, purpose };
    let (data_key, sealed_value) = unwrap(keyring, &context, sealed)?;
    let mut bytes = vec![FORM];
    wrap(&sealing, &context, &data_key, &mut bytes)
        .ok_or_else(|| Error::Unsealable { secret: secret.clone() })?;
    bytes.extend_from_slice(sealed_value);
    Ok(Some(Sealed { key: sealing.id.to_string(), bytes }))
}

/// Where a value belongs.
struct Context<'a> {
    secret: &'a SecretId,
    version: u32,
    purpose: &'a str,
}

impl Context<'_> {
    fn of_value(&self) -> Vec<u8> {
        self.encoded(b"value", "")
    }

    fn of_data_key(&self, key: &str) -> Vec<u8> {
        self.encoded(b"data-key", key)
    }

    /// Each part behind its length, so that no two contexts have one encoding.
    fn encoded(&self, layer: &[u8], key: &str) -> Vec<u8> {
        let version = self.version.to_be_bytes();
        let secret = self.secret.as_str().as_bytes();
        let mut encoded = vec![FORM];
        for part in [layer, secret, &version, self.purpose.as_bytes(), key.as_bytes()] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            encoded.extend_from_slice(&length.to_be_bytes());
            encoded.extend_from_slice(part);
        }
        encoded
    }
}

fn wrap(key: &Key, context: &Context<'_>, data_key: &[u8], into: &mut Vec<u8>) -> Option<()> {
    append_sealed(&key.key, &context.of_data_key(&key.id), data_key, into)
}

/// The data key, and the sealed value behind it.
fn unwrap<'a>(
    keyring: &Keyring,
    context: &Context<'_>,
    sealed: &'a Sealed,
) -> Result<(Zeroizing<Vec<u8>>, &'a [u8]), Error> {
    let secret = context.secret;
    let unknown_form = || Error::UnknownForm { secret: secret.clone() };
    let Some((&FORM, rest)) = sealed.bytes.split_first() else { return Err(unknown_form()) };
    let (wrapped, value) = rest.split_at_checked(WRAPPED_BYTES).ok_or_else(unknown_form)?;
    let key = keyring
        .find(&sealed.key)
        .ok_or_else(|| Error::UnknownKey { secret: secret.clone(), key: sealed.key.clone() })?;
    let data_key = opened(&key.key, &context.of_data_key(&key.id), wrapped)
        .ok_or_else(|| Error::Tampered { secret: secret.clone(), key: sealed.key.clone() })?;
    Ok((Zeroizing::new(data_key), value))
}

fn data_cipher(key: &[u8]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, key).ok().map(LessSafeKey::new)
}

/// Appends a fresh nonce, the sealed `plain` and its tag.
fn append_sealed(
    key: &LessSafeKey,
    context: &[u8],
    plain: &[u8],
    into: &mut Vec<u8>,
) -> Option<()> {
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).ok()?;
    // Of its full size from the start: a vector that grows leaves a copy of the value behind.
    let mut sealed = Vec::with_capacity(plain.len().checked_add(TAG_BYTES)?);
    sealed.extend_from_slice(plain);
    let nonce_used = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce_used, Aad::from(context), &mut sealed).ok()?;
    into.extend_from_slice(&nonce);
    into.append(&mut sealed);
    Some(())
}

fn opened(key: &LessSafeKey, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut bytes = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let plain = key.open_in_place(nonce, Aad::from(context), &mut bytes).ok()?;
    Some(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keyring(ids: &[&str]) -> Keyring {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let lines = ids.iter().map(|id| {
            let mut key = [7; KEY_BYTES];
            key[..id.len()].copy_from_slice(id.as_bytes());
            format!("{id} {}\n", STANDARD.encode(key))
        });
        Keyring::parse(&Secret::new(lines.collect())).unwrap()
    }

    fn id(text: &str) -> SecretId {
        SecretId::parse(text).unwrap()
    }

    fn sealed(keyring: &Keyring, value: &[u8]) -> Sealed {
        seal(keyring, &id("crm"), 3, "upstream", &Secret::new(value.to_vec())).unwrap()
    }

    fn hex(text: &str) -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2);
        pairs.map(|it| u8::from_str_radix(str::from_utf8(it).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn the_cipher_gives_the_answers_of_rfc_8452_appendix_c_2_and_c_3() {
        let one = "0100000000000000000000000000000000000000000000000000000000000000";
        let zero = "0000000000000000000000000000000000000000000000000000000000000000";
        for (key, nonce, context, plain, want) in [
            (one, "030000000000000000000000", "", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
            (
                one,
                "030000000000000000000000",
                "",
                "0100000000000000",
                "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28",
            ),
            (
                one,
                "030000000000000000000000",
                "01",
                "0200000000000000",
                "1de22967237a813291213f267e3b452f02d01ae33e4ec854",
            ),
            (
                one,
                "030000000000000000000000",
                "010000000000000000000000000000000200",
                "0300000000000000000000000000000004000000",
                "43dd0163cdb48f9fe3212bf61b201976067f342bb879ad976d8242acc188ab59cabfe307",
            ),
            (
                "bae8e37fc83441b16034566b7a806c46bb91c3c5aedb64a6c590bc84d1a5e269",
                "e4b47801afc0577e34699b9e",
                "4fbdc66f14",
                "671fdd",
                "0eaccb93da9bb81333aee0c785b240d319719d",
            ),
            (
                zero,
                "000000000000000000000000",
                "",
                "eb3640277c7ffd1303c7a542d02d3e4c0000000000000000",
                "18ce4f0b8cb4d0cac65fea8f79257b20888e53e72299e56dffffffff000000000000000000000000",
            ),
        ] {
            let cipher = data_cipher(&hex(key)).unwrap();
            let mut bytes = hex(plain);
            let used = Nonce::try_assume_unique_for_key(&hex(nonce)).unwrap();
            cipher.seal_in_place_append_tag(used, Aad::from(hex(context)), &mut bytes).unwrap();
            assert_eq!(bytes, hex(want));
            assert_eq!(
                opened(&cipher, &hex(context), &[hex(nonce), bytes].concat()),
                Some(hex(plain))
            );
        }
    }

    #[test]
    fn no_byte_can_be_changed_added_or_taken_away() {
        let keyring = keyring(&["k1"]);
        let good = sealed(&keyring, b"hunter2");
        let fails = |bytes: Vec<u8>| {
            let error =
                open(&keyring, &id("crm"), 3, "upstream", &Sealed { bytes, ..good.clone() });
            let error = error.unwrap_err().to_string();
            assert!(error.contains("\"crm\"") && !error.contains("hunter2"), "{error}");
        };
        for at in 0..good.bytes.len() {
            for bit in [1, 0x80] {
                let mut bytes = good.bytes.clone();
                bytes[at] ^= bit;
                fails(bytes);
            }
            fails(good.bytes[..at].to_vec());
        }
        fails([good.bytes.as_slice(), &[0]].concat());
        open(&keyring, &id("crm"), 3, "upstream", &good).unwrap();
    }

    #[test]
    fn a_value_opens_in_its_own_place_only() {
        let keyring = keyring(&["k1", "k2"]);
        let good = sealed(&keyring, b"v");
        for (secret, version, purpose) in
            [("crn", 3, "upstream"), ("crm", 2, "upstream"), ("crm", 3, "upstrea"), ("crm", 3, "")]
        {
            let error = open(&keyring, &id(secret), version, purpose, &good).unwrap_err();
            assert!(matches!(error, Error::Tampered { .. }), "{error}");
        }
        let of_another = Sealed { key: "k2".to_owned(), ..good.clone() };
        let error = open(&keyring, &id("crm"), 3, "upstream", &of_another).unwrap_err();
        assert!(matches!(error, Error::Tampered { .. }), "{error}");
        let unknown = Sealed { key: "k3".to_owned(), ..good };
        let error = open(&keyring, &id("crm"), 3, "upstream", &unknown).unwrap_err();
        assert!(matches!(error, Error::UnknownKey { .. }), "{error}");
    }

    #[test]
    fn parts_cannot_be_moved_from_one_sealed_value_to_another() {
        let keyring = keyring(&["k1"]);
        let (one, other) = (sealed(&keyring, b"one"), sealed(&keyring, b"two"));
        let (head, tail) = (&one.bytes[..=WRAPPED_BYTES], &other.bytes[WRAPPED_BYTES + 1..]);
        let mixed = Sealed { bytes: [head, tail].concat(), ..one.clone() };
        let error = open(&keyring, &id("crm"), 3, "upstream", &mixed).unwrap_err();
        assert!(matches!(error, Error::Tampered { .. }), "{error}");
    }

    #[test]
    fn one_key_id_with_another_key_opens_nothing() {
        let good = sealed(&keyring(&["k1"]), b"v");
        let (other, _) = Keyring::generate("k1").unwrap();
        open(&other, &id("crm"), 3, "upstream", &good).unwrap_err();
    }

    #[test]
    fn equal_values_are_sealed_differently() {
        let keyring = keyring(&["k1"]);
        let (one, other) = (sealed(&keyring, b"v"), sealed(&keyring, b"v"));
        assert_ne!(one.bytes[1..=WRAPPED_BYTES], other.bytes[1..=WRAPPED_BYTES]);
        assert_ne!(one.bytes[WRAPPED_BYTES + 1..], other.bytes[WRAPPED_BYTES + 1..]);
    }

    #[test]
    fn a_rotated_key_opens_until_all_is_rewrapped() {
        let old = sealed(&keyring(&["k1"]), b"v");
        let both = keyring(&["k2", "k1"]);
        let new = rewrap(&both, &id("crm"), 3, "upstream", &old).unwrap().unwrap();
        assert_eq!(new.key, "k2");
        assert_eq!(rewrap(&both, &id("crm"), 3, "upstream", &new).unwrap(), None);
        let opened = open(&keyring(&["k2"]), &id("crm"), 3, "upstream", &new).unwrap();
        assert_eq!(opened.expose(), b"v");
        assert!(rewrap(&both, &id("crm"), 4, "upstream", &old).is_err());
        assert!(open(&keyring(&["k2"]), &id("crm"), 3, "upstream", &old).is_err());
    }

    #[test]
    fn a_value_that_is_too_long_is_not_sealed() {
        let value = Secret::new(vec![0; VALUE_BYTES_MAX + 1]);
        seal(&keyring(&["k1"]), &id("crm"), 1, "upstream", &value).unwrap_err();
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_again(value: Vec<u8>, version: u32, purpose: String) {
            let (keyring, secret) = (keyring(&["k1"]), id("crm"));
            let sealed =
                seal(&keyring, &secret, version, &purpose, &Secret::new(value.clone())).unwrap();
            let opened = open(&keyring, &secret, version, &purpose, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &value);
        }

        #[test]
        fn garbage_never_opens(bytes: Vec<u8>) {
            let sealed = Sealed { key: "k1".to_owned(), bytes };
            prop_assert!(open(&keyring(&["k1"]), &id("crm"), 1, "upstream", &sealed).is_err());
        }
    }
}
