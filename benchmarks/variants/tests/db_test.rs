//! `#[db_test]`.

use variants::db_tests;

db_tests!(m1, schema::ONE);
db_tests!(m30, schema::THIRTY);
db_tests!(m300, schema::THREE_HUNDRED);
