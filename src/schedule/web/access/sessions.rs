//! Sessions of browsers, in memory: a restart ends them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::token::{Digest, TokenError, random};
use super::{SESSION, word};
use crate::schedule::service::{Role, Who};

/// The most sessions at a time. The one that ends first makes room for another.
const MOST: usize = 1000;

/// A session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) who: Who,
    pub(super) until: Instant,
}

/// Sessions by the digest of their names.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<HashMap<[u8; 32], Session>>);

impl Sessions {
    /// Begins one: its name, 256 bits as text, and what it is.
    ///
    /// Errors: the system gives no random numbers.
    pub(super) fn begin(&self, role: Role, now: Instant) -> Result<(String, Session), TokenError> {
        let id = random()?;
        let key = Digest::of(&id).bytes();
        // Enough of the digest to tell sessions apart in the log of changes; it does not lead back to the name.
        let name = format!("{} session {:02x}{:02x}{:02x}", word(role), key[0], key[1], key[2]);
        let session = Session { who: Who { name, role }, until: now + SESSION };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, each| each.until > now);
        if all.len() >= MOST
            && let Some(first) = all.iter().min_by_key(|(_, each)| each.until).map(|(key, _)| *key)
        {
            all.remove(&first);
        }
        all.insert(key, session.clone());
        Ok((id, session))
    }

    /// The session of that name, unless it is over. Names are looked up by their digests: how long that takes tells nothing of
    /// a name.
    pub(super) fn find(&self, id: &str, now: Instant) -> Option<Session> {
        let key = Digest::of(id).bytes();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&key) {
            Some(found) if found.until > now => Some(found.clone()),
            Some(_) => {
                all.remove(&key);
                None
            }
            None => None,
        }
    }

    /// Ends one.
    pub(super) fn end(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&Digest::of(id).bytes());
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_session_is_found_by_its_name_until_it_ends() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (id, _) = sessions.begin(Role::Reader, now).unwrap();
        assert_eq!(id.len(), 64);
        assert_eq!(sessions.find(&id, now).unwrap().who.role, Role::Reader);
        assert!(sessions.find(&id, now + SESSION - Duration::from_secs(1)).is_some());
        assert!(sessions.find(&id, now + SESSION).is_none());
        assert!(sessions.find(&id, now).is_none(), "what is over is gone");
    }

    #[test]
    fn a_session_that_was_ended_is_gone_and_others_stay() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (first, _) = sessions.begin(Role::Admin, now).unwrap();
        let (second, _) = sessions.begin(Role::Admin, now).unwrap();
        assert_ne!(first, second);
        sessions.end(&first);
        assert!(sessions.find(&first, now).is_none());
        assert!(sessions.find(&second, now).is_some());
    }

    #[test]
    fn the_table_of_sessions_is_bounded_and_the_oldest_goes_first() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let (oldest, _) = sessions.begin(Role::Admin, now).unwrap();
        let later = now + Duration::from_secs(1);
        let (second, _) = sessions.begin(Role::Admin, later).unwrap();
        for _ in 0..MOST - 1 {
            sessions.begin(Role::Admin, later).unwrap();
        }
        assert!(sessions.find(&oldest, later).is_none());
        assert!(sessions.find(&second, later).is_some());
        assert_eq!(sessions.0.lock().unwrap().len(), MOST);
    }
}
