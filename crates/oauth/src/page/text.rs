//! Hostile text, made fit to be read: names that programs give themselves.

const LENGTH_MAX: usize = 80;

/// The text on one line, without characters that turn it around, hide in it or control anything.
pub(super) fn plain(text: &str) -> String {
    cut(text, LENGTH_MAX)
}

/// What a program is called: by its own word, or by where it sends people where it has none that can
/// be seen.
pub(super) fn called(name: &str, host: &str) -> String {
    let shown = [name, host].into_iter().map(plain).find(|it| has_letters(it));
    shown.unwrap_or_else(|| "a program without a name".to_owned())
}

/// Whether there is anything to read: marks alone, and letters that Unicode leaves blank, are nothing.
fn has_letters(text: &str) -> bool {
    text.chars().any(|it| it.is_alphanumeric() && !is_blank(it))
}

/// As [`plain`], of at most `length_max` characters.
pub(super) fn cut(text: &str, length_max: usize) -> String {
    let shown = text.chars().filter(|it| !is_hidden(*it));
    let shown: String = shown.map(|it| if it.is_whitespace() { ' ' } else { it }).collect();
    let words = shown.split(' ').filter(|it| !it.is_empty());
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.chars().count() <= length_max {
        return line;
    }
    line.chars().take(length_max).chain(['…']).collect()
}

/// Letters and marks that are drawn as nothing: fillers of Hangul, joiners, selectors of variants.
fn is_blank(it: char) -> bool {
    matches!(it,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0100}'..='\u{e01ef}')
}

/// Controls, and what Unicode calls format characters: bidi, zero width, tags.
fn is_hidden(it: char) -> bool {
    (it.is_control() && !it.is_whitespace())
        || is_blank(it)
        || matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_reads_as_it_stands() {
        for (text, want) in [
            ("Claude", "Claude"),
            ("  a \n\t b  ", "a b"),
            ("abc\u{202e}cba", "abccba"),
            ("a\u{200b}b\u{feff}c\u{e0041}", "abc"),
            ("a\0b\u{1b}[31m", "ab[31m"),
            ("\u{200d}", ""),
            ("a\u{3164}b\u{fe0f}\u{2800}", "ab"),
        ] {
            assert_eq!(plain(text), want, "{text:?}");
        }
        for (name, host, want) in [
            ("Claude", "claude.ai", "Claude"),
            ("", "claude.ai", "claude.ai"),
            (" \u{202e}\u{3164}\u{2063} ", "claude.ai", "claude.ai"),
            ("…", "claude.ai", "claude.ai"),
            ("", "", "a program without a name"),
        ] {
            assert_eq!(called(name, host), want, "{name:?}");
        }
        assert_eq!(plain(&"x".repeat(81)).chars().count(), 81);
        assert!(plain(&"x".repeat(81)).ends_with('…'));
    }
}
