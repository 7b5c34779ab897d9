//! Many rows in one statement: an import of thousands of files is one commit.

use std::{collections::HashMap, fmt::Write as _};

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::{
    Change, Error, Revision,
    database::{Transaction, Value},
};

/// Rows of one statement: SQLite takes 32,766 arguments, PostgreSQL twice as many.
const ROWS_MAX: usize = 256;

/// The texts of those of the paths that there are.
pub(super) async fn texts(
    transaction: &mut Transaction,
    paths: &[&str],
) -> Result<HashMap<String, String>, Error> {
    let mut texts = HashMap::new();
    for paths in paths.chunks(ROWS_MAX) {
        let sql = statement("SELECT path, text FROM files WHERE path IN", (1, paths.len()), "");
        let values: Vec<_> = paths.iter().map(|it| Value::Text(it)).collect();
        for row in transaction.rows(sql, &values).await? {
            texts.insert(row.text(0)?, row.text(1)?);
        }
    }
    Ok(texts)
}

/// Writes what a revision changed.
pub(super) async fn write_changes(
    transaction: &mut Transaction,
    revision: &Revision,
    changes: &[Change],
    is_file: bool,
) -> Result<(), Error> {
    let number = i64::try_from(revision.number).unwrap_or(i64::MAX);
    for changes in changes.chunks(ROWS_MAX) {
        let insert = "INSERT INTO changes (revision, path, is_file, before, after) VALUES";
        let values = changes.iter().flat_map(|Change { path, before, after }| {
            [
                Value::Int(number),
                Value::Text(path),
                Value::Int(is_file.into()),
                Value::Maybe(before.as_deref()),
                Value::Maybe(after.as_deref()),
            ]
        });
        let values: Vec<_> = values.collect();
        transaction.execute(statement(insert, (changes.len(), 5), ""), &values).await?;
    }
    Ok(())
}

/// Makes the files what the changes say.
pub(super) async fn write_files(
    transaction: &mut Transaction,
    changes: &[Change],
) -> Result<(), Error> {
    let written: Vec<_> =
        changes.iter().filter_map(|it| Some((&it.path, it.after.as_ref()?))).collect();
    for files in written.chunks(ROWS_MAX) {
        let values = files.iter().flat_map(|(path, text)| [Value::Text(path), Value::Text(text)]);
        let values: Vec<_> = values.collect();
        let insert = "INSERT INTO files (path, text) VALUES";
        let or_update = " ON CONFLICT (path) DO UPDATE SET text = excluded.text";
        transaction.execute(statement(insert, (files.len(), 2), or_update), &values).await?;
    }
    let gone: Vec<_> = changes.iter().filter(|it| it.after.is_none()).map(|it| &it.path).collect();
    for paths in gone.chunks(ROWS_MAX) {
        let sql = statement("DELETE FROM files WHERE path IN", (1, paths.len()), "");
        let values: Vec<_> = paths.iter().map(|it| Value::Text(it)).collect();
        transaction.execute(sql, &values).await?;
    }
    Ok(())
}

/// A statement with so many rows of so many numbered arguments.
pub(crate) fn statement(
    begin: &'static str,
    (rows, columns): (usize, usize),
    end: &'static str,
) -> SqlStr {
    let mut sql = begin.to_owned();
    let mut numbers = 1_usize..;
    for row in 0..rows {
        sql.push_str(if row == 0 { " (" } else { ", (" });
        for (column, number) in (0..columns).zip(&mut numbers) {
            let comma = if column == 0 { "" } else { ", " };
            let _ = write!(sql, "{comma}${number}");
        }
        sql.push(')');
    }
    sql.push_str(end);
    // Made of constants and numbers alone.
    AssertSqlSafe(sql).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_numbered_through_all_rows() {
        let sql = statement("INSERT INTO t VALUES", (2, 3), " END");
        assert_eq!(sql.as_str(), "INSERT INTO t VALUES ($1, $2, $3), ($4, $5, $6) END");
        assert_eq!(statement("IN", (1, 2), "").as_str(), "IN ($1, $2)");
    }
}
