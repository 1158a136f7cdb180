//! Floor 0, text: reads, edits and proves YAML (and JSON, which is YAML). It knows nothing of Helm or Git.
//!
//! An edit never writes a document anew. It **locates** the bytes of every value ([`File`]), **resolves** a path to one of
//! them ([`Path`]), **splices** the new value in, and **proves** by two independent parsers that the
//! result says what the old text said, with the asked change and nothing else:
//!
//! | file | what it owns |
//! | --- | --- |
//! | `path`, `resolve` | what a user names, and which node that is |
//! | `file`, `locate`, `lex`, `shadow` | which bytes each value takes |
//! | `spell`, `typed` | how a value is written so that every reader gets it |
//! | `edit`, `round`, `pin` | what is asked for, what can be done at once, and where it has moved to by then |
//! | `set`, `insert`, `unset`, `embed`, `layout`, `splice` | which bytes change |
//! | `prove`, `witness` | that nothing else did |
//! | `model` | what several edits must give together |
//!
//! ```
//! use gitops_steps::yaml::{Edit, File, IfMissing, Operation, Path, Value};
//!
//! let file = File::parse(b"image:\n  tag: 'v1'  # ours\n").unwrap();
//! let edit = Edit {
//!     document: None,
//!     path: Path::parse("image.tag").unwrap(),
//!     operation: Operation::Set { value: Value::String("v2".into()) },
//!     if_missing: IfMissing::Error,
//!     allow_shared: false,
//! };
//! assert_eq!(file.apply(&[edit]).unwrap().text, "image:\n  tag: 'v2'  # ours\n");
//! ```

mod edit;
mod embed;
mod error;
mod file;
mod insert;
mod layout;
mod lex;
mod locate;
mod model;
mod path;
mod pin;
mod prove;
mod resolve;
mod round;
mod set;
mod shadow;
mod spell;
mod splice;
mod typed;
mod unset;
mod witness;

pub use edit::{Change, Edit, Edited, IfMissing, Operation, Value};
pub use error::{Error, ErrorKind};
pub use file::{File, Node, NodeKind};
pub use path::{Path, PathError, Segment, split_assignment};
pub use resolve::Document;
