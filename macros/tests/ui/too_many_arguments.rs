use db_test::{Queries, db_test};

#[db_test]
async fn takes_much(
    _a: Queries,
    _b: Queries,
    _c: Queries,
    _d: Queries,
    _e: Queries,
    _f: Queries,
    _g: Queries,
    _h: Queries,
    _i: Queries,
    _j: Queries,
    _k: Queries,
    _l: Queries,
    _m: Queries,
) {
}

fn main() {}
