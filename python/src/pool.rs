//! Thread pools. Jobs run in them without the interpreter lock (GIL).

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pyo3::create_exception!(heorot, InternalError, PyRuntimeError, "A bug of heorot: please report the message.");

/// For at most this number of bodies, the calling thread computes alone. Waking other threads would
/// take longer.
const FEW: usize = 256;
/// A larger number of threads is an error of the caller.
const MOST_THREADS: usize = 4096;
/// Greatest number of threads of a process that compute alone. Rayon never frees the pool of such a
/// thread.
const MOST_ALONE: usize = 64;

/// Pools by their number of threads. They are kept, because starting threads takes longer than
/// small evaluations. Only threads that hold the interpreter lock take this lock. A fork holds the
/// interpreter lock too.
static POOLS: Mutex<BTreeMap<usize, Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());

/// Number of threads that have computed alone.
static COUNT_ALONE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// A pool that consists of the calling thread only.
    static ALONE: OnceCell<Option<ManuallyDrop<ThreadPool>>> = const { OnceCell::new() };
}

/// The threads of a job.
pub(crate) enum Threads {
    /// The calling thread, as the only one of a pool. No other thread is woken.
    Alone,
    Pool(Arc<ThreadPool>),
}

impl Threads {
    /// This many threads, or all processors. A job of few `bodies` gets one thread only.
    pub(crate) fn of(threads: Option<usize>, bodies: usize) -> PyResult<Threads> {
        if let Some(threads) = threads.filter(|threads| !(1..=MOST_THREADS).contains(threads)) {
            return Err(PyValueError::new_err(format!(
                "threads = {threads}: must be from 1 to {MOST_THREADS}"
            )));
        }
        if bodies <= FEW && is_alone() { Ok(Threads::Alone) } else { Ok(Threads::Pool(pool(threads)?)) }
    }

    /// Runs `job` without the interpreter lock. A panic becomes an [`InternalError`], an error a
    /// `ValueError`.
    pub(crate) fn compute<T: Send, E: ToString>(
        &self,
        py: Python<'_>,
        job: impl FnOnce() -> Result<T, E> + Send,
    ) -> PyResult<T> {
        let guarded = move || {
            let result = catch_unwind(AssertUnwindSafe(job)).map_err(|panic| words(&*panic))?;
            Ok(result.map_err(|error| error.to_string()))
        };
        let result: Result<Result<T, String>, String> = match self {
            Threads::Alone => py.detach(guarded),
            Threads::Pool(pool) => py.detach(|| pool.install(guarded)),
        };
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(message)) => Err(PyValueError::new_err(message)),
            Err(panic) => Err(InternalError::new_err(panic)),
        }
    }
}

/// Runs a job on this many threads; see [`Threads`].
pub(crate) fn compute<T: Send, E: ToString>(
    py: Python<'_>,
    threads: Option<usize>,
    bodies: usize,
    job: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    Threads::of(threads, bodies)?.compute(py, job)
}

/// Makes the calling thread the only one of a pool, unless many other threads have one.
fn is_alone() -> bool {
    ALONE.with(|alone| {
        let pool = alone.get_or_init(|| {
            if COUNT_ALONE.fetch_add(1, Ordering::Relaxed) >= MOST_ALONE {
                return None;
            }
            ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().ok().map(ManuallyDrop::new)
        });
        pool.is_some()
    })
}

fn pool(threads: Option<usize>) -> PyResult<Arc<ThreadPool>> {
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pool) = pools.get(&threads) {
        return Ok(Arc::clone(pool));
    }
    let built = ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("heorot {i}")).build();
    let pool =
        Arc::new(built.map_err(|fault| PyRuntimeError::new_err(format!("{threads} threads: {fault}")))?);
    pools.insert(threads, Arc::clone(&pool));
    Ok(pool)
}

/// Forgets all pools. A process that was forked has none of their threads.
#[pyfunction]
pub(crate) fn after_fork() {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::forget(std::mem::take(&mut *pools));
}

/// Panics on a thread of a pool, to test what becomes of it.
#[pyfunction]
pub(crate) fn panic_for_tests(py: Python<'_>, bodies: usize) -> PyResult<()> {
    compute(py, None, bodies, || -> Result<(), String> { panic!("as asked") })
}

/// Fails if this many bytes are not available: a failed allocation would end the process.
pub(crate) fn expect_room(bytes: f64, what: &str) -> Result<(), String> {
    match io::memory() {
        Some(memory) if bytes > memory.available as f64 => {
            let gigabytes = |bytes: f64| bytes / 1e9;
            Err(format!(
                "{what}: needs {:.1} GB of memory, and {:.1} GB are available",
                gigabytes(bytes),
                gigabytes(memory.available as f64)
            ))
        }
        _ => Ok(()),
    }
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("a bug of heorot, please report it: {}", text.unwrap_or_else(|| "panic".to_owned()))
}
