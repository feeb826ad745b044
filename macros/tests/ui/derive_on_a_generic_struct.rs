use db_test::{Client, FromTest};

#[derive(FromTest)]
struct With<'a, T> {
    client: Client,
    other: &'a T,
}

fn main() {}
