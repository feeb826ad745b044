//! Programs of several connections, through the engine and on a plain server: the same messages.

use super::{
    driver::{Ask, Sandbox, shown},
    server::Server,
};
use crate::postgres::proxy::api::Proof;

const SCHEMA: &str = "create table items (id bigint generated always as identity primary key, name text not null unique, price int not null default 0); \
    insert into items (name) values ('seeded'); \
    create table wholes (id bigint primary key); \
    create table parts (whole bigint references wholes deferrable initially deferred); \
    create role reader; grant select on items to reader";

fn program(name: &'static str, text: &str) -> (&'static str, Vec<(usize, Ask)>) {
    let asks = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (head, sql) = line.split_at(2);
            let connection = usize::from(head.as_bytes()[0] - b'a');
            let ask = match head.as_bytes()[1] {
                b':' => Ask::Simple(sql.trim().to_owned()),
                b'<' => Ask::Rows("one\t1\n"),
                _ => Ask::Extended(sql.split('|').map(|sql| sql.trim().to_owned()).collect()),
            };
            (connection, ask)
        });
    (name, asks.collect())
}

fn programs() -> Vec<(&'static str, Vec<(usize, Ask)>)> {
    let text = include_str!("programs.txt");
    let mut found = Vec::new();
    for part in text.split("\n# ").skip(1) {
        let (name, body) = part.split_once('\n').unwrap_or((part, ""));
        found.push(program(name, body));
    }
    found
}

#[test]
fn programs_are_answered_as_by_a_plain_server() {
    let server = Server::start("programs");
    let mut maintenance = server.connect("postgres");
    maintenance.run("create database sandbox");
    server.connect("sandbox").run(SCHEMA);
    maintenance.run("create database sandbox_template template sandbox");
    let mut sandbox = Sandbox::on(server.connect("sandbox"));
    let only = std::env::var("ONLY").ok();
    let mut differing = Vec::new();
    for (name, asks) in programs() {
        if only
            .as_ref()
            .is_some_and(|only| !name.contains(only.as_str()))
        {
            continue;
        }
        maintenance.run("drop database if exists plain");
        maintenance.run("create database plain template sandbox_template");
        let count = asks
            .iter()
            .map(|(connection, _)| connection + 1)
            .max()
            .unwrap_or(0);
        let mut plain: Vec<_> = (0..count).map(|_| server.connect("plain")).collect();
        sandbox.begin();
        let clients: Vec<_> = (0..count).map(|_| sandbox.connect()).collect();
        for (number, (connection, ask)) in asks.iter().enumerate() {
            plain[*connection].send(&ask.bytes());
            let expected = shown(&plain[*connection].until_ready());
            sandbox.send(clients[*connection], &ask.bytes());
            let seen = shown(&sandbox.until_ready(clients[*connection]));
            if seen != expected {
                differing.push(format!(
                    "{name}, step {}: {ask:?}\n  server  {expected:?}\n  engine  {seen:?}",
                    number + 1
                ));
            }
        }
        drop(plain);
        let proof = sandbox.end();
        if proof != Proof::Proved {
            differing.push(format!("{name}: {proof:?}"));
            sandbox = Sandbox::on(server.connect("sandbox"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}
