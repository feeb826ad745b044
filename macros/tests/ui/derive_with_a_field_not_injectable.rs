use db_test::{Client, FromTest};

#[derive(FromTest)]
struct Shop {
    client: Client,
    name: String,
}

fn main() {}
