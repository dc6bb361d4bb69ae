//! Whose account it is: by issuer and subject, made at the first login, with the role that the groups give each time.

use eyrie_catalogue::{Role, User};

use super::claims::Answer;
use super::{Refusal, Refused};
use crate::admin::AdminError;
use crate::api::problem::Problem;
use crate::app::App;

/// What an entry of the audit log names for what a login changed.
const ACTOR: &str = "server";
/// `maria`, `maria 2`, ... before the name is taken from the subject.
const MAX_NAMESAKES: usize = 20;

pub(super) async fn find_or_make(app: &App, answer: &Answer) -> Result<Result<User, Refused>, Problem> {
    let refused = |refusal, why: &str| Ok(Err((refusal, anyhow::anyhow!("{why} (subject {:?})", answer.subject))));
    let known = app.catalogue.user_by_identity(&answer.issuer, &answer.subject).await?;
    if known.as_ref().is_some_and(|user| user.disabled) {
        return refused(Refusal::Disabled, "the account is disabled");
    }
    let Some(role) = answer.role(&app.config.oidc) else {
        return refused(Refusal::NoRole, "no group of this person may come");
    };
    let admin = app.admin(ACTOR);
    if let Some(user) = known {
        return Ok(Ok(admin.change_user(&user.name, Some(role), None).await?));
    }
    let Some(workspace) = app.catalogue.workspace(&app.config.oidc.workspace).await? else {
        return refused(Refusal::Failed, "the workspace that oidc.workspace names is not there");
    };
    match make(app, answer, &workspace, role).await {
        Ok(user) => Ok(Ok(user)),
        // the same person's first login, twice at once
        Err(AdminError::Exists { what: "identity", .. }) => {
            match app.catalogue.user_by_identity(&answer.issuer, &answer.subject).await? {
                Some(user) => Ok(Ok(user)),
                None => refused(Refusal::Failed, "the account is gone again"),
            }
        }
        Err(error) => Err(error.into()),
    }
}

async fn make(
    app: &App,
    answer: &Answer,
    workspace: &eyrie_catalogue::Workspace,
    role: Role,
) -> Result<User, AdminError> {
    let admin = app.admin(ACTOR);
    let wanted = answer.name.as_deref().map(usable).filter(|name| !name.is_empty());
    // a name somebody has stays theirs: it was never proof of anything
    if let Some(wanted) = wanted {
        for n in 1..=MAX_NAMESAKES {
            let name = if n == 1 { wanted.clone() } else { format!("{wanted} {n}") };
            match admin.add_user_with_identity(&name, workspace, role, &answer.issuer, &answer.subject).await {
                Err(AdminError::Exists { what: "user", .. }) => {}
                other => return other,
            }
        }
    }
    let digest = crate::secret::token_hash(&format!("{} {}", answer.issuer, answer.subject));
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let name = format!("person {short}");
    admin.add_user_with_identity(&name, workspace, role, &answer.issuer, &answer.subject).await
}

/// A foreign name as a user's name may be, with room for a number.
fn usable(name: &str) -> String {
    let plain = name.chars().filter(|letter| !letter.is_control() && !matches!(letter, '/' | '\\'));
    plain.take(crate::admin::MAX_NAME_CHARS - 3).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_name_becomes_one_of_ours() {
        assert_eq!(usable(" maria@example.org\n"), "maria@example.org");
        assert_eq!(usable("../../etc"), "....etc");
        assert_eq!(usable("\u{0}\u{7f} "), "");
        assert_eq!(usable(&"ü".repeat(500)).chars().count(), crate::admin::MAX_NAME_CHARS - 3);
    }
}
