//! `#[db_test]` with `Session::sqlite()`: a copy of a template file for each test.

use variants_sqlite::db_tests;

db_tests!(m1, schema::ONE, "database");
db_tests!(m300, schema::THREE_HUNDRED, "database");
