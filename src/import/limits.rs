//! Every bound on what is looked at in other tools' files, in one place.

/// Functions of a template within each other, and names that lead to names: what goes on for longer goes in circles.
pub const FUNCTIONS_DEPTH: usize = 64;
/// Values of a template that are looked at for one resource.
pub const FUNCTIONS: usize = 200_000;
/// Terraform's modules within modules.
pub const MODULES_DEPTH: usize = 32;
/// An ecspresso configuration, in bytes.
pub const CONFIGURATION_BYTES: usize = 64 * 1024;
