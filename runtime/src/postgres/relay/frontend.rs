//! What a client asks.

use std::{collections::HashMap, sync::Arc};

use super::framing::Body;
use crate::observe::recording::{CUT, Parameter};

/// The kinds of messages whose bodies are read: Query, Parse, Bind, Execute, Close.
pub(super) fn is_read(kind: u8) -> bool {
    matches!(kind, b'Q' | b'P' | b'B' | b'E' | b'C')
}

/// The most of a parameter's value that is recorded, in bytes.
const VALUE: usize = 4096;

/// The most of a statement that is recorded, in bytes.
const SQL: usize = 32 * 1024;

/// The text of a statement, or the beginning of a very long one.
pub(super) fn kept(sql: &str) -> Arc<str> {
    if sql.len() <= SQL {
        return sql.into();
    }
    let beginning = &sql[..sql.floor_char_boundary(SQL)];
    format!("{beginning}{CUT}").into()
}

/// A statement that the server has prepared.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) sql: Arc<str>,
    /// The object ids of the parameters' types; zero where the client left it to the server.
    pub(super) types: Vec<u32>,
}

/// The prepared statements and the portals of a connection, by name.
#[derive(Default, Debug)]
pub(super) struct Statements {
    prepared: HashMap<String, Arc<Prepared>>,
    portals: HashMap<String, Portal>,
}

#[derive(Debug)]
struct Portal {
    statement: Arc<Prepared>,
    /// What the first Execute of it is recorded with.
    parameters: Vec<Parameter>,
}

impl Statements {
    pub(super) fn parse(&mut self, body: &[u8]) -> Option<Arc<Prepared>> {
        let mut body = Body(body);
        let (name, sql) = (body.text()?, kept(body.text_or_beginning()?));
        // The types stand at the end, which is not kept of a very long statement.
        let count = body.i16().unwrap_or_default();
        let types = (0..count).map_while(|_| body.u32()).collect();
        let prepared = Arc::new(Prepared { sql, types });
        self.prepared.insert(name.to_owned(), Arc::clone(&prepared));
        Some(prepared)
    }

    pub(super) fn bind(&mut self, body: &[u8]) -> Option<()> {
        let mut body = Body(body);
        let (portal, name) = (body.text()?, body.text()?);
        let prepared = Arc::clone(self.prepared.get(name)?);
        let formats: Vec<i16> = (0..body.i16()?).map_while(|_| body.i16()).collect();
        let count = body.i16()?;
        let mut parameters = Vec::new();
        for index in 0..usize::try_from(count).ok()? {
            let Some(length) = body.i32() else { break };
            // Null has the length -1.
            let length = usize::try_from(length).ok();
            let value = length.map(|length| {
                // The end of a very long message is not kept.
                let rest = std::mem::take(&mut body.0);
                let (value, rest) = rest.split_at(length.min(rest.len()));
                body.0 = rest;
                value[..value.len().min(VALUE)].to_vec()
            });
            let format = formats.get(index).or(formats.first()).copied();
            parameters.push(Parameter {
                type_id: prepared.types.get(index).copied().unwrap_or_default(),
                is_binary: format == Some(1),
                value,
                length: length.unwrap_or_default(),
            });
        }
        let bound = Portal {
            statement: prepared,
            parameters,
        };
        self.portals.insert(portal.to_owned(), bound);
        Some(())
    }

    /// The statement that an Execute runs, with its parameters if it is the first one.
    pub(super) fn execute(&mut self, body: &[u8]) -> Option<(Arc<str>, Vec<Parameter>)> {
        let portal = self.portals.get_mut(Body(body).text()?)?;
        let parameters = std::mem::take(&mut portal.parameters);
        Some((Arc::clone(&portal.statement.sql), parameters))
    }

    /// Portals end with their transaction.
    pub(super) fn forget_portals(&mut self) {
        self.portals.clear();
    }

    pub(super) fn close(&mut self, body: &[u8]) -> Option<()> {
        let (kind, name) = body.split_first()?;
        let name = Body(name).text()?;
        if *kind == b'S' {
            self.prepared.remove(name);
        } else {
            self.portals.remove(name);
        }
        Some(())
    }
}
