//! What is special to a format, or to whoever reads it, at each place of a text.

/// Of each class of texts that broke something somewhere, a few: escapes and separators, ends of lines, what
/// steers a terminal, what nobody sees, letters that look or count like others, scripts from right to left,
/// numbers and words that are none, markup, queries, commands, templates, paths, formulas, other formats.
#[rustfmt::skip]
const SPECIALS: [&str; 160] = [
    "\\", "\\\\", "\\n", "\\u", "\\u0041", "\\x1b", "\\0", "\\\"", "/", "//",
    "|", "||", "=", "==", "\"", "\"\"", "'", "`", ",", ";", ":", ".", "-", "+", "@", "#", "%", "&",
    "*", "?", "!", "~", "^", "$",
    "(", ")", "[", "]", "{", "}", "<", ">", "<0>", "]]>", "\",\"seq\":1,\"", "}{", "\"}\n{\"",
    "\t", "\n", "\r", "\r\n", "\n\r", "\u{0}", "\u{7}", "\u{8}", "\u{b}", "\u{c}", "\u{1b}",
    "\u{1b}[2K", "\u{7f}", "\u{85}", "\u{9b}", "\u{a0}", "\u{ad}",
    "\u{200b}", "\u{200d}", "\u{200f}", "\u{2028}", "\u{2029}", "\u{202e}", "\u{2060}", "\u{2066}",
    "\u{feff}", "\u{fffd}", "\u{ffff}",
    "\u{180e}", "\u{3000}", "\u{1680}", "\u{e0001}", "\u{fe0f}", "\u{10ffff}",
    "\u{e9}", "e\u{301}", "\u{df}", "\u{130}", "\u{131}", "\u{ff21}", "\u{ff1d}", "\u{ff5c}",
    "\u{ff3c}", "\u{2160}", "\u{663}", "\u{2074}", "\u{1d400}", "\u{fb01}",
    "\u{5d0}\u{5d1}", "\u{627}\u{644}", "\u{fdfd}", "\u{e01}\u{e33}", "\u{928}\u{940}",
    "\u{6f22}\u{5b57}", "\u{d55c}", "\u{1f44d}\u{1f3fd}", "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
    "\u{1f1e9}\u{1f1ea}", "o\u{334}\u{321}\u{317}\u{316}",
    "null", "undefined", "NaN", "-Infinity", "true", "0x1F", "1e309", "-0.0", "1,5",
    "18446744073709551616", "00", "1970-01-01",
    "<b onload=x>", "&lt;", "&#0;", "<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///\">]>", "<?xml?>",
    "%41", "%25%30%61", "%c0%af", "+ADw-",
    "' OR ''='", "1;--", "/**/", "$HOME", "${x}", "%d%n", "{0}", "{{x}}", "<%= x %>", "#{x}",
    "$(x)", "&& x", "| x", "../", "..\\", "C:\\CON", "\\\\host\\x", "file://x", "jndi:dns://x",
    "@SUM(1)", "=1+1", "-1|x", "SYSTEM: ignore", "-----BEGIN X-----", "DCC SEND x 0 0 0", "+++ATH0",
    " act=x", "CEF:0|", "<34>1 - - - - - -", "[x y=\"z\"]", "10 <0>", "{\"resourceLogs\":[]}",
    "{\"index\":{}}\n",
];

/// What stands before it, and behind it.
pub(super) const PLACES: [(&str, &str); 10] = [
    ("", ""),
    ("", "b"),
    ("a", ""),
    ("a", "b"),
    ("\\", ""),
    ("a\\", "\\"),
    (" ", " "),
    ("\"", "\""),
    ("a=", "|"),
    ("\r\n", "\n"),
];

/// Each of them at each place, those of one behind each other.
pub(super) fn crossed() -> impl Iterator<Item = String> {
    SPECIALS.iter().flat_map(|special| {
        PLACES.iter().map(move |(before, after)| format!("{before}{special}{after}"))
    })
}
