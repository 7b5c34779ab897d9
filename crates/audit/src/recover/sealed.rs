//! Where the first segment has to go on: behind what was sealed and is gone.

use super::Checked;
use crate::{
    Damage, DamageKind,
    lines::Lines,
    seal::{self, Seal},
    segment::{Header, Segment},
};

/// Looks whether `segments` go on where the seals end. Gives those that are sealed and still there: they
/// were to go when the power went.
pub(super) fn left(segments: &[Segment], seals: &[Seal], origin: &str) -> Checked<Vec<Segment>> {
    let sealed = seals.last().map_or(0, |it| it.after.next());
    let Some(first) = segments.first() else {
        let detail = format!("{sealed} records were sealed, and those behind them are not there");
        let damage = Damage { seq: sealed, kind: DamageKind::Truncated, detail };
        return Ok(if sealed > 0 { Err(damage) } else { Ok(Vec::new()) });
    };
    let chain = seal::chain(seals, first.first, origin);
    let seq = chain.next();
    let goes_on = |segment: &Segment, chain| {
        let header = Lines::first(&segment.path)?.and_then(|it| Header::read(&it));
        std::io::Result::Ok(header.is_some_and(|it| it.continues(chain, origin)))
    };
    if first.first != seq || !goes_on(first, &chain)? {
        let kind = if first.first > seq { DamageKind::Gap } else { DamageKind::Modified };
        let detail = format!("{} does not go on where the log begins or is sealed", first.name());
        return Ok(Err(Damage { seq, kind, detail }));
    }
    let mut left = Vec::new();
    for seal in seals.iter().filter(|it| it.first >= seq) {
        let behind = segments.iter().find(|it| it.first == seal.after.next());
        let is_same = behind.map_or(Ok(false), |it| goes_on(it, &seal.after))?;
        match segments.iter().find(|it| it.first == seal.first).filter(|_| is_same) {
            Some(segment) => left.push(segment.clone()),
            None => {
                let (seq, kind) = (seal.first, DamageKind::Forged);
                let detail = "what is sealed and still there is not what was sealed".to_owned();
                return Ok(Err(Damage { seq, kind, detail }));
            }
        }
    }
    Ok(Ok(left))
}
