//! Bind: a portal of a statement, with the values of its parameters.

use super::{Engine, extended::Step, portals::portal_name};
use crate::{
    observe::recording::Parameter,
    postgres::{
        proxy::{
            api::ClientId,
            client::Portal,
            expected::Expected,
            protocol::{Body, bind_head, message},
            statements::Prepared,
        },
        sqlstate,
    },
};

/// The most of a parameter's value that is recorded, in bytes.
const VALUE: usize = 4096;

impl Engine {
    pub(super) fn bind(&mut self, id: ClientId, body: &[u8]) -> Option<Step> {
        let mut body = Body(body);
        let (portal, name) = (body.text()?, body.text()?);
        let Some(statement) = self.statement(id, name) else {
            return Some(Step::Taken);
        };
        let is_empty = statement.info.is_empty && self.client(id).has_failed();
        if is_empty {
            self.fail_in_failed(id);
        }
        if is_empty || self.is_refused_in_failed(id, &statement) {
            self.record_unprepared(id, &statement.sql);
            return Some(Step::Taken);
        }
        let parameters = parameters(body, &statement.types).unwrap_or_default();
        if self.is_taken(id, portal, &statement) {
            let text = format!("cursor \"{portal}\" already exists");
            self.fail(id, sqlstate::DUPLICATE_CURSOR, &text);
            return Some(Step::Taken);
        }
        if statement.info.control.is_some() {
            self.send(id, |out| message(out, b'2', |_| {}));
        } else {
            if !self.reach(id) {
                return Some(Step::Waits);
            }
            self.parse_anew(&statement);
            let own = portal_name(id, portal);
            bind_head(&mut self.backend.out, &own, &statement.name, body.0);
            self.backend.answers.push(Expected::Bind);
            if portal.is_empty() {
                self.backend.answers.unnamed = Some(id);
            } else {
                // It ends with the transaction, like a cursor.
                self.pending(id).cursors.push(own);
            }
        }
        let portals = &mut self.client(id).portals;
        portals.insert(
            portal.to_owned(),
            Portal {
                statement,
                parameters,
                is_done: false,
            },
        );
        Some(Step::Taken)
    }

    /// Whether there is a portal of this name, and the backend does not know that because it has
    /// not got one of both.
    fn is_taken(&mut self, id: ClientId, portal: &str, statement: &Prepared) -> bool {
        let known = self.client(id).portals.get(portal);
        !portal.is_empty()
            && known.is_some_and(|known| {
                known.statement.info.control.is_some() || statement.info.control.is_some()
            })
    }
}

/// Reads the values, with the types that the Parse gave.
fn parameters(mut body: Body<'_>, types: &[u8]) -> Option<Vec<Parameter>> {
    let formats: Vec<i16> = (0..body.i16()?).map_while(|_| body.i16()).collect();
    let mut types = Body(types);
    let known = types.i16().unwrap_or(0);
    let mut types = (0..known).map_while(|_| types.u32());
    let count = body.i16()?;
    let mut found = Vec::with_capacity(usize::try_from(count).ok()?);
    for index in 0..usize::try_from(count).ok()? {
        let value = body.value()?;
        found.push(Parameter {
            type_id: types.next().unwrap_or_default(),
            is_binary: formats.get(index).or(formats.first()) == Some(&1),
            value: value.map(|value| value[..value.len().min(VALUE)].to_vec()),
            length: value.map_or(0, <[u8]>::len),
        });
    }
    Some(found)
}
