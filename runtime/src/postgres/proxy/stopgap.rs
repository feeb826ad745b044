//! Stands in for the engine until it is there: the prototype behind the engine's interface.
#![allow(warnings, clippy::all, clippy::pedantic, clippy::restriction)]
mod engine;
mod sql;
mod wire;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::api::*;

pub(crate) struct Engine {
    it: engine::Engine,
    none: Vec<u8>,
    cancels: bool,
    events: std::collections::VecDeque<Event>,
}

impl Engine {
    pub(crate) fn new(setup: Setup) -> Self {
        let mut it = engine::Engine::new();
        it.base = setup
            .base
            .iter()
            .map(|(k, v)| (k.to_ascii_lowercase(), (*v).to_owned()))
            .chain(
                setup
                    .parameters
                    .iter()
                    .map(|(k, v)| (k.to_ascii_lowercase(), v.clone())),
            )
            .collect();
        it.params = setup.parameters;
        Self {
            it,
            none: vec![],
            cancels: false,
            events: Default::default(),
        }
    }
    pub(crate) fn begin_test(&mut self, _: Test) {
        self.it.begin_test(String::new())
    }
    pub(crate) fn end_test(&mut self, _: End) {
        self.it.end_test();
    }
    pub(crate) fn savepoint(&mut self, _: u32) {
        self.events
            .push_back(Event::Marked(Err(MarkRefused::Failed("not yet".into()))))
    }
    pub(crate) fn restore(&mut self, _: u32) {
        self.events
            .push_back(Event::Marked(Err(MarkRefused::Failed("not yet".into()))))
    }
    pub(crate) fn connect(&mut self) -> ClientId {
        self.it.add_client()
    }
    pub(crate) fn client_bytes(&mut self, id: ClientId, bytes: &[u8]) {
        if let Some((pid, key)) = self.it.client_bytes(id, bytes) {
            self.cancels |= self.it.cancels(pid, key)
        }
    }
    pub(crate) fn client_closed(&mut self, id: ClientId) {
        self.it.client_eof(id)
    }
    pub(crate) fn backend_bytes(&mut self, bytes: &[u8]) {
        self.it.backend_bytes(bytes)
    }
    pub(crate) fn backend_closed(&mut self, why: &str) {
        self.it.broken.get_or_insert(why.to_owned());
    }
    pub(crate) fn pump(&mut self, now: Instant) {
        self.it.pump(now);
        if let Some(why) = &self.it.broken {
            for c in self.it.clients.values_mut() {
                if !c.gone {
                    wire::error(
                        &mut c.out,
                        "FATAL",
                        "57P01",
                        &format!("db-test: the lane is broken: {why}"),
                    );
                    c.eof = true;
                    c.gone = true
                }
            }
            self.it.ended = Some(Err(why.clone()));
        }
    }
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.it.deadline()
    }
    pub(crate) fn backend_output(&mut self) -> &mut Vec<u8> {
        &mut self.it.be_out
    }
    pub(crate) fn client_output(&mut self, id: ClientId) -> &mut Vec<u8> {
        match self.it.clients.get_mut(&id) {
            Some(c) => &mut c.out,
            None => &mut self.none,
        }
    }
    pub(crate) fn wants_bytes(&self, id: ClientId) -> bool {
        self.it.clients.get(&id).is_some_and(|c| !c.eof)
    }
    pub(crate) fn is_gone(&self, id: ClientId) -> bool {
        self.it
            .clients
            .get(&id)
            .is_none_or(|c| c.gone && c.out.is_empty())
    }
    pub(crate) fn forget(&mut self, id: ClientId) {
        self.it.clients.remove(&id);
    }
    pub(crate) fn event(&mut self) -> Option<Event> {
        if let Some(e) = self.events.pop_front() {
            return Some(e);
        }
        if std::mem::take(&mut self.cancels) {
            return Some(Event::CancelBackend);
        }
        let result = self.it.ended.take()?;
        Some(Event::TestEnded(match result {
            Ok(_) => Proof::Proved,
            Err(e) => Proof::Broken(e),
        }))
    }
}
