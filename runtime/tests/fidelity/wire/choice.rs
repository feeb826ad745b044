//! Choosing programs at random.

use proptest::{collection::vec, prelude::*, sample::select};

use super::program::{Ending, Message, Part, Step};

/// Statements and portals have few names, so that they meet.
const STATEMENT_NAMES: &[&str] = &["", "a", "B b"];
const PORTAL_NAMES: &[&str] = &["", "p"];

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

/// Says that it runs, and is canceled then. The server signals a request twice, so what follows is
/// skipped or waits until it has handled that: nothing catches the error, and no Sync follows.
const SLOW: &[&str] = &[
    "select slow()",
    "insert into items (name) select 'n?' from slow()",
    "copy (select slow()) to stdout",
    "declare lazy cursor for select slow()",
    "fetch 1 from lazy",
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

/// A statement that is not canceled.
fn quick() -> impl Strategy<Value = String> {
    let one = prop_oneof![3 => select(STATEMENTS), 2 => select(CONTROL)];
    (one, 0..3_u8).prop_map(|(sql, number)| sql.replace('?', &number.to_string()))
}

fn statement() -> impl Strategy<Value = String> {
    let one = prop_oneof![15 => select(STATEMENTS), 10 => select(CONTROL), 2 => select(SLOW)];
    (one, 0..3_u8).prop_map(|(sql, number)| sql.replace('?', &number.to_string()))
}

fn part() -> impl Strategy<Value = Part> {
    let (statements, portals) = (|| select(STATEMENT_NAMES), || select(PORTAL_NAMES));
    prop_oneof![
        4 => (statements(), quick()).prop_map(|(name, sql)| Part::Parse(name, sql)),
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

/// Without what names the unnamed portal of an earlier group, except directly after that: what the
/// proxy asks, after a change of the schema for instance, ends it.
fn without_stale(mut parts: Vec<Part>) -> Vec<Part> {
    let (mut is_bound, mut follows_sync) = (false, false);
    parts.retain(|part| match part {
        Part::Execute("", _) | Part::DescribePortal("") => is_bound,
        Part::Bind("", _) => {
            (is_bound, follows_sync) = (true, false);
            true
        }
        Part::Sync => {
            follows_sync = true;
            true
        }
        Part::Flush => true,
        _ => {
            is_bound &= !follows_sync;
            true
        }
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
        1 => Just(Message::Cancel),
        1 => (statement(), statement())
            .prop_map(|(first, second)| Message::CancelWithin(first, second)),
        1 => copy(),
    ]
}

fn copy() -> impl Strategy<Value = Message> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (flags, vec(0..4_u8, 0..3)).prop_map(|((is_simple, fails, is_canceled), rows)| {
        Message::CopyIn {
            is_simple,
            fails,
            // The server looks for a cancellation in front of each row, but not of the end.
            is_canceled: is_canceled && !rows.is_empty(),
            rows,
        }
    })
}

fn ending() -> impl Strategy<Value = Ending> {
    let last = proptest::option::of(message());
    (last, any::<bool>(), any::<bool>()).prop_map(|(last, is_cut_short, terminates)| Ending {
        last,
        is_cut_short,
        terminates,
    })
}

pub(super) fn program() -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![4 => Just(None), 1 => ending().prop_map(Some)];
    let step =
        (0..3_usize, vec(message(), 1..6), ending).prop_map(|(connection, asked, ending)| Step {
            connection,
            asked,
            ending,
        });
    vec(step, 1..6)
}
