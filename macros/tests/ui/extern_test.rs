use db_test::db_test;

#[db_test]
async extern "C" fn starts() {}

fn main() {}
