//! The clients of an engine, by their numbers.

use std::ops::Range;

use super::{api::ClientId, client::Client};

/// Clients in a row: their numbers are consecutive, and few are there at a time.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// The number of the first one in the row.
    first: ClientId,
    row: Vec<Option<Box<Client>>>,
    count: usize,
    /// Stands in for a client that is gone, so that there is always one to look at.
    nobody: Box<Client>,
}

impl Clients {
    /// Adds a client with the next number.
    pub(super) fn add(&mut self) -> ClientId {
        let id = self.range().end.max(1);
        if self.row.is_empty() {
            self.first = id;
        }
        self.row.push(Some(Box::default()));
        self.count += 1;
        id
    }

    pub(super) fn remove(&mut self, id: ClientId) {
        if let Some(place) = self.place(id).and_then(|at| self.row.get_mut(at)) {
            self.count -= usize::from(place.take().is_some());
        }
        // The numbers of those that are gone are not used again.
        let gone = self.row.iter().take_while(|place| place.is_none()).count();
        if gone > 0 && gone < self.row.len() {
            self.row.drain(..gone);
            self.first += ClientId::try_from(gone).unwrap_or(0);
        } else if gone > 0 {
            self.first = self.range().end;
            self.row.clear();
        }
    }

    pub(super) fn get(&self, id: ClientId) -> Option<&Client> {
        self.row.get(self.place(id)?)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        let at = self.place(id)?;
        self.row.get_mut(at)?.as_deref_mut()
    }

    /// A client, or nobody.
    pub(super) fn at(&mut self, id: ClientId) -> &mut Client {
        match self.row.get_mut(id.wrapping_sub(self.first) as usize) {
            Some(Some(client)) => client,
            _ => &mut self.nobody,
        }
    }

    pub(super) fn contains(&self, id: ClientId) -> bool {
        self.get(id).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The numbers of all of them; some may be gone.
    pub(super) fn range(&self) -> Range<ClientId> {
        let length = ClientId::try_from(self.row.len()).unwrap_or(ClientId::MAX);
        self.first..self.first.saturating_add(length)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        self.range()
            .zip(&self.row)
            .filter_map(|(id, client)| Some((id, client.as_deref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (ClientId, &mut Client)> {
        self.range()
            .zip(&mut self.row)
            .filter_map(|(id, client)| Some((id, client.as_deref_mut()?)))
    }

    fn place(&self, id: ClientId) -> Option<usize> {
        usize::try_from(id.checked_sub(self.first)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Clients;

    #[test]
    fn numbers_are_not_used_again() {
        let mut clients = Clients::default();
        let (a, b) = (clients.add(), clients.add());
        assert_eq!((a, b), (1, 2));
        clients.remove(a);
        assert!(!clients.contains(a) && clients.contains(b));
        clients.remove(b);
        assert_eq!((clients.len(), clients.add()), (0, 3));
        assert!(clients.contains(3) && !clients.contains(2));
    }
}
