//! Passwords of people: checked with argon2id, a few at a time.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use model::Secret;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// Most that wait for their turn. Who comes then is told to come again.
const WAITING_MAX: usize = 32;

/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(3);

/// Longest password that is looked at.
const BYTES_MAX: usize = 1_024;

/// Costlier hashes than these are no hashes of ours: checking one would stop everything else.
const MEMORY_KIB_MAX: u32 = 256 * 1_024;
const ROUNDS_MAX: u32 = 20;

/// A hash of nobody's password, where nobody has one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$b25lZG9vci1ub2JvZHk$Xl0xUhvJjQ9GJmBJQz4nlYxYV5sJ3Tn9xqJmQ8mQmJk";

/// Shortest password that is hashed.
const BYTES_MIN: usize = 12;

/// The hash to keep of a password: a PHC string of argon2id.
///
/// # Errors
/// A sentence, where the password is too short or too long, or the system gives no random bytes.
pub fn hash(password: &Secret<String>) -> Result<String, String> {
    let length = password.expose().len();
    if !(BYTES_MIN..=BYTES_MAX).contains(&length) {
        return Err(format!("the password has {length} bytes: use {BYTES_MIN} to {BYTES_MAX}"));
    }
    let hash = Argon2::default().hash_password(password.expose().as_bytes());
    hash.map(|it| it.to_string()).map_err(|_| "the password could not be hashed".to_owned())
}

/// Checks passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    /// For each that is checked: it takes a core, and some megabytes.
    turns: Arc<Semaphore>,
    /// For each that is checked or waits.
    places: Semaphore,
}

/// Too many were to be checked at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Passwords {
    /// At most half of the cores are for this: calls go on while people guess.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let turns = (cores / 2).max(1);
        Self {
            turns: Arc::new(Semaphore::new(turns)),
            places: Semaphore::new(turns.saturating_add(WAITING_MAX)),
        }
    }

    /// Whether `password` is the one of `hash`, a PHC string. Where there is no hash it is not, and
    /// to find that out takes as long.
    ///
    /// # Errors
    /// [`Busy`]
    pub(crate) async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<&str>,
    ) -> Result<bool, Busy> {
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let turn = timeout(WAIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| Busy)?.map_err(|_| Busy)?;
        let (is_somebody, hash) = (hash.is_some(), hash.unwrap_or(NOBODY).to_owned());
        let checked = spawn_blocking(move || {
            let is_right = is_right(&password, &hash);
            // Held to the end of the work, which goes on when whoever asked for it is gone.
            drop(turn);
            is_right
        });
        let checked = checked.await;
        Ok(checked.unwrap_or(false) && is_somebody)
    }
}

fn is_right(password: &Secret<String>, hash: &str) -> bool {
    let password = password.expose();
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    let Ok(params) = Params::try_from(&hash) else { return false };
    let is_bearable = params.m_cost() <= MEMORY_KIB_MAX && params.t_cost() <= ROUNDS_MAX;
    (1..=BYTES_MAX).contains(&password.len())
        && is_bearable
        && Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_somebody_is_right() {
        assert!(hash(&Secret::new("too short".to_owned())).unwrap_err().contains("12 to 1024"));
        let hash = hash(&Secret::new("correct horse battery".to_owned())).unwrap();
        let passwords = Passwords::new();
        let costly = hash.replace("m=19456", "m=4194304");
        for (password, hash, want) in [
            ("correct horse battery", Some(&*hash), true),
            ("correct horse batter", Some(&*hash), false),
            ("", Some(&*hash), false),
            ("correct horse battery", None, false),
            ("correct horse battery", Some("$argon2id$x"), false),
            ("correct horse battery", Some(&*costly), false),
        ] {
            let secret = Secret::new(password.to_owned());
            assert_eq!(passwords.verify(secret, hash).await, Ok(want), "{password} {hash:?}");
        }
    }

    #[tokio::test]
    async fn who_comes_when_all_places_are_taken_is_told_so_at_once() {
        let passwords = Passwords::new();
        let all = u32::try_from(passwords.places.available_permits()).unwrap();
        let taken = passwords.places.acquire_many(all).await.unwrap();
        let secret = || Secret::new("x".to_owned());
        assert_eq!(passwords.verify(secret(), None).await, Err(Busy));
        drop(taken);
        assert_eq!(passwords.verify(secret(), None).await, Ok(false));
        let cores = available_parallelism().map_or(1, usize::from);
        assert!(passwords.turns.available_permits() <= cores.div_ceil(2));
    }

    #[test]
    fn nobodys_hash_can_be_checked_like_any_other() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(Params::try_from(&hash).unwrap().m_cost(), Params::DEFAULT_M_COST);
        assert!(!is_right(&Secret::new("x".to_owned()), NOBODY));
    }
}
