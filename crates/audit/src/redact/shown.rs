//! What is kept of one text: as its place says, or as it looks where that says nothing.

use std::{borrow::Cow, ops::Range};

use model::{Detector, Treatment};

use super::{
    REDACTED, card, email,
    found::Found,
    policy::Policy,
    salt::Day,
    value::{LOOKED_AT_BYTES, holds_secret},
};
use crate::text;

/// Most characters of the end that are kept of a masked text, and of so many at most one.
const MASKED_END_MAX: usize = 4;
const CHARACTERS_PER_SHOWN: usize = 4;

/// How texts are kept.
pub(super) struct Texts<'a> {
    pub(super) policy: &'a Policy,
    pub(super) day: &'a Day,
    /// What was found in them so far.
    pub(super) found: Found,
}

/// A part of a text, and what stands there instead.
type Replacement<'t> = (Range<usize>, Cow<'t, str>);

impl Texts<'_> {
    /// What is kept of `text` where `said` was declared of its place.
    pub(super) fn text(&self, text: &str, bytes_max: usize, said: Option<Treatment>) -> String {
        if holds_secret(text) {
            self.found.add(Detector::Secret);
            return match said.or_else(|| self.policy.like(Detector::Secret)) {
                Some(Treatment::Hash) => self.day.hash(text.as_bytes()),
                Some(Treatment::Drop | Treatment::Keep | Treatment::Mask) | None => {
                    REDACTED.to_owned()
                }
            };
        }
        match said {
            Some(treatment @ (Treatment::Drop | Treatment::Hash | Treatment::Mask)) => {
                self.whole(text, treatment)
            }
            None | Some(Treatment::Keep) => self.parts(text, bytes_max, said.is_some()),
        }
    }

    /// A text that is hidden as a whole. To keep it is not asked here.
    pub(super) fn whole(&self, text: &str, treatment: Treatment) -> String {
        match treatment {
            Treatment::Drop | Treatment::Keep => REDACTED.to_owned(),
            Treatment::Hash => self.day.hash(text.as_bytes()),
            Treatment::Mask if email::first(text) == Some(0..text.len()) => masked_address(text),
            Treatment::Mask => masked(text),
        }
    }

    /// The beginning of a text, in which cards and addresses are replaced.
    fn parts(&self, whole: &str, bytes_max: usize, keeps_addresses: bool) -> String {
        let looked_at = text::start(whole, LOOKED_AT_BYTES);
        // Only what stands within this is kept: nothing moves up from where nobody looked.
        let kept = text::start(whole, bytes_max);
        let mut out = String::with_capacity(kept.len());
        let mut at = 0;
        while let Some((found, instead)) =
            looked_at.get(at..).and_then(|it| self.first(it, keeps_addresses))
        {
            let from = at.saturating_add(found.start);
            let Some(before) = kept.get(at..from).filter(|_| from < kept.len()) else { break };
            out.push_str(before);
            out.push_str(&instead);
            at = at.saturating_add(found.end);
        }
        out.push_str(kept.get(at..).unwrap_or_default());
        if kept.len() < whole.len() {
            out.push_str(&text::cut_mark(whole));
        }
        out
    }

    /// The first card or address in `text`.
    fn first<'t>(&self, text: &'t str, keeps_addresses: bool) -> Option<Replacement<'t>> {
        match (card::first(text), email::first(text)) {
            (Some(card), Some(address)) if card.start < address.end && address.start < card.end => {
                self.found.add(Detector::CardNumber);
                self.found.add(Detector::Email);
                let both = card.start.min(address.start)..card.end.max(address.end);
                Some((both, REDACTED.into()))
            }
            (Some(card), Some(address)) if address.start < card.start => {
                self.address(text, address, keeps_addresses)
            }
            (Some(card), _) => self.card(text, card),
            (None, Some(address)) => self.address(text, address, keeps_addresses),
            (None, None) => None,
        }
    }

    fn card<'t>(&self, text: &str, found: Range<usize>) -> Option<Replacement<'t>> {
        self.found.add(Detector::CardNumber);
        let digits = card::digits(text.get(found.clone())?).map(char::from).collect::<String>();
        let instead = match self.policy.like(Detector::CardNumber) {
            Some(Treatment::Drop) => REDACTED.to_owned(),
            Some(Treatment::Hash) => self.day.hash(digits.as_bytes()),
            // No record holds one whole, whatever is said.
            Some(Treatment::Keep | Treatment::Mask) | None => masked_card(&digits),
        };
        Some((found, instead.into()))
    }

    fn address<'t>(
        &self,
        text: &'t str,
        found: Range<usize>,
        is_kept: bool,
    ) -> Option<Replacement<'t>> {
        self.found.add(Detector::Email);
        let address = text.get(found.clone())?;
        let said = self.policy.like(Detector::Email).filter(|_| !is_kept);
        let usual = if is_kept { Treatment::Keep } else { Treatment::Hash };
        let instead = match said.unwrap_or(usual) {
            Treatment::Drop => REDACTED.into(),
            Treatment::Hash => self.day.hash(plain_address(address).as_bytes()).into(),
            Treatment::Keep => address.into(),
            Treatment::Mask => masked_address(address).into(),
        };
        Some((found, instead))
    }
}

/// Its end, where there is enough before it.
fn masked(text: &str) -> String {
    let characters = text.chars().count();
    let shown = (characters / CHARACTERS_PER_SHOWN).min(MASKED_END_MAX);
    let end: String = text.chars().skip(characters.saturating_sub(shown)).collect();
    format!("***{end}")
}

/// As on a receipt: PCI DSS allows as much.
fn masked_card(digits: &str) -> String {
    let end = digits.get(digits.len().saturating_sub(MASKED_END_MAX)..).unwrap_or_default();
    format!("[card ending {end}]")
}

/// One form for one address, however it was written.
pub(super) fn plain_address(address: &str) -> String {
    address.replace("%40", "@").to_lowercase()
}

fn masked_address(address: &str) -> String {
    let (name, sign, domain) = email::parts(address).unwrap_or_default();
    let first: String = name.chars().filter(|it| *it != '"').take(1).collect();
    format!("{first}***{sign}{domain}")
}
