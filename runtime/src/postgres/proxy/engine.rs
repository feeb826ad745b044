//! The proxy's state machine: many virtual connections on one backend. It does no input or output
//! and reads no clock, so that all of it is tested without a server.
//!
//! The [driver](super::driver) hands over bytes ([`client_bytes`](Engine::client_bytes),
//! [`backend_bytes`](Engine::backend_bytes)), calls [`pump`](Engine::pump) after that and when the
//! [`deadline`](Engine::deadline) has come, writes what stands in the outputs, and takes the
//! [`events`](Engine::event). Nothing happens outside of `pump`.
//!
//! Each client has a [`Unit`] at a time: a simple query, or the messages of the extended protocol
//! until a Sync. What can be answered without the backend is answered at once. A unit that needs
//! the backend acquires it ([`turns`]), sets it up with one query of the proxy's own in the same
//! write ([`enter`]), and has it until its end ([`finish`]). Answers of the backend find their
//! place by a queue of what is [expected](Answers).

mod answers;
mod backend;
mod binding;
mod canceling;
mod copying;
mod ending;
mod enter;
mod errors;
mod execute;
mod extended;
mod finish;
mod interface;
mod late;
mod late_clients;
mod leave;
mod limits;
mod local;
mod marks;
mod modes;
mod names;
mod nesting;
mod observe;
mod own;
mod portals;
mod prepare;
mod record;
mod reporting;
mod schedule;
mod session;
mod settle;
mod simple;
mod sql_prepared;
mod stack;
mod stalled;
mod transaction;
mod turns;
mod two_phase;
mod vacuum;
mod welcome;

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hasher},
    sync::Arc,
    time::Instant,
};

use self::{backend::Backend, ending::PendingEnd, marks::Mark};
use super::{
    advisory::AdvisoryLocks,
    api::{ClientId, Event, Faults, Finding, MarkRefused, Proof, Setup, Test},
    client::{Client, Stage, Unit},
    clients::Clients,
    clock::Clock,
    entanglement::Journal,
    moving_clock::MovingClock,
    savepoints::Stack,
    settings::{Settings, Value},
    statements::Statements,
};

/// The most of a client that waits to be processed, in bytes. Beyond it the client is not read.
const UNREAD: usize = 1024 * 1024;

#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the backend, each said by its name"
)]
pub(crate) struct Engine {
    setup: Setup,
    base: HashMap<String, String>,
    now: Instant,
    backend: Backend,
    /// Whether a pipeline is a transaction block, as it is since PostgreSQL 18.
    pipelines: bool,
    clients: Clients,
    greeting: Option<welcome::Greeting>,
    /// The client that has the backend.
    active: Option<ClientId>,
    /// A request to cancel is under way, which could hit what is sent next.
    is_held_back: bool,
    stack: Stack,
    statements: Statements,
    /// Counts changes of the schema; and what it was when the test began.
    generation: u64,
    base_generation: u64,
    last_generation: u64,
    namespaces: HashMap<[Option<Value>; 3], u32>,
    unknown_count: u64,
    /// The statement that defers constraints again, if there are any that can be deferred.
    deferred: Option<String>,
    /// It has to be read again, since the schema has changed.
    deferred_is_stale: bool,
    /// It was read in the middle of a test, whose schema may be another one.
    deferred_is_of_test: bool,
    journal: Journal,
    advisory_locks: AdvisoryLocks,
    clock: Clock,
    moving_clock: Option<MovingClock>,
    /// The client that holds the backend without sending anything, and since when.
    stalled: Option<(ClientId, Instant)>,
    test: Option<Test>,
    test_settings: Settings,
    test_count: u64,
    ending: Option<PendingEnd>,
    mark: Option<Mark>,
    mark_error: Option<String>,
    /// What connections lost by the rollback of another one. Nobody can have missed it before the
    /// next statement.
    lost: Vec<Finding>,
    events: VecDeque<Event>,
    nothing: Vec<u8>,
}

/// The server's major version, or zero.
fn setup_version(setup: &Setup) -> u32 {
    let named = setup
        .parameters
        .iter()
        .find(|(name, _)| name == "server_version");
    let major = named.and_then(|(_, version)| version.split(|c: char| !c.is_ascii_digit()).next());
    major.and_then(|major| major.parse().ok()).unwrap_or(0)
}

impl Engine {
    pub(crate) fn new(setup: Setup) -> Self {
        let named = setup.parameters.iter().chain(&setup.base);
        let base = named.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let backend = Backend {
            reported: setup.reported(),
            revision: 1,
            ..Backend::default()
        };
        let pipelines = setup_version(&setup) >= 18;
        let moving_clock = setup.moves_clock.then(MovingClock::new);
        Self {
            base: base.collect(),
            backend,
            setup,
            now: Instant::now(),
            pipelines,
            clients: Clients::default(),
            greeting: None,
            active: None,
            is_held_back: false,
            stack: Stack::default(),
            statements: Statements::default(),
            generation: 0,
            base_generation: 0,
            last_generation: 0,
            namespaces: HashMap::new(),
            unknown_count: 0,
            // Until the backend has said otherwise, a constraint may be deferred: the first
            // statement does not wait for that.
            deferred: Some(String::new()),
            deferred_is_stale: false,
            deferred_is_of_test: false,
            journal: Journal::default(),
            advisory_locks: AdvisoryLocks::default(),
            clock: Clock::default(),
            moving_clock,
            stalled: None,
            test: None,
            test_settings: Settings::default(),
            test_count: 0,
            ending: None,
            mark: None,
            mark_error: None,
            lost: Vec::new(),
            events: VecDeque::new(),
            nothing: Vec::new(),
        }
    }

    /// A client that is there.
    fn client(&mut self, id: ClientId) -> &mut Client {
        self.clients.at(id)
    }

    /// The unit of a client that has one.
    fn unit(&mut self, id: ClientId) -> &mut Unit {
        let unit = &mut self.client(id).unit;
        unit.get_or_insert_with(|| Unit::new(super::client::UnitKind::Extended { synced: true }))
    }

    /// What a request to cancel has to know.
    fn key(&self, id: ClientId) -> u32 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.setup.secret);
        hasher.write_u32(id);
        let bytes = hasher.finish().to_be_bytes();
        u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    fn faults(&self) -> Option<Arc<dyn Faults>> {
        self.test.as_ref().map(|test| Arc::clone(&test.faults))
    }

    /// The backend cannot be trusted any more.
    fn break_off(&mut self, why: String) {
        self.backend.broken.get_or_insert(why);
    }

    fn finish_test(&mut self, proof: Proof) {
        self.test = None;
        self.ending = None;
        self.lost.clear();
        if self.mark.take().is_some() {
            self.events.push_back(Event::Marked(Err(MarkRefused::Gone)));
        }
        self.events.push_back(Event::TestEnded(proof));
    }
}

#[cfg(test)]
mod tests;
