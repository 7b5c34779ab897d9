//! Does the name of an argument say that its value is a secret?

use model::Detector;

/// Words that make a name secret, as one of its words.
const WORDS: &[&str] = &[
    "assertion",
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "cookie",
    "credential",
    "csrf",
    "cvc",
    "cvv",
    "dpop",
    "iban",
    "jwt",
    "key",
    "mfa",
    "otp",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pin",
    "private",
    "pwd",
    "saml",
    "secret",
    "session",
    "sig",
    "signature",
    "ssn",
    "token",
    "totp",
    "xsrf",
];

/// Parts that make a name secret wherever they stand, also in a name written without a break.
const PARTS: &[&str] = &[
    "accesskey",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sessionid",
    "signature",
    "signingkey",
    "socialsecurity",
    "token",
];

/// The same for cards: words, and parts.
const CARD_WORDS: &[&str] = &["card", "pan"];
const CARD_PARTS: &[&str] = &["cardnumber", "creditcard"];

/// Longest name that is looked at word by word; a longer one is a secret to be safe.
const NAME_BYTES_MAX: usize = 256;

/// Whether the value under this name is a secret.
///
/// Names are read as people write them: `apiKey`, `api_key`, `X-Api-Key` and `APIKEY` alike. It
/// errs on the side of silence: `sort_key` is taken for a secret, `keyword` is not.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    named(name).is_some()
}

/// What the value under this name is: a secret, something of a card, or neither.
pub(super) fn named(name: &str) -> Option<Detector> {
    // The shortest word that betrays a secret has three letters.
    if name.len() < 3 {
        return None;
    }
    if name.len() > NAME_BYTES_MAX {
        return Some(Detector::Secret);
    }
    let words = words(name);
    let joined: String = words.split(' ').collect();
    let has = |known: &[&str], parts: &[&str]| {
        words.split(' ').any(|word| known.contains(&singular(word)))
            || parts.iter().any(|part| joined.contains(part))
    };
    if has(WORDS, PARTS) {
        return Some(Detector::Secret);
    }
    has(CARD_WORDS, CARD_PARTS).then_some(Detector::CardNumber)
}

/// The words of a name in lower case, with a blank between: broken at what is no letter, and
/// where a capital begins one.
fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len().saturating_mul(2));
    let mut characters = name.chars().peekable();
    let mut previous = ' ';
    while let Some(character) = characters.next() {
        let is_followed_by_lower = characters.peek().is_some_and(|it| it.is_lowercase());
        let begins_word =
            character.is_uppercase() && (!previous.is_uppercase() || is_followed_by_lower);
        if begins_word || !character.is_alphabetic() {
            words.push(' ');
        }
        if character.is_alphabetic() {
            words.extend(character.to_lowercase());
        }
        previous = character;
    }
    words
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_name_is_known_however_it_is_written() {
        for name in [
            "token",
            "access_token",
            "accessToken",
            "ACCESS_TOKEN",
            "refreshtoken",
            "X-Api-Key",
            "apikey",
            "APIKey",
            "OpenAPIKey",
            "key",
            "keys",
            "password",
            "newPassword1",
            "client-secret",
            "Authorization",
            "auth",
            "signature",
            "session",
            "sessionid",
            "cookie",
            "credentials",
            "otp",
            "pin",
            "pinCode",
            "ssn",
            "cardNumber",
            "card",
            "cvv2",
            "user.password",
            &"a".repeat(300),
        ] {
            assert!(is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_of_a_card_is_known_apart_from_what_lets_somebody_in() {
        for name in ["card", "cardNumber", "creditcard", "PAN", "card_holder"] {
            assert_eq!(named(name), Some(Detector::CardNumber), "{name}");
        }
        for name in ["cvv2", "card_token", "cardPin"] {
            assert_eq!(named(name), Some(Detector::Secret), "{name}");
        }
    }

    #[test]
    fn an_ordinary_name_is_left_alone() {
        for name in [
            "",
            "id",
            "customer",
            "keyword",
            "monkey",
            "author",
            "shipping",
            "opinion",
            "discard",
            "company",
            "page",
            "limit",
            "status",
            "email",
            "zipCode",
            "country_code",
            "ключ",
            "_-.",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
