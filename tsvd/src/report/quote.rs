//! Source lines for people: the line of a call site with a mark under the call.

use std::fs;
use std::path::{Path, PathBuf};

use super::escape::shown;
use super::model::Site;

/// Longer lines are cut.
const MAX_WIDTH: usize = 120;

/// Larger files are not read: nobody wrote them by hand.
const MAX_FILE: u64 = 4 << 20;

const TAB: &str = "    ";

/// A source line and what to put under it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Quote {
    pub(super) code: String,
    /// Blanks and carets.
    pub(super) mark: String,
}

/// The line of `site`, if its file is found below one of `roots`, in their order, or by its own path.
///
/// Only Rust sources are read. A report may come from elsewhere, and it must not make its reader show other files.
pub(super) fn quote(site: &Site, roots: &[PathBuf]) -> Option<Quote> {
    let file = Path::new(&site.file);
    if file.extension().is_none_or(|extension| extension != "rs") {
        return None;
    }
    // Joining an absolute path gives that path.
    let source = roots
        .iter()
        .map(|root| root.join(file))
        .find_map(|path| source(&path))?;
    let line = source
        .lines()
        .nth(usize::try_from(site.line).ok()?.checked_sub(1)?)?;
    Some(mark(line, usize::try_from(site.column).ok()?))
}

fn source(path: &Path) -> Option<String> {
    let metadata = fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > MAX_FILE {
        return None;
    }
    Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned())
}

/// Marks the word at `column`, counted from 1 in characters, or the whole line where the column is 0 or beyond it.
fn mark(line: &str, column: usize) -> Quote {
    let line = line.trim_end();
    let characters: Vec<char> = line.chars().collect();
    let indent = characters
        .iter()
        .take_while(|character| character.is_whitespace())
        .count();
    let (start, end) = match column.checked_sub(1) {
        Some(start) if start < characters.len() => {
            let word = |character: &&char| character.is_alphanumeric() || **character == '_';
            let length = characters[start..].iter().take_while(word).count();
            (start, start + length.max(1))
        }
        _ => (indent, characters.len()),
    };
    let width = |from: usize, to: usize| -> usize {
        characters[from..to]
            .iter()
            .map(|character| visible(*character).chars().count())
            .sum()
    };
    let code: String = characters
        .iter()
        .map(|character| visible(*character))
        .collect();
    let mut mark = " ".repeat(width(0, start)) + &"^".repeat(width(start, end));
    mark.truncate(MAX_WIDTH);
    Quote {
        code: shown(&code, MAX_WIDTH),
        mark: mark.trim_end().to_owned(),
    }
}

fn visible(character: char) -> String {
    if character == '\t' {
        TAB.to_owned()
    } else {
        shown(character.encode_utf8(&mut [0; 4]), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, column: usize) -> String {
        let quote = mark(line, column);
        format!("{}\n{}", quote.code, quote.mark)
    }

    #[test]
    fn the_word_at_the_column_is_marked() {
        assert_eq!(
            marked("    slab.insert(7);", 10),
            "    slab.insert(7);\n         ^^^^^^"
        );
        assert_eq!(marked("    *slab += 1;", 5), "    *slab += 1;\n    ^");
        assert_eq!(marked("\tslab.get()", 7), "    slab.get()\n         ^^^");
        assert_eq!(marked("größe.get()", 7), "größe.get()\n      ^^^");
    }

    #[test]
    fn without_a_column_the_line_is_marked() {
        assert_eq!(marked("  slab.get();  ", 0), "  slab.get();\n  ^^^^^^^^^^^");
        assert_eq!(marked("  slab.get();", 99), "  slab.get();\n  ^^^^^^^^^^^");
        assert_eq!(marked("", 3), "\n");
    }

    #[test]
    fn sources_are_shown_safely() {
        assert_eq!(
            marked("a(\u{1b}).get()", 6),
            "a(\\u{1b}).get()\n          ^^^"
        );
        let long = format!("{}.get()", "x".repeat(300));
        let quote = mark(&long, 302);
        assert!(
            quote.code.ends_with("(186 more characters)"),
            "{}",
            quote.code
        );
        assert_eq!(quote.mark, "");
    }

    #[test]
    fn only_rust_sources_that_exist_are_read() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("a.rs"), "first\nsecond\n").unwrap();
        fs::write(root.path().join("secret.txt"), "first\n").unwrap();
        fs::create_dir(root.path().join("folder.rs")).unwrap();
        let other = root.path().join("none");
        let roots = [other, root.path().to_path_buf()];
        let code =
            |file: &str, line| quote(&Site::new(file, line, 1), &roots).map(|quote| quote.code);
        assert_eq!(code("a.rs", 2).as_deref(), Some("second"));
        assert_eq!(code("a.rs", 3), None);
        assert_eq!(code("a.rs", 0), None);
        assert_eq!(code("secret.txt", 1), None);
        assert_eq!(code("folder.rs", 1), None);
        assert_eq!(code("b.rs", 1), None);
        let absolute = root.path().join("a.rs");
        assert_eq!(
            code(absolute.to_str().unwrap(), 1).as_deref(),
            Some("first")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_panics_and_the_mark_is_below_it(line in "\\PC{0,40}\t?\\PC{0,140}", column in 0..200_usize) {
            let quote = mark(&line, column);
            let width = quote.code.chars().count();
            proptest::prop_assert!(quote.mark.len() <= width, "{quote:?}");
        }
    }
}
