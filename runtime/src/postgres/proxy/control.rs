//! What the text of a statement says that the proxy has to know: transaction control, settings,
//! names that belong to a connection.

mod access;
mod advisory;
mod changes;
mod commands;
mod definition;
mod modes;
mod recognize;
mod transaction;
mod vacuum;
mod words;

pub(super) use self::{
    access::{Access, Verb},
    advisory::{Action, Advisory},
    changes::{VIRTUAL, is_on},
    recognize::recognize,
};

/// A statement that the proxy answers itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Control {
    Begin {
        modes: Modes,
        tag: &'static str,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(String),
    Release(String),
    RollbackTo(String),
    PrepareTransaction,
    /// `COMMIT PREPARED`, `ROLLBACK PREPARED`, with the name.
    FinishPrepared {
        what: &'static str,
        name: String,
    },
    /// With the words of which the server warns outside of a transaction.
    SetTransaction(Modes, Option<&'static str>),
    Listen(String),
    /// `None` is every channel.
    Unlisten(Option<String>),
    Notify {
        channel: String,
        payload: String,
    },
    DiscardAll,
    DeallocateAll,
    /// A setting that the proxy keeps for itself.
    SetVirtual {
        name: String,
        value: String,
    },
    ShowVirtual(String),
    /// With the tables that it names. It does nothing that a test sees.
    Vacuum(Vec<String>),
}

impl Control {
    /// Whether a failed transaction takes it.
    pub(super) fn ends_failure(&self) -> bool {
        matches!(
            self,
            Self::Commit { .. }
                | Self::Rollback { .. }
                | Self::RollbackTo(_)
                | Self::PrepareTransaction
        )
    }
}

/// The modes of a transaction.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Modes {
    pub(super) read_only: Option<bool>,
    pub(super) level: Option<String>,
}

/// What an argument of a function is, as far as the text says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Argument {
    Literal(String),
    /// A parameter, counted from one.
    Parameter(usize),
    Unknown,
}

/// A setting that a statement changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Change {
    pub(super) name: Argument,
    pub(super) is_local: bool,
    pub(super) to: NewValue,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum NewValue {
    /// The statement that sets it again.
    Sql(String),
    /// A value, as `set_config` takes it.
    Value(Argument),
    Default,
    /// Every setting gets its default.
    AllDefaults,
}

/// What happens to a temporary table at the commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OnCommit {
    Keep,
    Drop,
    DeleteRows,
}

/// `PREPARE`, `EXECUTE` or `DEALLOCATE` of a name, which stands at a place in the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct SqlPrepared {
    pub(super) verb: PreparedVerb,
    pub(super) name: String,
    pub(super) at: (usize, usize),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PreparedVerb {
    Prepare,
    Execute,
    Deallocate,
}

/// How a statement has the time at which its transaction began.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ReadsClock {
    /// By a function, which may show what the proxy says.
    Call,
    /// By a word of the language.
    Keyword,
}

/// What is known of one statement.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the protocol, each said by its name"
)]
pub(super) struct Info {
    pub(super) control: Option<Control>,
    pub(super) is_empty: bool,
    /// Its first word, if no command begins with it.
    pub(super) unknown: Option<String>,
    pub(super) changes: Vec<Change>,
    /// Refused outside of a transaction.
    pub(super) needs_block: Option<&'static str>,
    /// Refused inside of one.
    pub(super) refuses_block: Option<&'static str>,
    /// Warns outside of a transaction that it means nothing there.
    pub(super) warns_outside: Option<&'static str>,
    /// `SET LOCAL`.
    pub(super) is_set_local: bool,
    /// The server takes no snapshot for it, so that modes of the transaction can still be set.
    pub(super) needs_no_snapshot: bool,
    /// It may ask the client for rows, during which the server takes nothing else.
    pub(super) is_copy: bool,
    /// What the server is asked in its place.
    pub(super) rewritten: Option<String>,
    /// How it has the time at which its transaction began.
    pub(super) reads_clock: Option<ReadsClock>,
    /// The advisory locks that it takes or releases, if it does nothing else.
    pub(super) advisory: Vec<Advisory>,
    /// A cursor that ends with its transaction.
    pub(super) cursor: Option<String>,
    /// One that outlives it.
    pub(super) holdable_cursor: Option<String>,
    /// A temporary table.
    pub(super) temporary: Option<(String, OnCommit)>,
    /// It may make something temporary that is no table, or whose name its words do not say.
    pub(super) makes_temporary: bool,
    pub(super) prepared: Option<SqlPrepared>,
    /// Channel and payload of each `pg_notify` in the text.
    pub(super) notifies: Vec<(Argument, Argument)>,
    pub(super) access: Access,
    /// It may make or change a constraint that can be deferred.
    pub(super) is_about_deferral: bool,
}
