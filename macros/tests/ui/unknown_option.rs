use db_test::db_test;

#[db_test(colour = "red")]
async fn starts() {}

fn main() {}
