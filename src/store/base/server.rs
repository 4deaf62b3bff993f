//! A register on a PostgreSQL server, shared by any number of nodes.
//!
//! Who writes holds one lock of the whole register until its transaction is over, as SQLite has it: a case is never opened twice
//! by two nodes that find its first mails in the same moment. What asks takes no lock. The client's own runtime drives the
//! connections, so that a question may be asked from any thread. Start reading at [`Server`].
//!
//! What is demanded of the server: PostgreSQL 15 or newer, `fsync` and `full_page_writes` on, and `synchronous_commit` on (it
//! is set here for every connection). A cluster must have a synchronous standby (`synchronous_standby_names`): with an
//! asynchronous one a case that was answered for can be gone after a failover. What only speaks its protocol is not supported
//! until the contract suite has run on it.

use super::{Param, Row, Run, Value};
use crate::store::{ServerUrl, StoreError};
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::Poll;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client as Inner, NoTls, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Begins a transaction that writes: it waits for the other nodes for five seconds at most. `READ COMMITTED`, so that each
/// statement sees what was committed before the lock was had. `READ WRITE`, whatever the server's default was when the connection
/// was made.
pub(in crate::store) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '5s'; \
     SELECT pg_advisory_xact_lock(4858413)";

/// The same for who changes the schema: it waits for as long as another node does that.
pub(in crate::store) const BEGIN_MOVE: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT pg_advisory_xact_lock(4858413)";

/// Of a whole question or change, on top of what the server itself allows: a server that is cut off is given up.
const PATIENCE: Duration = Duration::from_secs(12);
/// Of a step that brings the register up to date, of which each may touch every row.
const MOVE: Duration = Duration::from_hours(2);
/// Of a connection.
const CALL: Duration = Duration::from_secs(5);
/// Connections for questions at once, which are kept for the next ones: to make one costs a server as much as a hundred questions.
/// Who comes then waits. A server has a hundred for all its nodes, unless told otherwise.
const LENT: usize = 8;
/// For every connection. A node that hangs in a transaction must not keep the others out.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '15s'; SET client_min_messages = warning";

/// For the connection that brings the register up to date.
const UNHURRIED: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// The server.
pub(in crate::store) struct Server {
    url: ServerUrl,
    tls: Option<Arc<rustls::ClientConfig>>,
    runtime: Option<Runtime>,
    idle: Mutex<Vec<Client>>,
    /// How many are lent, and that one was given back.
    lent: Mutex<usize>,
    given_back: Condvar,
}

impl Server {
    /// A server that nobody has called yet.
    pub(in crate::store) fn new(url: ServerUrl) -> Result<Self, StoreError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("brevdue-register")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Server(error.to_string()))?;
        let tls = url.tls()?;
        Ok(Self {
            url,
            tls,
            runtime: Some(runtime),
            idle: Mutex::new(Vec::new()),
            lent: Mutex::new(0),
            given_back: Condvar::new(),
        })
    }

    /// A connection of its own.
    pub(in crate::store) fn connect(&self) -> Result<Client, StoreError> {
        let Some(runtime) = &self.runtime else { return Err(StoreError::Server("stopped".to_owned())) };
        let handle = runtime.handle().clone();
        let mut config = self.url.config().clone();
        config.connect_timeout(CALL).tcp_user_timeout(PATIENCE).application_name("brevdue");
        let tls = self.tls.clone();
        let connected = wait(&handle, PATIENCE, async move {
            // The certificate is asked for where the URL says `sslmode=require`; without TLS it must say `disable`.
            if let Some(tls) = tls {
                let (client, connection) = config.connect(MakeRustlsConnect::new((*tls).clone())).await?;
                tokio::spawn(drive(connection));
                Ok(client)
            } else {
                let (client, connection) = config.connect(NoTls).await?;
                tokio::spawn(drive(connection));
                Ok(client)
            }
        });
        let connected =
            connected.map_err(|why| StoreError::Server(format!("{}: {}", self.url, why.words())))?;
        let client = Client {
            inner: Arc::new(connected),
            handle,
            statements: Mutex::default(),
            later: Mutex::default(),
            hangs: AtomicBool::new(false),
            patience: PATIENCE,
        };
        client.batch(SESSION)?;
        Ok(client)
    }

    /// A connection on which a statement may take hours.
    pub(in crate::store) fn connect_unhurried(&self) -> Result<Client, StoreError> {
        let client = self.connect()?;
        client.batch(UNHURRIED)?;
        Ok(Client { patience: MOVE, ..client })
    }

    /// A connection for a question, given back when it is dropped.
    pub(in crate::store) fn lend(&self) -> Result<Lent<'_>, StoreError> {
        let lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.given_back.wait_timeout_while(lent, PATIENCE, |lent| *lent >= LENT);
        let (mut lent, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(StoreError::Server("every connection is in use".to_owned()));
        }
        *lent += 1;
        drop(lent);
        // From here on it is given back, whatever happens.
        let mut place = Lent { client: None, server: self };
        let idle = self.idle().pop();
        place.client = Some(match idle.filter(|client| !client.is_lost()) {
            Some(client) => client,
            None => self.connect()?,
        });
        Ok(place)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Client>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A runtime may not be waited for on another one's thread.
            runtime.shutdown_background();
        }
    }
}

