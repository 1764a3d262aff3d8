//! A table of players' points, as a database would serve it: every statement is atomic, a read and an update are not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Points by player.
#[derive(Debug, Default)]
pub struct Points {
    rows: Mutex<HashMap<u32, u32>>,
}

#[tsvd::contract(thread_safe, key = player)]
impl Points {
    /// `SELECT points WHERE player = …`
    #[tsvd::read]
    pub fn select(&self, player: u32) -> u32 {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.get(&player).copied().unwrap_or_default()
    }

    /// `UPDATE points SET … WHERE player = …`
    #[tsvd::write]
    pub fn update(&self, player: u32, points: u32) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.insert(player, points);
    }

    /// `UPDATE points SET … WHERE player = … AND points = …`; whether a row was updated.
    #[tsvd::update(when = |updated: &bool| *updated)]
    pub fn update_if(&self, player: u32, before: u32, points: u32) -> bool {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let row = rows.entry(player).or_default();
        if *row != before {
            return false;
        }
        *row = points;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_updated_only_as_it_was_read() {
        let points = Points::default();
        points.update(1, 5);
        assert!(!points.update_if(1, 4, 6));
        assert!(points.update_if(1, 5, 6));
        assert_eq!((points.select(1), points.select(2)), (6, 0));
    }
}
