//! What the clients say.

use std::fmt;

use super::bytes::{
    SYNC, copy_begins, put, put_end_of_copy, put_prepared, put_rows, put_statement,
};

/// Messages of one connection.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) connection: usize,
    pub(super) asked: Vec<Message>,
    /// The connection ends after that, and another one takes its place.
    pub(super) ending: Option<Ending>,
}

/// How a connection ends. Either way its client reads on until the server closes it.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// What it says without waiting for the answer.
    pub(super) last: Option<Message>,
    /// Without the Sync of a pipeline, or the end of a COPY.
    pub(super) is_cut_short: bool,
    /// It takes its leave; else it only stops to write.
    pub(super) terminates: bool,
}

/// What a client does.
pub(super) enum Action {
    Send(Vec<u8>),
    /// Reads so many `ReadyForQuery`.
    Hear(usize),
    /// Reads up to a message of one of these kinds.
    HearOf(&'static [u8]),
    /// Has the server cancel what the connection does, and waits until it has handled that.
    Cancel,
}

/// What is said at once.
#[derive(Clone)]
pub(super) enum Message {
    /// One simple query, of any number of statements.
    Simple(Vec<String>),
    /// Statements of the extended protocol up to one Sync, each with a row limit (zero for none).
    Extended(Vec<(String, u8)>),
    /// The same with a name, in two groups: prepared first, executed after.
    Prepared(String),
    /// Single messages of the extended protocol, in any order; a Sync ends them.
    Pipeline(Vec<Part>),
    /// A request to cancel while nothing runs.
    Cancel,
    /// The same between two statements of a pipeline, of which the first one is answered.
    CancelWithin(String, String),
    /// Both without waiting for the answer to the first one.
    Both(Box<(Message, Message)>),
    /// Rows for a COPY, and whether it succeeds, or is canceled before they come.
    CopyIn {
        is_simple: bool,
        rows: Vec<u8>,
        fails: bool,
        is_canceled: bool,
    },
}

/// One message of the extended protocol.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Parse(&'static str, String),
    Bind(&'static str, &'static str),
    DescribeStatement(&'static str),
    DescribePortal(&'static str),
    Execute(&'static str, u8),
    CloseStatement(&'static str),
    ClosePortal(&'static str),
    Flush,
    Sync,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(statements) => write!(f, "{}", statements.join("; ")),
            Self::Extended(statements) => write!(f, "pipelined {statements:?}"),
            Self::Prepared(sql) => write!(f, "prepared {sql}"),
            Self::Pipeline(parts) => write!(f, "{parts:?}"),
            Self::Cancel => f.write_str("cancel"),
            Self::Both(both) => write!(f, "{:?}, {:?}", both.0, both.1),
            Self::CancelWithin(first, second) => {
                write!(f, "pipelined {first}, cancel, {second}")
            }
            Self::CopyIn {
                is_simple,
                rows,
                fails,
                is_canceled,
            } => write!(
                f,
                "copy {rows:?}, simple: {is_simple}, fails: {fails}, canceled: {is_canceled}"
            ),
        }
    }
}

impl Message {
    /// What a client does to say this. In the place of `#` is the number of the connection, in
    /// names that connections would otherwise share.
    pub(super) fn actions(&self, connection: usize) -> Vec<Action> {
        let own = |sql: &str| sql.replace('#', &connection.to_string());
        let mut out = Vec::new();
        let answers = match self {
            Self::Simple(statements) => {
                let sql = own(&statements.join("; "));
                put(&mut out, b'Q', &[sql.as_bytes(), b"\0"]);
                1
            }
            Self::Extended(statements) => {
                for (sql, limit) in statements {
                    put_statement(&mut out, &own(sql), *limit);
                }
                put(&mut out, b'S', &[]);
                1
            }
            Self::Prepared(sql) => {
                put_prepared(&mut out, &own(sql));
                3
            }
            Self::Pipeline(parts) => {
                for part in parts {
                    part.put(&mut out, own);
                }
                put(&mut out, b'S', &[]);
                let syncs = parts.iter().filter(|part| matches!(part, Part::Sync));
                syncs.count() + 1
            }
            Self::Cancel => return vec![Action::Cancel],
            Self::CancelWithin(first, second) => {
                put_statement(&mut out, &own(first), 0);
                put(&mut out, b'H', &[]);
                let mut rest = Vec::new();
                put_statement(&mut rest, &own(second), 0);
                put(&mut rest, b'S', &[]);
                return vec![
                    Action::Send(out),
                    Action::HearOf(b"CEI"),
                    Action::Cancel,
                    Action::Send(rest),
                    Action::Hear(1),
                ];
            }
            Self::Both(both) => {
                let sent = [both.0.sent(connection), both.1.sent(connection)];
                return vec![Action::Send(sent.concat()), Action::Hear(2)];
            }
            Self::CopyIn {
                is_simple,
                rows,
                fails,
                is_canceled,
            } => {
                let mut actions = vec![Action::Send(copy_begins(*is_simple))];
                if *is_canceled {
                    actions.extend([Action::HearOf(b"GE"), Action::Cancel]);
                }
                put_rows(&mut out, rows);
                put_end_of_copy(&mut out, *is_simple, *fails);
                let answers = if *is_simple { 1 } else { 2 };
                actions.extend([Action::Send(out), Action::Hear(answers)]);
                return actions;
            }
        };
        vec![Action::Send(out), Action::Hear(answers)]
    }

    /// This one and the next one, each of which has one `ReadyForQuery`.
    pub(super) fn followed_by(self, next: Self) -> Self {
        Self::Both(Box::new((self, next)))
    }

    /// The same without its end: a Flush in the place of the Sync, or nothing in the place of the
    /// end of a COPY.
    fn cut_short(&self, connection: usize) -> Vec<u8> {
        match self {
            Self::CopyIn {
                is_simple, rows, ..
            } => {
                let mut out = copy_begins(*is_simple);
                put_rows(&mut out, rows);
                out
            }
            Self::Extended(_) | Self::Pipeline(_) => {
                let mut out = self.sent(connection);
                out.truncate(out.len() - SYNC);
                put(&mut out, b'H', &[]);
                out
            }
            _ => self.sent(connection),
        }
    }

    fn sent(&self, connection: usize) -> Vec<u8> {
        let sent = |action| match action {
            Action::Send(bytes) => bytes,
            _ => Vec::new(),
        };
        let actions = self.actions(connection).into_iter();
        actions.flat_map(sent).collect()
    }
}

impl Ending {
    pub(super) fn is_within_copy(&self) -> bool {
        self.is_cut_short && matches!(self.last, Some(Message::CopyIn { .. }))
    }

    pub(super) fn bytes(&self, connection: usize) -> Vec<u8> {
        let last = self.last.as_ref().map(|last| {
            if self.is_cut_short {
                last.cut_short(connection)
            } else {
                last.sent(connection)
            }
        });
        let mut out = last.unwrap_or_default();
        if self.terminates {
            put(&mut out, b'X', &[]);
        }
        out
    }
}
