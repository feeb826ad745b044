//! Panics of the user's functions and tasks, and what is expected of them.

use child::in_child;
use db_test::{BoxError, Client, FromTest, Overrides, Session, TestContext, db_test};
use sqlx::PgPool;

use crate::app;

fn fails(what: &str) -> bool {
    in_child() && std::env::var("DB_TEST_CHILD_PANICS").is_ok_and(|wanted| wanted == what)
}

fn session() -> Session {
    assert!(!fails("session"), "the session panics");
    Session::postgres()
        .migrations("tests/migrations")
        .app(|cx| {
            assert!(!fails("app"), "the application panics");
            app::app(&cx)
        })
        .overrides(|_| assert!(!fails("overrides"), "the overrides panic"))
}

fn session_with_seed() -> Session {
    Session::postgres().seed(seed)
}

/// An error of any type will do.
async fn seed(_: PgPool) -> Result<(), sqlx::Error> {
    assert!(!fails("seed"), "the seed panics");
    Ok(())
}

fn of_the_attribute(_: &Overrides) {
    assert!(!fails("attribute"), "the attribute's function panics");
}

struct Ada;

impl FromTest for Ada {
    async fn from_test(_: &TestContext) -> Result<Self, BoxError> {
        assert!(!fails("argument"), "the argument panics");
        Ok(Self)
    }
}

/// A value whose drop panics, at the end of the test.
#[derive(Clone)]
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(
            !fails("drop") || std::thread::panicking(),
            "the drop panics"
        );
    }
}

#[db_test(session = session, overrides = of_the_attribute)]
async fn a_test(_ada: Ada, client: Client) {
    client.get("/items").await;
}

#[db_test(session = session, overrides = of_the_attribute)]
#[should_panic = "as expected"]
async fn b_expects_a_panic(_ada: Ada, _client: Client) {
    panic!("as expected");
}

#[db_test(session = session_with_seed)]
async fn c_seeded(_pool: PgPool) {}

#[db_test]
async fn d_fragile(overrides: Overrides) {
    if fails("drop") {
        overrides.optional().set(Box::new(Fragile));
    }
}

#[db_test]
async fn e_spawns() {
    if fails("task") {
        let task = tokio::spawn(async { panic!("the task panics") });
        task.await.expect_err("it panics");
    }
    assert!(!in_child() || fails("task"), "failing on request");
}

#[db_test]
async fn f_spawns_and_fails() {
    if fails("task") {
        let task = tokio::spawn(async { panic!("the task panics") });
        task.await.expect("failing on request");
    }
}

#[db_test(flavor = "current_thread")]
async fn h_spawns_on_its_own_runtime() {
    if fails("task") {
        let task = tokio::spawn(async { panic!("the task panics") });
        task.await.expect_err("it panics");
        let blocking = tokio::task::spawn_blocking(|| panic!("the blocking task panics"));
        blocking.await.expect_err("it panics");
    }
}

#[db_test(flavor = "current_thread")]
#[should_panic = "as expected"]
async fn i_expects_a_panic_on_its_own_runtime() {
    panic!("as expected");
}

#[db_test(max_queries = 1)]
#[should_panic = "as expected"]
async fn j_expects_a_panic_with_a_limit(pool: PgPool) {
    for _ in 0..if in_child() { 2 } else { 1 } {
        sqlx::query("select 1")
            .execute(&pool)
            .await
            .expect("it is answered");
    }
    panic!("as expected");
}

/// Tests that any panic would satisfy.
#[expect(
    clippy::should_panic_without_expect,
    reason = "what is not expected is a panic about db-test"
)]
mod misuses {
    use child::in_child;
    use db_test::{Faults, TestContext, db_test};

    #[db_test]
    #[should_panic]
    async fn at_once(cx: TestContext) {
        assert!(in_child(), "as expected");
        cx.pool_of("typo");
    }

    #[db_test]
    #[should_panic]
    async fn in_a_task(cx: TestContext) {
        assert!(in_child(), "as expected");
        let task = tokio::spawn(async move { cx.pool_of("typo") });
        task.await.expect("it does not panic");
    }

    #[db_test]
    #[should_panic]
    async fn by_an_error(cx: TestContext) {
        assert!(in_child(), "as expected");
        cx.connect_options_of("typo").expect("it is there");
    }

    #[db_test]
    #[should_panic]
    async fn a_fault(faults: Faults) {
        assert!(in_child(), "as expected");
        faults.on("select").fail_with("teapot");
    }
}

