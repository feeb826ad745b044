use db_test::FromTest;

#[derive(FromTest)]
union Number {
    signed: i32,
    unsigned: u32,
}

fn main() {}
