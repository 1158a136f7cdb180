//! Signatures by the system's ssh-keygen, as `git commit -S` with gpg.format=ssh makes them.

use std::path::Path;

use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown_path;
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::process;

/// Signs a commit's content with an SSH key; the answer is the armored signature (ssh-keygen(1), `-Y sign`).
pub(super) fn ssh(
    content: &str,
    key: &Path,
    environment: &Environment,
    deadline: Deadline,
) -> Result<String, Fault> {
    let mut command = environment.command("ssh-keygen");
    command.args(["-Y", "sign", "-n", "git", "-f"]).arg(key);
    let finished = process::run(&mut command, content.as_bytes(), deadline)?;
    let signature = String::from_utf8(finished.stdout).unwrap_or_default();
    if finished.ok && signature.starts_with("-----BEGIN SSH SIGNATURE-----") {
        // Git stores the armor without its last line break.
        return Ok(signature.trim_end().to_owned());
    }
    let said = finished.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    Err(Fault::new(
        Kind::Invalid,
        format!("cannot sign with `{}`: {}", shown_path(key), said.escape_debug()),
    )
    .hint("give a private key without a passphrase, or a public key whose private half ssh-agent holds"))
}
