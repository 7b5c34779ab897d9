//! How well-known kinds of secret begin.

/// What a secret begins with, and how long the shortest of its kind is.
pub(super) const PREFIXES: &[(&str, usize)] = &[
    ("ABIA", 20),
    ("ACCA", 20),
    ("AGE-SECRET-KEY-", 40),
    ("AIza", 30),
    ("AKIA", 20),
    ("ASIA", 20),
    ("ATATT3", 30),
    ("EAAC", 40),
    ("GOCSPX-", 20),
    ("NRAK-", 20),
    ("PMAK-", 20),
    ("SG.", 20),
    ("dapi", 36),
    ("dckr_pat_", 20),
    ("dop_v1_", 30),
    ("eyA", 20), // `{ ` in base64: JSON with a blank, such as the header of a JWT
    ("eyJ", 20), // `{"`
    ("figd_", 20),
    ("gh_pat_", 20),
    ("gho_", 20),
    ("ghp_", 20),
    ("ghr_", 20),
    ("ghs_", 20),
    ("ghu_", 20),
    ("github_pat_", 20),
    ("gldt-", 16),
    ("glpat-", 16),
    ("glrt-", 16),
    ("hf_", 20),
    ("hvb.", 20),
    ("hvr.", 20),
    ("hvs.", 20),
    ("lin_api_", 20),
    ("npm_", 20),
    ("ntn_", 20),
    ("oda_", 20), // our own: tokens, codes, refresh tokens and client secrets
    ("odc_", 20),
    ("odd_", 20),
    ("odk_", 8), // our own keys, broken ones too
    ("odr_", 20),
    ("ods_", 20),
    ("pypi-", 20),
    ("rk_live_", 16),
    ("rk_test_", 16),
    ("shpat_", 20),
    ("shpca_", 20),
    ("shppa_", 20),
    ("shpss_", 20),
    ("sk-", 20),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("sq0csp-", 20),
    ("tskey-", 16),
    ("whsec_", 16),
    ("xapp-", 16),
    ("xoxa-", 16),
    ("xoxb-", 16),
    ("xoxe-", 16),
    ("xoxe.", 16),
    ("xoxp-", 16),
    ("xoxr-", 16),
    ("xoxs-", 16),
    ("ya29.", 16),
];

/// The bytes that one of them begins with, as bits: so most places in a text are passed over.
const FIRST: u128 = first();

const fn first() -> u128 {
    let mut bits = 0_u128;
    let mut rest = PREFIXES;
    while let Some(((prefix, _), others)) = rest.split_first() {
        if let Some(byte) = prefix.as_bytes().first() {
            bits |= 1 << (*byte & 127);
        }
        rest = others;
    }
    bits
}

/// Whether a secret of a known kind begins here.
pub(super) fn begins_secret(text: &str, is_of_token: fn(char) -> bool) -> bool {
    let Some(byte) = text.as_bytes().first().filter(|it| it.is_ascii()) else { return false };
    if FIRST & (1 << byte) == 0 {
        return false;
    }
    PREFIXES.iter().any(|(prefix, bytes_min)| {
        text.starts_with(prefix)
            && text.find(|it| !is_of_token(it)).unwrap_or(text.len()) >= *bytes_min
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prefix_begins_a_secret_and_is_none_alone() {
        for (prefix, bytes_min) in PREFIXES {
            let rest = "x".repeat(bytes_min - prefix.len());
            let text = format!("{prefix}{rest} and more");
            assert!(begins_secret(&text, |it| it != ' '), "{text}");
            assert!(!begins_secret(prefix, |it| it != ' '), "{prefix}");
        }
        assert!(!begins_secret("é", |_| true));
    }
}
