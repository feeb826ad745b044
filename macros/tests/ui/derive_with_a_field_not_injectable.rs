use db_test::{Client, FromTest};

#[derive(FromTest)]
struct Shop {
    client: Client,
    age: u32,
}

fn main() {}
