//! Undoing what is not in the database.

use std::{fs, path::PathBuf};

use db_test::{BoxError, FromTest, TestContext, db_test};

/// A directory that is gone after the test.
struct Uploads(PathBuf);

impl FromTest for Uploads {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        let name = format!("{}-{}", cx.name().replace("::", "-"), std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory)?;
        let made = directory.clone();
        cx.on_end(async move { fs::remove_dir_all(made) });
        Ok(Self(directory))
    }
}

#[db_test]
async fn an_upload_is_kept(uploads: Uploads) -> Result<(), std::io::Error> {
    let file = uploads.0.join("engine.txt");
    fs::write(&file, "brass")?;
    assert_eq!(fs::read_to_string(file)?, "brass");
    Ok(())
}
