//! Rows that are written together.

use rusqlite::{Connection, Statement, ToSql};

/// How many rows a statement writes. A row costs less the more go with it.
const SIZES: [usize; 3] = [16, 4, 1];

/// An `INSERT` of any number of rows, in as few statements as can be.
///
/// One that fails may leave rows behind: whoever writes it is undone then. So SQLite keeps no copy of each page that it changes,
/// to undo it by itself; but it does where a row comes with its number (`inbox`, `outbox`), which might be none.
pub(super) struct Insert<'c> {
    /// For each of [`SIZES`].
    statements: [Statement<'c>; 3],
}

/// Gives values to a statement, one after the other.
pub(super) struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    n_bound: usize,
}

impl<'c> Insert<'c> {
    /// `into` is the table with its columns; `row` is what stands for one row, in parentheses, with a `?` for each value; `tail`
    /// comes behind all of them.
    pub(super) fn prepare(
        connection: &'c Connection,
        into: &str,
        row: &str,
        tail: &str,
    ) -> Result<Self, rusqlite::Error> {
        let prepare = |size| {
            let rows = vec![row; size].join(", ");
            connection.prepare(&format!("INSERT OR FAIL INTO {into} VALUES {rows} {tail}"))
        };
        let [many, some, one] = SIZES;
        Ok(Self { statements: [prepare(many)?, prepare(some)?, prepare(one)?] })
    }

    /// How many of `n_rows` go into one statement. 0 only of none.
    pub(super) fn fitting(n_rows: usize) -> usize {
        SIZES.into_iter().find(|size| *size <= n_rows).unwrap_or(0)
    }

    /// Writes `rows`, of which there are as many as are [fitting](Self::fitting), each with the values that `bind` gives it.
    /// How many were written: a conflict may keep some out.
    pub(super) fn write<T>(
        &mut self,
        rows: &[T],
        bind: impl Fn(&T, &mut Binder<'_, 'c>) -> Result<(), rusqlite::Error>,
    ) -> Result<usize, rusqlite::Error> {
        let sizes = SIZES.into_iter().zip(&mut self.statements);
        let Some((_, statement)) = sizes.into_iter().find(|(size, _)| *size == rows.len()) else {
            return Ok(0);
        };
        let mut binder = Binder { statement, n_bound: 0 };
        for row in rows {
            bind(row, &mut binder)?;
        }
        let n_written = statement.raw_execute();
        // What is long does not stay in memory.
        statement.clear_bindings();
        n_written
    }

    /// Writes all of `rows`, of which none can be kept out.
    pub(super) fn write_all<T>(
        &mut self,
        mut rows: &[T],
        bind: impl Fn(&T, &mut Binder<'_, 'c>) -> Result<(), rusqlite::Error>,
    ) -> Result<(), rusqlite::Error> {
        while let Some((chunk, rest)) = rows.split_at_checked(Self::fitting(rows.len()))
            && !chunk.is_empty()
        {
            self.write(chunk, &bind)?;
            rows = rest;
        }
        Ok(())
    }
}

impl Binder<'_, '_> {
    /// The value of the next `?`.
    pub(super) fn push(&mut self, value: impl ToSql) -> Result<(), rusqlite::Error> {
        self.n_bound += 1;
        self.statement.raw_bind_parameter(self.n_bound, value)
    }
}
