//! A repository that is to be made at a forge.

/// Who may see a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Who is let in.
    Private,
    /// Everyone with an account there.
    Internal,
    /// Everyone.
    Public,
}

impl Visibility {
    /// Returns the word that GitHub and GitLab have for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }
}

/// A repository that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRepository {
    /// Who may see it.
    pub visibility: Visibility,
    /// What it is for, in a line.
    pub description: String,
}
