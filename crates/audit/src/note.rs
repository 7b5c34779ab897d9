//! Signed notes (C2SP signed-note) with Ed25519: a text, and who signed it. Works on text alone.

mod key;

use base64::{Engine as _, engine::general_purpose::STANDARD};

pub use key::{KeyError, SigningKey, VerifyingKey};

/// What a line with a signature begins with.
const SIGNATURE: &str = "\u{2014} ";
/// Bytes of the id of a key, before a signature.
const ID_BYTES: usize = 4;

/// `text`, signed. It ends with a newline, as a note must.
#[must_use]
pub fn sign(text: &str, key: &SigningKey) -> String {
    sign_by(text, &[key])
}

/// The same, signed by several.
#[must_use]
pub(crate) fn sign_by(text: &str, keys: &[&SigningKey]) -> String {
    let lines = keys.iter().map(|key| {
        let verifying = key.verifying_key();
        let signed = [&verifying.id()[..], &key.sign(text.as_bytes())].concat();
        format!("{SIGNATURE}{} {}\n", verifying.name(), STANDARD.encode(signed))
    });
    [format!("{text}\n")].into_iter().chain(lines).collect()
}

/// The text of `note`, where `key` signed it. Signatures of others are passed over.
#[must_use]
pub fn open<'a>(note: &'a str, key: &VerifyingKey) -> Option<&'a str> {
    let end = note.rfind("\n\n")?.checked_add(1)?;
    let (text, signatures) = note.split_at_checked(end)?;
    let signatures = signatures.strip_prefix('\n')?.strip_suffix('\n')?;
    let is_signed = signatures.split('\n').any(|line| is_by(line, text, key));
    is_signed.then_some(text)
}

fn is_by(line: &str, text: &str, key: &VerifyingKey) -> bool {
    let Some((name, signed)) = line.strip_prefix(SIGNATURE).and_then(|it| it.split_once(' '))
    else {
        return false;
    };
    let Ok(signed) = STANDARD.decode(signed) else { return false };
    let Some((id, signature)) = signed.split_first_chunk::<ID_BYTES>() else { return false };
    name == key.name() && *id == key.id() && key.verifies(text.as_bytes(), signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_opens_by_its_key_and_by_no_other() {
        let (key, other) = (SigningKey::fixed("log", 1), SigningKey::fixed("log", 2));
        let note = sign("log\n1\nx\n", &key);
        assert_eq!(open(&note, &key.verifying_key()), Some("log\n1\nx\n"));
        assert_eq!(open(&note, &other.verifying_key()), None);
        assert_eq!(open(&note, &SigningKey::fixed("other", 1).verifying_key()), None);
        let both = format!("{note}{}\n", sign("log\n1\nx\n", &other).lines().last().unwrap());
        assert!(open(&both, &key.verifying_key()).is_some());
        assert!(open(&both, &other.verifying_key()).is_some());
        for bad in [
            note.replace("\n1\n", "\n2\n"),
            note.replace('\u{2014}', "-"),
            note.trim_end().to_owned(),
            note.replacen("\n\n", "\n", 1),
            String::new(),
        ] {
            assert_eq!(open(&bad, &key.verifying_key()), None, "{bad}");
        }
    }
}
