//! Attempts, counted by where they come from: so many at once, and then one now and then.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Most sources, and most sites, of which anything is remembered.
const REMEMBERED_MAX: usize = 16_384;

/// How many attempts at once, and how often one more.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// How many at once.
    pub burst: u32,
    /// How often one more.
    pub every: Duration,
}

/// What the sources of attempts have used up, each of its own budget and all of one. Of one process.
#[derive(Debug)]
pub struct Sources {
    each: Budget,
    /// That of each site, where sites have one.
    site: Option<Budget>,
    all: Budget,
    used: Mutex<Used>,
}

/// When a budget is whole again, where it is not, on the clock that never jumps.
#[derive(Debug, Default)]
struct Used {
    all: Duration,
    each: Accounts,
    sites: Accounts,
}

/// The same of many that have one each.
#[derive(Debug, Default)]
struct Accounts {
    whole_again: HashMap<IpAddr, Duration>,
    /// When those are looked for next that have used up nothing any more.
    sweep_at: Duration,
}

/// Which budget is used up, and how long until there is one more attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// That of all sources.
    All(Duration),
    /// That of the site which the source is of.
    Site(Duration),
    /// That of the source.
    Source(Duration),
}

impl Budget {
    /// How long it takes to be whole from nothing.
    #[must_use]
    pub fn whole(self) -> Duration {
        self.every.saturating_mul(self.burst)
    }

    /// How long one more attempt has to wait.
    fn wait(self, whole_again: Duration, now: Duration) -> Duration {
        whole_again
            .max(now)
            .saturating_add(self.every)
            .saturating_sub(now.saturating_add(self.whole()))
    }

    fn after_one_more(self, whole_again: Duration, now: Duration) -> Duration {
        let latest = now.saturating_add(self.whole());
        whole_again.max(now).saturating_add(self.every).min(latest)
    }
}

impl Sources {
    /// Nothing is used up.
    #[must_use]
    pub fn new(each: Budget, all: Budget) -> Self {
        Self { each, site: None, all, used: Mutex::default() }
    }

    /// The same, where no [site] may use up what all have. [`Sources::wait`] does not ask for it: a
    /// source that did nothing does not wait for its neighbours.
    #[must_use]
    pub fn with_sites(self, site: Budget) -> Self {
        Self { site: Some(site), ..self }
    }

    /// Counts an attempt from `source`, where there is one left. Its own budget is asked for first: so
    /// it is named where that is used up, whatever others have left.
    ///
    /// # Errors
    /// Which budget is used up. Then nothing is counted.
    pub fn attempt(&self, source: IpAddr, now: Duration) -> Result<(), Excess> {
        let mut used = self.used();
        let wait = self.each.wait(used.each.of(network(source)), now);
        if !wait.is_zero() {
            return Err(Excess::Source(wait));
        }
        if let Some((budget, site)) = self.site.zip(site(source)) {
            let wait = budget.wait(used.sites.of(site), now);
            if !wait.is_zero() {
                return Err(Excess::Site(wait));
            }
        }
        let wait = self.all.wait(used.all, now);
        if !wait.is_zero() {
            return Err(Excess::All(wait));
        }
        self.count_in(&mut used, source, now);
        Ok(())
    }

    /// Counts an attempt from `source`, whatever is left.
    pub fn count(&self, source: IpAddr, now: Duration) {
        self.count_in(&mut self.used(), source, now);
    }

    /// How long `source` has to wait, by what was counted. While all together have used up theirs,
    /// one that has any on its account waits until it has none.
    #[must_use]
    pub fn wait(&self, source: IpAddr, now: Duration) -> Duration {
        let used = self.used();
        let (whole_again, all) = (used.each.of(network(source)), self.all.wait(used.all, now));
        match all.is_zero() {
            true => self.each.wait(whole_again, now),
            // Nobody knows what it has on its account.
            false if used.each.is_full() && whole_again.is_zero() => all,
            false => whole_again.saturating_sub(now),
        }
    }

    fn count_in(&self, used: &mut Used, source: IpAddr, now: Duration) {
        used.all = self.all.after_one_more(used.all, now);
        used.each.count(network(source), self.each, now);
        if let Some((budget, site)) = self.site.zip(site(source)) {
            used.sites.count(site, budget, now);
        }
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Accounts {
    /// Whether no more are remembered.
    fn is_full(&self) -> bool {
        self.whole_again.len() >= REMEMBERED_MAX
    }

    fn of(&self, who: IpAddr) -> Duration {
        self.whole_again.get(&who).copied().unwrap_or_default()
    }

    fn count(&mut self, who: IpAddr, budget: Budget, now: Duration) {
        // Not with every attempt: who has many addresses could have it looked through all the time.
        if self.is_full() && now >= self.sweep_at {
            self.whole_again.retain(|_, until| *until > now);
            self.sweep_at = now.saturating_add(budget.every);
        }
        let (whole_again, is_full) = (budget.after_one_more(self.of(who), now), self.is_full());
        match self.whole_again.get_mut(&who) {
            Some(remembered) => *remembered = whole_again,
            // Where there are too many, the budget of all has to do.
            None if is_full => {}
            None => drop(self.whole_again.insert(who, whole_again)),
        }
    }
}

/// What counts as one source: an address of IPv4, a /64 of IPv6, which one subscriber has to choose from.
#[must_use]
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address @ IpAddr::V4(_) => address,
    }
}

