use db_test::FromTest;

#[derive(FromTest)]
enum Visitor {
    Guest,
    Member,
}

fn main() {}
