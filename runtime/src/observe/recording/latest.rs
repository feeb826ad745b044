//! The latest items of a sequence, so many as a bound on memory allows.

use std::collections::VecDeque;

/// Items numbered from 0, of which the latest are remembered.
#[derive(Debug)]
pub(crate) struct Latest<T> {
    /// Each with its size in bytes.
    items: VecDeque<(usize, T)>,
    forgotten: usize,
    bytes: usize,
    bounds: Bounds,
}

/// How much is remembered at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) items: usize,
    pub(super) bytes: usize,
}

impl<T> Latest<T> {
    pub(super) fn within(bounds: Bounds) -> Self {
        Self {
            items: VecDeque::new(),
            forgotten: 0,
            bytes: 0,
            bounds,
        }
    }

    /// Adds an item of so many bytes, and forgets the oldest ones that there is no room for.
    pub(super) fn push(&mut self, item: T, size: usize) {
        self.items.push_back((size, item));
        self.bytes += size;
        let Bounds { items, bytes } = self.bounds;
        // The newest one is kept, however large it is.
        while self.items.len() > 1 && (self.items.len() > items || self.bytes > bytes) {
            let (size, _) = self.items.pop_front().unwrap_or_else(|| unreachable!());
            self.bytes -= size;
            self.forgotten += 1;
        }
    }

    /// How many there have been in all.
    pub(crate) fn count(&self) -> usize {
        self.forgotten + self.items.len()
    }

    /// How many of the first ones are not remembered any more.
    pub(crate) fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// Those that are remembered, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter().map(|(_, item)| item)
    }

    /// The same with their numbers.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &T)> {
        (self.forgotten..).zip(self.iter())
    }

    /// Those that are remembered of a stretch.
    pub(crate) fn between(&self, from: usize, to: usize) -> impl Iterator<Item = &T> {
        let from = from.max(self.forgotten);
        let skipped = from - self.forgotten;
        self.iter().skip(skipped).take(to.saturating_sub(from))
    }

    pub(crate) fn get(&self, number: usize) -> Option<&T> {
        let (_, item) = self.items.get(number.checked_sub(self.forgotten)?)?;
        Some(item)
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        let (_, item) = self.items.get_mut(number.checked_sub(self.forgotten)?)?;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Latest};

    fn latest(items: usize, bytes: usize, sizes: &[usize]) -> Latest<usize> {
        let mut latest = Latest::within(Bounds { items, bytes });
        for (number, size) in sizes.iter().enumerate() {
            latest.push(number, *size);
        }
        latest
    }

    fn remembered(latest: &Latest<usize>) -> Vec<usize> {
        latest.iter().copied().collect()
    }

    #[test]
    fn the_oldest_are_forgotten_when_there_are_too_many() {
        let latest = latest(2, 100, &[1, 1, 1]);
        assert_eq!(remembered(&latest), [1, 2]);
        assert_eq!((latest.count(), latest.forgotten()), (3, 1));
        assert_eq!((latest.get(0), latest.get(2)), (None, Some(&2)));
    }

    #[test]
    fn the_oldest_are_forgotten_when_they_are_too_large() {
        assert_eq!(remembered(&latest(9, 10, &[4, 4, 4])), [1, 2]);
        assert_eq!(remembered(&latest(9, 10, &[4, 4, 40])), [2]);
    }

    #[test]
    fn a_stretch_goes_by_the_numbers_of_all() {
        let latest = latest(3, 100, &[1; 5]);
        let between = |from, to| latest.between(from, to).copied().collect::<Vec<_>>();
        assert_eq!(between(0, 3), [2]);
        assert_eq!(between(3, 5), [3, 4]);
        assert!(between(0, 2).is_empty() && between(4, 3).is_empty());
    }
}
