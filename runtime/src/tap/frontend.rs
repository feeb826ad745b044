//! What a client asks.

use std::{collections::HashMap, sync::Arc};

use super::framing::Body;
use crate::recording::Parameter;

/// The kinds of messages whose bodies are read: Query, Parse, Bind, Close.
pub(super) fn is_read(kind: u8) -> bool {
    matches!(kind, b'Q' | b'P' | b'B' | b'C')
}

/// A statement that the server has prepared.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) sql: Arc<str>,
    /// The object ids of the parameters' types; zero where the client left it to the server.
    pub(super) types: Vec<u32>,
}

/// The prepared statements of a connection by name, and what is bound to the next execution.
#[derive(Default, Debug)]
pub(super) struct Statements {
    prepared: HashMap<String, Arc<Prepared>>,
    pub(super) bound: Option<(Arc<Prepared>, Vec<Parameter>)>,
}

impl Statements {
    pub(super) fn parse(&mut self, body: &[u8]) -> Option<Arc<Prepared>> {
        let mut body = Body(body);
        let (name, sql) = (body.text()?, body.text()?);
        let count = body.i16()?;
        let types = (0..count).map_while(|_| body.u32()).collect();
        let sql = sql.into();
        let prepared = Arc::new(Prepared { sql, types });
        self.prepared.insert(name.to_owned(), Arc::clone(&prepared));
        Some(prepared)
    }

    pub(super) fn bind(&mut self, body: &[u8]) -> Option<()> {
        let mut body = Body(body);
        let (_portal, name) = (body.text()?, body.text()?);
        let prepared = Arc::clone(self.prepared.get(name)?);
        let formats: Vec<i16> = (0..body.i16()?).map_while(|_| body.i16()).collect();
        let count = body.i16()?;
        let mut parameters = Vec::new();
        for index in 0..usize::try_from(count).ok()? {
            let Some(length) = body.i32() else { break };
            let value = match usize::try_from(length) {
                // The end of a very long message is not kept.
                Ok(length) => Some(body.bytes(length).unwrap_or(body.0).to_vec()),
                Err(_) => None,
            };
            let format = formats.get(index).or(formats.first()).copied();
            parameters.push(Parameter {
                type_id: prepared.types.get(index).copied().unwrap_or_default(),
                is_binary: format == Some(1),
                value,
            });
        }
        self.bound = Some((prepared, parameters));
        Some(())
    }

    pub(super) fn close(&mut self, body: &[u8]) -> Option<()> {
        let (kind, name) = body.split_first()?;
        if *kind == b'S' {
            self.prepared.remove(Body(name).text()?);
        }
        Some(())
    }
}
