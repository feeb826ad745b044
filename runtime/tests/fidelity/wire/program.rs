//! What the clients say.

use std::fmt;

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
    /// Hears so many `ReadyForQuery`.
    Hear(usize),
    /// Hears up to a message of one of these kinds.
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
        let last = self.last.as_ref().map(|last| match self.is_cut_short {
            true => last.cut_short(connection),
            false => last.sent(connection),
        });
        let mut out = last.unwrap_or_default();
        if self.terminates {
            put(&mut out, b'X', &[]);
        }
        out
    }
}

/// The length of a Sync.
const SYNC: usize = 5;

fn put_statement(out: &mut Vec<u8>, sql: &str, limit: u8) {
    put(out, b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"]);
    put(out, b'B', &[b"\0\0\0\0\0\0\0\0"]);
    put(out, b'D', &[b"P\0"]);
    put(out, b'E', &[b"\0", &u32::from(limit).to_be_bytes()]);
}

fn put_prepared(out: &mut Vec<u8>, sql: &str) {
    put(out, b'P', &[b"named\0", sql.as_bytes(), b"\0\0\0"]);
    put(out, b'D', &[b"Snamed\0"]);
    put(out, b'S', &[]);
    put(out, b'B', &[b"\0named\0\0\0\0\0\0\0"]);
    put(out, b'E', &[b"\0\0\0\0\0"]);
    for _ in 0..2 {
        put(out, b'C', &[b"Snamed\0"]);
        put(out, b'S', &[]);
    }
}

fn copy_begins(is_simple: bool) -> Vec<u8> {
    const COPY: &[u8] = b"copy items (name) from stdin";
    let mut out = Vec::new();
    if is_simple {
        put(&mut out, b'Q', &[COPY, b"\0"]);
    } else {
        put(&mut out, b'P', &[b"rows\0", COPY, b"\0\0\0"]);
        put(&mut out, b'B', &[b"\0rows\0\0\0\0\0\0\0"]);
        put(&mut out, b'E', &[b"\0\0\0\0\0"]);
        put(&mut out, b'H', &[]);
    }
    out
}

fn put_rows(out: &mut Vec<u8>, rows: &[u8]) {
    for row in rows {
        put(out, b'd', &[format!("n{row}\n").as_bytes()]);
    }
}

fn put_end_of_copy(out: &mut Vec<u8>, is_simple: bool, fails: bool) {
    if fails {
        put(out, b'f', &[b"no more\0"]);
    } else {
        put(out, b'c', &[]);
    }
    if !is_simple {
        put(out, b'S', &[]);
        put(out, b'C', &[b"Srows\0"]);
        put(out, b'S', &[]);
    }
}

impl Part {
    fn put(&self, out: &mut Vec<u8>, own: impl Fn(&str) -> String) {
        let named = |kind: &str, name: &str| format!("{kind}{name}\0").into_bytes();
        match self {
            Self::Parse(name, sql) => put(
                out,
                b'P',
                &[&named("", name), own(sql).as_bytes(), b"\0\0\0"],
            ),
            Self::Bind(portal, name) => {
                put(out, b'B', &[&named("", portal), &named("", name), &[0; 6]]);
            }
            Self::DescribeStatement(name) => put(out, b'D', &[&named("S", name)]),
            Self::DescribePortal(name) => put(out, b'D', &[&named("P", name)]),
            Self::Execute(portal, limit) => put(
                out,
                b'E',
                &[&named("", portal), &u32::from(*limit).to_be_bytes()],
            ),
            Self::CloseStatement(name) => put(out, b'C', &[&named("S", name)]),
            Self::ClosePortal(name) => put(out, b'C', &[&named("P", name)]),
            Self::Flush => put(out, b'H', &[]),
            Self::Sync => put(out, b'S', &[]),
        }
    }
}

fn put(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    out.push(kind);
    out.extend_from_slice(
        &u32::try_from(length + 4)
            .expect("it is short")
            .to_be_bytes(),
    );
    out.extend_from_slice(&parts.concat());
}
