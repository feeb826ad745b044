use db_test::db_test;

#[db_test(flavor = "current_thread", start_paused = "yes")]
async fn starts() {}

fn main() {}
