//! Tests that a `macro_rules!` writes, with fragments of each kind.

use std::time::Duration;

use db_test_macros::{db_test, overridable};
use http::request::{Parts, Request};

use super::macro_support::{Overrides, TestContext, block_on};

fn admin(_: &Overrides) {}

macro_rules! with_options {
    ($name:ident, $isolation:literal, $timeout:literal, $queries:literal, $each:expr, $overrides:path, $session:path, $fixture:literal, $script:expr) => {
        #[db_test(
                                                    isolation = $isolation,
                                                    timeout = $timeout,
                                                    max_queries = $queries,
                                                    max_queries_per_request = $each * 2,
                                                    overrides = $overrides,
                                                    session = $session,
                                                    fixtures($fixture),
                                                    fixtures(path = "fixtures", scripts($script)),
                                                )]
        async fn $name(cx: TestContext) {
            assert!(cx.test.own_database);
            assert_eq!(cx.test.timeout, Some(Duration::from_secs(5)));
            assert_eq!(cx.test.max_queries, Some(7));
            assert_eq!(cx.test.max_queries_per_request, Some(6));
            assert!(cx.test.overrides.is_some() && cx.test.session.is_some());
            let paths = cx.test.fixtures.iter().map(|(path, _)| *path);
            let expected = ["fixtures/users.sql", "fixtures/posts.sql"];
            assert_eq!(paths.collect::<Vec<_>>(), expected);
        }
    };
}

with_options!(
    in_options,
    "database",
    "5s",
    7,
    1 + 2,
    self::admin,
    crate::other_session,
    "users",
    "posts"
);

macro_rules! with_expressions {
    ($timeout:expr, $queries:expr, $overrides:expr) => {
        #[db_test(timeout = $timeout, max_queries = $queries, overrides = $overrides)]
        async fn as_expressions(cx: TestContext) {
            assert_eq!(cx.test.timeout, Some(Duration::from_millis(9)));
            assert_eq!(cx.test.max_queries, Some(4));
            assert!(cx.test.overrides.is_some());
        }
    };
}

with_expressions!("9ms", 4, admin);

macro_rules! with_signature {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $argument:pat, $takes:ty, $returns:ty, $body:block) => {
        $(#[$attribute])*
        #[db_test]
        $visibility async fn $name($argument: $takes) -> $returns $body
    };
}

with_signature!(
    pub(crate) in_the_signature,
    _,
    TestContext,
    Result<(), String>,
    { Ok(()) }
);

with_signature!(
    #[should_panic = "no such user"]
    that_panics,
    _context,
    TestContext,
    (),
    { panic!("no such user") }
);

macro_rules! with_precedence {
    ($sum:expr, $is_right:expr) => {
        #[db_test(max_queries = $sum * 2)]
        async fn in_an_option(cx: TestContext) {
            assert_eq!(cx.test.max_queries, Some(6));
        }

        #[db_test]
        async fn in_the_body() {
            let doubled = $sum * 2;
            assert_eq!(doubled, 6);
            assert_eq!($sum * 2, 6);
            if $is_right {
                return;
            }
            unreachable!("it is right");
        }

        #[db_test(max_queries = $sum * 2)]
        #[rstest::rstest]
        #[case(6)]
        async fn under_rstest(#[case] expected: usize, cx: TestContext) {
            assert_eq!(cx.test.max_queries, Some(expected));
            assert_eq!($sum * 2, expected);
        }
    };
}

with_precedence!(1 + 2, 1 < 2);

macro_rules! around {
    ($test:item) => {
        #[db_test(timeout = "1s")]
        $test
    };
}

around!(
    async fn as_an_item(cx: TestContext) {
        assert_eq!(cx.test.timeout, Some(Duration::from_secs(1)));
    }
);

mod in_a_session {
    use super::super::macro_support::{REGISTERED, Session};
    use db_test_macros::session;

    macro_rules! sessions {
        ($name:ident, $returns:ty, $body:block, $other:item) => {
            #[session]
            fn $name() -> $returns $body

            #[session]
            $other
        };
    }

    sessions!(
        first,
        Session,
        { Session },
        fn second() -> Session {
            Session
        }
    );

    #[test]
    fn both_are_registered() {
        let registered = REGISTERED.lock().expect("nothing panics with the lock");
        for name in ["first", "second"] {
            let path = format!("forms::fragments::in_a_session::{name}");
            assert!(registered.contains(&path.as_str()), "{registered:?}");
        }
    }
}

/// A stand-in for that of axum.
trait FromRequestParts<S>: Sized {
    type Rejection;

    fn from_request_parts(
        parts: &mut Parts,
        state: &S,
    ) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

#[derive(Clone, Debug, PartialEq)]
struct CurrentUser(&'static str);

#[derive(Clone, Debug, PartialEq)]
struct Tenant(&'static str);

macro_rules! extractors {
    ($trait:path, $ty:ty, $rejection:ty, $body:block, $other:item) => {
        #[overridable]
        impl $trait for $ty {
            type Rejection = $rejection;

            async fn from_request_parts(_: &mut Parts, (): &()) -> Result<Self, $rejection> $body
        }

        #[overridable]
        $other
    };
}

extractors!(
    FromRequestParts<()>,
    CurrentUser,
    String,
    { Ok(Self("ada")) },
    impl FromRequestParts<()> for Tenant {
        type Rejection = ();

        async fn from_request_parts(_: &mut Parts, (): &()) -> Result<Self, ()> {
            Ok(Self("own"))
        }
    }
);

#[test]
fn in_an_extractor() {
    let (mut parts, ()) = Request::new(()).into_parts();
    let _ = parts.extensions.insert(CurrentUser("set"));
    let user = block_on(CurrentUser::from_request_parts(&mut parts, &()));
    assert_eq!(user, Ok(CurrentUser("set")));
    let tenant = block_on(Tenant::from_request_parts(&mut parts, &()));
    assert_eq!(tenant, Ok(Tenant("own")));
}
