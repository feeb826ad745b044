//! `#[db_test(flavor = "current_thread")]`: a runtime of its own for each test.

use variants::db_tests;

db_tests!(m1, schema::ONE, flavor = "current_thread");
db_tests!(m30, schema::THIRTY, flavor = "current_thread");
db_tests!(m300, schema::THREE_HUNDRED, flavor = "current_thread");
