//! The words and signs of a Rust source, without its comments and texts.

/// A word, a number, `::`, or another sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// Whether a token is a word and not a sign or a number.
pub(crate) fn is_word(text: &str) -> bool {
    text.starts_with(|it: char| it.is_alphabetic() || it == '_')
}

/// All tokens of `code`, in order.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut rest = code;
    let mut line = 1_usize;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (length, is_token) = measure(rest, first);
        let (text, after) = rest.split_at(length.clamp(first.len_utf8(), rest.len()));
        if is_token {
            tokens.push(Token { text, line });
        }
        line = line.saturating_add(text.matches('\n').count());
        rest = after;
    }
    tokens
}

/// How long what `rest` begins with is, and whether it is a token.
fn measure(rest: &str, first: char) -> (usize, bool) {
    if first.is_whitespace() {
        return (first.len_utf8(), false);
    }
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), false);
    }
    if let Some(length) = raw_text(rest).or_else(|| text(rest)).or_else(|| character(rest)) {
        return (length, false);
    }
    if first.is_alphanumeric() || first == '_' {
        let is_outside = |it: char| !it.is_alphanumeric() && it != '_';
        return (rest.find(is_outside).unwrap_or(rest.len()), true);
    }
    if rest.starts_with("::") {
        return (2, true);
    }
    (first.len_utf8(), true)
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut bytes = rest.as_bytes();
    while !bytes.is_empty() {
        let step = if bytes.starts_with(b"/*") {
            depth = depth.saturating_add(1);
            2
        } else if bytes.starts_with(b"*/") {
            depth = depth.saturating_sub(1);
            2
        } else {
            1
        };
        bytes = bytes.get(step..).unwrap_or_default();
        if depth == 0 {
            break;
        }
    }
    rest.len().saturating_sub(bytes.len())
}

/// `r"…"`, `r#"…"#`, `br#"…"#`.
fn raw_text(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let inner = after.trim_start_matches('#');
    let hashes = after.len().saturating_sub(inner.len());
    let body = inner.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |it| it.saturating_add(end.len()));
    Some(rest.len().saturating_sub(body.len()).saturating_add(length))
}

/// `"…"`, `b"…"`, `c"…"`.
fn text(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix(['b', 'c']).unwrap_or(rest).strip_prefix('"')?;
    let mut is_escaped = false;
    let end = body.find(|it: char| {
        let ends = it == '"' && !is_escaped;
        is_escaped = it == '\\' && !is_escaped;
        ends
    });
    let length = end.map_or(body.len(), |it| it.saturating_add(1));
    Some(rest.len().saturating_sub(body.len()).saturating_add(length))
}

/// `'x'`, `'\n'`, `b'x'`; a lifetime is none.
fn character(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('\'')?;
    let mut characters = body.char_indices();
    let (_, first) = characters.next()?;
    let length = if first == '\\' {
        // The character after the backslash may be a quote.
        let (at, escaped) = characters.next()?;
        let behind = body.get(at.saturating_add(escaped.len_utf8())..)?;
        let end = behind.find('\'')?.saturating_add(1);
        body.len().saturating_sub(behind.len()).saturating_add(end)
    } else {
        let (at, _) = characters.next().filter(|(_, it)| *it == '\'')?;
        at.saturating_add(1)
    };
    Some(rest.len().saturating_sub(body.len()).saturating_add(length))
}
