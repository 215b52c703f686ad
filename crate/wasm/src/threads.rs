//! Threads for the CPU engine: workers that the page starts enter a pool of rayon's, whose work is in `moescope-model`.
//!
//! First every worker instantiates this module on the shared memory and calls [`enter_pool`], which does not return;
//! then the engine's own worker calls [`make_pool`] and is one of its threads. The other way round it would wait for
//! threads that a browser only starts when it does not wait.

use std::sync::{Condvar, Mutex, PoisonError};

use js_sys::Array;
use rayon::{ThreadBuilder, ThreadPoolBuilder};
use wasm_bindgen::prelude::*;

use crate::convert;

/// Threads that wait for a worker.
static WAITING: Mutex<Vec<ThreadBuilder>> = Mutex::new(Vec::new());
static CALLED: Condvar = Condvar::new();

/// `[module, memory]`, of which a worker makes its own instance.
#[wasm_bindgen]
pub fn shared_parts() -> Array {
    Array::of2(&wasm_bindgen::module(), &wasm_bindgen::memory())
}

/// Makes a pool of the caller and of the workers that have entered or are about to, one less than `n_threads`.
#[wasm_bindgen]
pub fn make_pool(n_threads: usize) -> Result<(), JsValue> {
    let pool = ThreadPoolBuilder::new().num_threads(n_threads);
    let pool = pool.use_current_thread();
    let pool = pool.spawn_handler(|thread| {
        WAITING
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(thread);
        CALLED.notify_one();
        Ok(())
    });
    let made = pool.build_global();
    made.map_err(|e| convert::js_error("engine_lost", &e.to_string()))
}

/// Works for the pool for ever.
#[wasm_bindgen]
pub fn enter_pool() {
    let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let called = CALLED.wait_while(waiting, |waiting| waiting.is_empty());
    let thread = called.unwrap_or_else(PoisonError::into_inner).pop();
    if let Some(thread) = thread {
        thread.run();
    }
}
