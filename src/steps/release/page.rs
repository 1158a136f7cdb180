//! A release page: our part of its text, and what people wrote around it.

use crate::plan::release::{ReleasePage, ReleasePageEdit};

/// Where our part of a text begins and ends; what people write before and after it stays.
const BEGIN: &str = "<!-- gitops-steps release begin -->";
const END: &str = "<!-- gitops-steps release end -->";

/// What a release page shall be.
#[derive(Clone, Debug)]
pub struct Page {
    /// The title, where one was named.
    pub title: Option<String>,
    /// Our part of the text.
    pub body: String,
    /// Whether it shall be a draft.
    pub draft: bool,
    /// Whether it shall be marked as not ready for production.
    pub prerelease: bool,
}

impl Page {
    /// Puts notes between our marks.
    pub fn body_of(notes: &str) -> String {
        let mut notes = notes.to_owned();
        // What is left when a mark is taken out can be one.
        while notes.contains(BEGIN) || notes.contains(END) {
            notes = notes.replace(BEGIN, "").replace(END, "");
        }
        format!("{BEGIN}\n{}\n{END}", notes.trim())
    }
}

/// Returns what has to change on a page that is there; `None` for nothing. A page that was published stays so.
pub fn edit(there: &ReleasePage, page: &Page) -> Option<ReleasePageEdit> {
    let body = merged(&there.body, &page.body);
    let edit = ReleasePageEdit {
        title: page.title.clone().filter(|title| *title != there.title),
        body: (plain(&body) != plain(&there.body)).then_some(body),
        draft: (there.draft && !page.draft).then_some(false),
        prerelease: (there.prerelease != page.prerelease).then_some(page.prerelease),
        latest: None,
    };
    (edit != ReleasePageEdit::default()).then_some(edit)
}

/// Replaces our part of a text, or adds it where there is none.
fn merged(theirs: &str, ours: &str) -> String {
    // A beginning without an end, before ours, is somebody's text.
    let part = theirs.match_indices(END).find_map(|(end, _)| {
        let begin = theirs[..end].rfind(BEGIN)?;
        Some((begin, end + END.len()))
    });
    match part {
        Some((begin, end)) => format!("{}{ours}{}", &theirs[..begin], &theirs[end..]),
        None if theirs.trim().is_empty() => ours.to_owned(),
        None => format!("{}\n\n{ours}", theirs.trim_end()),
    }
}

/// A text as it compares: the page that people edit has other line breaks.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(body: &str) -> ReleasePage {
        ReleasePage {
            id: 1,
            title: "v1".into(),
            body: body.into(),
            draft: false,
            prerelease: false,
            url: String::new(),
        }
    }

    fn page(notes: &str) -> Page {
        Page {
            title: None,
            body: Page::body_of(notes),
            draft: false,
            prerelease: false,
        }
    }

    #[test]
    fn what_people_wrote_stays() {
        let (old, new) = (Page::body_of("old"), Page::body_of("new"));
        for (body, expected) in [
            (old.clone(), new.clone()),
            (
                format!("Read this.\n\n{old}\n\nThanks!"),
                format!("Read this.\n\n{new}\n\nThanks!"),
            ),
            ("Mine alone\n".to_owned(), format!("Mine alone\n\n{new}")),
            (String::new(), new.clone()),
            (format!("{BEGIN}\nno end"), format!("{BEGIN}\nno end\n\n{new}")),
            (format!("{END}\n{old}"), format!("{END}\n{new}")),
        ] {
            let edit = edit(&there(&body), &page("new")).unwrap();
            assert_eq!(edit.body.as_deref(), Some(expected.as_str()));
            assert_eq!(edit.title, None);
            assert_eq!(super::edit(&there(&expected), &page("new")), None, "{body}");
        }
    }

    #[test]
    fn a_page_that_is_as_asked_is_left_alone() {
        let body = Page::body_of("a\nb").replace('\n', "\r\n");
        assert_eq!(edit(&there(&format!("\r\n{body}\r\n")), &page("a\nb")), None);
        let draft = ReleasePage {
            draft: true,
            ..there(&body)
        };
        assert_eq!(edit(&draft, &page("a\nb")).unwrap().draft, Some(false));
        let wants_draft = Page {
            draft: true,
            ..page("a\nb")
        };
        assert_eq!(edit(&there(&body), &wants_draft), None);
    }

    #[test]
    fn notes_cannot_end_our_part() {
        let body = Page::body_of(&format!("a {END} b {BEGIN} c"));
        assert_eq!((body.matches(END).count(), body.matches(BEGIN).count()), (1, 1));
        let (before, after) = END.split_at(9);
        let hidden = Page::body_of(&format!("a {before}{END}{after} b"));
        assert_eq!(hidden.matches(END).count(), 1);
    }
}
