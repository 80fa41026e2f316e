//! The documentation names tests that show what it says: each of them must be there.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;

/// All sources below a folder, as one text.
fn sources(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension() {
        _ if path.is_dir() => sources(&path),
        Some(suffix) if suffix == "rs" => fs::read_to_string(&path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn every_test_that_the_page_of_failures_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/failures.md")).unwrap();
    let sources = sources(&root.join("src")) + &sources(&root.join("tests"));
    let shown = page.split("Shown by").skip(1).filter_map(|rest| rest.split(".\n").next());
    let names: Vec<&str> = shown.flat_map(|list| list.split('`').skip(1).step_by(2)).collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        assert!(sources.contains(&format!("fn {name}()")), "there is no test {name}");
    }
}
