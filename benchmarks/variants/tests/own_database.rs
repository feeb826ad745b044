//! `#[db_test(isolation = "database")]`: a database of its own for each test, with real commits.

use variants::db_tests;

db_tests!(m1, schema::ONE, isolation = "database");
db_tests!(m30, schema::THIRTY, isolation = "database");
db_tests!(m300, schema::THREE_HUNDRED, isolation = "database");
