//! Scripts that run before the arguments are made.

use db_test::{Queries, db_test};
use sqlx::SqlitePool;

use crate::{names, templates::MIGRATIONS};

#[db_test(fixtures("ada"))]
async fn a_fixture_is_there(pool: SqlitePool, queries: Queries) {
    assert!(
        queries.all().is_empty(),
        "they are not the test's: {queries:?}"
    );
    assert_eq!(names(&pool).await, ["seeded", "ada"]);
}

#[test]
fn an_error_names_its_file_and_line() {
    // There are no posts in these migrations.
    let failed = child::run(
        "fixtures::a_fixture_is_there",
        &[(MIGRATIONS, "tests/sqlite/other")],
    );
    failed.assert_failed();
    let expected = "the fixture runtime/tests/sqlite/fixtures/ada.sql:2 failed: error returned from database: (code: 1) no such table: posts";
    failed.assert_says(expected);
}
