//! Every form that a test function may have, and every name around it that must not matter.
//!
//! The functions marked with a macro are the cases: that they compile and run is what is tested,
//! and each says in its body what else.

extern crate self as db_test;

mod constants;
mod fragments;
#[path = "../stand_in/macro_support.rs"]
pub mod macro_support;
mod with_rstest;

use std::time::Duration;

use db_test_macros::{db_test, session};

use macro_support::{FromTest, Overrides, REGISTERED, Session, TestContext};

#[session]
fn session() -> Session {
    Session
}

fn other_session() -> Session {
    Session
}

fn admin(_: &Overrides) {}

/// A type of the user's own.
struct Ada {
    name: &'static str,
}

impl FromTest for Ada {
    fn from_test(_: &TestContext) -> Self {
        Self { name: "ada" }
    }
}

/// Wants what only a `mut` pattern can lend.
fn name_of(cx: &mut TestContext) -> &'static str {
    cx.test.name
}

#[test]
fn a_session_is_registered_under_its_path() {
    let registered = REGISTERED.lock().expect("nothing panics with the lock");
    assert!(registered.contains(&"forms::session"), "{registered:?}");
}

#[db_test]
async fn without_options(cx: TestContext) {
    assert_eq!(cx.test.name, "forms::without_options");
    assert_eq!(cx.test.crate_dir, env!("CARGO_MANIFEST_DIR"));
    assert!(cx.test.session.is_none());
    assert!(cx.test.overrides.is_none());
    assert!(cx.test.timeout.is_none());
    assert!(!cx.test.should_panic);
}

#[db_test()]
async fn with_empty_options(cx: TestContext) {
    assert!(cx.test.timeout.is_none());
}

#[db_test(timeout = "250ms", overrides = admin, session = crate::other_session,)]
async fn with_every_option(cx: TestContext) {
    assert_eq!(cx.test.timeout, Some(Duration::from_millis(250)));
    assert!(cx.test.overrides.is_some());
    assert!(cx.test.session.is_some());
}

#[db_test(timeout = "2m")]
async fn with_a_limit_in_minutes(cx: TestContext) {
    assert_eq!(cx.test.timeout, Some(Duration::from_mins(2)));
}

#[db_test]
async fn with_patterns(mut cx: TestContext, Ada { name }: Ada, _: Ada) {
    assert_eq!(name, "ada");
    assert_eq!(name_of(&mut cx), "forms::with_patterns");
}

#[db_test]
#[should_panic = "no such user"]
async fn with_an_expected_panic(cx: TestContext) {
    assert!(cx.test.should_panic);
    panic!("no such user");
}

#[db_test]
#[cfg(any())]
async fn with_a_false_condition(_: NoSuchType) {}

#[db_test]
#[allow(unused_variables, reason = "lint levels reach the body")]
async fn with_a_lint_level() {
    let unused = 1;
}

#[db_test]
pub(crate) async fn with_a_visibility() {}

#[db_test]
async fn with_a_value() -> Result<(), std::num::ParseIntError> {
    "1".parse::<u8>()?;
    Ok(())
}

#[db_test]
async fn with_the_unit_type() -> () {}

#[db_test]
async fn with_a_future_that_is_not_send(cx: TestContext) {
    let local = std::rc::Rc::new(cx);
    std::future::ready(()).await;
    drop(local);
}

mod names {
    //! Items that shadow what the expansion might have named without care.

    #![allow(
        dead_code,
        non_snake_case,
        unused_imports,
        unused_macros,
        reason = "they only stand in the way"
    )]

    use super::macro_support::TestContext;
    use db_test_macros::db_test;

    const TEST: u8 = 7;
    static CX: u8 = 8;

    struct Box;
    struct ExitCode;
    struct Option;
    struct Ok;
    struct Result;
    struct Test;

    mod core {}
    mod macro_support {}
    mod std {}

    macro_rules! concat {
        () => {};
    }
    macro_rules! env {
        () => {};
    }
    macro_rules! module_path {
        () => {};
    }

    use db_test_macros::session as test;

    fn report() -> u8 {
        9
    }

    #[db_test]
    async fn items_of_the_user_stay_visible(context: TestContext) {
        assert_eq!((TEST, CX, report()), (7, 8, 9));
        assert_eq!(
            context.test.name,
            "forms::names::items_of_the_user_stay_visible"
        );
    }

    #[db_test]
    async fn names_of_ours_may_be_returned() -> ::std::process::ExitCode {
        ::std::process::ExitCode::SUCCESS
    }

    #[db_test]
    async fn TestFn(cx: TestContext) {
        assert_eq!(cx.test.name, "forms::names::TestFn");
    }

    #[db_test]
    async fn run(cx: TestContext) {
        assert_eq!(cx.test.name, "forms::names::run");
    }

    #[db_test]
    async fn r#type(cx: TestContext) {
        assert_eq!(cx.test.name, "forms::names::r#type");
    }
}

mod names_of_ours {
    //! Functions that are called like something in the expansion.

    use db_test_macros::{db_test, session};

    use super::macro_support::{Session, TestContext};

    #[session]
    fn register() -> Session {
        Session
    }

    #[db_test]
    async fn arguments(cx: TestContext) {
        assert_eq!(cx.test.name, "forms::names_of_ours::arguments");
    }

    #[db_test]
    async fn argument(arguments: TestContext) {
        assert_eq!(arguments.test.name, "forms::names_of_ours::argument");
    }
}

mod with_fixtures {
    use db_test_macros::db_test;

    use super::macro_support::TestContext;

    fn paths_of(cx: TestContext) -> Vec<&'static str> {
        cx.test.fixtures.iter().map(|(path, _)| *path).collect()
    }

    #[db_test(fixtures("users", "posts.sql"))]
    async fn names_are_beside_the_source(cx: TestContext) {
        let expected = [
            ("fixtures/users.sql", "select 1;\n"),
            ("fixtures/posts.sql", "select 2;\n"),
        ];
        assert_eq!(cx.test.fixtures, expected);
    }

    #[db_test(fixtures("./fixtures/users.sql", "../forms/fixtures/posts.sql",))]
    async fn paths_start_at_the_source(cx: TestContext) {
        let paths = ["./fixtures/users.sql", "../forms/fixtures/posts.sql"];
        assert_eq!(paths_of(cx), paths);
    }

    #[db_test(fixtures(path = "../ui/fixtures", scripts("users", "posts.sql")))]
    async fn scripts_have_a_path(cx: TestContext) {
        let paths = ["../ui/fixtures/users.sql", "../ui/fixtures/posts.sql"];
        assert_eq!(paths_of(cx), paths);
    }

    #[db_test(
        fixtures("users"),
        timeout = "5s",
        fixtures("./fixtures/posts.sql", path = "fixtures", scripts("users"))
    )]
    async fn several_forms_add_up(cx: TestContext) {
        let paths = [
            "fixtures/users.sql",
            "./fixtures/posts.sql",
            "fixtures/users.sql",
        ];
        assert_eq!(paths_of(cx), paths);
    }
}

mod renamed {
    pub(crate) use db_test_macros::db_test as test;
}
