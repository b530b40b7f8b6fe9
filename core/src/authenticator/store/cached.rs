//! The connection as the tables use it: each SQL text is compiled once.

use rusqlite::{CachedStatement, Connection, Params, Row};

/// How many compiled statements are kept. The store has fewer SQL texts.
pub(super) const STATEMENTS: usize = 128;

/// A connection whose statements are compiled once and kept.
#[derive(Clone, Copy)]
pub(crate) struct Cached<'a>(pub(super) &'a Connection);

impl<'a> Cached<'a> {
    /// As [`Connection::prepare`].
    pub(super) fn prepare(&self, sql: &str) -> rusqlite::Result<CachedStatement<'a>> {
        self.0.prepare_cached(sql)
    }

    /// As [`Connection::execute`].
    pub(super) fn execute(&self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.prepare(sql)?.execute(params)
    }

    /// As [`Connection::query_row`].
    pub(super) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.prepare(sql)?.query_row(params, read)
    }
}
