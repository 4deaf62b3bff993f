//! One SQL for two databases: what the register's questions and changes are written against.
//!
//! *What it is*: parameters, rows and a connection that speak to SQLite and to PostgreSQL alike. The SQL of the room is the part
//! that both understand: `?1` for a parameter, `coalesce`, `ON CONFLICT (...)`, `RETURNING`, no `OR IGNORE`, no two-valued `max`.
//! Only the schemas differ. *Start reading at* [`Db`]; who writes together with whom is `group.rs`.

pub(super) mod file;
pub(super) mod group;
pub(super) mod server;

use super::StoreError;
use rusqlite::Connection;
use std::sync::MutexGuard;

/// A parameter of a statement. A null has a type, because PostgreSQL asks for one.
#[derive(Clone, Copy)]
pub(super) enum Param<'a> {
    Int(Option<i64>),
    Text(Option<&'a str>),
    Blob(Option<&'a [u8]>),
}

/// What can stand in a row.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row of an answer, by the place of each column, from 0.
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    /// The value at this place.
    pub(super) fn get<T: FromValue>(&self, at: usize) -> Result<T, StoreError> {
        self.0.get(at).and_then(T::from_value).ok_or_else(|| {
            // What stands there is for nobody's log.
            StoreError::Unreadable { what: "column", value: format!("place {at}") }
        })
    }
}

/// A connection on which statements run one after the other.
pub(super) trait Run {
    /// Runs a statement; how many rows it changed.
    fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError>;
    /// Runs a statement that answers.
    fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError>;
    /// Runs statements without parameters.
    fn batch(&self, sql: &str) -> Result<(), StoreError>;
    /// Runs a statement whose answer nobody waits for: before the next that is waited for, and it fails with that, or with
    /// [`Run::settle`]. Of a transaction only, whose end settles.
    fn execute_later(&self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        self.execute(sql, params).map(drop)
    }
    /// The same of statements without parameters.
    fn batch_later(&self, sql: &str) -> Result<(), StoreError> {
        self.batch(sql)
    }
    /// Waits for what was to run later.
    fn settle(&self) -> Result<(), StoreError> {
        Ok(())
    }
    /// Ends the transaction: it is on disk, or this is an error.
    fn commit(&self) -> Result<(), StoreError> {
        self.batch("COMMIT")
    }
    /// Whether a transaction is open on it.
    fn is_within(&self) -> bool;
    /// Whether nothing more can be run on it.
    fn is_lost(&self) -> bool {
        false
    }
}

/// What the questions and changes of the register are put to.
pub(super) enum Db<'a> {
    /// Within a transaction of somebody else's.
    Within(&'a dyn Run),
    /// The file, for as long as this lives.
    File(MutexGuard<'a, Connection>),
    /// A connection to the server, given back when this is dropped.
    Server(server::Lent<'a>),
}

impl Db<'_> {
    fn run(&self) -> &dyn Run {
        match self {
            Self::Within(run) => *run,
            Self::File(file) => &**file,
            Self::Server(lent) => lent.client(),
        }
    }

    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        self.run().execute(sql, params)
    }

    /// Runs a statement whose answer nobody waits for: it fails with the next that is waited for, or with the transaction.
    pub(super) fn later(&self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        match self {
            Self::Within(run) => run.execute_later(sql, params),
            // Nobody settles these.
            Self::File(_) | Self::Server(_) => self.execute(sql, params).map(drop),
        }
    }

    /// Every row of an answer.
    pub(super) fn all<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnMut(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.run().rows(sql, params)?.iter().map(read).collect()
    }

    /// The first row of an answer, if there is one.
    pub(super) fn first<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnOnce(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.run().rows(sql, params)?.first().map(read).transpose()
    }

    /// The row of an answer that has one.
    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        read: impl FnOnce(&Row) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.first(sql, params, read)?
            .ok_or_else(|| StoreError::Unreadable { what: "answer", value: "no row".to_owned() })
    }
}

/// What can be a parameter.
pub(super) trait AsParam {
    /// Its null.
    const NULL: Param<'static>;
    /// As one.
    fn param(&self) -> Param<'_>;
}

/// What can be read from a row.
pub(super) trait FromValue: Sized {
    /// `None` when it is something else.
    fn from_value(value: &Value) -> Option<Self>;
}

/// Parameters in their order: `params![case, at]` for `?1, ?2`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::store::base::AsParam::param(&$value)),*] };
}
pub(super) use params;

macro_rules! numbers {
    ($($number:ty),*) => { $(
        impl AsParam for $number {
            const NULL: Param<'static> = Param::Int(None);
            fn param(&self) -> Param<'_> {
                Param::Int(Some(i64::from(*self)))
            }
        }
    )* };
}
numbers!(i64, u32, bool);

impl AsParam for str {
    const NULL: Param<'static> = Param::Text(None);
    fn param(&self) -> Param<'_> {
        Param::Text(Some(self))
    }
}

impl AsParam for String {
    const NULL: Param<'static> = Param::Text(None);
    fn param(&self) -> Param<'_> {
        Param::Text(Some(self))
    }
}

impl<const N: usize> AsParam for [u8; N] {
    const NULL: Param<'static> = Param::Blob(None);
    fn param(&self) -> Param<'_> {
        Param::Blob(Some(self))
    }
}

impl AsParam for [u8] {
    const NULL: Param<'static> = Param::Blob(None);
    fn param(&self) -> Param<'_> {
        Param::Blob(Some(self))
    }
}

impl<T: AsParam + ?Sized> AsParam for &T {
    const NULL: Param<'static> = T::NULL;
    fn param(&self) -> Param<'_> {
        T::param(self)
    }
}

impl<T: AsParam> AsParam for Option<T> {
    const NULL: Param<'static> = T::NULL;
    fn param(&self) -> Param<'_> {
        self.as_ref().map_or(T::NULL, T::param)
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Int(number) = value { Some(*number) } else { None }
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value { Some(text.clone()) } else { None }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { Some(bytes.clone()) } else { None }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: &Value) -> Option<Self> {
        if let Value::Blob(bytes) = value { bytes.as_slice().try_into().ok() } else { None }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        if matches!(value, Value::Null) { Some(None) } else { T::from_value(value).map(Some) }
    }
}
