use db_test::db_test;

#[db_test(flavor = "single")]
async fn starts() {}

fn main() {}
