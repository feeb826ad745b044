use db_test::db_test;

#[db_test(max_queries = "7")]
async fn starts() {}

fn main() {}