#[db_test]
async fn g_fails_in_a_handler(client: Client) {
    let text = client.get("/items").await.text();
    assert!(!in_child(), "failing on request, with {text}");
}

fn run(test: &str, what: &str) -> child::Finished {
    child::run(
        &format!("panicking::{test}"),
        &[("DB_TEST_CHILD_PANICS", what)],
    )
}

#[test]
fn a_panic_of_a_task_on_the_runtime_of_a_test_is_reported() {
    let passed = run("h_spawns", "task");
    passed.assert_passed();
    for what in ["the task panics", "the blocking task panics"] {
        let notices = passed.notices();
        let said = notices.iter().any(|notice| {
            notice.contains("h_spawns_on_its_own_runtime` panicked at") && notice.ends_with(what)
        });
        assert!(said, "{what}: {notices:?}");
    }
}

#[test]
fn an_expected_panic_of_the_test_is_no_panic_of_a_task() {
    let passed = run("i_expects", "");
    passed.assert_passed();
    assert!(passed.notices().is_empty(), "{}", passed.output);
}

#[test]
fn an_expected_panic_does_not_hide_too_many_queries() {
    run("j_expects", "").assert_failed_with("the test sent 2 queries, but the limit is 1:");
}

#[test]
fn a_panic_about_the_use_of_db_test_is_none_that_is_expected() {
    let failed = run("misuses::", "");
    failed.assert_failed();
    for test in ["at_once", "in_a_task", "by_an_error", "a_fault"] {
        failed.assert_says(&format!("panicking::misuses::{test} panicked"));
    }
    failed.assert_says("it is not the one that `#[should_panic]` expects");
    failed.assert_says("4 failed");
}

#[test]
fn a_panic_of_the_users_functions_is_reported_with_whose_it_is() {
    for (what, expected) in [
        (
            "session",
            "cause  the session function panicked: the session panics",
        ),
        (
            "app",
            "cause  the session's `app` function panicked: the application panics",
        ),
        (
            "overrides",
            "cause  a function given to the session's `.overrides(…)` panicked: the overrides panic",
        ),
        (
            "attribute",
            "cause  the function that the attribute's `overrides` names panicked: the attribute's",
        ),
        (
            "argument",
            "cause  `it::panicking::Ada` could not be made: it panicked: the argument panics",
        ),
    ] {
        for test in ["a_test", "b_expects_a_panic"] {
            let failed = run(test, what);
            assert!(!failed.success, "{what}: {}", failed.output);
            assert!(
                failed.output.contains(expected),
                "{what}: {}",
                failed.output
            );
        }
    }
}

#[test]
fn a_panic_of_a_seed_is_the_seeds() {
    // The options are part of the template's content: the ordinary run of the test has made the one
    // without them.
    let environment = [
        ("DB_TEST_CHILD_PANICS", "seed"),
        ("PGOPTIONS", "-c application_name=a_panicking_seed"),
    ];
    let failed = child::run("panicking::c_seeded", &environment);
    let expected = "the session's seed failed: it panicked: the seed panics";
    failed.assert_says(expected);
}

#[test]
fn a_panic_in_the_drop_of_an_override_is_in_the_report() {
    let failed = run("d_fragile", "drop");
    let expected = "teardown  the drop of an override panicked: the drop panics";
    failed.assert_says(expected);
    failed.assert_failed();
}

#[test]
fn a_panic_of_a_task_is_reported_with_its_test() {
    let passed = run("e_spawns", "task");
    let expected =
        "db-test: a task of `it::panicking::e_spawns` panicked at runtime/tests/it/panicking.rs:";
    passed.assert_passed();
    passed.assert_says(expected);
    let failed = run("f_spawns_and_fails", "task");
    let expected = "task  a spawned task panicked at runtime/tests/it/panicking.rs:";
    failed.assert_says(expected);
}

#[test]
fn a_backtrace_ends_where_the_test_begins() {
    let environment = [("RUST_BACKTRACE", "1")];
    let failed = child::run("panicking::g_fails_in_a_handler", &environment);
    let frames = failed.output.lines().map(str::trim_start);
    let is_frame = |line: &&str| {
        line.split_once(": ")
            .is_some_and(|(number, _)| number.parse::<u32>().is_ok())
    };
    let frames: Vec<_> = frames.filter(is_frame).collect();
    assert!((1..12).contains(&frames.len()), "{}", failed.output);
    failed.assert_says("it::panicking::g_fails_in_a_handler");
}
