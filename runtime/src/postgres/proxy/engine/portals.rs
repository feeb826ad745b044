//! Portals: statements with their parameters.

use std::rc::Rc;

use super::Engine;
use crate::postgres::{
    proxy::{api::ClientId, statements::Prepared},
    sqlstate,
};

impl Engine {
    pub(super) fn portal(&mut self, id: ClientId, name: &str) -> Option<Rc<Prepared>> {
        let found = self
            .client(id)
            .portals
            .get(name)
            .map(|portal| Rc::clone(&portal.statement));
        if found.is_none() {
            self.fail_without_portal(id, name);
        }
        found
    }

    /// Whether the backend has a portal of a client, which fails otherwise: there is one unnamed
    /// portal for all clients and for the queries of the proxy.
    pub(super) fn has_portal(&mut self, id: ClientId, name: &str) -> bool {
        let has = !name.is_empty() || self.backend.answers.unnamed == Some(id);
        if !has {
            self.fail_without_portal(id, name);
        }
        has
    }

    fn fail_without_portal(&mut self, id: ClientId, name: &str) {
        let text = format!("portal \"{name}\" does not exist");
        self.fail(id, sqlstate::INVALID_CURSOR_NAME, &text);
    }
}

/// A portal's name on the backend. The unnamed one needs no name, since a new one replaces it.
pub(super) fn portal_name(id: ClientId, name: &str) -> String {
    if name.is_empty() {
        String::new()
    } else {
        format!("v{id}_{name}")
    }
}
