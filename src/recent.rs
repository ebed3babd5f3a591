//! A short list of what was made before, for what many packages of a run have alike.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many are remembered. A fleet has about one for each of its groups, and of compressed parts one for each format,
/// role and date.
const REMEMBERED: usize = 48;

/// Things that are found again by what they are made of; the one that was not used for longest goes first.
#[derive(Debug)]
pub(crate) struct Recent<T>(
    /// Most recently used last.
    Mutex<Vec<Arc<T>>>,
);

impl<T> Recent<T> {
    /// Nothing yet.
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The one that fits.
    pub(crate) fn get(&self, fits: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let mut list = self.lock();
        let at = list.iter().rposition(|known| fits(known))?;
        let known = list.remove(at);
        list.push(Arc::clone(&known));
        Some(known)
    }

    /// Adds one.
    pub(crate) fn add(&self, new: T) -> Arc<T> {
        let new = Arc::new(new);
        let mut list = self.lock();
        if list.len() == REMEMBERED {
            list.remove(0);
        }
        list.push(Arc::clone(&new));
        new
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays() {
        let recent = Recent::new();
        for number in 0..REMEMBERED {
            recent.add(number);
        }
        assert!(recent.get(|number| *number == 0).is_some());
        recent.add(REMEMBERED);
        assert!(recent.get(|number| *number == 0).is_some());
        assert!(recent.get(|number| *number == 1).is_none());
    }
}
