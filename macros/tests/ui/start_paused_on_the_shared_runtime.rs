use db_test::db_test;

#[db_test(start_paused = true)]
async fn starts() {}

fn main() {}
