use db_test::db_test;

#[db_test]
async fn reads(age: u32) {
    let _ = age;
}

fn main() {}
