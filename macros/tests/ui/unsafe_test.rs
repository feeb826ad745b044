use db_test::db_test;

#[db_test]
async unsafe fn starts() {}

fn main() {}
