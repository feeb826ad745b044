use db_test::db_test;

#[db_test(timeout("5s"))]
async fn starts() {}

fn main() {}
