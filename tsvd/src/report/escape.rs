//! Text from the watched program, made safe to show.
//!
//! Thread names, keys and paths are whatever the program made them. Shown on a terminal they must not move the cursor,
//! reorder the line or fill the screen.

use std::fmt::Write as _;

/// `text` in one line, safe to show on a terminal: control and invisible formatting characters as Rust escapes, and cut
/// after some thousand characters.
pub fn printable(text: &str) -> String {
    shown(text, 4096)
}

/// `text` in one line of at most `max` characters: control and invisible formatting characters as Rust escapes.
pub(super) fn shown(text: &str, max: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(4 * max));
    for (index, character) in text.chars().enumerate() {
        if index == max {
            let more = text.chars().count() - max;
            let _ = write!(shown, "... ({more} more characters)");
            break;
        }
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Characters that act on the terminal or on the order of the text instead of being seen.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// A command that a POSIX shell reads as these words, safe to show. `None` if it cannot be shown whole.
pub(super) fn shell(words: &[String], max: usize) -> Option<String> {
    let mut line = String::new();
    for word in words {
        if word.chars().any(is_hidden) {
            return None;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:,+@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            line.push_str(word);
        } else {
            let _ = write!(line, "'{}'", word.replace('\'', r"'\''"));
        }
    }
    (!line.is_empty() && line.chars().count() <= max).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays_and_what_acts_is_escaped() {
        assert_eq!(shown(r#"wörker "1" \ 日本"#, 100), r#"wörker "1" \ 日本"#);
        assert_eq!(
            shown("a\u{1b}[2Jb\r\n\tc\u{9b}", 100),
            r"a\u{1b}[2Jb\r\n\tc\u{9b}"
        );
        assert_eq!(
            shown("user\u{202e}gpj.exe\u{feff}", 100),
            r"user\u{202e}gpj.exe\u{feff}"
        );
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown("äöüß", 4), "äöüß");
        assert_eq!(shown("äöüß", 2), "äö... (2 more characters)");
    }

    #[test]
    fn a_shell_reads_the_same_words() {
        let shell = |words: &[&str]| {
            shell(
                &words
                    .iter()
                    .map(|&word| word.to_owned())
                    .collect::<Vec<_>>(),
                40,
            )
        };
        assert_eq!(shell(&["a/b-c", "--x=1"]).as_deref(), Some("a/b-c --x=1"));
        assert_eq!(
            shell(&["it's", "", "$x;"]).as_deref(),
            Some(r"'it'\''s' '' '$x;'")
        );
        assert_eq!(shell(&["a\nb"]), None);
        assert_eq!(shell(&[]), None);
        assert_eq!(shell(&["a"; 30]), None);
    }
}
