//! `preview slug`: what a branch's preview is called.

use super::{change_request, repo};
use crate::command::cli::CommonArgs;
use crate::command::forge;
use crate::command::frame::Frame;
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::command::tokens::Role;
use crate::plan::Operation;
use crate::steps::preview::{Naming, SlugArgs, labelled};
use crate::words::change_request_event::read_label;
use crate::words::fault::Fault;
use crate::words::folder_template::Values;
use crate::words::name::AppName;
use crate::words::wording::shown;
use crate::world::env::Environment;

/// The most bytes of a branch's name; git itself takes far fewer.
const BRANCH_MAX: usize = 4096;

pub(super) fn run(args: &SlugArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    Frame::new("preview slug", common, environment).run(|opening, receipt| slug(args, opening, receipt))
}

fn slug(args: &SlugArgs, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let naming = Naming::new(&args.naming)?;
    let label = read_label(&args.requests.label)?;
    let app: Option<AppName> = args.app.as_deref().map(str::parse).transpose()?;
    let event = change_request(None, opening.environment)?;
    let branch = match (&args.branch, &event) {
        (Some(branch), _) if branch.len() > BRANCH_MAX => {
            return Err(Fault::invalid(format!("--branch has more than {BRANCH_MAX} bytes")).into());
        }
        (Some(branch), _) => branch.strip_prefix("refs/heads/").unwrap_or(branch).to_owned(),
        (None, Some(event)) => event.branch.clone(),
        (None, None) => {
            return Err(
                Fault::invalid("no branch is named, and CI runs for no pull request")
                    .hint("give --branch")
                    .into(),
            );
        }
    };
    let number = event
        .filter(|event| event.branch == branch)
        .map(|event| event.number);
    let open = if args.requests.repo.is_some() || args.naming.slugs.suffix_on_collision {
        let repo = repo(args.requests.repo.as_deref(), opening.environment)?;
        forge::open(&repo, Role::Target, opening)?.open_requests()?
    } else {
        Vec::new()
    };
    let rivals = labelled(&open, label.as_deref());
    let own = rivals
        .iter()
        .find(|request| request.branch == branch)
        .map(|request| request.number);
    let named = naming.among(&branch, number.or(own), &rivals)?;
    let mut values = Values::from([("slug".to_owned(), named.slug.to_string())]);
    values.extend(app.map(|app| ("app".to_owned(), app.to_string())));
    values.extend(number.or(own).map(|number| ("pr".to_owned(), number.to_string())));
    naming.locate(&mut values)?;
    receipt.app.clone_from(&args.app);
    receipt.operation = Operation::Unchanged;
    receipt.warnings.extend(named.warning);
    receipt.environment_url = values.remove("url");
    let address = receipt.environment_url.as_ref().map(|url| format!(", at {url}"));
    receipt.story = Some(format!(
        "`{}` goes by `{}`{}",
        shown(&branch),
        named.slug,
        address.unwrap_or_default()
    ));
    receipt.new = Some(named.slug.to_string());
    receipt.show(named.slug.as_str());
    Ok(receipt.clone())
}
