//! Random programs: the application's view equals production's, and the lane's database afterwards
//! equals what it was before.

use std::cell::RefCell;

use db_test::{Session, TestContext, db_test};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use sqlx::{
    Acquire, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolCopyExt},
};

use crate::{
    comparison::{App, kind, record, seen},
    content,
};

/// Programs of a run; `FIDELITY_PROGRAMS` asks for more.
const PROGRAMS: u32 = 60;

#[derive(Clone, Debug)]
enum Step {
    /// A statement with a connection of its own.
    Alone(Statement),
    /// A transaction, with whether it commits.
    Transaction(Vec<Statement>, Vec<Statement>, Ending, Ending),
    /// Reads, writes that cannot fail, and a transaction on one held connection.
    Held(Vec<u8>, Vec<Statement>, Ending),
    Copy(Vec<u8>),
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Commit,
    Rollback,
    Drop,
}

#[derive(Clone, Debug)]
struct Statement(&'static str, u8);

impl Statement {
    fn sql(&self) -> String {
        self.0.replace('?', &self.1.to_string())
    }
}

const STATEMENTS: &[&str] = &[
    "insert into items (name, price) values ('n?', ?)",
    "insert into items (name) values ('n?') on conflict (name) do update set price = items.price + 1",
    "insert into items (name) select 'm' || n from generate_series(?, ? + 3) n",
    "update items set price = price - ? where name like 'n%' returning name",
    "delete from items where name = 'n?'",
    "select string_agg(name || price, ' ' order by name) from items",
    "select 1 / ?",
    "nonsense ?",
    "truncate ranks",
    "insert into ranks values (?)",
    "create table t? (n int)",
    "insert into t? values (1)",
    "drop table t?",
    "alter table items add column c? text",
    "select count(*)::text || 'calm'::mood from items",
    "create type e? as enum ('a')",
    "select 'a'::e?::text",
    "do $$ begin insert into items (name) values ('n?'); exception when others then null; end $$",
    "update jobs set done = not done where id = (select id from jobs order by id for update skip locked limit 1) returning id::text",
    "select row(?, 'x')::pair::text",
    "show statement_timeout",
    "select coalesce(nullif(current_setting('app.tenant', true), ''), 'none')",
    "select array_agg(price order by price)::text from items where price > ?",
    "select (to_jsonb(items) - 'id')::text from items order by name limit 1",
];

/// What makes sense in a transaction only.
const LOCAL: &[&str] = &[
    "lock table items",
    "set local statement_timeout = '1?s'",
    "select set_config('app.tenant', '?', true)",
    "set local role fidelity_other",
    "set constraints all deferred",
    "declare cursor? cursor for select name from items order by name",
    "fetch 1 from cursor?",
    "savepoint mine",
    "rollback to savepoint mine",
    "release savepoint mine",
    "create temporary table temp? (n int) on commit drop",
    "select pg_try_advisory_xact_lock(?)::text",
    "show statement_timeout",
    "select coalesce(nullif(current_setting('app.tenant', true), ''), 'none') || current_user",
];

fn statement(of: &'static [&'static str]) -> impl Strategy<Value = Statement> {
    (proptest::sample::select(of), 0..6_u8).prop_map(|(sql, number)| Statement(sql, number))
}

fn inside() -> impl Strategy<Value = Vec<Statement>> {
    vec(
        prop_oneof![4 => statement(STATEMENTS), 1 => statement(LOCAL)],
        0..5,
    )
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![3 => Just(Ending::Commit), 1 => Just(Ending::Rollback), 1 => Just(Ending::Drop)]
}

fn program() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => statement(STATEMENTS).prop_map(Step::Alone),
        4 => (inside(), inside(), ending(), ending()).prop_map(|(a, b, c, d)| Step::Transaction(a, b, c, d)),
        1 => (vec(0..6_u8, 0..3), inside(), ending()).prop_map(|(a, b, c)| Step::Held(a, b, c)),
        1 => vec(0..9_u8, 0..4).prop_map(Step::Copy),
    ];
    vec(step, 1..12)
}

