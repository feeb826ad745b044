// macros/tests/ui/unknown_option.stderr: isolation = "database"
// macros/tests/ui/unknown_option.stderr: timeout = "5s"
// macros/tests/ui/unknown_option.stderr: overrides = path::to::function
// macros/tests/ui/unknown_option.stderr: max_queries = 7
// macros/tests/ui/unknown_option.stderr: max_queries_per_request = 3
// macros/tests/ui/fixture_without_quotes.stderr: "users"
// runtime/src/test/report.rs: #[db_test(timeout = "2m")]
// runtime/src/database/ending.rs: #[db_test(isolation = "database")]
// runtime/src/session/cause.rs: #[db_test(session = path)]
mod path {
    pub mod to {
        pub fn function(_: &db_test::Overrides) {}
    }
}
mod session {
    pub fn path() -> db_test::Session {
        db_test::Session::postgres()
    }
}
use db_test::db_test;
use session::path;

#[db_test(isolation = "database", timeout = "5s", overrides = path::to::function, max_queries = 7, max_queries_per_request = 3)]
async fn has_options() {}

#[db_test(timeout = "2m")]
async fn waits() {}

#[db_test(isolation = "database")]
async fn writes() {}

#[db_test(session = path)]
async fn names_its_session() {}

mod in_the_sources {
    #[db_test::db_test(fixtures("../fixtures/users.sql"))]
    async fn has_a_fixture() {}
}

const _: &str = "users";
