//! The first line of a plan. Must not know: what makes an object count for what.

use serde::Serialize;

/// How many objects are in for what; each counts once, for the most that happens to it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    pub create: usize,
    pub register: usize,
    pub delete: usize,
    pub deploy: usize,
    pub in_place: usize,
    pub adopt: usize,
    pub replace: usize,
    pub blocked: usize,
    pub waiting: usize,
    pub unchanged: usize,
}

impl Summary {
    /// `Plan: 1 to create, 2 blocked; 3 unchanged.`
    pub fn line(&self) -> String {
        let Self { create, register, delete, deploy, in_place, adopt, replace, blocked, waiting, unchanged } = *self;
        let parts = [
            (create, "to create"),
            (register, "to register"),
            (deploy, "to deploy"),
            (in_place, "to change in place"),
            (delete, "to delete"),
            (adopt, "to adopt"),
            (replace, "to be replaced"),
            (blocked, "blocked"),
            (waiting, "waiting"),
        ];
        let told: Vec<String> =
            parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let objects = crate::cli::print::counted(unchanged, "object");
        match (told.is_empty(), unchanged) {
            (true, 1) => format!("Nothing to do: {objects} is as the manifests say."),
            (true, _) => format!("Nothing to do: {objects} are as the manifests say."),
            (false, 0) => format!("Plan: {}.", told.join(", ")),
            (false, _) => format!("Plan: {}; {unchanged} unchanged.", told.join(", ")),
        }
    }
}