/// Drives a connection until it ends; who uses it hears why.
async fn drive<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    drop(connection.await);
}

/// A connection that is lent for a question.
pub(in crate::store) struct Lent<'a> {
    client: Option<Client>,
    server: &'a Server,
}

impl Lent<'_> {
    pub(super) fn client(&self) -> &dyn Run {
        match &self.client {
            Some(client) => client,
            None => &Nobody,
        }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(client) = self.client.take().filter(|client| !client.is_lost()) {
            self.server.idle().push(client);
        }
        *self.server.lent.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.server.given_back.notify_one();
    }
}

/// A connection.
pub(in crate::store) struct Client {
    inner: Arc<Inner>,
    handle: Handle,
    /// Ready on the server, by their SQL and the types of their parameters.
    statements: Mutex<HashMap<(String, Vec<Type>), Statement>>,
    /// What was asked for later: it goes with the next that is waited for, which saves a way to the server and back each.
    later: Mutex<Vec<Asked>>,
    /// It has not answered in time: what it is at nobody knows. Or it cannot be written, as a standby cannot, or the primary of
    /// before a failover: another connection may find one that can. Nothing more is asked of it.
    hangs: AtomicBool,
    patience: Duration,
}

impl Client {
    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, tokio_postgres::Error>> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.is_lost() {
            return Err(StoreError::Server("the connection is lost".to_owned()));
        }
        let waited = wait(&self.handle, self.patience, work);
        if matches!(waited, Err(Unanswered::Late(_) | Unanswered::ReadOnly(_))) {
            self.hangs.store(true, Relaxed);
        }
        Ok(waited?)
    }

    fn statement(&self, sql: &str, params: &[Param<'_>]) -> Result<Statement, StoreError> {
        let types: Vec<Type> = params
            .iter()
            .map(|param| match param {
                Param::Int(_) => Type::INT8,
                Param::Text(_) => Type::TEXT,
                Param::Blob(_) => Type::BYTEA,
            })
            .collect();
        let key = (sql.to_owned(), types);
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = statements.get(&key) {
            return Ok(known.clone());
        }
        // What fails here must not undo what is asked for before it, which is another's savepoint perhaps.
        self.settle()?;
        let (inner, numbered, types) = (Arc::clone(&self.inner), sql.replace('?', "$"), key.1.clone());
        let made = self.wait(async move { inner.prepare_typed(&numbered, &types).await })?;
        statements.insert(key, made.clone());
        Ok(made)
    }

    /// Asks this, after what was asked for later. When one fails the server refuses those behind it, up to the end of the
    /// transaction or of its savepoint, and the first failure is the answer.
    fn ask(&self, last: Asked) -> Result<Answer, StoreError> {
        let mut asked = std::mem::take(&mut *self.later());
        asked.push(last);
        let inner = Arc::clone(&self.inner);
        self.wait(async move {
            let mut sent: Vec<_> = asked.into_iter().map(|one| Box::pin(one.of(&inner))).collect();
            // Each is sent when it is first polled, and answered in that order.
            let mut answers = Vec::with_capacity(sent.len());
            for one in &mut sent {
                answers.push(poll_fn(|context| Poll::Ready(one.as_mut().poll(context))).await);
            }
            let mut answer = Answer::default();
            for (one, early) in sent.iter_mut().zip(answers) {
                answer = match early {
                    Poll::Ready(answer) => answer?,
                    Poll::Pending => one.as_mut().await?,
                };
            }
            Ok(answer)
        })
    }

    fn later(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked of the server.
enum Asked {
    Batch(String),
    Change(Statement, Vec<Own>),
    Question(Statement, Vec<Own>),
}

/// What it answers: to a change how many rows, to a question which.
#[derive(Default)]
struct Answer {
    changed: u64,
    rows: Vec<tokio_postgres::Row>,
}

impl Asked {
    async fn of(self, server: &Inner) -> Result<Answer, tokio_postgres::Error> {
        match self {
            Self::Batch(sql) => server.batch_execute(&sql).await.map(|()| Answer::default()),
            Self::Change(statement, params) => {
                let params: Vec<_> = params.iter().map(Own::as_sql).collect();
                let changed = server.execute(&statement, &params).await?;
                Ok(Answer { changed, ..Answer::default() })
            }
            Self::Question(statement, params) => {
                let params: Vec<_> = params.iter().map(Own::as_sql).collect();
                let rows = server.query(&statement, &params).await?;
                Ok(Answer { rows, ..Answer::default() })
            }
        }
    }
}

/// A parameter that outlives its caller.
enum Own {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

impl Own {
    fn of(param: &Param<'_>) -> Self {
        match *param {
            Param::Int(number) => Self::Int(number),
            Param::Text(text) => Self::Text(text.map(str::to_owned)),
            Param::Blob(bytes) => Self::Blob(bytes.map(<[u8]>::to_vec)),
        }
    }

    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        match self {
            Self::Int(number) => number,
            Self::Text(text) => text,
            Self::Blob(bytes) => bytes,
        }
    }
}

fn owned(params: &[Param<'_>]) -> Vec<Own> {
    params.iter().map(Own::of).collect()
}

impl Run for Client {
    fn execute(&self, sql: &str, params: &[Param<'_>]) -> Result<usize, StoreError> {
        let answer = self.ask(Asked::Change(self.statement(sql, params)?, owned(params)))?;
        Ok(usize::try_from(answer.changed).unwrap_or(usize::MAX))
    }

    fn rows(&self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        let answer = self.ask(Asked::Question(self.statement(sql, params)?, owned(params)))?;
        answer
            .rows
            .iter()
            .map(|row| (0..row.len()).map(|at| value(row, at)).collect::<Result<_, _>>().map(Row))
            .collect()
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.ask(Asked::Batch(sql.to_owned())).map(drop)
    }

    fn execute_later(&self, sql: &str, params: &[Param<'_>]) -> Result<(), StoreError> {
        let change = Asked::Change(self.statement(sql, params)?, owned(params));
        self.later().push(change);
        Ok(())
    }

    fn batch_later(&self, sql: &str) -> Result<(), StoreError> {
        self.later().push(Asked::Batch(sql.to_owned()));
        Ok(())
    }

    fn settle(&self) -> Result<(), StoreError> {
        let last = self.later().pop();
        last.map_or(Ok(()), |last| self.ask(last).map(drop))
    }

    fn commit(&self) -> Result<(), StoreError> {
        // A transaction that has failed is undone by COMMIT, and the server calls that well done: a question before it does not.
        self.batch("SELECT 1; COMMIT")
    }

    fn is_within(&self) -> bool {
        // A statement that fails undoes no more than its savepoint here; only a lost connection takes the rest with it.
        !self.is_lost()
    }

    fn is_lost(&self) -> bool {
        self.hangs.load(Relaxed) || self.inner.is_closed()
    }
}

/// Whoever asks a connection that was given back.
struct Nobody;

impl Run for Nobody {
    fn execute(&self, _: &str, _: &[Param<'_>]) -> Result<usize, StoreError> {
        Err(StoreError::Server("no connection".to_owned()))
    }

    fn rows(&self, _: &str, _: &[Param<'_>]) -> Result<Vec<Row>, StoreError> {
        Err(StoreError::Server("no connection".to_owned()))
    }

    fn batch(&self, _: &str) -> Result<(), StoreError> {
        Err(StoreError::Server("no connection".to_owned()))
    }

    fn is_within(&self) -> bool {
        false
    }
}

fn value(row: &tokio_postgres::Row, at: usize) -> Result<Value, StoreError> {
    let kind = row.columns().get(at).map(|column| column.type_().clone());
    let unreadable = || StoreError::Unreadable { what: "column", value: format!("place {at}") };
    let int = |number: Option<i64>| number.map_or(Value::Null, Value::Int);
    let read = match kind {
        Some(Type::INT8) => row.try_get(at).map(int),
        Some(Type::INT4) => row.try_get::<_, Option<i32>>(at).map(|number| int(number.map(i64::from))),
        Some(Type::BOOL) => row.try_get::<_, Option<bool>>(at).map(|yes| int(yes.map(i64::from))),
        Some(Type::TEXT | Type::VARCHAR) => {
            row.try_get::<_, Option<String>>(at).map(|text| text.map_or(Value::Null, Value::Text))
        }
        Some(Type::BYTEA) => {
            row.try_get::<_, Option<Vec<u8>>>(at).map(|bytes| bytes.map_or(Value::Null, Value::Blob))
        }
        _ => return Err(unreadable()),
    };
    read.map_err(|_| unreadable())
}

/// Why there is no answer.
enum Unanswered {
    /// It is not here in time.
    Late(Duration),
    /// It cannot be written.
    ReadOnly(String),
    /// The server said no, or is gone.
    No(String),
}

impl Unanswered {
    fn words(self) -> String {
        match self {
            Self::Late(patience) => format!("no answer in {} s", patience.as_secs()),
            Self::ReadOnly(why) | Self::No(why) => why,
        }
    }
}

impl From<Unanswered> for StoreError {
    fn from(why: Unanswered) -> Self {
        Self::Server(why.words())
    }
}

/// Waits for what runs on the client's own runtime; not for ever.
fn wait<T: Send + 'static>(
    handle: &Handle,
    patience: Duration,
    work: impl Future<Output = Result<T, tokio_postgres::Error>> + Send + 'static,
) -> Result<T, Unanswered> {
    let (done, answer) = mpsc::sync_channel(1);
    handle.spawn(async move {
        let result = tokio::time::timeout(patience, work).await;
        // Nobody may be left to hear it.
        drop(done.send(result));
    });
    match answer.recv() {
        Ok(Ok(result)) => result.map_err(|error| {
            // A server in recovery says the second to BEGIN READ WRITE; nothing else here asks for what is not there.
            let read_only = [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::FEATURE_NOT_SUPPORTED];
            let is_read_only = error.code().is_some_and(|code| read_only.contains(code));
            if is_read_only { Unanswered::ReadOnly(said(&error)) } else { Unanswered::No(said(&error)) }
        }),
        Ok(Err(_)) => Err(Unanswered::Late(patience)),
        Err(_) => Err(Unanswered::No("stopped".to_owned())),
    }
}

/// What the server said: its code and message, and never its detail, which may quote a row.
fn said(error: &tokio_postgres::Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
