//! `PREPARE`, `EXECUTE` and `DEALLOCATE`: the names that a client gives belong to it, and the
//! backend knows others.

use std::rc::Rc;

use super::Engine;
use crate::postgres::{
    proxy::{
        api::ClientId,
        control::{Info, PreparedVerb, SqlPrepared},
        settings::identifier,
        statements::{BackendState, Prepared},
    },
    sqlstate,
};

impl Engine {
    /// A statement about a prepared statement, with the name that the backend knows it by.
    pub(super) fn in_its_own_names(
        &mut self,
        id: ClientId,
        sql: &str,
        infos: &[Rc<Info>],
        is_parsed: bool,
    ) -> Result<Option<String>, super::local::Refusal> {
        let Some(SqlPrepared { verb, name, at }) =
            infos.first().and_then(|info| info.prepared.as_ref())
        else {
            return Ok(None);
        };
        let client = self.client(id);
        let by_protocol = client
            .statements
            .get(name)
            .filter(|statement| is_there(statement));
        let own = format!("v{id}_{name}");
        let new = match (verb, by_protocol, client.sql_prepared.contains(name)) {
            // The server looks for it when it is executed.
            (PreparedVerb::Prepare, None, _) | (PreparedVerb::Deallocate, _, true) if is_parsed => {
                own
            }
            (PreparedVerb::Prepare, None, false) => {
                client.sql_prepared.insert(name.clone());
                self.unit(id).sql_prepared.push(name.clone());
                own
            }
            (PreparedVerb::Prepare, ..) => {
                let text = format!("prepared statement \"{name}\" already exists");
                return Err((sqlstate::DUPLICATE_PREPARED_STATEMENT, text));
            }
            (PreparedVerb::Execute, Some(statement), _) => statement.name.clone(),
            (PreparedVerb::Deallocate, _, true) => {
                client.sql_prepared.remove(name);
                own
            }
            (PreparedVerb::Deallocate, Some(_), _) => {
                // The backend keeps it for others.
                client.statements.remove(name);
                return Ok(Some(String::new()));
            }
            (PreparedVerb::Execute, None, true) => own,
            (PreparedVerb::Execute | PreparedVerb::Deallocate, None, _) if is_parsed => own,
            _ => {
                let text = format!("prepared statement \"{name}\" does not exist");
                return Err((sqlstate::INVALID_SQL_STATEMENT_NAME, text));
            }
        };
        // The places are those of the statement by itself; in front of it there may be blanks.
        let head = sql.get(..at.0).unwrap_or("");
        let tail = sql.get(at.1..).unwrap_or("");
        Ok(Some(format!("{head}{}{tail}", identifier(&new))))
    }
}

fn is_there(statement: &Prepared) -> bool {
    statement.info.control.is_none() && statement.state.get() == BackendState::Known
}
