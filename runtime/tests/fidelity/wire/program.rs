//! What the clients say.

use std::fmt;

use proptest::{collection::vec, prelude::*, sample::select};

/// Messages of one connection.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) connection: usize,
    pub(super) asked: Vec<Message>,
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
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(statements) => write!(f, "{}", statements.join("; ")),
            Self::Extended(statements) => write!(f, "pipelined {statements:?}"),
            Self::Prepared(sql) => write!(f, "prepared {sql}"),
        }
    }
}

impl Message {
    pub(super) fn rollback() -> Self {
        Self::Simple(vec!["rollback".to_owned()])
    }

    /// The bytes, and how many `ReadyForQuery` answer them.
    pub(super) fn bytes(&self) -> (Vec<u8>, usize) {
        let mut out = Vec::new();
        match self {
            Self::Simple(statements) => {
                put(&mut out, b'Q', &[statements.join("; ").as_bytes(), b"\0"]);
                (out, 1)
            }
            Self::Extended(statements) => {
                for (sql, limit) in statements {
                    put(&mut out, b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"]);
                    put(&mut out, b'B', &[b"\0\0\0\0\0\0\0\0"]);
                    put(&mut out, b'D', &[b"P\0"]);
                    put(&mut out, b'E', &[b"\0", &u32::from(*limit).to_be_bytes()]);
                }
                put(&mut out, b'S', &[]);
                (out, 1)
            }
            Self::Prepared(sql) => {
                put(&mut out, b'P', &[b"named\0", sql.as_bytes(), b"\0\0\0"]);
                put(&mut out, b'D', &[b"Snamed\0"]);
                put(&mut out, b'S', &[]);
                put(&mut out, b'B', &[b"\0named\0\0\0\0\0\0\0"]);
                put(&mut out, b'E', &[b"\0\0\0\0\0"]);
                put(&mut out, b'C', &[b"Snamed\0"]);
                put(&mut out, b'S', &[]);
                put(&mut out, b'C', &[b"Snamed\0"]);
                put(&mut out, b'S', &[]);
                (out, 3)
            }
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

const STATEMENTS: &[&str] = &[
    "insert into items (name, price) values ('n?', ?)",
    "insert into items (name) values ('n?') on conflict (name) do update set price = items.price + 1 returning name",
    "update items set price = price - ? where name like 'n%' returning name",
    "delete from items where name = 'n?'",
    "select name || price from items order by name",
    "select 1 / ?",
    "nonsense ?",
    "",
    "insert into parts values (98765?)",
    "insert into ranks values (?)",
    "set constraints all immediate",
    "create table t? (n int)",
    "insert into t? values (1)",
    "drop table t?",
    "alter table items add column c? text",
    "do $$ begin insert into items (name) values ('n?'); exception when others then null; end $$",
    "show statement_timeout",
    "set statement_timeout = '1?s'",
    "set local statement_timeout = '2?s'",
    "reset statement_timeout",
    "select set_config('app.tenant', '?', true)",
    "select coalesce(nullif(current_setting('app.tenant', true), ''), 'none')",
    "show transaction_isolation",
    "show transaction_read_only",
    "lock table items",
    "declare walk cursor for select name from items order by name",
    "fetch 1 from walk",
    "close walk",
    "create temporary table temp? (n int) on commit drop",
    "prepare mine as select ?",
    "execute mine",
    "deallocate mine",
    "select generate_series(1, 3 + ?)",
    "vacuum items",
    "vacuum t?",
];

const CONTROL: &[&str] = &[
    "begin",
    "begin isolation level repeatable read",
    "start transaction read only",
    "commit",
    "end",
    "rollback",
    "abort",
    "commit and chain",
    "rollback and chain",
    "savepoint mine",
    "savepoint other",
    "rollback to mine",
    "rollback to savepoint other",
    "release mine",
    "set transaction isolation level serializable",
    "set transaction read only",
];

fn statement() -> impl Strategy<Value = String> {
    let one = prop_oneof![3 => select(STATEMENTS), 2 => select(CONTROL)];
    (one, 0..3_u8).prop_map(|(sql, number)| sql.replace('?', &number.to_string()))
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        3 => statement().prop_map(|sql| Message::Simple(vec![sql])),
        2 => vec(statement(), 2..4).prop_map(Message::Simple),
        3 => vec((statement(), prop_oneof![4 => Just(0), 1 => 1..3_u8]), 1..3).prop_map(Message::Extended),
        1 => statement().prop_map(Message::Prepared),
    ]
}

pub(super) fn program() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3_usize, vec(message(), 1..6))
        .prop_map(|(connection, asked)| Step { connection, asked });
    vec(step, 1..6)
}