/// The /48 of IPv6 that a source is of: one site has as many as 65,536 sources to choose from. None with
/// IPv4, where nobody has many for nothing.
#[must_use]
pub fn site(source: IpAddr) -> Option<IpAddr> {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(IpAddr::from([a, b, c, 0, 0, 0, 0, 0]))
        }
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let every = Duration::from_secs;
        Sources::new(Budget { burst: 5, every: every(10) }, Budget { burst: 8, every: every(1) })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_its_budget_and_gets_it_back() {
        let (sources, at) = (sources(), Duration::from_secs);
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..5 {
            assert_eq!(sources.attempt(one, at(0)), Ok(()));
        }
        assert_eq!(sources.attempt(one, at(0)), Err(Excess::Source(at(10))));
        assert_eq!(sources.attempt(other, at(0)), Ok(()));
        assert_eq!(sources.attempt(one, at(9)), Err(Excess::Source(at(1))));
        assert_eq!(sources.attempt(one, at(10)), Ok(()));
        assert_eq!(sources.attempt(one, at(10)), Err(Excess::Source(at(10))));
    }

    #[test]
    fn a_source_of_ipv6_is_all_of_its_network() {
        let (sources, now) = (sources(), Duration::ZERO);
        for number in 0..5 {
            assert_eq!(sources.attempt(address(&format!("2001:db8:0:1::{number}")), now), Ok(()));
        }
        assert!(sources.attempt(address("2001:db8:0:1:ffff::"), now).is_err());
        assert_eq!(sources.attempt(address("2001:db8:0:2::1"), now), Ok(()));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert_eq!(site(address("2001:db8:1:2:3::4")), Some(address("2001:db8:1::")));
        assert_eq!(site(address("::ffff:192.0.2.1")), None);
    }

    #[test]
    fn many_sources_share_one_budget_and_who_did_nothing_does_not_wait() {
        let (sources, now) = (sources(), Duration::ZERO);
        for number in 1..=8 {
            assert_eq!(sources.attempt(IpAddr::from([192, 0, 2, number]), now), Ok(()));
        }
        let (guilty, clean) = (address("192.0.2.1"), address("192.0.2.9"));
        assert_eq!(sources.attempt(clean, now), Err(Excess::All(Duration::from_secs(1))));
        assert_eq!(sources.wait(clean, now), Duration::ZERO);
        assert_eq!(sources.wait(guilty, now), Duration::from_secs(10));
    }

    #[test]
    fn no_site_uses_up_what_all_have() {
        let (now, site) = (Duration::ZERO, Budget { burst: 6, every: Duration::from_secs(2) });
        let sources = sources().with_sites(site);
        let of_site = |number: u16| IpAddr::from([0x2001, 0xdb8, 1, number, 0, 0, 0, 1]);
        for number in 0..6 {
            assert_eq!(sources.attempt(of_site(number), now), Ok(()));
        }
        let wait = Duration::from_secs(2);
        assert_eq!(sources.attempt(of_site(6), now), Err(Excess::Site(wait)));
        // There are two left for others. Then who has used up its own is named even so.
        assert_eq!(sources.attempt(address("2001:db8:2::1"), now), Ok(()));
        assert_eq!(sources.attempt(address("192.0.2.1"), now), Ok(()));
        let second = Duration::from_secs(1);
        assert_eq!(sources.attempt(address("192.0.2.2"), now), Err(Excess::All(second)));
        assert_eq!(sources.attempt(of_site(6), now), Err(Excess::Site(wait)));
        for _ in 0..5 {
            sources.count(address("192.0.2.1"), now);
        }
        assert!(matches!(sources.attempt(address("192.0.2.1"), now), Err(Excess::Source(_))));
    }

    #[test]
    fn memory_is_bounded() {
        let sources = sources();
        for number in 0..100_000_u32 {
            sources.count(IpAddr::from(number.to_be_bytes()), Duration::ZERO);
        }
        assert_eq!(sources.used().each.whole_again.len(), REMEMBERED_MAX);
        // Those that are remembered are charged, and those that are not wait as all do.
        let (known, unknown) = (IpAddr::from([0, 0, 0, 0]), IpAddr::from([255; 4]));
        let before = sources.used().each.of(known);
        sources.count(known, Duration::ZERO);
        assert!(sources.used().each.of(known) > before);
        assert!(sources.wait(unknown, Duration::ZERO) > Duration::ZERO);
        sources.count(address("192.0.2.1"), Duration::from_secs(21));
        assert_eq!(sources.used().each.whole_again.len(), 1);
    }
}
