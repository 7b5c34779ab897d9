//! How long a page of a list is, and where the next one begins.

/// Entries of a page where it is not said how many.
const USUAL: u16 = 100;

/// How many entries a page has at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize(u16);

impl PageSize {
    /// As the caller wants it.
    pub(crate) fn of(limit: Option<u16>) -> Self {
        Self(limit.unwrap_or(USUAL))
    }

    /// So many, as a number of any sort.
    pub(crate) fn entries<N: From<u16>>(self) -> N {
        self.0.into()
    }

    /// So many have to be there: the one too much tells that another page follows.
    pub(crate) fn and_one<N: From<u16>>(self) -> N {
        self.0.saturating_add(1).into()
    }

    /// Cuts a page off `found`. Where more is left, it goes on behind the `cursor` of the last one.
    pub(crate) fn cut<T, C>(
        self,
        mut found: Vec<T>,
        cursor: impl FnOnce(&T) -> C,
    ) -> (Vec<T>, Option<C>) {
        let most = self.entries();
        let has_more = found.len() > most;
        found.truncate(most);
        let next = found.last().filter(|_| has_more).map(cursor);
        (found, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_one_only_where_more_is_left() {
        let check = |limit, found: &[u8], want: (&[u8], Option<u8>)| {
            let (page, next) = PageSize::of(limit).cut(found.to_vec(), |it| *it);
            assert_eq!((&*page, next), want, "{limit:?} of {found:?}");
        };
        check(Some(2), &[], (&[], None));
        check(Some(2), &[7, 8], (&[7, 8], None));
        check(Some(2), &[7, 8, 9], (&[7, 8], Some(8)));
        check(None, &[7; 101], (&[7; 100], Some(7)));
    }
}
