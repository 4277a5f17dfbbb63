//! A reader of tags, strict enough to find what is not closed or not escaped.

/// Elements that have no end.
const VOID: [&str; 5] = ["meta", "link", "br", "hr", "img"];

/// Reads a page and gives the names of its elements in order.
///
/// Panics: an element is not closed, or closed by another; a tag has no end; an id stands twice.
pub(super) fn elements(page: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    let mut names = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let end = tag_end(rest).expect("every tag has an end");
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        if tag.starts_with('!') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "`{name}` closes another element before `{}`", start(rest));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
        let letters = name.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(!name.is_empty() && letters, "`<{tag}` is no tag: a text was not escaped");
        if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name.clone());
        }
        if name == "style" {
            rest = &rest[rest.find("</style>").expect("the style sheet ends")..];
        }
        names.push(name);
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|part| part.split('"').next()).collect();
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "an id stands twice");
    names
}

/// The end of a tag; a `>` between quotes is none.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quoted = false;
    tag.char_indices().find_map(|(at, character)| {
        quoted ^= character == '"';
        (character == '>' && !quoted).then_some(at)
    })
}

fn start(text: &str) -> &str {
    text.get(..60).unwrap_or(text)
}
