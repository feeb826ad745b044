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
    /// Single messages of the extended protocol, in any order; a Sync ends them.
    Pipeline(Vec<Part>),
    /// Rows for a COPY, and whether it succeeds.
    CopyIn {
        is_simple: bool,
        rows: Vec<u8>,
        fails: bool,
    },
}

/// One message of the extended protocol. Statements and portals have few names, so that they meet.
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

const STATEMENT_NAMES: &[&str] = &["", "a", "B b"];
const PORTAL_NAMES: &[&str] = &["", "p"];

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(statements) => write!(f, "{}", statements.join("; ")),
            Self::Extended(statements) => write!(f, "pipelined {statements:?}"),
            Self::Prepared(sql) => write!(f, "prepared {sql}"),
            Self::Pipeline(parts) => write!(f, "{parts:?}"),
            Self::CopyIn {
                is_simple,
                rows,
                fails,
            } => write!(f, "copy {rows:?}, simple: {is_simple}, fails: {fails}"),
        }
    }
}

impl Message {
    pub(super) fn rollback() -> Self {
        Self::Simple(vec!["rollback".to_owned()])
    }

    /// The bytes, and how many `ReadyForQuery` answer them. In the place of `#` is the number of
    /// the connection, in names that connections would otherwise share.
    pub(super) fn bytes(&self, connection: usize) -> (Vec<u8>, usize) {
        let own = |sql: &str| sql.replace('#', &connection.to_string());
        let mut out = Vec::new();
        match self {
            Self::Simple(statements) => {
                let sql = own(&statements.join("; "));
                put(&mut out, b'Q', &[sql.as_bytes(), b"\0"]);
                (out, 1)
            }
            Self::Extended(statements) => {
                for (sql, limit) in statements {
                    put(&mut out, b'P', &[b"\0", own(sql).as_bytes(), b"\0\0\0"]);
                    put(&mut out, b'B', &[b"\0\0\0\0\0\0\0\0"]);
                    put(&mut out, b'D', &[b"P\0"]);
                    put(&mut out, b'E', &[b"\0", &u32::from(*limit).to_be_bytes()]);
                }
                put(&mut out, b'S', &[]);
                (out, 1)
            }
            Self::Prepared(sql) => {
                put(
                    &mut out,
                    b'P',
                    &[b"named\0", own(sql).as_bytes(), b"\0\0\0"],
                );
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
            Self::Pipeline(parts) => {
                for part in parts {
                    part.put(&mut out, own);
                }
                put(&mut out, b'S', &[]);
                let syncs = parts.iter().filter(|part| matches!(part, Part::Sync));
                let syncs = syncs.count();
                (out, syncs + 1)
            }
            Self::CopyIn {
                is_simple,
                rows,
                fails,
            } => {
                const COPY: &[u8] = b"copy items (name) from stdin";
                if *is_simple {
                    put(&mut out, b'Q', &[COPY, b"\0"]);
                } else {
                    put(&mut out, b'P', &[b"rows\0", COPY, b"\0\0\0"]);
                    put(&mut out, b'B', &[b"\0rows\0\0\0\0\0\0\0"]);
                    put(&mut out, b'E', &[b"\0\0\0\0\0"]);
                }
                for row in rows {
                    put(&mut out, b'd', &[format!("n{row}\n").as_bytes()]);
                }
                if *fails {
                    put(&mut out, b'f', &[b"no more\0"]);
                } else {
                    put(&mut out, b'c', &[]);
                }
                if !is_simple {
                    put(&mut out, b'S', &[]);
                    put(&mut out, b'C', &[b"Srows\0"]);
                    put(&mut out, b'S', &[]);
                }
                (out, if *is_simple { 1 } else { 2 })
            }
        }
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
    "prepare mine (int) as select $1 + ?",
    "execute mine(?)",
    "explain (costs off) execute mine",
    "deallocate prepare mine",
    "deallocate all",
    "discard all",
    "discard temp",
    "discard plans",
    "copy (select name from items order by name) to stdout",
    "declare held# cursor with hold for select generate_series(1, 3) || '?'",
    "declare scrolled scroll cursor for select generate_series(1, 9)",
    "fetch backward 1 from scrolled",
    "move 2 in scrolled",
    "fetch ? from held#",
    "close held#",
    "close all",
    "set application_name = 'n?'",
    "reset all",
    "set datestyle = 'SQL, DMY'",
    "select current_setting('application_name')",
    "select name, broken from items",
    "select 'x?'::int",
    "do $$ begin raise notice 'number %', ?; end $$",
    "do $$ begin raise warning 'careful'; raise exception 'no ?' using errcode = 'ZX123'; end $$",
    "drop table if exists t?, nowhere",
    "select pg_try_advisory_xact_lock(#, ?)",
    "select pg_try_advisory_lock(#, ?)",
    "select pg_advisory_unlock(#, ?)",
    "update ranks set place = place + 1",
    "truncate ranks",
    "set local search_path to nowhere",
    "set role fidelity_other",
    "set local role fidelity_other",
    "reset role",
    "select current_user = session_user",
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
    "savepoint \"Mine\"",
    "savepoint MINE",
    "rollback to \"Mine\"",
    "rollback to Mine",
    "release savepoint \"Mine\"",
    "release savepoint nowhere",
    "savepoint \"it's; \"\"quoted\"\"\"",
    "rollback to savepoint \"it's; \"\"quoted\"\"\"",
    "begin read write",
    "set session characteristics as transaction read only",
    "set session characteristics as transaction isolation level read committed, read write",
    "set local transaction_read_only = on",
    "rollback work and no chain",
];

fn statement() -> impl Strategy<Value = String> {
    let one = prop_oneof![3 => select(STATEMENTS), 2 => select(CONTROL)];
    (one, 0..3_u8).prop_map(|(sql, number)| sql.replace('?', &number.to_string()))
}

fn part() -> impl Strategy<Value = Part> {
    let (statements, portals) = (|| select(STATEMENT_NAMES), || select(PORTAL_NAMES));
    prop_oneof![
        4 => (statements(), statement()).prop_map(|(name, sql)| Part::Parse(name, sql)),
        4 => (portals(), statements()).prop_map(|(portal, name)| Part::Bind(portal, name)),
        1 => statements().prop_map(Part::DescribeStatement),
        1 => portals().prop_map(Part::DescribePortal),
        4 => (portals(), 0..3_u8).prop_map(|(portal, limit)| Part::Execute(portal, limit)),
        1 => statements().prop_map(Part::CloseStatement),
        1 => portals().prop_map(Part::ClosePortal),
        1 => Just(Part::Flush),
        1 => Just(Part::Sync),
    ]
}

/// Without what names the unnamed portal of an earlier group: the proxy's own queries end it.
fn without_stale(mut parts: Vec<Part>) -> Vec<Part> {
    let mut is_bound = false;
    parts.retain(|part| match part {
        Part::Execute("", _) | Part::DescribePortal("") => is_bound,
        Part::Bind("", _) => {
            is_bound = true;
            true
        }
        Part::Sync => {
            is_bound = false;
            true
        }
        _ => true,
    });
    parts
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        3 => statement().prop_map(|sql| Message::Simple(vec![sql])),
        2 => vec(statement(), 2..4).prop_map(Message::Simple),
        3 => vec((statement(), prop_oneof![4 => Just(0), 1 => 1..3_u8]), 1..3).prop_map(Message::Extended),
        1 => statement().prop_map(Message::Prepared),
        3 => vec(part(), 1..9).prop_map(|parts| Message::Pipeline(without_stale(parts))),
        1 => (any::<bool>(), vec(0..4_u8, 0..3), any::<bool>()).prop_map(|(is_simple, rows, fails)| {
            Message::CopyIn { is_simple, rows, fails }
        }),
    ]
}

pub(super) fn program() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..3_usize, vec(message(), 1..6))
        .prop_map(|(connection, asked)| Step { connection, asked });
    vec(step, 1..6)
}
