//! Another tool's spelling of an object as AWS's API has it.
