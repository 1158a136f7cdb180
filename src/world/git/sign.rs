//! Signatures of commits and tags by the programs that git has them made by: `ssh-keygen` and `gpg`.

use std::path::Path;

use super::credentials::Access;
use crate::plan::commit::{Identity, Signing};
use crate::words::fault::Fault;
use crate::words::wording::{shown, shown_path};
use crate::world::process::{self, Finished};

/// Signs what a commit or a tag holds; the answer is the armored signature, without its last line break, as git stores it.
///
/// The programs are those that git's configuration names: `gpg.ssh.program`; `gpg.openpgp.program` or `gpg.program`
/// (git-config(1)).
///
/// # Errors
/// `Invalid` if the program or the key is not there or does not sign, `GaveUp` if it does not end in time.
pub(super) fn sign(
    content: &str,
    signing: &Signing,
    signer: &Identity,
    access: &Access,
) -> Result<String, Fault> {
    match signing {
        Signing::Ssh { key } => ssh(content, key, access),
        Signing::OpenPgp { key } => openpgp(content, &openpgp_key(key.as_deref(), signer, access), access),
    }
}

/// As ssh-keygen(1) describes it under `-Y sign`.
fn ssh(content: &str, key: &Path, access: &Access) -> Result<String, Fault> {
    let program = access.config.get("gpg.ssh.program").unwrap_or("ssh-keygen");
    let mut command = access.environment.command(program);
    command.args(["-Y", "sign", "-n", "git", "-f"]).arg(key);
    let finished = process::run(&mut command, content.as_bytes(), access.deadline)?;
    armored(&finished, "-----BEGIN SSH SIGNATURE-----").ok_or_else(|| {
        let said = one_line(finished.stderr.split_whitespace());
        Fault::invalid(format!("cannot sign with `{}`: {said}", shown_path(key))).hint(
            "give a private key without a passphrase, or a public key whose private half ssh-agent holds",
        )
    })
}

/// As git has it made: detached, armored, and told of by the status line `SIG_CREATED` (gnupg's doc/DETAILS).
fn openpgp(content: &str, key: &str, access: &Access) -> Result<String, Fault> {
    let named = access.config.get("gpg.openpgp.program");
    let program = named
        .or_else(|| access.config.get("gpg.program"))
        .unwrap_or("gpg");
    let mut command = access.environment.command(program);
    command.args(["--batch", "--status-fd=2", "--armor", "--detach-sign"]);
    // In one word with its value, so that a key is never an option of its own.
    command.arg(format!("--local-user={key}"));
    let finished = process::run(&mut command, content.as_bytes(), access.deadline)?;
    let (status, said): (Vec<_>, Vec<_>) = finished
        .stderr
        .lines()
        .partition(|line| line.starts_with("[GNUPG:] "));
    let told = status
        .iter()
        .any(|line| line.starts_with("[GNUPG:] SIG_CREATED "));
    armored(&finished, "-----BEGIN PGP SIGNATURE-----")
        .filter(|_| told)
        .ok_or_else(|| {
            let said = one_line(said.iter().flat_map(|line| line.split_whitespace()));
            Fault::invalid(format!(
                "cannot sign with the OpenPGP key `{}`: {said}",
                shown(key)
            ))
            .hint(
                "import its secret key; let it have no passphrase, or gpg-agent hold that \
                 (gpg-preset-passphrase)",
            )
        })
}

/// Chooses the key as git does: the one that is named, else `user.signingKey`, else the one of the committer.
fn openpgp_key(named: Option<&str>, signer: &Identity, access: &Access) -> String {
    let format = access.config.get("gpg.format").unwrap_or("openpgp");
    let configured = || {
        let key = access.config.get("user.signingkey");
        key.filter(|key| format == "openpgp" && !key.is_empty())
    };
    named.or_else(configured).map_or_else(
        || format!("{} <{}>", signer.name, signer.email),
        ToOwned::to_owned,
    )
}

/// Returns the signature that a program has printed; on Windows it may end its lines with CRLF.
fn armored(finished: &Finished, opening: &str) -> Option<String> {
    let signature = std::str::from_utf8(&finished.stdout).ok()?.replace("\r\n", "\n");
    (finished.ok && signature.starts_with(opening)).then(|| signature.trim_end().to_owned())
}

/// Returns what a program has said, as one line that is safe to print.
fn one_line<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let said = words.collect::<Vec<_>>().join(" ");
    match said.as_str() {
        "" => "the program says nothing".to_owned(),
        said => said.escape_debug().to_string(),
    }
}
