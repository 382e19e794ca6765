//! Every bound on what is made of the text, in one place.

/// Values in one document: the resource a document may cost, whatever its text expands to. Every 64 bytes of a string
/// count as one more.
pub const DOCUMENT_NODES: usize = 100_000;
/// The same for all documents of a file.
pub const FILE_NODES: usize = 500_000;
/// The same for all files of one reading.
pub const READING_NODES: usize = 5_000_000;
/// Lists and maps inside each other.
pub const DEPTH: usize = 64;
/// Documents in one file.
pub const DOCUMENTS: usize = 1_000;
/// The text of one file, in bytes.
pub const FILE_BYTES: usize = 1024 * 1024;
/// A file of another tool that is imported, in bytes: the states of large Terraform projects have 20 MiB.
pub const FOREIGN_BYTES: usize = 64 * 1024 * 1024;
/// Values in such a file, counted as those of a document.
pub const FOREIGN_NODES: usize = 4_000_000;
/// Problems told about one document; who has more has seen enough.
pub const FINDINGS: usize = 50;
/// What one string may grow to when variables are replaced, in bytes.
pub const EXPANDED_BYTES: usize = 256 * 1024;
/// Merge keys followed in search of one member's place.
pub const MERGES: usize = 200;
/// Opening brackets in a document from which on their nesting is looked at before it is parsed.
pub const BRACKETS: usize = 2_000;
