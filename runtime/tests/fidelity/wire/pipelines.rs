//! Pipelines whose statements are recorded, and meet faults: the same in both isolations.

use db_test::{Faults, Queries, db_test};
use sqlx::postgres::PgConnectOptions;

use super::{
    HEARD,
    client::Client,
    program::{Message, Part},
};

/// Runs a program with real commits and in the sandbox; gives what either leaves in `HEARD`.
macro_rules! in_both {
    ($($argument:ident: $type:ty),*; $body:block) => {{
        #[db_test(isolation = "database")]
        async fn production($($argument: $type),*) $body

        #[db_test]
        async fn sandbox($($argument: $type),*) $body

        production();
        let expected = HEARD.take();
        sandbox();
        (expected, HEARD.take())
    }};
}

/// A statement of three rows in the unnamed portal, of which one is read.
fn one_of_three() -> Message {
    let sql = "select generate_series(1, 3)".to_owned();
    let parts = [
        Part::Parse("", sql),
        Part::Bind("", ""),
        Part::Execute("", 1),
    ];
    Message::Pipeline(parts.into())
}

#[test]
#[allow(unnameable_test_items, reason = "they are called, not collected")]
fn the_unnamed_portal_goes_on_until_another_connection_is_served() {
    let (production, sandbox) = in_both!(options: PgConnectOptions; {
        let [mut one, mut other] = std::array::from_fn(|number| Client::connect(&options, number));
        let next = || Message::Pipeline(vec![Part::Execute("", 1)]);
        one.ask(&Message::Simple(vec!["begin".to_owned()]));
        one.ask(&one_of_three());
        let mut heard = vec![one.ask(&next())];
        other.ask(&one_of_three());
        heard.push(one.ask(&next()));
        one.ask(&Message::Simple(vec!["rollback".to_owned()]));
        HEARD.set(heard);
    });
    let row = |number: u8| format!("D\\0\\u{{1}}\\0\\0\\0\\u{{1}}{number} s ZT ");
    let refused = "E34000<portal \"\" does not exist@> ZE ".to_owned();
    assert_eq!(production, [row(2), row(3)], "production");
    assert_eq!(sandbox, [row(2), refused], "the sandbox");
}

fn pipeline(statements: &[&str]) -> Message {
    let statements = statements.iter();
    Message::Extended(statements.map(|sql| ((*sql).to_owned(), 0)).collect())
}

fn recorded(queries: &Queries) -> Vec<String> {
    let shown = |query: &db_test::Query| {
        let code = query.error_code().unwrap_or("ok");
        format!("{} {code} {:?}", query.sql(), query.rows())
    };
    queries.all().iter().map(shown).collect()
}

#[test]
#[allow(unnameable_test_items, reason = "they are called, not collected")]
fn each_statement_of_a_pipeline_is_recorded() {
    let (production, sandbox) = in_both!(options: PgConnectOptions, queries: Queries; {
        let mut client = Client::connect(&options, 0);
        client.ask(&pipeline(&["select 1", "select 2 where false"]));
        client.ask(&pipeline(&["select 3", "select 1 / 0", "select 4"]));
        client.ask(&pipeline(&["select 5", "nonsense", "select 6"]));
        HEARD.set(recorded(&queries));
    });
    let expected = [
        "select 1 ok Some(1)",
        "select 2 where false ok Some(0)",
        "select 3 ok Some(1)",
        "select 1 / 0 22012 None",
        "select 5 ok Some(1)",
        "nonsense 42601 None",
    ];
    assert_eq!(production, expected, "production");
    assert_eq!(sandbox, expected, "the sandbox");
}

#[test]
#[allow(unnameable_test_items, reason = "they are called, not collected")]
fn a_commit_that_fails_in_a_pipeline_is_undone_before_what_follows_its_sync() {
    let (production, sandbox) = in_both!(options: PgConnectOptions, faults: Faults; {
        faults.on_commit().fail_with("40001");
        let mut client = Client::connect(&options, 0);
        let one = pipeline(&["begin", "delete from items", "commit", "select 1"]);
        let next = pipeline(&["select name from items"]);
        HEARD.set(vec![client.ask(&one.followed_by(next))]);
    });
    let heard = sandbox.first().map(String::as_str).unwrap_or_default();
    assert_eq!(production, sandbox, "the sandbox is on the right");
    assert!(
        heard.contains("E40001<") && heard.contains("seeded"),
        "{heard}"
    );
    assert!(
        !heard.contains("COMMIT") && heard.ends_with("ZI "),
        "{heard}"
    );
}
