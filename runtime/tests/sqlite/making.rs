//! Processes that need one template at the same time, and one that is killed while it makes it.

use std::io;

use child::{Child, Running};
use db_test::{BoxError, Session, db_test};
use sqlx::SqlitePool;

use crate::{add, home::Home, names};

/// Makes a process stop in the middle of its seed until it reads a line.
const STOPS: &str = "DB_TEST_CHILD_STOPS";

const IN_THE_SEED: &str = "in the seed";

fn session() -> Session {
    Session::sqlite()
        .migrations("tests/sqlite/migrations")
        .sqlite_seed(|pool| async move {
            add(&pool, "first").await?;
            if std::env::var_os(STOPS).is_some() {
                eprintln!("{IN_THE_SEED}");
                let line = || io::stdin().read_line(&mut String::new());
                tokio::task::spawn_blocking(line).await??;
            }
            add(&pool, "second").await?;
            Ok::<_, BoxError>(())
        })
}

#[db_test(session = session)]
async fn a_template_is_whole(pool: SqlitePool) {
    assert_eq!(names(&pool).await, ["first", "second"]);
}

/// A process that runs the test above.
fn start(home: &Home) -> Child {
    Child::matching("making::a_template_is_whole")
        .envs(&home.environment())
        .without_capture()
}

/// One process in the middle of its seed, and another one that waits for it.
fn two_processes(home: &Home) -> (Running, Running) {
    let mut first = start(home).env(STOPS, "1").start();
    first.wait_for(IN_THE_SEED);
    let mut second = start(home).start();
    second.wait_for_part("another process makes the template");
    (first, second)
}

#[test]
fn of_two_processes_one_makes_the_template_and_the_other_waits_for_it() {
    let home = Home::new("two");
    let (mut first, second) = two_processes(&home);
    first.write_line();
    let (first, second) = (first.finish(), second.finish());
    first.assert_passed();
    first.assert_says("was made");
    second.assert_passed();
    second.assert_says("was there");
}

#[test]
fn of_a_process_that_is_killed_the_waiting_one_takes_over() {
    let home = Home::new("heir");
    let (first, second) = two_processes(&home);
    first.kill();
    let second = second.finish();
    second.assert_passed();
    second.assert_says("was made");
}

#[test]
fn what_a_killed_process_began_is_made_from_the_start_and_swept() {
    let home = Home::new("begun");
    let mut killed = start(&home).env(STOPS, "1").start();
    killed.wait_for(IN_THE_SEED);
    let drafts = home.files_of_processes();
    killed.kill();
    let next = start(&home).run();
    next.assert_passed();
    next.assert_says("was made");
    assert!(
        drafts.iter().any(|name| name.starts_with("draft-")),
        "{drafts:?}"
    );
    assert_eq!(home.files_of_processes(), [""; 0]);
}
