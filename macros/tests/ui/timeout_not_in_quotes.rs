use db_test::db_test;

#[db_test(timeout = [5])]
async fn starts() {}

fn main() {}