async fn run(app: &mut App, steps: Vec<Step>) {
    for step in steps {
        match step {
            Step::Alone(statement) => app.run(&[&statement.sql()]).await,
            Step::Transaction(before, nested, inner, outer) => {
                let mut tx = app.pool.begin().await.expect("it begins");
                all(app, &mut tx, &before).await;
                match tx.begin().await {
                    Ok(mut inside) => {
                        all(app, &mut inside, &nested).await;
                        end(app, inside, inner).await;
                    }
                    Err(error) => app.see(kind(&error)),
                }
                end(app, tx, outer).await;
            }
            Step::Held(numbers, statements, ending) => {
                let mut held = app.pool.acquire().await.expect("it is free");
                for number in numbers {
                    let sql = format!(
                        "insert into items (name) values ('n{number}') on conflict do nothing returning name"
                    );
                    app.on(&mut held, &[&sql]).await;
                }
                let mut tx = held.begin().await.expect("it begins");
                all(app, &mut tx, &statements).await;
                end(app, tx, ending).await;
            }
            Step::Copy(numbers) => {
                let mut copy = app.pool.copy_in_raw("copy items (name) from stdin").await;
                if let Ok(copy) = &mut copy {
                    for number in numbers {
                        copy.send(format!("n{number}\n").as_bytes())
                            .await
                            .expect("it is sent");
                    }
                }
                let ended = match copy {
                    Ok(copy) => copy.finish().await,
                    Err(error) => Err(error),
                };
                app.outcome(&ended);
            }
        }
        app.items().await;
    }
}

async fn all(app: &mut App, connection: &mut PgConnection, statements: &[Statement]) {
    for statement in statements {
        app.on(connection, &[&statement.sql()]).await;
    }
}

async fn end(app: &mut App, tx: sqlx::PgTransaction<'_>, ending: Ending) {
    let ended = match ending {
        Ending::Commit => tx.commit().await,
        Ending::Rollback => tx.rollback().await,
        Ending::Drop => {
            drop(tx);
            Ok(())
        }
    };
    app.outcome(&ended);
}

thread_local! {
    static PROGRAM: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    static LANE: RefCell<Option<PgConnectOptions>> = const { RefCell::new(None) };
    static CONTENT: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The lanes of a session of its own: no other test of this process uses one between the sandbox's
/// end and the look at what it left.
fn session() -> Session {
    crate::session()
}

#[allow(unnameable_test_items, reason = "they are called, not collected")]
fn both(steps: &[Step]) -> Result<(), TestCaseError> {
    #[db_test(isolation = "database", session = session)]
    async fn production(pool: PgPool) {
        record(pool, async |app| run(app, PROGRAM.take()).await).await;
    }

    #[db_test(session = session)]
    async fn sandbox(pool: PgPool, cx: TestContext) {
        let lane = cx.outside().await.expect("there is an outside");
        CONTENT.set(content::of(&lane).await);
        record(pool, async |app| run(app, PROGRAM.take()).await).await;
        LANE.set(Some(lane));
    }

    #[db_test(session = session)]
    async fn afterwards() {
        let lane = LANE.take().expect("the sandbox has left it");
        let before = CONTENT.replace(content::of(&lane).await);
        assert_eq!(CONTENT.take(), before, "the lane is not as it was");
    }

    PROGRAM.set(steps.to_vec());
    production();
    let expected = seen();
    PROGRAM.set(steps.to_vec());
    sandbox();
    prop_assert_eq!(seen(), expected, "the sandbox is on the left");
    afterwards();
    Ok(())
}

#[test]
fn random_programs_see_what_they_see_in_production_and_leave_nothing() {
    let asked = std::env::var("FIDELITY_PROGRAMS")
        .ok()
        .and_then(|text| text.parse().ok());
    let config = Config {
        cases: asked.unwrap_or(PROGRAMS),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    // The same programs in every run; another number of them begins with these.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    if let Err(failure) = runner.run(&program(), |steps| both(&steps)) {
        panic!("with the deterministic seed of proptest's ChaCha: {failure}");
    }
}
