//! Rows that hold what nobody declared, or what is of another type.

use super::trouble::Trouble;

/// What every object within a row has more.
const MEMBER: &[u8] = b"\"new\":\"x\"";

/// Changes the row that begins at `start`, and is the `nth` of its page, as the faults say.
pub(super) fn change(out: &mut Vec<u8>, start: usize, nth: usize, trouble: &Trouble) {
    if trouble.adds_members() {
        let row = out.split_off(start);
        add_members(&row, out);
    }
    if let Some(property) = trouble.wrong_type().filter(|_| nth == 0) {
        let row = out.get(start..).unwrap_or_default();
        if let Some((from, to)) = value_of(row, property) {
            out.splice(start + from..start + to, *b"{}");
        }
    }
}

/// Each bracket and comma of `row` outside of strings, with the brackets open around it.
fn marks(row: &[u8]) -> impl Iterator<Item = (usize, u8, usize)> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    row.iter().enumerate().filter_map(move |(at, byte)| {
        match byte {
            _ if std::mem::take(&mut escaped) => return None,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => {
                depth += 1;
                return Some((at, *byte, depth - 1));
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                return Some((at, *byte, depth));
            }
            b',' => return Some((at, b',', depth)),
            _ => {}
        }
        None
    })
}

fn add_members(row: &[u8], out: &mut Vec<u8>) {
    let mut copied = 0;
    for (at, ..) in marks(row).filter(|(_, byte, depth)| *byte == b'{' && *depth > 0) {
        let (before, behind) = row.split_at(at + 1);
        out.extend_from_slice(before.get(copied..).unwrap_or_default());
        out.extend_from_slice(MEMBER);
        if behind.first() != Some(&b'}') {
            out.push(b',');
        }
        copied = at + 1;
    }
    out.extend_from_slice(row.get(copied..).unwrap_or_default());
}

/// Where the value of a member of the row itself begins and ends, if it is not null.
fn value_of(row: &[u8], property: &str) -> Option<(usize, usize)> {
    let key = format!("\"{property}\":");
    let mut start = 0;
    for (at, byte, depth) in marks(row) {
        let ends = byte == b',' && depth == 1 || byte == b'}' && depth == 0;
        let value = row.get(start..at).and_then(|member| member.strip_prefix(key.as_bytes()));
        if ends && value.is_some_and(|value| value != b"null") {
            return Some((start + key.len(), at));
        }
        if ends || byte == b'{' && depth == 0 {
            start = at + 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_added_within_and_values_found_at_the_top() {
        let row = br#"{"id":"{\"","a":{},"l":[{"b":1},null],"n":null,"at":"x,}"}"#;
        let mut out = Vec::new();
        add_members(row, &mut out);
        let expected =
            r#"{"id":"{\"","a":{"new":"x"},"l":[{"new":"x","b":1},null],"n":null,"at":"x,}"}"#;
        assert_eq!(String::from_utf8(out).expect("text"), expected);
        let value = |name| value_of(row, name).map(|(from, to)| &row[from..to]);
        assert_eq!(value("at"), Some(br#""x,}""#.as_slice()));
        assert_eq!(value("l"), Some(br#"[{"b":1},null]"#.as_slice()));
        assert_eq!((value("n"), value("b")), (None, None));
    }
}
