use db_test::db_test;

#[db_test(isolation = "schema")]
async fn starts() {}

fn main() {}
