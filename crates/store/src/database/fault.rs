//! What a database's own errors mean to us.

use crate::Error;

/// What was being done when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Write,
}

/// Reads an error of the driver.
pub(super) fn read(error: sqlx::Error, access: Access) -> Error {
    let Some(code) = error.as_database_error().and_then(|it| it.code()).map(|it| it.into_owned())
    else {
        return match error {
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_) => Error::corrupt(error.to_string()),
            error => Error::unavailable(error),
        };
    };
    // A state of PostgreSQL has five characters, a code of SQLite is a number below 10000.
    let sort = match code.parse::<u32>() {
        Ok(number) if code.len() < 5 => sqlite(number & 0xff, access),
        _ => postgres(&code),
    };
    match sort {
        Sort::Corrupt => Error::corrupt(error.to_string()),
        Sort::ReadOnly => Error::ReadOnly { source: error.into() },
        Sort::Refused => Error::Refused { source: error.into() },
        Sort::Unavailable => Error::unavailable(error),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Corrupt,
    ReadOnly,
    Refused,
    Unavailable,
}

/// <https://www.sqlite.org/rescode.html>, primary codes.
fn sqlite(code: u32, access: Access) -> Sort {
    match (code, access) {
        // READONLY, FULL
        (8 | 13, _) => Sort::ReadOnly,
        // IOERR, CANTOPEN: a write needs its journal, and the disk does not take it.
        (10 | 14, Access::Write) => Sort::ReadOnly,
        // BUSY, LOCKED, NOMEM, INTERRUPT, IOERR, CANTOPEN
        (5 | 6 | 7 | 9 | 10 | 14, _) => Sort::Unavailable,
        // CORRUPT, NOTADB
        (11 | 26, _) => Sort::Corrupt,
        _ => Sort::Refused,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn postgres(state: &str) -> Sort {
    match state {
        // disk_full, read_only_sql_transaction
        "53100" | "25006" => Sort::ReadOnly,
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => Sort::Corrupt,
        // invalid_catalog_name, lock_not_available, serialization_failure, deadlock_detected,
        // idle_in_transaction_session_timeout
        "3D000" | "55P03" | "40001" | "40P01" | "25P03" => Sort::Unavailable,
        // connection, authorization, resources, operator intervention, system
        _ if ["08", "28", "53", "57", "58"].iter().any(|it| state.starts_with(it)) => {
            Sort::Unavailable
        }
        _ => Sort::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_refuses_writes_and_a_lost_server_is_out_of_reach() {
        for (code, access, want) in [
            (8, Access::Write, Sort::ReadOnly),
            (13, Access::Write, Sort::ReadOnly),
            (10, Access::Write, Sort::ReadOnly),
            (10, Access::Read, Sort::Unavailable),
            (5, Access::Write, Sort::Unavailable),
            (11, Access::Read, Sort::Corrupt),
            (19, Access::Write, Sort::Refused),
        ] {
            assert_eq!(sqlite(code, access), want, "{code} {access:?}");
        }
        for (state, want) in [
            ("53100", Sort::ReadOnly),
            ("25006", Sort::ReadOnly),
            ("53300", Sort::Unavailable),
            ("57P01", Sort::Unavailable),
            ("28P01", Sort::Unavailable),
            ("XX001", Sort::Corrupt),
            ("42P01", Sort::Refused),
        ] {
            assert_eq!(postgres(state), want, "{state}");
        }
    }
}
