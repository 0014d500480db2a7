//! Name patterns with `*` and `?`.

/// Whether the whole of `name` fits `pattern`, where `*` stands for any run of characters, also
/// none, and `?` for any one. Case counts. The work is at most the product of the two lengths.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    let mut retry = None;
    loop {
        let left = name.clone();
        match (pattern.next(), name.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                name = left.clone();
                retry = Some((pattern.clone(), left));
            }
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {}
            _ => {
                let Some((after, mut from)) = retry.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                pattern = after.clone();
                name = from.clone();
                retry = Some((after, from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns_fit_whole_names() {
        let cases = [
            ("", "", true),
            ("", "users", false),
            ("*", "", true),
            ("*", "users", true),
            ("users", "users", true),
            ("users", "user", false),
            ("user", "users", false),
            ("user?", "users", true),
            ("users?", "users", false),
            ("?sers", "users", true),
            ("Users", "users", false),
            ("group*", "groups", true),
            ("group*", "group_members", true),
            ("group*", "user_groups", false),
            ("*_members", "group_members", true),
            ("*_members", "group_members_old", false),
            ("*m*b*r*", "group_members", true),
            ("**", "users", true),
            ("*s*s", "users", true),
            ("*ab", "aaab", true),
            ("a*b*c", "abcabc", true),
            ("a*b*c", "abcabd", false),
            ("*é", "café", true),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(fits(pattern, name), expected, "`{pattern}` against `{name}`");
        }
    }
}
