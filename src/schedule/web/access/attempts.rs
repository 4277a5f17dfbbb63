//! How often one may be wrong: by address, and in all.
//!
//! An address that has failed too often within the window waits for the window's end. When all addresses together have failed
//! too often, each that has failed at all waits; one that never did may still try, so that nobody can lock the owner out from
//! elsewhere. IPv6 addresses count by their network of 64 bits, which one machine has for itself.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many failed logins are borne.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Of one address within the window.
    pub each: u32,
    /// Of all addresses within the window.
    pub all: u32,
    /// The window.
    pub window: Duration,
}

impl Default for Budget {
    fn default() -> Self {
        Self { each: 10, all: 100, window: Duration::from_secs(60) }
    }
}

/// Addresses that are remembered at most. When there are more, the failures of unknown ones count in all only.
const MOST: usize = 10_000;

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    since: Instant,
}

#[derive(Debug, Default)]
struct Counts {
    by_address: HashMap<IpAddr, Count>,
    all: Option<Count>,
}

/// Failures so far.
#[derive(Debug)]
pub(super) struct Attempts {
    budget: Budget,
    counts: Mutex<Counts>,
}

impl Attempts {
    pub(super) fn new(budget: Budget) -> Self {
        Self { budget, counts: Mutex::default() }
    }

    /// Whether an address may try; the seconds to wait, where it may not.
    pub(super) fn allowed(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.judge(&counts, network(address), now)
    }

    /// Counts a failure; the seconds to wait, where there were too many before.
    pub(super) fn fail(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let address = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        self.judge(&counts, address, now)?;
        let window = self.budget.window;
        if counts.by_address.len() >= MOST {
            counts.by_address.retain(|_, count| now.duration_since(count.since) < window);
        }
        if counts.by_address.len() < MOST || counts.by_address.contains_key(&address) {
            let count = counts.by_address.entry(address).or_insert(Count { failures: 0, since: now });
            bump(count, window, now);
        }
        bump(counts.all.get_or_insert(Count { failures: 0, since: now }), window, now);
        Ok(())
    }

    /// Whether all addresses together have failed as often as they may: what comes beyond is not worth a row on disk each.
    pub(super) fn overrun(&self, now: Instant) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = counts.all.filter(|all| now.duration_since(all.since) < self.budget.window);
        fresh.is_some_and(|all| all.failures > self.budget.all)
    }

    /// Forgets the failures of an address that succeeded.
    pub(super) fn forget(&self, address: IpAddr) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).by_address.remove(&network(address));
    }

    fn judge(&self, counts: &Counts, address: IpAddr, now: Instant) -> Result<(), u64> {
        let fresh = |count: &&Count| now.duration_since(count.since) < self.budget.window;
        let Some(own) = counts.by_address.get(&address).filter(fresh) else {
            // With the table full, an unknown address is no longer known to be innocent.
            let full = counts.by_address.len() >= MOST;
            let all = counts.all.as_ref().filter(fresh).filter(|all| full && all.failures >= self.budget.all);
            return all.map_or(Ok(()), |all| Err(self.wait(all, now)));
        };
        if own.failures >= self.budget.each {
            return Err(self.wait(own, now));
        }
        match counts.all.as_ref().filter(fresh) {
            Some(all) if all.failures >= self.budget.all => Err(self.wait(all, now)),
            _ => Ok(()),
        }
    }

    fn wait(&self, count: &Count, now: Instant) -> u64 {
        (count.since + self.budget.window).saturating_duration_since(now).as_secs() + 1
    }
}

/// Counts one more, in a new window where the last one is over.
fn bump(count: &mut Count, window: Duration, now: Instant) {
    if now.duration_since(count.since) >= window {
        *count = Count { failures: 0, since: now };
    }
    count.failures += 1;
}

/// What one machine has for itself.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => IpAddr::V4(four),
            None => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX))),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { each: 3, all: 5, window: Duration::from_secs(60) };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_that_failed_too_often_waits_for_the_end_of_the_window() {
        let (attempts, now) = (Attempts::new(BUDGET), Instant::now());
        for _ in 0..3 {
            attempts.fail(address("10.0.0.1"), now).unwrap();
        }
        let later = now + Duration::from_secs(20);
        assert_eq!(attempts.allowed(address("10.0.0.1"), later), Err(41));
        assert_eq!(attempts.fail(address("10.0.0.1"), later), Err(41));
        assert_eq!(attempts.allowed(address("10.0.0.2"), later), Ok(()));
        assert_eq!(attempts.allowed(address("10.0.0.1"), now + Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn when_all_failed_too_often_only_an_address_that_never_did_may_try() {
        let (attempts, now) = (Attempts::new(BUDGET), Instant::now());
        for last in 1..=5 {
            attempts.fail(address(&format!("10.0.0.{last}")), now).unwrap();
        }
        assert_eq!(attempts.allowed(address("10.0.0.1"), now), Err(61));
        assert_eq!(attempts.allowed(address("10.0.0.9"), now), Ok(()));
        assert!(!attempts.overrun(now));
        attempts.fail(address("10.0.0.9"), now).unwrap();
        assert!(attempts.overrun(now));
        assert!(!attempts.overrun(now + Duration::from_secs(60)));
    }

    #[test]
    fn success_forgets_the_failures_of_its_address() {
        let (attempts, now) = (Attempts::new(BUDGET), Instant::now());
        for _ in 0..3 {
            attempts.fail(address("10.0.0.1"), now).unwrap();
        }
        attempts.forget(address("10.0.0.1"));
        assert_eq!(attempts.allowed(address("10.0.0.1"), now), Ok(()));
    }

    #[test]
    fn addresses_of_one_network_of_ipv6_count_as_one_and_mapped_ones_as_ipv4() {
        let (attempts, now) = (Attempts::new(BUDGET), Instant::now());
        for last in 1..=3 {
            attempts.fail(address(&format!("2001:db8::{last}")), now).unwrap();
        }
        assert!(attempts.allowed(address("2001:db8::ffff"), now).is_err());
        assert!(attempts.allowed(address("2001:db8:0:1::1"), now).is_ok());
        assert_eq!(network(address("::ffff:10.0.0.1")), address("10.0.0.1"));
    }

    #[test]
    fn the_table_of_addresses_is_bounded() {
        let (attempts, now) = (Attempts::new(Budget { all: u32::MAX, ..BUDGET }), Instant::now());
        for last in 0..20_000_u32 {
            attempts.fail(IpAddr::V4(last.into()), now).unwrap();
        }
        assert_eq!(attempts.counts.lock().unwrap().by_address.len(), MOST);
    }
}
