//! By whose rules text is sorted.

use child::Finished;
use db_test::{Session, db_test};
use sqlx::PgPool;

use crate::{place::Place, shared};

/// The locale that a child's session names.
const LOCALE: &str = "DB_TEST_CHILD_LOCALE";

/// The order of text that the child expects.
const ORDER: &str = "DB_TEST_CHILD_ORDER";

const CHILD: &str = "locales::text_is_sorted";

fn session() -> Session {
    let session = Session::postgres().migrations("tests/migrations");
    match std::env::var(LOCALE) {
        Ok(tag) => session.locale(tag),
        Err(_) => session,
    }
}

#[db_test(session = session)]
async fn text_is_sorted(pool: PgPool) {
    assert_eq!(sorted(&pool).await, expected());
}

#[db_test(session = session, isolation = "database")]
async fn text_is_sorted_in_a_database_of_its_own(pool: PgPool) {
    assert_eq!(sorted(&pool).await, expected());
}

async fn sorted(pool: &PgPool) -> String {
    let sorted = "select string_agg(word, ' ' order by word) from (values ('a'), ('B'), ('Z'), ('é')) as words (word)";
    let sorted = sqlx::query_scalar(sorted);
    sorted.fetch_one(pool).await.expect("it is sorted")
}

/// By code point, unless somebody asks for another order.
fn expected() -> String {
    std::env::var(ORDER).unwrap_or("B Z a é".to_owned())
}

/// Whether the server of this machine can sort by no language at all, and says so.
fn lacks_icu(child: &Finished) -> bool {
    ["was built without ICU", "before PostgreSQL 15"]
        .iter()
        .any(|reason| child.output.contains(reason))
}

#[test]
fn a_session_that_names_a_language_has_text_sorted_by_its_rules() {
    let passed = child::run(CHILD, &[(LOCALE, "en-US"), (ORDER, "a B é Z")]);
    assert!(passed.success || lacks_icu(&passed), "{}", passed.output);
}

#[test]
fn a_locale_that_cannot_be_had_is_reported_with_the_reason() {
    for (tag, expected) in [
        ("xx-US", "knows no language `xx`"),
        ("en_US.UTF-8", "write a language tag, as in `en-US`"),
    ] {
        let failed = child::run(CHILD, &[(LOCALE, tag)]);
        let is_explained = failed.output.contains(expected) || lacks_icu(&failed);
        assert!(is_explained, "{}", failed.output);
        let help = format!("correct `.locale(\"{tag}\")`");
        failed.assert_says(&help);
    }
}

#[db_test]
async fn a_shared_database_keeps_its_own(_pool: PgPool) {
    let place = Place::new();
    let url = shared::limited(&place).await;
    let failed = place.run(CHILD, &[("TEST_DB_URL", &url), (LOCALE, "en-US")]);
    failed.assert_says("remove `.locale(…)`");
}
