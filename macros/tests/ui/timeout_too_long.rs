use db_test::db_test;

#[db_test(timeout = "18446744073709551615m")]
async fn starts() {}

fn main() {}
