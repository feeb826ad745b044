//! `#[db_test(isolation = "memory")]`: the template's bytes in one connection for each test.

use variants_sqlite::db_tests;

db_tests!(m1, schema::ONE, "memory");
db_tests!(m300, schema::THREE_HUNDRED, "memory");
