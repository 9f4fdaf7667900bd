//! The threads that compute, without the lock of the interpreter.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::any::Any;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

pyo3::create_exception!(heorot, InternalError, PyRuntimeError, "A bug of heorot: please report the message.");

/// Up to so many bodies the calling thread computes alone: waking other threads would take longer.
pub const FEW: usize = 256;
/// More threads than this are a mistake.
const MOST_THREADS: usize = 4096;

/// Pools by their number of threads. They are kept, because starting threads takes longer than small evaluations.
static POOLS: Mutex<BTreeMap<usize, Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// A pool of the calling thread alone. It ends with the thread.
    static ALONE: OnceCell<Option<ManuallyDrop<ThreadPool>>> = const { OnceCell::new() };
}

/// Runs `job` on this many threads (`None`: all processors) without the lock of the interpreter. `bodies` says
/// whether the job is worth several threads. A panic becomes an [`InternalError`], an error a `ValueError`.
pub fn compute<T: Send, E: ToString>(
    py: Python<'_>,
    threads: Option<usize>,
    bodies: usize,
    job: impl FnOnce() -> Result<T, E> + Send,
) -> PyResult<T> {
    if let Some(threads) = threads.filter(|threads| !(1..=MOST_THREADS).contains(threads)) {
        return Err(PyValueError::new_err(format!("threads = {threads}: must be from 1 to {MOST_THREADS}")));
    }
    let guarded = move || {
        let result = catch_unwind(AssertUnwindSafe(job)).map_err(|panic| words(&*panic))?;
        Ok(result.map_err(|error| error.to_string()))
    };
    let result: Result<Result<T, String>, String> = if bodies <= FEW {
        py.detach(|| alone(guarded))
    } else {
        let pool = pool(threads)?;
        py.detach(|| pool.install(guarded))
    };
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(message)) => Err(PyValueError::new_err(message)),
        Err(panic) => Err(InternalError::new_err(panic)),
    }
}

/// Runs a job on the calling thread. It becomes the only thread of a pool, so that no other thread is woken.
fn alone<T>(job: impl FnOnce() -> T) -> T {
    ALONE.with(|alone| {
        alone.get_or_init(|| {
            ThreadPoolBuilder::new().num_threads(1).use_current_thread().build().ok().map(ManuallyDrop::new)
        });
    });
    job()
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
pub fn after_fork() {
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::forget(std::mem::take(&mut *pools));
}

/// Panics on a thread of a pool, to test what becomes of it.
#[pyfunction]
pub fn panic_for_tests(py: Python<'_>, bodies: usize) -> PyResult<()> {
    compute(py, None, bodies, || -> Result<(), String> { panic!("as asked") })
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    format!("a bug of heorot, please report it: {}", text.unwrap_or_else(|| "panic".to_owned()))
}
