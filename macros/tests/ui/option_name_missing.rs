use db_test::db_test;

#[db_test("5s")]
async fn starts() {}

fn main() {}
