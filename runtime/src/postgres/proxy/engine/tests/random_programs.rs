//! Random programs of three connections that take turns, compared with a plain server.

use super::{
    driver::{Ask, Sandbox, shown},
    server::Server,
};
use crate::postgres::proxy::api::Proof;

const SCHEMA: &str = "create table items (id int generated always as identity primary key, name text unique); \
    create table wholes (id int primary key); \
    create table parts (whole int references wholes deferrable initially deferred)";

const STATEMENTS: [&str; 39] = [
    "insert into items (name) values ('a')",
    "insert into items (name) values ('b')",
    "insert into items (name) values ('c')",
    "delete from items where name = 'a'",
    "select count(*) from items",
    "select 1/0",
    "selct",
    "begin",
    "begin",
    "commit",
    "commit",
    "rollback",
    "savepoint x",
    "savepoint y",
    "rollback to x",
    "rollback to y",
    "release x",
    "commit and chain",
    "rollback and chain",
    "begin isolation level serializable",
    "begin read only",
    "set transaction read only",
    "set transaction isolation level repeatable read",
    "show transaction_isolation",
    "show transaction_read_only",
    "insert into parts values (1)",
    "insert into wholes values (1)",
    "set constraints all immediate",
    "set statement_timeout = '5s'",
    "set local statement_timeout = '6s'",
    "show statement_timeout",
    "reset statement_timeout",
    "discard all",
    "vacuum items",
    "end",
    "abort",
    "select set_config('work_mem', '5MB', true)",
    "select current_setting('work_mem')",
    "",
];

/// Numbers that look random, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn statement(&mut self) -> String {
        STATEMENTS[self.below(STATEMENTS.len())].to_owned()
    }

    fn ask(&mut self) -> Ask {
        let count = 1 + self.below(6).saturating_sub(3);
        let all: Vec<_> = (0..count).map(|_| self.statement()).collect();
        if self.below(2) == 0 {
            Ask::Simple(all.join("; "))
        } else {
            Ask::Extended(all)
        }
    }
}

#[test]
fn random_programs_are_answered_as_by_a_plain_server() {
    let server = Server::start("random");
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let programs: u64 = number("ENGINE_PROGRAMS").unwrap_or(60);
    let first: u64 = number("ENGINE_SEED").unwrap_or(1);
    let mut maintenance = server.connect("postgres");
    for database in ["sandbox", "plain"] {
        maintenance.run(&format!("create database {database}"));
        server.connect(database).run(SCHEMA);
    }
    let mut sandbox = Sandbox::on(server.connect("sandbox"));
    let mut differing = Vec::new();
    for seed in first..first + programs {
        server
            .connect("plain")
            .run("truncate items, wholes, parts restart identity");
        let mut random = Random(seed);
        let mut plain: Vec<_> = (0..3).map(|_| server.connect("plain")).collect();
        sandbox.begin();
        let clients: Vec<_> = (0..3).map(|_| sandbox.connect()).collect();
        let mut story = Vec::new();
        'program: for _ in 0..3 {
            for connection in 0..3 {
                // One after the other: a turn ends outside of a transaction.
                for _ in 0..=random.below(6) {
                    let ask = random.ask();
                    if !agrees(
                        &mut sandbox,
                        clients[connection],
                        &mut plain[connection],
                        &ask,
                        &mut story,
                    ) {
                        differing.push(format!("seed {seed}\n{}", story.join("\n")));
                        break 'program;
                    }
                }
                let last = Ask::Simple("rollback".to_owned());
                if !agrees(
                    &mut sandbox,
                    clients[connection],
                    &mut plain[connection],
                    &last,
                    &mut story,
                ) {
                    differing.push(format!("seed {seed}\n{}", story.join("\n")));
                    break 'program;
                }
            }
        }
        let proof = sandbox.end();
        if proof != Proof::Proved && proof != Proof::NotOpened {
            differing.push(format!("seed {seed}: {proof:?}\n{}", story.join("\n")));
            sandbox = Sandbox::on(server.connect("sandbox"));
        }
    }
    let shown: Vec<_> = differing.iter().take(6).cloned().collect();
    assert!(
        differing.is_empty(),
        "{} of {programs} differ\n{}",
        differing.len(),
        shown.join("\n\n")
    );
}

#[test]
fn connections_that_interleave_are_each_answered_and_undone() {
    let server = Server::start("interleaved");
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let programs: u64 = number("ENGINE_PROGRAMS").unwrap_or(40);
    let first: u64 = number("ENGINE_SEED").unwrap_or(1);
    server.connect("postgres").run(SCHEMA);
    let mut sandbox = Sandbox::on(server.connect("postgres"));
    for seed in first..first + programs {
        let mut random = Random(seed);
        sandbox.begin();
        let mut clients: Vec<_> = (0..3).map(|_| sandbox.connect()).collect();
        let mut story = Vec::new();
        for _ in 0..30 {
            let at = random.below(3);
            // Some leave, in the middle of whatever they do.
            if random.below(20) == 0 {
                sandbox.engine.client_closed(clients[at]);
                clients[at] = sandbox.connect();
            }
            let ask = random.ask();
            story.push(format!("{}: {ask:?}", clients[at]));
            sandbox.send(clients[at], &ask.bytes());
            let seen = shown(&sandbox.until_ready(clients[at]));
            story.push(format!("    {seen:?}"));
            let is_ready = seen.last().is_some_and(|last| last.starts_with('Z'));
            assert!(is_ready, "seed {seed}\n{}", story.join("\n"));
        }
        let proof = sandbox.end();
        assert_eq!(proof, Proof::Proved, "seed {seed}\n{}", story.join("\n"));
    }
    let mut plain = server.connect("postgres");
    let mut ask = Vec::new();
    crate::postgres::proxy::protocol::query(
        &mut ask,
        "select (select count(*) from items) + (select count(*) from wholes) + (select count(*) from parts)",
    );
    plain.send(&ask);
    assert_eq!(shown(&plain.until_ready())[1], "D [Some(\"0\")]");
}

fn agrees(
    sandbox: &mut Sandbox,
    client: u32,
    plain: &mut super::server::Plain,
    ask: &Ask,
    story: &mut Vec<String>,
) -> bool {
    plain.send(&ask.bytes());
    let expected = shown(&plain.until_ready());
    sandbox.send(client, &ask.bytes());
    let seen = shown(&sandbox.until_ready(client));
    story.push(format!("{client}: {ask:?}"));
    // The server's parser comes first in a failed transaction; what is wrong with the text, the
    // engine does not know.
    let failed = |line: &String| line.starts_with("E 42601") || line.starts_with("E 25P02");
    let same = seen.len() == expected.len()
        && seen
            .iter()
            .zip(&expected)
            .all(|(seen, expected)| seen == expected || failed(seen) && failed(expected));
    if !same {
        story.push(format!("  server  {expected:?}\n  engine  {seen:?}"));
    }
    same
}
