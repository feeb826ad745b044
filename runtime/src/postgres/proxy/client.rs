//! A virtual connection.

mod unit;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    rc::Rc,
    sync::Arc,
    time::Instant,
};

pub(super) use self::unit::{Check, Delay, Unit, UnitKind};
use super::{
    api::ClientId,
    control::{Modes, OnCommit},
    protocol::Inbox,
    settings::{Settings, Value},
    statements::Prepared,
};
use crate::observe::recording::Parameter;

/// How far a connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Stage {
    /// Its startup message has not come.
    #[default]
    Starting,
    /// Its startup message names another role or database than the test's; the server is asked
    /// about them.
    Naming,
    Open,
    /// It asks to cancel what another one does, or has asked.
    Canceling(Option<ClientId>),
    /// It ends as soon as what runs for it is over.
    Leaving,
    /// Its test has ended; what it still asks is refused at that time.
    Late(Option<Instant>),
    Gone,
}

/// What is done, or undone, with the transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    /// Settings that end with the transaction.
    pub(super) locals: BTreeMap<Rc<str>, Value>,
    /// Channel and payload.
    pub(super) notes: Vec<(String, String)>,
    /// Channels to listen to, or not; `None` is every channel.
    pub(super) listens: Vec<(Option<String>, bool)>,
    pub(super) temporaries: Vec<(String, OnCommit)>,
    /// Whether something temporary that is no table may have been made.
    pub(super) makes_temporary: bool,
    pub(super) cursors: Vec<String>,
}

/// A virtual transaction.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the protocol, each said by its name"
)]
pub(super) struct Transaction {
    pub(super) failed: bool,
    /// Whether the backend has its savepoint.
    pub(super) entered: bool,
    /// Whether a statement was run in it.
    pub(super) queried: bool,
    /// When it was begun.
    pub(super) began: Instant,
    pub(super) level: String,
    pub(super) read_only: bool,
    /// It was begun by `AND CHAIN`; a failure does not forget its modes then.
    pub(super) chained: bool,
    /// Who need not wait for it any more.
    pub(super) guests: BTreeSet<ClientId>,
    /// The last statement in it.
    pub(super) last: Option<Arc<str>>,
}

/// A statement with its parameters.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) statement: Rc<Prepared>,
    pub(super) parameters: Vec<Parameter>,
    /// It was a control statement, and is done.
    pub(super) is_done: bool,
}

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the connection, each said by its name"
)]
pub(super) struct Client {
    pub(super) stage: Stage,
    /// The test that it is of.
    pub(super) test: Option<&'static str>,
    pub(super) inbox: Inbox,
    /// The version and the body of a startup message that the server is asked about.
    pub(super) naming: Option<(u32, Vec<u8>)>,
    pub(super) out: Vec<u8>,
    /// It sends nothing more.
    pub(super) is_finished: bool,
    /// It does not read any more, either: its socket is closed.
    pub(super) is_closed: bool,
    pub(super) unit: Option<Unit>,
    pub(super) transaction: Option<Transaction>,
    pub(super) statements: HashMap<String, Rc<Prepared>>,
    pub(super) portals: HashMap<String, Portal>,
    /// The settings of its startup message.
    pub(super) startup: Settings,
    /// Its settings without those of its transaction.
    pub(super) session: Settings,
    pub(super) pending: Rc<Pending>,
    /// Its settings with those of its transaction.
    pub(super) effective: Settings,
    /// Stands for its search path and role.
    pub(super) namespace: u32,
    pub(super) virtuals: BTreeMap<String, String>,
    pub(super) listens: BTreeSet<String>,
    /// Notifications that it has not received: sender, channel, payload.
    pub(super) notified: Vec<(ClientId, String, String)>,
    /// Statements prepared in SQL, by their own names.
    pub(super) sql_prepared: BTreeSet<String>,
    /// Names of cursors that it has declared `WITH HOLD`.
    pub(super) holdable_cursors: Vec<String>,
    /// Temporary tables that stay after a commit.
    pub(super) temporaries: Vec<(String, OnCommit)>,
    /// Whether it may have something temporary that is no table.
    pub(super) made_temporary: bool,
    /// What it knows of the server's parameters, and of which revision.
    pub(super) reported: Rc<BTreeMap<Rc<str>, Rc<str>>>,
    pub(super) revision: u64,
    /// A setting of which the server reports changes was changed by what may still be undone.
    pub(super) changed_reported: bool,
    /// The control statement of the extended protocol that is being done.
    pub(super) executing: Option<Arc<str>>,
    /// The most rows of it that the client wants.
    pub(super) executing_limit: u32,
    /// Whether a control statement of the extended protocol was done.
    pub(super) passed_control: bool,
    /// Since when it waits for the backend.
    pub(super) waiting: Option<Instant>,
    pub(super) last_active: Option<Instant>,
}

impl Client {
    /// Whether there is nothing to do for it.
    pub(super) fn is_idle(&self) -> bool {
        self.unit.is_none()
            && !self.inbox.has_message()
            && self.notified.is_empty()
            && match self.stage {
                Stage::Starting | Stage::Open | Stage::Late(None) => !self.is_finished,
                Stage::Gone => true,
                Stage::Naming | Stage::Canceling(_) | Stage::Leaving | Stage::Late(Some(_)) => {
                    false
                }
            }
    }

    /// Whether nothing may be sent to it any more.
    pub(super) fn gets_nothing(&self) -> bool {
        self.is_closed || self.stage == Stage::Gone
    }

    /// The status byte of `ReadyForQuery`.
    pub(super) fn status(&self) -> u8 {
        match &self.transaction {
            None => b'I',
            Some(transaction) if transaction.failed => b'E',
            Some(_) => b'T',
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.transaction
            .as_ref()
            .is_some_and(|transaction| transaction.failed)
    }

    /// Begins a transaction, and sends nothing to the backend yet.
    pub(super) fn begin(&mut self, modes: &Modes, level: &str, read_only: bool, now: Instant) {
        self.transaction = Some(Transaction {
            failed: false,
            entered: false,
            queried: false,
            began: now,
            level: modes.level.clone().unwrap_or_else(|| level.to_owned()),
            read_only: modes.read_only.unwrap_or(read_only),
            chained: false,
            guests: BTreeSet::new(),
            last: None,
        });
    }

    /// Whether it may have something in the temporary schema, which all clients share.
    pub(super) fn has_temporaries(&self) -> bool {
        self.made_temporary
            || self.pending.makes_temporary
            || !self.temporaries.is_empty()
            || !self.pending.temporaries.is_empty()
    }

    /// Makes the settings with those of the transaction anew.
    pub(super) fn combine_settings(&mut self) {
        if self.pending.locals.is_empty() {
            self.effective = Rc::clone(&self.session);
            return;
        }
        let mut all = (*self.session).clone();
        let locals = self.pending.locals.iter();
        all.extend(locals.map(|(name, value)| (Rc::clone(name), value.clone())));
        self.effective = Rc::new(all);
    }

    /// Whether a setting that is on or off is on.
    pub(super) fn is_on(&self, name: &str) -> bool {
        matches!(self.effective.get(name), Some(Value::Sql(sql)) if {
            let value = sql.rsplit([' ', '=', ',']).find(|word| !matches!(*word, "" | "false)"));
            value.is_some_and(|value| super::control::is_on(value.trim_matches('\'')))
        })
    }
}
