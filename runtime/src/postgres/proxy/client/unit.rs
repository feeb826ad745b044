//! What a client asks at a time.

use std::{rc::Rc, sync::Arc, time::Instant};

use crate::{
    observe::recording::ServerError,
    postgres::proxy::{control::Modes, expected::Execution, statements::Script},
};

/// What a client asks until the server is ready for the next query.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the protocol, each said by its name"
)]
pub(in crate::postgres::proxy) struct Unit {
    pub(in crate::postgres::proxy) kind: UnitKind,
    /// Whether the backend is set up for the client.
    pub(in crate::postgres::proxy) entered: bool,
    /// Whether a hidden savepoint of it is on top of the stack.
    pub(in crate::postgres::proxy) hidden: bool,
    pub(in crate::postgres::proxy) failed: bool,
    /// Whether the backend's transaction has failed, too.
    pub(in crate::postgres::proxy) backend_failed: bool,
    pub(in crate::postgres::proxy) copying: bool,
    /// A `COPY` of a pipeline is sent, and the server has not said whether rows come next.
    pub(in crate::postgres::proxy) awaits_copy: bool,
    pub(in crate::postgres::proxy) delay: Delay,
    pub(in crate::postgres::proxy) checking: Option<Check>,
    /// A tag that the client gets when deferred constraints hold.
    pub(in crate::postgres::proxy) held: Vec<u8>,
    /// The simple query as a whole.
    pub(in crate::postgres::proxy) record: Option<Execution>,
    pub(in crate::postgres::proxy) error: Option<ServerError>,
    /// The schema may have changed.
    pub(in crate::postgres::proxy) changed_schema: bool,
    pub(in crate::postgres::proxy) ran: bool,
    /// Something was undone in it: by an error, or a rollback.
    pub(in crate::postgres::proxy) undone: bool,
    /// Its end is done with the savepoints; the client may still be told of settings.
    pub(in crate::postgres::proxy) is_over: bool,
    /// It has reset a setting for which the client's default is not the backend's.
    pub(in crate::postgres::proxy) resets: bool,
    /// The last statement that was answered.
    pub(in crate::postgres::proxy) last: Option<Arc<str>>,
    /// What `SET TRANSACTION` has made of its implicit transaction, and whether a query has run in
    /// it.
    pub(in crate::postgres::proxy) modes: Modes,
    pub(in crate::postgres::proxy) queried: bool,
    /// It has set a limit by which the server ends connections.
    pub(in crate::postgres::proxy) ends_backend: bool,
    /// The check of deferred constraints is sent.
    pub(in crate::postgres::proxy) checked: bool,
    /// The server takes a pipeline for a block, from its second statement on.
    pub(in crate::postgres::proxy) pipelines: bool,
    /// A statement of a pipeline was executed before.
    pub(in crate::postgres::proxy) piped: bool,
    /// It ends without `ReadyForQuery`.
    pub(in crate::postgres::proxy) is_silent: bool,
    /// Deferred constraints are checked when everything else is answered.
    pub(in crate::postgres::proxy) must_check: bool,
    /// Whether the backend was sent a Flush.
    pub(in crate::postgres::proxy) flushed: bool,
    pub(in crate::postgres::proxy) sql_prepared: Vec<String>,
}

#[derive(Debug)]
pub(in crate::postgres::proxy) enum UnitKind {
    Simple {
        script: Rc<Script>,
        next: usize,
    },
    /// A function call.
    Call(Vec<u8>),
    Extended {
        synced: bool,
    },
}

/// A fault's delay of the next step.
#[derive(Clone, Debug, Default)]
pub(in crate::postgres::proxy) enum Delay {
    #[default]
    None,
    /// Then fails or disconnects.
    Until(Instant, Option<(String, String)>, bool),
    /// The fault has been looked up, and the step may go on.
    Passed,
}

/// Why deferred constraints are checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::postgres::proxy) enum Check {
    Commit {
        chain: bool,
    },
    /// A `COMMIT` that ends an implicit transaction.
    Early,
    /// A statement outside of a transaction.
    Auto,
    /// Not constraints: whether the tables of a `VACUUM` exist.
    Tables,
}

impl Unit {
    pub(in crate::postgres::proxy) fn new(kind: UnitKind) -> Self {
        Self {
            kind,
            entered: false,
            hidden: false,
            failed: false,
            backend_failed: false,
            copying: false,
            awaits_copy: false,
            delay: Delay::None,
            checking: None,
            held: Vec::new(),
            record: None,
            error: None,
            changed_schema: false,
            ran: false,
            undone: false,
            is_over: false,
            resets: false,
            last: None,
            pipelines: false,
            ends_backend: false,
            checked: false,
            piped: false,
            modes: Modes::default(),
            queried: false,
            must_check: false,
            is_silent: false,
            flushed: false,
            sql_prepared: Vec::new(),
        }
    }

    /// Whether it consists of several statements that are one implicit transaction.
    pub(in crate::postgres::proxy) fn is_block(&self) -> bool {
        match &self.kind {
            UnitKind::Simple { script, .. } => script.is_block,
            UnitKind::Extended { .. } => self.pipelines && self.piped,
            UnitKind::Call(_) => false,
        }
    }
}
